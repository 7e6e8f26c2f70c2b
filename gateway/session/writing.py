"""Write tokens: on which domains a page's scripts may set cookies (protocols, section 5).

``HMAC(server key "write", salt(ick) | writer origin | target domain)``: one of another
user, another writer or another domain fails.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import attrs

from gateway.cookies.suffixes import is_address
from gateway.session.keys import encode

if TYPE_CHECKING:
    from gateway.cookies.seal import UserKeys
    from gateway.cookies.suffixes import Suffixes
    from gateway.origins import Origin
    from gateway.session.keys import ServerKeys

_SIZE = 16
"""128 bits."""


@attrs.frozen(repr=False)
class WriteTokens:
    """Makes and verifies the write tokens of one user."""

    _key: bytes
    _salt: bytes

    def __repr__(self) -> str:
        """Show nothing."""
        return "<write tokens>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("write tokens are not serialisable")

    def token(self, writer: Origin, domain: str) -> str:
        """The token with which a page of ``writer`` sets cookies on ``domain``."""
        parts = (self._salt, str(writer).encode("ascii"), domain.encode("ascii"))
        # Lengths go in, so that no two lists of parts give the same text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return encode(hmac.digest(self._key, text, "sha256")[:_SIZE]).decode("ascii")

    def verifies(self, given: bytes, writer: Origin, domain: str) -> bool:
        """Whether ``given`` is that token, in constant time."""
        return hmac.compare_digest(self.token(writer, domain).encode("ascii"), given)

    def all_of(self, writer: Origin, suffixes: Suffixes) -> dict[str, str]:
        """The tokens of a page, by domain."""
        return {one: self.token(writer, one) for one in writable(writer, suffixes)}


def write_tokens(keys: ServerKeys, user: UserKeys, generation: int) -> WriteTokens:
    """The write tokens of a user whose session is of this generation."""
    return WriteTokens(keys.key("write", generation), user.token_salt)


def writable(writer: Origin, suffixes: Suffixes) -> list[str]:
    """The domains on which an origin may set cookies: its host, and parents down to its site."""
    host = writer.host
    found = [host]
    if is_address(host):
        return found
    top = suffixes.registrable(host)
    while host != top and "." in host:
        host = host.partition(".")[2]
        found.append(host)
    return found
