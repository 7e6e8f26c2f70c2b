"""STOMP 1.0, 1.1 and 1.2 (stomp.github.io), as a stream: frames span messages and share them.

The subprotocol's name is the version.  Left to brokers, since common clients differ: the
header ``host`` of CONNECT.  Unknown headers are open.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from gateway.websocket.subprotocols.base import (
    POLICY,
    Broken,
    Direction,
    Framed,
    Message,
    Names,
    Pulse,
    broken,
    utf8,
)
from gateway.websocket.subprotocols.destinations import stomp_allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.websocket.rules import ValidationRules

CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT
_HEAD_BYTES, _HEADERS = 64 * 1024, 256
_ENDS_OF_LINE = re.compile(rb"(?:\r?\n)*")
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPES = {"n": "\n", "c": ":", "\\": "\\", "r": "\r"}
_NUMBER = re.compile(r"[0-9]{1,10}\Z", re.ASCII)
_BEATS = re.compile(r"([0-9]{1,9}),([0-9]{1,9})\Z", re.ASCII)
_QUEUE, _DEAD, _DEAD_KEY = "x-queue-name", "x-dead-letter-exchange", "x-dead-letter-routing-key"
_ONCE = ("destination", "id", "content-length", "subscription", _QUEUE, _DEAD, _DEAD_KEY)
_HAS_BODY = frozenset({"SEND", "MESSAGE", "ERROR"})
_RAW = frozenset({"CONNECT", "STOMP", "CONNECTED"})
_FROM = {
    CLIENT: frozenset(
        {
            *("CONNECT", "STOMP", "SEND", "SUBSCRIBE", "UNSUBSCRIBE", "DISCONNECT"),
            *("BEGIN", "COMMIT", "ABORT", "ACK", "NACK"),
        }
    ),
    SERVER: frozenset({"CONNECTED", "MESSAGE", "RECEIPT", "ERROR"}),
}
_LATER = frozenset({"STOMP", "NACK"})
"""Commands that 1.0 lacks."""
_NEEDED: dict[str, dict[str, tuple[str, ...]]] = {
    "1.0": {
        "SEND": ("destination",),
        "SUBSCRIBE": ("destination",),
        "ACK": ("message-id",),
        "BEGIN": ("transaction",),
        "MESSAGE": ("destination", "message-id"),
    }
}
for _name in ("COMMIT", "ABORT"):
    _NEEDED["1.0"][_name] = ("transaction",)
_NEEDED["1.0"]["RECEIPT"] = ("receipt-id",)
_NEEDED["1.1"] = _NEEDED["1.0"] | {
    "CONNECT": ("accept-version",),
    "STOMP": ("accept-version",),
    "CONNECTED": ("version",),
    "SUBSCRIBE": ("destination", "id"),
    "UNSUBSCRIBE": ("id",),
    "ACK": ("message-id", "subscription"),
    "NACK": ("message-id", "subscription"),
    "MESSAGE": ("destination", "message-id", "subscription"),
}
_NEEDED["1.2"] = _NEEDED["1.1"] | {"ACK": ("id",), "NACK": ("id",)}
_LATE_FACTOR, _LATE_SECONDS = 3, 10
"""How much later than promised a heart-beat may come: networks, and legs that wait for us."""


@attrs.frozen
class Frame:
    """A frame without its body; ``fault``: what is wrong with its headers, if it has an end."""

    command: str
    headers: dict[str, str] = attrs.field(repr=False)
    length: int = 0
    fault: Broken | None = None


@attrs.define(eq=False)
class _Head:
    """A frame's beginning; ``body``: where the rest of it begins."""

    command: str
    headers: dict[str, str] = attrs.field(repr=False)
    length: int | None
    fault: Broken | None
    body: int


