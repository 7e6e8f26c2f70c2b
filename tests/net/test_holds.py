"""One after another, and nothing left behind."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.holds import Holds

A, B = (b"o", b"a"), (b"o", b"b")


class HoldTests(SynchronousTestCase):
    """Taking and giving."""

    def setUp(self) -> None:
        """Hold nothing."""
        self.holds = Holds()

    def _take(self, key) -> Deferred[None]:
        return Deferred.fromCoroutine(self.holds.take(key))

    def test_in_turn(self) -> None:
        """The first has it at once, the others as it is given; other keys do not wait."""
        first, second, third = (self._take(A) for _ in range(3))
        self.successResultOf(first)
        self.successResultOf(self._take(B))
        self.assertNoResult(second)
        self.holds.give(A)
        self.successResultOf(second)
        self.assertNoResult(third)
        self.holds.give(A)
        self.successResultOf(third)
        self.holds.give(A)
        self.holds.give(B)
        self.assertEqual(len(self.holds), 0)

    def test_cancelled(self) -> None:
        """Who leaves the queue holds nothing, and those after it get their turn."""
        first, second, third = (self._take(A) for _ in range(3))
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.holds.give(A)
        self.successResultOf(third)
        self.holds.give(A)
        self.successResultOf(first)
        self.assertEqual(len(self.holds), 0)
