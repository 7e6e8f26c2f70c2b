"""The scanner under DASH and XSLT: its tokens are XML's, and what is not edited stays."""

from __future__ import annotations

from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamTooLarge
from gateway.rewrite.dash import DashRewriter
from gateway.rewrite.urls import UrlMap
from gateway.rewrite.xml_text import XmlText, local
from tests.rewrite import codec, collapsed, cut, octets, run

MAP = UrlMap(codec(), "https://a.example/").url
PIECES = (
    "<", ">", "/", "<a", "<a>", "</a>", "<BaseURL>", "</BaseURL>", "https://c.d/", "<!--", "-->", "--", "<![CDATA[",
    "]]>", "<!DOCTYPE a [<!ENTITY b 'c'>]>", "<!", "<?", "?>", "&amp;", '"', "'", "=", " ", "\n", "a", "media=", "ä",
    "<SegmentURL media='https://c.d/'/>", '<SegmentURL media="//c.d/">',
)  # fmt: skip


class XmlTextTests(SynchronousTestCase):
    """Tokens, chunks and bounds."""

    def test_nothing_changes_by_itself(self) -> None:
        """Without a subclass every octet stays."""
        data = "".join(PIECES).encode()
        self.assertEqual(run(XmlText(MAP), octets(data)), data)

    def test_encodings(self) -> None:
        """Values are read and written in the document's encoding; what it cannot say is a reference."""
        for encoding in ("utf-8", "latin-1", "cp932", "gb18030"):
            text = (
                "<BaseURL>https://c.d/x</BaseURL><Title>é</Title>"
                if encoding != "cp932"
                else "<BaseURL>https://c.d/表ソ</BaseURL>"
            )
            out = run(DashRewriter(MAP, encoding), [text.encode(encoding)])
            self.assertEqual(
                out.decode(encoding), text.replace("https://c.d", collapsed("https://c.d"))
            )

    def test_unfinished(self) -> None:
        """A token that has no end goes out as it is: no parser takes the document."""
        for text in (
            "<BaseURL",
            "<BaseURL>https://c.d/",
            "<a b='",
            "<!--",
            "<![CDATA[x",
            "<!DOCTYPE a [",
            "<",
            "</a",
        ):
            data = text.encode()
            self.assertEqual(run(DashRewriter(MAP), octets(data)), data)

    def test_bound(self) -> None:
        """A token longer than the limit ends the document; comments stream."""
        self.assertEqual(
            run(DashRewriter(MAP, limit=100), octets(b"<!--" + b"x" * 999 + b"-->", 10)),
            b"<!--" + b"x" * 999 + b"-->",
        )
        for text in (
            b"<BaseURL>" + b"x" * 200,
            b"<a b='" + b"x" * 200,
            b"<a b='" + b"x" * 200 + b"'>",
        ):
            for size in (1, 1_000):
                with self.assertRaises(UpstreamTooLarge):
                    run(DashRewriter(MAP, limit=100), octets(text, size))

    def test_time_is_linear(self) -> None:
        """Hostile documents in small pieces."""
        for text in (
            b"<" * 200_000,
            b"<a " + b"b " * 300_000,
            b"<!--" * 200_000,
            b"<BaseURL>" * 50_000,
            b"<![CDATA[" * 50_000,
        ):
            started = process_time()
            run(DashRewriter(MAP), octets(text, 1_460))
            self.assertLess(process_time() - started, 4, text[:9])

    def test_local(self) -> None:
        """A name without its prefix."""
        self.assertEqual([local(b"a"), local(b"x:a")], [b"a", b"a"])

    @settings(deadline=None)
    @given(
        st.lists(st.sampled_from(PIECES), max_size=20), st.lists(st.integers(0, 400), max_size=6)
    )
    def test_any_cut(self, pieces: list[str], places: list[int]) -> None:
        """What comes out does not depend on how it came in."""
        data = "".join(pieces).encode()
        self.assertEqual(run(DashRewriter(MAP), cut(data, places)), run(DashRewriter(MAP), [data]))
