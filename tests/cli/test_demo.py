"""``gateway demo``: its help; what it does is tested in ``tests.demo``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway


class DemoTests(SynchronousTestCase):
    """The command line."""

    timeout = 60

    def test_help(self) -> None:
        """Options and their defaults."""
        done = gateway("demo", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for text in ("--folder", "--domain", "gateway.localhost", "8443", "9443", "Ctrl-C"):
            self.assertIn(text, done.stdout)

    def test_ports(self) -> None:
        """A port that is none is a usage error."""
        self.assertEqual(gateway("demo", "--port", "70000").returncode, 2)
