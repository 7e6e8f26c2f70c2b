"""Encodings of documents: found as browsers find them, and made readable as octets."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import webencodings.labels
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.encoding import Found, Transcoder, charset_of, codec_for, find, find_css
from tests.rewrite import cut

if TYPE_CHECKING:
    from collections.abc import Callable

UTF_8 = b"\xef\xbb\xbf"
HTML = b"<!doctype html><html><head>"
KOI8 = b'<meta charset="koi8-r">'
REPLACED = ("hz-gb-2312", "iso-2022-kr", "ISO-2022-CN", "iso-2022-cn-ext", "csiso2022kr")


def _html(head: bytes, charset: str | None = None) -> Found | None:
    return find(head, charset, xml=False, whole=True)


def _xml(head: bytes, charset: str | None = None) -> Found | None:
    return find(head, charset, xml=True, whole=True)


def _css(head: bytes, charset: str | None = None) -> Found | None:
    return find_css(head, charset, whole=True)


def _grow(
    decide: Callable[[bytes, bool], Found | None], data: bytes, sizes: list[int] | None = None
) -> Found | None:
    """What is decided when the data comes in pieces that end at these sizes."""
    for end in sizes if sizes is not None else range(len(data)):
        found = decide(data[:end], False)
        if found is not None:
            return found
    return decide(data, True)


class LabelTests(SynchronousTestCase):
    """Labels and parameters."""

    def test_charset_of(self) -> None:
        """The parameter of a Content-Type, quoted or not."""
        table = {
            "text/html; charset=utf-8": "utf-8",
            "text/html;charset=UTF-8;x=y": "UTF-8",
            'text/html; Charset = "koi8-r"; x': "koi8-r",
            "text/html; x=y; charset=a; charset=b": "a",
            "text/html; charset=": None,
            'text/html; charset=""': "",
            "text/html": None,
            "charset=utf-8": None,
            "": None,
            None: None,
        }
        for value, wanted in table.items():
            self.assertEqual(charset_of(value), wanted, value)

    def test_every_label(self) -> None:
        """Each label of the Encoding standard has a codec that exists, or is refused."""
        for label in webencodings.labels.LABELS:
            if label != "replacement":
                found = codec_for(label)
                if found is not None:
                    codecs.lookup(found)

    def test_codecs(self) -> None:
        """As browsers read them: ASCII and Latin-1 are windows-1252, and so on."""
        table = {
            "utf-8": "utf-8",
            " UTF8 ": "utf-8",
            "unicode-1-1-utf-8": "utf-8",
            "ascii": "cp1252",
            "iso-8859-1": "cp1252",
            "Latin1": "cp1252",
            "iso-8859-9": "cp1254",
            "shift_jis": "cp932",
            "windows-31j": "cp932",
            "gb2312": "gbk",
            "euc-kr": "cp949",
            "utf-16": "utf-16-le",
            "unicode": "utf-16-le",
            "utf-16be": "utf-16-be",
            "iso-2022-jp": "iso2022_jp_ext",
        }
        for label, codec in table.items():
            found = codec_for(label)
            assert found is not None, label
            self.assertEqual(codecs.lookup(found).name, codecs.lookup(codec).name, label)

    def test_unknown(self) -> None:
        """What browsers do not know, or read as nothing, has no codec."""
        for label in (None, "", "utf-7", "utf-32", "nonsense", "rot13", "idna", "\xe9", "u\0",
                      "x-user-defined", *REPLACED):  # fmt: skip
            self.assertIsNone(codec_for(label), label)

    def test_replacement(self) -> None:
        """The label of the replacement encoding itself is none either."""
        self.assertIsNone(codec_for("replacement"))

    @settings(deadline=None)
    @given(st.text(max_size=20))
    def test_any_label(self, label: str) -> None:
        """Any text has a codec that exists, or none."""
        found = codec_for(label)
        if found is not None:
            codecs.lookup(found)


class HtmlTests(SynchronousTestCase):
    """HTML documents."""

    def test_order(self) -> None:
        """A byte order mark before the header before the document's own word."""
        for mark, name in (
            (UTF_8, "utf-8"),
            (b"\xfe\xff", "utf-16-be"),
            (b"\xff\xfe", "utf-16-le"),
        ):
            found = _html(mark + HTML + KOI8, "windows-1251")
            self.assertEqual(found, Found(name, mark=len(mark)), name)
        self.assertEqual(_html(HTML + KOI8, "windows-1251"), Found("cp1251"))
        self.assertEqual(_html(HTML + KOI8), Found("koi8-r", "koi8-r"))
        self.assertEqual(_html(HTML + KOI8, "nonsense"), Found("koi8-r", "koi8-r"))

    def test_prescan(self) -> None:
        """What the document says, in every way in which it can."""
        refresh = b"<meta http-equiv=content-type content='text/html; charset=%s'>"
        table: list[tuple[bytes, str, str]] = [
            (b"<meta charset=koi8-r>", "koi8-r", "koi8-r"),
            (b"<META CHARSET = 'KOI8-R' />", "koi8-r", "koi8-r"),
            (refresh % b"koi8-r", "koi8-r", "koi8-r"),
            (b"<!-- " + KOI8 + b" --><meta charset=gbk>", "gbk", "gbk"),
            (b"<a title='" + KOI8 + b"'><meta charset=gbk>", "gbk", "gbk"),
            (b"<meta charset=nonsense><meta charset=gbk>", "gbk", "gbk"),
            (b"<meta charset=utf-16>", "utf-8", "utf-16"),
            (b"<meta charset=utf-16be>", "utf-8", "utf-16be"),
            (b"<meta charset=x-user-defined>", "cp1252", "x-user-defined"),
            (b"<meta charset=iso-2022-jp>", "iso2022_jp_ext", "iso-2022-jp"),
        ]
        for text, codec, label in table:
            found = _html(HTML + text)
            assert found is not None, text
            self.assertEqual((found.codec, found.label.lower()), (codec, label), text)

    def test_nothing_said(self) -> None:
        """Octets of an unknown encoding go through unharmed."""
        for text in (b"", b"x", HTML, HTML + b"\xe9" * 2000, b"<meta charset=koi8-r"):
            found = _html(text)
            assert found is not None
            self.assertFalse(found.is_transcoded or found.label)
            everything = bytes(range(256))
            self.assertEqual(everything.decode(found.codec).encode(found.codec), everything)

    def test_beyond_the_prescan(self) -> None:
        """A declaration that is not whole within 1024 octets does not count."""
        for before in (1024 - len(KOI8) - len(HTML) + 2, 1100):
            found = _html(HTML + b" " * before + KOI8)
            assert found is not None
            self.assertEqual(found.label, "", before)
        found = _html(HTML + b" " * (1024 - len(KOI8) - len(HTML)) + KOI8)
        assert found is not None
        self.assertEqual(found.label, "koi8-r")

    def test_replacement(self) -> None:
        """A declared encoding that browsers refuse is no fault of the gateway's."""
        for label in (*REPLACED, "replacement"):
            for head, charset in ((HTML + b"<meta charset=%s>" % label.encode(), None),
                                  (HTML, label)):  # fmt: skip
                found = _html(head, charset)
                assert found is not None, label
                self.assertFalse(found.is_transcoded, label)

    def test_is_transcoded(self) -> None:
        """Only encodings in which markup cannot be read as octets."""
        for label in webencodings.labels.LABELS:
            if label == "replacement":
                continue
            found = _html(HTML, label)
            assert found is not None
            hides = webencodings.labels.LABELS[label] in {"utf-16le", "utf-16be", "iso-2022-jp"}
            self.assertEqual(found.is_transcoded, hides, label)

    def test_more_is_needed(self) -> None:
        """Nothing is decided before it is sure, and no more than 1024 octets are waited for."""
        for head in (b"", b"<", b"\xef\xbb", b"\xff"):
            self.assertIsNone(find(head, None, xml=False, whole=False))
            self.assertIsNone(find(head, "utf-8", xml=False, whole=False))
        self.assertIsNone(find(HTML, None, xml=False, whole=False))
        self.assertIsNone(find(HTML.ljust(1023), None, xml=False, whole=False))
        self.assertIsNotNone(find(HTML.ljust(1024), None, xml=False, whole=False))
        self.assertIsNotNone(find(HTML, "utf-8", xml=False, whole=False))
        self.assertIsNone(find(HTML + KOI8, None, xml=False, whole=False))

    def test_every_chunk(self) -> None:
        """A tag whose end has not come yet says nothing: more of it may say otherwise."""
        content = b"<meta http-equiv=content-type content='text/html;charset=koi8-r'"
        for label in (b"gbk", b"iso-2022-jp"):
            text = HTML + content + b" charset=" + label + b">"
            grown = _grow(lambda head, end: find(head, None, xml=False, whole=end), text)
            self.assertEqual(grown, _html(text), label)

    @settings(deadline=None, max_examples=300)
    @given(
        st.lists(
            st.sampled_from((
                UTF_8, b"\xff\xfe", b"<!--", b"-->", b"<meta ", b"charset=", b"koi8-r", b"gbk", b">",
                b"'", b'"', b"<p ", b"</p ", b" ", b"=", b"<?", b"utf-16", b"http-equiv=content-type",
                b" content='text/html;charset=", b"/", b"<!x", b" " * 200, b"iso-8859-1", b"5",
            )),
            max_size=16,
        ).map(b"".join),
        st.sampled_from((None, "utf-8", "utf-16", "nonsense")),
    )  # fmt: skip
    def test_any_chunks(self, data: bytes, charset: str | None) -> None:
        """What is found does not depend on how much came at once."""
        whole = find(data, charset, xml=False, whole=True)
        grown = _grow(lambda head, end: find(head, charset, xml=False, whole=end), data)
        self.assertEqual(grown, whole)


