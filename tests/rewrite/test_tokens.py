"""The tokenizer's expressions: what they match, and what ``SKIP`` must never pass over."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite import tokens
from gateway.rewrite.attributes import TagEditor
from gateway.rewrite.urls import UrlMap
from tests.rewrite import origin, run
from tests.rewrite.test_html import rewriter

PAGE = "https://page.example/d/page"
STATES = tokens.RAW_TEXT | {b"svg", b"math"}
ELEMENTS = st.sampled_from((
    *sorted(name.decode() for name in STATES), "a", "p", "div", "span", "li", "path", "g", "img",
    "link", "base", "meta", "object", "form", "input", "button", "video", "x-y", "font", "desc",
    "foreignObject", "mi", "annotation-xml", "animate", "set", "h1", "h5", "ul", "br", "x:a",
    "x:style", "A", "IMG", "Style", "svG", "iFrame", "b", "area", "body", "table", "rect", "image",
))  # fmt: skip
NAMES = st.sampled_from((
    "href", "HREF", "src", "action", "formaction", "srcset", "imagesrcset", "ping", "style", "poster",
    "data", "background", "cite", "xlink:href", "XLINK:HREF", "x:href", "fill", "mask", "manifest",
    "archive", "srcdoc", "class", "id", "rel", "type", "title", "name", "content", "http-equiv",
    "integrity", "allow", "csp", "values", "attributeName", "to", "hrefx", "xhref", "data-src", "a",
    "usemap", "lowsrc", "icon", "attributionsrc", "longdesc", "as", "hreflang", "color",
))  # fmt: skip
VALUES = st.sampled_from((
    "//a.b", "https://a.b/x", "/x", "/", "", "x", "#x", "?x", "/\\a.b", "\\\\a.b", "/\t/a.b",
    "\n//a.b", " //a.b", "ht\ntps://a.b", "&#47;/a.b", "/&sol;a.b", "https&colon;//a.b", "https:x",
    "x:y", "a/b:c", "x//y", "./x", "../x", "url(//a.b)", "u\\72l(//a.b)", "@import '//a.b'", "red",
    "x//a.b", "%2f/a.b", "é//a.b", "&//a.b", "http:a.b", "HTTP://a.b", "//", "/?//a.b", "/&Tab;/a.b",
    "\x01//a.b", "&#1;//a.b", "&#9;//a.b", "x, //a.b 2x", "dns-prefetch", "stylesheet", "refresh",
    "0;url=//a.b", "text/html", "&NewLine;//a.b", "/&#x5c;a.b", "&#x68;ttps://a.b", "a&//b",
))  # fmt: skip


@st.composite
def tags(draw: st.DrawFn) -> str:
    """One start tag with attributes in all their spellings."""
    out = ["<", draw(ELEMENTS)]
    for _ in range(draw(st.integers(0, 3))):
        space = draw(st.sampled_from((" ", " ", "\n", "/", "  ", "\t", " / ")))
        value, quote = draw(VALUES), draw(st.sampled_from(('"', "'", "", None)))
        name = draw(NAMES)
        equals = draw(st.sampled_from(("=", "=", " = ", "=\n")))
        if quote is None:
            out.append(space + name)
        elif quote:
            out.append(f"{space}{name}{equals}{quote}{value.replace(quote, '')}{quote}")
        else:
            value = "".join(one for one in value if one not in "\t\n\f\r >\"'") or "x"
            out.append(f"{space}{name}{equals}{value}")
    return "".join([*out, draw(st.sampled_from(("", " ", "/", " /"))), ">"])


def edited(data: bytes, *, foreign: bool = False, xml: bool = False) -> bytes:
    """The tag without ``SKIP`` before it."""
    urls = UrlMap(Codec("gw.test"), PAGE)
    editor = TagEditor(urls, origin(PAGE), lambda text: text + "!", encoding="utf-8", xml=xml)
    tag = tokens.START_TAG.match(data)
    assert tag is not None, data
    assert tag.end() == len(data), data
    return editor.edit(data, tag, tag.group(1).lower(), "svg" if foreign else "html")


class SkipTests(SynchronousTestCase):
    """What one expression passes over needs no work."""

    @settings(deadline=None, max_examples=2000)
    @given(tags())
    def test_html(self, markup: str) -> None:
        """No tag that is edited, and none that changes the tokenizer's state."""
        data = markup.encode()
        for skip in (tokens.SKIP, tokens.SKIP_POINT):
            found = skip.match(data)
            if found is not None and found.end() == len(data):
                name = tokens.START_TAG.match(data)[1].lower()
                self.assertNotIn(name, STATES)
                self.assertEqual(edited(data), data)

    @settings(deadline=None, max_examples=2000)
    @given(tags())
    def test_foreign(self, markup: str) -> None:
        """In SVG and MathML also none that ends them or holds HTML."""
        data = markup.replace("x:href", "href").encode()  # no other prefix is known in HTML
        found = tokens.SKIP_FOREIGN.match(data)
        if found is not None and found.end() == len(data):
            name = tokens.START_TAG.match(data)[1].lower()
            points = tokens.SVG_POINTS | tokens.MATH_POINTS | tokens.BREAKOUT
            self.assertNotIn(name, points | {b"svg", b"math", b"annotation-xml", b"font"})
            self.assertEqual(edited(data, foreign=True), data)

    @settings(deadline=None, max_examples=2000)
    @given(tags())
    def test_xml(self, markup: str) -> None:
        """In XML none with a prefixed ``href`` or a sheet."""
        data = markup.encode()
        found = tokens.SKIP_XML.match(data)
        if found is not None and found.end() == len(data):
            name = tokens.START_TAG.match(data)[1].lower()
            self.assertNotEqual(name.rpartition(b":")[2], b"style")
            self.assertEqual(edited(data, foreign=True, xml=True), data)

    @settings(deadline=None, max_examples=1000)
    @given(tags(), st.sampled_from(("", "text", "<p class=x>", "</p>", "<<", "< ", "&<", "<!-->")))
    def test_whole(self, markup: str, before: str) -> None:
        """The rewriter makes of a tag what the editor makes of it, whatever stands before."""
        if "srcdoc" in markup:
            return
        data = markup.encode()
        out = run(rewriter(), [before.encode() + data])
        self.assertEqual(out, before.encode() + edited(data))

    def test_end_tags(self) -> None:
        """Those that leave foreign content are never passed over in it."""
        closing = [*tokens.CLOSING, b"svg", b"math", b"desc", b"foreignObject", b"mi"]
        for name in closing:
            for end in (b">", b" >", b"\n>", b"/>", b" x>"):
                for one in (name, name.upper()):
                    tag = b"</" + one + end
                    found = tokens.SKIP_FOREIGN.match(tag)
                    self.assertLess(found.end() if found else 0, len(tag), tag)
        for name in (b"svg", b"math", b"desc", b"foreignObject", b"mi", b"annotation-xml"):
            tag = b"</" + name + b">"
            found = tokens.SKIP_POINT.match(tag)
            self.assertLess(found.end() if found else 0, len(tag), tag)

    def test_what_it_stops_at(self) -> None:
        """Unfinished tokens, tags with work, and text that may hide something."""
        for markup in (
            b"<!--", b"<!-- x --", b"<!--x->", b"<?x", b"<!x>", b"<![CDATA[x]]>", b"<!doctype html", b"</>", b"</ x>", b"<a", b"<a ", b"<a href", b"<a href=",
            b"<a href='", b"<a x='>", b"</a", b"</a x=>", b"<", b"<script>", b"<svg>", b"<style >",
            b"<a href='//x'>", b"<a style='x:url(y)'>", b"<base>", b"<title>x", b"<title>x</titles>",
            b"<title>x</title", b"<script>x</script", b'<script src="//x"></script>',
            b"<script><!-- <script> --></script>", b"<script type=module></script>",
            b'<script type="importmap"></script>', b"<script><!-- x -->", b"<titles",
            b"<meta http-equiv=refresh content='0;url=//x'>", b'<meta http-equiv="refresh">',
            b'<meta http-equiv="content-type" http-equiv=refresh>', b"<meta HTTP-EQUIV='x'>",
            b"<link rel=dns-prefetch>", b'<link rel="dns-prefetch">', b'<link rel="a&#45;b">',
            b"<link integrity=x>", b'<link rel="x" href="//x">',
        ):  # fmt: skip
            for before in (b"", b"text", b"<p>", b"</p>", b"<p>text<i>", b"a < b", b"<3"):
                found = tokens.SKIP.match(before + markup)
                self.assertEqual(found.end() if found else 0, len(before), (before, markup))

    def test_what_it_passes(self) -> None:
        """The commonest markup in one step."""
        for markup in (
            b"<p>", b"</p>", b"text", b"<a href='#x'>", b'<a class="x" href="y/z">', b"<br/>",
            b"<h1 id=x>", b"<td colspan=2>", b"</div >", b"<input type=text value='//x'>", b"a < b",
            b"<a href='/x' title='https://a.b'>", b"<p style='color:red'>", b"<img src='x.png' alt=''>",
            b"<meta>", b"<META charset=utf-8>", b'<meta http-equiv="Content-Type" content="a/b; c=d">',
            b'<link rel="stylesheet" href="x.css">', b"<link href=/x>", b"<!---->", b"<!-->", b"<!--->",
            b"<!-- - -- <p> -->", b"<!--x--!>", b"<!doctype html>", b"<?xml version='1.0'?>",
            b"<title>a <b> </titles> c</title>", b"<TITLE lang=x>a</Title >", b"<script></script>",
            b'<script src="x.js" integrity="y" type="text/javascript">a < b</SCRIPT>',
            b"<script><!-- x </scripts> --></script>",
        ):  # fmt: skip
            found = tokens.SKIP.match(markup * 3)
            self.assertEqual(found.end() if found else 0, 3 * len(markup), markup)


