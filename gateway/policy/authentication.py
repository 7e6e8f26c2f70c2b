"""Who may use the gateway at all: what is asked of people, and what they answer.

Values and the parsing of ``Authorization`` (RFC 7617, RFC 6750); the order in which things are
asked is in ``exchange.authentication``.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

import attrs

from gateway.policy.lockout import Lockout
from gateway.policy.passwords import normal

if TYPE_CHECKING:
    from collections.abc import Iterable

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Signatures that are taken unless the configuration says otherwise."""
_MAX_FIELD = 16 * 1024
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*\Z", re.ASCII)


@attrs.frozen
class JwtRules:
    """What a Bearer token must say; ``user_claim`` names its person."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ALGORITHMS
    user_claim: str = "sub"
    leeway: int = 30


@attrs.frozen
class OidcRules:
    """The gateway as a client of an OpenID provider."""

    issuer: str
    client_id: str
    scopes: tuple[str, ...] = ("openid",)
    algorithms: tuple[str, ...] = ALGORITHMS
    user_claim: str = "sub"
    leeway: int = 30


@attrs.frozen
class Authentication:
    """What is asked for; ``basic``: there is a password file.

    ``native_open``: clients that are no page of ours are not asked (rules with ``native``).
    ``anonymous_near``: requests that browsers send without cookies are let through from
    addresses where somebody is signed in.  ``session_seconds``: how long a person stays so.
    """

    realm: str = "gateway"
    basic: bool = False
    jwt: JwtRules | None = None
    oidc: OidcRules | None = None
    native_open: bool = False
    anonymous_near: bool = False
    session_seconds: int = 43200
    lockout: Lockout = attrs.field(factory=Lockout)


@attrs.frozen(repr=False)
class Basic:
    """A user's name and password as they were typed."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Show neither: people type a password where the name belongs."""
        return "<user and password>"


@attrs.frozen(repr=False)
class Bearer:
    """A token as it came."""

    token: str

    def __repr__(self) -> str:
        """Show nothing."""
        return "<bearer token>"


@attrs.frozen
class Unreadable:
    """An ``Authorization`` that says nothing."""

    reason: str


def credentials(values: Iterable[bytes]) -> Basic | Bearer | Unreadable | None:
    """What the ``Authorization`` fields of a request say; None: there is none."""
    fields = list(values)
    if not fields:
        return None
    if len(fields) > 1 or len(fields[0]) > _MAX_FIELD:
        return Unreadable("there are several fields, or one that is too long")
    scheme, _, rest = fields[0].decode("latin-1").strip(" \t").partition(" ")
    rest = rest.strip(" ")
    if scheme.lower() == "bearer":
        return Bearer(rest) if _TOKEN.match(rest) else Unreadable("the token is malformed")
    if scheme.lower() != "basic":
        return Unreadable("the scheme is another")
    try:
        text = base64.b64decode(rest.encode("latin-1"), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return Unreadable("it is not the base64 of UTF-8")
    user, colon, password = text.partition(":")
    if not colon or any(ord(char) < 32 or ord(char) == 127 for char in text):
        return Unreadable("there is no colon, or a control character")
    return Basic(normal(user), normal(password))


def challenges(
    rules: Authentication, *, invalid_token: bool = False
) -> tuple[tuple[bytes, bytes], ...]:
    """The ``WWW-Authenticate`` fields of a 401, one for each way that is configured."""
    found = []
    if rules.basic:
        found.append(f'Basic realm="{rules.realm}", charset="UTF-8"')
    if rules.jwt is not None or not found:
        error = ', error="invalid_token"' if invalid_token else ""
        found.append(f'Bearer realm="{rules.realm}"{error}')
    return tuple((b"WWW-Authenticate", one.encode("ascii")) for one in found)
