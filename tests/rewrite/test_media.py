"""Which responses are documents, and which requests ask for one."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.media import (
    DOCUMENT_TYPES,
    is_ascii_compatible,
    media_type,
    wants_document,
)


class MediaTests(SynchronousTestCase):
    """Content types and destinations."""

    def test_media_type(self) -> None:
        """The essence in lower case, whatever the parameters."""
        table = {
            "text/html": "text/html",
            "Text/HTML; Charset=UTF-8": "text/html",
            " text/html ;x": "text/html",
            "text/html,application/json": "text/html,application/json",
            "": "",
            None: "",
        }
        for given, wanted in table.items():
            self.assertEqual(media_type(given), wanted, given)

    def test_document_types(self) -> None:
        """HTML and XHTML, and nothing that only looks like it."""
        self.assertEqual(DOCUMENT_TYPES, {"text/html", "application/xhtml+xml"})

    def test_is_ascii_compatible(self) -> None:
        """Encodings in which markup cannot be read as octets are known by their names."""
        for charset in ("utf-16", "UTF-16LE", '"utf-16be"', " utf-16", "iso-2022-jp", "utf-32"):
            self.assertFalse(is_ascii_compatible(f"text/html; charset={charset}"), charset)
            self.assertFalse(is_ascii_compatible(f"text/html;Charset={charset}; x=y"), charset)
        for charset in (
            "utf-8",
            "UTF-8",
            "iso-8859-1",
            "shift_jis",
            "windows-1252",
            "gbk",
            "",
            "x",
        ):
            self.assertTrue(is_ascii_compatible(f"text/html; charset={charset}"), charset)
        for plain in (None, "", "text/html", "text/html; x=utf-16"):
            self.assertTrue(is_ascii_compatible(plain), plain)

    def test_wants_document(self) -> None:
        """Sec-Fetch-Dest decides, then the mode, then an Accept that names HTML."""
        html = "text/html,*/*"
        table = [
            ("document", "navigate", html, True),
            ("iframe", "navigate", html, True),
            ("frame", None, None, True),
            ("embed", None, None, True),
            ("object", None, None, True),
            ("empty", "cors", html, False),
            ("script", "no-cors", None, False),
            ("image", "navigate", html, False),
            ("", "navigate", html, False),
            (None, "navigate", None, True),
            (None, "cors", html, False),
            (None, None, html, True),
            (None, None, "*/*", False),
            (None, None, None, False),
        ]
        for destination, mode, accept, wanted in table:
            found = wants_document(destination, mode, accept)
            self.assertEqual(found, wanted, (destination, mode, accept))
