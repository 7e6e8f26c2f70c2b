"""The one engine: a question described by values in, a decision with its reason out.

HTTP, WebSocket and the fallback ask it with the same ``Question`` and get the same
``Decision``; no transport decides by itself.  It never raises.
"""

from __future__ import annotations

from enum import Enum

import attrs

from gateway import events
from gateway.origins import Origin
from gateway.policy.addresses import BAD_PORTS
from gateway.policy.destinations import AccessRule, Settings
from gateway.policy.patterns import Target
from gateway.policy.transport import Transport, transport_for


class Ask(Enum):
    """Which kind of rule is asked.

    Taken from Sec-Fetch-Mode and Sec-Fetch-Dest; without them a request counts as a
    navigation (interfaces, "Minimal configuration").
    """

    NAVIGATION = "navigation"
    ACCESS = "access"


@attrs.frozen
class Question:
    """One request, described: where to, what for, from which page.

    ``scheme`` is ``ws`` or ``wss`` for a WebSocket.  ``page`` is the initiator's origin
    or None when it is not known (then rules with a ``from`` do not match).  ``native``:
    the client is no page of ours; then only ``access`` rules that say so count.
    """

    origin: Origin
    path: str = "/"
    ask: Ask = Ask.NAVIGATION
    websocket: bool = False
    page: Origin | None = None
    native: bool = False
    own_host: bool = False

    @property
    def target(self) -> Target:
        """The destination as the pattern language sees it."""
        scheme = self.origin.scheme
        if self.websocket:
            scheme = "wss" if self.origin.secure else "ws"
        return Target(scheme, self.origin.host, self.origin.port, self.path)


@attrs.frozen
class Decision:
    """Allowed or not, by which step and rule, over which transport.

    ``step`` numbers the questions in the order in which they are asked: 1 own names,
    2 port, 3 destination, 4 transport.  ``rule`` is the deciding rule's text and place.
    """

    allowed: bool
    step: int
    reason: str
    rule: str = ""
    event: str = events.DESTINATION_DENIED
    transport: Transport = attrs.field(factory=Transport)


def decide(question: Question, settings: Settings) -> Decision:
    """Answer one question (policy, "Destinations" and "Transport to the origin")."""
    origin, target = question.origin, question.target
    if question.own_host:
        return Decision(
            allowed=False, step=1, reason="the gateway's own names are never an upstream"
        )
    if origin.port in BAD_PORTS:
        return Decision(allowed=False, step=2, reason=f"port {origin.port} is on the bad-port list")
    access = [rule for rule in settings.access if rule.pattern.matches(target)]
    usable = [rule for rule in access if _from_matches(rule, question.page)]
    rule = _deciding_rule(question, target, settings, usable)
    if rule is None:
        kind = "allow-navigation" if question.ask is Ask.NAVIGATION else "access"
        if question.native:
            kind = "native access"
        return Decision(allowed=False, step=3, reason=f"no {kind} rule opens {origin}")
    # A transport belongs to a connection, not to a path.
    transport = transport_for(
        found for found in settings.access if found.pattern.matches_origin(target)
    )
    if not origin.secure and not transport.allow_insecure_http:
        return Decision(
            allowed=False,
            step=4,
            reason=f"{origin} is not encrypted and no access rule says allow-insecure-http",
            rule=rule,
            event=events.TRANSPORT_DENIED,
        )
    return Decision(
        allowed=True,
        step=4,
        reason="open",
        rule=rule,
        transport=transport,
    )


def _deciding_rule(
    question: Question, target: Target, settings: Settings, usable: list[AccessRule]
) -> str | None:
    if not question.native:
        for navigation in settings.navigation:
            # It permits requests too, as Cordova's plugin does.
            if navigation.pattern.matches(target):
                return f"allow-navigation {navigation.pattern.text!r} {navigation.where}".strip()
    for rule in usable:
        if rule.native if question.native else question.ask is Ask.ACCESS:
            return f"access {rule.pattern.text!r} {rule.where}".strip()
    return None


def _from_matches(rule: AccessRule, page: Origin | None) -> bool:
    if rule.page is None:
        return True
    return page is not None and rule.page.matches(Target(page.scheme, page.host, page.port))
