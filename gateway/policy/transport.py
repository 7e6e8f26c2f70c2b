"""What a connection to an origin must offer, after Apple's App Transport Security.

Default: TLS 1.2 or newer with forward secrecy, chain and service identity verified.
``access`` rules except single destinations.  Plain ``http`` only where a rule says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.policy.destinations import AccessRule

TLS_VERSIONS = ("1.0", "1.1", "1.2", "1.3")


@attrs.frozen
class TlsPolicy:
    """The TLS that an origin must speak; equal policies share a connection pool."""

    minimum: str = "1.2"
    forward_secrecy: bool = True


@attrs.frozen
class Transport:
    """The answer for one origin: may it be plain, and if not, which TLS."""

    allow_insecure_http: bool = False
    tls: TlsPolicy = attrs.field(factory=TlsPolicy)
    where: str = ""


def transport_for(rules: Iterable[AccessRule]) -> Transport:
    """Combine the attributes of the rules that match an origin, first mention wins.

    As in NSExceptionDomains an exception weakens or strengthens the default for its
    domain; rules without the attribute do not speak about it.
    """
    insecure, minimum, secrecy, where = False, None, None, ""
    for rule in rules:
        if rule.allow_insecure_http and not insecure:
            insecure, where = True, rule.where
        if minimum is None:
            minimum = rule.minimum_tls
        if secrecy is None:
            secrecy = rule.forward_secrecy
    return Transport(
        allow_insecure_http=insecure,
        tls=TlsPolicy(minimum or "1.2", forward_secrecy=secrecy is not False),
        where=where,
    )
