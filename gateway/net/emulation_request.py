"""Upstream requests of an emulated WebSocket, as their frames are taken while they come."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from gateway.websocket.emulation.frames import Decoder, Frame, Kind, Malformed
from gateway.websocket.emulation.upstream import Turn, Upstream

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.arriving import Arriving

_READ = 64 * 1024


class Dry(Enum):
    """Why there is no frame to be taken."""

    WAIT = "wait"
    """More is to come."""
    AMID = "amid"
    """Likewise, and a frame has begun."""
    END = "end"
    """The request is whole, and all of it was taken."""
    LOST = "lost"
    """The request broke off."""


class Requests:
    """One request after the other; of a repeated one, what was not taken yet."""

    def __init__(self, number: int, message_bytes: int, *, retry: bool) -> None:
        """``number``: the create's; ``message_bytes``: what one message may have."""
        self._upstream = Upstream(number, retry)
        self._message_bytes = message_bytes
        self._decoder = Decoder(message_bytes)
        self._source: Arriving | None = None
        self._most = 0
        self._is_last = False  # RECONNECT was read
        self._waiting: list[Deferred[int]] = []

    @property
    def in_flight(self) -> bool:
        """Whether a request has begun of which not all was taken."""
        return self._upstream.in_flight

    @property
    def is_too_large(self) -> bool:
        """Whether its body is larger than may be, as far as it has come or says so."""
        return self._source is not None and self._source.most > self._most

    @property
    def is_caught_up(self) -> bool:
        """Whether all that has come was taken, but for its end."""
        source = self._source
        return source is None or (self._decoder.is_between and not source.waits)

    def begin(
        self, number: int | None, source: Arriving, most: int, listener: Callable[[], None]
    ) -> Turn:
        """A request came, with a body of at most ``most`` octets.

        ``listener`` hears when there may be frames, if any are to be taken from it.
        """
        before = self._source
        turn = self._upstream.begin(number, whole=before is None or before.is_whole)
        if turn in {Turn.APPLY, Turn.INSTEAD}:
            self._leave()
            self._source, self._most, self._is_last = source, most, False
            self._decoder = Decoder(self._message_bytes)
            source.listen(listener)
        else:
            source.stop()
        return turn

    def next(self) -> Frame | Dry | None:
        """The next frame; None: it is none that is to be taken.  Raises ``Malformed``."""
        source, decoder = self._source, self._decoder
        if source is None:
            return Dry.WAIT
        while (frame := self._decoded()) is None:
            data = source.read(_READ)
            if not data:
                return self._why_dry(source)
            decoder.feed(data)
        if frame.kind is Kind.RECONNECT:
            self._upstream.finish()
            self._is_last = True
            return None
        return frame if self._upstream.is_new(frame) else None

    def _decoded(self) -> Frame | None:
        if self._is_last and not self._decoder.is_between:
            raise Malformed("octets after RECONNECT")
        return self._decoder.next()

    def _why_dry(self, source: Arriving) -> Dry:
        if source.is_lost:
            return Dry.LOST
        if not source.is_whole:
            return Dry.WAIT if self._decoder.is_between else Dry.AMID
        if not self._is_last:
            raise Malformed("the last frame is not RECONNECT")
        return Dry.END

    def answer(self) -> Deferred[int]:
        """Fires with the status of the request in flight."""
        waiting: Deferred[int] = Deferred(self._waiting_left)
        self._waiting.append(waiting)
        return waiting

    def _waiting_left(self, waiting: Deferred[int]) -> None:
        self._waiting = [one for one in self._waiting if one is not waiting]

    def done(self, status: int) -> None:
        """All of it was taken, or nothing more of it is to be: who waits is told ``status``."""
        self._upstream.done()
        self._leave()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(status)

    def _leave(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.stop()