class Frames:
    """The frames of one direction."""

    def __init__(self, version: str, bound: int) -> None:
        """``bound``: how much of an unfinished frame is kept."""
        self._version = version
        self._bound = bound
        self._kept = bytearray()
        self._head: _Head | None = None
        self._looked = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that ``data`` completes; raises ``Broken``, after which none can be found."""
        octets = self._kept
        octets += data
        at = 0
        while True:
            if self._head is None:
                found = _ENDS_OF_LINE.match(octets, at)
                at = found.end() if found is not None else at
                if at == len(octets):
                    break
                found = _END_OF_HEAD.search(octets, max(at, self._looked))
                if found is None:
                    if len(octets) - at > _HEAD_BYTES:
                        raise broken("stomp-head", "too long")
                    self._looked = max(len(octets) - 2, at)
                    break
                self._head = self._read_head(octets[at : found.start()], found.end())
                self._looked = found.end()
            head = self._head
            end = self._end(octets, head.length, head.body)
            if end is None:
                break
            yield Frame(head.command, head.headers, end - head.body, head.fault)
            self._head, self._looked, at = None, 0, end + 1
        del octets[:at]
        self._looked = max(self._looked - at, 0)
        if self._head is not None:
            self._head.body -= at

    def _end(self, octets: bytearray, length: int | None, body: int) -> int | None:
        """Where the NUL behind a body is, once it is there."""
        if length is None:
            end = octets.find(b"\0", self._looked)
            if end < 0:
                self._looked = len(octets)
                self._check_size(len(octets) - body)
                return None
            return end
        self._check_size(length)
        if len(octets) <= body + length:
            return None
        if octets[body + length]:
            raise broken("stomp-length", "no NUL where the body should end")
        return body + length

    def _check_size(self, size: int) -> None:
        if size > self._bound:
            raise broken("stomp-size", "a frame larger than a message may be", POLICY)

    def _read_head(self, octets: bytearray, body: int) -> _Head:
        if len(octets) > _HEAD_BYTES or octets.count(b"\n") > _HEADERS:
            raise broken("stomp-head", "too long")
        if b"\0" in octets:
            raise broken("stomp-head", "a NUL before the end of the headers")
        command, *lines = utf8(octets).split("\n")
        if self._version == "1.2":
            command, *lines = (line.removesuffix("\r") for line in (command, *lines))
        headers: dict[str, str] = {}
        fault = None
        for line in lines:
            try:
                name, value = self._header(line, escaped=command not in _RAW)
            except Broken as found:
                fault = fault or found
                continue
            # The first one counts; where brokers may see it otherwise, there may be only one.
            if headers.setdefault(name, value) != value and name in _ONCE:
                twice = broken("stomp-header", "one of the headers that count comes twice")
                fault = fault or twice
        return _Head(command, headers, _length_of(headers), fault, body)

    def _header(self, line: str, *, escaped: bool) -> tuple[str, str]:
        name, colon, value = line.partition(":")
        if self._version == "1.0":
            name, value = name.strip(), value.strip()
        elif escaped:
            name, value = self._unescape(name), self._unescape(value)
        if not colon or not name or name != name.strip():
            raise broken("stomp-header", "a line that is no header")
        return name, value

    def _unescape(self, text: str) -> str:
        if "\\" not in text:
            return text

        def one(found: re.Match[str]) -> str:
            char = _ESCAPES.get(found[1])
            if char is None or (char == "\r" and self._version == "1.1"):
                raise broken("stomp-escape", "an escape that there is not")
            return char

        return _ESCAPE.sub(one, text)


def _length_of(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    if not _NUMBER.match(text):
        raise broken("stomp-length", "a content-length that is no number")
    return int(text)


class Stomp(Framed[Frame]):
    """One connection."""

    def __init__(self, version: str, rules: ValidationRules) -> None:
        """``version`` as in the frames: 1.0, 1.1 or 1.2."""
        super().__init__(Pulse("stomp-heart-beat"))
        self._version = version
        self._rules = rules
        self._frames = {side: Frames(version, rules.message_bytes) for side in (CLIENT, SERVER)}
        self._begun = {CLIENT: False, SERVER: False}
        self._ended = {CLIENT: False, SERVER: False}
        self._subscriptions = Names(rules.ids)
        self._transactions = Names(rules.ids)
        self._offer = (0, 0)

    def frames(self, message: Message, now: float) -> Iterator[Frame]:
        """The frames that end in a message."""
        del now
        return self._frames[message.direction].feed(message.payload)

    def judge(self, side: Direction, frame: Frame, now: float) -> None:
        """Judge one frame."""
        command, headers = frame.command, frame.headers
        if frame.fault is not None:
            raise frame.fault
        if command not in _FROM[side] or (self._version == "1.0" and command in _LATER):
            raise broken("stomp-command", "not one that this side may send")
        if self._ended[side]:
            raise broken("stomp-order", "a frame behind the last one")
        if (command in _RAW) == self._begun[side] and command != "ERROR":
            raise broken("stomp-order", "CONNECT or CONNECTED is not the first frame, or not once")
        if command == "CONNECTED" and not self._begun[CLIENT]:
            raise broken("stomp-order", "CONNECTED, and nobody asked")
        self._begun[side] = True
        for name in _NEEDED[self._version].get(command, ()):
            if name not in headers:
                raise broken("stomp-header", f"{command} without {name}")
        if frame.length and command not in _HAS_BODY:
            raise broken("stomp-body", f"{command} has a body")
        if command in _RAW:
            self._connect(side, headers, now)
        elif side is CLIENT:
            self._check_dead_letters(headers)
            self._client(command, headers)
        elif command == "ERROR":
            self._ended[side] = True

    def _connect(self, side: Direction, headers: dict[str, str], now: float) -> None:
        if self._version == "1.0":
            # A server that goes on in another version reads headers in another way.
            if side is SERVER and headers.get("version", "1.0") != "1.0":
                raise broken("stomp-version", "not the one that the subprotocol is named for")
            return
        name = "accept-version" if side is CLIENT else "version"
        versions = [one.strip() for one in headers[name].split(",")]
        if self._version not in versions or (side is SERVER and len(versions) != 1):
            raise broken("stomp-version", "not the one that the subprotocol is named for")
        found = _BEATS.match(headers.get("heart-beat", "0,0"))
        if found is None:
            raise broken("stomp-header", "heart-beat is not two numbers")
        given, wanted = int(found[1]), int(found[2])
        if side is CLIENT:
            self._offer = given, wanted
            return
        for by, promised, asked in (
            (CLIENT, self._offer[0], wanted),
            (SERVER, given, self._offer[1]),
        ):
            if promised and asked:
                every = max(promised, asked) / 1000
                self._pulse.expect(by, max(_LATE_FACTOR * every, every + _LATE_SECONDS), now)

    def _client(self, command: str, headers: dict[str, str]) -> None:
        if command == "SEND":
            self._allow("publish", self._rules.publish, headers["destination"])
        elif command == "SUBSCRIBE":
            self._subscribe(headers)
        elif command == "UNSUBSCRIBE":
            if not {"id", "destination"} & headers.keys():
                raise broken("stomp-header", "UNSUBSCRIBE without id and destination")
            self._subscriptions.pop(headers.get("id", headers.get("destination")))
        elif command == "DISCONNECT":
            self._ended[CLIENT] = True
        elif command in {"BEGIN", "COMMIT", "ABORT"}:
            name = headers["transaction"]
            if (command == "BEGIN") == (name in self._transactions):
                raise broken("stomp-transaction", f"{command} at the wrong time")
            if command == "BEGIN":
                self._transactions.add(name)
            else:
                self._transactions.pop(name)

    def _subscribe(self, headers: dict[str, str]) -> None:
        kinds = {"auto", "client"} | ({"client-individual"} if self._version != "1.0" else set())
        if headers.get("ack", "auto") not in kinds:
            raise broken("stomp-header", "ack is none of its values")
        name = headers.get("id", headers["destination"])
        if self._version != "1.0" and name in self._subscriptions:
            raise broken("stomp-subscription", "the id is in use")
        self._allow("subscribe", self._rules.subscribe, headers["destination"])
        queue = headers.get(_QUEUE)
        if queue is not None:
            # RabbitMQ then reads that queue, whatever the destination says.
            self._allow("subscribe", self._rules.subscribe, f"/queue/{queue}")
        self._subscriptions.add(name)

    def _check_dead_letters(self, headers: dict[str, str]) -> None:
        """RabbitMQ sends on what expires in a queue that a frame declares: it is published."""
        exchange = headers.get(_DEAD)
        if exchange is not None:
            key = headers.get(_DEAD_KEY, "**")
            self._allow("publish", self._rules.publish, f"/exchange/{exchange}/{key}")

    @staticmethod
    def _allow(rule: str, patterns: tuple[str, ...] | None, destination: str) -> None:
        if patterns is not None and not stomp_allowed(destination, patterns):
            raise broken(rule, "the destination is not open to this page", POLICY)
