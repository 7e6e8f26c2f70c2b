"""STOMP: what its three specifications say, cut at every boundary."""

from __future__ import annotations

import time

import stomp
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import Verdict
from gateway.websocket.subprotocols.stomp import Frames
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

CONNECT = b"CONNECT\naccept-version:1.0,1.1,1.2\nhost:broker\n\n\0\n"
CONNECTED = b"CONNECTED\nversion:1.2\nserver:x/1\n\n\0\n"
OPENED: list[Step] = [(C, CONNECT), (S, CONNECTED)]
SESSION: list[Step] = [
    *OPENED,
    (C, b"SUBSCRIBE\nid:0\ndestination:/topic/a\nack:client-individual\n\n\0"),
    (C, b"\n\r\n\n"),
    (C, b"BEGIN\ntransaction:t\n\n\0"),
    (C, b"SEND\ndestination:/queue/b\ntransaction:t\ncontent-length:3\n\na\0b\0\n"),
    (C, b"COMMIT\r\ntransaction:t\r\n\r\n\0"),
    (S, b"MESSAGE\nsubscription:0\nmessage-id:7\nack:8\ndestination:/topic/a\n\nh\xc3\xa9llo\0\n"),
    (C, b"ACK\nid:8\n\n\0"),
    (C, b"UNSUBSCRIBE\nid:0\nreceipt:r\n\n\0"),
    (S, b"RECEIPT\nreceipt-id:r\n\n\0"),
    (C, b"DISCONNECT\nreceipt:77\n\n\0"),
    (S, b"RECEIPT\nreceipt-id:77\n\n\0"),
]


def _opened(version: str) -> list[Step]:
    answer = f"CONNECTED\nversion:{version}\n\n\0".encode()
    return [(C, CONNECT), (S, answer)]


