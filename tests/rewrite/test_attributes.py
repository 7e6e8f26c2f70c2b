"""One start tag at a time: parsed as browsers do, and edited only where it must be."""

from __future__ import annotations

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite import tokens
from gateway.rewrite.attributes import _NOTHING_TO_DO, TagEditor
from gateway.rewrite.urls import UrlMap
from tests.rewrite import origin
from tests.rewrite.test_tokens import PAGE, tags

HOST = "https-a-b.0.gw.test"


def editor(encoding: str = "utf-8", *, xml: bool = False) -> TagEditor:
    """A fresh editor; what it makes of a document shows."""
    urls = UrlMap(Codec("gw.test"), PAGE)
    return TagEditor(urls, origin(PAGE), lambda text: f"[{text}]", encoding=encoding, xml=xml)


def edited(markup: str, one: TagEditor | None = None, *, foreign: bool = False) -> str:
    """What becomes of a tag."""
    data = markup.encode()
    tag = tokens.START_TAG.match(data)
    assert tag is not None, markup
    assert tag.end() == len(data), markup
    return (
        (one or editor())
        .edit(data, tag, tag.group(1).lower(), "svg" if foreign else "html")
        .decode()
    )


class ParsingTests(SynchronousTestCase):
    """Names, values and where they stand."""

    def test_attributes(self) -> None:
        """The first of equal names, in lower case, decoded; with its place and quotes."""
        markup = b"<a HREF='x&amp;y' b=\"\" c d=e&lt; href=z b='2'>"
        found = editor().attributes(markup, 2, len(markup) - 1)
        self.assertEqual(
            [(one.name, one.value, one.quote, markup[one.start : one.end]) for one in found],
            [
                (b"href", "x&y", "'", b"x&amp;y"),
                (b"b", "", '"', b""),
                (b"c", "", "", b""),
                (b"d", "e<", "", b"e&lt;"),
            ],
        )
        self.assertEqual([one.start < 0 for one in found], [False, False, True, False])

    def test_encodings(self) -> None:
        """Values are read in the document's encoding, and broken ones somehow."""
        for encoding, raw, value in (
            ("utf-8", "é".encode(), "é"), ("cp1252", b"\xe9", "é"), ("utf-8", b"\xe9", "\ufffd"),
            ("shift_jis", b"\x95\x5c", "表"), ("utf-8", b"\0", "\ufffd"), ("utf-8", b"&#0;", "\ufffd"),
        ):  # fmt: skip
            markup = b"<a x='" + raw + b"'>"
            found = editor(encoding).attributes(markup, 2, len(markup) - 1)
            self.assertEqual([one.value for one in found], [value], raw)

    def test_xml(self) -> None:
        """In XML only its own references are decoded."""
        markup = b" a='&amp;&copy;&lt'"
        found = editor(xml=True).attributes(markup, 0, len(markup))
        self.assertEqual([one.value for one in found], ["&&copy;&lt"])


class OwnElementTests(SynchronousTestCase):
    """Elements that pages define: their attributes are read by script alone."""

    def test_left_alone(self) -> None:
        """Only styles load anything there; of other vocabularies the names are the browser's."""
        for markup, foreign, same in (
            ("<x-a href=//a.b src='https://a.b/' data-x=//a.b>", False, True),
            ("<X-A HREF=//a.b>", False, True),
            ('<x-a style="background: url(//a.b)">', False, False),
            ("<font-face-uri xlink:href=//a.b>", True, False),
            ("<a href=//a.b is=x-a>", False, False),
        ):
            with self.subTest(markup):
                self.assertEqual(edited(markup, foreign=foreign) == markup, same)


class EditTests(SynchronousTestCase):
    """What changes."""

    def test_only_values(self) -> None:
        """Blanks, quotes, order, case and other attributes stay to the octet."""
        table = {
            "<A \n HREF = '//a.b'\tx  Y=z / >": f"<A \n HREF = '//{HOST}'\tx  Y=z / >",
            "<a href=//a.b>": f'<a href="//{HOST}">',
            "<a href=//a.b x=&lt;>": f'<a href="//{HOST}" x=&lt;>',
            "<img src='//a.b' srcset='//a.b 2x' alt='//a.b'>": (
                f"<img src='//{HOST}' srcset='//{HOST} 2x' alt='//a.b'>"
            ),
            "<link integrity='sha256-a' rel='stylesheet' href='//a.b/'>": (
                f"<link integrity='' rel='stylesheet' href='//{HOST}/?__gwi=sha256-a'>"
            ),
            "<iframe srcdoc='x&lt;' src='//a.b'>": f"<iframe srcdoc='[x&lt;]' src='//{HOST}'>",
            "<iframe src='data:text/html,x'>": "<iframe src='data:text/html,%5Bx%5D'>",
            "<img src='data:text/html,x'>": "<img src='data:text/html,x'>",
            "<p data='//a.b' values='//a.b'>": "<p data='//a.b' values='//a.b'>",
            "<object data='//a.b'>": f"<object data='//{HOST}'>",
        }
        for before, after in table.items():
            self.assertEqual(edited(before), after)

    def test_foreign(self) -> None:
        """Presentation attributes hold URLs there alone."""
        before = "<rect fill='url(//a.b)'>"
        self.assertEqual(edited(before), before)
        self.assertEqual(edited(before, foreign=True), before.replace("a.b", HOST))

    def test_the_first_base(self) -> None:
        """Only the first one with an ``href`` counts, also if that is relative."""
        for first in (
            "<base href='x'>",
            "<base href='/'>",
            "<base href=''>",
            "<base href='//c.d'>",
        ):
            one = editor()
            edited(first, one)
            edited("<base href='http://c.d/'>", one)
            self.assertEqual(edited("<a href='//a.b'>", one), f"<a href='//{HOST}'>", first)

    def test_same_octets(self) -> None:
        """A tag without work is the same."""
        for markup in ("<a>", "<a href=x>", "<p class='a' style='b:c'>", "<a href='mailto:x'>"):
            self.assertEqual(edited(markup), markup)

    @settings(deadline=None, max_examples=3000)
    @given(tags())
    def test_the_quick_look(self, markup: str) -> None:
        """What one expression finds harmless is found so by the long way, too."""
        data = markup.encode()
        tag = tokens.START_TAG.match(data)
        if "dns-prefetch" in markup or not _NOTHING_TO_DO.match(data, *tag.span(2)):
            return
        for foreign in (False, True):
            one = editor()
            attributes = one.attributes(data, *tag.span(2))
            edits = one._judge(tag.group(1).lower(), attributes, "svg" if foreign else "html")
            self.assertEqual([(edit[0].name, edit[1]) for edit in edits], [])

    @settings(deadline=None, max_examples=1000)
    @given(tags())
    def test_twice(self, markup: str) -> None:
        """What was edited has nothing more to be edited."""
        if "integrity" in markup or "srcdoc" in markup:
            return
        for foreign in (False, True):
            once = edited(markup, foreign=foreign)
            self.assertEqual(edited(once, foreign=foreign), once)
