"""Which writes of scripts a bucket has taken, so that none is taken twice.

A script's write travels with every request that leaves before its carrier is expired, and
a late one must not undo what came after it.  So each bucket keeps, sealed, the number of
the last write of each cookie, for as long as a carrier can be under way.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from gateway.cookies.rules import Cookie
    from gateway.origins import Origin

KEPT_SECONDS = 120
"""How long a number is kept: twice as long as a carrier lives."""
MAX_KEPT = 64
"""Cookies of one registrable domain whose last write is kept: the newest."""
_KEY_SIZE = 8
_CLOCK_STEP = KEPT_SECONDS * 1_000_000
"""A number that is so much smaller is of a clock that was set back (they count microseconds)."""


@attrs.frozen
class Entry:
    """The last write of one cookie by one origin; ``at`` in epoch seconds."""

    key: bytes
    number: int
    at: int


@attrs.frozen
class Written:
    """The last writes of one bucket, oldest first."""

    entries: tuple[Entry, ...] = ()

    created: int = attrs.field(default=0, init=False, eq=False, repr=False)

    @property
    def expires(self) -> int:
        """When none of it matters any more."""
        return max((entry.at for entry in self.entries), default=0) + KEPT_SECONDS

    def has(self, key: bytes, number: int, now: int) -> bool:
        """Whether this write, or a later one of the same cookie, was taken already."""
        return any(
            entry.key == key
            and entry.at + KEPT_SECONDS > now
            and entry.number - _CLOCK_STEP < number <= entry.number
            for entry in self.entries
        )

    def taking(self, key: bytes, number: int, now: int) -> Written:
        """The same with one write more, and without what does not matter any more."""
        kept = [
            entry for entry in self.entries if entry.key != key and entry.at + KEPT_SECONDS > now
        ]
        return Written((*kept, Entry(key, number, now))[-MAX_KEPT:])


def key_of(cookie: Cookie, writer: Origin) -> bytes:
    """What stands for a cookie and the origin that writes it: each counts on its own."""
    name, domain, host_only, path, partition = cookie.identity
    text = b"\0".join(
        (str(writer).encode("ascii"), name, domain.encode("ascii"), b"%d" % host_only,
         path, partition.encode("ascii"))
    )  # fmt: skip
    return hashlib.sha256(text).digest()[:_KEY_SIZE]