class SessionTests(SynchronousTestCase):
    """Whole sessions."""

    def test_as_it_comes(self) -> None:
        """In messages of any cut: by frame, together, octet by octet, text or binary."""
        for steps in (SESSION, together(SESSION), octet_by_octet(SESSION)):
            self.assertEqual(rules_of("v12.stomp", steps), [])
        text: list[Step] = [
            (way, octets.decode()) for way, octets in SESSION if isinstance(octets, bytes)
        ]
        self.assertEqual(rules_of("v12.stomp", text), [])

    def test_every_boundary(self) -> None:
        """Two messages for each frame, wherever it is cut."""
        self.assertEqual(at_every_boundary("v12.stomp", SESSION), [])

    def test_refused(self) -> None:
        """One rule each, after a good beginning."""
        for step, rule in (
            ((C, b"HELLO\n\n\0"), "stomp-command"),
            ((C, b"connect\n\n\0"), "stomp-command"),
            ((C, b"MESSAGE\ndestination:a\nmessage-id:1\nsubscription:0\n\n\0"), "stomp-command"),
            ((S, b"SEND\ndestination:a\n\n\0"), "stomp-command"),
            ((C, CONNECT), "stomp-order"),
            ((S, CONNECTED), "stomp-order"),
            ((C, b"SEND\n\n\0"), "stomp-header"),
            ((C, b"SUBSCRIBE\ndestination:a\n\n\0"), "stomp-header"),
            ((C, b"SUBSCRIBE\nid:1\n\n\0"), "stomp-header"),
            ((C, b"SUBSCRIBE\nid:1\ndestination:a\nack:maybe\n\n\0"), "stomp-header"),
            ((C, b"UNSUBSCRIBE\ndestination:a\n\n\0"), "stomp-header"),
            ((C, b"ACK\nmessage-id:1\nsubscription:0\n\n\0"), "stomp-header"),
            ((C, b"NACK\n\n\0"), "stomp-header"),
            ((S, b"MESSAGE\ndestination:a\nmessage-id:1\n\n\0"), "stomp-header"),
            ((S, b"RECEIPT\n\n\0"), "stomp-header"),
            ((C, b"SEND\ndestination:a\nno colon\n\n\0"), "stomp-header"),
            ((C, b"SEND\ndestination:a\n:empty\n\n\0"), "stomp-header"),
            ((C, b"SEND\ndestination:a\ndestination:b\n\n\0"), "stomp-header"),
            ((C, b"SEND\ndestination:a\n destination:b\n\n\0"), "stomp-header"),
            ((C, b"SEND\ndestination:a\\t\n\n\0"), "stomp-escape"),
            ((C, b"SEND\ndestination:a\\"), ""),
            ((C, b"SEND\ndestination:a\nx:\\\n\n\0"), "stomp-escape"),
            ((C, b"SEND\ndestination:\xff\n\n\0"), "utf-8"),
            ((C, b"SEND\ndestination:a\ncontent-length:3\n\nabcd\0"), "stomp-length"),
            ((C, b"SEND\ndestination:a\ncontent-length:x\n\n\0"), "stomp-length"),
            ((C, b"SEND\ndestination:a\ncontent-length:-1\n\n\0"), "stomp-length"),
            ((C, b"SEND\ndestination:a\ncontent-length:9999999999\n\n"), "stomp-size"),
            ((C, b"SEND\ndest\0ination:a\n\n\0"), "stomp-head"),
            ((C, b"SEND\n" + b"a:b\n" * 300 + b"\n\0"), "stomp-head"),
            ((C, b"SEND\nx:" + b"y" * 70_000), "stomp-head"),
            ((C, b"BEGIN\ntransaction:t\n\nbody\0"), "stomp-body"),
            ((C, b"COMMIT\ntransaction:none\n\n\0"), "stomp-transaction"),
        ):
            self.assertEqual(rules_of("v12.stomp", [*OPENED, step]), [rule] if rule else [], step)

    def test_order(self) -> None:
        """CONNECT first, CONNECTED or ERROR first, nothing behind the last."""
        error: Step = (S, b"ERROR\nmessage:no\n\nwhy\0")
        for steps, rules in (
            ([(C, b"SEND\ndestination:a\n\n\0")], ["stomp-order"]),
            ([(S, b"RECEIPT\nreceipt-id:1\n\n\0")], ["stomp-order"]),
            ([(C, b"STOMP\naccept-version:1.2\n\n\0")], []),
            ([(C, CONNECT), error], []),
            ([(C, CONNECT), error, (S, CONNECTED)], ["stomp-order"]),
            (
                [*OPENED, (C, b"DISCONNECT\n\n\0"), (C, b"SEND\ndestination:a\n\n\0")],
                ["stomp-order"],
            ),
            ([*OPENED, (C, b"SUBSCRIBE\nid:1\ndestination:a\n\n\0" * 2)], ["stomp-subscription"]),
            ([*OPENED, (C, b"BEGIN\ntransaction:t\n\n\0" * 2)], ["stomp-transaction"]),
            ([(C, b"CONNECT\naccept-version:1.1\n\n\0")], ["stomp-version"]),
            ([(C, b"CONNECT\n\n\0")], ["stomp-header"]),
            ([(C, CONNECT), (S, b"CONNECTED\nversion:1.1\n\n\0")], ["stomp-version"]),
            ([(S, CONNECTED)], ["stomp-order"]),
        ):
            self.assertEqual(rules_of("v12.stomp", steps), rules, steps)

    def test_versions(self) -> None:
        """What the older ones have and lack."""
        for version, frame, rule in (
            ("1.0", b"SUBSCRIBE\ndestination: /a\n\n\0", ""),
            ("1.0", b"SEND\ndestination:a\\t\n\n\0", ""),
            ("1.0", b"ACK\nmessage-id:1\n\n\0", ""),
            ("1.0", b"NACK\nmessage-id:1\n\n\0", "stomp-command"),
            ("1.0", b"SEND\ndestination:a\n destination: b\n\n\0", "stomp-header"),
            ("1.1", b"ACK\nmessage-id:1\nsubscription:0\n\n\0", ""),
            ("1.1", b"ACK\nid:1\n\n\0", "stomp-header"),
            ("1.1", b"SEND\ndestination:a\\c\n\n\0", ""),
            ("1.1", b"SEND\ndestination:a\\r\n\n\0", "stomp-escape"),
            ("1.1", b"SEND\r\ndestination:a\r\n\r\n\0", "stomp-command"),
            ("1.2", b"SEND\r\ndestination:a\\r\r\n\r\n\0", ""),
        ):
            name = f"v{version.replace('.', '')}.stomp"
            found = rules_of(name, [*_opened(version), (C, frame)])
            self.assertEqual(found, [rule] if rule else [], (version, frame))

    def test_the_oldest_is_not_left(self) -> None:
        """Headers of later versions are read in another way: a server may not go on in one."""
        for answer, rules in (
            (b"CONNECTED\n\n\0", []),
            (b"CONNECTED\nversion:1.0\n\n\0", []),
            (b"CONNECTED\nversion:1.2\n\n\0", ["stomp-version"]),
        ):
            steps: list[Step] = [(C, b"CONNECT\naccept-version:1.0,1.2\n\n\0"), (S, answer)]
            self.assertEqual(rules_of("v10.stomp", steps), rules, answer)

    def test_escapes_are_not_in_the_first_frames(self) -> None:
        """CONNECT and CONNECTED are as 1.0 had them."""
        steps: list[Step] = [
            (C, b"CONNECT\naccept-version:1.2\npasscode:a\\t:b\n\n\0"),
            (S, b"CONNECTED\nversion:1.2\nserver:c:\\d\n\n\0"),
        ]
        self.assertEqual(rules_of("v12.stomp", steps), [])


