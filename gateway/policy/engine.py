"""The one engine: a question described by values in, a decision with its reason out.

HTTP, WebSocket and the fallback ask it with the same ``Question`` and get the same
``Decision``; no transport decides by itself.  It never raises.  ``decide`` is the quick
way through the steps of ``steps.TABLE``; ``walk`` takes them one by one and says why.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.policy import intents
from gateway.policy.addresses import BAD_PORTS
from gateway.policy.patterns import Target
from gateway.policy.steps import Step
from gateway.policy.transport import Transport, transport_for

if TYPE_CHECKING:
    from gateway.origins import Origin
    from gateway.policy.destinations import AccessRule, IntentRule, NavigationRule, Settings


class Ask(Enum):
    """Which kind of rule is asked.

    Of requests taken from Sec-Fetch-Mode and Sec-Fetch-Dest; without them a request counts
    as a navigation (interfaces, "Minimal configuration").  Intents are no requests: a link
    that would leave the gateway for the device.
    """

    NAVIGATION = "navigation"
    ACCESS = "access"
    INTENT = "intent"


@attrs.frozen
class Question:
    """One request, described: where to, what for, from which page.

    ``origin`` is None only for an intent that is no web URL; make those with ``intent``.
    ``page`` is the initiator's origin or None when it is not known (then rules with a
    ``from`` do not match).  ``native``: the client is no page of ours; then only
    ``access`` rules that say so count.  ``own_host``: the destination is a name of the
    gateway's, which the one who asks knows.
    """

    origin: Origin | None
    path: str = "/"
    ask: Ask = Ask.NAVIGATION
    websocket: bool = False
    page: Origin | None = None
    native: bool = False
    own_host: bool = False
    href: str = attrs.field(default="", repr=False)
    outside: Target | None = None

    @classmethod
    def intent(cls, url: str, page: Origin | None = None) -> Question:
        """The question whether a link may hand ``url``, whatever it is, to the device.

        ``href`` of the question is then the one spelling that may be performed.
        """
        read = intents.read_intent(url)
        return cls(
            read.origin,
            read.target.path,
            Ask.INTENT,
            page=page,
            href=read.href,
            outside=read.target,
        )

    @property
    def target(self) -> Target:
        """The destination as the pattern language sees it."""
        if self.outside is not None or self.origin is None:
            return self.outside or Target("", "", 0, "")
        scheme = self.origin.scheme
        if self.websocket:
            scheme = "wss" if self.origin.secure else "ws"
        return Target(scheme, self.origin.host, self.origin.port, self.path)


@attrs.frozen
class Decision:
    """Allowed or not, by which step and rule, over which transport.

    ``step`` is the one that decides, of ``steps.TABLE``.  ``rule`` is the deciding rule's
    text and place.
    """

    allowed: bool
    step: Step
    reason: str
    rule: str = ""
    event: str = events.DESTINATION_DENIED
    transport: Transport = attrs.field(factory=Transport)


def decide(question: Question, settings: Settings) -> Decision:
    """Answer one question (policy, "Destinations" and "Transport to the origin")."""
    origin, target = question.origin, question.target
    if question.own_host:
        reason = "the gateway's own names are never an upstream"
        return Decision(allowed=False, step=Step.OWN_NAMES, reason=reason)
    if origin is not None and origin.port in BAD_PORTS:
        reason = f"port {origin.port} is on the bad-port list"
        return Decision(allowed=False, step=Step.PORT, reason=reason)
    if question.ask is Ask.INTENT:
        return _decide_intent(question, target, settings)
    if origin is None:
        return Decision(allowed=False, step=Step.DESTINATION, reason="this is not a web address")
    rule = _deciding_rule(question, target, settings)
    if rule is None:
        kind = "allow-navigation" if question.ask is Ask.NAVIGATION else "access"
        if question.native:
            kind = "native access"
        reason = f"no {kind} rule opens {origin}"
        return Decision(allowed=False, step=Step.DESTINATION, reason=reason)
    # A transport belongs to a connection, not to a path.
    transport = transport_for(
        found for found in settings.access if found.pattern.matches_origin(target)
    )
    if not origin.secure and not transport.allow_insecure_http:
        return Decision(
            allowed=False,
            step=Step.TRANSPORT,
            reason=f"{origin} is not encrypted and no access rule says allow-insecure-http",
            rule=rule,
            event=events.TRANSPORT_DENIED,
        )
    return Decision(
        allowed=True,
        step=Step.TRANSPORT,
        reason="open",
        rule=rule,
        transport=transport,
    )


def _decide_intent(question: Question, target: Target, settings: Settings) -> Decision:
    """The device connects, if anybody does: no transport of ours is asked about."""
    if target.scheme in intents.NEVER or not target.scheme:
        reason = f"{target.scheme}: is never an intent" if target.scheme else "this is not a URL"
        return Decision(allowed=False, step=Step.DESTINATION, reason=reason)
    if not question.native:
        for rule in settings.intents:
            if intents.opens(rule.pattern, target) and from_matches(rule, question.page):
                text = f"allow-intent {rule.pattern.text!r} {rule.where}".strip()
                return Decision(allowed=True, step=Step.DESTINATION, reason="open", rule=text)
    what = question.origin or f"{target.scheme}:"
    reason = f"no allow-intent rule opens {what}"
    return Decision(allowed=False, step=Step.DESTINATION, reason=reason)


def _deciding_rule(question: Question, target: Target, settings: Settings) -> str | None:
    if not question.native:
        for navigation in settings.navigation:
            # It permits requests too, as Cordova's plugin does.
            if navigation.pattern.matches(target) and from_matches(navigation, question.page):
                return f"allow-navigation {navigation.pattern.text!r} {navigation.where}".strip()
    if question.native or question.ask is Ask.ACCESS:
        for rule in settings.access:
            if (
                (rule.native or not question.native)
                and rule.pattern.matches(target)
                and from_matches(rule, question.page)
            ):
                return f"access {rule.pattern.text!r} {rule.where}".strip()
    return None


def from_matches(rule: AccessRule | IntentRule | NavigationRule, page: Origin | None) -> bool:
    """Whether a rule is for the page that asks; one without ``from`` is for all."""
    if rule.page is None:
        return True
    return page is not None and rule.page.matches(Target(page.scheme, page.host, page.port))
