"""What requests ask for, and what responses are read as."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.media import (
    PLAYLISTS,
    Asked,
    Kind,
    asked_for,
    content_type_of,
    is_read_by_use,
    kind_of,
    media_type,
    wants_document,
)

HTML_FIRST = "text/html,application/xhtml+xml,*/*;q=0.8"


class ContentTypeTests(SynchronousTestCase):
    """The type of an answer that names several."""

    def test_table(self) -> None:
        """As browsers do it: the last that can be read, with the charset of its like before it."""
        for given, wanted in (
            ((), None),
            ((b"text/html",), "text/html"),
            ((b"nonsense",), "nonsense"),
            ((b"text/plain", b"text/html"), "text/html"),
            ((b"text/html", b"text/plain"), "text/plain"),
            ((b"text/plain, text/javascript",), "text/javascript"),
            ((b"text/html, nonsense", b"*/*", b""), "text/html"),
            ((b",,",), None),
            ((b'a/b;c="x,d/e\\",y", f/g',), "f/g"),
            ((b'a/b;c="x, d/e',), 'a/b;c="x, d/e'),
            ((b'a/b;c="x\\\\",text/html',), "text/html"),
            ((b'a/b;c="x\\\\\\",d/e",f/g',), "f/g"),
            ((b'a/b;c="x,d/e\\',), 'a/b;c="x,d/e\\'),
            ((b"text/html;charset=gbk, text/html",), "text/html;charset=gbk"),
            ((b"text/html;charset=gbk, TEXT/html;x=y, */*",), "TEXT/html;x=y;charset=gbk"),
            ((b"text/html;charset=gbk, text/plain, text/html",), "text/html"),
            ((b"text/html;charset=gbk", b"text/html;charset=big5"), "text/html;charset=big5"),
        ):
            found = content_type_of(given)
            self.assertEqual(None if found is None else found.strip(), wanted, given)


class AskedTests(SynchronousTestCase):
    """What a request is made for."""

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

    def test_asked_for(self) -> None:
        """By the destination; where the browser does not send it, by its Accept."""
        table: list[tuple[str | None, str | None, str | None, Asked]] = [
            ("document", "navigate", HTML_FIRST, Asked.DOCUMENT),
            ("iframe", "navigate", HTML_FIRST, Asked.DOCUMENT),
            ("frame", "navigate", None, Asked.DOCUMENT),
            ("embed", "no-cors", "*/*", Asked.DOCUMENT),
            ("object", "no-cors", "*/*", Asked.DOCUMENT),
            ("style", "no-cors", "text/css,*/*;q=0.1", Asked.STYLE),
            ("style", "cors", None, Asked.STYLE),
            ("manifest", "cors", "*/*", Asked.MANIFEST),
            ("worker", "same-origin", "*/*", Asked.WORKER),
            ("sharedworker", "same-origin", "*/*", Asked.WORKER),
            ("serviceworker", "same-origin", "*/*", Asked.WORKER),
            ("empty", "cors", "text/css", Asked.OTHER),
            ("empty", "cors", HTML_FIRST, Asked.OTHER),
            ("script", "cors", "text/css", Asked.SCRIPT),
            ("image", "no-cors", None, Asked.OTHER),
            ("font", "cors", None, Asked.OTHER),
            ("paintworklet", "cors", None, Asked.OTHER),
            ("xslt", "same-origin", None, Asked.XSLT),
            ("script", "no-cors", None, Asked.SCRIPT),
            ("audioworklet", "cors", None, Asked.OTHER),
            ("json", "cors", None, Asked.OTHER),
            ("video", "no-cors", "*/*", Asked.MEDIA),
            ("audio", "cors", "*/*", Asked.MEDIA),
            ("track", "cors", "*/*", Asked.OTHER),
            ("report", "no-cors", None, Asked.OTHER),
            ("", "cors", "text/css", Asked.OTHER),
            (None, "navigate", None, Asked.DOCUMENT),
            (None, None, HTML_FIRST, Asked.DOCUMENT),
            (None, None, "text/css,*/*;q=0.1", Asked.STYLE),
            (None, None, " text/css", Asked.STYLE),
            (None, None, "*/*", Asked.MEDIA),
            (None, "cors", "*/*", Asked.OTHER),
            (None, None, "application/json, text/css", Asked.MEDIA),
            (None, None, None, Asked.MEDIA),
        ]
        for destination, mode, accept, wanted in table:
            found = asked_for(destination, mode, accept)
            self.assertIs(found, wanted, (destination, mode, accept))


class KindTests(SynchronousTestCase):
    """What a body is read as."""

    def test_documents(self) -> None:
        """HTML, XHTML and SVG; nothing that a browser would show as something else."""
        table = {
            "text/html": Kind.HTML,
            "Text/HTML; charset=x": Kind.HTML,
            "application/xhtml+xml": Kind.XML,
            "image/svg+xml; charset=utf-8": Kind.XML,
            "text/plain": Kind.UNTOUCHED,
            "application/json": Kind.UNTOUCHED,
            "text/css": Kind.UNTOUCHED,
            "text/xml": Kind.PLAIN_XML,
            "application/any+xml": Kind.PLAIN_XML,
            "application/rss+xml": Kind.UNTOUCHED,
            "application/atom+xml": Kind.UNTOUCHED,
            "application/dash+xml": Kind.DASH,
            "Audio/MpegURL": Kind.HLS,
            "text/html,text/html": Kind.UNTOUCHED,
            "": Kind.UNTOUCHED,
            None: Kind.UNTOUCHED,
        }
        for content_type, wanted in table.items():
            for nosniff in (False, True):
                found = kind_of(Asked.DOCUMENT, content_type, nosniff=nosniff)
                self.assertIs(found, wanted, content_type)

    def test_sheets(self) -> None:
        """CSS by its type, or by a type that says nothing, unless that is to be believed."""
        for content_type in ("text/css", "TEXT/CSS; charset=utf-8"):
            for nosniff in (False, True):
                self.assertIs(kind_of(Asked.STYLE, content_type, nosniff=nosniff), Kind.CSS)
        for unknown in (None, "", "text/plain", "application/octet-stream", "unknown/unknown"):
            self.assertIs(kind_of(Asked.STYLE, unknown, nosniff=False), Kind.CSS, unknown)
            self.assertIs(kind_of(Asked.STYLE, unknown, nosniff=True), Kind.UNTOUCHED, unknown)

    def test_workers_and_manifests(self) -> None:
        """Both have any type: Chromium runs nearly all of them as a worker."""
        for content_type in (
            "text/javascript", "application/javascript", "application/x-javascript",
            "text/ecmascript", "application/ecmascript; charset=utf-8", "text/javascript1.5",
            "text/jscript", "text/livescript", "text/html", "application/json", "text/plain",
            "application/xml", "image/svg+xml", "text/css", "nonsense", "", None,
        ):  # fmt: skip
            for nosniff in (False, True):
                found = kind_of(Asked.WORKER, content_type, nosniff=nosniff)
                self.assertIs(found, Kind.WORKER, content_type)
        for content_type in ("application/manifest+json", "application/json", "text/plain", None):
            found = kind_of(Asked.MANIFEST, content_type, nosniff=True)
            self.assertIs(found, Kind.MANIFEST, content_type)

    def test_playlists(self) -> None:
        """By their types; by the end of their address where the type says nothing and may be doubted."""
        for content_type, wanted in PLAYLISTS.items():
            for nosniff in (False, True):
                self.assertIs(kind_of(Asked.MEDIA, content_type, nosniff=nosniff), wanted)
                self.assertIs(kind_of(Asked.OTHER, content_type, nosniff=nosniff), Kind.UNTOUCHED)
        table = [
            ("text/plain", "/a.m3u8", False, Kind.HLS),
            (None, "/a.M3U", False, Kind.HLS),
            ("application/octet-stream", "/a.b/c.mpd", False, Kind.DASH),
            ("text/plain", "/a.m3u8", True, Kind.UNTOUCHED),
            ("text/plain", "/a.mp4", False, Kind.UNTOUCHED),
            ("text/plain", "/a.m3u8/x", False, Kind.UNTOUCHED),
            ("video/mp4", "/a.m3u8", False, Kind.UNTOUCHED),
            ("text/html", "/a.m3u8", False, Kind.UNTOUCHED),
            ("text/plain", "", False, Kind.UNTOUCHED),
        ]
        for given, path, nosniff, wanted in table:
            found = kind_of(Asked.MEDIA, given, nosniff=nosniff, path=path)
            self.assertIs(found, wanted, (given, path, nosniff))

    def test_scripts(self) -> None:
        """What browsers run as one, but for JSON, which is none."""
        for given in (
            "text/javascript",
            "application/x-javascript; charset=utf-8",
            "text/ecmascript",
        ):
            self.assertIs(kind_of(Asked.SCRIPT, given, nosniff=True), Kind.SCRIPT, given)
        for given in ("text/plain", "", None, "text/html"):
            self.assertIs(kind_of(Asked.SCRIPT, given, nosniff=False), Kind.SCRIPT, given)
            self.assertIs(kind_of(Asked.SCRIPT, given, nosniff=True), Kind.UNTOUCHED, given)
        for given in ("application/json", "image/png", "text/css", "application/wasm", "video/mp4"):
            self.assertIs(kind_of(Asked.SCRIPT, given, nosniff=False), Kind.UNTOUCHED, given)

    def test_xslt(self) -> None:
        """A sheet is XML, or of a type that says nothing and may be doubted."""
        for given in ("text/xsl", "application/xslt+xml", "text/xml; charset=x", "application/xml"):
            self.assertIs(kind_of(Asked.XSLT, given, nosniff=True), Kind.XSLT, given)
        self.assertIs(kind_of(Asked.XSLT, "text/plain", nosniff=False), Kind.XSLT)
        for given in ("text/plain", "text/html"):
            self.assertIs(kind_of(Asked.XSLT, given, nosniff=True), Kind.UNTOUCHED, given)

    def test_read_by_use(self) -> None:
        """Whatever is edited for one use and not for another; media of one use alone are not."""
        for given in (
            *PLAYLISTS,
            "text/html",
            "text/css",
            "text/xml",
            "a/b+xml",
            "text/plain",
            None,
            "text/javascript",
            "a/b+json",
            "text/jscript",
            "text/javascript1.5",
            "application/foo",
        ):
            self.assertTrue(is_read_by_use(given), given)
        for given in ("image/png", "video/mp4", "audio/mpeg", "font/woff2"):
            self.assertFalse(is_read_by_use(given), given)

    def test_what_expects_edits(self) -> None:
        """All but media, which must keep their ranges, and what script fetches."""
        self.assertEqual({one for one in Asked if not one.is_edited}, {Asked.MEDIA, Asked.OTHER})

    def test_what_script_asked_for(self) -> None:
        """Never read, whatever it is."""
        for content_type in ("text/html", "text/css", "text/javascript", "image/svg+xml", None):
            found = kind_of(Asked.OTHER, content_type, nosniff=False)
            self.assertIs(found, Kind.UNTOUCHED, content_type)

    def test_is_document(self) -> None:
        """Into which the runtime goes."""
        self.assertEqual({kind for kind in Kind if kind.is_document}, {Kind.HTML, Kind.XML})

    def test_basic(self) -> None:
        """What may hold script is read for every use; not feeds, which are shown as text."""
        for asked in Asked:
            for content_type, wanted in (
                ("image/svg+xml", Kind.XML), ("text/xml; charset=x", Kind.XML), ("TEXT/XSL", Kind.XML),
                ("application/any+xml", Kind.XML), ("text/rdf", Kind.XML), ("application/xml", Kind.XML),
                ("text/html", Kind.HTML), ("Text/HTML; charset=x", Kind.HTML),
            ):  # fmt: skip
                found = kind_of(asked, content_type, nosniff=False, basic=True)
                self.assertIs(found, wanted, (asked, content_type))
        for content_type in ("application/rss+xml", "application/atom+xml", "image/png", "x/xml"):
            found = kind_of(Asked.DOCUMENT, content_type, nosniff=False, basic=True)
            self.assertIs(found, Kind.UNTOUCHED, content_type)
