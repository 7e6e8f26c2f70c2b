"""Upstream requests in order."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.emulation.frames import Frame, Kind, Malformed
from gateway.websocket.emulation.upstream import Turn, Upstream


def frames(text: str) -> list[Frame]:
    """A frame for each letter; capitals are binary."""
    return [
        Frame(Kind.BINARY if one.isupper() else Kind.TEXT, one.lower().encode()) for one in text
    ]


class UpstreamTests(SynchronousTestCase):
    """Sequence numbers."""

    def test_table(self) -> None:
        """What happens, request by request; ``.`` is when all of one was applied."""
        ok, again, fault = Turn.APPLY, Turn.AGAIN, Turn.FAULT
        table: tuple[tuple[bool, tuple, list], ...] = (
            (False, (8, ".", 9, ".", 10), [ok, ok, ok]),
            (False, (8, 9), [ok, fault]),  # one in flight
            (False, (8, ".", 8), [ok, fault]),
            (False, (7,), [fault]),
            (False, (9,), [fault]),
            (False, (None,), [fault]),
            (True, (8, 8, ".", 8, 9), [ok, again, again, ok]),
            (True, (7,), [fault]),  # the create's own
            (True, (8, ".", 9, 8), [ok, ok, fault]),
            (True, (8, ".", 10), [ok, fault]),
        )
        for retry, steps, wanted in table:
            up = Upstream(7, retry)
            seen = []
            for step in steps:
                if step == ".":
                    up.done()
                else:
                    seen.append(up.begin(step))
            self.assertEqual(seen, wanted, (retry, steps))

    def test_to_the_end_of_numbers(self) -> None:
        """After the last number there is none."""
        up = Upstream(2**53 - 2)
        self.assertIs(up.begin(2**53 - 1), Turn.APPLY)


class BrokenTests(SynchronousTestCase):
    """Requests that broke off and come again."""

    def taken(self, up: Upstream, text: str, *, ends: bool = True) -> str:
        """What is new in them."""
        new = "".join(one.payload.decode() for one in frames(text) if up.is_new(one))
        if ends:
            up.finish()
            up.done()
        return new

    def test_turns(self) -> None:
        """One that has not come whole gives way to its repetition, where there is such a thing."""
        for retry, in_flight, whole, wanted in (
            (True, True, False, Turn.INSTEAD), (True, True, True, Turn.AGAIN),
            (True, False, False, Turn.AGAIN), (False, True, False, Turn.FAULT),
        ):  # fmt: skip
            up = Upstream(7, retry)
            up.begin(8)
            if not in_flight:
                up.done()
            self.assertIs(up.begin(8, whole=whole), wanted)
            self.assertIs(up.begin(10, whole=whole), Turn.FAULT)

    def test_each_once(self) -> None:
        """However often it breaks off, and wherever; the next request begins anew."""
        up = Upstream(7, retry=True)
        up.begin(8)
        seen = []
        for part, ends in (
            ("ab", False),
            ("", False),
            ("a", False),
            ("abcd", False),
            ("abcd", True),
        ):
            seen.append(self.taken(up, part, ends=ends))
            self.assertIs(up.begin(8, whole=False), Turn.AGAIN if ends else Turn.INSTEAD)
        self.assertEqual(seen, ["ab", "", "", "cd", ""])
        up.begin(9)
        self.assertEqual(self.taken(up, "ab"), "ab")

    def test_another_one(self) -> None:
        """A repetition that says something else is a fault, as soon as that is seen."""
        for again in ("ax", "xb", "aB", "ba", "a", ""):
            up = Upstream(7, retry=True)
            up.begin(8)
            self.assertEqual(self.taken(up, "ab", ends=False), "ab")
            up.begin(8, whole=False)
            self.assertRaises(Malformed, self.taken, up, again)
