"""The Autobahn test-suite's cases pass at both legs of a gateway between real processes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import autobahn

SECONDS = 120
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


class AutobahnTests(SynchronousTestCase):
    """Nothing fails, nothing is less than strict; what only informs is known."""

    def _check(self, side: str, cases: tuple[str, ...] = autobahn.CORE, count: int = 247) -> None:
        verdicts = autobahn.asked(side, cases, SECONDS)
        self.assertEqual([one for one in verdicts if not one.passed], [])
        self.assertEqual(len(verdicts), count)
        for one in verdicts:
            if one.behavior != "OK":
                self.assertEqual(one.behavior, "INFORMATIONAL", one)
                self.assertIn(one.case, INFORMATIONAL)

    def test_clients(self) -> None:
        """What clients send that is odd or wrong."""
        self._check("clients")

    def test_services(self) -> None:
        """The same on services, one of which has nothing behind it."""
        self._check("service")
        self._check("echo", ("1.*", "5.*", "7.*"), 73)

    def test_large(self) -> None:
        """Messages of 16 MiB, whole and in many fragments and writes; others by the thousand."""
        for side in ("clients", "upstreams"):
            verdicts = autobahn.asked(side, autobahn.LARGE_SAMPLE, SECONDS)
            self.assertEqual([one for one in verdicts if not one.passed], [], side)
            self.assertEqual(len(verdicts), len(autobahn.LARGE_SAMPLE))

    def test_deflate(self) -> None:
        """A thousand messages each, compressed on the leg that the suite looks at."""
        verdicts = autobahn.asked("clients", autobahn.DEFLATE_SAMPLE, SECONDS)
        self.assertEqual([one for one in verdicts if one.behavior != "OK"], [])
        verdicts = autobahn.asked("upstreams", ("12.1.1", "13.1.1"), SECONDS)
        self.assertEqual([one for one in verdicts if one.behavior != "OK"], [])

    def test_upstreams(self) -> None:
        """What origins send that is odd or wrong."""
        self._check("upstreams")