class DestinationTests(SynchronousTestCase):
    """Allow-lists."""

    def test_table(self) -> None:
        """Unescaped first; a queue's name in a header counts as one."""
        dead, key = b"x-dead-letter-exchange:", b"x-dead-letter-routing-key:"
        for frame, rule in (
            (b"SEND\ndestination:/queue/in\n\n\0", ""),
            (b"SEND\ndestination:/queue/other\n\n\0", "publish"),
            (b"SEND\ndestination:/queue/i\\c\n\n\0", "publish"),
            (b"SUBSCRIBE\nid:1\ndestination:/topic/a\n\n\0", ""),
            (b"SUBSCRIBE\nid:1\ndestination:/topic/#\n\n\0", "subscribe"),
            (b"SUBSCRIBE\nid:1\ndestination:/queue/in\n\n\0", "subscribe"),
            (b"SUBSCRIBE\nid:1\ndestination:/topic/a\nx-queue-name:theirs\n\n\0", "subscribe"),
            (b"SUBSCRIBE\nid:1\ndestination:/topic/a\nx-queue-name:mine\n\n\0", ""),
            (
                b"SUBSCRIBE\nid:1\ndestination:/topic/a\n" + dead + b"theirs\n" + key + b"k\n\n\0",
                "publish",
            ),
            (b"SUBSCRIBE\nid:1\ndestination:/topic/a\n" + dead + b"mine\n" + key + b"k\n\n\0", ""),
            (b"SUBSCRIBE\nid:1\ndestination:/topic/a\n" + dead + b"mine\n\n\0", "publish"),
            (b"SEND\ndestination:/queue/in\n" + dead + b"\n" + key + b"other\n\n\0", "publish"),
        ):
            found = rules_of("v12.stomp", [*OPENED, (C, frame)],
                             publish=("/queue/in", "/exchange/mine/*"), subscribe=("/topic/*", "/queue/mine"))  # fmt: skip
            self.assertEqual(found, [rule] if rule else [], frame)
        sent: Step = (C, b"SEND\ndestination:x\n\n\0")
        self.assertEqual(rules_of("v12.stomp", [*OPENED, sent], publish=()), ["publish"])


class BoundTests(SynchronousTestCase):
    """What a peer cannot make us keep."""

    def test_subscriptions(self) -> None:
        """Too many at once; as many as one likes one after the other."""
        inspection = made("v12.stomp", ids=10)
        for direction, payload in OPENED:
            send(inspection, direction, payload)
        found = [
            send(inspection, C, f"SUBSCRIBE\nid:{at}\ndestination:a\n\n\0") for at in range(12)
        ]
        self.assertEqual(found, [""] * 10 + ["too-many"] * 2)
        for at in range(30):
            send(inspection, C, f"UNSUBSCRIBE\nid:{at}\n\n\0")
            self.assertEqual(
                send(inspection, C, f"SUBSCRIBE\nid:{at + 10}\ndestination:a\n\n\0"), ""
            )

    def test_unfinished_frames(self) -> None:
        """A body without an end: not more than a message may have."""
        inspection = made("v12.stomp", message_bytes=1000)
        for direction, payload in OPENED:
            send(inspection, direction, payload)
        send(inspection, C, b"SEND\ndestination:a\n\n")
        found = [send(inspection, C, b"x" * 100) for _ in range(12)]
        self.assertEqual(found, [""] * 10 + ["stomp-size", ""])

    def test_many_small_pieces_cost_what_they_hold(self) -> None:
        """A body in pieces is not read again with each."""
        began = time.process_time()
        frames = Frames("1.2", 10_000_000)
        list(frames.feed(b"SEND\ndestination:a\n\n"))
        for _ in range(200_000):
            list(frames.feed(b"x" * 16))
        (frame,) = frames.feed(b"\0")
        self.assertEqual(frame.length, 3_200_000)
        self.assertLess(time.process_time() - began, 4)


