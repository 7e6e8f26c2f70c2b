"""The pattern language of allow-lists.

The published cases of cordova-plugin-whitelist are in tests/vectors; where a reading here
differs on purpose is told in the docstring of ``policy.patterns`` and in ``OURS``.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import parse
from gateway.policy.patterns import Pattern, Target, parse_pattern

VECTORS = Path(__file__).parent.parent / "vectors" / "cordova-patterns.json"

# (pattern, URLs that it opens, URLs that it does not): each list is split at spaces.
OURS = (
    (
        "https://a.b:443",
        "https://a.b/ https://a.b:443/ wss://a.b/",
        "https://a.b:444/ http://a.b:443/",
    ),
    ("http://a.b:80", "http://a.b/ ws://a.b/", "http://a.b:81/"),
    ("http://a.b:*", "http://a.b/ http://a.b:81/", "https://a.b/"),
    ("a.b", "http://a.b/ https://a.b/x ws://a.b/ wss://a.b:9999/", "ftp://a.b/ https://c.a.b/"),
    ("https://a.b", "https://a.b/ wss://a.b/", "http://a.b/ ws://a.b/"),
    ("http://a.b", "http://a.b/ ws://a.b/", "https://a.b/ wss://a.b/"),
    ("wss://a.b", "wss://a.b/", "ws://a.b/ https://a.b/ http://a.b/"),
    ("ws://a.b", "ws://a.b/", "wss://a.b/ https://a.b/ http://a.b/"),
    ("https:a.b", "https://a.b/", "http://a.b/"),
    ("https://a.b/", "https://a.b/", "https://a.b/x"),
    ("https://a.b/x", "https://a.b/x", "https://a.b/x/ https://a.b/xy https://a.b/"),
    ("https://a.b/*.js", "https://a.b/.js https://a.b/x/y.js", "https://a.b/x.jsx https://a.b/xjs"),
    ("https://a.b/x*y*z", "https://a.b/xyz https://a.b/x/yy/zz", "https://a.b/xzy https://a.b/xy"),
    ("https://a.b/x**y", "https://a.b/xy https://a.b/x.y", "https://a.b/x"),
    ("https://a.b/a.c", "https://a.b/a.c", "https://a.b/abc"),
    ("https://a.b/*", "https://a.b/ https://a.b/x", "https://b.b/"),
    ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443/", "https://[2001:db8::1]/"),
    ("https://127.0.0.1", "https://127.0.0.1/ https://0x7f.1/", "https://127.0.0.2/"),
    ("*.1", "", "http://127.0.0.1.example/"),
    ("*", "https://a/ ws://a/ wss://a/", "ftp://a/ file:///a data:,a"),
    (
        "http://*.a.b",
        "http://a.b:81/ http://x.y.a.b/",
        "http://xa.b/ http://b/ http://c/http://a.b",
    ),
    ("http://*/x*", "http://a.b:81/x", "http://a.b/y/x https://a.b/x"),
    ("*://*.a.b/x/*", "https://a.b/x/y wss://a.b/x/", "http://a.b/x"),
    ("http://a.b:81/*", "", "http://a.b:811/ https://a.b:81/"),
    (
        "https://*.BÜCHER.example/é*",
        "https://bücher.example/é https://x.xn--bcher-kva.example/%C3%A9x",
        "https://xn--bcher-kva.example/e https://bucher.example/é",
    ),
    ("https://a.b/x%20y", "https://a.b/x%20y", "https://a.b/x%2520y"),
    ("https://a.b/{x}|^'", "https://a.b/{x}|^' https://a.b/%7Bx%7D|%5E'", "https://a.b/x"),
)


def _opens(pattern: Pattern, url: str) -> bool:
    found = parse(url)
    if found is None:
        return False
    origin, parsed = found
    return pattern.matches(Target(parsed.protocol[:-1], origin.host, origin.port, parsed.pathname))


_KEYS = ("opens", "closed", "elsewhere")


class MatchTests(SynchronousTestCase):
    """What a pattern opens."""

    def _check(self, table: tuple[tuple[str, str, str], ...]) -> None:
        for text, opened, closed in table:
            pattern = parse_pattern(text)
            for url in opened.split():
                self.assertTrue(_opens(pattern, url), f"{text} must open {url}")
            for url in closed.split():
                self.assertFalse(_opens(pattern, url), f"{text} must not open {url}")

    def test_published_cases(self) -> None:
        """The plugin's own cases; other schemes than the web's are not fetched here."""
        cases = json.loads(VECTORS.read_text("utf-8"))["cases"]
        self.assertEqual(sum(len(case[key]) for case in cases for key in _KEYS), 71)
        for case in cases:
            patterns = [parse_pattern(text) for text in case["patterns"] if "file:" not in text]
            for key in _KEYS:
                for url in case[key]:
                    found = any(_opens(pattern, url) for pattern in patterns)
                    self.assertEqual(found, key == "opens", (case["patterns"], url))

    def test_our_readings(self) -> None:
        """Default ports, WebSockets and paths."""
        self._check(OURS)

    def test_a_host_with_a_port_and_no_scheme(self) -> None:
        """What stands before a port is a host, not a scheme."""
        table = (
            ("a.b:81", "http://a.b:81/ https://a.b:81/", "http://a.b/ http://81/"),
            ("localhost:81", "http://localhost:81/ https://localhost:81/", "http://81/"),
            ("*:81", "http://a.b:81/ https://c:81/", "http://81/ https://a.b/"),
            ("a.b:*", "http://a.b/ https://a.b:81/", "http://c/"),
        )
        wrong = [
            (text, url)
            for text, opened, closed in table
            for expected, urls in ((True, opened), (False, closed))
            for url in urls.split()
            if _opens(parse_pattern(text), url) is not expected
        ]
        self.assertEqual(wrong, [])
        self.assertRaises(ValueError, parse_pattern, "a.b:1:2")

    def test_spelt_as_urls(self) -> None:
        """Whatever stands in a path opens itself."""
        for char in map(chr, range(0x20, 0x180)):
            if char in "?#\\":
                self.assertRaises(ValueError, parse_pattern, f"https://a.b/x{char}y")
            elif char != "*":
                self.assertTrue(
                    _opens(parse_pattern(f"https://a.b/x{char}y"), f"https://a.b/x{char}y")
                )
        self.assertRaises(ValueError, parse_pattern, "https://é\u00ad\u200d.\ud800/")

    def test_as_dangerous_as_everything(self) -> None:
        """Rules that open every site, however they say it."""
        for text in ("*", "*://*", "https://*", "*:443", "http://*:80/*", "*:*"):
            self.assertTrue(parse_pattern(text).opens_everything, text)
        for text in ("*:8443", "*.a", "https://*/x", "https://*:444"):
            self.assertFalse(parse_pattern(text).opens_everything, text)

    def test_web_schemes_only(self) -> None:
        """No wildcard reaches beyond http, https and their WebSockets."""
        for text in ("*", "*://*", "*://*/*", "*://a.b", "a.b", "*.b"):
            for scheme in ("ftp", "file", "data", "javascript", "foo", ""):
                opened = parse_pattern(text).matches(Target(scheme, "a.b", 443, "/"))
                self.assertFalse(opened, f"{text} must not open {scheme}")

    def test_subdomains(self) -> None:
        """The attribute widens a host as ``*.`` does, once, and leaves ``*`` as it is."""
        for text in ("https://a.b", "https://*.a.b"):
            pattern = parse_pattern(text, subdomains=True)
            for url in ("https://a.b/", "https://x.a.b/", "https://x.y.a.b/"):
                self.assertTrue(_opens(pattern, url), f"{text} {url}")
            for url in ("https://xa.b/", "https://b/", "https://a.b.c/", "http://x.a.b/"):
                self.assertFalse(_opens(pattern, url), f"{text} {url}")
        self.assertTrue(_opens(parse_pattern("https://*", subdomains=True), "https://a/"))

    def test_origin_without_path(self) -> None:
        """``matches_origin`` ignores the path and nothing else."""
        pattern = parse_pattern("https://a.b:8443/x*")
        self.assertTrue(pattern.matches_origin(Target("https", "a.b", 8443, "/y")))
        for target in (
            Target("http", "a.b", 8443, "/x"),
            Target("https", "a.c", 8443, "/x"),
            Target("https", "a.b", 443, "/x"),
        ):
            self.assertFalse(pattern.matches_origin(target), target)

    def test_line_breaks_in_paths(self) -> None:
        """A ``*`` stands for line breaks too, and the end is the very end."""
        pattern = parse_pattern("https://a.b/x*y")
        self.assertTrue(pattern.matches(Target("https", "a.b", 443, "/x\ny")))
        self.assertFalse(pattern.matches(Target("https", "a.b", 443, "/xy\n")))

    def test_long_paths(self) -> None:
        """Matching time does not explode with the length of a path that a client chose."""
        pattern = parse_pattern("https://a.b/*a*a*a*a*a*b")
        start = time.perf_counter()
        self.assertFalse(pattern.matches(Target("https", "a.b", 443, "/" + "a" * 100)))
        self.assertLess(time.perf_counter() - start, 0.3)


class ParseTests(SynchronousTestCase):
    """What is a pattern."""

    def test_not_patterns(self) -> None:
        """Everything outside the language is refused with the text that is wrong."""
        texts = "** http:// /x //a.b http:///x a*b *a.b a.*.b *. http://*. *.*.a http://a.b:99999"
        for text in ["", *texts.split(), "http://a.b:", "http://a.b:x", "http://[::1"]:
            with self.assertRaises(ValueError) as caught:
                parse_pattern(text)
            self.assertIn(repr(text), str(caught.exception))

    def test_dangerous_patterns(self) -> None:
        """``opens_everything`` marks what is as wide as ``*``."""
        for text in ("*", "*://*", "*://*/*", "http://*", "https://*:*/*"):
            self.assertTrue(parse_pattern(text).opens_everything, text)
        for text in ("https://*:8443", "https://*/x", "*.b", "a.b", "*://a.b", "*://*.b/*"):
            self.assertFalse(parse_pattern(text).opens_everything, text)

    def test_text_is_kept(self) -> None:
        """Explanations show what the configuration says."""
        self.assertEqual(parse_pattern("HTTPS://*.A.b").text, "HTTPS://*.A.b")

    @settings(deadline=None)
    @given(st.text("ab.*:/-[]0123456789http\u00e4 ?#@%", max_size=20))
    def test_only_value_errors(self, text: str) -> None:
        """Any text either parses or raises ``ValueError``."""
        try:
            pattern = parse_pattern(text)
        except ValueError:
            return
        self.assertIsInstance(pattern.matches(Target("https", "a.b", 443, "/a")), bool)

    @settings(deadline=None)
    @given(st.text("ab*.", max_size=8), st.text("ab.\n", max_size=10))
    def test_paths_agree_with_a_plain_matcher(self, glob: str, path: str) -> None:
        """Path wildcards mean what a naive recursive matcher says."""
        pattern = parse_pattern(f"https://a.b/{glob}")
        target = Target("https", "a.b", 443, f"/{path}")
        self.assertEqual(pattern.matches(target), _naive(glob, path), (glob, path))


def _naive(glob: str, text: str) -> bool:
    if not glob:
        return not text
    if glob[0] == "*":
        return any(_naive(glob[1:], text[start:]) for start in range(len(text) + 1))
    return text[:1] == glob[0] and _naive(glob[1:], text[1:])
