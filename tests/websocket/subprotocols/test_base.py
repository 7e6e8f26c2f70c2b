"""What validators share."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import (
    Allowance,
    Base,
    Both,
    Broken,
    Direction,
    Framed,
    Message,
    Names,
    Pulse,
    Verdict,
    broken,
    octets_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

C, S = Direction.FROM_CLIENT, Direction.TO_CLIENT


class Always(Base):
    """Breaks one rule with every message."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.seen = 0

    def read(self, message: Message, now: float) -> None:
        self.seen += 1
        if self.rule:
            raise broken(self.rule, "as ever")


class Letters(Framed[str]):
    """Each octet is a frame: b and f break a rule, f and F for good, F before it is one."""

    def frames(self, message: Message, now: float) -> Iterator[str]:
        for letter in message.payload.decode():
            if letter == "F":
                raise broken("F", "no frame")
            yield letter

    def judge(self, side: Direction, letter: str, now: float) -> None:
        if letter in "bf":
            raise broken(letter, "wrong", final=letter == "f")


class FramedTests(SynchronousTestCase):
    """Frames in messages."""

    def test_the_first_decides(self) -> None:
        """Its rule is told, also where a later one ends all judging."""
        for payload, wanted in (
            (b"", None),
            (b"aaa", None),
            (b"aba", ("b", False)),
            (b"abfa", ("b", True)),
            (b"abF", ("b", True)),
            (b"afb", ("f", True)),
            (b"aF", ("F", True)),
            (b"a" * 8192, None),
            (b"a" * 8193, ("too-many", True)),
            (b"b" * 8193, ("b", True)),
        ):
            letters = Letters(Pulse("beat"))
            for _ in range(2):  # each message has an allowance of its own
                found = letters.check(Message(C, payload), 0.0)
                self.assertEqual(found and (found.rule, found.final), wanted, payload[:9])

    def test_any_message_is_a_beat(self) -> None:
        """Whoever sends is heard, whatever it is."""
        pulse = Pulse("beat")
        letters = Letters(pulse)
        pulse.expect(C, 10, 0)
        letters.check(Message(C, b"F"), 5.0)
        self.assertEqual(letters.deadline(), 15.0)
        late = letters.expired(15.0)
        self.assertEqual(late and late.rule, "beat")

    def test_allowance(self) -> None:
        """So much, and no more until it is renewed."""
        allowance = Allowance("things", 3)
        for _ in range(2):
            allowance.spend(2)
            allowance.spend()
            self.assertTrue(self.assertRaises(Broken, allowance.spend).verdict.final)
            allowance.renew()


class BaseTests(SynchronousTestCase):
    """Verdicts and who gives them."""

    def test_nothing_of_a_payload_is_shown(self) -> None:
        """Not in a message's repr."""
        self.assertNotIn("s3cret", repr(Message(C, b"s3cret")))

    def test_a_verdict_is_carried_out(self) -> None:
        """What ``read`` raises is what ``check`` returns."""
        self.assertEqual(
            Always("some-rule").check(Message(C, b""), 0.0), Verdict(1002, "some-rule", "as ever")
        )
        self.assertIsNone(Always("").check(Message(C, b""), 0.0))

    def test_both(self) -> None:
        """The second is asked about what the first lets pass."""
        for first, second, wanted, seen in (
            ("", "", None, 1),
            ("", "b", "b", 1),
            ("a", "b", "a", 0),
        ):
            behind = Always(second)
            both = Both(Always(first), behind)
            both.begin(0.0)
            verdict = both.check(Message(C, b""), 0.0)
            self.assertEqual(verdict.rule if verdict else None, wanted)
            self.assertEqual(behind.seen, seen)
            self.assertIsNone(both.deadline())
            self.assertIsNone(both.expired(1.0))

    def test_kinds_of_messages(self) -> None:
        """Text is asked for, or octets; text is UTF-8."""
        self.assertEqual(text_of(Message(C, "é".encode())), "é")
        self.assertEqual(octets_of(Message(C, b"\xff", binary=True)), b"\xff")
        for read, message, code in (
            (text_of, Message(C, b"", binary=True), 1003),
            (text_of, Message(C, b"\xff"), 1007),
            (octets_of, Message(C, b""), 1003),
        ):
            found = self.assertRaises(Broken, read, message)
            self.assertEqual(found.verdict.close_code, code)

    def test_names_are_bounded(self) -> None:
        """One more than the bound is a verdict; one that is there may come again."""
        names = Names(2)
        names.add("a", 1)
        names.add("b")
        names.add("a", 2)
        self.assertEqual(self.assertRaises(Broken, names.add, "c").verdict.rule, "too-many")
        self.assertEqual((len(names), "a" in names, names.get("a")), (2, True, 2))
        self.assertEqual((names.pop("a"), names.pop("a")), (2, None))
        names.add("c")

    def test_long_names_cost_no_more(self) -> None:
        """Peers choose them: thousands of large ones are held all the same."""
        names = Names(4096)
        tracemalloc.start()
        try:
            for number in range(1000):
                names.add(f"{number}" + "\ud800" * 50_000)
            self.assertLess(tracemalloc.get_traced_memory()[0], 2_000_000)
        finally:
            tracemalloc.stop()
        self.assertIn("7" + "\ud800" * 50_000, names)
        self.assertNotIn("7" + "\ud800" * 50_001, names)
        self.assertEqual(names.pop("7" + "\ud800" * 50_000), 0)
        self.assertEqual(len(names), 999)

    def test_pulse(self) -> None:
        """Whoever is late is told of once."""
        pulse = Pulse("beat")
        self.assertIsNone(pulse.deadline())
        pulse.expect(C, 10, 0)
        pulse.expect(S, 5, 0)
        self.assertEqual(pulse.deadline(), 5)
        pulse.heard(S, 4)
        self.assertEqual(pulse.deadline(), 9)
        self.assertIsNone(pulse.expired(8.9))
        self.assertEqual(pulse.expired(9), Verdict(1008, "beat", "heart-beats stopped", S))
        self.assertEqual(pulse.deadline(), 10)
        pulse.expect(C, 0, 9)
        self.assertIsNone(pulse.deadline())