class HeartBeatTests(SynchronousTestCase):
    """Promised and asked for: both."""

    def test_table(self) -> None:
        """Nobody is expected who did not promise, or of whom nobody asked."""
        for ours, theirs, due in (
            ("0,0", "0,0", None),
            ("1000,0", "1000,0", None),
            ("1000,0", "0,1000", 11.0),
            ("1000,0", "0,20000", 60.0),
            ("0,30000", "40000,0", 120.0),
            ("0,30000", "0,0", None),
        ):
            inspection = made("v12.stomp")
            send(inspection, C, f"CONNECT\naccept-version:1.2\nheart-beat:{ours}\n\n\0")
            send(inspection, S, f"CONNECTED\nversion:1.2\nheart-beat:{theirs}\n\n\0")
            self.assertEqual(inspection.deadline(), due, (ours, theirs))

    def test_late(self) -> None:
        """Any octet is a beat; the one who is late is to blame."""
        inspection = made("v12.stomp")
        send(inspection, C, "CONNECT\naccept-version:1.2\nheart-beat:1000,1000\n\n\0")
        send(inspection, S, "CONNECTED\nversion:1.2\nheart-beat:1000,1000\n\n\0")
        send(inspection, C, "\n", 8.0)
        self.assertIsNone(inspection.expire(10.9).verdict)
        wanted = Verdict(1008, "stomp-heart-beat", "heart-beats stopped", S)
        self.assertEqual(inspection.expire(11.0).verdict, wanted)

    def test_malformed(self) -> None:
        """Two numbers."""
        for text in ("1", "1,", "a,b", "-1,0", "1,2,3"):
            frame = f"CONNECT\naccept-version:1.2\nheart-beat:{text}\n\n\0"
            self.assertEqual(rules_of("v12.stomp", [(C, frame)]), ["stomp-header"], text)


HEADER = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=8
)
BODY = st.binary(max_size=20)


class GeneratedTests(SynchronousTestCase):
    """Any input, and any session of a client library."""

    @settings(deadline=None, max_examples=150)
    @given(anything(b"CONNECT\n", b"accept-version:1.2\n", b"\n", b"\0", b"SEND\ndestination:a\n\n\0",
                    CONNECT, CONNECTED, b"content-length:5\n", b"\r\n", b"\\", b"SUBSCRIBE\nid:"))  # fmt: skip
    def test_nothing_raises(self, messages: list) -> None:
        """Only verdicts."""
        for name in ("v10.stomp", "v11.stomp", "v12.stomp"):
            never_raises(name, messages, publish=("/a",), ids=2)

    @settings(deadline=None, max_examples=150)
    @given(st.lists(st.tuples(HEADER, st.dictionaries(HEADER, HEADER, max_size=3), BODY), max_size=5),
           st.lists(st.integers(1, 40), min_size=1))  # fmt: skip
    def test_a_librarys_frames_pass(self, sent: list, sizes: list[int]) -> None:
        """stomp.py writes them, with any text in headers, any octets in bodies, cut anywhere."""
        octets = CONNECT
        for destination, headers, body in sent:
            clean = {key: value for key, value in headers.items()
                     if key.strip() == key and key not in {"content-length", "destination", "id"}}  # fmt: skip
            clean |= {"destination": destination, "content-length": str(len(body))}
            frame = stomp.utils.Frame(
                "SEND", {_escaped(k): _escaped(v) for k, v in clean.items()}, body
            )
            octets += b"".join(
                one if isinstance(one, bytes) else one.encode()
                for one in stomp.utils.convert_frame(frame)
            )
        steps: list[Step] = []
        while octets:
            size = sizes[len(steps) % len(sizes)]
            steps.append((C, octets[:size]))
            octets = octets[size:]
        self.assertEqual(rules_of("v12.stomp", steps), [])


def _escaped(text: str) -> str:
    for char, name in (("\\", "\\\\"), ("\r", "\\r"), ("\n", "\\n"), (":", "\\c")):
        text = text.replace(char, name)
    return text
