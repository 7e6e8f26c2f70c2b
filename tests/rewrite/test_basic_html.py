"""Mode ``basic``: of no document does anything stay that runs script."""

from __future__ import annotations

import re
from itertools import islice
from time import process_time
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite.basic_html import BasicRewriter
from gateway.rewrite.urls import UrlMap
from tests.rewrite import cut, octets, origin, run
from tests.rewrite.inert import CONTEXTS, by_html5ever, findings, of_element
from tests.rewrite.injections import CODE, IMAGES, PLACES, SPELLINGS, WAYS, documents
from tests.rewrite.test_html_hostile import HOSTILE, LARGE, SMALL, WHOLE
from tests.rewrite.test_html_oracle import BETWEEN, ODD, pages

PAGE = "https://page.example/d/page?q"


def rewriter(**more: Any) -> BasicRewriter:
    """A fresh rewriter for the page."""
    return BasicRewriter(UrlMap(Codec("gw.test"), PAGE), origin(PAGE), **more)


def basic(markup: str | bytes, **more: Any) -> str:
    """The document in one chunk."""
    data = markup if isinstance(markup, bytes) else markup.encode("utf-8", "replace")
    return run(rewriter(**more), [data]).decode("utf-8", "replace")


class InertTests(SynchronousTestCase):
    """What other parsers say of the result."""

    def test_the_judges(self) -> None:
        """They find what is active where nothing was rewritten, or they prove nothing."""
        found = [text for text in documents() if findings(text)]
        self.assertGreater(len(found), len(documents()) * 2 // 3)
        self.assertGreater(sum(bool(by_html5ever(text)) for text in documents()), 800)

    def test_every_injection(self) -> None:
        """Nothing is active with scripting on or off, and html5ever agrees."""
        wrong = []
        for text in documents():
            out = basic(text)
            found = findings(out) + by_html5ever(out)
            if found:
                wrong.append((text, out, found))
        self.assertEqual(wrong[:5], [], len(wrong))

    def test_in_every_context(self) -> None:
        """Whatever state a parser is in when it comes to the document."""
        wrong = []
        for text in [way.replace("§", CODE) for way in WAYS] + documents()[:300]:
            out = basic(text)
            found = findings(out, contexts=CONTEXTS)
            if found:
                wrong.append((text, out, found))
        self.assertEqual(wrong[:5], [], len(wrong))

    def test_again(self) -> None:
        """What came out comes out again: nothing is left to be done."""
        for text in documents():
            once = basic(text)
            self.assertEqual(basic(once), once, text)

    def test_chunks(self) -> None:
        """Every chunking gives the same octets."""
        for text in documents()[::7] + [way.replace("§", CODE) for way in WAYS]:
            data = text.encode("utf-8", "replace")
            whole = run(rewriter(), [data])
            for size in (1, 3, 17):
                self.assertEqual(run(rewriter(), octets(data, size)), whole, (size, text))

    def test_sandwiches(self) -> None:
        """Malformed markup of every kind around what is active."""
        active = "<a href=javascript:alert(1)><img src=x onerror=alert(1)><script>alert(1)</script>"
        wrong = []
        for pattern in (active + "§" + active, *BETWEEN):
            for text in ODD[::5]:
                markup = re.sub(r"//probe.example/\d", "javascript:1", pattern).replace("§", text)
                out = basic(markup)
                found = findings(out)
                if found:
                    wrong.append((markup, out, found))
        self.assertEqual(wrong[:5], [], len(wrong))


SOUP = st.lists(
    st.sampled_from((
        "<svg>", "</svg>", "<math>", "</math>", "<mtext>", "<mi>", "<annotation-xml encoding=text/html>",
        "<foreignObject>", "<desc>", "<title>", "</title>", "<style>", "</style>", "<textarea>",
        "</textarea>", "<xmp>", "</xmp>", "<iframe>", "</iframe>", "<noembed>", "</noembed>",
        "<noframes>", "</noframes>", "<noscript>", "</noscript>", "<plaintext>", "<select>", "</select>",
        "<option>", "<table>", "</table>", "<td>", "<caption>", "<colgroup>", "<frameset>", "<template>",
        "</template>", "<p>", "</p>", "<br>", "<b>", "<form>", "</form>", "<object>", "</object>",
        "<script>", "</script>", "<script/>", "<!--", "-->", "--!>", "<!-->", "<![CDATA[", "]]>", "<!x", "<?x",
        "</ ", "<", ">", "/>", '"', "'", "`", "=", " ", "&lt;", "<a title='", '<a title="', "<x ", "/",
        "<img src=x onerror=alert(1)>", "onerror=alert(1)", "<svg onload=alert(1)>", "alert(1)", "\0",
        "<a href=javascript:alert(1)>", '<a href="javascript:alert(1)">', "href=javascript:alert(1) ",
        "<iframe srcdoc='<script>alert(1)</script>'>", "<font color=x>", "<mglyph>", "<malignmark>",
        "<image xlink:href=javascript:1 onerror=1>", "<set attributeName=onload to=alert(1)>", "<hr>",
    )),
    max_size=14,
).map("".join)  # fmt: skip


class SoupTests(SynchronousTestCase):
    """Anything at all."""

    @settings(deadline=None, max_examples=400)
    @given(SOUP, st.lists(st.integers(0, 999), max_size=4), st.sampled_from(CONTEXTS))
    def test_soup(self, markup: str, places: list[int], context: str) -> None:
        """Tokens in any order: inert in any context, for any parser, in any chunks."""
        data = markup.encode()
        out = run(rewriter(), [data])
        text = out.decode()
        self.assertEqual(findings(text, contexts=("", context)), [], (markup, text))
        self.assertEqual(by_html5ever(text), [], (markup, text))
        self.assertEqual(run(rewriter(), cut(data, places)), out, markup)

    @settings(deadline=None, max_examples=100)
    @given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=4))
    def test_octets(self, data: bytes, places: list[int]) -> None:
        """Any octets, in every encoding."""
        for encoding in ("utf-8", "shift_jis", "gb18030", "cp1252"):
            out = run(rewriter(encoding=encoding), [data])
            self.assertEqual(run(rewriter(encoding=encoding), cut(data, places)), out)
            self.assertEqual(findings(out.decode("latin-1")), [])