class XmlTests(SynchronousTestCase):
    """XML documents."""

    def test_declaration(self) -> None:
        """The declaration's encoding, else UTF-8; never the document's meta elements."""
        table: list[tuple[bytes, str]] = [
            (b"<?xml version='1.0' encoding='koi8-r'?><a/>", "koi8-r"),
            (b'<?xml version="1.0" encoding = "windows-1251" standalone="no"?><a/>', "cp1251"),
            (b"<?xml version='1.0'?><a/>", "utf-8"),
            (b"<?xml version='1.0' encoding='nonsense'?><a/>", "utf-8"),
            (b"<?xml version='1.0' encoding='utf-16'?><a/>", "utf-8"),
            (b"<?xml version='1.0'?><a encoding='koi8-r'?>", "utf-8"),
            (b" <?xml version='1.0' encoding='koi8-r'?><a/>", "utf-8"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "utf-8"),
            (b"<html>" + KOI8, "utf-8"),
            (b"", "utf-8"),
            ("<?xml version='1.0'?>".encode("utf-16-le"), "utf-16-le"),
            ("<?xml version='1.0'?>".encode("utf-16-be"), "utf-16-be"),
        ]
        for text, codec in table:
            found = _xml(text)
            assert found is not None, text
            self.assertEqual((found.codec, found.label), (codec, ""), text)

    def test_order(self) -> None:
        """Mark, header, declaration."""
        text = b"<?xml version='1.0' encoding='koi8-r'?>"
        self.assertEqual(_xml(UTF_8 + text, "gbk"), Found("utf-8", mark=3))
        self.assertEqual(_xml(text, "gbk"), Found("gbk"))
        self.assertEqual(_xml(text, "nonsense"), Found("koi8-r"))

    def test_every_chunk(self) -> None:
        """The same however little came at once."""
        for text in (
            b"<?xml version='1.0' encoding='koi8-r'?><a>", b"<?xml version='1.0'?><a>", b"<a>text",
            b"<?xm", b"<?xml", b"<?xslt encoding='koi8-r'?>", b"<?xml version='1.0' " + b" " * 2000,
            "<?xml version='1.0'?>".encode("utf-16-le"), UTF_8 + b"<?xml encoding='gbk'?>",
        ):  # fmt: skip
            grown = _grow(lambda head, end: find(head, None, xml=True, whole=end), text)
            self.assertEqual(grown, _xml(text), text[:60])


