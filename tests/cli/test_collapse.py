"""``gateway collapse``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway
from tests.ops import DOMAIN, Setup, temporary


class CollapseTests(SynchronousTestCase):
    """URLs to collapsed URLs."""

    timeout = 60

    def test_domain(self) -> None:
        """One line for each URL, in order."""
        urls = ("https://example.com", "http://a-b.example:8080/p?q#f", "wss://example.com/s")
        done = gateway("collapse", *urls, "--domain", "gw.test")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "https://https-example-com.0.gw.test",
                "https://http8080-a--b-example.0.gw.test/p?q#f",
                "wss://https-example-com.0.gw.test/s",
            ],
        )

    def test_public_port(self) -> None:
        """The port that browsers see."""
        done = gateway("collapse", "https://a.test/", "--domain", "gw.test", "--public-port", "1")
        self.assertEqual(done.stdout, "https://https-a-test.0.gw.test:1/\n")

    def test_configuration(self) -> None:
        """Domain and port of a configuration."""
        setup = Setup(temporary(self))
        done = gateway("collapse", "https://a.test/", "--config", str(setup.write()))
        wanted = f"https://https-a-test.0.{DOMAIN}:{setup.port}/\n"
        self.assertEqual((done.returncode, done.stdout), (0, wanted))

    def test_no_form(self) -> None:
        """Other schemes, no URL at all and our own names have none: status 1, the rest printed."""
        bad = ("ftp://a.test/", "mailto:a@b.test", "/path", "https://www.0.gw.test/", "https://")
        done = gateway("collapse", *bad, "https://a.test/", "--domain", "gw.test")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "https://https-a-test.0.gw.test/\n")
        lines = done.stderr.splitlines()
        self.assertEqual([line.split(": ")[0] for line in lines], list(bad))

    def test_bad_configuration(self) -> None:
        """A configuration that is not there is status 1."""
        done = gateway("collapse", "https://a.test/", "--config", "no/such/file.toml")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no/such/file.toml: cannot be read", done.stderr)