class LeavingTests(SynchronousTestCase):
    """Links to the device: those stay that something says may."""

    def _given(self, markup: str, **more: Any) -> str:
        made = rewriter(**more)
        made.let_leave(lambda url: url.strip().lower().startswith("tel:"))
        return run(made, [markup.encode()]).decode()

    def test_links(self) -> None:
        """A link stays or is left without its address; what nobody chooses goes in any case."""
        table = [
            ("<a href=tel:+1>x</a>", "<a href=tel:+1>x</a>"),
            ("<a href=' TEL:1' class=b>x</a>", "<a href=' TEL:1' class=b>x</a>"),
            ("<map><area href='tel:1'></map>", "<map><area href='tel:1'></map>"),
            ("<a href=mailto:x@y.example class=b>x</a>", "<a class=b>x</a>"),
            ("<a href='mai&#x6c;to:x'>x</a>", "<a>x</a>"),
            ("<a href='\nma\tilto:x'>x</a>", "<a>x</a>"),
            ("<a href='intent://x#Intent;end'>x</a>", "<a>x</a>"),
            (
                "<a href='/x:y'>x</a><a href='?a:b'>x</a>",
                "<a href='/x:y'>x</a><a href='?a:b'>x</a>",
            ),
            ("<form action=mailto:x><button formaction=sms:1>", "<form><button>"),
            ("<form action=tel:1>", "<form>"),
            ("<iframe src=tel:1></iframe>", "<iframe></iframe>"),
            ("<meta http-equiv=refresh content='0;url=tel:1'>", "<meta http-equiv=refresh>"),
            ("<meta http-equiv=refresh content='0; geo:1,2'>", "<meta http-equiv=refresh>"),
            (
                "<svg><a xlink:href=sms:1><text>x</text></a></svg>",
                "<svg><a><text>x</text></a></svg>",
            ),
            (
                "<svg><a><set attributeName=href to=sms:1 /></a></svg>",
                "<svg><a><set attributeName=href /></a></svg>",
            ),
        ]
        for text, wanted in table:
            self.assertEqual(self._given(text), wanted)
        # A refresh without such an address is what it was.
        self.assertIn("content", self._given("<meta http-equiv=refresh content='5'>"))

    def test_in_frames(self) -> None:
        """Documents in attributes are judged by the same rule."""
        out = self._given("<iframe srcdoc='<a href=sms:1>x</a><a href=tel:2>y</a>'></iframe>")
        self.assertNotIn("sms:", out)
        self.assertIn("tel:2", out)

    def test_in_xml(self) -> None:
        """XML has the same links, and references of its own."""
        text = '<svg xmlns="http://www.w3.org/2000/svg"><a href="&#115;ms:1">x</a></svg>'
        self.assertNotIn("href", self._given(text, xml=True))


