"""``datr``, the pair, ``ickt`` and the restore text (protocols, section 3).

``ickt`` attests the pair of ``ick`` and ``datr`` and reveals neither; the trusted outer
frame keeps it where no proxied page can write.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum
from typing import TYPE_CHECKING

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from gateway.session.keys import Ick, decode, encode

if TYPE_CHECKING:
    from gateway.session.keys import ServerKeys

_VERSION = "1"
SEAL_SIZE = 12
"""How many random octets sealing a text takes."""
RANDOM_SIZE = 16


class Mode(Enum):
    """How a session's pages are served: with script, or stripped of it."""

    FULL = "full"
    BASIC = "basic"


@attrs.frozen
class Datr:
    """A verified browser identifier; ``text`` is the cookie's value as it came."""

    text: bytes
    generation: int
    mode: Mode
    issued_at: int

    def __repr__(self) -> str:
        """Show no identifier."""
        return f"<datr, generation {self.generation}>"


def mint_datr(keys: ServerKeys, random: bytes, now: int, mode: Mode) -> Datr:
    """Make a ``datr`` of the newest generation from 16 random octets."""
    generation = keys.newest
    body = f"{_VERSION}.{generation}.{mode.value}.{now}.".encode("ascii") + encode(random)
    text = body + b"." + encode(_mac(keys, generation, body))
    return Datr(text, generation, mode, now)


def verify_datr(keys: ServerKeys, text: bytes) -> Datr | None:
    """Parse and verify a ``datr``; None if it is not ours or its generation is retired."""
    body, _, mac = text.rpartition(b".")
    parts = body.split(b".")
    given = decode(mac)
    if len(parts) != 5 or parts[0] != b"1" or given is None or not parts[1].isdigit():
        return None
    generation = int(parts[1][:9])
    if not keys.has(generation) or not hmac.compare_digest(_mac(keys, generation, body), given):
        return None
    return Datr(text, generation, Mode(parts[2].decode("ascii")), int(parts[3]))


def _mac(keys: ServerKeys, generation: int, body: bytes) -> bytes:
    return hmac.digest(keys.key("datr", generation), body, "sha256")


def pair(ick: Ick, datr: Datr) -> bytes:
    """``SHA-256(ick || datr)``: names a session without revealing it."""
    return hashlib.sha256(ick.reveal() + datr.text).digest()


def attest(keys: ServerKeys, ick: Ick, datr: Datr) -> bytes:
    """The ``ickt`` of a pair, base64url."""
    return encode(hmac.digest(keys.key("ickt", datr.generation), pair(ick, datr), "sha256"))


def page_proof(ickt: bytes, nonce: str, page: str) -> bytes:
    """Proof for the outer frame that a page was made under this ``ickt``.

    ``page``: the page's own origin as the browser sees it.  What the page learns is worth
    nothing to another origin, and tells nothing that two origins could compare.
    """
    return _proof(ickt, "page", nonce, page)


def challenge_answer(ickt: bytes, challenge: str, nonce: str, page: str) -> bytes:
    """The answer to the outer frame's challenge: the cookies are those of ``ickt`` now."""
    return _proof(ickt, "answer", challenge, nonce, page)


def _proof(ickt: bytes, *words: str) -> bytes:
    # Words without spaces: no two lists give the same text.
    return encode(hmac.digest(ickt, " ".join(("1", *words)).encode("utf-8"), "sha256"))


def seal_restore_text(keys: ServerKeys, ick: Ick, datr: Datr, nonce: bytes) -> bytes:
    """What the outer frame keeps to set the same cookies again; 12 random octets in."""
    return seal_text(keys, "restore", datr.generation, nonce, ick.reveal() + datr.text)


def open_restore_text(keys: ServerKeys, text: bytes) -> tuple[Ick, Datr] | None:
    """The pair in a restore text; None if it is not ours or its generation is retired."""
    plain = open_text(keys, "restore", text)
    if plain is None:
        return None
    datr = verify_datr(keys, plain[32:])
    return (Ick(plain[:32]), datr) if datr is not None else None


def seal_text(keys: ServerKeys, label: str, generation: int, nonce: bytes, plain: bytes) -> bytes:
    """Seal what a client keeps for us under the key of ``label``; 12 random octets in."""
    key = AESGCMSIV(keys.key(label, generation))
    prefix = f"{_VERSION}.{generation}.".encode("ascii")
    return prefix + encode(nonce + key.encrypt(nonce, plain, prefix))


def open_text(keys: ServerKeys, label: str, text: bytes) -> bytes | None:
    """What ``seal_text`` sealed; None if it is not ours or its generation is retired."""
    version, _, rest = text.partition(b".")
    number, _, sealed = rest.partition(b".")
    octets = decode(sealed)
    if version != b"1" or not number.isdigit() or octets is None or len(octets) < SEAL_SIZE:
        return None
    generation = int(number[:9])
    if b"%d" % generation != number or not keys.has(generation):
        return None
    key = AESGCMSIV(keys.key(label, generation))
    prefix = f"{_VERSION}.{generation}.".encode("ascii")
    try:
        return key.decrypt(octets[:SEAL_SIZE], octets[SEAL_SIZE:], prefix)
    except InvalidTag:
        return None
