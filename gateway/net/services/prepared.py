"""Streams that are opened before anybody asks for one (Kaazing's "prepared" connections).

Each serves one client: what was said on a broker's stream cannot be unsaid, so none goes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred

from gateway.errors import GatewayError
from gateway.net.drive import watch
from gateway.websocket.closing import Ending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.net.services.stream import StreamLeg

_PAUSE = 1.0
"""Seconds before a stream that a backend ended while nobody used it is opened again."""


class Prepared:
    """A number of open streams; as one is taken another is opened, one at a time."""

    def __init__(
        self,
        reactor: Any,
        count: int,
        connect: Callable[[], Awaitable[StreamLeg]],
        failed: Callable[[], float],
    ) -> None:
        """``failed`` is told of each failure, and says how long to wait then."""
        self._reactor = reactor
        self._count = count
        self._connect = connect
        self._failed = failed
        self._idle: list[StreamLeg] = []
        self._running: Deferred[None] | None = None
        self._timer: Any = None
        self._stopped = False

    def __len__(self) -> int:
        """How many are open and wait."""
        return len(self._idle)

    def begin(self) -> None:
        """Open what is missing."""
        missing = self._count - len(self._idle)
        if missing > 0 and not (self._stopped or self._running or self._timer):
            self._running = Deferred.fromCoroutine(self._fill())
            watch(self._running.addBoth(self._filled))

    def _filled(self, result: object) -> None:
        del result
        self._running = None
        self.begin()

    async def _fill(self) -> None:
        try:
            leg = await self._connect()
        except (GatewayError, CancelledError) as error:
            if not self._stopped and not isinstance(error, CancelledError):
                self._later(self._failed())
            return
        if self._stopped:
            leg.end(Ending(drop=True))
            return
        leg.when_lost = lambda: self._lost(leg)
        self._idle.append(leg)

    def _later(self, seconds: float) -> None:
        if self._timer is None and not self._stopped:
            self._timer = self._reactor.callLater(seconds, self._now)

    def _now(self) -> None:
        self._timer = None
        self.begin()

    def _lost(self, leg: StreamLeg) -> None:
        """A backend ended a stream that nobody used."""
        if leg in self._idle:
            self._idle.remove(leg)
            self._later(_PAUSE)

    def take(self) -> StreamLeg | None:
        """One that is open, the one that waited longest; None: open one."""
        if not self._idle:
            self.begin()
            return None
        leg = self._idle.pop(0)
        leg.when_lost = None
        # After whoever took it: its handshake is answered first.
        self._later(0)
        return leg

    def stop(self) -> None:
        """Close what waits, open nothing more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        idle, self._idle = self._idle, []
        for leg in idle:
            leg.when_lost = None
            leg.end(Ending(drop=True))
        if self._running is not None:
            watch(self._running)
            self._running.cancel()
