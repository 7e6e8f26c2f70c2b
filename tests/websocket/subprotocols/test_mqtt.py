"""MQTT: what its three specifications say, cut at every boundary."""

from __future__ import annotations

from typing import Any

import paho.mqtt.client as paho
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import Verdict
from tests.websocket.subprotocols.streams import (
    C,
    S,
    Step,
    anything,
    at_every_boundary,
    made,
    never_raises,
    octet_by_octet,
    rules_of,
    send,
    together,
)


def text(value: str) -> bytes:
    """A text with its length."""
    octets = value.encode()
    return len(octets).to_bytes(2, "big") + octets


def packet(first: int, *parts: bytes) -> bytes:
    """A packet of less than 128 octets behind its length, or a little more."""
    body = b"".join(parts)
    size, rest = len(body) % 128, len(body) // 128
    return bytes((first, size | 128, rest) if rest else (first, size)) + body


def connect(
    level: int = 4, flags: int = 2, *rest: bytes, name: str = "MQTT", properties: bytes = b"\0"
) -> bytes:
    """A CONNECT with a keep-alive of a minute and a client's name."""
    return packet(
        0x10, text(name), bytes((level, flags)), b"\0\x3c", properties if level == 5 else b"",
        text("me"), *rest,
    )  # fmt: skip


ACCEPTED, ACCEPTED5 = b"\x20\2\0\0", b"\x20\3\0\0\0"
OPENED: list[Step] = [(C, connect()), (S, ACCEPTED)]
OPENED5: list[Step] = [(C, connect(5)), (S, b"\x20\6\0\0\3\x22\0\5")]
SESSION: list[Step] = [
    *OPENED,
    (C, packet(0x82, b"\0\1", text("a/+"), b"\1", text("b/#"), b"\0")),
    (S, b"\x90\4\0\1\1\x80"),
    (C, packet(0x30, text("a/b"), b"hello")),
    (C, packet(0x32, text("a/b"), b"\0\2", b"x" * 300)),
    (S, packet(0x40, b"\0\2")),
    (S, packet(0x34, text("a/c"), b"\0\1", b"")),
    (C, packet(0x50, b"\0\1")),
    (S, packet(0x62, b"\0\1")),
    (C, packet(0x70, b"\0\1")),
    (C, packet(0xA2, b"\0\2", text("a/+"))),
    (S, packet(0xB0, b"\0\2")),
    (C, b"\xc0\0"),
    (S, b"\xd0\0"),
    (C, b"\xe0\0"),
]
SESSION5: list[Step] = [
    (C, connect(5, 0x2E, b"\5\x18\0\0\0\1", text("will"), text("gone"), properties=b"\3\x22\0\2")),
    (S, b"\x20\6\0\0\3\x22\0\5"),
    (C, packet(0x82, b"\0\1", b"\2\x0b\1", text("$share/g/a"), b"\x01", text("b"), b"\x2c")),
    (S, packet(0x90, b"\0\1\0", b"\1\x91")),
    (C, packet(0x32, text("a"), b"\0\1", b"\3\x23\0\5", b"x")),
    (S, packet(0x40, b"\0\1\x10")),
    (C, packet(0x30, text(""), b"\3\x23\0\5", b"y")),
    (S, packet(0x32, text("a"), b"\0\1", b"\5\x23\0\2\x0b\1", b"x")),
    (C, packet(0x40, b"\0\1\x80\0")),
    (C, packet(0xA2, b"\0\2\0", text("b"))),
    (S, packet(0xB0, b"\0\2\0\x11")),
    (S, packet(0xE0, b"\x8b")),
]


