"""Ids of emulated WebSockets: unguessable, with their process's name, bound to who made them.

``node.generation.random.mark.bond``: the mark says that the id is ours, whoever shows it;
the bond that it is shown by the same session, from the same origin, at the same host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM_SIZE: Final = 16
_MAC_SIZE = 16
_ID = re.compile(
    r"([a-z0-9-]{1,32})\.([0-9]{1,9})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})\Z"
)
NODE = re.compile(r"[a-z0-9-]{1,32}\Z")


@attrs.frozen
class Bond:
    """What an id is bound to; ``person``: the session's digest, a principal, or nothing."""

    person: bytes = attrs.field(repr=False)
    origin: str
    host: str


@attrs.frozen
class Id:
    """An id that is ours; ``text`` is what gives access, together with its bond."""

    node: str
    text: str = attrs.field(repr=False)
    generation: int
    _bond: str = attrs.field(repr=False)

    def is_bound_to(self, bond: Bond, key: bytes) -> bool:
        """Whether who shows it is who it was made for, in constant time."""
        head = self.text.rpartition(".")[0]
        return hmac.compare_digest(_mac(key, b"bond", head, bond), self._bond)


def make(node: str, generation: int, key: bytes, random: bytes, bond: Bond) -> str:
    """A new id out of 16 random octets."""
    if len(random) != RANDOM_SIZE:
        raise ValueError("an id has 128 random bits")
    head = f"{node}.{generation}.{_encode(random)}"
    marked = f"{head}.{_mac(key, b'mark', head, None)}"
    return f"{marked}.{_mac(key, b'bond', marked, bond)}"


def read(text: str, key_of: Callable[[int], bytes | None]) -> Id | None:
    """The id that a request shows; None: it is none of ours.  ``key_of`` a generation."""
    found = _ID.match(text)
    if found is None:
        return None
    node, number, random, mark, bond = found.groups()
    key = key_of(int(number))
    head = f"{node}.{number}.{random}"
    if key is None or not hmac.compare_digest(_mac(key, b"mark", head, None), mark):
        return None
    return Id(node, text, int(number), bond)


def _mac(key: bytes, purpose: bytes, head: str, bond: Bond | None) -> str:
    parts = [purpose, head.encode("ascii")]
    if bond is not None:
        parts += [bond.person, bond.origin.encode("utf-8"), bond.host.encode("utf-8")]
    said = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return _encode(hmac.new(key, said, hashlib.sha256).digest()[:_MAC_SIZE])


def _encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
