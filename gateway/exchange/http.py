"""A request to a rewrite host, decided in order.

Client → login → origin → session → script cookies → place → token → gate → policy → jar →
request fields → upstream → response fields, Set-Cookie → commit → response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events, wire
from gateway.cookies.jar import Received
from gateway.errors import GatewayError, UpstreamFault
from gateway.exchange import (
    admission,
    along,
    attesting,
    authentication,
    bodies,
    leaving,
    mixed,
    outgoing,
    own,
    places,
    reports,
    script_cookies,
    steps,
    unreached,
    within,
)
from gateway.exchange.messages import (
    RETRIEVES,
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
from gateway.policy.sites import site_options
from gateway.rewrite import csp, headers
from gateway.rewrite.media import DOCUMENT_DESTINATIONS, Asked
from gateway.rewrite.pipeline import BodyPlan
from gateway.session.endpoints import Layer

if TYPE_CHECKING:
    from gateway.exchange.places import Placed
    from gateway.exchange.script_cookies import Passing
    from gateway.exchange.steps import Addressed, Step
    from gateway.session.reading import Reading
    from gateway.session.tokens import Fault

_COOKIES = wire.COOKIES_PATH.encode("ascii")
_WITHOUT_JAR = tuple(one.encode("ascii") for one in (wire.ASSET_PATH, wire.LABEL_PATH))
"""What may be kept by caches: no cookie is set or expired by it."""
_NEVER = frozenset({b"CONNECT", b"TRACE", b"TRACK"})


def http_exchange(head: RequestHead, context: Context) -> Exchange:
    """Decide one request to a rewrite host, from its head to its ending."""
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return refused
    try:
        refused = yield from authentication.admit(head, context)
        if refused is not None:
            return refused
        addressed = yield from steps.address(head, context)
        own_path = steps.is_gateway_path(head.path)
        if own_path and head.path.startswith(_WITHOUT_JAR):
            return (yield from own.on_rewrite_host(head, context))
        reading = yield from steps.session(head, context)
        refused = yield from admission.admit_session(reading, context)
        if refused is not None:
            return refused
        if _comes_from_elsewhere(head, addressed, context):
            # Another web site may ask, but never with the person's jar.
            reading = attrs.evolve(reading, session=None)
    except GatewayError as error:
        return refusal(error)
    fields = steps.duplicate_expiry(reading, head, context)
    try:
        if head.path == _COOKIES:
            ending, passing = yield from script_cookies.endpoint(head, addressed, reading, context)
        else:
            passing = yield from script_cookies.take(head, addressed, reading, context)
            if own_path:
                ending = yield from own.on_rewrite_host(head, context)
            else:
                placed = yield from places.settle(head, addressed, reading.session, context)
                ending = yield from _proxied(placed, addressed, reading, context, passing)
                ending = yield from places.lead_on(ending, placed, addressed, context)
        if reading.session is not None and reading.session.is_basic:
            # No script is to be told, and a text browser would keep the value in the clear.
            passing.origin = None
        fields += yield from passing.fields()
    except GatewayError as error:
        ending = unreached.ending(error, head)
    return _with_fields(ending, fields)


def _comes_from_elsewhere(head: RequestHead, addressed: Addressed, context: Context) -> bool:
    """Whether an ``Origin`` says that no page of ours made the request."""
    given = headers.get(head.fields, b"origin")
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    return given not in {None, "null"} and isinstance(who, headers.Elsewhere)


def _proxied(
    placed: Placed,
    addressed: Addressed,
    reading: Reading,
    context: Context,
    passing: Passing,
) -> Step[Ending]:
    head = placed.head
    reading, fault = yield from attesting.token_step(head, reading, context)
    if fault is None:
        head = attesting.as_its_page(head, reading, context)
        placed = attrs.evolve(placed, head=head)
    outside = reading.session is None and not (yield from within.is_ours(head, reading, context))
    decision = _gate(head, addressed, reading, fault, context, outside=outside)
    if not isinstance(decision, Decision):
        return decision
    yield from steps.remember(addressed, context)
    context = context.for_site(site_options(decision))
    what = bodies.asked(head, addressed, context)
    conditional = head.method in RETRIEVES and what.is_edited
    basic = reading.session is not None and reading.session.is_basic
    more = placed.inserts
    sends, stores = accesses = places.accesses(placed, addressed, context)
    # What came in an odd way counts for nobody.
    opened = passing.opened if reading.session is not None else None
    while True:
        if opened is None:
            opened = yield from steps.read_jar(reading, addressed.origin, context)
        now = yield from steps.now()
        secured = _secured(head, addressed, opened, now, context)
        if secured is not None:
            return (yield from _keep_token(head, reading, secured, context))
        asking = yield from places.interstitial(placed, opened, addressed, accesses, now, context)
        if asking is not None:
            return asking
        cookie, attested = b"", None
        if opened is not None:
            cookie, opened = yield from steps.send_cookies(opened, addressed, sends, now, context)
            passing.found(opened.jar, now)
        if what is Asked.DOCUMENT:
            attested = yield from attesting.attested(
                reading, addressed.origin, now, context, unasked=within.is_unasked(head, reading)
            )
        puts = None
        if what.is_edited:
            puts = bodies.inserted(
                what, addressed, opened, stores, now, context, reading.session, attested, more
            )
        condition = bodies.condition(head, puts.tag) if conditional and puts is not None else None
        fields = headers.request_fields(
            head.fields,
            addressed.origin,
            context.codec,
            context.suffixes,
            cookie=cookie,
            edits_body=what.is_edited or basic,
            accept_encoding=bodies.accept_encoding(head),
            condition=condition,
            maps=outgoing.maps_back(addressed.origin, context),
            led=along.is_led(head),
        )
        fields += outgoing.forwarded(head, context)
        refused = yield from admission.admit_destination(addressed.origin, context)
        if refused is not None:
            return refused
        answer = yield from _connect(
            Connect(
                addressed.origin,
                decision.transport,
                head.method,
                addressed.target,
                tuple(placed.upstream(fields)),
                outgoing.body_for(head, addressed.origin, context),
                None if basic else bodies.early_hints(head, addressed, context),
            )
        )
        received = _received(answer)
        left = yield from steps.receive_cookies(opened, received, addressed, stores, context)
        unchanged = answer.status == 304 and condition is not None
        passing.left(left, unchanged=unchanged)
        after = puts
        if puts is not None and not received.is_empty:
            after = bodies.inserted(
                what, addressed, left, stores, now, context, reading.session, attested, more
            )
        if not unchanged or puts is None or after is None or after.tag == puts.tag:
            break
        # The page is the same, but what the gateway puts into it changed with this answer.
        conditional, opened = False, None
    ending = along.lead(
        head,
        addressed,
        _respond(head, addressed, answer, after, context, what=what, basic=basic),
        context,
    )
    return (yield from _keep_token(head, reading, ending, context))


def _secured(
    head: RequestHead, addressed: Addressed, opened: steps.Opened | None, now: int, context: Context
) -> Answer | Refuse | None:
    """Where the encrypted host is to be asked instead, what leads there or says that none is."""
    by_hsts = steps.secure_instead(opened, addressed.origin, now)
    secure = by_hsts or mixed.upgraded(head, addressed, context)
    if secure is None or isinstance(secure, Refuse):
        return secure
    return upgrade(head, attrs.evolve(addressed, origin=secure), context)


def _keep_token(
    head: RequestHead, reading: Reading, ending: Answer | Respond | Refuse, context: Context
) -> Step[Ending]:
    """A redirect that keeps the method leads on with a fresh token."""
    fields = []
    for name, value in ending.fields:
        if name.lower() == b"location":
            value = yield from attesting.renewed_location(  # noqa: PLW2901
                head, reading, ending.status, value, context
            )
        fields.append((name, value))
    return attrs.evolve(ending, fields=tuple(fields))


def _received(answer: UpstreamHead) -> Received:
    """What a response says to the jar."""
    return Received(
        tuple(headers.get_all(answer.fields, b"set-cookie")),
        headers.get(answer.fields, b"strict-transport-security"),
        clears=headers.clears_cookies(headers.get_all(answer.fields, b"clear-site-data")),
    )


def upgrade(head: RequestHead, addressed: Addressed, context: Context) -> Answer:
    """Lead a plain address to its secure twin, as a browser does by HSTS or for a secure page."""
    # With the long form of an origin whose label is a digest: the next request is another process's.
    location = context.codec.collapse_url(addressed.url)
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


def _connect(need: Connect) -> Step[UpstreamHead]:
    answer = yield need
    if isinstance(answer, UpstreamFailed):
        raise answer.error
    if not isinstance(answer, UpstreamHead):
        raise TypeError(f"Connect was answered with {type(answer).__name__}")
    if not 200 <= answer.status <= 999:  # above 599 there is no meaning, but there are pages
        raise UpstreamFault(f"{need.origin}: status {answer.status}")
    return answer


def _with_fields(ending: Ending, fields: list[tuple[bytes, bytes]]) -> Ending:
    if fields and isinstance(ending, Respond | Answer | Refuse):
        return attrs.evolve(ending, fields=(*ending.fields, *fields))
    return ending


def _gate(
    head: RequestHead,
    addressed: Addressed,
    reading: Reading,
    fault: Fault | None,
    context: Context,
    *,
    outside: bool,
) -> Decision | Ending:
    """Gate and policy steps: the decision if the request may go on, else its ending.

    A document at the top is bounced into the outer frame; a client that is no page of
    ours is served only where a rule says ``native`` (protocols, section 8).
    """
    if head.method in _NEVER:
        return Refuse(405, events.HANDSHAKE_INVALID, "This is not how a page is asked for")
    if _is_at_the_top(head, reading, context):
        if head.method in RETRIEVES:
            return bounce(addressed, context)
        return Refuse(403, events.NOT_OUR_PAGE, "This page can only be shown inside the gateway")
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    native = outside or fault is not None
    question = Question(
        addressed.origin,
        ask=_ask(head),
        page=who.origin if isinstance(who, headers.Page) else None,
        native=native,
    )
    decision = steps.policy_at(question, addressed, context)
    if decision.allowed:
        return decision
    if native and head.method in RETRIEVES and steps.wants_document(head):
        return bounce(addressed, context)
    if fault is not None and (reading.has_ick or not outside):
        return attesting.refused(fault)
    elsewhere = ""
    if not native and question.ask is Ask.NAVIGATION and steps.wants_document(head):
        elsewhere = leaving.outside(question, addressed, context)
    title = "This page is outside the gateway" if elsewhere else "This address is not open here"
    return Refuse(
        403,
        decision.event,
        title,
        decision.reason,
        decision.step,
        decision.rule,
        outside=elsewhere,
        site=str(addressed.origin) if steps.wants_document(head) else "",
    )


def _is_at_the_top(head: RequestHead, reading: Reading, context: Context) -> bool:
    """Whether a document is loaded outside the outer frame.

    Browsers without Fetch Metadata do not say; there a person's document request that no
    page of ours made is taken for one.  In mode basic pages are shown there; where script
    runs, the gateway's own leads them into the outer frame.
    """
    if reading.session is not None and reading.session.is_basic:
        return False
    destination = headers.get(head.fields, b"sec-fetch-dest")
    if destination is None and headers.get(head.fields, b"sec-fetch-mode") is None:
        unasked = not headers.is_page_of_ours(head.fields, context.codec)
        return reading.session is not None and steps.wants_document(head) and unasked
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


def _etag(head: RequestHead, answer: UpstreamHead, puts: bodies.Inserted | None) -> bytes | None:
    if puts is None or head.method not in RETRIEVES:
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
    basic: bool,
) -> Respond:
    puts_in = puts or bodies.Inserted()
    plan = bodies.plan_for(head, addressed, answer, puts_in, context, basic=basic)
    unchanged = answer.status == 304 and puts is not None
    edited = plan.edits or unchanged
    mapping = headers.ResponseContext(
        addressed.origin,
        addressed.url,
        context.codec,
        by_script=headers.get(head.fields, b"sec-fetch-dest") == "empty",
        same_site=_is_same_site(head, addressed, context),
        redirects=300 <= answer.status <= 399,
        edited=edited,
        private=edited and what is Asked.DOCUMENT,
        etag=_etag(head, answer, puts) if edited else None,
        coding=plan.coding_out if plan.edits else "identity",
        runtime=context.runtime_in(plan.kind, addressed.origin),
        reporting=reports.reporting(Layer.SITE, addressed, context),
        # Whatever it was asked for: a site's service worker may show it as a document.
        operator=reports.operator_policies(addressed, context),
        operator_reporting=reports.reporting(Layer.OPERATOR, addressed, context),
    )
    fields = headers.response_fields(answer.fields, mapping)
    fields += bodies.varies(head, addressed, context)
    shows = answer.status not in bodies.BODYLESS and not 300 <= answer.status <= 399
    if what is Asked.DOCUMENT and shows and not plan.kind.is_document:
        # Without the runtime nobody would know whose page is shown: it may be seen, not act.
        fields.append((b"Content-Security-Policy", csp.shown(context.codec, plan.kind)))
    if basic:
        # What the rewriter overlooked finds no script that it may run.
        given = headers.get_all(fields, b"content-security-policy")
        policies = csp.basic_policies(given, context.runtime(addressed.origin))
        fields = [one for one in fields if one[0].lower() != b"content-security-policy"]
        fields += [(b"Content-Security-Policy", policy) for policy in policies]
    if answer.length is not None and not plan.edits and answer.status not in bodies.BODYLESS:
        fields.append((b"Content-Length", b"%d" % answer.length))
    # A range that was the whole is none any more once it is edited.
    status, reason = (
        (200, b"OK") if plan.edits and answer.status == 206 else (answer.status, answer.reason)
    )
    return Respond(status, reason, tuple(fields), BodyPlan() if head.method == b"HEAD" else plan)
