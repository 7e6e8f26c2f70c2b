"""What was open when a WebSocket was accepted, asked again under another policy.

A reload leaves relays alone as long as the destination is still open over the same
transport; the question is the handshake's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.errors import GatewayError
from gateway.exchange import steps
from gateway.policy.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.exchange.messages import Context
    from gateway.exchange.steps import Addressed
    from gateway.origins import Origin
    from gateway.policy.authentication import Authentication
    from gateway.policy.engine import Question
    from gateway.policy.services import Service
    from gateway.policy.transport import TlsPolicy
    from gateway.session.login import Login


@attrs.frozen
class Asked:
    """The question that a handshake was accepted on, and the TLS that it was dialled under.

    ``login``: whose session it is in, where people sign in; ``rules``: what was asked of them.
    """

    question: Question
    addressed: Addressed = attrs.field(repr=False)
    tls: TlsPolicy
    login: Login | None = attrs.field(default=None, repr=False)
    rules: Authentication | None = attrs.field(default=None, repr=False)


@attrs.frozen
class AskedService:
    """What a handshake to a service was accepted on: the service as it was, and who asked."""

    service: Service
    page: Origin | None
    origin: str | None
    subprotocol: str | None = attrs.field(repr=False)
    login: Login | None = attrs.field(default=None, repr=False)
    rules: Authentication | None = attrs.field(default=None, repr=False)


Accepted = Asked | AskedService


@attrs.frozen
class Objection:
    """Why what was accepted is not open any more; ``step`` and ``rule`` as in a decision."""

    reason: str
    step: int
    rule: str = ""
    event: str = events.DESTINATION_DENIED


def sign_in_objection(
    asked: Accepted, context: Context, stands: Callable[[Login], bool]
) -> Objection | None:
    """Whether its person may still be here: after a password changed, or where none was asked for.

    A login's own end is no reload's business; new handshakes are asked about it.
    """
    rules = context.authentication
    if isinstance(asked, AskedService):
        now = context.services.named(asked.service.name)
        if now is None or not now.login:
            return None
    elif rules is not None and asked.question.native and rules.native_open:
        return None
    if rules is None:
        return None
    # Who was let in for another reason than a login would be again, by the same rules.
    fine = asked.rules == rules if asked.login is None else stands(asked.login)
    return None if fine else Objection("its sign-in stands no more", 0, "", events.LOGIN_REQUIRED)


def objection(asked: Accepted, context: Context) -> Objection | None:
    """Ask the engine again, or the service; None: it is as open as it was.

    TLS that was agreed on under other rules is not what the rules ask for now, whether they
    became stricter or not: there is no order among them that one could rely on.
    """
    if isinstance(asked, AskedService):
        return _service_objection(asked, context)
    try:
        decision = steps.policy_at(asked.question, asked.addressed, context)
    except GatewayError as error:
        return Objection(error.detail, 0)
    if not decision.allowed:
        return Objection(decision.reason, decision.step, decision.rule, decision.event)
    if asked.addressed.origin.secure and decision.transport.tls != asked.tls:
        reason = "the transport rules of the destination changed"
        return Objection(reason, decision.step, decision.rule, events.TRANSPORT_DENIED)
    return None


def _service_objection(asked: AskedService, context: Context) -> Objection | None:
    """What of a service makes its relays other ones: where it leads, and whom it is for."""
    old, now = asked.service, context.services.named(asked.service.name)
    if now is None:
        return Objection("the service was removed", Step.DESTINATION, old.rule)
    if (now.backend, now.host, now.path) != (old.backend, old.host, old.path):
        return Objection("the service leads elsewhere now", Step.DESTINATION, now.rule)
    if now.transport.tls != old.transport.tls:
        reason = "the transport of the service changed"
        return Objection(reason, Step.TRANSPORT, now.rule, events.TRANSPORT_DENIED)
    admitted = now.native if asked.origin is None else now.admits(asked.origin, asked.page)
    if not admitted:
        reason = "the service is not for this origin any more"
        return Objection(reason, Step.PAGE, now.rule, events.ORIGIN_DENIED)
    offer = () if asked.subprotocol is None else (asked.subprotocol,)
    if now.offered(offer) != offer or (now.required and not offer):
        reason = "the service does not allow its subprotocol any more"
        return Objection(reason, Step.SUBPROTOCOL, now.rule, events.SUBPROTOCOL_VIOLATION)
    return None
