"""``config.xml`` of Cordova: both flavours, and what is not to be had here."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.cordova import LEGACY, read_cordova
from gateway.policy.imported import Imported, Unreadable

NAMESPACES = 'xmlns="http://www.w3.org/ns/widgets" xmlns:cdv="http://cordova.apache.org/ns/1.0"'


def _read(inside: str, flavour: str = "") -> Imported:
    return read_cordova(f"<widget {NAMESPACES}>{inside}</widget>".encode(), "c.xml", flavour)


def _rules(found: Imported) -> list[tuple[str, dict[str, Any]]]:
    return [(one.table, dict(one.values)) for one in found.entries]


class CurrentTests(SynchronousTestCase):
    """Elements, one by one: (XML, rules, a word of a note or nothing)."""

    def test_elements(self) -> None:
        """Each becomes what it means here; what it loses is told."""
        navigation, intent, access = "allow-navigation", "allow-intent", "access"
        table: tuple[tuple[str, list[tuple[str, dict[str, Any]]], str], ...] = (
            ('<allow-navigation href="https://*.a.b/x/*"/>',
             [(navigation, {"href": "https://*.a.b/x/*"})], ""),
            ('<allow-navigation href="*"/>', [(navigation, {"href": "*"})], "data: URLs"),
            ('<allow-navigation href="http://a.b"/>', [(navigation, {"href": "http://a.b"})],
             "allow-insecure-http"),
            ('<allow-navigation href="data:*"/>', [], "left out"),
            ("<allow-navigation/>", [], "no href"),
            ('<allow-intent href="tel:*"/>', [(intent, {"href": "tel:*"})], ""),
            ('<allow-intent href="*"/>', [(intent, {"href": "*"})], ""),
            ('<allow-intent href="file:///*"/>', [], "file: is never an intent"),
            ('<allow-navigation href="https://s.t"/><access origin="https://a.b"/>',
             [(navigation, {"href": "https://s.t"}), (access, {"origin": "https://a.b"})],
             "to every page"),
            ('<allow-intent href="tel:*"/><access origin="a.b" subdomains="true"/>',
             [(intent, {"href": "tel:*"}), (access, {"origin": "a.b", "subdomains": True})],
             "opens plain http only"),
            ('<allow-intent href="tel:*"/><access origin="*" subdomains="TRUE"/>',
             [(intent, {"href": "tel:*"}), (access, {"origin": "*"})], ""),
            ('<allow-intent href="tel:*"/><access origin="http://a.b"/>',
             [(intent, {"href": "tel:*"}),
              (access, {"origin": "http://a.b", "allow-insecure-http": True})],
             "names plain http"),
            (('<allow-intent href="tel:*"/><access origin="https://a.b" '
             'minimum-tls-version="TLSv1.1" requires-forward-secrecy="false"/>'),
             [(intent, {"href": "tel:*"}),
              (access, {"origin": "https://a.b", "minimum-tls": "1.1", "forward-secrecy": False})],
             ""),
            (('<allow-intent href="tel:*"/><access origin="https://a.b" '
             'minimum-tls-version="SSLv3" requires-forward-secrecy="maybe" subdomains="1"/>'),
             [(intent, {"href": "tel:*"}), (access, {"origin": "https://a.b"})],
             "no such version"),
            (('<allow-intent href="tel:*"/><access origin="https://a.b" '
             'requires-certificate-transparency="true" allows-local-networking="true"/>'),
             [(intent, {"href": "tel:*"}), (access, {"origin": "https://a.b"})],
             "requires-certificate-transparency has no equivalent"),
            ('<allow-intent href="tel:*"/><access origin="https://a.b" launch-external="yes"/>',
             [(intent, {"href": "tel:*"}), (intent, {"href": "https://a.b"})], ""),
            (('<access launch-external="no" subdomains="true" origin="https://a.b"/>'
             '<allow-intent href="sms:*"/>'),
             [(intent, {"href": "https://*.a.b"}), (intent, {"href": "sms:*"})],
             "whatever its value is"),
            ('<allow-intent href="tel:*"/><access uri="https://a.b"/>',
             [(intent, {"href": "tel:*"})], "no origin"),
            ('<content src="index.html"/>', [], "nothing is opened"),
            ('<content src="https://s.t/app"/>', [(navigation, {"href": "https://s.t/app"})], ""),
            ('<x:access xmlns:x="urn:other" origin="https://a.b"/>', [], "nothing is opened"),
            ('<cdv:allow-intent href="tel:*"/>', [(intent, {"href": "tel:*"})], ""),
        )  # fmt: skip
        for inside, rules, word in table:
            found = _read(inside)
            self.assertEqual(_rules(found), rules, inside)
            self.assertTrue(any(word in note for note in found.notes) or not word, found.notes)
            self.assertIn("current", found.title)

    def test_platforms(self) -> None:
        """Rules of platforms are all taken, once, and say whose they were."""
        found = _read(
            '<platform name="android"><allow-intent href="market:*"/></platform>'
            '<platform name="ios"><allow-intent href="itms:*"/><allow-intent href="market:*"/>'
            '</platform><allow-intent href="tel:*"/>'
        )
        self.assertEqual(
            [one.about for one in found.entries],
            [
                '<allow-intent href="market:*"> for android',
                '<allow-intent href="itms:*"> for ios',
                '<allow-intent href="tel:*">',
            ],
        )


class LegacyTests(SynchronousTestCase):
    """Where there is nothing but ``access``."""

    def test_access_is_navigation_too(self) -> None:
        """Each opens requests and navigation, its subdomains with it; others leave."""
        found = _read(
            '<content src="index.html"/><access origin="https://a.b" subdomains="true"/>'
            '<access origin="*.c.d"/><access origin="https://e.f" launch-external="true"/>'
        )
        self.assertEqual(
            _rules(found),
            [
                ("access", {"origin": "https://a.b", "subdomains": True}),
                ("allow-navigation", {"href": "https://*.a.b"}),
                ("access", {"origin": "*.c.d"}),
                ("allow-navigation", {"href": "*.c.d"}),
                ("allow-intent", {"href": "https://e.f"}),
            ],
        )
        self.assertIn("legacy", found.title)
        self.assertIn("legacy flavour: each access opens navigation too", found.notes)

    def test_said(self) -> None:
        """The flavour can be said where it would be guessed wrong."""
        one = '<access origin="https://a.b"/>'
        self.assertEqual(len(_rules(_read(one, "current"))), 1)
        self.assertEqual(len(_rules(_read(one))), 2)
        two = '<allow-intent href="tel:*"/>' + one
        self.assertEqual(len(_rules(_read(two))), 2)
        self.assertEqual(len(_rules(_read(two, LEGACY))), 3)


class SourceTests(SynchronousTestCase):
    """Files that are none, and files that are attacks."""

    def test_unreadable(self) -> None:
        """Each says what is wrong."""
        bomb = (
            b'<!DOCTYPE widget [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
            b'<widget><access origin="&b;"/></widget>'
        )
        outside = (
            b'<!DOCTYPE widget [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            b'<widget><access origin="&x;"/></widget>'
        )
        for source, word in (
            (b"", "not XML"),
            (b"\x00\xff", "not XML"),
            (b"<widget>", "not XML"),
            (b"<widget><access></widget>", "not XML"),
            (b"<plist/>", "no config.xml: its root is 'plist'"),
            (b'<access origin="*"/>', "no config.xml"),
            (b'<?xml version="1.0" encoding="nonsense"?><widget/>', "not XML"),
            (b"<widget>&x;</widget>", "not XML"),
            (bomb, "document type"),
            (outside, "document type"),
            (b"<!DOCTYPE widget><widget/>", "document type"),
            (b"<widget>" + b" " * 2**20, "larger"),
        ):
            with self.assertRaises(Unreadable) as caught:
                read_cordova(source, "c.xml")
            self.assertIn(word, str(caught.exception), source[:60])

    def test_encodings(self) -> None:
        """A file in UTF-16 or with a byte order mark is read as XML says."""
        text = '<widget><allow-intent href="tel:*"/></widget>'
        for source in (text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()):
            self.assertEqual(len(read_cordova(source, "c.xml").entries), 1)

    def test_deep(self) -> None:
        """Depth costs nothing."""
        deep = b"<a>" * 100_000 + b"</a>" * 100_000
        self.assertEqual(read_cordova(b"<widget>" + deep + b"</widget>", "c").entries, [])

    @settings(deadline=None, max_examples=200)
    @given(
        st.binary(max_size=60)
        | st.text(max_size=40).map(
            lambda text: f"<widget><access origin='{text}'/></widget>".encode("utf-8", "replace")
        )
    )
    def test_anything(self, source: bytes) -> None:
        """Any octets are read or said to be unreadable."""
        try:
            found = read_cordova(source, "c.xml")
        except Unreadable as error:
            self.assertTrue(str(error))
        else:
            self.assertTrue(found.toml())
