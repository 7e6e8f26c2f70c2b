"""``gateway headers``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway

BASE = ("--base", "https://a.example/d/e", "--domain", "gw.test")
RESPONSE = (
    "HTTP/1.1 302 Found\nLocation: https://b.example/x\nSet-Cookie: a=b\n"
    "X-Frame-Options: DENY\nAlt-Svc: h3\n"
)
REQUEST = (
    "GET /d/e HTTP/1.1\nHost: https-a-example.0.gw.test\n"
    "Referer: https://https-b-example.0.gw.test/q\nSec-Fetch-Site: same-site\nCookie: x=y\n"
)


class HeadersTests(SynchronousTestCase):
    """Header blocks in, header blocks out."""

    timeout = 60

    def test_response(self) -> None:
        """As the browser gets it."""
        done = gateway("headers", *BASE, given=RESPONSE)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "HTTP/1.1 302 Found")
        self.assertIn("Location: https://https-b-example.0.gw.test/x", lines)
        names = {line.partition(":")[0] for line in lines}
        self.assertFalse(names & {"Set-Cookie", "Alt-Svc", "X-Frame-Options"})
        self.assertIn("Content-Security-Policy", names)

    def test_request(self) -> None:
        """As the origin gets it."""
        done = gateway("headers", *BASE, "--request", given=REQUEST)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:2], ["GET /d/e HTTP/1.1", "Host: a.example"])
        self.assertIn("Referer: https://b.example/q", lines)
        self.assertIn("Sec-Fetch-Site: cross-site", lines)
        self.assertNotIn("Cookie: x=y", lines)

    def test_document(self) -> None:
        """A document that will be edited loses what no longer holds."""
        block = 'Content-Type: text/html\nETag: "x"\nCache-Control: max-age=9\n'
        done = gateway("headers", *BASE, given=block)
        self.assertNotIn("ETag", done.stdout)
        self.assertIn("Cache-Control: private, no-cache", done.stdout)
        done = gateway("headers", *BASE, "--dest", "empty", given=block)
        self.assertIn('ETag: "x"', done.stdout)
        self.assertIn("Cache-Control: max-age=9", done.stdout)

    def test_faults(self) -> None:
        """What is no field is said, line by line; status 1."""
        done = gateway("headers", *BASE, given="Location: /x\nnonsense\n: y\n")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(len(done.stderr.splitlines()), 2)
