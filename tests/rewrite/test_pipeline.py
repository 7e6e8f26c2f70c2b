"""A response body's way through decoder, rewriter and encoder: documents and their markup."""

from __future__ import annotations

import gzip
import zlib
from typing import Any
from xml.etree import ElementTree as ET

import brotli
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault, UpstreamTooLarge
from gateway.rewrite.coding import READABLE, decoder_for, encoder_for
from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import BodyPlan, Pipeline, Place, pipeline_for
from tests.rewrite import codec, collapsed, cut, octets, origin, pour, run

MARKUP = b"<script>ours</script>"
URL = "https://shop.example.com/dir/page"
LINK = "https://cdn.example/ä"
MAPPED = collapsed("https://cdn.example/")
PAGE = (
    b"<!doctype html><html><head><title>T</title></head><body>"
    b"<a href='https://cdn.example/x'>text</a>" + b"text " * 50
)
EDITED = PAGE.replace(b"<head>", b"<head>" + MARKUP).replace(
    b"https://cdn.example/", MAPPED.encode()
)
UTF_8 = b"\xef\xbb\xbf"


def plan(kind: Kind = Kind.HTML, **more: Any) -> BodyPlan:
    """What is to be done to a body at ``URL``."""
    if kind.is_document:
        more.setdefault("markup", MARKUP)
    return BodyPlan(kind, place=Place(codec(), origin(URL), URL), **more)


def pipeline(kind: Kind = Kind.HTML, **more: Any) -> Pipeline:
    """The pipeline of such a plan."""
    found = pipeline_for(plan(kind, **more))
    assert found is not None
    return found


def coded(name: str | None, data: bytes) -> bytes:
    """The data in a content coding."""
    if name == "deflate":
        return zlib.compress(data)
    coder = encoder_for(name or "identity")
    return data if coder is None else run(coder, [data])


def decoded(name: str | None, data: bytes) -> bytes:
    """The data without its content coding."""
    decoder = decoder_for(name, 10**6)
    assert decoder is not None
    return pour(decoder, [data])


class BasicTests(SynchronousTestCase):
    """Mode ``basic``: the site's script goes, ours comes in behind the rewriter."""

    def test_documents(self) -> None:
        """In every chunking, HTML and XML."""
        page = b"<!doctype html><html><head><script>x</script></head><body onload=y>z"
        wanted = b"<!doctype html><html><head>" + MARKUP + b"</head><body>z"
        for size in (1, 10, 1000):
            self.assertEqual(pour(pipeline(basic=True), octets(page, size)), wanted)
        xml = b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>'
        found = pour(pipeline(Kind.XML, basic=True, markup=b""), octets(xml, 3))
        self.assertEqual(found, b'<svg xmlns="http://www.w3.org/2000/svg"></svg>')

    def test_sheets(self) -> None:
        """A sheet that ran script in browsers of old."""
        found = pour(pipeline(Kind.CSS, basic=True), octets(b"a{x:expression(1)}", 3))
        self.assertEqual(found, b"a{x:x(1)}")

    def test_form_token(self) -> None:
        """It goes into forms, and into no repr."""
        way = {"markup": b"", "form_token": "T0ken"}
        found = pour(pipeline(**way), [b"<form method=post action='/x'>"])
        self.assertEqual(found, b"<form method=post action='/x?__gw=T0ken'>")
        self.assertNotIn("T0ken", repr(plan(**way)))


class PlanTests(SynchronousTestCase):
    """Plans."""

    def test_nothing_to_do(self) -> None:
        """An untouched body has no pipeline, so every octet passes as it is."""
        for one in (BodyPlan(), BodyPlan(coding="gzip"), BodyPlan(coding="x", coding_out="br")):
            self.assertIsNone(pipeline_for(one))
            self.assertFalse(one.edits)
        for kind in Kind:
            self.assertEqual(plan(kind).edits, kind is not Kind.UNTOUCHED)

    def test_a_plan_shows_no_payload(self) -> None:
        """The markup holds cookies, so repr leaves it out."""
        secrets = dict.fromkeys(
            ("markup", "frame_markup", "preamble", "module_preamble"), b"s3cret"
        )
        self.assertNotIn("s3cret", repr(plan(**secrets)))

    def test_unknown_codings(self) -> None:
        """A coding that nobody asked for is the upstream's fault."""
        for coding in ("compress", "gzip, gzip", "dcb"):
            with self.assertRaises(UpstreamFault, msg=coding):
                pipeline(coding=coding)

    def test_a_place_is_needed(self) -> None:
        """URLs cannot be mapped without one; a worker's script needs none."""
        with self.assertRaises(ValueError):
            pipeline_for(BodyPlan(Kind.HTML))
        self.assertIsNotNone(pipeline_for(BodyPlan(Kind.WORKER)))


