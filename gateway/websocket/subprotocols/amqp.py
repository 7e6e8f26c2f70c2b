"""AMQP over WebSocket: binary messages, a stream of octets each way, a protocol header first.

The header says whether 0-9-1 or 1.0 follows: both go by the name ``amqp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.websocket.subprotocols.amqp_091 import Amqp091
from gateway.websocket.subprotocols.amqp_10 import AMQP, SASL, Amqp10
from gateway.websocket.subprotocols.base import (
    Direction,
    Framed,
    Message,
    Pulse,
    broken,
    octets_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.websocket.rules import ValidationRules

CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT
OLD = b"AMQP\0\0\x09\1"


Piece = tuple[int, int, bytes]
"""A frame: its type, its channel, and its octets."""


class Dialect(Protocol):
    """What follows a header."""

    def frames(self, side: Direction, octets: bytearray) -> Iterator[Piece]:
        """The whole frames at the front, which are taken away; raises ``Broken``."""
        ...

    def judge(self, side: Direction, piece: Piece, now: float) -> None:
        """Judge one; raises ``Broken``."""
        ...


class Amqp(Framed[Piece]):
    """One connection."""

    def __init__(self, rules: ValidationRules) -> None:
        """Which dialect it is is not known yet."""
        super().__init__(Pulse("amqp-heart-beat"))
        self._rules = rules
        self._kept = {CLIENT: bytearray(), SERVER: bytearray()}
        self._dialect: Dialect | None = None

    def frames(self, message: Message, now: float) -> Iterator[Piece]:
        """The frames that end in a message."""
        del now
        side = message.direction
        octets = self._kept[side]
        octets += octets_of(message)
        if self._dialect is None:
            if side is SERVER:
                raise broken("amqp-header", "the server speaks first", final=True)
            self._dialect = self._begin(octets)
        if self._dialect is not None:
            yield from self._dialect.frames(side, octets)

    def judge(self, side: Direction, piece: Piece, now: float) -> None:
        """Judge one frame."""
        if self._dialect is not None:
            self._dialect.judge(side, piece, now)

    def _begin(self, octets: bytearray) -> Dialect | None:
        head = bytes(octets[:8])
        if not any(known.startswith(head[: len(known)]) for known in (OLD, AMQP, SASL)):
            raise broken("amqp-header", "no header of a version that is open here", final=True)
        if len(head) < 8:
            return None
        if head == OLD:
            del octets[:8]
            return Amqp091(self._rules, self._pulse)
        return Amqp10(self._rules, self._pulse)
