"""The allow-list rules, and the Settings that ``ops.config`` fills.

``allow-navigation`` says what may be shown in a frame, ``access`` what a page's
requests may reach (seed 001).  No rule: nothing is open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.policy.addresses import AddressSettings
from gateway.policy.patterns import Pattern

if TYPE_CHECKING:
    from gateway.policy.transport import ClientIdentity, Trust


@attrs.frozen
class NavigationRule:
    """``[[allow-navigation]]``; ``where`` is file and line for explanations."""

    pattern: Pattern
    where: str = ""


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


@attrs.frozen
class Settings:
    """All of the policy; immutable, swapped whole on a reload."""

    navigation: tuple[NavigationRule, ...] = ()
    access: tuple[AccessRule, ...] = ()
    addresses: AddressSettings = attrs.field(factory=AddressSettings)