class KeptTests(SynchronousTestCase):
    """What must stay."""

    def test_pages(self) -> None:
        """Real pages differ from mode ``full`` in what is active alone."""
        from tests.rewrite.test_html_oracle import rewritten

        same = 0
        for path in pages()[::3]:
            data = path.read_bytes()
            out = run(rewriter(), [data])
            self.assertEqual(findings(out.decode("latin-1")), [], path)
            self.assertEqual(run(rewriter(), octets(data, 1000)), out, path)
            if not re.search(
                rb"(?i)<script|<noscript|javascript:|\son[a-z]+=|<!--|=[\"']<|<object", data
            ):
                wanted = rewritten(data)
                if out != wanted:
                    at = next(
                        i for i, (a, b) in enumerate(zip(out, wanted, strict=False)) if a != b
                    )
                    self.fail(f"{path}: {out[at - 80 : at + 80]!r} {wanted[at - 80 : at + 80]!r}")
                same += 1
        self.assertGreater(same, 5)

    def test_untouched(self) -> None:
        """Harmless markup, to the octet."""
        for text in (
            "<!doctype html><html lang=en><head><meta charset=utf-8><title>a &amp; b < c</title>",
            "<p class=x>text</p><!-- comment --><br/><hr><input type=text value='on' name=onion>",
            "<a href='/x?a=1&b=2#f' target=_blank title='javascript: the good parts'>x</a>",
            "<a href=mailto:x@y.example>x</a><a href=tel:+1>x</a><a href='intent://x'>x</a>",
            "<img src='data:image/png;base64,AAAA' srcset='/a.png 1x, /b.png 2x' alt='<'>",
            "<img src='data:image/svg+xml,%3Csvg/%3E'><a href='data:text/plain,x' download>x</a>",
            "<style>a{scroll-behavior:smooth;overscroll-behavior: none}@media (width <= 6px){}</style>",
            "<style>a > b{content:'x'}\n@import '/x.css';</style><p style='color:red'>",
            "<form action=/s><input name=q></form><form method=post action=/s></form>",
            "<svg viewBox='0 0 1 1'><path d='M0 0'/><use href='#a'/><title>x</title></svg>",
            "<svg><animate attributeName=x from=0 to=1 dur=1s /></svg><math><mi>x</mi></math>",
            "<video src=/v.mp4 controls poster=/p.png><track src=/t.vtt></video>",
            "<template><p>x</p></template><details open><summary>x</summary></details>",
            "<meta http-equiv=refresh content='5; url=/x'><base href=/d/><link rel=preload as=style href=/x>",
            "<textarea>a < b &amp; c</textarea><select><option>1</select><iframe src=/x></iframe>",
            "1 < 2 <3 <= </p>&lt;script&gt;alert(1)&lt;/script&gt;",
            "<meta http-equiv=X-UA-Compatible content=IE=edge><button type=submit name=on>x</button>",
        ):
            self.assertEqual(basic(text), text)

    def test_what_becomes_of_it(self) -> None:
        """What stands there instead, one by one."""
        for given_text, wanted in (
            ("a<noscript>b<img src=/x></noscript>c", "ab<img src=/x>c"),
            ("<object data=x>else</object>", "else"),
            ("a<script>b</script>c<script/>d</script>e", "ace"),
            ("<svg><script/><g/></svg>", "<svg><g/></svg>"),
            ("<a href=javascript:x id=y>", "<a id=y>"),
            ("<br onclick=x/>", "<br>"),
            ("<br onclick=x />", "<br />"),
            ("<xmp><b>&amp;</xmp>x", "<pre>\n&lt;b>&amp;amp;</pre>x"),
            ("<plaintext>a<b>&", "<pre>\na&lt;b>&amp;"),
            ("<noframes><p></noframes>x<noembed><p></noembed>", "x"),
            ("<iframe src=/x><p>old</iframe>", "<iframe src=/x></iframe>"),
            ("<title>a<b></title>", "<title>a&lt;b></title>"),
            ("<p title='<b>'>", "<p title='&lt;b>'>"),
            ("<!--<b>-->", "<!--&lt;b>-->"),
            ("<svg><![CDATA[a<b&]]></svg>", "<svg>a&lt;b&amp;</svg>"),
            ("<style>a{b:url('data:image/svg+xml,<svg>')}</style>",
             "<style>a{b:url('data:image/svg+xml,<\\73 vg>')}</style>"),
            ("<link rel=modulepreload href=x>", "<link>"),
            ("<meta http-equiv=refresh content='0;javascript:x'>", "<meta http-equiv=refresh>"),
            ("<a href=//b.example/x onclick=y>", '<a href="//https-b-example.0.gw.test/x">'),
            ("<base href='https://b.example/'>", "<base href='https://https-b-example.0.gw.test/'>"),
            ("<p>x<img src=x onerror=y", "<p>x"),
            ("<a ping=/x href=/y>", "<a href=/y>"),
            ("</p title='<b>'>", "</p>"),
        ):  # fmt: skip
            self.assertEqual(basic(given_text), wanted)

    def test_srcdoc(self) -> None:
        """A document within is rewritten like the one around it, ours put in behind."""
        markup = "<iframe srcdoc='<noscript>a</noscript><p onclick=x>'></iframe>"
        self.assertEqual(basic(markup), "<iframe srcdoc='a&lt;p&gt;'></iframe>")
        out = basic(markup, frame_markup=b"<script>ours</script>")
        self.assertIn("&lt;script&gt;ours", out)
        self.assertNotIn("onclick", out)

    def test_a_policy_stays(self) -> None:
        """Of a Content-Security-Policy nothing is lost."""
        out = basic("<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">")
        self.assertIn("script-src", out)


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:h="http://www.w3.org/1999/xhtml">§</svg>'


class XmlTests(SynchronousTestCase):
    """XHTML and SVG documents."""

    def active(self, text: str) -> list[str]:
        """What expat's tree of a document has that is active."""
        out = []
        for node in ET.fromstring(text).iter():
            values = {name.rpartition("}")[2]: value for name, value in node.attrib.items()}
            out += list(of_element(node.tag.rpartition("}")[2], values))
        return out

    def test_ways(self) -> None:
        """Every way, well-formed before and after."""
        for way in (
            "<script>alert(1)</script>", "<script><![CDATA[ '</script>' ]]></script><g/>",
            "<h:script>alert(1)</h:script>", "<script/>", "<script xlink:href='x'/>", "<_:script xmlns:_='http://www.w3.org/1999/xhtml'>1</_:script>",
            "<h:script><h:script>1</h:script></h:script>", "<style><h:script>1</h:script></style>",
            "<\u00e9:script xmlns:\u00e9='http://www.w3.org/1999/xhtml'>1</\u00e9:script>", "<g onload='x'/>",
            "<a xlink:href='javascript:x'/>", "<a xlink:href='java&#9;script:x'/>", "<a href='&#106;avascript:x'/>",
            "<a xmlns:y='http://www.w3.org/1999/xlink' y:href='javascript:x'/>", "<set attributeName='href' to='javascript:x'/>",
            "<animate attributeName='xlink:href' values='x;javascript:y'/>", "<handler>x</handler>", "<use href='data:image/svg+xml,x'/>",
            "<foreignObject><h:iframe srcdoc='&lt;script>1&lt;/script>'/></foreignObject>", "<h:object data='x'><g/></h:object>",
            "<foreignObject><h:embed src='x'/></foreignObject>", "<a xml:base='javascript:x' href='y'/>", "<h:a href='data:text/html,x'/>",
            "<script><!-- </script> --></script>", "<script><?x </script> ?></script>", "<h:link rel='import' href='x'></h:link>",
        ):  # fmt: skip
            text = SVG.replace("§", way + "<path/>")
            self.assertTrue(self.active(text) or "import" in way, way)
            for size in (1, 7, 1000):
                out = run(rewriter(xml=True), octets(text.encode(), size)).decode()
                self.assertEqual(self.active(out), [], (way, out))
                self.assertTrue(out.endswith("<path/></svg>"), (way, out))

    def test_doctypes(self) -> None:
        """Of an internal subset only names of namespaces stay: entities may hold markup."""
        for before, wanted in (
            ("<!DOCTYPE svg>", "<!DOCTYPE svg>"),
            ('<!DOCTYPE html PUBLIC "-//[W3C]>" "x">', '<!DOCTYPE html PUBLIC "-//[W3C]>" "x">'),
            ("<!DOCTYPE svg [<!ENTITY x '<script/>'>]>", "<!DOCTYPE svg >"),
            ("<!DOCTYPE svg [<!ATTLIST svg onload CDATA 'x'>]>", "<!DOCTYPE svg >"),
            ("<!DOCTYPE svg [<!-- ]> ' --> <!ENTITY a \"http://a.b/\"> ] >",
             '<!DOCTYPE svg [<!ENTITY a "http://a.b/">]>'),
            ("<!DOCTYPE svg [<!ENTITY % x 'y'> %x; <!ENTITY j 'javascript:'>]>", "<!DOCTYPE svg >"),
            ("<?xml-stylesheet href='data:text/xsl,x'?><!DOCTYPE svg>", "<!DOCTYPE svg>"),
            ("<?xml version='1.0'?><?other x?>", "<?xml version='1.0'?><?other x?>"),
        ):  # fmt: skip
            for size in (1, 7, 1000):
                out = run(rewriter(xml=True), octets((before + "<svg/>").encode(), size)).decode()
                self.assertEqual(out, wanted + "<svg/>", before)

    def test_untouched(self) -> None:
        """Harmless XML, to the octet."""
        for text in (
            SVG.replace("§", "<style>a{b:c}</style><style><![CDATA[a > b{x:url(#y)}]]></style><!-- <b> -->"),
            SVG.replace("§", "<a xlink:href='#x'><text>a &amp; b</text></a><![CDATA[<script>]]><use href='/x#y'/>"),
            "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><p class='x'>y<br/></p></html>",
        ):  # fmt: skip
            self.assertEqual(basic(text, xml=True), text)

    def test_entities_of_xhtml(self) -> None:
        """With a doctype of XHTML, browsers know HTML's entities."""
        text = (
            '<html xmlns="http://www.w3.org/1999/xhtml"><a href="java&Tab;script&colon;x"/></html>'
        )
        self.assertNotIn("href", basic(text, xml=True))

    @settings(deadline=None, max_examples=300)
    @given(SOUP, st.lists(st.integers(0, 999), max_size=4))
    def test_soup(self, markup: str, places: list[int]) -> None:
        """Tokens in any order: every chunking agrees, and what still parses is inert."""
        data = SVG.replace("§", markup).encode()
        out = run(rewriter(xml=True), [data])
        self.assertEqual(run(rewriter(xml=True), cut(data, places)), out)
        try:
            found = self.active(out.decode())
        except ET.ParseError:
            found = []
        self.assertEqual(found, [], (markup, out))


class TimeTests(SynchronousTestCase):
    """Hostile markup costs linear time here, too."""

    def test_linear(self) -> None:
        """Four times the document takes about four times the time."""
        own = (
            (b"", b"<p title='<", b""), (b"<p title='", b"<a", b"'>"), (b"<style>", b"<a", b""),
            (b"<style>", b"expression", b""), (b"<style>", b"e/**/", b""), (b"<style>", b"\\65", b""),
            (b"<style>", b"behavior /**/", b""), (b"<!--", b"<a", b""), (b"<textarea>", b"<a", b""),
            (b"<p onclick=", b"x", b">"), (b"<p ", b"onclick=x ", b">"), (b"", b"<noscript>", b""),
            (b"<a href='", b" ", b"javascript:'>"), (b"<a href='", b"feed:", b"'>"),
            (b"<a href='", b"j ", b"'>"), (b"", b"<svg><script>", b""), (b"", b"<svg><style>", b""),
            (b"<img srcset='", b"javascript:x ", b"'>"), (b"<meta http-equiv=refresh content='", b"data ", b"'>"),
        )  # fmt: skip
        slow = []
        for xml in (False, True):
            for first, piece, last in (*own, *islice(HOSTILE, xml, None, 3)):
                for size in (WHOLE, 1460):
                    documents = [
                        first + piece * (length // len(piece)) + last
                        for length in (SMALL // 2, LARGE // 2)
                    ]
                    for attempts in (1, 3):
                        taken = [self._seconds(one, size, attempts, xml=xml) for one in documents]
                        if taken[1] <= 10 * taken[0] + 0.3:
                            break
                    else:
                        slow.append((first[:40], piece, last, size, xml, taken))
        self.assertEqual(slow, [])

    def _seconds(self, data: bytes, size: int, attempts: int, *, xml: bool) -> float:
        best = 99.0
        for _ in range(attempts):
            feeder, start = rewriter(xml=xml), process_time()
            run(feeder, octets(data, size))
            best = min(best, process_time() - start)
            if best < 0.1:
                break
        return best


class TableTests(SynchronousTestCase):
    """The tables are whole."""

    def test_places(self) -> None:
        """Every place shows its URL in the original, and every table is used."""
        for place in (*PLACES, *IMAGES):
            self.assertIn("§", place)
        self.assertGreater(len(SPELLINGS), 40)