class SessionTests(SynchronousTestCase):
    """Whole sessions."""

    def test_as_it_comes(self) -> None:
        """By packet, together, octet by octet."""
        for session in (SESSION, SESSION5):
            for steps in (session, together(session), octet_by_octet(session)):
                self.assertEqual(rules_of("mqtt", steps), [])

    def test_every_boundary(self) -> None:
        """Two messages for each packet, wherever it is cut."""
        for session in (SESSION, SESSION5):
            self.assertEqual(at_every_boundary("mqtt", session), [])

    def test_refused(self) -> None:
        """One rule each, after a good beginning."""
        for opened, step, rule in (
            (OPENED, (C, "text"), "binary-only"),
            (OPENED, (C, connect()), "mqtt-order"),
            (OPENED, (S, ACCEPTED), "mqtt-order"),
            (OPENED, (C, b"\0\0"), "mqtt-packet"),
            (OPENED, (C, b"\xf0\0"), "mqtt-type"),
            (OPENED, (C, ACCEPTED), "mqtt-type"),
            (OPENED, (C, b"\xd0\0"), "mqtt-type"),
            (OPENED, (S, b"\xc0\0"), "mqtt-type"),
            (OPENED, (S, b"\xe0\0"), "mqtt-type"),
            (OPENED, (S, packet(0x82, b"\0\1", text("a"), b"\0")), "mqtt-type"),
            (OPENED, (C, b"\xc1\0"), "mqtt-packet"),
            (OPENED, (C, b"\xc0\1a"), "mqtt-packet"),
            (OPENED, (C, packet(0x80, b"\0\1", text("a"), b"\0")), "mqtt-packet"),
            (OPENED, (C, packet(0x8A, b"\0\1", text("a"), b"\0")), "mqtt-packet"),
            (OPENED, (C, packet(0x82, b"\0\0", text("a"), b"\0")), "mqtt-packet-id"),
            (OPENED, (C, packet(0x82, b"\0\1")), "mqtt-packet"),
            (OPENED, (C, packet(0x82, b"\0\1", text("a"), b"\3")), "mqtt-packet"),
            (OPENED, (C, packet(0x82, b"\0\1", text("a"), b"\4")), "mqtt-packet"),
            (OPENED, (C, packet(0x82, b"\0\1", text("a#"), b"\0")), "mqtt-topic"),
            (OPENED, (C, packet(0x82, b"\0\1", text(""), b"\0")), "mqtt-topic"),
            (OPENED, (C, packet(0x82, b"\0\1", text("$share/g"), b"\0")), "mqtt-topic"),
            (OPENED, (C, packet(0xA2, b"\0\1", text("a/#/b"))), "mqtt-topic"),
            (OPENED, (C, packet(0x30, text("a/+"))), "mqtt-topic"),
            (OPENED, (C, packet(0x30, text("#"))), "mqtt-topic"),
            (OPENED, (C, packet(0x30, text(""))), "mqtt-topic"),
            (OPENED, (C, packet(0x30, b"\0\1\xff")), "mqtt-text"),
            (OPENED, (C, packet(0x30, b"\0\1\0")), "mqtt-text"),
            (OPENED, (C, packet(0x36, text("a"), b"\0\1")), "mqtt-packet"),
            (OPENED, (C, packet(0x38, text("a"))), "mqtt-packet"),
            (OPENED, (C, packet(0x32, text("a"), b"\0\0")), "mqtt-packet-id"),
            (OPENED, (C, packet(0x32, text("a"), b"\0\1") * 2), "mqtt-packet-id"),
            (OPENED, (C, packet(0x32, text("a"), b"\0\1") + packet(0x3A, text("a"), b"\0\1")), ""),
            (OPENED, (C, packet(0x40, b"\0\0")), "mqtt-packet-id"),
            (OPENED, (C, packet(0x40, b"\0\1\0")), "mqtt-packet"),
            (OPENED, (C, packet(0x60, b"\0\1")), "mqtt-packet"),
            (OPENED, (S, b"\x90\3\0\1\0"), "mqtt-packet-id"),
            (
                [*OPENED, (C, packet(0x82, b"\0\1", text("a"), b"\0")), (S, b"\x40\2\0\1")],
                (S, b"\x90\3\0\1\0"),
                "",
            ),
            (OPENED, (S, packet(0xB0, b"\0\1")), "mqtt-packet-id"),
            (OPENED, (C, b"\xe0\0" + b"\xc0\0"), "mqtt-order"),
            (OPENED, (C, b"\xe0\1\0"), "mqtt-packet"),
            (OPENED5, (C, packet(0x30, text(""), b"\0")), "mqtt-topic"),
            (OPENED5, (C, packet(0x30, text(""), b"\3\x23\0\1")), "mqtt-alias"),
            (OPENED5, (C, packet(0x30, text("a"), b"\3\x23\0\6")), "mqtt-alias"),
            (OPENED5, (S, packet(0x30, text("a"), b"\3\x23\0\1")), "mqtt-alias"),
            (OPENED5, (C, packet(0x30, text("a"), b"\3\x23\0\0")), "mqtt-packet"),
            (OPENED5, (C, packet(0x30, text("a"), b"\2\x0b\1")), "mqtt-packet"),
            (OPENED5, (C, packet(0x30, text("a"), b"\4\x08\0\1#")), "mqtt-topic"),
            (OPENED5, (C, packet(0x82, b"\0\1\0", text("a"), b"\x30")), "mqtt-packet"),
            (OPENED5, (C, packet(0x82, b"\0\1\0", text("a"), b"\x40")), "mqtt-packet"),
            (OPENED5, (C, packet(0x82, b"\0\1\0", text("$share/g/a"), b"\x04")), "mqtt-packet"),
            (OPENED5, (C, packet(0x40, b"\0\1\x01")), "mqtt-packet"),
            (OPENED5, (C, b"\xf0\0"), "mqtt-order"),
            (OPENED5, (C, b"\xe0\1\x05"), "mqtt-packet"),
        ):
            self.assertEqual(
                rules_of("mqtt", [*opened, step]), [rule] if rule else [], (rule, step)
            )

    def test_opening(self) -> None:
        """CONNECT first, and its flags; CONNACK first on the other side."""
        for name, steps, rule in (
            ("mqtt", [(C, b"\xc0\0")], "mqtt-order"),
            ("mqtt", [(S, ACCEPTED)], "mqtt-order"),
            ("mqtt", [(C, connect()), (S, b"\xd0\0")], "mqtt-order"),
            ("mqtt", [(C, connect(3, name="MQIsdp")), (S, b"\x20\2\7\0")], ""),
            ("mqtt", [(C, connect(3))], "mqtt-version"),
            ("mqtt", [(C, connect(4, name="MQIsdp"))], "mqtt-version"),
            ("mqtt", [(C, connect(6))], "mqtt-version"),
            ("mqttv3.1", [(C, connect(3, name="MQIsdp"))], ""),
            ("mqttv3.1", [(C, connect(4))], "mqtt-version"),
            ("mqtt", [(C, connect(4, 3))], "mqtt-packet"),
            ("mqtt", [(C, connect(4, 0x1A))], "mqtt-packet"),
            ("mqtt", [(C, connect(4, 0x22))], "mqtt-packet"),
            ("mqtt", [(C, connect(4, 0x1E, text("w"), text("")))], "mqtt-packet"),
            ("mqtt", [(C, connect(4, 0x42, text("secret")))], "mqtt-packet"),
            ("mqtt", [(C, connect(5, 0x42, text("secret")))], ""),
            ("mqtt", [(C, connect(4, 0xC2, text("user"), text("secret")))], ""),
            ("mqtt", [(C, connect(4, 0xC2, text("user")))], "mqtt-packet"),
            ("mqtt", [(C, connect(4, 2, b"more"))], "mqtt-packet"),
            ("mqtt", [(C, connect(4, 6, text("w/#"), text("")))], "mqtt-topic"),
            ("mqtt", [(C, connect(4, 6, text("w"), text("")))], ""),
            ("mqtt", [(C, packet(0x10, text("MQTT"), b"\4\0\0\0", text("")))], "mqtt-packet"),
            ("mqtt", [(C, packet(0x10, text("MQTT"), b"\4\2\0\0", text("")))], ""),
            ("mqtt", [(C, connect(4)), (S, b"\x20\2\2\0")], "mqtt-packet"),
            ("mqtt", [(C, connect(4)), (S, b"\x20\2\1\5")], "mqtt-packet"),
            ("mqtt", [(C, connect(4)), (S, b"\x20\2\0\6")], "mqtt-packet"),
            ("mqtt", [(C, connect(5)), (S, b"\x20\3\0\x87\0")], ""),
            ("mqtt", [(C, connect(5)), (S, b"\x20\3\0\5\0")], "mqtt-packet"),
            ("mqtt", [(C, connect(5, properties=b"\4\x15\0\1x")), (S, b"\xf0\6\x18\4\x15\0\1x"),
                      (C, b"\xf0\6\x18\4\x15\0\1x"), (S, ACCEPTED5)], ""),
        ):  # fmt: skip
            self.assertEqual(rules_of(name, steps), [rule] if rule else [], steps)

    def test_sizes(self) -> None:
        """A side that says what it takes gets no larger packet (version 5)."""
        steps: list[Step] = [(C, connect(5, properties=b"\5\x27\0\0\0\x14")), (S, ACCEPTED5)]
        self.assertEqual(
            rules_of("mqtt", [*steps, (S, packet(0x30, text("a"), b"\0", b"x" * 14))]), []
        )
        large = packet(0x30, text("a"), b"\0", b"x" * 15)
        self.assertEqual(rules_of("mqtt", [*steps, (S, large)]), ["mqtt-size"])
        self.assertEqual(rules_of("mqtt", [*steps, (C, large)]), [])


