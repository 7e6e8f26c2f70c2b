"""AMQP 0-9-1: frames, methods as pamqp reads them, content behind those that have some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pamqp import commands, frame

from gateway.websocket.subprotocols.base import (
    Allowance,
    Direction,
    Names,
    broken,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.websocket.rules import ValidationRules
    from gateway.websocket.subprotocols.base import Pulse

CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = 0xCE
_OVERHEAD = 8
_FIRST_FRAMES = 8192
"""Before there is an agreement: twice what the specification says, for long tokens."""
_METHODS_BYTES = 128 * 1024
"""Of a method or header, which are read field by field."""
_READING, _COPIES = 1024 * 1024, 64 * 1024
"""So many octets of them are read of one message.  Reading a table's next field copies what is
behind it, so that of so many octets each counts twice, of twice as many three times.
"""
_SERVER = frozenset(
    {"Start", "Secure", "Tune", "Blocked", "Unblocked", "Return", "Deliver", "GetEmpty"}
)
_CLIENT = frozenset({"StartOk", "SecureOk", "TuneOk"})
_BOTH = frozenset({"Close", "CloseOk", "Flow", "FlowOk", "Cancel", "CancelOk", "Ack", "Nack"})
_WITH_CONTENT = frozenset({"Basic.Publish", "Basic.Return", "Basic.Deliver", "Basic.GetOk"})
_BASIC = 60
_NEXT: dict[str, frozenset[str]] = {
    "": frozenset({"Start"}),
    "Start": frozenset({"StartOk"}),
    "StartOk": frozenset({"Secure", "Tune"}),
    "Secure": frozenset({"SecureOk"}),
    "SecureOk": frozenset({"Secure", "Tune"}),
    "Tune": frozenset({"TuneOk"}),
    "TuneOk": frozenset({"Open"}),
    "Open": frozenset({"OpenOk"}),
}
"""Which method of a connection's opening follows which."""


def _senders(name: str) -> frozenset[Direction]:
    if name in _BOTH:
        return frozenset({CLIENT, SERVER})
    from_server = name in _SERVER or (name.endswith("Ok") and name not in _CLIENT)
    return frozenset({SERVER if from_server else CLIENT})


_METHODS: tuple[Any, ...] = tuple(commands.INDEX_MAPPING.values())
_MAY_SEND = {kind.name: _senders(kind.name.partition(".")[2]) for kind in _METHODS}


