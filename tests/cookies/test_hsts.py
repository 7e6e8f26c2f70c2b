"""Strict Transport Security (RFC 6797): what a field says, what is kept, what is upgraded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.hsts import MAX_AGE, Hsts, Policy, parse_field, receive, upgrades
from gateway.cookies.jar import HSTS_SECONDS, MAX_HSTS, Received, open_jar
from tests.cookies import KEYS, NOW, SUFFIXES, Bucket, at

A, PLAIN = "https://a.example.com/", "http://a.example.com/"


class FieldTests(SynchronousTestCase):
    """Section 6.1."""

    def test_fields(self) -> None:
        """Good ones, with and without subdomains, and those that are to be ignored."""
        year = 31_536_000
        for text, expected in (
            ("max-age=31536000", Policy(year, subdomains=False)),
            ("max-age=31536000; includeSubDomains", Policy(year, subdomains=True)),
            ('includesubdomains;MAX-AGE="31536000" ; preload', Policy(year, subdomains=True)),
            (" ; max-age = 0 ;; ", Policy(0, subdomains=False)),
            ("max-age=99999999999999999999", Policy(MAX_AGE, subdomains=False)),
            ('max-age=5; unknown="a\\"b;c"', Policy(5, subdomains=False)),
            ("max-age", None),
            ("", None),
            ("max-age=", None),
            ("max-age=-1", None),
            ("max-age=1.5", None),
            ("max-age=1; max-age=2", None),
            ("max-age=1; includeSubDomains; includesubdomains", None),
            ("max-age=1; includeSubDomains=yes", None),
            ("includeSubDomains", None),
            ("max-age=1, max-age=2", None),
            ('max-age="1', None),
            ("max-age=\u0661", None),
        ):
            self.assertEqual(parse_field(text), expected, text)

    @given(st.text(max_size=60))
    def test_any_text(self, text: str) -> None:
        """No field raises."""
        parse_field(text)
        parse_field("max-age=1;" + text)


class KeepTests(SynchronousTestCase):
    """Sections 8.1 to 8.3."""

    def test_received(self) -> None:
        """Only over a secure transport, and never of an address."""
        field = "max-age=100; includeSubDomains"
        self.assertEqual(
            receive(field, at(A)[0], NOW), Hsts("a.example.com", NOW + 100, subdomains=True)
        )
        for url in (PLAIN, "https://127.0.0.1/", "https://[::1]/"):
            self.assertIsNone(receive(field, at(url)[0], NOW), url)

    def test_upgrades(self) -> None:
        """The host itself; those below it where it says so; not when its time is over."""
        known = [
            Hsts("a.example.com", NOW + 10, subdomains=True),
            Hsts("b.example.com", NOW + 10),
            Hsts("c.example.com", NOW, subdomains=True),
        ]
        for url, expected in (
            (PLAIN, True),
            ("http://a.example.com:8080/", True),
            ("http://x.y.a.example.com/", True),
            ("http://xa.example.com/", False),
            ("http://example.com/", False),
            ("http://b.example.com/", True),
            ("http://x.b.example.com/", False),
            ("http://c.example.com/", False),
            (A, False),
        ):
            self.assertEqual(upgrades(known, at(url)[0], NOW), expected, url)


class JarTests(SynchronousTestCase):
    """Sealed rows of their own kind, beside the cookies."""

    def setUp(self) -> None:
        """Have a bucket with a cookie."""
        self.bucket = Bucket()
        self.bucket.receive(A, b"a=1")

    def _hear(self, field: str, now: int = NOW, url: str = A) -> int:
        response = Received(hsts=field)
        change, _ = self.bucket.open().receive(
            response, *at(url), now, SUFFIXES, lambda size: bytes(size)
        )
        self.bucket.rows.update({row.index: row for row in change.puts})
        for index in change.deletes:
            del self.bucket.rows[index]
        return len(change.puts) + len(change.deletes)

    def test_kept(self) -> None:
        """A row is made, opens as what it is, and the cookies stay."""
        self.assertEqual(self._hear("max-age=1000000; includeSubDomains"), 1)
        jar = self.bucket.open()
        self.assertEqual(jar.hsts, (Hsts("a.example.com", NOW + 1_000_000, subdomains=True),))
        self.assertEqual((len(jar.cookies), jar.damaged), (1, 0))
        self.assertTrue(jar.upgrades(at("http://x.a.example.com/")[0], NOW))
        self.assertEqual(self.bucket.header(A), b"a=1")

    def test_said_with_every_response(self) -> None:
        """It is written again when it moved by a day, or changed its meaning."""
        self._hear("max-age=1000000")
        self.assertEqual(self._hear("max-age=1000000", NOW + HSTS_SECONDS - 1), 0)
        self.assertEqual(self._hear("max-age=1000000", NOW + HSTS_SECONDS), 1)
        self.assertEqual(self._hear("max-age=1000000; includeSubDomains", NOW + HSTS_SECONDS), 1)
        self.assertEqual(self._hear("max-age=1000", NOW + HSTS_SECONDS), 1, "shorter, at once")

    def test_forgotten(self) -> None:
        """``max-age=0`` takes the row away; so does its time."""
        self._hear("max-age=1000")
        self.assertEqual(self._hear("max-age=0"), 1)
        self.assertEqual(self.bucket.open().hsts, ())
        self._hear("max-age=1000")
        self.bucket.receive(A, b"b=2", now=NOW + 1000)
        self.assertEqual(self.bucket.open().hsts, ())
        self.assertEqual(self._hear("max-age=0"), 0)

    def test_bounded(self) -> None:
        """A site with ever new hosts fills no more than its bound; those that last stay."""
        for number in range(MAX_HSTS + 5):
            self._hear(f"max-age={1000 + number}", url=f"https://h{number}.example.com/")
        hosts = {one.host for one in self.bucket.open().hsts}
        self.assertEqual(hosts, {f"h{n}.example.com" for n in range(5, MAX_HSTS + 5)})
        self.assertEqual(len(self.bucket.rows), MAX_HSTS + 1)

    def test_another_kind_does_not_open(self) -> None:
        """A row of HSTS in a cookie's place is damaged, not a cookie."""
        self._hear("max-age=1000")
        rows = list(self.bucket.rows.values())
        swapped = [
            type(one)(one.index, one.expires_day, other.sealed)
            for one, other in zip(rows, reversed(rows), strict=True)
        ]
        jar = open_jar(KEYS, "example.com", swapped)
        self.assertEqual((jar.cookies, jar.hsts, jar.damaged), ((), (), 2))
