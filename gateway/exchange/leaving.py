"""Leaving the gateway: whether a link may be handed to the device, and what says so.

The outer frame asks for each such link of a page and gets the one engine's answer; what
it then asks the person is its own affair.  Nothing is sent anywhere from here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.exchange import steps
from gateway.exchange.messages import Answer, Context, NeedBody, Note, RequestHead, ask
from gateway.origins import parse_origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.exchange.steps import Addressed, Step
    from gateway.origins import Origin
    from gateway.policy.engine import Question

MAX_URL = 8192
"""Characters of a link that may leave; what is longer tells a device more than a person sees."""


def endpoint(head: RequestHead, context: Context) -> Step[Answer]:
    """``POST /.gateway/leave`` with ``url`` and ``page``: whether a rule opens the link.

    The caller is the gateway's own page, which is checked before; ``page`` is the origin
    that the browser told it of the asking document.
    """
    del head
    body = yield from ask(NeedBody(), bytes)
    url, page = (_text(body, key) for key in ("url", "page"))
    href = ""
    if url and len(url) <= MAX_URL:
        asker = parse_origin(page)
        href, decision = steps.intent(url, asker, context)
        if not decision.allowed:
            scheme = href.partition(":")[0][:30]
            detail = f"a {scheme}: link of {asker or 'nobody'}: {decision.reason}"
            yield Note(decision.event, detail, decision.step, decision.rule)
            href = ""
    fields = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"))
    return Answer(200, fields, json.dumps({"open": bool(href), "url": href}).encode("ascii"))


def outside(question: Question, addressed: Addressed, context: Context) -> str:
    """The URL of a page that is not shown here and may be opened outside; empty if not."""
    href, decision = steps.intent(addressed.url, question.page, context)
    return href if decision.allowed and len(href) <= MAX_URL else ""


def opens(page: Origin, context: Context) -> Callable[[str], bool]:
    """What says of a page's links whether they may leave; for mode basic, where nobody asks."""

    def check(url: str) -> bool:
        return len(url) <= MAX_URL and steps.intent(url, page, context)[1].allowed

    return check


def _text(body: bytes, key: str) -> str:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    value = content.get(key) if isinstance(content, dict) else None
    return value if isinstance(value, str) else ""
