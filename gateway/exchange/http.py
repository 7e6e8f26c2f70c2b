"""A request to a rewrite host, decided in order.

Origin → session → gate → policy → jar → request fields → upstream → response fields,
Set-Cookie → commit → response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events, wire
from gateway.errors import GatewayError, UpstreamFault
from gateway.exchange import own, steps
from gateway.exchange.messages import (
    Answer,
    Connect,
    Context,
    Ending,
    Exchange,
    Refuse,
    RequestHead,
    Respond,
    UpstreamFailed,
    UpstreamHead,
    refusal,
)
from gateway.policy.engine import Ask, Decision, Question
from gateway.rewrite import headers
from gateway.rewrite.coding import ACCEPTED, accepts_gzip, decoder_for
from gateway.rewrite.html import payload_markup
from gateway.rewrite.media import (
    DOCUMENT_DESTINATIONS,
    DOCUMENT_TYPES,
    is_ascii_compatible,
    media_type,
    wants_document,
)
from gateway.rewrite.pipeline import BodyPlan

if TYPE_CHECKING:
    from gateway.cookies.jar import Jar
    from gateway.exchange.steps import Addressed, Step
    from gateway.session.reading import Reading

_BODYLESS = frozenset({204, 205, 304})
_SAFE = frozenset({b"GET", b"HEAD"})
_NEVER = frozenset({b"CONNECT", b"TRACE", b"TRACK"})


def http_exchange(head: RequestHead, context: Context) -> Exchange:
    """Decide one request to a rewrite host, from its head to its ending."""
    try:
        addressed = yield from steps.address(head, context)
        if steps.is_gateway_path(head.path):
            return (yield from own.on_rewrite_host(head, context))
        reading = yield from steps.session(head, context)
        if _comes_from_elsewhere(head, addressed, context):
            # Another web site may ask, but never with the person's jar.
            reading = attrs.evolve(reading, session=None)
    except GatewayError as error:
        return refusal(error)
    try:
        ending = yield from _proxied(head, addressed, reading, context)
    except GatewayError as error:
        ending = refusal(error)
    return _with_fields(ending, steps.duplicate_expiry(reading, head, context))


def _comes_from_elsewhere(head: RequestHead, addressed: Addressed, context: Context) -> bool:
    """Whether an ``Origin`` says that no page of ours made the request."""
    given = headers.get(head.fields, b"origin")
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    return given not in {None, "null"} and isinstance(who, headers.Elsewhere)


def _proxied(
    head: RequestHead, addressed: Addressed, reading: Reading, context: Context
) -> Step[Ending]:
    decision = _gate(head, addressed, reading, context)
    if not isinstance(decision, Decision):
        return decision
    yield from steps.remember(addressed, context)
    opened = yield from steps.read_jar(reading, addressed.origin, context)
    now = yield from steps.now()
    cookie = b""
    if opened is not None:
        cookie = opened[0].cookie_header(addressed.origin, addressed.path, now)
    document = _navigates(head)
    fields = headers.request_fields(
        head.fields,
        addressed.origin,
        context.codec,
        context.suffixes,
        cookie=cookie,
        edits_body=document,
        accept_encoding=_offered(head),
    )
    answer = yield Connect(
        addressed.origin, decision.transport, head.method, addressed.target, tuple(fields)
    )
    if isinstance(answer, UpstreamFailed):
        return refusal(answer.error)
    if not isinstance(answer, UpstreamHead):
        raise TypeError(f"Connect was answered with {type(answer).__name__}")
    if not 200 <= answer.status <= 599:
        raise UpstreamFault(f"{addressed.origin}: status {answer.status}")
    set_cookies = headers.get_all(answer.fields, b"set-cookie")
    jar = yield from steps.receive_cookies(opened, set_cookies, addressed, context)
    return _respond(head, addressed, answer, jar, now, context, document=document)


def _offered(head: RequestHead) -> bytes:
    """Codings that can be read here, and by the client too if the body stays as it is."""
    if accepts_gzip(headers.get(head.fields, b"accept-encoding")):
        return ACCEPTED.encode("ascii")
    return b"identity"


def _with_fields(ending: Ending, fields: list[tuple[bytes, bytes]]) -> Ending:
    if fields and isinstance(ending, Respond | Answer | Refuse):
        return attrs.evolve(ending, fields=(*ending.fields, *fields))
    return ending


def _gate(
    head: RequestHead, addressed: Addressed, reading: Reading, context: Context
) -> Decision | Ending:
    """Gate and policy steps: the decision if the request may go on, else its ending.

    A document at the top is bounced into the outer frame; a client that is no page of
    ours is served only where a rule says ``native`` (protocols, section 8).
    """
    if head.method in _NEVER:
        return Refuse(405, events.HANDSHAKE_INVALID, "This is not how a page is asked for")
    if _is_at_the_top(head, reading, context):
        if head.method in _SAFE:
            return bounce(addressed, context)
        return Refuse(403, events.NOT_OUR_PAGE, "This page can only be shown inside the gateway")
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    native = reading.session is None and not headers.is_page_of_ours(head.fields, context.codec)
    question = Question(
        addressed.origin,
        ask=_ask(head),
        page=who.origin if isinstance(who, headers.Page) else None,
        native=native,
    )
    decision = steps.policy_at(question, addressed, context)
    if decision.allowed:
        return decision
    if native and head.method in _SAFE and _navigates(head):
        return bounce(addressed, context)
    return Refuse(
        403,
        events.NOT_OUR_PAGE if native else decision.event,
        "This address is not open here",
        decision.reason,
        decision.step,
        decision.rule,
    )


def _is_at_the_top(head: RequestHead, reading: Reading, context: Context) -> bool:
    """Whether a document is loaded outside the outer frame.

    Browsers without Fetch Metadata do not say; there a person's document request that no
    page of ours made is taken for one.
    """
    destination = headers.get(head.fields, b"sec-fetch-dest")
    if destination is None and headers.get(head.fields, b"sec-fetch-mode") is None:
        unasked = not headers.is_page_of_ours(head.fields, context.codec)
        return reading.session is not None and _navigates(head) and unasked
    return destination == "document"


def bounce(addressed: Addressed, context: Context) -> Answer:
    """Send a document into the outer frame, its URL kept in the fragment."""
    location = f"{context.codec.secure_origin}/#{addressed.url}"
    fields = (
        (b"Location", location.encode("latin-1")),
        (b"Cache-Control", b"no-store"),
        (b"Vary", b"Sec-Fetch-Dest, Cookie"),
    )
    return Answer(302, fields)


def _ask(head: RequestHead) -> Ask:
    mode = headers.get(head.fields, b"sec-fetch-mode")
    destination = headers.get(head.fields, b"sec-fetch-dest")
    if mode is None and destination is None:
        return Ask.NAVIGATION
    if mode == "navigate" or destination in DOCUMENT_DESTINATIONS:
        return Ask.NAVIGATION
    return Ask.ACCESS


def _navigates(head: RequestHead) -> bool:
    """Whether a document or frame is asked for: such an answer may be edited."""
    return wants_document(
        headers.get(head.fields, b"sec-fetch-dest"),
        headers.get(head.fields, b"sec-fetch-mode"),
        headers.get(head.fields, b"accept"),
    )


def _respond(
    head: RequestHead,
    addressed: Addressed,
    answer: UpstreamHead,
    jar: Jar | None,
    now: int,
    context: Context,
    *,
    document: bool,
) -> Respond:
    plan = BodyPlan()
    if document and _is_editable(answer):
        plan = BodyPlan(
            markup=_markup(addressed, jar, now, context),
            coding=headers.get(answer.fields, b"content-encoding"),
            gzip_out=accepts_gzip(headers.get(head.fields, b"accept-encoding")),
            xml=media_type(headers.get(answer.fields, b"content-type")) != "text/html",
            ratio=context.settings.expansion_ratio,
        )
    mapping = headers.ResponseContext(
        addressed.origin,
        addressed.url,
        context.codec,
        by_script=headers.get(head.fields, b"sec-fetch-dest") == "empty",
        edited=plan.edits,
        gzip_out=plan.gzip_out,
        runtime=context.runtime(addressed.origin) if plan.edits else None,
    )
    fields = headers.response_fields(answer.fields, mapping)
    shows = answer.status not in _BODYLESS and not 300 <= answer.status <= 399
    if document and shows and not plan.edits:
        # Without the runtime nobody would know whose page is shown: it may be seen, not act.
        fields.append((b"Content-Security-Policy", b"script-src 'none'"))
    if answer.length is not None and not plan.edits and answer.status not in _BODYLESS:
        fields.append((b"Content-Length", b"%d" % answer.length))
    return Respond(answer.status, answer.reason, tuple(fields), plan)


def _is_editable(answer: UpstreamHead) -> bool:
    disposition = headers.get(answer.fields, b"content-disposition") or ""
    return (
        answer.status not in _BODYLESS
        and answer.status != 206
        and media_type(headers.get(answer.fields, b"content-type")) in DOCUMENT_TYPES
        and not disposition.strip().lower().startswith("attachment")
        and is_ascii_compatible(headers.get(answer.fields, b"content-type"))
        and decoder_for(headers.get(answer.fields, b"content-encoding"), 1) is not None
    )


def _markup(addressed: Addressed, jar: Jar | None, now: int, context: Context) -> bytes:
    cookies = b""
    if jar is not None:
        cookies = jar.script_view(addressed.origin, addressed.path, now)
    codec = context.codec
    payload = {
        "v": 1,
        "origin": str(addressed.origin),
        "cookie": cookies.decode("utf-8", "replace"),
        "suffix": codec.suffix,
        "port": codec.public_port,
        "secure": codec.secure_origin,
    }
    return payload_markup(
        payload, wire.PAYLOAD_ELEMENT_ID, context.runtime_path, context.runtime_digest
    )
