"""The token of requests that change state (protocols, section 8).

Each page carries one, and what it sends with another method than GET, HEAD or OPTIONS,
or by a WebSocket, carries it in turn.  It names the pair of ``ick`` and ``datr`` that the
page was made under: a request under another pair, because a sibling tossed cookies in
the meantime, is not carried out.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from gateway.session.keys import decode, encode

if TYPE_CHECKING:
    from gateway.session.keys import ServerKeys

NONCE_SIZE = 12
_VERSION = 1
_MAX_TEXT = 2048


class Fault(Enum):
    """Why a request that changes state is not carried out."""

    MISSING = "there is no token"
    INVALID = "the token is not ours"
    EXPIRED = "the token has expired"
    ORIGIN = "the token is another page's"
    PAIR = "the token is of another session"


@attrs.frozen
class Token:
    """What a token says.

    ``pair``: the digest of the session that the page was made under; empty for a page
    that was made for nobody.  ``origin``: the page's own, serialised; ``top_site``: the
    site of the topmost page around it, where that is known, else empty.  ``issued_at`` in
    epoch seconds.
    """

    pair: bytes = attrs.field(repr=False)
    origin: str = attrs.field(repr=False)
    top_site: str = attrs.field(repr=False)
    issued_at: int


def seal_token(keys: ServerKeys, generation: int, token: Token, nonce: bytes) -> str:
    """The text of a token for the key of one generation; 12 random octets in."""
    head = bytes((_VERSION,)) + generation.to_bytes(4, "big")
    parts = (token.origin.encode("ascii"), token.top_site.encode("ascii"))
    text = token.issued_at.to_bytes(8, "big") + bytes((len(token.pair),)) + token.pair
    sealed = AESGCMSIV(keys.key("token", generation)).encrypt(nonce, text + b" ".join(parts), head)
    return encode(head + nonce + sealed).decode("ascii")


def open_token(keys: ServerKeys, text: str) -> Token | None:
    """Open the text of a token; None if it is not ours, or its generation is retired."""
    octets = decode(text.encode("ascii", "replace")) if len(text) <= _MAX_TEXT else None
    start = 5 + NONCE_SIZE
    if octets is None or len(octets) < start or octets[0] != _VERSION:
        return None
    generation = int.from_bytes(octets[1:5], "big")
    if not keys.has(generation):
        return None
    try:
        plain = AESGCMSIV(keys.key("token", generation)).decrypt(
            octets[5:start], octets[start:], octets[:5]
        )
    except InvalidTag:
        return None
    end = 9 + plain[8]
    origin, _, top_site = plain[end:].decode("ascii").partition(" ")
    return Token(plain[9:end], origin, top_site, int.from_bytes(plain[:8], "big"))


def judge(
    token: Token | None,
    *,
    given: bool,
    pair: bytes | None,
    has_ick: bool,
    origin: str | None,
    now: int,
    lifetime: int,
) -> Fault | None:
    """Whether a request that changes state may be carried out; None: it may.

    ``given``: there was a token's text at all.  ``pair``: that of the session which the
    request's cookies make; ``has_ick``: it carries an ``ick`` of whatever worth, without
    which it is anonymous and any page's token will do.  ``origin``: the expanded
    ``Origin`` field; None where that is ``null`` or absent, so that the token alone
    decides.
    """
    if token is None:
        return Fault.INVALID if given else Fault.MISSING
    # A clock that was set back must not keep every page from working.
    if abs(now - token.issued_at) > lifetime:
        return Fault.EXPIRED
    if origin is not None and token.origin != origin:
        return Fault.ORIGIN
    if has_ick and (pair is None or token.pair != pair):
        return Fault.PAIR
    return None
