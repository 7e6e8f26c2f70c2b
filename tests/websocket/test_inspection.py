"""Modes, counts and what an action says."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.inspection import (
    PASS,
    Action,
    Direction,
    Inspection,
    Message,
    Mode,
    ValidationRules,
    Verdict,
    inspection_for,
)
from gateway.websocket.subprotocols.schema_compiler import compile_schema

C, S = Direction.FROM_CLIENT, Direction.TO_CLIENT


class Scripted:
    """Gives the verdicts it was told, and is late when it was told so."""

    def __init__(self, *verdicts: Verdict | Exception | None) -> None:
        self.verdicts = list(verdicts)
        self.late: Verdict | None = None
        self.due: float | None = None
        self.began: float | None = None

    def begin(self, now: float) -> None:
        self.began = now

    def check(self, message: Message, now: float) -> Verdict | None:
        found = self.verdicts.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def deadline(self) -> float | None:
        return self.due

    def expired(self, now: float) -> Verdict | None:
        return self.late


BAD = Verdict(1002, "order", "not now")


def _all(inspection: Inspection, *directions: Direction) -> list[Action]:
    return [inspection.inspect(Message(one, b"s3cret"), 1.0) for one in directions]


class InspectionTests(SynchronousTestCase):
    """What the relay is told."""

    def test_enforced(self) -> None:
        """A violation ends it with the code and the rule's name; nothing is judged after it."""
        inspection = Inspection("x", Mode.ENFORCE, Scripted(None, None, BAD))
        found = _all(inspection, C, S, C, C)
        self.assertEqual(found[:2], [PASS, PASS])
        self.assertEqual(found[2], Action(BAD, True, C, 2, True))
        self.assertEqual((found[2].code, found[2].reason), (1002, "order"))
        self.assertEqual(found[3], PASS)
        self.assertEqual(dict(inspection.messages), {C: 3, S: 1})

    def test_observed(self) -> None:
        """Everything passes; each rule is news once for each side, and counted every time."""
        other = Verdict(1008, "other", "")
        inspection = Inspection("x", Mode.OBSERVE, Scripted(BAD, BAD, other, BAD))
        found = _all(inspection, C, C, C, S)
        self.assertEqual([one.closes for one in found], [False] * 4)
        self.assertEqual([one.news for one in found], [True, False, True, True])
        self.assertEqual([one.index for one in found], [1, 2, 3, 1])
        self.assertEqual(inspection.violations, 4)

    def test_observed_to_the_end(self) -> None:
        """After a final verdict nothing is looked at."""
        inspection = Inspection("x", Mode.OBSERVE, Scripted(Verdict(1002, "a", "", final=True)))
        self.assertEqual([one.verdict is None for one in _all(inspection, C, S)], [False, True])
        self.assertIsNone(inspection.deadline())
        self.assertEqual(inspection.expire(9.0), PASS)

    def test_a_library_raises(self) -> None:
        """A verdict with the type's name: the text may quote what it choked on."""
        inspection = Inspection("x", Mode.ENFORCE, Scripted(KeyError("s3cret")))
        (found,) = _all(inspection, C)
        self.assertEqual((found.code, found.reason), (1007, "unreadable"))
        self.assertNotIn("s3cret", repr(found) + repr(inspection))

    def test_times(self) -> None:
        """Begun, due, and late: whoever the verdict names is to blame, else the client."""
        scripted = Scripted()
        inspection = Inspection("x", Mode.ENFORCE, scripted)
        inspection.begin(5.0)
        scripted.due = 7.0
        self.assertEqual((scripted.began, inspection.deadline()), (5.0, 7.0))
        self.assertEqual(inspection.expire(6.0), PASS)
        scripted.late = Verdict(1008, "beat", "", S)
        found = inspection.expire(7.0)
        self.assertEqual((found.closes, found.by), (True, S))


class InspectionForTests(SynchronousTestCase):
    """Who is inspected at all."""

    def test_table(self) -> None:
        """Not when off; not what is unknown."""
        for mode, name, wanted in (
            (Mode.OFF, "v12.stomp", False),
            (Mode.OBSERVE, "v12.stomp", True),
            (Mode.ENFORCE, "v12.stomp", True),
            (Mode.ENFORCE, "eyJhbGciOi.s3cret", False),
            (Mode.ENFORCE, "", False),
            (Mode.ENFORCE, None, False),
        ):
            found = inspection_for(name, ValidationRules(mode))
            self.assertEqual(found is not None, wanted, (mode, name))
            if found is not None:
                self.assertEqual((found.subprotocol, found.mode), (name, mode))

    def test_names_that_may_be_shown(self) -> None:
        """Those that are known, and those that the operator wrote: some offers are secrets."""
        rules = ValidationRules(
            Mode.ENFORCE, names=("app.v1",), from_client=compile_schema(b"{}", "x")
        )
        for name, shown in (
            ("v12.stomp", "v12.stomp"),
            ("app.v1", "app.v1"),
            ("eyJhbGciOi.s3cret", "-"),
            (None, "-"),
        ):
            found = inspection_for(name, rules)
            assert found is not None
            self.assertEqual(found.subprotocol, shown)
