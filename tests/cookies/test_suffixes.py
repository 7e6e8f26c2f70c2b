"""Public suffixes and registrable domains."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.suffixes import Suffixes, is_address
from tests.cookies import SUFFIXES


class _Counted(PublicSuffixList):  # type: ignore[misc]
    """A list that counts how often it is asked."""

    asked = 0

    def privatesuffix(self, domain: str, *args: object, **options: object) -> str | None:
        self.asked += 1
        found = super().privatesuffix(domain, *args, **options)
        return None if found is None else str(found)


class SuffixTests(SynchronousTestCase):
    """Answers, and what is asked of the list."""

    def test_registrable(self) -> None:
        """One label more than the suffix; the host itself where there is no such thing."""
        for host, registrable in (
            ("example.com", "example.com"),
            ("a.b.example.com", "example.com"),
            ("a.example.co.uk", "example.co.uk"),
            ("co.uk", "co.uk"),
            ("a.user.github.io", "user.github.io"),
            ("github.io", "github.io"),
            ("a.www.ck", "www.ck"),
            ("a.b.foo.ck", "b.foo.ck"),
            ("city.kawasaki.jp", "city.kawasaki.jp"),
            ("a.b.c.kawasaki.jp", "b.c.kawasaki.jp"),
            ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
            ("a.unknown-suffix", "a.unknown-suffix"),
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "[::1]"),
        ):
            self.assertEqual(SUFFIXES.registrable(host), registrable, host)
            self.assertEqual(SUFFIXES.registrable(host), registrable, "asked again")

    def test_public(self) -> None:
        """Suffixes and single labels are public; addresses never are."""
        for domain in (
            "com",
            "co.uk",
            "github.io",
            "foo.ck",
            "localhost",
            "unknown-suffix",
            "com.",
        ):
            self.assertTrue(SUFFIXES.is_public(domain), domain)
        for domain in ("example.com", "a.co.uk", "x.github.io", "www.ck", "127.0.0.1", "[::1]"):
            self.assertFalse(SUFFIXES.is_public(domain), domain)

    def test_addresses(self) -> None:
        """IPv4 and bracketed IPv6 are addresses; names with digits are not."""
        for host in ("127.0.0.1", "8.8.8.8", "[::1]", "[2001:db8::1]"):
            self.assertTrue(is_address(host), host)
        for host in ("1e100.net", "a.1", "0x7f.example", "example.com", "127.0.0.1.example"):
            self.assertFalse(is_address(host), host)

    def test_memory_is_used_and_bounded(self) -> None:
        """A host is asked for once, unless thousands of others came in between."""
        counted = _Counted()
        suffixes = Suffixes(counted)
        for _ in range(3):
            suffixes.registrable("a.example.com")
        self.assertEqual(counted.asked, 1)
        for number in range(5000):
            suffixes.registrable(f"h{number}.example.com")
        asked = counted.asked
        suffixes.registrable("a.example.com")
        self.assertEqual(counted.asked, asked + 1)

    @settings(deadline=None)
    @given(st.text(st.characters(codec="ascii"), max_size=40))
    def test_any_domain_attribute(self, domain: str) -> None:
        """A hostile Domain attribute gets an answer, never an exception."""
        self.assertIsInstance(SUFFIXES.is_public(domain), bool)
