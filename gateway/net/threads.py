"""A few threads for work that would hold up the reactor: editing large bodies.

Apart from the reactor's own pool, where look-ups of names may hang.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.defer import Deferred

_T = TypeVar("_T")


class Threads:
    """At most ``count`` threads, started with the first work and stopped with the reactor."""

    def __init__(self, reactor: Any, count: int) -> None:
        """No thread is started yet."""
        self._reactor = reactor
        self._count = count
        self._pool: ThreadPool | None = None
        self._trigger: Any = None

    def run(self, work: Callable[..., _T], *arguments: object) -> Deferred[_T]:
        """Run ``work`` in a thread; the Deferred fires in the reactor's."""
        if self._pool is None:
            self._pool = ThreadPool(0, self._count, "editing")
            self._pool.start()
            self._trigger = self._reactor.addSystemEventTrigger("during", "shutdown", self.stop)
        return deferToThreadPool(self._reactor, self._pool, work, *arguments)

    def resize(self, count: int) -> None:
        """At most ``count`` threads from now on; work that runs goes on."""
        self._count = count
        if self._pool is not None:
            self._pool.adjustPoolsize(0, count)

    def stop(self) -> None:
        """Wait for the threads to end; safe to say twice."""
        pool, self._pool = self._pool, None
        trigger, self._trigger = self._trigger, None
        if trigger is not None and self._reactor.running:
            self._reactor.removeSystemEventTrigger(trigger)
        if pool is not None:
            pool.stop()