class CssTests(SynchronousTestCase):
    """Stylesheets."""

    def test_table(self) -> None:
        """Mark, header, ``@charset`` in its one spelling, else UTF-8."""
        table: list[tuple[bytes, str | None, str]] = [
            (b'@charset "koi8-r";a{}', None, "koi8-r"),
            (b'@charset "KOI8-R";', None, "koi8-r"),
            (b'@charset "koi8-r";', "gbk", "gbk"),
            (b'@charset "koi8-r";', "nonsense", "koi8-r"),
            (b"@charset 'koi8-r';", None, "utf-8"),
            (b'@charset  "koi8-r";', None, "utf-8"),
            (b'@CHARSET "koi8-r";', None, "utf-8"),
            (b' @charset "koi8-r";', None, "utf-8"),
            (b'@charset "koi8-r" ;', None, "utf-8"),
            (b'@charset "nonsense";', None, "utf-8"),
            (b'@charset "utf-16";', None, "utf-8"),
            (b'@charset "utf-16be";', None, "utf-8"),
            (b'@charset "hz-gb-2312";', None, "utf-8"),
            (b"a{}", "utf-16", "utf-16-le"),
            (b"", None, "utf-8"),
        ]
        for text, charset, codec in table:
            found = _css(text, charset)
            assert found is not None, text
            self.assertEqual((found.codec, found.mark), (codec, 0), (text, charset))
        for mark, name in (
            (UTF_8, "utf-8"),
            (b"\xfe\xff", "utf-16-be"),
            (b"\xff\xfe", "utf-16-le"),
        ):
            self.assertEqual(_css(mark + b'@charset "gbk";', "koi8-r"), Found(name, mark=len(mark)))

    def test_replacement(self) -> None:
        """The replacement encoding's own name is no fault of the gateway's."""
        self.assertEqual(_css(b'@charset "replacement";'), Found("utf-8"))

    def test_every_chunk(self) -> None:
        """The same however little came at once."""
        for text in (
            b'@charset "koi8-r";a{}', b'@charset "koi8-r', b"@charset 'x'", b"@chars", b"a{}", b"a",
            b'@charset "' + b"x" * 2000 + b'";', UTF_8 + b'@charset "gbk";', b'@charset "gbk"x',
        ):  # fmt: skip
            grown = _grow(lambda head, end: find_css(head, None, whole=end), text)
            self.assertEqual(grown, _css(text), text[:60])