class DestinationTests(SynchronousTestCase):
    """Allow-lists: whatever way a topic comes."""

    def test_table(self) -> None:
        """Messages, wills, aliases, response topics, subscriptions, shared ones."""
        lists = {"publish": ("out/#",), "subscribe": ("in/+", "$SYS/x")}
        for opened, frame, rule in (
            (OPENED, packet(0x30, text("out/a")), ""),
            (OPENED, packet(0x30, text("in/a")), "publish"),
            (OPENED, packet(0x82, b"\0\1", text("in/a"), b"\0"), ""),
            (OPENED, packet(0x82, b"\0\1", text("in/+"), b"\0"), ""),
            (OPENED, packet(0x82, b"\0\1", text("in/#"), b"\0"), "subscribe"),
            (OPENED, packet(0x82, b"\0\1", text("#"), b"\0"), "subscribe"),
            (OPENED, packet(0x82, b"\0\1", text("in/a"), b"\0", text("out/a"), b"\0"), "subscribe"),
            (OPENED, packet(0x82, b"\0\1", text("$SYS/x"), b"\0"), ""),
            (OPENED, packet(0x82, b"\0\1", text("$share/g/in/+"), b"\0"), ""),
            (OPENED, packet(0x82, b"\0\1", text("$share/g/#"), b"\0"), "subscribe"),
            (OPENED, packet(0xA2, b"\0\1", text("#")), ""),
            (OPENED5, packet(0x30, text("out/a"), b"\3\x23\0\1"), ""),
            (OPENED5, packet(0x30, text("x"), b"\3\x23\0\1"), "publish"),
            (OPENED5, packet(0x30, text("out/a"), b"\x07\x08\0\4in/a"), ""),
            (OPENED5, packet(0x30, text("out/a"), b"\x08\x08\0\5out/a"), ""),
            (OPENED5, packet(0x30, text("out/a"), b"\x04\x08\0\1x"), "publish"),
        ):
            found = rules_of("mqtt", [*opened, (C, frame)], **lists)
            self.assertEqual(found, [rule] if rule else [], frame)
        self.assertEqual(rules_of("mqtt", [*OPENED, (S, packet(0x30, text("x")))], **lists), [])
        will = connect(4, 6, text("in/x"), text("gone"))
        self.assertEqual(rules_of("mqtt", [(C, will)], **lists), ["publish"])


