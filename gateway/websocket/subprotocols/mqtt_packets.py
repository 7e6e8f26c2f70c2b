"""MQTT's packets as octets (3.1, 3.1.1, 5.0): where they end, and what their fields hold."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import attrs

from gateway.websocket.subprotocols.base import (
    BAD_DATA,
    POLICY,
    Broken,
    broken,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.websocket.subprotocols.base import Allowance


class Kind(IntEnum):
    """Packet types (5.0, section 2.1.2); ``WILL`` is none: the properties of a will."""

    WILL = 0
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


@attrs.frozen
class Packet:
    """One packet: type, flags, and what stands behind the remaining length."""

    kind: Kind
    flags: int
    body: bytes = attrs.field(repr=False)
    size: int = 0


def malformed(detail: str) -> Broken:
    """A packet that is not as the specification draws it."""
    return broken("mqtt-packet", detail)


class Packets:
    """The packets of one direction, of which a message may hold several or a part."""

    def __init__(self, bound: int) -> None:
        """``bound``: how large one may be."""
        self._bound = bound
        self._kept = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that ``data`` completes; raises ``Broken``, after which none can be found."""
        octets = self._kept
        octets += data
        at = 0
        while len(octets) - at >= 2:
            kind = octets[at] >> 4
            if not kind:
                raise broken("mqtt-packet", "a packet type that there is not", final=True)
            found = _remaining(octets, at + 1)
            if found is None:
                break
            length, body = found
            if length > self._bound:
                raise broken("mqtt-size", "a packet larger than a message", POLICY, final=True)
            end = body + length
            if len(octets) < end:
                break
            yield Packet(Kind(kind), octets[at] & 15, bytes(octets[body:end]), end - at)
            at = end
        del octets[:at]


def _remaining(octets: bytearray, at: int) -> tuple[int, int] | None:
    """A remaining length and where the packet's body begins; None: not all is there."""
    value = 0
    for place in range(4):
        if at + place >= len(octets):
            return None
        octet = octets[at + place]
        value |= (octet & 127) << (7 * place)
        if octet < 128:
            if place and not octet:
                break
            return value, at + place + 1
    raise broken("mqtt-length", "a remaining length that is none", final=True)


class Fields:
    """Reads the fields of one packet in order."""

    def __init__(self, octets: bytes, allowance: Allowance | None = None) -> None:
        """``allowance``: how many filters and properties may still be read."""
        self._octets = octets
        self._allowance = allowance
        self._at = 0

    @property
    def left(self) -> int:
        """How many octets are left."""
        return len(self._octets) - self._at

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise malformed("a field ends behind its packet")
        self._at += count
        return self._octets[self._at - count : self._at]

    def number(self, octets: int) -> int:
        """A number of so many octets."""
        return int.from_bytes(self._take(octets), "big")

    def octets(self) -> bytes:
        """Binary data with its length."""
        return self._take(self.number(2))

    def text(self) -> str:
        """UTF-8 with its length, without U+0000."""
        octets = self.octets()
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            raise broken("mqtt-text", "a text that is not UTF-8", BAD_DATA) from None
        if "\0" in text:
            raise broken("mqtt-text", "U+0000 in a text", BAD_DATA)
        return text

    def variable(self) -> int:
        """A variable byte integer."""
        value = 0
        for place in range(4):
            octet = self.number(1)
            value |= (octet & 127) << (7 * place)
            if octet < 128:
                if place and not octet:
                    break
                return value
        raise malformed("a variable byte integer that is none")

    def part(self, count: int) -> Fields:
        """The next octets, to be read as fields of their own."""
        return Fields(self._take(count), self._allowance)

    def spend(self) -> None:
        """Another filter or property is read."""
        if self._allowance is not None:
            self._allowance.spend()

    def end(self) -> None:
        """There is nothing more."""
        if self.left:
            raise malformed("octets behind the last field")


