"""A session for a browser without localStorage: two registrable domains, two steps.

Step 1, on the secure origin: ``ickt`` and restore text become cookies there, and the client
gets an ``Offer``: the pair, sealed, and a one-time nonce.  Step 2, on the domain of the
rewrite hosts: text and nonce together set the pair's cookies, once (protocols, section 6).
Whoever can make a person take an offer does not know what is in it.
"""

from __future__ import annotations

import hmac

import attrs

from gateway import wire
from gateway.session.attestation import (
    RANDOM_SIZE,
    SEAL_SIZE,
    Datr,
    Mode,
    attest,
    open_restore_text,
    open_text,
    seal_restore_text,
    seal_text,
    verify_datr,
)
from gateway.session.bootstrap import LIFETIME, fresh_pair
from gateway.session.keys import ICK_SIZE, Ick, ServerKeys, decode, encode
from gateway.session.reading import cookie_values

NONCE_SIZE = 16
AGAIN_NEEDED = 2 * SEAL_SIZE + NONCE_SIZE
RANDOM_NEEDED = ICK_SIZE + RANDOM_SIZE + AGAIN_NEEDED
_LABEL = "settle"
_TIME_SIZE = 8
_TAIL = _TIME_SIZE + NONCE_SIZE


@attrs.frozen(repr=False)
class Offer:
    """What step 1 gives: two cookies of the secure origin, and what step 2 takes."""

    set_cookies: tuple[bytes, bytes]
    text: str
    nonce: str

    def __repr__(self) -> str:
        """Show nothing."""
        return "<offer of a session>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("an offer of a session is not serialisable")


@attrs.frozen(repr=False)
class Taken:
    """An offer that opened; it counts only if its nonce was never consumed."""

    ick: Ick
    datr: Datr
    expires: int
    nonce: bytes

    def __repr__(self) -> str:
        """Show nothing."""
        return "<taken offer of a session>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("a taken offer of a session is not serialisable")


def offer(keys: ServerKeys, random: bytes, now: int, seconds: int, mode: Mode = Mode.FULL) -> Offer:
    """Mint a session from ``RANDOM_NEEDED`` random octets and offer it for ``seconds``."""
    pair_size = ICK_SIZE + RANDOM_SIZE
    ick, datr = fresh_pair(keys, random[:pair_size], now, mode)
    return _offer(keys, ick, datr, random[pair_size:], now + seconds)


def offer_again(
    keys: ServerKeys, cookies: list[bytes], random: bytes, now: int, seconds: int
) -> Offer | None:
    """Offer the session again whose restore text the secure origin's own cookie keeps.

    ``cookies`` are the request's Cookie fields, ``random`` are ``AGAIN_NEEDED`` octets.  None
    where there is not exactly one restore text, or not one of ours.
    """
    opened = open_restore_text(keys, kept_text(cookies))
    return None if opened is None else _offer(keys, *opened, random, now + seconds)


def kept_text(cookies: list[bytes]) -> bytes:
    """The restore text that the secure origin's own cookie keeps; empty unless there is one."""
    texts = set(cookie_values(cookies, wire.RESTORE_COOKIE))
    return texts.pop() if len(texts) == 1 else b""


def expire_kept() -> list[bytes]:
    """Set-Cookie fields that end what the secure origin keeps in cookies of its own."""
    return [
        name + b"=; Path=/; Max-Age=0; Secure" for name in (wire.ICKT_COOKIE, wire.RESTORE_COOKIE)
    ]


def _offer(keys: ServerKeys, ick: Ick, datr: Datr, random: bytes, expires: int) -> Offer:
    kept = seal_restore_text(keys, ick, datr, random[:SEAL_SIZE])
    seal, nonce = random[SEAL_SIZE : 2 * SEAL_SIZE], random[2 * SEAL_SIZE : AGAIN_NEEDED]
    plain = ick.reveal() + datr.text + expires.to_bytes(_TIME_SIZE, "big") + nonce
    text = seal_text(keys, _LABEL, datr.generation, seal, plain)
    common = f"; Path=/; Max-Age={LIFETIME}; Secure; SameSite=Strict; Priority=High".encode()
    ickt = wire.ICKT_COOKIE + b"=" + attest(keys, ick, datr) + common
    restore = wire.RESTORE_COOKIE + b"=" + kept + common + b"; HttpOnly"
    return Offer((ickt, restore), text.decode("ascii"), encode(nonce).decode("ascii"))


def take(keys: ServerKeys, text: bytes, nonce: bytes, now: int) -> Taken | None:
    """What an offer holds; None unless text and nonce are ours, of each other, and in time."""
    plain = open_text(keys, _LABEL, text)
    given = decode(nonce)
    if plain is None or given is None or len(plain) <= ICK_SIZE + _TAIL:
        return None
    wanted = plain[-NONCE_SIZE:]
    expires = int.from_bytes(plain[-_TAIL:-NONCE_SIZE], "big")
    datr = verify_datr(keys, plain[ICK_SIZE:-_TAIL])
    if datr is None or not hmac.compare_digest(wanted, given) or now >= expires:
        return None
    return Taken(Ick(plain[:ICK_SIZE]), datr, expires, wanted)
