"""What a store does: a handful of asynchronous operations on opaque rows.

Every operation may fail with ``StoreUnavailable``; callers then fail closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from gateway.exchange.messages import Commit, Rows


class Store(Protocol):
    """Rows of buckets, origins of digests, one-time nonces."""

    def start(self) -> None:
        """Open it; raises ``StoreUnavailable`` with a reason that an operator can act on."""
        ...

    def stop(self) -> Deferred[None]:
        """Finish what was accepted, then close."""
        ...

    def read(self, owner: bytes, bucket: bytes) -> Deferred[Rows]:
        """The rows of one bucket at one version; version 0 where there are none."""
        ...

    def commit(self, change: Commit) -> Deferred[bool]:
        """Change one bucket if it is still at the change's version.

        True is only said when the change will survive the process and the machine.
        """
        ...

    def remember_origin(self, label: str, origin: str, day: int) -> Deferred[None]:
        """Keep the origin of a long label; the number of entries is bounded."""
        ...

    def origin(self, label: str) -> Deferred[str | None]:
        """The origin of a long label, if it proved its digest before."""
        ...

    def consume(self, nonce: bytes, day: int) -> Deferred[bool]:
        """Whether ``nonce`` was never consumed before; consumes it atomically."""
        ...

    def purge(self, day: int) -> Deferred[None]:
        """Delete cookies that expired before ``day``, and digests not seen for 400 days."""
        ...

    def ping(self) -> Deferred[None]:
        """Whether it answers: for readiness."""
        ...
