"""When a backend that failed is dialled again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.circuit import UP, retry_after


class CircuitTests(SynchronousTestCase):
    """By the clock of a table."""

    def test_intervals(self) -> None:
        """They double up to the most; noise takes away half at most."""
        circuit, now = UP, 0.0
        for interval in (1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
            self.assertEqual(circuit.wait(now), 0.0)
            circuit = circuit.dialling().failed(now, 10, 1.0)
            self.assertEqual((circuit.is_up, circuit.wait(now)), (False, interval))
            self.assertEqual(circuit.wait(now + interval / 2), interval / 2)
            now += interval
        self.assertEqual(UP.failed(0.0, 10, 0.0).wait(0.0), 0.5)

    def test_dials_that_began_together(self) -> None:
        """Are one failure."""
        circuit = UP.failed(5.0, 60, 1.0)
        self.assertEqual(circuit.failed(5.5, 60, 1.0), circuit)

    def test_one_dial_finds_out(self) -> None:
        """While it does, everybody else waits; one that is given up leaves room."""
        circuit = UP.failed(0.0, 60, 1.0).dialling()
        self.assertEqual(circuit.wait(2.0), 1.0)
        self.assertEqual(circuit.left().wait(2.0), 0.0)
        self.assertEqual(UP.dialling().wait(0.0), 0.0)  # nobody waits for one that is up

    def test_reached(self) -> None:
        """Somebody answers again: everybody may dial; if it was nothing, the time goes on doubling."""
        circuit = UP.failed(0.0, 60, 1.0).failed(1.0, 60, 1.0).found()
        self.assertEqual((circuit.is_up, circuit.wait(1.5)), (True, 0.0))
        self.assertEqual(circuit.dialling().wait(1.5), 0.0)
        again = circuit.failed(2.0, 60, 1.0)
        self.assertEqual((again.is_up, again.wait(2.0)), (False, 4.0))
        self.assertEqual(UP.found(), UP)

    @given(st.integers(1, 60), st.floats(0, 1), st.integers(1, 86400))
    def test_bounds(self, times: int, noise: float, most: int) -> None:
        """However often it failed, it is asked within the most."""
        circuit = UP
        now = 0.0
        for _ in range(times):
            circuit = circuit.failed(now, most, noise)
            wait = circuit.wait(now)
            self.assertTrue(0.49 <= wait <= max(most, 1) + 0.001, wait)
            now += wait + 0.001

    def test_words(self) -> None:
        """Whole seconds, one at least."""
        self.assertEqual([retry_after(one) for one in (0.0, 0.2, 1.0, 1.1)], [1, 1, 1, 2])
