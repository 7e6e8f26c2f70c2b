"""A WebSocket handshake to a rewrite host, decided in order.

Origin → session → handshake → policy → jar → dial → the upstream's answer → commit →
accept or refuse.  Dialled first, answered after: subprotocol and refusal are real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.cookies.jar import Received
from gateway.errors import GatewayError
from gateway.exchange import (
    admission,
    attesting,
    authentication,
    outgoing,
    script_cookies,
    steps,
)
from gateway.exchange.inspecting import Agreed
from gateway.exchange.messages import (
    Accept,
    Context,
    Ending,
    Exchange,
    Refuse,
    RequestHead,
    UpstreamFailed,
    refusal,
)
from gateway.exchange.needs import ConnectSocket, SocketOpened, SocketRefused
from gateway.exchange.standing import Asked
from gateway.origins import Origin, parse_origin
from gateway.policy.engine import Ask, Decision, Question
from gateway.session.reading import Reading
from gateway.websocket.handshake import (
    Offer,
    Unsound,
    judge_choice,
    origin_of,
    read_offer,
    upstream_extra_fields,
)

if TYPE_CHECKING:
    from gateway.exchange.inspecting import SubprotocolRule
    from gateway.exchange.script_cookies import Passing
    from gateway.exchange.steps import Addressed, Step
    from gateway.session.tokens import Fault


@attrs.frozen
class _Asker:
    """Who asks: the Origin as it came, and the page of ours that it names; None: no page."""

    origin: str | Unsound
    page: Origin | None

    @classmethod
    def of(cls, head: RequestHead, context: Context) -> _Asker:
        text = origin_of(head.fields)
        page = None if isinstance(text, Unsound) else context.codec.expand_origin(text)
        return cls(text, page)

    def told(self, context: Context) -> str | None:
        """The Origin that the upstream sees: the page's own, never one of the gateway's."""
        if self.page is not None:
            return str(self.page)
        found = parse_origin(self.origin) if isinstance(self.origin, str) else None
        if found is None or context.codec.is_own(found.host):
            return None
        return str(found)


def websocket_exchange(head: RequestHead, context: Context) -> Exchange:
    """Decide one handshake, from its head to ``Accept`` or a refusal."""
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return refused
    try:
        refused = yield from authentication.admit(head, context)
        if refused is not None:
            return refused
        offer = read_offer(head.method, head.version, head.fields)
        if isinstance(offer, Unsound):
            return unsound(offer)
        addressed = yield from steps.address(head, context)
        if steps.is_gateway_path(head.path):
            return Refuse(404, events.HANDSHAKE_INVALID, "There is no such WebSocket")
        reading = yield from steps.session(head, context)
        refused = yield from admission.admit_session(reading, context)
        if refused is not None:
            return refused
    except GatewayError as error:
        return refusal(error)
    fields = steps.duplicate_expiry(reading, head, context)
    try:
        # Not for a client that is no page of ours: it is served anonymously.
        asker = _Asker.of(head, context)
        who = Reading() if asker.page is None else reading
        passing = yield from script_cookies.take(head, addressed, who, context)
        ending = yield from _dialled(head, addressed, asker, offer, who, context, passing)
        fields += yield from passing.fields()
    except GatewayError as error:
        ending = refusal(error)
    if fields and isinstance(ending, Accept | Refuse):
        return attrs.evolve(ending, fields=(*ending.fields, *fields))
    return ending


def unsound(found: Unsound) -> Refuse:
    """The refusal of a handshake that breaks a rule of the protocol."""
    title = "This is not a valid WebSocket request"
    return Refuse(found.status, found.event, title, found.reason, fields=found.fields)


def answer_of(reply: object) -> SocketOpened | SocketRefused | UpstreamFailed:
    """What a dial came to; raises for a reply that is none."""
    if isinstance(reply, SocketOpened | SocketRefused | UpstreamFailed):
        return reply
    raise TypeError(f"a dial was answered with {type(reply).__name__}")


def judged(answer: SocketOpened | SocketRefused, offer: Offer) -> SocketOpened | Refuse:
    """An upstream's answer, or the refusal that it is or makes necessary."""
    if isinstance(answer, SocketRefused):
        detail = f"the upstream answered {answer.status}"
        title = "The site refused the connection"
        return Refuse(answer.status, events.UPSTREAM_FAILED, title, detail, fields=answer.fields)
    wrong = judge_choice(offer, answer.subprotocol)
    return answer if wrong is None else unsound(wrong)


