"""No test module is lost between the parts."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.parts import ONCE, modules, part


class PartsTests(SynchronousTestCase):
    """``part``."""

    def test_all_and_once(self) -> None:
        """The parts are every module but those that run once, and those are there."""
        parts = [one for number in range(3) for one in part(number, 3)]
        self.assertEqual(len(parts), len(set(parts)))
        self.assertEqual({*parts, *ONCE}, set(modules()))
        self.assertEqual(set(parts) & ONCE, set())
