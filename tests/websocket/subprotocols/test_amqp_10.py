"""AMQP 1.0: headers, SASL and performatives, written out by the specification's tables."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import Verdict
from tests.websocket.subprotocols.streams import (
    C,
    S,
    Step,
    at_every_boundary,
    made,
    octet_by_octet,
    rules_of,
    send,
    together,
)

AMQP, SASL = b"AMQP\0\1\0\0", b"AMQP\3\1\0\0"


def listed(*values: bytes) -> bytes:
    """A list with sizes of one octet."""
    inside = b"".join(values)
    return bytes((0xC0, len(inside) + 1, len(values))) + inside


def put(
    code: int, *values: bytes, channel: int = 0, kind: int = 0, more: bytes = b"", extended: int = 0
) -> bytes:
    """A frame with a performative."""
    content = b"\0\x53" + bytes((code,)) + (listed(*values) if values else b"\x45") + more
    size = 8 + 4 * extended + len(content)
    return (
        size.to_bytes(4, "big")
        + bytes((2 + extended, kind))
        + channel.to_bytes(2, "big")
        + bytes(4 * extended)
        + content
    )


def text(value: str) -> bytes:
    """str8-utf8."""
    return bytes((0xA1, len(value.encode()))) + value.encode()


NULL, EMPTY = b"\x40", b"\0\0\0\x08\2\0\0\0"
MECHANISMS = put(0x40, b"\xa3\5PLAIN", kind=1)
INIT = put(0x41, b"\xa3\5PLAIN", b"\xa0\4\0a\0b", kind=1)
OUTCOME = put(0x44, b"\x50\0", kind=1)
OPEN = put(0x10, text("me"), NULL, b"\x70\0\0\4\0", b"\x60\0\xff", b"\x52\x0a")
BEGIN = put(0x11, NULL, b"\x43", b"\x70\0\0\1\0", b"\x70\0\0\1\0")
ATTACH = put(0x12, text("link"), b"\x43", b"\x42")
TRANSFER = put(
    0x14, b"\x43", b"\x43", b"\xa0\1a", b"\x43", more=b"\0\x53\x75\xa0\5hello", extended=1
)
OPENED: list[Step] = [(C, AMQP), (S, AMQP), (C, OPEN), (S, OPEN)]
SESSION: list[Step] = [
    (C, SASL),
    (S, SASL),
    (S, MECHANISMS),
    (C, INIT),
    (S, put(0x42, b"\xa0\1x", kind=1)),
    (C, put(0x43, b"\xa0\1y", kind=1)),
    (S, OUTCOME),
    *OPENED,
    (C, BEGIN),
    (S, put(0x11, b"\x60\0\0", b"\x43", b"\x43", b"\x43", channel=7)),
    (C, ATTACH),
    (S, put(0x12, text("link"), b"\x43", b"\x41", channel=7)),
    (S, put(0x13, b"\x43", b"\x43", b"\x43", b"\x43", channel=7)),
    (C, TRANSFER),
    (S, put(0x15, b"\x41", b"\x43", NULL, b"\x41", b"\0\x53\x24\x45", channel=7)),
    (C, EMPTY),
    (C, put(0x16, b"\x43", b"\x41")),
    (C, put(0x17)),
    (C, BEGIN),
    (C, put(0x18)),
    (S, put(0x18)),
]


NAMES = {
    0x10: "open", 0x11: "begin", 0x12: "attach", 0x13: "flow", 0x14: "transfer",
    0x15: "disposition", 0x16: "detach", 0x17: "end", 0x18: "close", 0x40: "sasl-mechanisms",
    0x41: "sasl-init", 0x42: "sasl-challenge", 0x43: "sasl-response", 0x44: "sasl-outcome",
}  # fmt: skip


def _named(frame: bytes, width: int) -> bytes:
    """A frame whose performative's code is its symbol instead."""
    at = frame[4] * 4
    if len(frame) == at:
        return frame
    name = f"amqp:{NAMES[frame[at + 2]]}:list".encode()
    symbol = bytes((0, 0xA3 if width == 1 else 0xB3)) + len(name).to_bytes(width, "big") + name
    rest = frame[4:at] + symbol + frame[at + 3 :]
    return (4 + len(rest)).to_bytes(4, "big") + rest