def _dialled(
    head: RequestHead,
    addressed: Addressed,
    asker: _Asker,
    offer: Offer,
    reading: Reading,
    context: Context,
    passing: Passing,
) -> Step[Ending]:
    fault: Fault | None = None
    if asker.page is not None:  # else there is nothing that a token could change
        reading, fault = yield from attesting.token_step(head, reading, context)
    decision, question = _gate(asker, addressed, fault, context)
    if not isinstance(decision, Decision):
        return decision
    yield from steps.remember(addressed, context)
    # What came in an odd way counts for nobody.
    opened = passing.opened if reading.session is not None else None
    if opened is None:
        opened = yield from steps.read_jar(reading, addressed.origin, context)
    fields = [*upstream_extra_fields(head.fields), *outgoing.forwarded(head, context)]
    access = steps.access(head, addressed, context)
    if opened is not None:
        now = yield from steps.now()
        secure = steps.secure_instead(opened, addressed.origin, now)
        if secure is not None:
            # No redirect leads a handshake on: it is dialled as the browser would.
            addressed = attrs.evolve(addressed, origin=secure)
            decision, question = _gate(asker, addressed, fault, context)
            if not isinstance(decision, Decision):
                return decision
        cookie, opened = yield from steps.send_cookies(opened, addressed, access, now, context)
        passing.found(opened.jar, now)
        if cookie:
            fields.append((b"Cookie", cookie))
    refused = yield from admission.admit_destination(addressed.origin, context)
    if refused is not None:
        return refused
    reply = yield ConnectSocket(
        addressed.origin,
        decision.transport,
        addressed.target,
        asker.told(context),
        offer.subprotocols,
        tuple(fields),
        head.client,
        reading.session.pair if reading.session is not None else b"",
    )
    answer = answer_of(reply)
    if isinstance(answer, UpstreamFailed):
        return refusal(answer.error)
    received = Received(answer.set_cookies)
    passing.left((yield from steps.receive_cookies(opened, received, addressed, access, context)))
    choice = judged(answer, offer)
    if isinstance(choice, Refuse):
        return choice
    login = yield from authentication.signed_in(head, reading, context)
    asked = Asked(question, addressed, decision.transport.tls, login, context.authentication)
    agreed = Agreed(choice.subprotocol, question.page, question.target)
    rules = context.settings.subprotocols
    lacking = rules.lacking(agreed)
    if lacking is not None:
        return lacks(lacking)
    return Accept(choice.subprotocol, asked=asked, inspection=rules.inspection(agreed))


def lacks(rule: SubprotocolRule) -> Refuse:
    """The refusal of a connection that did not agree on what a rule asks for."""
    title = "This address is not open here"
    detail = f"subprotocol-rule {rule.where} asks for a subprotocol that was not agreed on"
    return Refuse(403, events.SUBPROTOCOL_VIOLATION, title, detail)


def _gate(
    asker: _Asker, addressed: Addressed, fault: Fault | None, context: Context
) -> tuple[Decision | Ending, Question]:
    """Origin and policy: the decision, and what was asked."""
    question = Question(
        addressed.origin,
        ask=Ask.ACCESS,
        websocket=True,
        page=asker.page,
        native=asker.page is None or fault is not None,
    )
    decision = steps.policy_at(question, addressed, context)
    if decision.allowed:
        return decision, question
    if isinstance(asker.origin, Unsound):
        return unsound(asker.origin), question
    if fault is not None:
        return attesting.refused(fault), question
    title = "This address is not open here"
    refused = Refuse(403, decision.event, title, decision.reason, decision.step, decision.rule)
    return refused, question