_ALL = frozenset(Kind) - {Kind.PINGREQ, Kind.PINGRESP}
_MESSAGE = frozenset({Kind.PUBLISH, Kind.WILL})
_OPENING = frozenset({Kind.CONNECT, Kind.CONNACK})
_ACCEPTED = frozenset({Kind.CONNACK})
_AUTH = frozenset({Kind.CONNECT, Kind.CONNACK, Kind.AUTH})
_ANSWERS = frozenset(
    {Kind.CONNACK, Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP, Kind.SUBACK}
) | {Kind.UNSUBACK, Kind.DISCONNECT, Kind.AUTH}
FLAG, TEXT, DATA, PAIR, VARIABLE = "flag", "text", "data", "pair", "variable"
SUBSCRIPTION_ID, AUTH_METHOD, AUTH_DATA, RESPONSE_TOPIC = 11, 21, 22, 8
SERVER_KEEP_ALIVE, ALIAS_MAXIMUM, ALIAS, USER, MOST_BYTES = 19, 34, 35, 38, 39
_PROPERTIES: dict[int, tuple[str | int, frozenset[Kind]]] = {
    1: (FLAG, _MESSAGE),
    2: (4, _MESSAGE),
    3: (TEXT, _MESSAGE),
    RESPONSE_TOPIC: (TEXT, _MESSAGE),
    9: (DATA, _MESSAGE),
    SUBSCRIPTION_ID: (VARIABLE, frozenset({Kind.PUBLISH, Kind.SUBSCRIBE})),
    17: (4, _OPENING | {Kind.DISCONNECT}),
    18: (TEXT, _ACCEPTED),
    SERVER_KEEP_ALIVE: (2, _ACCEPTED),
    AUTH_METHOD: (TEXT, _AUTH),
    AUTH_DATA: (DATA, _AUTH),
    23: (FLAG, frozenset({Kind.CONNECT})),
    24: (4, frozenset({Kind.WILL})),
    25: (FLAG, frozenset({Kind.CONNECT})),
    26: (TEXT, _ACCEPTED),
    28: (TEXT, _ACCEPTED | {Kind.DISCONNECT}),
    31: (TEXT, _ANSWERS),
    33: (2, _OPENING),
    ALIAS_MAXIMUM: (2, _OPENING),
    ALIAS: (2, frozenset({Kind.PUBLISH})),
    36: (FLAG, _ACCEPTED),
    37: (FLAG, _ACCEPTED),
    USER: (PAIR, _ALL),
    MOST_BYTES: (4, _OPENING),
    40: (FLAG, _ACCEPTED),
    41: (FLAG, _ACCEPTED),
    42: (FLAG, _ACCEPTED),
}
_MOST = 1024
_NOT_ZERO = frozenset({SUBSCRIPTION_ID, 33, ALIAS, MOST_BYTES})


def properties(fields: Fields, kind: Kind) -> dict[int, int | str | bytes]:
    """A packet's properties (5.0, section 2.2.2); of one that may come often, the last."""
    inside = fields.part(fields.variable())
    found: dict[int, int | str | bytes] = {}
    count = 0
    while inside.left:
        count += 1
        inside.spend()
        if count > _MOST:
            raise broken("too-many", "properties in one packet", POLICY)
        name = inside.variable()
        what, where = _PROPERTIES.get(name, (0, frozenset()))
        if kind not in where:
            raise malformed("a property that this packet does not have")
        often = name == USER or (name == SUBSCRIPTION_ID and kind is Kind.PUBLISH)
        if name in found and not often:
            raise malformed("a property twice")
        found[name] = _value(inside, what)
        if name in _NOT_ZERO and not found[name]:
            raise malformed("a property that may not be 0")
    if AUTH_DATA in found and AUTH_METHOD not in found:
        raise malformed("authentication data without a method")
    return found


def _value(inside: Fields, what: str | int) -> int | str | bytes:
    if isinstance(what, int):
        return inside.number(what)
    if what == FLAG:
        value = inside.number(1)
        if value > 1:
            raise malformed("a property that is neither 0 nor 1")
        return value
    if what == VARIABLE:
        return inside.variable()
    if what == DATA:
        return inside.octets()
    if what == PAIR:
        inside.text()
    return inside.text()


_ACKED = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
REASONS: dict[Kind, frozenset[int]] = {
    Kind.CONNACK: frozenset(
        {0, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, *range(0x99, 0x9E), 0x9F}
    ),
    Kind.PUBACK: _ACKED,
    Kind.PUBREC: _ACKED,
    Kind.PUBREL: frozenset({0, 0x92}),
    Kind.PUBCOMP: frozenset({0, 0x92}),
    Kind.SUBACK: frozenset({0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}),
    Kind.UNSUBACK: frozenset({0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}),
    Kind.DISCONNECT: frozenset(
        {0, 4, *range(0x80, 0x84), 0x87, 0x89, 0x8B, *range(0x8D, 0x91), *range(0x93, 0xA3)}
    ),
    Kind.AUTH: frozenset({0, 0x18, 0x19}),
}
"""Which reason codes version 5 has for which packet."""
