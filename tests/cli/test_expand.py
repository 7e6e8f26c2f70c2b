"""``gateway expand``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway
from tests.ops import DOMAIN, Setup, temporary


class ExpandTests(SynchronousTestCase):
    """Collapsed URLs back to the sites' own."""

    timeout = 60

    def test_domain(self) -> None:
        """What ``collapse`` prints is expanded again, line by line."""
        urls = [
            "https://example.com/",
            "http://a-b.example:8080/p?q#f",
            "wss://example.com/s",
            "https://[2001:db8::1]:444/p?q=1&r#f",
            "https://" + "long." * 20 + "example/?x=%20",
        ]
        collapsed = gateway("collapse", *urls, "--domain", "gw.test").stdout.splitlines()
        self.assertEqual(len(collapsed), len(urls))
        done = gateway("expand", *collapsed, "--domain", "gw.test")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.splitlines(), urls)

    def test_both_domains(self) -> None:
        """A configuration's domain for browsers without localStorage counts, too."""
        setup = Setup(temporary(self))
        setup.top = 'rewrite-domain = "i.test"'
        file = str(setup.write())
        urls = [f"https://https-a-test.0.{one}:{setup.port}/p" for one in (DOMAIN, "i.test")]
        done = gateway("expand", *urls, "--config", file)
        self.assertEqual((done.returncode, done.stdout), (0, "https://a.test/p\n" * 2), done.stderr)

    def test_none(self) -> None:
        """What is no collapsed URL of this gateway is named: status 1, the rest printed."""
        good = "https://https-a-test.0.gw.test/"
        bad = [
            "https://a.test/",
            "http://https-a-test.0.gw.test/",
            "https://https-a-test.0.gw.test:8443/",
            "https://www.0.gw.test/",
            "https://https-a-test.0.other.test/",
            "https://x-" + "a" * 32 + ".0.gw.test/",
            "nothing",
        ]
        done = gateway("expand", *bad, good, "--domain", "gw.test")
        self.assertEqual((done.returncode, done.stdout), (1, "https://a.test/\n"))
        lines = done.stderr.splitlines()
        self.assertEqual(lines, [f"{one}: is not a collapsed URL of this gateway" for one in bad])
