"""AMQP 0-9-1: sessions that pamqp writes, cut at every boundary."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import body, commands, frame, header, heartbeat
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import Verdict
from tests.websocket.subprotocols.streams import (
    C,
    S,
    Step,
    made,
    octet_by_octet,
    rules_of,
    send,
    together,
)

HEAD: Step = (C, b"AMQP\0\0\x09\1")


def put(value: Any, channel: int = 0) -> bytes:
    """A frame."""
    return frame.marshal(value, channel)


def content(octets: bytes, channel: int = 1, size: int | None = None) -> list[bytes]:
    """A content header, and bodies of at most 4088 octets."""
    head = header.ContentHeader(body_size=len(octets) if size is None else size,
                                properties=commands.Basic.Properties(content_type="a/b"))  # fmt: skip
    bodies = [octets[at : at + 4088] for at in range(0, len(octets), 4088)]
    return [put(head, channel), *(put(body.ContentBody(one), channel) for one in bodies)]


START = put(commands.Connection.Start(0, 9, {"product": "x"}, "PLAIN", "en_US"))
START_OK = put(commands.Connection.StartOk({}, "PLAIN", "\0guest\0guest", "en_US"))
TUNE = put(commands.Connection.Tune(100, 4096, 60))


def opened(channels: int = 100, size: int = 4096, beat: int = 0) -> list[Step]:
    """An open connection with one open channel."""
    return [
        HEAD,
        (S, START),
        (C, START_OK),
        (S, TUNE),
        (C, put(commands.Connection.TuneOk(channels, size, beat))),
        (C, put(commands.Connection.Open("/"))),
        (S, put(commands.Connection.OpenOk())),
        (C, put(commands.Channel.Open(), 1)),
        (S, put(commands.Channel.OpenOk(), 1)),
    ]


PUBLISH = put(commands.Basic.Publish(0, "", "queue"), 1)
DELIVER = put(commands.Basic.Deliver("tag", 1, False, "", "queue"), 1)
SESSION: list[Step] = [
    *opened(),
    (C, put(commands.Queue.Declare(0, "queue"), 1)),
    (S, put(commands.Queue.DeclareOk("queue", 0, 0), 1)),
    (C, put(commands.Confirm.Select(), 1)),
    (S, put(commands.Confirm.SelectOk(), 1)),
    (C, b"".join([PUBLISH, *content(b"hello")])),
    (S, put(commands.Basic.Ack(1), 1)),
    (C, b"".join([PUBLISH, *content(b"")])),
    (C, put(commands.Basic.Consume(0, "queue", "tag"), 1)),
    (S, put(commands.Basic.ConsumeOk("tag"), 1)),
    (S, b"".join([DELIVER, *content(b"world")])),
    (S, put(heartbeat.Heartbeat())),
    (C, put(commands.Basic.Ack(1), 1)),
    (C, put(commands.Channel.Close(200, "", 0, 0), 1)),
    (S, put(commands.Channel.CloseOk(), 1)),
    (C, put(commands.Connection.Close(200, "", 0, 0))),
    (S, put(commands.Connection.CloseOk())),
]


class SessionTests(SynchronousTestCase):
    """Whole sessions."""

    def test_as_it_comes(self) -> None:
        """By frame, together, octet by octet; cut in two anywhere."""
        for steps in (SESSION, together(SESSION), octet_by_octet(SESSION)):
            self.assertEqual(rules_of("amqp", steps), [])
        for number in range(len(SESSION)):
            way, octets = SESSION[number]
            assert isinstance(octets, bytes)
            for at in range(1, len(octets), 5):
                cut = [
                    *SESSION[:number],
                    (way, octets[:at]),
                    (way, octets[at:]),
                    *SESSION[number + 1 :],
                ]
                self.assertEqual(rules_of("amqp", cut), [], (number, at))

    def test_another_version(self) -> None:
        """A server that has none of it says which it has."""
        self.assertEqual(rules_of("amqp", [HEAD, (S, b"AMQP\0\1\0\0")]), [])

    def test_refused(self) -> None:
        """One rule each, on an open connection."""
        large = b"x" * 5000
        for step, rule in (
            ((C, b"\4\0\0\0\0\0\0\xce"), "amqp-frame"),
            ((C, b"\x08\0\0\0\0\0\0\xcd"), "amqp-frame"),
            ((C, b"\x08\0\1\0\0\0\0\xce"), "amqp-frame"),
            ((C, b"\x08\0\0\0\0\0\1x\xce"), "amqp-frame"),
            ((C, b"\3\0\1\0\0\x10\0"), "amqp-size"),
            ((C, b"\3\0\1\xff\xff\xff\xff"), "amqp-size"),
            ((C, b"\1\0\1\0\0\0\4\0\x63\0\1\xce"), "amqp-method"),
            ((C, b"\1\0\1\0\0\0\0\xce"), "amqp-method"),
            ((C, b"\1\0\1\0\0\0\4\0\x3c\0\x28\xce"), "amqp-method"),
            ((C, DELIVER), "amqp-direction"),
            ((S, PUBLISH), "amqp-direction"),
            ((C, put(commands.Queue.DeclareOk("q", 0, 0), 1)), "amqp-direction"),
            ((S, put(commands.Queue.Declare(0, "q"), 1)), "amqp-direction"),
            ((S, put(commands.Connection.Open("/"))), "amqp-direction"),
            ((C, put(commands.Connection.Open("/"))), "amqp-order"),
            ((C, put(commands.Connection.Close(200, "", 0, 0), 1)), "amqp-channel"),
            ((C, put(commands.Basic.Ack(1), 0)), "amqp-channel"),
            ((C, put(commands.Basic.Ack(1), 2)), "amqp-channel"),
            ((C, put(commands.Channel.Open(), 101)), "amqp-channel"),
            ((C, put(commands.Channel.Open(), 1)), "amqp-channel"),
            ((C, content(b"x")[0]), "amqp-order"),
            ((C, content(b"x")[1]), "amqp-order"),
            ((C, PUBLISH + PUBLISH), "amqp-order"),
            ((C, PUBLISH + content(b"x")[1]), "amqp-order"),
            ((C, b"".join([PUBLISH, *content(b"xx", size=1)])), "amqp-order"),
            ((C, b"".join([PUBLISH, *content(large)])), ""),
            ((C, b"".join([PUBLISH, *content(b"x")[:1], put(commands.Basic.Ack(1), 1)])), "amqp-order"),
            ((C, PUBLISH + content(b"x")[0][:7] + b"\0\x0a" + content(b"x")[0][9:]), "amqp-method"),
            ((C, put(commands.Connection.Close(200, "", 0, 0)) + put(commands.Connection.CloseOk()) * 2), "amqp-order"),
        ):  # fmt: skip
            self.assertEqual(
                rules_of("amqp", [*opened(), step]), [rule] if rule else [], (rule, step)
            )

    def test_opening(self) -> None:
        """In its order, within what the server offers."""
        for steps, rule in (
            ([HEAD, (C, START_OK)], "amqp-order"),
            ([HEAD, (S, TUNE)], "amqp-order"),
            ([HEAD, (S, START), (S, TUNE)], "amqp-order"),
            ([HEAD, (S, START), (C, START_OK), (S, put(commands.Connection.Secure("x"))),
              (C, put(commands.Connection.SecureOk("y"))), (S, TUNE)], ""),
            ([*opened()[:4], (C, put(commands.Connection.Open("/")))], "amqp-order"),
            ([*opened()[:4], (C, put(commands.Connection.TuneOk(0, 4096, 0)))], "amqp-tune"),
            ([*opened()[:4], (C, put(commands.Connection.TuneOk(101, 4096, 0)))], "amqp-tune"),
            ([*opened()[:4], (C, put(commands.Connection.TuneOk(1, 8192, 0)))], "amqp-tune"),
            ([*opened()[:4], (C, put(commands.Connection.TuneOk(1, 100, 0)))], "amqp-tune"),
            ([*opened()[:5], (C, put(commands.Channel.Open(), 1))], "amqp-order"),
            ([HEAD, (S, b"\1\0\0\0\0\x20\0")], "amqp-size"),
        ):  # fmt: skip
            self.assertEqual(rules_of("amqp", steps), [rule] if rule else [], steps)

    def test_bounds(self) -> None:
        """Channels at once, and frames where nothing was agreed on."""
        steps = [*opened(), *((C, put(commands.Channel.Open(), at)) for at in range(2, 9))]
        self.assertEqual(rules_of("amqp", steps, ids=5), ["too-many"] * 3)
        tune = (S, put(commands.Connection.Tune(0, 0, 0)))
        steps = [*opened()[:3], tune, (C, put(commands.Connection.TuneOk(0, 0, 0)))]
        self.assertEqual(
            rules_of("amqp", [*steps, (C, b"\3\0\1\0\1\0\0")], message_bytes=9000), ["amqp-size"]
        )

    def test_heart_beats(self) -> None:
        """Of either side, twice as long as agreed."""
        inspection = made("amqp")
        for way, octets in opened(beat=30):
            send(inspection, way, octets, 5.0)
        self.assertEqual(inspection.deadline(), 65.0)
        send(inspection, C, put(heartbeat.Heartbeat()), 60.0)
        wanted = Verdict(1008, "amqp-heart-beat", "heart-beats stopped", S)
        self.assertEqual(inspection.expire(65.0).verdict, wanted)


KEY = st.text(
    st.characters(min_codepoint=33, max_codepoint=1000, blacklist_categories=("Cs",)), max_size=9
)


class GeneratedTests(SynchronousTestCase):
    """Whatever pamqp writes."""

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.tuples(KEY, st.binary(max_size=9000), st.booleans()), max_size=4),
           st.lists(st.integers(1, 900), min_size=1))  # fmt: skip
    def test_messages_pass(self, sent: list, sizes: list[int]) -> None:
        """With any key and content, cut anywhere."""
        octets = b"".join(
            b"".join([put(commands.Basic.Publish(0, "", key, mandatory), 1), *content(payload)])
            for key, payload, mandatory in sent
        )
        steps = opened()
        while octets:
            size = sizes[len(steps) % len(sizes)]
            steps.append((C, octets[:size]))
            octets = octets[size:]
        self.assertEqual(rules_of("amqp", steps), [])
