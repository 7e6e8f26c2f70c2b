"""Bounds on WebSockets: how many for whom, how fast, and which code says so.

Nothing here reads a clock: ``now`` is of any clock; one that is put back stands still for once.
"""

from __future__ import annotations

from collections import Counter

import attrs

from gateway.websocket.closing import GOING_AWAY, POLICY, TOO_BIG, TRY_AGAIN

CODES = {
    "websocket-message-bytes": TOO_BIG,
    "websocket-frame-bytes": TOO_BIG,
    "websocket-fragments-per-message": TOO_BIG,
    "websocket-decompressed-bytes": TOO_BIG,
    "websocket-messages-per-second": POLICY,
    "websocket-bytes-per-second": POLICY,
    "websocket-stall-seconds": TRY_AGAIN,
    "websocket-idle-seconds": GOING_AWAY,
}
"""The close code of what is exceeded while a WebSocket is open, by the limit's key."""

ALL = "websocket-connections"
HANDSHAKES = "websocket-handshakes-per-second"
STATUSES = {
    ALL: 503,
    "websocket-connections-per-address": 429,
    "websocket-connections-per-session": 429,
    "websocket-connections-per-page": 429,
    "websocket-connections-per-upstream": 503,
    HANDSHAKES: 503,
}
"""The status of what is exceeded before a WebSocket is open."""

RETRY_SECONDS = 10
"""What ``Retry-After`` says of connections: nobody knows when another one ends."""
BURST_SECONDS = 5
"""A bucket holds what passes in so many seconds."""


@attrs.frozen
class Holder:
    """Whom a WebSocket counts for; what is empty counts for nobody.

    ``address``: an IPv4 address or the /64 of an IPv6 one; ``page``, ``upstream``: origins, or
    a service's name.
    """

    address: str = ""
    session: bytes = attrs.field(default=b"", repr=False)
    page: str = ""
    upstream: str = ""


@attrs.frozen
class Bounds:
    """How many may be open, in all and for each holder; 0: no bound."""

    connections: int = 0
    per_address: int = 0
    per_session: int = 0
    per_page: int = 0
    per_upstream: int = 0


class Counts:
    """How many WebSockets are open or being dialled, and whose they are."""

    def __init__(self) -> None:
        """None yet."""
        self.total = 0
        self._held: Counter[tuple[str, str | bytes]] = Counter()

    def __len__(self) -> int:
        """For how many holders something is counted."""
        return len(self._held)

    def take(self, holder: Holder, bounds: Bounds) -> str:
        """Count one more; the key of the limit that forbids it, or nothing."""
        if 0 < bounds.connections <= self.total:
            return ALL
        for kind, name in _named(holder):
            bound = getattr(bounds, f"per_{kind}")
            if 0 < bound <= self._held[kind, name]:
                return f"{ALL}-per-{kind}"
        self.total += 1
        self._held.update(_named(holder))
        return ""

    def give(self, holder: Holder) -> None:
        """One of them is over."""
        self.total -= 1
        for key in _named(holder):
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]


def _named(holder: Holder) -> list[tuple[str, str | bytes]]:
    return [(kind, name) for kind, name in attrs.asdict(holder).items() if name]


class Bucket:
    """Tokens: full at first, as many as flow in within ``BURST_SECONDS``; it may go below zero."""

    __slots__ = ("_at", "_burst", "_level", "_per_second")

    def __init__(self, per_second: float, now: float) -> None:
        """``per_second`` is more than nothing."""
        self._per_second = per_second
        self._burst = self._level = per_second * BURST_SECONDS
        self._at = now

    def spend(self, amount: float, now: float) -> float:
        """Take tokens, there or not; the seconds until there are any again, 0.0: there are."""
        level = self._level + max(now - self._at, 0.0) * self._per_second
        self._level = level = min(level, self._burst) - amount
        self._at = now
        return 0.0 if level >= 0 else -level / self._per_second

    @property
    def is_easy(self) -> bool:
        """Whether it was at least half full when it was last looked at."""
        return self._level >= self._burst / 2


class Meter:
    """What one leg may send: messages and octets each second.

    Whoever sends faster is read more slowly.  Who does nothing else for ``grace`` seconds has
    used up everybody's patience: ``is_over``.
    """

    __slots__ = ("_buckets", "_grace", "_since", "key")

    def __init__(self, messages: float, octets: float, grace: float, now: float) -> None:
        """0 messages or octets: as many as one likes; 0 grace: as long as one likes."""
        self._buckets = [
            (f"websocket-{what}-per-second", Bucket(rate, now) if rate else None)
            for what, rate in (("messages", messages), ("bytes", octets))
        ]
        self._grace = grace
        self._since: float | None = None
        self.key = ""

    def spend(self, messages: int, octets: int, now: float) -> float:
        """Count what came; for how many seconds nothing more is to be read."""
        longest = 0.0
        easy = True
        for (key, bucket), amount in zip(self._buckets, (messages, octets), strict=True):
            if bucket is None:
                continue
            wait = bucket.spend(amount, now)
            if wait > longest:
                longest, self.key = wait, key
            easy = easy and bucket.is_easy
        if longest and self._since is None:
            self._since = now
        elif easy:
            self._since = None
        return longest

    @property
    def is_strained(self) -> bool:
        """Whether it was too fast, and has not been slow since."""
        return self._since is not None

    def is_over(self, now: float) -> bool:
        """Whether the time of being read slowly is over."""
        return bool(self._grace) and self._since is not None and now - self._since > self._grace


def meter(messages: float, octets: float, grace: float, now: float) -> Meter | None:
    """A meter, where there is anything to measure."""
    return Meter(messages, octets, grace, now) if messages or octets else None
