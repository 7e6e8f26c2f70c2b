"""How often: token buckets for each client, session and destination.

A bucket begins full (``burst``) and fills again (``per_second``).  It is shared between
processes through the store, which knows it by a keyed digest alone.  So that the store is
not asked for each part of a page, a process takes tokens in chunks.
"""

from __future__ import annotations

import hmac
import math

import attrs

CLIENT = "client"
SESSION = "session"
DESTINATION = "destination"
SERVICE = "service"
"""Has no rate in ``RateSettings``: each service brings its own."""
KINDS = (CLIENT, SESSION, DESTINATION)
_CHUNKS = 30
_LARGEST_CHUNK = 100
_KEY_SIZE = 16


@attrs.frozen
class Rate:
    """One kind of bucket."""

    burst: float
    per_second: float

    @property
    def chunk(self) -> int:
        """How many tokens a process takes at once: a thirtieth, at most a hundred."""
        return max(1, min(int(self.burst) // _CHUNKS, _LARGEST_CHUNK))

    @property
    def fill_seconds(self) -> float:
        """After so long without use any bucket is full."""
        return self.burst / self.per_second


@attrs.frozen
class RateSettings:
    """``[rates]``; None: no limit of that kind.

    ``store_seconds``: how long a request waits for the store to say whether it may pass.
    """

    client: Rate | None = None
    session: Rate | None = None
    destination: Rate | None = None
    store_seconds: float = 1.0

    def of(self, kind: str) -> Rate | None:
        """The rate of one of ``KINDS``."""
        found: Rate | None = getattr(self, kind)
        return found


def bucket_key(secret: bytes, kind: str, name: bytes) -> bytes:
    """What the store calls a bucket: nobody without the secret can tell whose it is."""
    return hmac.digest(secret, kind.encode("ascii") + b"\0" + name, "sha256")[:_KEY_SIZE]


def retry_after(seconds: float) -> bytes:
    """Whole seconds for ``Retry-After``: never too early, at least one."""
    return b"%d" % max(1, math.ceil(seconds))
