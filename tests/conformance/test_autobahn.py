"""The Autobahn test-suite's cases pass at both legs of a gateway between real processes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import autobahn

SECONDS = 120
NOT_STRICT = {
    # A message, behind it in the same write a frame that breaks the protocol: the suite would
    # like to see the echo of the one before the end that the other one brings.  The gateway
    # passes the message on and ends at once; it cannot know that an answer is on its way.
    "3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15",
}  # fmt: skip
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}


class AutobahnTests(SynchronousTestCase):
    """Nothing fails; what is not strict is known, and why."""

    def _check(self, side: str, cases: tuple[str, ...] = autobahn.CORE, count: int = 247) -> None:
        verdicts = autobahn.asked(side, cases, SECONDS)
        self.assertEqual([one for one in verdicts if not one.passed], [])
        self.assertEqual(len(verdicts), count)
        kinds = {"NON-STRICT": NOT_STRICT, "INFORMATIONAL": INFORMATIONAL}
        for kind, known in kinds.items():
            more = {one.case for one in verdicts if one.behavior == kind} - known
            self.assertEqual(more, set(), kind)

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
