"""What a connection to an origin must offer, after Apple's App Transport Security.

Default: TLS 1.2 or newer with forward secrecy; chain, service identity and the strength
of certificates verified.  ``access`` rules except single destinations, and say whom to
trust there and which certificate to show.  Plain ``http`` only where a rule says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.policy.destinations import AccessRule
    from gateway.policy.patterns import Pattern

TLS_VERSIONS = ("1.0", "1.1", "1.2", "1.3")


@attrs.frozen
class Trust:
    """Whom to believe: the system's authorities, and PEM texts of others."""

    system: bool = False
    files: tuple[bytes, ...] = attrs.field(default=(), repr=False)


@attrs.frozen
class ClientIdentity:
    """The certificate that the gateway shows to an origin: PEM texts of chain and key."""

    chain: bytes = attrs.field(repr=False)
    key: bytes = attrs.field(repr=False)


@attrs.frozen(cache_hash=True)
class TlsPolicy:
    """The TLS that an origin must speak; only equal policies share a connection pool.

    ``trust`` None: whom all are measured by (``[upstream] trust``).
    """

    minimum: str = "1.2"
    forward_secrecy: bool = True
    certificate_strength: bool = True
    trust: Trust | None = None
    client: ClientIdentity | None = None

    @property
    def words(self) -> str:
        """What it asks for, for logs and explanations."""
        said = [f"TLS {self.minimum} or newer"]
        said[0] += " with forward secrecy" if self.forward_secrecy else ""
        said += [] if self.certificate_strength else ["weak certificates admitted"]
        said += [] if self.trust is None else ["authorities of its own"]
        said += [] if self.client is None else ["a client certificate shown"]
        return ", ".join(said)


@attrs.frozen
class Transport:
    """The answer for one origin: may it be plain, and if not, which TLS; how long it may idle.

    ``said`` has which attribute was said by which rule (file and line), for the log.
    """

    allow_insecure_http: bool = False
    tls: TlsPolicy = attrs.field(factory=TlsPolicy)
    where: str = ""
    said: tuple[tuple[str, str], ...] = attrs.field(default=(), eq=False)
    websocket_idle_seconds: int | None = None

    def rule(self, attribute: str) -> str:
        """The rule that an attribute came from, as a log names it."""
        where = dict(self.said).get(attribute)
        return "the default" if where is None else f"access {where}".strip()


ATTRIBUTES = ("minimum_tls", "forward_secrecy", "allow_insecure_http", "certificate_strength",
              "trust", "client", "websocket_idle_seconds")  # fmt: skip
"""What rules say about connections, in the order in which they are told of."""


_STRICT = Transport()


def transport_for(rules: Iterable[AccessRule]) -> Transport:
    """Combine the attributes of the rules that match an origin.

    As in NSExceptionDomains an exception weakens or strengthens the default for its
    domain, and the one for the narrowest domain counts, each attribute by itself; among
    equals the first.  Rules without the attribute do not speak about it.
    """
    given = list(rules)
    if len(given) > 1:
        given.sort(key=lambda rule: _width(rule.pattern))
    found: dict[str, object] = {}
    said: dict[str, str] = {}
    for rule in given:
        for name in ATTRIBUTES:
            value = getattr(rule, name)
            if value is not None and name not in found:
                found[name] = value
                said[name.replace("_", "-")] = rule.where
    if not found:
        return _STRICT
    insecure = bool(found.pop("allow_insecure_http", False))
    where = said.get("allow-insecure-http", "") if insecure else ""
    idle: Any = found.pop("websocket_idle_seconds", None)
    if not found:
        return Transport(insecure, _STRICT.tls, where, tuple(said.items()), idle)
    tls = TlsPolicy(
        minimum=found.get("minimum_tls", "1.2"),  # type: ignore[arg-type]
        forward_secrecy=found.get("forward_secrecy") is not False,
        certificate_strength=found.get("certificate_strength") is not False,
        trust=found.get("trust"),  # type: ignore[arg-type]
        client=found.get("client"),  # type: ignore[arg-type]
    )
    return Transport(insecure, tls, where, tuple(said.items()), idle)


def _width(pattern: Pattern) -> tuple[bool, bool, int, bool, bool]:
    """Sorts patterns of one origin: one host, subdomains of the longest name, any host."""
    host = pattern.host or ""
    return (
        pattern.host is None,
        pattern.with_subdomains,
        -len(host),
        pattern.port is None,
        pattern.schemes is None or len(pattern.schemes) > 1,
    )
