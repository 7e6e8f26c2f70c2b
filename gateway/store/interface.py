"""What a store does: a handful of asynchronous operations on opaque rows.

Every operation may fail with ``StoreUnavailable``; callers then fail closed.  One
contract (``tests/store/contract.py``) is run against every store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from gateway.cookies.seal import Row
    from gateway.exchange.messages import Commit, Rows

STALE_DAYS = 400
"""A bucket that nobody touched for so long is purged, whatever its rows say."""

EPOCH = 2**32
"""How far the versions of an owner jump who was forgotten: nothing counts so far."""

Bucket = tuple[bytes, bytes, int, "tuple[Row, ...]"]
"""Owner, bucket, version, rows: for migration."""


class Store(Protocol):
    """Rows of buckets, origins of digests, one-time nonces."""

    def start(self) -> None:
        """Open it; raises ``StoreUnavailable`` with a reason that an operator can act on."""
        ...

    def stop(self) -> Deferred[None]:
        """Finish what was accepted, then close."""
        ...

    def read(self, owner: bytes, bucket: bytes) -> Deferred[Rows]:
        """The rows of one bucket at one version; 0 where nobody wrote, or was forgotten."""
        ...

    def commit(self, change: Commit) -> Deferred[bool]:
        """Change one bucket if it is still at the change's version.

        True is only said when the change will survive the process and the machine.
        """
        ...

    def touch(self, change: Commit) -> Deferred[bool]:
        """Replace rows that are still there, if the bucket is still at the change's version.

        The version stays: what it carries (last accesses) may be lost without harm.
        """
        ...

    def owned(self, owner: bytes) -> Deferred[dict[bytes, Rows]]:
        """All buckets of one owner."""
        ...

    def forget(self, owner: bytes) -> Deferred[None]:
        """Delete every row of one owner; changes that were decided before fail."""
        ...

    def remember_origin(self, label: str, origin: str, day: int) -> Deferred[None]:
        """Keep the origin of a long label; the number of entries is bounded."""
        ...

    def origin(self, label: str) -> Deferred[str | None]:
        """The origin of a long label, if it proved its digest before."""
        ...

    def keep(self, key: str, text: str, now: int, until: int) -> Deferred[None]:
        """Keep a short text until a time in epoch seconds; it may be lost before."""
        ...

    def kept(self, key: str, now: int) -> Deferred[str | None]:
        """What was kept under ``key``, if its time is not over."""
        ...

    def consume(self, nonce: bytes, day: int) -> Deferred[bool]:
        """Whether ``nonce`` was never consumed before; consumes it atomically."""
        ...

    def spend(
        self, key: bytes, cost: float, capacity: float, per_second: float, now: float
    ) -> Deferred[float]:
        """Take ``cost`` out of a token bucket; the seconds to wait if it holds too little.

        0.0: taken.  A bucket begins full; ``per_second`` is positive, ``now`` in epoch seconds.
        """
        ...

    def purge(self, day: int) -> Deferred[int]:
        """Delete what is over on ``day``: rows, nonces, digests, buckets nobody touched.

        Returns how many rows went.
        """
        ...

    def scan(self, cursor: bytes) -> Deferred[tuple[bytes, list[Bucket]]]:
        """A page of buckets and the cursor of the next; ``b""`` at beginning and end.

        What is there all the while is given at least once.
        """
        ...

    def owners_by_prefix(self) -> Deferred[dict[bytes, int]]:
        """How many owners have rows, by the first two octets of the owner.

        In bounded memory, and so of no single moment: one who comes, goes or is moved to
        another machine meanwhile counts or does not, and in a rare case twice.
        """
        ...

    def restore(self, bucket: Bucket) -> Deferred[None]:
        """Put a bucket as it is in the place of whatever was there."""
        ...

    def origins(self) -> Deferred[list[tuple[str, str, int]]]:
        """All long labels with their origins and days: for migration."""
        ...

    def nonces(self) -> Deferred[list[bytes]]:
        """All nonces that were consumed and still count: for migration."""
        ...

    def faults(self) -> Deferred[list[str]]:
        """What is wrong with the store itself, or with how it is run; empty: nothing."""
        ...

    def ping(self) -> Deferred[None]:
        """Whether it answers: for readiness."""
        ...