class SessionTests(SynchronousTestCase):
    """Whole sessions."""

    def test_as_it_comes(self) -> None:
        """By frame, together, octet by octet, cut in two anywhere; without SASL; at once."""
        for steps in (SESSION, together(SESSION), octet_by_octet(SESSION), SESSION[7:]):
            self.assertEqual(rules_of("amqp", steps), [])
        self.assertEqual(at_every_boundary("amqp", SESSION), [])
        at_once: list[Step] = [
            (C, SASL + INIT + AMQP + OPEN),
            (S, SASL + MECHANISMS + OUTCOME + AMQP + OPEN),
        ]
        self.assertEqual(rules_of("amqp", at_once), [])

    def test_symbolic_descriptors(self) -> None:
        """A performative may be named by its symbol, short or long."""
        for width in (1, 4):
            steps = [
                (way, _named(octets, width) if octets[:4] != b"AMQP" else octets)
                for way, octets in SESSION
                if isinstance(octets, bytes)
            ]
            self.assertEqual(rules_of("amqp", steps), [], width)

    def test_refused(self) -> None:
        """One rule each, on an open connection."""
        for step, rule in (
            ((C, b"\0\0\0\x07\2\0\0\0"), "amqp-frame"),
            ((C, b"\0\0\0\x08\1\0\0\0"), "amqp-frame"),
            ((C, b"\0\0\0\x08\3\0\0\0"), "amqp-frame"),
            ((C, b"\0\0\4\1\2\0\0\0"), "amqp-size"),
            ((C, b"\xff\xff\xff\xff\2\0\0\0"), "amqp-size"),
            ((C, AMQP), "amqp-header"),
            ((C, SASL), "amqp-header"),
            ((C, INIT), "amqp-frame"),
            ((C, OPEN), "amqp-order"),
            ((C, ATTACH), "amqp-channel"),
            ((C, BEGIN + BEGIN), "amqp-channel"),
            ((C, put(0x19)), "amqp-performative"),
            ((C, put(0x24)), "amqp-performative"),
            ((C, b"\0\0\0\x09\2\0\0\0x"), "amqp-performative"),
            ((C, put(0x18) + EMPTY), "amqp-order"),
            ((C, b"\0\0\0\x1a\2\0\0\0\0\xa3\x0eamqp:open:list" + b"\x45"), "amqp-order"),
            ((C, b"\0\0\0\x14\2\0\0\0\0\x80\0\0\0\0\0\0\0\x11\x45\0"), ""),
        ):
            self.assertEqual(
                rules_of("amqp", [*OPENED, step]), [rule] if rule else [], (rule, step)
            )

    def test_opening(self) -> None:
        """Headers, SASL's directions and outcome, what open says."""
        for steps, rule in (
            ([(C, AMQP), (S, SASL)], ""),
            ([(C, AMQP), (S, SASL), (S, MECHANISMS)], "amqp-order"),
            ([(C, AMQP), (S, OPEN)], "amqp-header"),
            ([(C, AMQP), (S, AMQP), (S, BEGIN)], "amqp-order"),
            ([(C, SASL), (S, SASL), (C, MECHANISMS)], "amqp-performative"),
            ([(C, SASL), (S, SASL), (S, INIT)], "amqp-performative"),
            ([(C, SASL), (S, SASL), (C, OPEN)], "amqp-frame"),
            ([(C, SASL), (S, SASL), (S, AMQP)], "amqp-order"),
            ([(C, SASL), (S, SASL), (S, put(0x44, b"\x50\1", kind=1)), (S, AMQP)], "amqp-order"),
            ([(C, SASL), (S, SASL), (S, put(0x44, kind=1)), (S, EMPTY)], "amqp-order"),
            ([(C, AMQP), (C, put(0x10, text("x"), NULL, b"\x52\x10"))], "amqp-open"),
            ([(C, AMQP), (C, put(0x10, text("x"), NULL, b"\xa1"))], "amqp-performative"),
            ([(C, AMQP), (C, put(0x10, b"\0\0\0\0", NULL, NULL))], "amqp-performative"),
            ([(C, AMQP), (C, put(0x10, b"\0" * 40, b"", b""))], "amqp-performative"),
            ([(C, AMQP), (C, put(0x10))], ""),
            ([(C, AMQP), (C, b"\0\0\x30\0\2\0\0\0")], "amqp-size"),
        ):
            self.assertEqual(rules_of("amqp", steps), [rule] if rule else [], steps)

    def test_bounds(self) -> None:
        """Sessions at once."""
        begins = [(C, put(0x11, NULL, channel=at)) for at in range(7)]
        self.assertEqual(rules_of("amqp", [*OPENED, *begins], ids=5), ["too-many"] * 2)

    def test_idle(self) -> None:
        """A side that says how long it waits is not kept waiting much longer."""
        inspection = made("amqp")
        slow = put(0x10, text("x"), NULL, NULL, NULL, b"\x70\0\0\x75\x30")
        for step in ((C, AMQP), (S, AMQP), (C, put(0x10, text("x"))), (S, slow)):
            send(inspection, *step)
        self.assertEqual(inspection.deadline(), 55.0)
        wanted = Verdict(1008, "amqp-heart-beat", "heart-beats stopped", C)
        self.assertEqual(inspection.expire(55.0).verdict, wanted)
