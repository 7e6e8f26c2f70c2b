"""Sequence numbers of upstream requests: one in flight, in order, repeated where agreed.

Frames are taken while a request comes, so one that breaks off may have brought some of them:
those of its repetition that were taken are known by their count, and checked to be the same.
"""

from __future__ import annotations

import zlib
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from gateway.websocket.emulation.frames import Malformed

if TYPE_CHECKING:
    from gateway.websocket.emulation.frames import Frame


class Turn(Enum):
    """What is to be done with an upstream request."""

    APPLY = "apply"
    INSTEAD = "instead"
    """It takes the place of the one in flight, which has not come whole."""
    AGAIN = "again"
    """It was applied or is being applied: it is answered as the first one is."""
    FAULT = "fault"
    """Out of order, or one is in flight: the connection fails."""


@attrs.define
class Upstream:
    """``number``: of the newest request; at first the create's, which cannot be repeated."""

    number: int
    retry: bool = False
    in_flight: bool = False
    _begun: bool = False
    _taken: int = 0
    _sum: int = 0
    _at: int = 0
    _sum_here: int = 0

    def begin(self, number: int | None, *, whole: bool = True) -> Turn:
        """A request came; ``whole``: the one in flight, if there is one, has come to its end."""
        if number is None:
            return Turn.FAULT
        if self.retry and self._begun and number == self.number:
            if whole or not self.in_flight:
                return Turn.AGAIN
            self._at = self._sum_here = 0
            return Turn.INSTEAD
        if self.in_flight or number != self.number + 1:
            return Turn.FAULT
        self.number, self.in_flight, self._begun = number, True, True
        self._taken = self._sum = self._at = self._sum_here = 0
        return Turn.APPLY

    def is_new(self, frame: Frame) -> bool:
        """Whether the next frame of a request was not taken yet.

        Raises ``Malformed`` where what came before differs from what was taken: a slip of the
        client's, which would lose or double something in silence.
        """
        self._at += 1
        kind = zlib.crc32(frame.kind.value.encode("ascii"), self._sum_here)
        self._sum_here = zlib.crc32(frame.payload, kind)
        if self._at > self._taken:
            self._taken, self._sum = self._at, self._sum_here
            return True
        if self._at == self._taken and self._sum_here != self._sum:
            raise Malformed("a request that came again has other frames")
        return False

    def finish(self) -> None:
        """Its last frame is there; raises ``Malformed`` as ``is_new`` does."""
        if self._at < self._taken:
            raise Malformed("a request that came again has fewer frames")

    def done(self) -> None:
        """All of it was applied."""
        self.in_flight = False
