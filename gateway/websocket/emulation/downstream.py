"""Frames on their way down: queued between responses, bounded in each, kept for a repeat.

A response holds whole frames and ends with RECONNECT.  With retry it is kept until the
next request says that it was read, so that it can be repeated from any octet of it.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

import attrs

from gateway.websocket.emulation.frames import PONG, RECONNECT

_OBJECT = 64
"""What a frame that waits takes beside its octets: small ones would cost twenty times theirs."""


class Attach(Enum):
    """What is to be done with a downstream request."""

    NEW = "new"
    AGAIN = "again"
    GONE = "gone"
    """It cannot be repeated: it was larger than is kept."""
    FAULT = "fault"
    """Out of order: the connection fails."""


@attrs.define
class Response:
    """One response: how large it may become, how large it is, what is kept of it."""

    bound: int
    size: int = 0
    ended: bool = False
    kept: bytearray | None = attrs.field(default=None, repr=False)


class Downstream:
    """Numbers, queue and responses of one emulated WebSocket."""

    def __init__(self, number: int, response_bytes: int, retry_bytes: int = 0) -> None:
        """``number``: the create's; ``retry_bytes``: what is kept of a response, 0: nothing."""
        self._number = number
        self._most = min(response_bytes, retry_bytes) if retry_bytes else response_bytes
        self._retry_bytes = retry_bytes
        self._queue: deque[bytes] = deque()
        self._at = 0  # so much of the first one is in the response
        self.queued = 0
        self._response: Response | None = None
        self._closing = False

    @property
    def is_open(self) -> bool:
        """Whether a response takes frames."""
        return self._response is not None and not self._response.ended

    @property
    def has_frames(self) -> bool:
        """Whether anything waits."""
        return bool(self._queue)

    @property
    def is_done(self) -> bool:
        """Whether the last frame of all was given to a response."""
        return self._closing and not self._queue

    def push(self, frame: bytes) -> None:
        """A frame is to be sent; nothing is after the last."""
        # A client that reads nothing is owed one answer to its pings, not thousands.
        if self._closing or (frame == PONG and self._queue and self._queue[-1] == PONG):
            return
        self._queue.append(frame)
        self.queued += len(frame) + _OBJECT

    def push_last(self, frame: bytes) -> None:
        """The last frame: the response that carries it ends."""
        self.push(frame)
        self.close()

    def close(self) -> None:
        """No frame follows: the response that carries the last one ends, or an empty one does."""
        self._closing = True

    def attach(self, number: int | None, octets: int | None = None, offset: int = 0) -> Attach:
        """A request came.  An open response must have been ended before a NEW one takes frames."""
        response = self._response
        if number is None:
            return Attach.FAULT
        if number == self._number + 1:
            self._number = number
            bound = min(octets, self._most) if octets else self._most
            # Of a response that was lost nobody has read a frame that was not whole.
            self.queued, self._at = self.queued + self._at, 0
            kept = bytearray() if self._retry_bytes else None
            self._response = Response(bound, kept=kept)
            return Attach.NEW
        if not self._retry_bytes or response is None or number != self._number:
            return Attach.FAULT
        if response.kept is None:
            return Attach.GONE
        return Attach.AGAIN if offset <= len(response.kept) else Attach.FAULT

    def is_next(self, number: int | None) -> bool:
        """Whether a request with this number would begin a new response."""
        return number == self._number + 1

    def replay(self, offset: int) -> tuple[bytes, bool]:
        """What the response had from ``offset`` on, and whether that was its end."""
        response = self._response
        if response is None or response.kept is None:
            return b"", True
        return bytes(response.kept[offset:]), response.ended

    def take(self, octets: int, *, all_there_is: bool = False) -> bytes:
        """Move so many octets of frames into the response; it may end by that, with a whole frame.

        ``all_there_is``: as a long-poll's, it ends in any case, a little larger if need be.
        """
        response = self._response
        if response is None or response.ended:
            return b""
        out = []
        taken, ends = 0, all_there_is
        while self._queue and taken < octets:
            frame, at = self._queue[0], self._at
            size = len(frame)
            bound = response.bound - len(RECONNECT)
            if not at and response.size and response.size + size > bound:
                ends = True
                break
            until = size if all_there_is else min(size, at + octets - taken)
            out.append(self._move(response, until))
            taken += until - at
            if until == size and response.size >= bound:
                ends = True
                break
        if ends or self.is_done:
            out.append(RECONNECT)
            response.ended = True
        data = b"".join(out)
        self._keep(response, data)
        return data

    def _move(self, response: Response, until: int) -> bytes:
        """The first frame's octets up to ``until``, which are in the response now."""
        frame, at = self._queue[0], self._at
        self._at = until
        self.queued -= until - at
        response.size += until - at
        if until == len(frame):
            self._queue.popleft()
            self.queued -= _OBJECT
            self._at = 0
        return frame[at:until]

    def finish(self) -> bytes:
        """End the response, after the frame that is in it: what is to be written."""
        response = self._response
        if response is None or response.ended:
            return b""
        response.ended = True
        data = self._move(response, len(self._queue[0])) if self._at else b""
        self._keep(response, data + RECONNECT)
        return data + RECONNECT

    def _keep(self, response: Response, data: bytes) -> None:
        if response.kept is not None:
            response.kept += data
            if len(response.kept) > self._retry_bytes + len(RECONNECT):
                response.kept = None