class BoundTests(SynchronousTestCase):
    """What a peer cannot make us keep."""

    def test_packets_on_their_way(self) -> None:
        """Bounded; as many as one likes one after the other."""
        inspection = made("mqtt", ids=10)
        for direction, payload in OPENED:
            send(inspection, direction, payload)
        ids = [number.to_bytes(2, "big") for number in range(1, 60)]
        found = [send(inspection, C, packet(0x32, text("a"), one)) for one in ids[:12]]
        self.assertEqual(found, [""] * 10 + ["too-many"] * 2)
        for before, one in zip(ids, ids[10:], strict=False):
            send(inspection, S, packet(0x40, before))
            self.assertEqual(send(inspection, C, packet(0x32, text("a"), one)), "")

    def test_unfinished_packets(self) -> None:
        """Not more than a message may have."""
        inspection = made("mqtt", message_bytes=1000)
        self.assertEqual(send(inspection, C, b"\x10\xe9\x07"), "mqtt-size")


class KeepAliveTests(SynchronousTestCase):
    """One and a half times what the client promised."""

    def test_late(self) -> None:
        """Counted from CONNACK, and from each packet; the server's word wins."""
        inspection = made("mqtt")
        self.assertEqual(send(inspection, C, connect()), "")
        self.assertIsNone(inspection.deadline())
        send(inspection, S, ACCEPTED, 5.0)
        self.assertEqual(inspection.deadline(), 105.0)
        send(inspection, C, b"\xc0\0", 50.0)
        self.assertIsNone(inspection.expire(149.0).verdict)
        wanted = Verdict(1008, "mqtt-keep-alive", "heart-beats stopped", C)
        self.assertEqual(inspection.expire(150.0).verdict, wanted)
        inspection = made("mqtt")
        send(inspection, C, connect(5))
        send(inspection, S, b"\x20\6\0\0\3\x13\0\2")
        self.assertEqual(inspection.deadline(), 13.0)


