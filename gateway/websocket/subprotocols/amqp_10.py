"""AMQP 1.0: headers, SASL, frames and their performatives (OASIS, parts 2 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.websocket.subprotocols.base import (
    Broken,
    Direction,
    Names,
    broken,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.websocket.rules import ValidationRules
    from gateway.websocket.subprotocols.base import Pulse

CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT
OTHER = {CLIENT: SERVER, SERVER: CLIENT}
AMQP, SASL = b"AMQP\0\1\0\0", b"AMQP\3\1\0\0"
_FIRST_FRAMES = 8192
"""Before the other side's open: more than the 512 octets that have to be taken."""
OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, ENDED, CLOSE = range(0x10, 0x19)
MECHANISMS, INIT, CHALLENGE, RESPONSE, OUTCOME = range(0x40, 0x45)
_SASL_FROM = {CLIENT: {INIT, RESPONSE}, SERVER: {MECHANISMS, CHALLENGE, OUTCOME}}
_NAMES = {
    f"amqp:{name}:list": code
    for first, names in (
        (OPEN, "open begin attach flow transfer disposition detach end close"),
        (MECHANISMS, "sasl-mechanisms sasl-init sasl-challenge sasl-response sasl-outcome"),
    )
    for code, name in enumerate(names.split(), first)
}
_MAX_FRAME_SIZE, _IDLE_TIME_OUT = 2, 4
_FIXED = {4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16}


class Amqp10:
    """What begins with either header."""

    def __init__(self, rules: ValidationRules, pulse: Pulse) -> None:
        """Neither side has sent its header."""
        self._bound = rules.message_bytes
        self._pulse = pulse
        self._first = b""
        self._layer: dict[Direction, bytes] = {CLIENT: b"", SERVER: b""}
        self._through = False
        self._open = {CLIENT: False, SERVER: False}
        self._closed = {CLIENT: False, SERVER: False}
        self._most_bytes = {CLIENT: _FIRST_FRAMES, SERVER: _FIRST_FRAMES}
        self._channels = {CLIENT: Names(rules.ids), SERVER: Names(rules.ids)}

    def frames(self, side: Direction, octets: bytearray) -> Iterator[tuple[int, int, bytes]]:
        """The whole frames at the front: type, channel, body.  Headers are judged at once."""
        at = 0
        while len(octets) - at >= 8:
            if octets[at : at + 4] == b"AMQP":
                self._header(side, bytes(octets[at : at + 8]))
                at += 8
                continue
            if not self._layer[side]:
                raise broken("amqp-header", "a frame before the header")
            size = int.from_bytes(octets[at : at + 4], "big")
            body = octets[at + 4] * 4
            if size < 8 or not 8 <= body <= size:
                raise broken("amqp-frame", "sizes that contradict each other")
            if size > self._most_bytes[side]:
                raise broken("amqp-size", "a frame larger than the other takes")
            if len(octets) - at < size:
                break
            channel = int.from_bytes(octets[at + 6 : at + 8], "big")
            yield octets[at + 5], channel, bytes(octets[at + body : at + size])
            at += size
        del octets[:at]

    def _header(self, side: Direction, header: bytes) -> None:
        before = self._layer[side]
        self._first = self._first or header  # the client's
        if side is SERVER and not before and header != self._first:
            self._closed[SERVER] = True  # it tells what it has instead, and goes
        elif header not in {AMQP, SASL} or (before and (before, header) != (SASL, AMQP)):
            raise broken("amqp-header", "a header at the wrong time, or of no known layer")
        elif before == SASL and side is SERVER and not self._through:
            raise broken("amqp-order", "the layer behind SASL before its outcome")
        self._layer[side] = header

    def judge(self, side: Direction, piece: tuple[int, int, bytes], now: float) -> None:
        """Judge one frame."""
        kind, channel, content = piece
        if self._closed[side]:
            raise broken("amqp-order", "a frame behind close")
        if kind != (1 if self._layer[side] == SASL else 0):
            raise broken("amqp-frame", "a frame type that is not of this layer")
        if kind == 1:
            self._sasl(side, content)
            return
        if not content:
            return  # a heart-beat
        code, values = _performative(content)
        if not OPEN <= code <= CLOSE:
            raise broken("amqp-performative", "none that there is")
        if (code == OPEN) == self._open[side]:
            raise broken("amqp-order", "open is not the first performative, or not once")
        if code == OPEN:
            self._opened(side, values, now)
        elif code == CLOSE:
            self._closed[side] = True
        elif code == BEGIN:
            if channel in self._channels[side]:
                raise broken("amqp-channel", "begun twice")
            self._channels[side].add(channel)
        elif channel not in self._channels[side]:
            raise broken("amqp-channel", "not begun")
        elif code == ENDED:
            self._channels[side].pop(channel)

    def _sasl(self, side: Direction, content: bytes) -> None:
        code, values = _performative(content)
        if code not in _SASL_FROM[side]:
            raise broken("amqp-performative", "none that this side sends for SASL")
        if code == OUTCOME:
            if _number(values, 0) == 0:
                self._through = True
            else:
                self._closed[SERVER] = True

    def _opened(self, side: Direction, values: bytes, now: float) -> None:
        self._open[side] = True
        other = OTHER[side]
        size = _number(values, _MAX_FRAME_SIZE)
        if size is not None and size < 512:
            raise broken("amqp-open", "a frame size below the least there is")
        self._most_bytes[other] = min(size or self._bound, self._bound)
        idle = _number(values, _IDLE_TIME_OUT)
        if idle:
            self._pulse.expect(other, 1.5 * idle / 1000 + 10, now)


