"""Messages full of the smallest things there are: looked into for a moment, then refused."""

from __future__ import annotations

import json
import time

import cbor2
from pamqp import commands
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import MOST_FRAMES
from tests.websocket.subprotocols import test_amqp_091, test_amqp_10, test_mqtt, test_stomp
from tests.websocket.subprotocols.streams import C, S, made, send

SIZE = 4 * 1024 * 1024
OPEN = [
    (C, json.dumps([1, "r", {"roles": {"publisher": {}}}])),
    (S, json.dumps([2, 7, {"roles": {"broker": {}}}])),
]
WIDE = [
    (way, changed.get(octets, octets))
    for changed in ({test_amqp_091.TUNE: test_amqp_091.put(commands.Connection.Tune(0, 0, 0))},)
    for way, octets in test_amqp_091.opened(0, 0)
]
LISTED = ("x", *(f"/queue/a{number}/**" for number in range(200)))


class FloodTests(SynchronousTestCase):
    """Some megabytes of them; without bounds each would take many seconds."""

    def test_table(self) -> None:
        """Each within two seconds of a processor, most within a fraction of that."""
        for name, before, payload, rule in (
            ("v12.stomp", test_stomp.OPENED, b"\n" * SIZE, ""),
            ("v12.stomp", test_stomp.OPENED, b"\r\n" * (SIZE // 2), ""),
            ("v12.stomp", test_stomp.OPENED, b"SEND\ndestination:x\n\n\0" * (SIZE // 22), "too-many"),
            ("v12.stomp", test_stomp.OPENED, (b"SEND\ndestination:/queue" + b"/a" * 30_000 + b"\n\n\0") * 69, "publish"),
            ("v12.stomp", test_stomp.OPENED, b"SEND\ndestination:" + b"a," * 30_000 + b"\n\n\0", "publish"),
            ("mqtt", test_mqtt.OPENED, b"\xc0\0" * (SIZE // 2), "too-many"),
            ("mqtt", test_mqtt.OPENED5, _packet(0x82, b"\0\1\0" + b"\0\1a\0" * 1_000_000), "too-many"),
            ("mqtt", test_mqtt.OPENED5, _packet(0x30, b"\0\1a" + _length(2_500_000)
                                                + b"\x26\0\0\0\0" * 500_000), "too-many"),
            ("mqtt", test_mqtt.OPENED5, _packet(0x30, b"\0\1x" + _length(5000) + b"\x26\0\0\0\0" * 1000) * 836, "too-many"),
            ("mqtt", test_mqtt.OPENED, b"".join(_packet(0x82, bytes((1, at)) + b"\0\1a\0" * 4096) for at in range(255)), "too-many"),
            ("mqtt", test_mqtt.OPENED, _packet(0x30, b"\xff\xff" + b"/" * 65535) * 63, "publish"),
            ("amqp", test_amqp_091.opened(), b"\x08\0\0\0\0\0\0\xce" * (SIZE // 8), "too-many"),
            ("amqp", WIDE, _declared(130_000) * 16, "too-many"),
            ("amqp", WIDE, _declared(4000) * 1000, "too-many"),
            ("amqp", test_amqp_10.OPENED, b"\0\0\0\x08\2\0\0\0" * (SIZE // 8), "too-many"),
            ("wamp.2.json", [], "[" + "{}," * (SIZE // 3) + "{}]", "json-size"),
            ("wamp.2.json", [], "[" + "0," * (SIZE // 2) + "0]", "wamp-type"),
            ("wamp.2.json", [], '[1,"r",{}' + ",null" * (SIZE // 5) + "]", "wamp-message"),
            ("wamp.2.json", OPEN, '[16,1,{},"' + "a." * (SIZE // 2) + 'a"]', "publish"),
            ("wamp.2.ubjson", [], b"[" + b"{}" * 1_000_000 + b"]", "wamp-serialisation"),
            ("wamp.2.cbor", [], b"\x81\xd8\x23" + _cbor_text(b"(a|b)" * 400_000), "wamp-shape"),
            ("wamp.2.cbor", [], b"\x81\xd8\x24" + _cbor_text(b"a:b\n" * 500_000), "wamp-shape"),
            ("wamp.2.cbor", [], _colliding(100_000), "wamp-serialisation"),
            ("wamp.2.msgpack", [], b"\xdd\x00\x2f\xff\xff" + b"\x80" * 0x2FFFFF, "wamp-size"),
            ("wamp.2.cbor", [], b"\x9a\x00\x1f\x00\x00" + b"\xa0" * 0x1F0000, "wamp-shape"),
            ("jsonrpc", [], "[" + "1," * (SIZE // 2) + "1]", "jsonrpc-shape"),
            ("xmpp", [], '<a xmlns="b">' + "<c/>" * (SIZE // 4) + "</a>", "xmpp-size"),
            ("sip", [], "a:b\r\n" * (SIZE // 5) + "\r\n", "sip-head"),
        ):  # fmt: skip
            inspection = made(name, publish=LISTED, subscribe=("a",), ids=4096)
            for way, octets in before:
                self.assertEqual(send(inspection, way, octets), "")
            began = time.process_time()
            self.assertEqual(send(inspection, C, payload), rule, (name, payload[:20]))
            self.assertLess(time.process_time() - began, 2, (name, payload[:20]))

    def test_many_frames_pass(self) -> None:
        """As many as are looked into."""
        inspection = made("mqtt")
        for way, octets in test_mqtt.OPENED:
            send(inspection, way, octets)
        self.assertEqual(send(inspection, C, b"\xc0\0" * MOST_FRAMES), "")


def _length(value: int) -> bytes:
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes((*octets, value))


def _declared(size: int) -> bytes:
    """queue.declare with a table of the smallest fields."""
    table = b"\0V" * (size // 2)
    method = b"\0\x32\0\x0a\0\0\1q\0" + len(table).to_bytes(4, "big") + table
    return b"\1\0\1" + len(method).to_bytes(4, "big") + method + b"\xce"


def _cbor_text(octets: bytes) -> bytes:
    return b"\x7a" + len(octets).to_bytes(4, "big") + octets


def _colliding(count: int) -> bytes:
    """A map whose keys are numbers of the same hash."""
    keys = (cbor2.dumps((1 << 61) * number - number) for number in range(1, count))
    return b"\x81\xba" + (count - 1).to_bytes(4, "big") + b"".join(key + b"\xf6" for key in keys)


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _length(len(body)) + body