class Amqp091:
    """What follows the header."""

    def __init__(self, rules: ValidationRules, pulse: Pulse) -> None:
        """Nothing is agreed on."""
        self._bound = rules.message_bytes
        self._pulse = pulse
        self._reading = Allowance("methods and headers", _READING)
        self._most_bytes = _FIRST_FRAMES
        self._most_channels = 65535
        self._offered: Any = None
        self._last = ""
        self._ended = {CLIENT: False, SERVER: False}
        self._channels = Names(rules.ids)
        # Content that is awaited, by side and channel: -1 a header, else octets of body.
        self._content = {CLIENT: Names(rules.ids), SERVER: Names(rules.ids)}

    def frames(self, side: Direction, octets: bytearray) -> Iterator[tuple[int, int, bytes]]:
        """The whole frames at the front, which are taken away: type, channel, all octets."""
        self._reading.renew()
        at = 0
        while len(octets) - at >= 7:
            if octets[at : at + 4] == b"AMQP" and side is SERVER and not self._last:
                self._ended = {CLIENT: True, SERVER: True}  # the version it has instead
                at += min(8, len(octets) - at)
                continue
            kind = octets[at]
            size = int.from_bytes(octets[at + 3 : at + 7], "big")
            if kind not in {METHOD, HEADER, BODY, HEARTBEAT}:
                raise broken("amqp-frame", "a frame type that there is not")
            most = min(self._most_bytes, _METHODS_BYTES if kind != BODY else self._most_bytes)
            if size + _OVERHEAD > most:
                raise broken("amqp-size", "a frame larger than was agreed on")
            end = at + size + 8
            if len(octets) < end:
                break
            if octets[end - 1] != END:
                raise broken("amqp-frame", "no end octet where a frame should end")
            channel = int.from_bytes(octets[at + 1 : at + 3], "big")
            yield kind, channel, bytes(octets[at:end])
            at = end
        del octets[:at]

    def judge(self, side: Direction, piece: tuple[int, int, bytes], now: float) -> None:
        """Judge one frame."""
        kind, channel, octets = piece
        if self._ended[side]:
            raise broken("amqp-order", "a frame behind the last one")
        if kind == HEARTBEAT:
            if channel or len(octets) != _OVERHEAD:
                raise broken("amqp-frame", "a heart-beat with a channel or content")
            return
        if kind == METHOD:
            self._method(side, channel, octets, now)
            return
        left = self._content[side].get(channel)
        if left is None or (left < 0) != (kind == HEADER):
            raise broken("amqp-order", "content where none is awaited")
        if kind == HEADER:
            size = self._read(octets).body_size
            if octets[7:9] != _BASIC.to_bytes(2, "big"):
                raise broken("amqp-method", "content of another class than its method")
        else:
            size = left - (len(octets) - _OVERHEAD)
            if size < 0:
                raise broken("amqp-order", "more content than its header said")
        if size:
            self._content[side].add(channel, size)
        else:
            self._content[side].pop(channel)

    def _read(self, octets: bytes) -> Any:
        self._reading.spend(len(octets) + len(octets) ** 2 // _COPIES)
        try:
            return frame.unmarshal(octets)[2]
        except Exception:  # noqa: BLE001 (pamqp's many kinds, some with what they read)
            raise broken("amqp-method", "a method or header that cannot be read") from None

    def _method(self, side: Direction, channel: int, octets: bytes, now: float) -> None:
        found = self._read(octets)
        name: str = found.name
        if side not in _MAY_SEND[name]:
            raise broken("amqp-direction", "a method that this side does not send")
        if channel in self._content[side]:
            raise broken("amqp-order", "a method where content is awaited")
        group, _, action = name.partition(".")
        if (group == "Connection") == bool(channel) or channel > self._most_channels:
            raise broken("amqp-channel", "a channel that this method cannot be on")
        if group == "Connection":
            self._connection(action, found, now)
            self._ended[side] = action == "CloseOk"
            return
        if self._last != "OpenOk":
            raise broken("amqp-order", "a channel before the connection is open")
        if name == "Channel.Open":
            if channel in self._channels:
                raise broken("amqp-channel", "opened twice")
            self._channels.add(channel)
        elif channel not in self._channels and name != "Channel.CloseOk":  # both may close at once
            raise broken("amqp-channel", "not open")
        elif name == "Channel.CloseOk":
            self._channels.pop(channel)
            for awaited in self._content.values():
                awaited.pop(channel)
        if name in _WITH_CONTENT:
            self._content[side].add(channel, -1)

    def _connection(self, action: str, found: Any, now: float) -> None:
        if action in {"Close", "CloseOk"}:
            return
        following = _NEXT.get(self._last)
        if following is None:
            if action in {"Blocked", "Unblocked", "UpdateSecret", "UpdateSecretOk"}:
                return
            raise broken("amqp-order", "the connection is open already")
        if action not in following:
            raise broken("amqp-order", "not the method that follows")
        self._last = action
        if action == "Tune":
            self._offered = found
        elif action == "TuneOk":
            self._agree(found, now)

    def _agree(self, found: Any, now: float) -> None:
        for name in ("channel_max", "frame_max"):
            offered, agreed = getattr(self._offered, name), getattr(found, name)
            if offered and (not agreed or agreed > offered):
                raise broken("amqp-tune", "more than the server offered")
        if found.frame_max and found.frame_max < 4096:
            raise broken("amqp-tune", "a frame size below the least there is")
        self._most_bytes = min(found.frame_max or self._bound, self._bound)
        self._most_channels = found.channel_max or 65535
        beat = found.heartbeat or 0
        for side in (CLIENT, SERVER):
            self._pulse.expect(side, max(2 * beat, beat + 10) if beat else 0, now)
