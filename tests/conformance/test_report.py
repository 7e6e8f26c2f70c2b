"""The page about conformance can be read again, and is the one that its command makes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.conformance import autobahn, report
from tests.conformance.stage import ROOT


class ReportTests(SynchronousTestCase):
    """No suite is run here."""

    def test_there_and_back(self) -> None:
        """What was found is what the page says; core parts are kept where long ones are not run."""
        found = {
            ("clients", "1"): {"OK": 3, "FAILED": 1},
            ("service", "10"): {"NON-STRICT": 2},
            ("service", "12.3.18"): {"OK": 1},
            ("service", "13.2.1"): {"UNIMPLEMENTED": 1},
        }
        read = report.read(report.page(found))
        seen = {at: {kind: n for kind, n in kinds.items() if n} for at, kinds in read.items()}
        self.assertEqual(seen, found)

    def test_cases(self) -> None:
        """Compression cases are told one by one, and counted together."""
        verdict = autobahn.Verdict("13.2.1", "UNIMPLEMENTED", "OK", "")
        good = autobahn.Verdict("13.7.18", "OK", "OK", "")
        text = report.page(report.told("clients", [verdict, good]))
        self.assertIn("| 13 | deflate, parameters | 2 | 1 | 0 | 0 | 1 | 0 |", text)
        self.assertIn("| 13.2 | – |  |", text)
        self.assertIn("|  | ✓ |\n", text)

    def test_kept(self) -> None:
        """Nobody edited the page that is kept."""
        text = (ROOT / "docs" / "websocket-conformance.md").read_text("utf-8")
        self.assertEqual(report.page(report.read(text)), text)
        failed = [at for at, kinds in report.read(text).items() if kinds.get("FAILED")]
        self.assertEqual(failed, [])
