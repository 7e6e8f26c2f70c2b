"""A request to a rewrite host, decided in order.

Origin → session → gate → policy → jar → request fields → upstream → response fields,
Set-Cookie → commit → response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.cookies.jar import Received
from gateway.errors import GatewayError, UpstreamFault
from gateway.exchange import bodies, own, places, steps
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
from gateway.rewrite.media import DOCUMENT_DESTINATIONS, Asked, wants_document
from gateway.rewrite.pipeline import BodyPlan

if TYPE_CHECKING:
    from gateway.exchange.places import Placed
    from gateway.exchange.steps import Addressed, Step
    from gateway.session.reading import Reading

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
        placed = yield from places.settle(head, addressed, reading.session, context)
    except GatewayError as error:
        return refusal(error)
    try:
        ending = yield from _proxied(placed, addressed, reading, context)
        ending = yield from places.lead_on(ending, placed, addressed, context)
    except GatewayError as error:
        ending = refusal(error)
    return _with_fields(ending, steps.duplicate_expiry(reading, head, context))


def _comes_from_elsewhere(head: RequestHead, addressed: Addressed, context: Context) -> bool:
    """Whether an ``Origin`` says that no page of ours made the request."""
    given = headers.get(head.fields, b"origin")
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    return given not in {None, "null"} and isinstance(who, headers.Elsewhere)


def _proxied(
    placed: Placed, addressed: Addressed, reading: Reading, context: Context
) -> Step[Ending]:
    head = placed.head
    decision = _gate(head, addressed, reading, context)
    if not isinstance(decision, Decision):
        return decision
    yield from steps.remember(addressed, context)
    what = bodies.asked(head)
    conditional = head.method in _SAFE and what is not Asked.OTHER
    more = placed.inserts
    sends, stores = accesses = places.accesses(placed, addressed, context)
    while True:
        opened = yield from steps.read_jar(reading, addressed.origin, context)
        now = yield from steps.now()
        secure = steps.secure_instead(opened, addressed.origin, now)
        if secure is not None:
            return upgrade(head, attrs.evolve(addressed, origin=secure), context)
        asking = yield from places.interstitial(placed, opened, addressed, accesses, now, context)
        if asking is not None:
            return asking
        before, cookie = None, b""
        if opened is not None:
            cookie, opened = yield from steps.send_cookies(opened, addressed, sends, now, context)
            before = opened.jar
        puts = None
        if what is not Asked.OTHER:
            puts = bodies.inserted(what, addressed, before, stores, now, context, more)
        condition = bodies.condition(head, puts.tag) if conditional and puts is not None else None
        fields = headers.request_fields(
            head.fields,
            addressed.origin,
            context.codec,
            context.suffixes,
            cookie=cookie,
            edits_body=what is not Asked.OTHER,
            accept_encoding=bodies.accept_encoding(head),
            condition=condition,
        )
        answer = yield from _connect(head, addressed, decision, placed.upstream(fields))
        received = _received(answer)
        jar = yield from steps.receive_cookies(opened, received, addressed, stores, context)
        after = puts
        if puts is not None and not received.is_empty:
            after = bodies.inserted(what, addressed, jar, stores, now, context, more)
        if answer.status != 304 or condition is None or after == puts:
            break
        # The page is the same, but what the gateway puts into it changed with this answer.
        conditional = False
    return _respond(head, addressed, answer, after, context, what=what)


def _received(answer: UpstreamHead) -> Received:
    """What a response says to the jar."""
    return Received(
        tuple(headers.get_all(answer.fields, b"set-cookie")),
        headers.get(answer.fields, b"strict-transport-security"),
        clears=headers.clears_cookies(headers.get_all(answer.fields, b"clear-site-data")),
    )


def upgrade(head: RequestHead, addressed: Addressed, context: Context) -> Answer:
    """Lead a plain address to its secure twin, as a browser that knows the HSTS host does."""
    location = context.codec.collapse_origin(addressed.origin) + addressed.target.decode("latin-1")
    fields = [
        (b"Location", location.encode("latin-1")),
        (b"Cache-Control", b"private, no-store"),
        (b"Non-Authoritative-Reason", b"HSTS"),
        *headers.own_fields(),
    ]
    asking = headers.get(head.fields, b"origin")
    if asking is not None:
        # A browser's own upgrade passes CORS too; what the site allows is asked after it.
        fields += [
            (b"Access-Control-Allow-Origin", asking.encode("latin-1")),
            (b"Access-Control-Allow-Credentials", b"true"),
        ]
    return Answer(307, tuple(fields))


def _connect(
    head: RequestHead,
    addressed: Addressed,
    decision: Decision,
    fields: list[tuple[bytes, bytes]],
) -> Step[UpstreamHead]:
    answer = yield Connect(
        addressed.origin, decision.transport, head.method, addressed.target, tuple(fields)
    )
    if isinstance(answer, UpstreamFailed):
        raise answer.error
    if not isinstance(answer, UpstreamHead):
        raise TypeError(f"Connect was answered with {type(answer).__name__}")
    if not 200 <= answer.status <= 599:
        raise UpstreamFault(f"{addressed.origin}: status {answer.status}")
    return answer


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


def _etag(head: RequestHead, answer: UpstreamHead, puts: bodies.Inserted | None) -> bytes | None:
    if puts is None or head.method not in _SAFE:
        return None
    return bodies.etag_for(answer, puts.tag)


def _is_same_site(head: RequestHead, addressed: Addressed, context: Context) -> bool:
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    site = headers.sec_fetch_site(who, addressed.origin, context.suffixes)
    return site in {b"same-origin", b"same-site", b"none"}


def _respond(
    head: RequestHead,
    addressed: Addressed,
    answer: UpstreamHead,
    puts: bodies.Inserted | None,
    context: Context,
    *,
    what: Asked,
) -> Respond:
    plan = bodies.plan_for(head, addressed, answer, puts or bodies.Inserted(), context)
    unchanged = answer.status == 304 and puts is not None
    edited = plan.edits or unchanged
    mapping = headers.ResponseContext(
        addressed.origin,
        addressed.url,
        context.codec,
        by_script=headers.get(head.fields, b"sec-fetch-dest") == "empty",
        same_site=_is_same_site(head, addressed, context),
        edited=edited,
        private=edited and what is Asked.DOCUMENT,
        etag=_etag(head, answer, puts) if edited else None,
        coding=plan.coding_out if plan.edits else "identity",
        runtime=context.runtime(addressed.origin) if plan.kind.is_document else None,
    )
    fields = headers.response_fields(answer.fields, mapping)
    shows = answer.status not in bodies.BODYLESS and not 300 <= answer.status <= 399
    if what is Asked.DOCUMENT and shows and not plan.edits:
        # Without the runtime nobody would know whose page is shown: it may be seen, not act.
        fields.append((b"Content-Security-Policy", b"script-src 'none'"))
    if answer.length is not None and not plan.edits and answer.status not in bodies.BODYLESS:
        fields.append((b"Content-Length", b"%d" % answer.length))
    return Respond(
        answer.status, answer.reason, tuple(fields), BodyPlan() if head.method == b"HEAD" else plan
    )