class CodingTests(SynchronousTestCase):
    """Codings in and out."""

    def test_all(self) -> None:
        """Any coding in, any out."""
        for name in (None, *READABLE):
            for out in ("identity", "br", "zstd", "gzip"):
                found = pour(pipeline(coding=name, coding_out=out), [coded(name, PAGE)])
                self.assertEqual(decoded(out, found), EDITED, (name, out))

    @settings(deadline=None)
    @given(
        st.lists(st.integers(0, 1000), max_size=5),
        st.sampled_from((None, *READABLE)),
        st.sampled_from(("identity", "br", "gzip", "zstd")),
    )
    def test_any_chunks(self, places: list[int], name: str | None, out: str) -> None:
        """The result does not depend on the chunks."""
        chunks = cut(coded(name, PAGE), places)
        found = pour(pipeline(coding=name, coding_out=out), chunks)
        self.assertEqual(decoded(out, found), EDITED)

    def test_it_streams(self) -> None:
        """Once the head has begun, what comes leaves with its own chunk, in every coding."""
        for out in ("identity", "br", "zstd", "gzip"):
            way, reader = pipeline(coding_out=out, charset="utf-8"), decoder_for(out, 10**6)
            assert reader is not None
            b"".join(b"".join(reader.feed(one)) for one in way.feed(b"<head>"))
            for text in (b"abc ", b"<p>def ", b"x" * 5000):
                got = b"".join(b"".join(reader.feed(one)) for one in way.feed(text))
                self.assertEqual(got, text, out)

    def test_first_output(self) -> None:
        """After the first 4 KiB of a page something is out, whatever is known of it."""
        page = PAGE + b"<p>" + b"word " * 5000
        for charset in (None, "utf-8", "nonsense"):
            for name in (None, *READABLE):
                # The origin flushes, as origins do that mean to stream.
                coder = encoder_for("gzip" if name == "deflate" else name or "identity")
                first = page[:4096] if coder is None else coder.feed(page[:4096])
                given_coding = "gzip" if name == "deflate" else name
                way = pipeline(coding=given_coding, charset=charset, coding_out="br")
                self.assertNotEqual(b"".join(way.feed(first)), b"", (charset, name))

    def test_empty(self) -> None:
        """An empty document gets the markup alone; an empty body of another kind stays so."""
        for name in (None, *READABLE):
            for out in ("identity", "br"):
                found = pour(pipeline(coding=name, coding_out=out), [])
                self.assertEqual(decoded(out, found), MARKUP)
        for kind in (Kind.CSS, Kind.MANIFEST):
            self.assertEqual(pour(pipeline(kind), []), b"", kind)

    def test_what_the_decoder_keeps(self) -> None:
        """Octets that only the coding's end sets free go through the scanner as well."""
        for size in range(1 << 18, (1 << 18) + 300, 7):
            coder = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
            data = coder.compress(b" " * size) + coder.flush()
            found = pour(pipeline(coding="deflate", ratio=10**6), [data])
            self.assertEqual(len(found), size + len(MARKUP), size)
            self.assertEqual(found.replace(MARKUP, b""), b" " * size, size)
            self.assertEqual(found.find(MARKUP), 64 * 1024, size)

    def test_faults(self) -> None:
        """A truncated or corrupt body and a bomb fail, in every kind and coding."""
        for kind in (Kind.HTML, Kind.XML, Kind.CSS, Kind.MANIFEST, Kind.WORKER):
            for name in READABLE:
                data = coded(name, PAGE * 20)
                for end in (1, len(data) // 2, len(data) - 1):
                    with self.assertRaises(UpstreamFault, msg=(kind, name, end)):
                        pour(pipeline(kind, coding=name), [data[:end]])
                with self.assertRaises(UpstreamFault, msg=(kind, name)):
                    pour(pipeline(kind, coding=name), [b"<!doctype html>" + data])
                with self.assertRaises(UpstreamTooLarge, msg=(kind, name)):
                    pour(pipeline(kind, coding=name, ratio=1), [coded(name, bytes(4_000_000))])

    def test_a_bomb(self) -> None:
        """What expands without end stops early, in pieces of bounded size."""
        bomb = brotli.compress(b"<head><p>" + b"x" * 300_000_000, quality=1)
        written = 0
        with self.assertRaises(UpstreamTooLarge):
            for piece in pipeline(coding="br").feed(bomb):
                self.assertLess(len(piece), 1024 * 1024)
                written += len(piece)
        self.assertLessEqual(written, 1024 * 1024 + 200 * len(bomb))

    def test_a_bomb_of_one_token(self) -> None:
        """The same where the rewriter holds everything back."""
        for start in (b"<!--", b"<head><a href='", b"<head><script>", b"<head><p title="):
            bomb = gzip.compress(start + b"x" * 100_000_000, 9)
            with self.assertRaises(UpstreamTooLarge, msg=start):
                pour(pipeline(coding="gzip", ratio=50), octets(bomb, 16 * 1024))


TEXT = (
    "<!doctype html><html><head>{}<title>日本語 表示</title></head>"
    "<body><a href='https://cdn.example/x'>能</a><img src='https://cdn.example/y'></body>"
)


class EncodingTests(SynchronousTestCase):
    """Documents in every encoding."""

    LABELS = {
        "utf-8": TEXT,
        "shift_jis": TEXT,
        "euc-jp": TEXT,
        "iso-2022-jp": TEXT,
        "gb18030": TEXT,
        "utf-16le": TEXT,
        "utf-16be": TEXT,
        "koi8-r": TEXT.replace("日本語 表示", "Привет").replace("能", "мир"),
        "windows-1252": TEXT.replace("日本語 表示", "Grüße").replace("能", "ä"),
        "big5": TEXT.replace("表示", "許功蓋"),
        "euc-kr": TEXT.replace("日本語 表示", "한국어").replace("能", "한"),
    }

    def _edited(self, text: str) -> str:
        edited = text.replace("<head>", "<head>" + MARKUP.decode(), 1)
        return edited.replace("https://cdn.example/", MAPPED)

    def _check(self, data: bytes, wanted: bytes, **more: Any) -> None:
        for size in (1, 3, 100, len(data)):
            found = pour(pipeline(**more), octets(data, size))
            self.assertEqual(found, wanted, (size, more))

    def test_header(self) -> None:
        """By the header's label, which is kept."""
        for label, text in self.LABELS.items():
            wanted = self._edited(text.replace("{}", ""))
            name = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(label, label)
            self._check(text.replace("{}", "").encode(name), wanted.encode(name), charset=label)

    def test_marks(self) -> None:
        """By a byte order mark, whatever the header says."""
        text = TEXT.replace("{}", "<meta charset=koi8-r>")
        for mark, name in (
            (UTF_8, "utf-8"),
            (b"\xfe\xff", "utf-16-be"),
            (b"\xff\xfe", "utf-16-le"),
        ):
            wanted = mark + self._edited(text).encode(name)
            for charset in (None, "gbk", "utf-16", "nonsense"):
                self._check(mark + text.encode(name), wanted, charset=charset)

    def test_declared(self) -> None:
        """A document's own word is repeated before the markup, since that pushes it away."""
        meta = "<meta charset=koi8-r>"
        text = self.LABELS["koi8-r"].replace("{}", meta)
        repeated = '<meta charset="koi8-r">'
        edited = self._edited(text).replace("<head>", "<head>" + repeated)
        self._check(text.encode("koi8-r"), edited.encode("koi8-r"))
        for charset in ("koi8-r", "KOI8-R", "windows-1251"):
            self._check(text.encode("koi8-r"), self._edited(text).encode("koi8-r"), charset=charset)

    def test_declared_and_hidden(self) -> None:
        """So is that of one that is edited in UTF-8."""
        text = TEXT.replace("{}", "<meta charset=iso-2022-jp>")
        repeated = '<meta charset="iso-2022-jp">'
        edited = self._edited(text).replace("<head>", "<head>" + repeated)
        self._check(text.encode("iso2022_jp"), edited.encode("iso2022_jp"))

    def test_hostile_labels(self) -> None:
        """What is repeated cannot be markup."""
        for label in (b"x><script>", b"koi8-r'>", b'utf-8"x', b"utf-8\0"):
            page = b"<head><meta charset='" + label.replace(b"'", b"&#39;") + b"'><title>x</title>"
            found = pour(pipeline(), [page])
            self.assertTrue(found.startswith((b"<head>" + MARKUP, b"<head><meta charset=")), found)
            self.assertNotIn(b"<script><script>", found)

    def test_hidden_links(self) -> None:
        """Links of documents in which markup hides from a reader of octets are mapped."""
        table = {
            "utf-16-le": "<p><a href='https://cdn.example/ä'>ā</a>",
            "utf-16-be": "<p><a href='https://cdn.example/ä'>㰀</a>",  # holds the octet of "<"
            "iso2022_jp": "<p title='¤'>日本</p>".replace("¤", "末")
            + "<a href='https://cdn.example/'>",
        }
        for name, text in table.items():
            label = {"iso2022_jp": "iso-2022-jp"}.get(
                name, name.replace("-le", "le").replace("-be", "be")
            )
            found = pour(pipeline(charset=label), [text.encode(name)]).decode(name)
            self.assertNotIn("https://cdn.example", found, name)
            self.assertIn(MAPPED, found, name)

    def test_lying_labels(self) -> None:
        """A document that is not in the encoding that it claims is edited as claimed."""
        for label in ("utf-8", "koi8-r", "shift_jis", "gb18030", "utf-16", "iso-2022-jp", "nonsense",
                      "x-user-defined", "iso-2022-kr", "hz-gb-2312", "utf-7", ""):  # fmt: skip
            for name in ("utf-8", "utf-16-le", "latin-1"):
                data = TEXT.replace("{}", "").encode(name, "replace")
                found = pour(pipeline(charset=label), octets(data, 7))
                markup = MARKUP.decode().encode("utf-16-le") if label == "utf-16" else MARKUP
                self.assertIn(markup, found, (label, name))
                if name == "utf-8" and label != "utf-16":
                    self.assertNotIn(b"https://cdn.example", found, (label, name))

    def test_replacement(self) -> None:
        """Encodings that browsers refuse to read are no fault of the gateway's own."""
        for label in ("replacement", "hz-gb-2312", "iso-2022-kr"):
            data = TEXT.replace("{}", f"<meta charset={label}>").encode()
            self.assertIn(MARKUP, pour(pipeline(), [data]), label)
            self.assertIn(MARKUP, pour(pipeline(charset=label), [data]), label)

    @settings(deadline=None, max_examples=150)
    @given(
        st.sampled_from(("utf-16-le", "utf-16-be", "iso2022_jp", "utf-8", "cp932")),
        st.lists(st.integers(0, 400), max_size=5),
        st.booleans(),
    )
    def test_any_chunks(self, name: str, places: list[int], declared: bool) -> None:
        """The same for any chunks, whatever the encoding."""
        label = {"utf-16-le": "utf-16le", "utf-16-be": "utf-16be", "iso2022_jp": "iso-2022-jp",
                 "cp932": "shift_jis"}.get(name, name)  # fmt: skip
        charset = None if declared else label
        data = TEXT.replace("{}", f"<meta charset={label}>").encode(name)
        whole = pour(pipeline(charset=charset), [data])
        self.assertEqual(pour(pipeline(charset=charset), cut(data, places)), whole)


SVG = (
    '<?xml version="1.0" encoding="{}"?>\n<svg xmlns="http://www.w3.org/2000/svg" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"><title>ä</title>'
    '<image xlink:href="https://cdn.example/ä"/><a href="https://cdn.example/b"/></svg>'
)


class XmlTests(SynchronousTestCase):
    """XHTML and SVG."""

    MARKUP = b'<script xmlns="http://www.w3.org/1999/xhtml">1</script>'

    def _edit(self, data: bytes, **more: Any) -> bytes:
        whole = pour(pipeline(Kind.XML, markup=self.MARKUP, **more), [data])
        for size in (1, 2, 5, 50):
            found = pour(pipeline(Kind.XML, markup=self.MARKUP, **more), octets(data, size))
            self.assertEqual(found, whole, size)
        return whole

    def test_svg(self) -> None:
        """Markup first in the root, links mapped, still well-formed, in every encoding."""
        for label in ("utf-8", "iso-8859-1", "utf-16"):
            found = self._edit(SVG.format(label).encode(label))
            text = found.decode(label)
            self.assertNotIn("https://cdn.example", text)
            root = ET.fromstring(text.partition("?>")[2])
            self.assertEqual(root[0].tag, "{http://www.w3.org/1999/xhtml}script")
            self.assertEqual(root[1].text, "ä")
            self.assertTrue(str(root[3].get("href")).startswith(MAPPED))
            self.assertTrue(
                str(root[2].get("{http://www.w3.org/1999/xlink}href")).startswith(MAPPED)
            )

    def test_xhtml(self) -> None:
        """Markup in the head, links mapped, and entities of the doctype kept."""
        page = (
            b"<!DOCTYPE html [<!ENTITY e 'x'>]><html xmlns='http://www.w3.org/1999/xhtml'>"
            b"<head><title>&e;</title></head><body><a href='https://cdn.example/?a=1&amp;b'/>"
            b"</body></html>"
        )
        found = self._edit(page)
        self.assertIn(b"<head>" + self.MARKUP + b"<title>&e;</title>", found)
        self.assertIn(f"'{MAPPED}?a=1&amp;b'".encode(), found)
        root = ET.fromstring(found)
        self.assertEqual(root[1][0].get("href"), f"{MAPPED}?a=1&b")

    def test_nothing_is_repeated(self) -> None:
        """An XML document's encoding is in its declaration, which stays first."""
        found = self._edit(SVG.format("koi8-r").replace("ä", "a").encode())
        self.assertTrue(found.startswith(b'<?xml version="1.0" encoding="koi8-r"?>'))
        self.assertNotIn(b"<meta", found)
