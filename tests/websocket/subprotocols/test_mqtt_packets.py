"""Where MQTT's packets end, and what their fields hold."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import Broken
from gateway.websocket.subprotocols.mqtt_packets import Fields, Kind, Packets, properties


def _length(value: int) -> bytes:
    octets = bytearray()
    while True:
        value, octet = divmod(value, 128)
        octets.append(octet | (128 if value else 0))
        if not value:
            return bytes(octets)


class PacketsTests(SynchronousTestCase):
    """The fixed header."""

    def test_remaining_lengths(self) -> None:
        """One to four octets; no longer than it needs to be."""
        for length, size in ((0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3), (2_097_152, 4)):
            head = b"\x30" + _length(length)
            self.assertEqual(len(head), size + 1)
            (packet,) = Packets(1 << 28).feed(head + bytes(length))
            self.assertEqual((packet.kind, len(packet.body)), (Kind.PUBLISH, length))
            self.assertEqual(packet.size, len(head) + length)
        for octets, rule in (
            (b"\x30\xff\xff\xff\xff", "mqtt-length"),
            (b"\x30\x80\x00", "mqtt-length"),
            (b"\x30\x80\x80\x80\x80\x01", "mqtt-length"),
            (b"\x00\x00", "mqtt-packet"),
            (b"\x30\xff\xff\xff\x7f", "mqtt-size"),
        ):
            found = self.assertRaises(Broken, list, Packets(1000).feed(octets))
            self.assertEqual((found.verdict.rule, found.verdict.final), (rule, True), octets)

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=300), max_size=5), st.lists(st.integers(1, 99), min_size=1))
    def test_any_cut(self, bodies: list[bytes], sizes: list[int]) -> None:
        """The same packets, however messages cut them."""
        octets = b"".join(b"\x42" + _length(len(body)) + body for body in bodies)
        packets, found, at, turn = Packets(1000), [], 0, 0
        while at < len(octets):
            size = sizes[turn % len(sizes)]
            found += [one.body for one in packets.feed(octets[at : at + size])]
            at, turn = at + size, turn + 1
        self.assertEqual(found, bodies)


class FieldsTests(SynchronousTestCase):
    """Texts, numbers, and their ends."""

    def test_texts(self) -> None:
        """UTF-8 without U+0000 and surrogates, as long as it says."""
        self.assertEqual(Fields(b"\0\3h\xc3\xa9").text(), "hé")
        for octets, rule in (
            (b"\0\1\xff", "mqtt-text"),
            (b"\0\1\0", "mqtt-text"),
            (b"\0\3\xed\xa0\x80", "mqtt-text"),
            (b"\0\5abc", "mqtt-packet"),
            (b"\0", "mqtt-packet"),
        ):
            found = self.assertRaises(Broken, Fields(octets).text)
            self.assertEqual(found.verdict.rule, rule)

    def test_variable(self) -> None:
        """As the remaining length."""
        for value in (0, 127, 128, 268_435_455):
            self.assertEqual(Fields(_length(value)).variable(), value)
        for octets in (b"\x80\x00", b"\xff\xff\xff\xff\x01", b"\x80"):
            self.assertRaises(Broken, Fields(octets).variable)


class PropertiesTests(SynchronousTestCase):
    """Version 5's."""

    def test_the_tables_are_a_librarys(self) -> None:
        """paho has them, too: which property belongs to which packet."""
        library = Properties(1)
        samples = {
            0: b"\1",
            1: b"\0\1",
            2: b"\0\0\0\1",
            3: b"\1",
            4: b"\0\1a",
            5: b"\0\1a",
            6: b"\0\1a\0\1b",
        }
        for name, (sort, where) in library.properties.items():
            sort = {"Byte": 0, "Two Byte Integer": 1, "Four Byte Integer": 2,
                    "Variable Byte Integer": 3, "Binary Data": 4, "UTF-8 Encoded String": 5,
                    "UTF-8 String Pair": 6}[library.types[sort]]  # fmt: skip
            octets = bytes((name,)) + samples[sort]
            # Types have their numbers on the wire; a will's properties are its own.
            wanted = {Kind(0 if one == PacketTypes.WILLMESSAGE else one) for one in where}
            for kind in Kind:
                try:
                    properties(Fields(bytes((len(octets),)) + octets), kind)
                    found = True
                except Broken:
                    found = name == 22 and kind in wanted  # data needs a method beside it
                self.assertEqual(found, kind in wanted, (name, kind))

    def test_refused(self) -> None:
        """Twice, zero, neither 0 nor 1, cut off, unknown."""
        for octets, kind in (
            (b"\x23\0\1\x23\0\1", Kind.PUBLISH),
            (b"\x23\0\0", Kind.PUBLISH),
            (b"\x0b\0", Kind.SUBSCRIBE),
            (b"\x0b\1\x0b\2", Kind.SUBSCRIBE),
            (b"\x01\2", Kind.PUBLISH),
            (b"\x7f\0", Kind.PUBLISH),
            (b"\x26\0\1a", Kind.PUBLISH),
            (b"\x16\0\1a", Kind.AUTH),
            (b"\x21\0\0", Kind.CONNECT),
        ):
            fields = Fields(bytes((len(octets),)) + octets)
            self.assertRaises(Broken, properties, fields, kind)
        fine = Fields(b"\x04\x0b\1\x0b\2")
        self.assertEqual(properties(fine, Kind.PUBLISH), {11: 2})
