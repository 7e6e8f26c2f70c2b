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
from gateway.policy.sites import SiteOptions, options_of
from gateway.policy.steps import Step, row
from gateway.policy.transport import Transport

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
    text and place.  ``site``: what the operator chose for the page's site.
    """

    allowed: bool
    step: Step
    reason: str
    rule: str = ""
    event: str = events.DESTINATION_DENIED
    transport: Transport = attrs.field(factory=Transport)
    site: SiteOptions = attrs.field(factory=SiteOptions)


def decide(question: Question, settings: Settings) -> Decision:
    """Answer one question (policy, "Destinations" and "Transport to the origin")."""
    origin, target = question.origin, question.target
    if question.own_host:
        return refused(Step.OWN_NAMES, question, OWN_NAME)
    if origin is not None and origin.port in BAD_PORTS:
        return refused(Step.PORT, question, bad_port(origin))
    never = never_opened(question, target)
    if never:
        return refused(Step.DESTINATION, question, never)
    rule = _deciding_rule(question, target, settings)
    if rule is None:
        return refused(Step.DESTINATION, question, nothing_opens(question, target))
    if origin is None or question.ask is Ask.INTENT:
        # The device connects, if anybody does: no transport of ours is asked about.
        return Decision(allowed=True, step=Step.DESTINATION, reason="open", rule=rule)
    transport = settings.transport_at(target)
    if not origin.secure and not transport.allow_insecure_http:
        return refused(Step.TRANSPORT, question, not_encrypted(origin), rule)
    return Decision(
        allowed=True,
        step=Step.TRANSPORT,
        reason="open",
        rule=rule,
        transport=transport,
        site=options_of(_page_of(question), settings.sites),
    )


def _page_of(question: Question) -> Origin | None:
    """Whose page the answer is, or becomes a part of."""
    navigates = question.ask is Ask.NAVIGATION
    return question.origin if navigates else question.page or question.origin


def refused(step: Step, question: Question, reason: str, rule: str = "") -> Decision:
    """A denial by a step."""
    return Decision(False, step, reason, rule, event_of(step, question))  # noqa: FBT003


def event_of(step: Step, question: Question) -> str:
    """The event of a denial: the step's own, or that of a stranger who asked."""
    if question.native and step is not Step.TRANSPORT:
        return events.ORIGIN_DENIED if question.websocket else events.NOT_OUR_PAGE
    return row(step).event


OWN_NAME = "the gateway's own names are never an upstream"


def bad_port(origin: Origin) -> str:
    """Why the port step refuses."""
    return f"port {origin.port} is on the bad-port list"


def never_opened(question: Question, target: Target) -> str:
    """Why no rule could open this; empty where one could."""
    if question.ask is Ask.INTENT:
        if not target.scheme:
            return "this is not a URL"
        return f"{target.scheme}: is never an intent" if target.scheme in intents.NEVER else ""
    return "this is not a web address" if question.origin is None else ""


def nothing_opens(question: Question, target: Target) -> str:
    """Why the destination step refuses where some rule could have opened it."""
    kind = KINDS[question.ask]
    if question.native:
        kind = "native access" if question.ask is not Ask.INTENT else f"native {kind}"
    return f"no {kind} rule opens {question.origin or f'{target.scheme}:'}"


def not_encrypted(origin: Origin) -> str:
    """Why the transport step refuses."""
    return f"{origin} is not encrypted and no access rule says allow-insecure-http"


KINDS = {
    Ask.NAVIGATION: "allow-navigation",
    Ask.ACCESS: "access",
    Ask.INTENT: "allow-intent",
}
"""Which table of the configuration opens what is asked."""


def rule_text(kind: str, rule: AccessRule | IntentRule | NavigationRule) -> str:
    """A rule as logs and explanations name it."""
    return f"{kind} {rule.pattern.text!r} {rule.where}".strip()


def _deciding_rule(question: Question, target: Target, settings: Settings) -> str | None:
    page = question.page
    if question.ask is Ask.INTENT:
        for link in () if question.native else settings.intents_at.at(target.host, target.path):
            if intents.opens(link.pattern, target) and from_matches(link, page):
                return rule_text("allow-intent", link)
        return None
    if not question.native:
        for navigation in settings.navigation_at.at(target.host, target.path):
            # It permits requests too, as Cordova's plugin does.
            if navigation.pattern.matches(target) and from_matches(navigation, page):
                return rule_text("allow-navigation", navigation)
    if question.native or question.ask is Ask.ACCESS:
        for rule in settings.access_at.at(target.host, target.path):
            if rule.native or not question.native:  # noqa: SIM102 (cheap questions come first)
                if rule.pattern.matches(target) and from_matches(rule, page):
                    return rule_text("access", rule)
    return None


def from_matches(rule: AccessRule | IntentRule | NavigationRule, page: Origin | None) -> bool:
    """Whether a rule is for the page that asks; one without ``from`` is for all."""
    if rule.page is None:
        return True
    return page is not None and rule.page.matches(Target(page.scheme, page.host, page.port))
