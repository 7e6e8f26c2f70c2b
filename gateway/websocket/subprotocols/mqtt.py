"""MQTT 3.1, 3.1.1 and 5.0 over WebSocket: binary messages, a stream of packets each way.

An acknowledgement for a packet of an earlier connection (a session that goes on) is open;
session state at the broker is its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.websocket.subprotocols import mqtt_packets as packets
from gateway.websocket.subprotocols.base import (
    MOST_FIELDS,
    POLICY,
    Allowance,
    Direction,
    Framed,
    Message,
    Names,
    Pulse,
    broken,
    octets_of,
)
from gateway.websocket.subprotocols.destinations import filter_fault, topic_allowed, unshared
from gateway.websocket.subprotocols.mqtt_packets import (
    REASONS,
    Fields,
    Kind,
    Packet,
    Packets,
    malformed,
    properties,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.websocket.rules import ValidationRules

CLIENT, SERVER = Direction.FROM_CLIENT, Direction.TO_CLIENT
OTHER = {CLIENT: SERVER, SERVER: CLIENT}
V31, V311, V5 = 3, 4, 5
_NAMES = {(V31, "MQIsdp"), (V311, "MQTT"), (V5, "MQTT")}
_ACKS = frozenset({Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP})
_BOTH = _ACKS | {Kind.PUBLISH}
_FROM = {
    CLIENT: _BOTH | {Kind.CONNECT, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE, Kind.PINGREQ, Kind.DISCONNECT},
    SERVER: _BOTH | {Kind.CONNACK, Kind.SUBACK, Kind.UNSUBACK, Kind.PINGRESP},
}
_LATER = {CLIENT: {Kind.AUTH}, SERVER: {Kind.AUTH, Kind.DISCONNECT}}
"""What either side may send besides in version 5."""
_FLAGS = {Kind.PUBREL: 2, Kind.SUBSCRIBE: 2, Kind.UNSUBSCRIBE: 2}
_LATE_SECONDS = 10


class Mqtt(Framed[Packet]):
    """One connection."""

    def __init__(self, levels: frozenset[int], rules: ValidationRules) -> None:
        """``levels``: the protocol levels that the subprotocol is for."""
        super().__init__(Pulse("mqtt-keep-alive"))
        self._levels = levels
        self._rules = rules
        self._packets = {side: Packets(rules.message_bytes) for side in (CLIENT, SERVER)}
        self._level = 0
        self._auth = self._accepted = False
        self._ended = {CLIENT: False, SERVER: False}
        # Packets that a side sent and that want an answer: 0, or how many filters they have,
        # as a negative number if they take subscriptions back.
        self._open = {side: Names(rules.ids) for side in (CLIENT, SERVER)}
        self._most_aliases = {CLIENT: 0, SERVER: 0}
        self._aliases = {side: Names(rules.ids) for side in (CLIENT, SERVER)}
        self._most_bytes = {CLIENT: 0, SERVER: 0}
        self._keep_alive = 0
        self._fields = Allowance("filters and properties", MOST_FIELDS)

    def frames(self, message: Message, now: float) -> Iterator[Packet]:
        """The packets that end in a message."""
        del now
        self._fields.renew()
        return self._packets[message.direction].feed(octets_of(message))

    def judge(self, side: Direction, packet: Packet, now: float) -> None:
        """Judge one packet."""
        kind = packet.kind
        if kind not in _FROM[side] and (self._level != V5 or kind not in _LATER[side]):
            raise broken("mqtt-type", "not one that this side may send")
        self._check_order(side, kind)
        if 0 < self._most_bytes[side] < packet.size:
            raise broken("mqtt-size", "larger than the other side takes")
        self._check_flags(packet)
        fields = Fields(packet.body, self._fields)
        if kind is Kind.CONNECT:
            self._connect(fields)
        elif kind is Kind.CONNACK:
            self._connack(fields, now)
        elif kind is Kind.PUBLISH:
            self._publish(side, packet.flags, fields)
        elif kind in _ACKS:
            self._ack(side, kind, fields)
        elif kind in {Kind.SUBSCRIBE, Kind.UNSUBSCRIBE}:
            self._subscribe(kind, fields, again=packet.flags & 8 != 0)
        elif kind in {Kind.SUBACK, Kind.UNSUBACK}:
            self._suback(kind, fields)
        elif kind in {Kind.DISCONNECT, Kind.AUTH}:
            self._reason(kind, fields)
            self._ended[side] = kind is Kind.DISCONNECT
        else:
            fields.end()

    def _check_flags(self, packet: Packet) -> None:
        if packet.kind is Kind.PUBLISH:
            return
        flags = packet.flags
        if self._level == V31 and packet.kind in _FLAGS:
            flags &= ~8  # sent again
        if flags != _FLAGS.get(packet.kind, 0):
            raise malformed("flags that this packet does not have")

    def _check_order(self, side: Direction, kind: Kind) -> None:
        if self._ended[side]:
            raise broken("mqtt-order", "a packet behind the last one")
        if (kind is Kind.CONNECT) == bool(self._level):
            raise broken("mqtt-order", "CONNECT is not the first packet, or not once")
        if side is SERVER and kind is not Kind.AUTH and (kind is Kind.CONNACK) == self._accepted:
            raise broken("mqtt-order", "CONNACK is not the first packet, or not once")
        if kind is Kind.AUTH and not self._auth:
            raise broken("mqtt-order", "AUTH, and CONNECT named no method")

    # --- opening ---------------------------------------------------------------------

    def _connect(self, fields: Fields) -> None:
        name, level = fields.text(), fields.number(1)
        if (level, name) not in _NAMES or level not in self._levels:
            detail = "a protocol name or level that is not open here"
            raise broken("mqtt-version", detail, final=True)
        flags = fields.number(1)
        self._keep_alive = fields.number(2)
        user, secret, retain, qos, will, clean = (
            flags >> 7,
            flags >> 6 & 1,
            flags >> 5 & 1,
            flags >> 3 & 3,
            flags >> 2 & 1,
            flags >> 1 & 1,
        )
        if level != V31 and (flags & 1 or (not will and (qos or retain))):
            raise malformed("connect flags that contradict each other")
        if qos == 3 or (secret and not user and level != V5):
            raise malformed("connect flags that contradict each other")
        given = properties(fields, Kind.CONNECT) if level == V5 else {}
        self._learn(SERVER, given)
        self._auth = packets.AUTH_METHOD in given
        client = fields.text()
        if not client and level != V5 and (level == V31 or not clean):
            raise malformed("a session without a client identifier")
        self._level = level
        if will:
            self._will(fields)
        if user and (fields.left or level != V31):
            fields.text()
        if secret and (fields.left or level != V31):
            fields.octets()
        fields.end()

    def _will(self, fields: Fields) -> None:
        if self._level == V5:
            self._check_response(properties(fields, Kind.WILL))
        topic = fields.text()
        fields.octets()
        self._check_topic(topic)
        self._allow("publish", self._rules.publish, topic)

    def _connack(self, fields: Fields, now: float) -> None:
        flags, code = fields.number(1), fields.number(1)
        given = properties(fields, Kind.CONNACK) if self._level == V5 else {}
        fields.end()
        fine = code in REASONS[Kind.CONNACK] if self._level == V5 else code <= 5
        if not fine or (self._level != V31 and (flags > 1 or (flags and code))):
            raise malformed("a CONNACK that there is not")
        self._accepted = True
        self._learn(CLIENT, given)
        seconds = given.get(packets.SERVER_KEEP_ALIVE, self._keep_alive)
        if code == 0 and isinstance(seconds, int) and seconds:
            self._pulse.expect(CLIENT, 1.5 * seconds + _LATE_SECONDS, now)

    def _learn(self, side: Direction, given: dict[int, int | str | bytes]) -> None:
        """What ``side`` has to heed of the other's properties."""
        most, size = given.get(packets.ALIAS_MAXIMUM, 0), given.get(packets.MOST_BYTES, 0)
        self._most_aliases[side] = most if isinstance(most, int) else 0
        self._most_bytes[side] = size if isinstance(size, int) else 0

    # --- messages --------------------------------------------------------------------

    def _publish(self, side: Direction, flags: int, fields: Fields) -> None:
        qos, again = flags >> 1 & 3, bool(flags & 8)
        if qos == 3 or (again and not qos):
            raise malformed("a quality of service that there is not")
        topic = fields.text()
        packet = fields.number(2) if qos else None
        given = properties(fields, Kind.PUBLISH) if self._level == V5 else {}
        alias = given.get(packets.ALIAS)
        if isinstance(alias, int):
            if alias > self._most_aliases[side]:
                raise broken("mqtt-alias", "a topic alias above the other side's maximum")
            if topic:
                self._aliases[side].add(alias)
            elif alias not in self._aliases[side]:
                raise broken("mqtt-alias", "a topic alias that stands for nothing")
        if topic or alias is None:
            self._check_topic(topic)
        if side is CLIENT:
            if packets.SUBSCRIPTION_ID in given:
                raise malformed("a subscription identifier of a client's")
            # An alias stands for a topic that was asked about when it was set.
            if topic:
                self._allow("publish", self._rules.publish, topic)
            self._check_response(given)
        if packet is not None:
            self._use(side, packet, 0, again=again)

    def _check_response(self, given: dict[int, int | str | bytes]) -> None:
        topic = given.get(packets.RESPONSE_TOPIC)
        if not isinstance(topic, str):
            return
        self._check_topic(topic)
        publish, subscribe = self._rules.publish, self._rules.subscribe
        # Where a client wants its answers: a place it may read, or could write to itself.
        if publish is None or (subscribe is not None and topic_allowed(topic, subscribe)):
            return
        self._allow("publish", publish, topic)

    @staticmethod
    def _check_topic(topic: str) -> None:
        if not topic or "+" in topic or "#" in topic:
            raise broken("mqtt-topic", "a topic that is none")

    @staticmethod
    def _allow(rule: str, patterns: tuple[str, ...] | None, topic: str) -> None:
        if patterns is not None and not topic_allowed(topic, patterns):
            raise broken(rule, "the topic is not open to this page", POLICY)

    def _subscribe(self, kind: Kind, fields: Fields, *, again: bool) -> None:
        packet = fields.number(2)
        if self._level == V5:
            properties(fields, kind)
        count = 0
        while fields.left:
            text = fields.text()
            shared = text.startswith("$share/")
            inner = unshared(text)
            if inner is None or filter_fault(inner):
                raise broken("mqtt-topic", "a topic filter that is none")
            count += 1
            fields.spend()
            if count > self._rules.ids:
                raise broken("too-many", "topic filters in one packet", POLICY)
            if kind is Kind.SUBSCRIBE:
                self._check_options(fields.number(1), shared=shared)
                self._allow("subscribe", self._rules.subscribe, inner)
        if not count:
            raise malformed("no topic filter")
        self._use(CLIENT, packet, count if kind is Kind.SUBSCRIBE else -count, again=again)

    def _check_options(self, options: int, *, shared: bool) -> None:
        if options & 3 == 3 or options & (0xC0 if self._level == V5 else 0xFC):
            raise malformed("subscription options that there are not")
        if options >> 4 & 3 == 3 or (shared and self._level == V5 and options & 4):
            raise malformed("subscription options that there are not")

    # --- answers ---------------------------------------------------------------------

    def _use(self, side: Direction, packet: int, value: int, *, again: bool) -> None:
        if not packet:
            raise broken("mqtt-packet-id", "a packet identifier of 0")
        if packet in self._open[side] and not again:
            raise broken("mqtt-packet-id", "a packet identifier that is in use")
        self._open[side].add(packet, value)

    def _ack(self, side: Direction, kind: Kind, fields: Fields) -> None:
        packet, code = fields.number(2), 0
        if self._level == V5 and fields.left:
            code = self._reason(kind, fields)
        fields.end()
        if not packet:
            raise broken("mqtt-packet-id", "a packet identifier of 0")
        ends = kind in {Kind.PUBACK, Kind.PUBCOMP} or (kind is Kind.PUBREC and code >= 0x80)
        if ends and self._open[OTHER[side]].get(packet) == 0:
            self._open[OTHER[side]].pop(packet)

    def _suback(self, kind: Kind, fields: Fields) -> None:
        packet = fields.number(2)
        if self._level == V5:
            properties(fields, kind)
        count = self._open[CLIENT].get(packet) or 0
        if count * (1 if kind is Kind.SUBACK else -1) <= 0:
            raise broken("mqtt-packet-id", "an answer to nothing that was asked")
        self._open[CLIENT].pop(packet)
        if kind is Kind.UNSUBACK and self._level != V5:
            fields.end()
            return
        if fields.left != abs(count):
            raise malformed("not one answer for each filter")
        codes = REASONS[kind] if self._level == V5 else {0, 1, 2, 0x80}
        while fields.left:
            if fields.number(1) not in codes:
                raise malformed("a reason code that there is not")

    def _reason(self, kind: Kind, fields: Fields) -> int:
        """A reason code and properties, which version 5 has and may leave out."""
        if self._level != V5 or not fields.left:
            fields.end()
            return 0
        code = fields.number(1)
        if code not in REASONS[kind]:
            raise malformed("a reason code that there is not")
        if fields.left:
            properties(fields, kind)
        fields.end()
        return code