class Writer(paho.Client):
    """paho's packets, kept instead of sent."""

    def __init__(self, version: int) -> None:
        super().__init__(paho.CallbackAPIVersion.VERSION2, "me", protocol=version)
        self.written = b""

    def _packet_queue(self, command: Any, octets: Any, *args: Any, **more: Any) -> Any:
        self.written += bytes(octets)
        return paho.MQTT_ERR_SUCCESS


TOPIC = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0+#"), min_size=1, max_size=9
)
FILTER = st.lists(
    st.one_of(TOPIC.filter(lambda one: "/" not in one), st.just("+")), min_size=1, max_size=3
)
ACTION = st.one_of(
    st.tuples(st.just("publish"), TOPIC, st.binary(max_size=200), st.sampled_from((0, 1, 2)), st.booleans()),
    st.tuples(st.just("subscribe"), FILTER, st.booleans(), st.sampled_from((0, 1, 2))),
    st.tuples(st.just("unsubscribe"), FILTER),
)  # fmt: skip


class GeneratedTests(SynchronousTestCase):
    """Any input, and any client of a library."""

    @settings(deadline=None, max_examples=150)
    @given(anything(connect(), connect(5), ACCEPTED, ACCEPTED5, *(octets for _, octets in SESSION + SESSION5),
                    b"\x30\x80", b"\x10\xff\xff\xff\xff", b"\xf0\0"))  # fmt: skip
    def test_nothing_raises(self, messages: list) -> None:
        """Only verdicts; pieces are sent as binary, so that they are looked into."""
        for name in ("mqtt", "mqttv3.1"):
            never_raises(name, messages, publish=("a",), ids=2)
            never_raises(name, [(way, octets, True) for way, octets, _ in messages], subscribe=())

    @settings(deadline=None, max_examples=150)
    @given(st.sampled_from((paho.MQTTv31, paho.MQTTv311, paho.MQTTv5)), st.integers(0, 60), st.booleans(),
           st.lists(ACTION, max_size=5), st.lists(st.integers(1, 90), min_size=1))  # fmt: skip
    def test_a_librarys_packets_pass(
        self, version: int, keep_alive: int, will: bool, actions: list, sizes: list[int]
    ) -> None:
        """paho writes them, in each version, cut anywhere."""
        writer = Writer(version)
        five = version == paho.MQTTv5
        writer.username_pw_set("user", "secret")
        if will:
            properties = Properties(PacketTypes.WILLMESSAGE) if five else None
            if properties is not None:
                properties.WillDelayInterval, properties.UserProperty = 3, ("a", "b")
            writer.will_set("will", b"gone", 1, True, properties)
        if five:
            connecting = Properties(PacketTypes.CONNECT)
            connecting.SessionExpiryInterval, connecting.ReceiveMaximum = 9, 5
            writer._connect_properties = connecting
        writer._send_connect(keep_alive)
        for mid, (what, *rest) in enumerate(actions, 1000):  # subscriptions count from 1
            if what == "publish":
                topic, payload, qos, retain = rest
                properties = Properties(PacketTypes.PUBLISH) if five else None
                if properties is not None:
                    properties.ResponseTopic, properties.CorrelationData = "back", b"\0"
                    properties.UserProperty = ("é", "")
                writer._send_publish(
                    mid, topic.encode(), payload, qos, retain, properties=properties
                )
            elif what == "subscribe":
                levels, more, qos = rest
                name = "/".join([*levels, "#"] if more else levels)
                options: Any = SubscribeOptions(qos, noLocal=True) if five else qos
                writer._send_subscribe(False, [(name.encode(), options)], None)
            else:
                writer._send_unsubscribe(False, ["/".join(rest[0]).encode()], None)
        octets, steps = writer.written, []
        while octets:
            size = sizes[len(steps) % len(sizes)]
            steps.append((C, octets[:size]))
            octets = octets[size:]
        self.assertEqual(rules_of("mqtt", steps), [])