class TranscoderTests(SynchronousTestCase):
    """To UTF-8 while a document is edited, and back."""

    TEXT = "<p title='ä'>日本語 テスト</p>"
    CODECS = ("utf-16-le", "utf-16-be", "iso2022_jp_ext")

    def _through(self, data: bytes, codec: str, mark: int = 0) -> bytes:
        transcoder = Transcoder(Found(codec, mark=mark))
        return transcoder.write(transcoder.read(data, final=True), final=True)

    @settings(deadline=None)
    @given(st.lists(st.integers(0, 200), max_size=8), st.lists(st.integers(0, 200), max_size=8))
    def test_any_chunks(self, places: list[int], others: list[int]) -> None:
        """Whole characters, wherever the chunks end on either way."""
        for codec, mark, text in (
            ("utf-16-le", b"", self.TEXT + "😀"),
            ("utf-16-le", b"\xff\xfe", self.TEXT + "😀"),
            ("utf-16-be", b"\xfe\xff", self.TEXT + "😀"),
            ("iso2022_jp_ext", b"", self.TEXT.replace("ä", "a")),
        ):
            transcoder = Transcoder(Found(codec, mark=len(mark)))
            given = mark + text.encode(codec)
            out = b"".join([transcoder.read(one) for one in cut(given, places)])
            out += transcoder.read(b"", final=True)
            self.assertEqual(out, text.encode(), codec)
            back = b"".join([transcoder.write(one) for one in cut(out, others)])
            back += transcoder.write(b"", final=True)
            self.assertEqual(back.removeprefix(mark).decode(codec), text)
            self.assertTrue(back.startswith(mark + text[:1].encode(codec)))

    def test_what_is_broken(self) -> None:
        """Octets that are no text are shown as such, never as markup, and never fail."""
        for codec, data, wanted in (
            ("utf-16-le", b"a\0b", "a\ufffd"),
            ("utf-16-le", b"\x00\xd8a\0", "\ufffda"),
            ("utf-16-be", b"\xdc\x00\0a", "\ufffda"),
            ("iso2022_jp_ext", b"a\xffb", "a\ufffdb"),
        ):
            found = Transcoder(Found(codec)).read(data, final=True).decode()
            self.assertEqual(found, wanted, data)

    def test_what_browsers_cannot_read(self) -> None:
        """ISO-2022-JP goes out with what browsers know of it, and with no control of its own."""
        for text, wanted in (
            ("ｱｲｳ<p>日本~¥", "ｱｲｳ<p>日本~¥"),
            ("\ufffd①é丂", "????"),
            ("a\x1b$B\x0e\x0f", "a?$B??"),
        ):
            found = Transcoder(Found("iso2022_jp_ext")).write(text.encode(), final=True)
            self.assertEqual(found.decode("iso2022_jp_ext"), wanted, text)
            self.assertNotIn(b"\x1b$(", found)

    @settings(deadline=None)
    @given(st.binary(max_size=60), st.sampled_from(CODECS))
    def test_any_octets(self, data: bytes, codec: str) -> None:
        """Whatever comes, what goes can be read, and reads the same once more."""
        out = self._through(data, codec)
        text = out.decode(codec)
        self.assertEqual(self._through(out, codec).decode(codec), text)
