"""Expressions of JavaScript's tokens, one by one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite import jstokens


class TokenTests(SynchronousTestCase):
    """``TOKEN`` takes one token with the gap before it."""

    def test_kinds(self) -> None:
        """Number, word, string, private name, sign."""
        for text, kind, token in (
            ("1.5e+3n", 1, "1.5e+3n"), ("0x1e+1", 1, "0x1e"), (".5.a", 1, ".5"), ("1..a", 1, "1."), ("08.5", 1, "08.5"),
            ("a$_1-", 2, "a$_1"), ("é\u00a0a", 2, "é"), ("\\u0061\\u{62}c+", 2, "\\u0061\\u{62}c"),
            ("'a\\'b'c", 3, "'a\\'b'"), ('"a\\\r\nb"', 3, '"a\\\r\nb"'), ("#a.b", 4, "#a"), ("=> a", 5, "=>"),
            ("?.5", 5, "?"), ("?.a", 5, "?."), ("...a", 5, "..."), ("===", 5, "="), ("'a\nb'", 5, "'"), ("# a", 5, "#"),
        ):  # fmt: skip
            for gap in ("", " \n", "/* * / **/ // x\r\n", "\ufeff\u2028\u00a0"):
                found = jstokens.TOKEN.match((gap + text).encode())
                self.assertIsNotNone(found)
                self.assertEqual((found.lastindex, found.group(kind).decode()), (kind, token), text)

    def test_patterns(self) -> None:
        """A regular expression ends at a slash outside a class, on its line."""
        for text, whole in {
            "/a/g.b": "/a/g", "/[/]/": "/[/]/", "/\\//u": "/\\//u", "/[\\]/]/ /": "/[\\]/]/",
            "/a\n/": None, "/[a/": None, "/a": None,
        }.items():  # fmt: skip
            found = jstokens.PATTERN.match(text.encode())
            self.assertEqual(found and found.group().decode(), whole, text)
