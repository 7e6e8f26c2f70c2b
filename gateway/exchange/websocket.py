"""A WebSocket handshake to a rewrite host, decided in order.

Origin → session → handshake → policy → jar → dial → the upstream's answer → commit →
accept or refuse.  Dialled first, answered after: subprotocol and refusal are real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import events
from gateway.errors import GatewayError
from gateway.exchange import steps
from gateway.exchange.messages import (
    Accept,
    ConnectSocket,
    Context,
    Ending,
    Exchange,
    Refuse,
    RequestHead,
    SocketOpened,
    SocketRefused,
    UpstreamFailed,
    refusal,
)
from gateway.policy.engine import Ask, Decision, Question
from gateway.websocket.handshake import (
    Offer,
    Unsound,
    judge_choice,
    origin_of,
    read_offer,
    upstream_extra_fields,
)

if TYPE_CHECKING:
    from gateway.exchange.steps import Addressed, Step


def websocket_exchange(head: RequestHead, context: Context) -> Exchange:
    """Decide one handshake, from its head to ``Accept`` or a refusal."""
    try:
        offer = read_offer(head.method, head.version, head.fields)
        if isinstance(offer, Unsound):
            return _unsound(offer)
        addressed = yield from steps.address(head, context)
        if steps.is_gateway_path(head.path):
            return Refuse(404, events.HANDSHAKE_INVALID, "There is no such WebSocket")
        return (yield from _dialled(head, addressed, offer, context))
    except GatewayError as error:
        return refusal(error)


def _unsound(unsound: Unsound) -> Refuse:
    title = "This is not a valid WebSocket request"
    return Refuse(unsound.status, unsound.event, title, unsound.reason, fields=unsound.fields)


def _dialled(
    head: RequestHead, addressed: Addressed, offer: Offer, context: Context
) -> Step[Ending]:
    reading = yield from steps.session(head, context)
    decision, page = _gate(head, addressed, context)
    if not isinstance(decision, Decision):
        return decision
    opened = yield from steps.read_jar(reading, addressed.origin, context)
    fields = upstream_extra_fields(head.fields)
    if opened is not None:
        now = yield from steps.now()
        cookie = opened[0].cookie_header(addressed.origin, addressed.path, now)
        if cookie:
            fields.append((b"Cookie", cookie))
    answer = yield ConnectSocket(
        addressed.origin,
        decision.transport,
        addressed.target,
        page,
        offer.subprotocols,
        tuple(fields),
    )
    if isinstance(answer, UpstreamFailed):
        return refusal(answer.error)
    if not isinstance(answer, SocketOpened | SocketRefused):
        raise TypeError(f"ConnectSocket was answered with {type(answer).__name__}")
    yield from steps.receive_cookies(opened, answer.set_cookies, addressed, context)
    expiry = tuple(steps.duplicate_expiry(reading, head, context))
    if isinstance(answer, SocketRefused):
        detail = f"the upstream answered {answer.status}"
        title = "The site refused the connection"
        return Refuse(answer.status, events.UPSTREAM_FAILED, title, detail, fields=expiry)
    wrong = judge_choice(offer, answer.subprotocol)
    if wrong is not None:
        return _unsound(wrong)
    return Accept(answer.subprotocol, expiry)


def _gate(
    head: RequestHead, addressed: Addressed, context: Context
) -> tuple[Decision | Ending, str | None]:
    """Origin and policy: the decision and the Origin that the upstream is to see."""
    text = origin_of(head.fields)
    page = None if isinstance(text, Unsound) else context.codec.expand_origin(text)
    native = page is None
    question = Question(
        addressed.origin,
        steps.normalised_path(addressed),
        Ask.ACCESS,
        websocket=True,
        page=page,
        native=native,
    )
    decision = steps.policy(question, context)
    if decision.allowed:
        if page is not None:
            return decision, str(page)
        return decision, text if isinstance(text, str) else None
    if isinstance(text, Unsound):
        return _unsound(text), None
    event = events.ORIGIN_DENIED if native else decision.event
    title = "This address is not open here"
    return (
        Refuse(403, event, title, decision.reason, decision.step, decision.rule),
        None,
    )
