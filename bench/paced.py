"""Reading at a pace: nothing at all, or so many octets in a second."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RECEIVE_BYTES = 64 * 1024
"""What the system may hold for a reader: more would be read at once when it reads again."""
_STEPS = 5


class Paced(asyncio.Protocol):
    """A connection whose reader takes its time; ``octets`` is what it has read."""

    def __init__(self) -> None:
        """It reads what comes until it is held."""
        self.octets = 0
        self._transport: Any = None
        self._credit: int | None = None
        self._rests = False

    def took(self, octets: int) -> None:
        """So much was read."""
        self.octets += octets
        if self._credit is not None:
            self._credit -= octets
            self._rest(rests=self._credit <= 0)

    def hold(self) -> None:
        """Read nothing more."""
        self._credit = 0
        self._rest(rests=True)

    def earn(self, octets: int) -> None:
        """So much may be read."""
        if self._credit is not None:
            self._credit = min(self._credit + octets, octets * _STEPS)
            self._rest(rests=self._credit <= 0)

    def _rest(self, *, rests: bool) -> None:
        if rests != self._rests and not self._transport.is_closing():
            self._rests = rests
            (self._transport.pause_reading if rests else self._transport.resume_reading)()


def bounded_socket() -> socket.socket:
    """A socket for which the system holds little."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    made.setblocking(False)  # noqa: FBT003 (the library's signature)
    return made


async def obey(readers: Callable[[], Iterable[Paced]], begin: Callable[[], None]) -> None:
    """Do what lines on standard input say until it ends.

    ``hold``: ``begin``, and read nothing.  ``pace N``: read N octets of each connection a second.
    ``count``: print how many octets were read.
    """
    loop = asyncio.get_running_loop()
    pace = 0

    def step() -> None:
        loop.call_later(1 / _STEPS, step)
        if pace:
            for one in readers():
                one.earn(pace // _STEPS)

    step()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, _, value = line.strip().partition(" ")
        if word == "hold":
            begin()
            for one in readers():
                one.hold()
        elif word == "pace":
            pace = int(value)
        else:
            print(sum(one.octets for one in readers()), flush=True)
