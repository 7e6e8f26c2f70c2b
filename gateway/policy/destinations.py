"""The allow-list rules, and the Settings that ``ops.config`` fills.

``allow-navigation`` says what may be shown in a frame, ``access`` what a page's
requests may reach, ``allow-intent`` what a link may hand to the device (seed 001).  No
rule: nothing is open.  ``page`` (``from``) on any of them: only for pages that match.  ``reverse_map`` is about the site, whoever
asks: false on any rule that opens it leaves what pages send to it as it is.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import attrs

from gateway.policy.addresses import AddressSettings
from gateway.policy.index import ByHost
from gateway.policy.patterns import Pattern, Target
from gateway.policy.transport import Transport, transport_for

if TYPE_CHECKING:
    from gateway.policy.sites import SiteRule
    from gateway.policy.transport import ClientIdentity, Trust


@attrs.frozen
class NavigationRule:
    """``[[allow-navigation]]``; ``where`` is file and line for explanations."""

    pattern: Pattern
    where: str = ""
    page: Pattern | None = None
    reverse_map: bool = True


@attrs.frozen
class IntentRule:
    """``[[allow-intent]]``; the pattern is one of ``intents.parse_intent``."""

    pattern: Pattern
    where: str = ""
    page: Pattern | None = None


@attrs.frozen
class AccessRule:
    """``[[access]]`` with Cordova's and ATS's attributes.

    ``page`` (``from``): only for pages that match.  ``native``: also for clients that
    are no page of ours, anonymously.  The others are about connections to the origin, whoever
    asks (``policy.transport``); None: the rule does not speak about it.
    """

    pattern: Pattern
    page: Pattern | None = None
    native: bool = False
    minimum_tls: str | None = None
    forward_secrecy: bool | None = None
    allow_insecure_http: bool | None = None
    where: str = ""
    certificate_strength: bool | None = None
    trust: Trust | None = None
    client: ClientIdentity | None = None
    reverse_map: bool = True
    websocket_idle_seconds: int | None = None


@attrs.frozen
class Settings:
    """All of the policy; immutable, swapped whole on a reload."""

    navigation: tuple[NavigationRule, ...] = ()
    access: tuple[AccessRule, ...] = ()
    addresses: AddressSettings = attrs.field(factory=AddressSettings)
    intents: tuple[IntentRule, ...] = ()
    sites: tuple[SiteRule, ...] = ()

    @cached_property
    def navigation_at(self) -> ByHost[NavigationRule]:
        """``navigation`` by host."""
        return ByHost(self.navigation)

    @cached_property
    def access_at(self) -> ByHost[AccessRule]:
        """``access`` by host."""
        return ByHost(self.access)

    @cached_property
    def intents_at(self) -> ByHost[IntentRule]:
        """``intents`` by host."""
        return ByHost(self.intents)

    def prepared(self) -> Settings:
        """The same, what is found by host built now: where that takes nobody's time."""
        _ = (self.navigation_at, self.access_at, self.intents_at)
        return self

    def maps_back(self, target: Target) -> bool:
        """Whether collapsed addresses in what is sent to an origin are expanded."""
        rules: list[NavigationRule | AccessRule] = [*self.navigation_at.at(target.host)]
        rules += self.access_at.at(target.host)
        return all(rule.reverse_map or not rule.pattern.matches_origin(target) for rule in rules)

    @cached_property
    def _transports(self) -> dict[tuple[str, str, int], Transport]:
        return {}

    def transport_at(self, target: Target) -> Transport:
        """What a connection to an origin must offer; it belongs to no path."""
        key = (target.scheme, target.host, target.port)
        found = self._transports.get(key)
        if found is None:
            rules = self.access_at.at(target.host)
            found = transport_for(rule for rule in rules if rule.pattern.matches_origin(target))
            if len(self._transports) >= _KEPT:
                self._transports.clear()
            self._transports[key] = found
        return found


_KEPT = 4096
"""How many origins' transports are kept: visitors choose the names."""
