"""Decisions in words: questions that have a fault, and answers of the rules in force."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.ops.config import parse_config
from gateway.ops.explaining import KINDS, Explained, explained
from tests.ops import Setup, temporary

RULES = """
[[allow-navigation]]
href = "https://open.example"
[[access]]
origin = "https://api.example"
from = "https://open.example"
[[allow-intent]]
href = "tel:*"
[clients]
deny = ["192.0.2.0/24"]
"""


class ExplainedTests(SynchronousTestCase):
    """What the command and the operator's page say alike (the command: ``tests.cli``)."""

    def setUp(self) -> None:
        setup = Setup(temporary(self))
        setup.extra = RULES
        path = setup.write()
        self.config = parse_config(path.read_text("utf-8"), str(path), path)

    def test_answers(self) -> None:
        """Allowed or not, by which step, in JSON and in lines."""
        for url, kind, page, client, allowed, step in (
            ("https://open.example/x", "navigation", None, None, True, "destination"),
            ("https://closed.example/", "navigation", None, None, False, "destination"),
            ("https://api.example/", "access", "https://open.example", None, True, "destination"),
            ("https://api.example/", "access", "https://other.example", None, False, "destination"),
            ("wss://api.example/", "websocket", "https://open.example", None, True, "destination"),
            ("tel:+451", "intent", None, None, True, "destination"),
            ("javascript:1", "intent", None, None, False, "destination"),
            ("https://open.example/", "navigation", None, "192.0.2.7", False, "client"),
            ("https://open.example:25/", "navigation", None, None, False, "port"),
        ):
            found = explained(self.config, url, kind, page, client, addresses=["93.184.216.34"])
            assert isinstance(found, Explained), found
            self.assertEqual((found.told["allowed"], found.told["name"]), (allowed, step), url)
            self.assertIn("allowed" if allowed else "denied", "\n".join(found.lines))

    def test_addresses(self) -> None:
        """A private address closes what the rules open."""
        found = explained(self.config, "https://open.example/", addresses=["10.0.0.1"])
        assert isinstance(found, Explained)
        self.assertEqual((found.told["allowed"], found.told["name"]), (False, "address"))

    def test_faults(self) -> None:
        """What is wrong with a question is said; nothing is raised."""
        for url in ("", "x", "https://", "mailto:a@b", "\ud800"):
            found = explained(self.config, url)
            self.assertIsInstance(found, list, url)
        found = explained(self.config, "https://a.example/", client="x", addresses=["y"])
        self.assertEqual(len(found), 2)
        for kind in KINDS:
            explained(self.config, "https://a.example/", kind, "no origin")
