"""What a request was led over: redirects tell it on, since all hosts here are one site to browsers.

A page's request that comes back to its own site was, as far as a browser says, led over
hosts of the same site.  Where one of them was another site's, ``Location`` says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.origins import parse
from gateway.rewrite import headers
from gateway.rewrite.parameters import parameter, with_parameter

if TYPE_CHECKING:
    from gateway.exchange.messages import Answer, Context, RequestHead, Respond
    from gateway.exchange.steps import Addressed


def is_led(head: RequestHead) -> bool:
    """Whether a redirect of another site led here."""
    return parameter(head.target.decode("latin-1"), wire.LED_PARAMETER) is not None


def lead(
    head: RequestHead, addressed: Addressed, ending: Answer | Respond, context: Context
) -> Answer | Respond:
    """A redirect that leads a page's request back to its site tells what it is led over.

    Of navigations nothing is told: a page that shows may ask for more by its own address.
    """
    given = headers.get(ending.fields, b"location")
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    asks = headers.get(head.fields, b"sec-fetch-mode") not in {None, "navigate"}
    if given is None or not asks or not isinstance(who, headers.Page):
        return ending
    here = headers.sec_fetch_site(who, addressed.origin, context.suffixes)
    if here != b"cross-site" and not is_led(head):
        return ending
    found = parse(given, f"https://{head.host}/")
    there = None if found is None else context.codec.expand_origin(str(found[0]))
    if there is None or headers.sec_fetch_site(who, there, context.suffixes) == b"cross-site":
        return ending
    led = with_parameter(given, wire.LED_PARAMETER, "1").encode("latin-1")
    fields = [(key, led if key.lower() == b"location" else one) for key, one in ending.fields]
    return attrs.evolve(ending, fields=tuple(fields))