class ExpressionTests(SynchronousTestCase):
    """Single expressions."""

    def test_attributes(self) -> None:
        """Names and values by the tokenizer's states."""
        table: dict[bytes, list[tuple[bytes, ...]]] = {
            b" a=b c='d' e=\"f\" g": [(b"a", b"b"), (b"c", b"d"), (b"e", b"f"), (b"g",)],
            b" a = b": [(b"a", b"b")],
            b" =a=b": [(b"=a", b"b")],
            b" a==b": [(b"a", b"=b")],
            b" a='b'c=d": [(b"a", b"b"), (b"c", b"d")],
            b"/a/b/": [(b"a",), (b"b",)],
            b" a=b/": [(b"a", b"b/")],
            b" a=": [(b"a",)],
            b" \"a'=b": [(b"\"a'", b"b")],
            b" a=b\"c'd": [(b"a", b"b\"c'd")],
            b" a\n=\n'\n'": [(b"a", b"\n")],
            b" <a=<b": [(b"<a", b"<b")],
        }
        for markup, wanted in table.items():
            found = [
                tuple(one for one in match.groups() if one is not None)
                for match in tokens.ATTRIBUTE.finditer(markup)
            ]
            self.assertEqual(found, wanted, markup)

    def test_start_tags(self) -> None:
        """Where a tag ends; None: not yet."""
        table = {
            b"<a>x": 3, b"<a x>y": 5, b"<a x='>'>y": 9, b'<a x=">">y': 9, b"<a x=y>z": 7, b"<a x='": None,
            b"<a": None, b"<a x=": None, b"<a x= ": None, b"<a x=>y": 6, b"<a x='y'z>": 10, b"< a>": None,
            b"<a x=y'>z'>": 8, b"<a 'x>y'>": 6, b"<a/>": 4, b"<a / >": 6, b"<a x = '>' >": 12, b"<1>": None,
            b"<a x=y/>": 8, b"<a x=\x00>": 7, b"<a\x00>": 4, b"<a<b>": 5, b"<a=b>": 5,
        }  # fmt: skip
        for markup, end in table.items():
            found = tokens.START_TAG.match(markup)
            self.assertEqual(found and found.end(), end, markup)

    def test_raw_text_ends(self) -> None:
        """At an end tag of the same name, in any case, and of no longer name."""
        end = tokens.end_of_raw_text(b"title")
        for markup, place in (
            (b"x</title>", 1), (b"</TITLE >", 0), (b"</title/", 0), (b"</titlex></title>", 9),
            (b"</title", None), (b"<title>", None), (b"< /title>", None), (b"</ti</title>", 4),
        ):  # fmt: skip
            found = end.search(markup)
            self.assertEqual(found and found.start(), place, markup)
