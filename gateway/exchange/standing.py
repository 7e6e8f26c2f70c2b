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

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.exchange.messages import Context
    from gateway.exchange.steps import Addressed
    from gateway.policy.authentication import Authentication
    from gateway.policy.engine import Question
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
class Objection:
    """Why what was accepted is not open any more; ``step`` and ``rule`` as in a decision."""

    reason: str
    step: int
    rule: str = ""
    event: str = events.DESTINATION_DENIED


def sign_in_objection(
    asked: Asked, context: Context, stands: Callable[[Login], bool]
) -> Objection | None:
    """Whether its person may still be here: after a password changed, or where none was asked for.

    A login's own end is no reload's business; new handshakes are asked about it.
    """
    rules = context.authentication
    if rules is None or (asked.question.native and rules.native_open):
        return None
    # Who was let in for another reason than a login would be again, by the same rules.
    fine = asked.rules == rules if asked.login is None else stands(asked.login)
    return None if fine else Objection("its sign-in stands no more", 0, "", events.LOGIN_REQUIRED)


def objection(asked: Asked, context: Context) -> Objection | None:
    """Ask the engine again; None: it is as open as it was.

    TLS that was agreed on under other rules is not what the rules ask for now, whether they
    became stricter or not: there is no order among them that one could rely on.
    """
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
