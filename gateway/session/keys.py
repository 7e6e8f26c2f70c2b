"""The server's root secrets by generation, and the type that holds an ``ick``.

All server keys come from one root secret per generation through HKDF with a label for
each purpose, so that no key serves two (RFC 5869).  The key file is text: a header
line, then a line ``generation base64url`` for each secret; the highest is the newest.
Blank lines, and lines that begin with ``#``, say nothing, and stay when it is changed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

import attrs
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ICK_SIZE: Final = 32
ROOT_SIZE: Final = 32
_ICK_VERSION = b"1"
_HEADER = "gateway-keys-1"
_MOST_DIGITS = 9


def encode(octets: bytes) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def decode(text: bytes) -> bytes | None:
    """The octets of canonical base64url without padding; None for anything else."""
    try:
        octets = base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if encode(octets) == text else None


class Ick:
    """An internet cookie key: 256 random bits that only the browser keeps.

    Its repr and str are ``<ick>``, it compares in constant time, and it cannot be
    serialised, so that it slips into no log, trace or cache by accident.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes) -> None:
        """Wrap 32 octets; raises ``ValueError`` for another number."""
        if len(octets) != ICK_SIZE:
            raise ValueError("an ick has 32 octets")
        self._octets = octets

    @classmethod
    def from_cookie(cls, value: bytes) -> Ick | None:
        """Parse a cookie's value; None if it is not one that we could have made."""
        octets = decode(value[1:]) if value[:1] == _ICK_VERSION else None
        return cls(octets) if octets is not None and len(octets) == ICK_SIZE else None

    def reveal(self) -> bytes:
        """The octets, for key derivation alone."""
        return self._octets

    def cookie_value(self) -> bytes:
        """What the browser keeps: a version character, then base64url."""
        return _ICK_VERSION + encode(self._octets)

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        return isinstance(other, Ick) and hmac.compare_digest(self._octets, other._octets)

    def __hash__(self) -> int:
        """Refuse: an ick is never the key of a dictionary or cache."""
        raise TypeError("an ick is not hashable")

    def __repr__(self) -> str:
        """Show nothing."""
        return "<ick>"

    __str__ = __repr__

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("an ick is not serialisable")


@attrs.define(repr=False)
class ServerKeys:
    """The root secrets of all live generations, and the keys derived from them."""

    _roots: dict[int, bytes]
    _derived: dict[tuple[str, int], bytes] = attrs.field(factory=dict, init=False)

    def __repr__(self) -> str:
        """Show the generations, not the secrets."""
        return f"<server keys, generations {sorted(self._roots)}>"

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be serialised."""
        raise TypeError("server keys are not serialisable")

    @property
    def newest(self) -> int:
        """The generation that new sessions take."""
        return max(self._roots)

    @property
    def generations(self) -> tuple[int, ...]:
        """All live generations, the newest last."""
        return tuple(sorted(self._roots))

    def why_not_retire(self, generation: int) -> str | None:
        """Why a generation cannot be retired; None: it can."""
        if not self.has(generation):
            live = ", ".join(map(str, self.generations))
            return f"there is no generation {generation}, only {live}"
        if len(self._roots) == 1:
            return f"generation {generation} is the only one; rotate first"
        if generation == self.newest:
            return f"generation {generation} is the newest, which new sessions take; rotate first"
        return None

    def has(self, generation: int) -> bool:
        """Whether a generation is live."""
        return generation in self._roots

    def key(self, label: str, generation: int) -> bytes:
        """The key for one purpose of one generation; raises ``KeyError`` if retired."""
        known = self._derived.get((label, generation))
        if known is None:
            info = f"gateway server 1 {label} {generation}".encode("ascii")
            known = HKDF(SHA256(), 32, None, info).derive(self._roots[generation])
            self._derived[label, generation] = known
        return known


def parse_keys(text: str) -> ServerKeys:
    """Parse a key file; raises ``ValueError`` that names the line, never its content."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != _HEADER:
        raise ValueError(f"line 1: expected {_HEADER!r}")
    roots: dict[int, bytes] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split()
        octets = decode(parts[1].encode("ascii", "replace")) if len(parts) == 2 else None
        if not parts[0].isdecimal() or octets is None or len(octets) < ROOT_SIZE:
            raise ValueError(f"line {number}: expected a generation and a base64url secret")
        if int(parts[0]) in roots or len(parts[0]) > _MOST_DIGITS:
            raise ValueError(f"line {number}: a generation is there twice, or has ten digits")
        roots[int(parts[0])] = octets
    if not roots:
        raise ValueError("the file holds no secret")
    return ServerKeys(roots)


def new_key_file(random: bytes) -> str:
    """The text of a first key file made of 32 random octets."""
    return f"{_HEADER}\n{_line(1, random)}"


def add_generation(text: str, random: bytes) -> str:
    """A key file with a new newest generation of 32 random octets; the rest as it was.

    Raises ``ValueError`` as ``parse_keys`` does, and where there is no number left.
    """
    generation = parse_keys(text).newest + 1
    if len(str(generation)) > _MOST_DIGITS:
        raise ValueError(f"there is no number after generation {generation - 1}")
    return text + ("" if text.endswith("\n") else "\n") + _line(generation, random)


def retire_generation(text: str, generation: int) -> str:
    """A key file without a generation; the rest as it was, comments too.

    Raises ``ValueError`` as ``parse_keys`` does, and for ``ServerKeys.why_not_retire``.
    """
    reason = parse_keys(text).why_not_retire(generation)
    if reason is not None:
        raise ValueError(reason)
    head, *lines = text.splitlines(keepends=True)
    return head + "".join(line for line in lines if _generation(line) != generation)


def _line(generation: int, secret: bytes) -> str:
    return f"{generation} {encode(secret).decode('ascii')}\n"


def _generation(line: str) -> int | None:
    """Whose secret a good line of a key file holds, if any."""
    return int(line.split(maxsplit=1)[0]) if line.strip() and not line.startswith("#") else None