def _performative(content: bytes) -> tuple[int, bytes]:
    """A performative's code, and its list from the constructor on."""
    if content[:2] == b"\0\x53" and len(content) > 3:
        return content[2], content[3:]
    if content[:2] == b"\0\x80" and len(content) > 10:
        return int.from_bytes(content[2:10], "big"), content[10:]
    width = {b"\0\xa3": 1, b"\0\xb3": 4}.get(content[:2], 0)
    if width:
        end = 2 + width + int.from_bytes(content[2 : 2 + width], "big")
        code = _NAMES.get(content[2 + width : end].decode("latin-1"))
        if code is not None:
            return code, content[end:]
    raise broken("amqp-performative", "a frame whose body is none")


def _number(values: bytes, index: int) -> int | None:
    """A whole number in a list, None where it is left out or null; raises ``Broken``."""
    at, count = _list(values)
    if index >= count:
        return None
    for _ in range(index):
        at = _behind(values, at)
    if at >= len(values):
        raise _unreadable()
    code = values[at]
    if code == 0x40:
        return None
    width = {0x43: 0, 0x44: 0, 0x50: 1, 0x52: 1, 0x53: 1, 0x60: 2, 0x70: 4, 0x80: 8}.get(code)
    if width is None or at + 1 + width > len(values):
        raise _unreadable()
    return int.from_bytes(values[at + 1 : at + 1 + width], "big")


def _list(values: bytes) -> tuple[int, int]:
    """Where a list's first value is, and how many there are."""
    code = values[0] if values else 0
    if code == 0x45:
        return 1, 0
    if code == 0xC0 and len(values) >= 3:
        return 3, values[2]
    if code == 0xD0 and len(values) >= 9:
        return 9, int.from_bytes(values[5:9], "big")
    raise _unreadable()


def _behind(values: bytes, at: int) -> int:
    """Where the value behind the one at ``at`` begins."""
    depth = 1
    end = min(len(values), at + _FIRST_FRAMES)  # descriptors of descriptors go nowhere
    while depth:
        if at >= end:
            raise _unreadable()
        code, high = values[at], values[at] >> 4
        at += 1
        depth -= 1
        if code == 0:  # described: a descriptor and a value
            depth += 2
        elif high in _FIXED:
            at += _FIXED[high]
        elif high in {0xA, 0xC, 0xE} and at < len(values):
            at += 1 + values[at]
        elif high in {0xB, 0xD, 0xF} and at + 4 <= len(values):
            at += 4 + int.from_bytes(values[at : at + 4], "big")
        else:
            raise _unreadable()
    return at


def _unreadable() -> Broken:
    return broken("amqp-performative", "a list that cannot be read")
