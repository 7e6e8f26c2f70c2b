"""The HTML rewriter on XHTML and SVG documents, which are XML."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rewrite import cut, octets, run
from tests.rewrite.test_html import TableCase, marked, rewriter

ROWS = (
    "<a href='«//a.b»'/>", '<a href="«https://a.b/x?y&amp;z»">', "<x:a xlink:href='«//a.b»'/>",
    "<svg:image l:href='«//a.b»'/>", "<image xlink:href='«//a.b»' href='«//a.b»'/>",
    "<img src='«//a.b»'></img>", "<img srcset='«//a.b» 2x'/>", "<p style='a:url(«//a.b»)'/>",
    "<rect fill='url(«//a.b»)' stroke='url(#x)'/>", "<object data='«//a.b»'/>",
    "<p href2='//a.b' title='//a.b'/>", "<a\nhref\n=\n'«//a.b»'\n/>", "<a title='>' href='«//a.b»'/>",
    # nothing is raw text but a style sheet, which is markup as well
    "<title><a href='«//a.b»'/></title>", "<textarea><a href='«//a.b»'/></textarea>",
    "<script><![CDATA[\"<a href='//a.b'>\"]]></script><a href='«//a.b»'/>",
    "<script src='«//a.b»'/><a href='«//a.b»'/>", "<noscript><a href='«//a.b»'/></noscript>",
    "<style>a{b:url(«//a.b»)}</style><a href='«//a.b»'/>", "<style/><a href='«//a.b»'/>",
    "<style ><![CDATA[a>b{c:url(«//a.b»)}]]></style><a href='«//a.b»'/>",
    "<svg:style>@import '«//a.b»';</svg:style><a href='«//a.b»'/>", "<style></style ><a href='«//a.b»'/>",
    "<style type='text/css'/><p/><style>a{b:url('«//a.b»')}</style>", "<svg/><title/><a href='«//a.b»'/>",
    "<xmp><a href='«//a.b»'/></xmp>", "<iframe src='«//a.b»'/><a href='«//a.b»'/>",
    # what is no markup
    "<p><![CDATA[<a href='//a.b'/>]]]]><a href='«//a.b»'/></p>", "<!-- <a href='//a.b'/> --><b/>",
    "<![CDATA[]]><a href='«//a.b»'/>", "<![CDATA[]>]]]><a href='«//a.b»'/>", "<![CDATA[<![CDATA[]]><a/>",
    "<?x <a href='//a.b'> ?><a href='«//a.b»'/>", "<?xml version='1.0'?><a href='«//a.b»'/>",
    "<?xml-stylesheet href='«//a.b»' type='text/css'?><a href='«//a.b»'/>",
    '<?xml-stylesheet type="text/css" href="«https://a.b/?x&amp;y»"?>', "<?xml-stylesheet href='x'?>",
    "<?xml href='//a.b'?><?x-stylesheet href='//a.b'?>",
    # doctypes
    "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0//EN' 'http://a.b/x.dtd'><a href='«//a.b»'/>",
    "<!DOCTYPE html [<!ENTITY x \"<a href='//a.b'>]>\">]><a href='«//a.b»'/>",
    "<!DOCTYPE svg [ <!ATTLIST a b CDATA '>'> ] ><a href='«//a.b»'/>",
    "<!DOCTYPE svg SYSTEM 'x' [\n<!ENTITY y 'z'>\n]>\n<svg href='&y;'/>", "<!DOCTYPE html>",
    "<!DOCTYPE x [<!-- it's --><!ENTITY y 'z'>]><a href='«//a.b»'/>",
    "<!DOCTYPE x [<?y '?><!ENTITY y 'z'>]><a href='«//a.b»'/>",
    # elements judged together
    "<animate attributeName='xlink:href' values='«//a.b»;x;«//c.d»'/>", "<set attributeName='x' to='//a'/>",
    "<meta http-equiv='refresh' content='0;url=«//a.b»'/>", "<x:link rel='stylesheet' href='«//a.b»'/>",
    # entities of a DTD are not known here, and a URL with one stays
    "<a href='&x;//a.b'/>", "<a href='x&eacute;'/>", "<a href='mailto:x'/>", "<a href=''/>",
)  # fmt: skip


class XmlTests(TableCase):
    """XHTML and SVG."""

    def test_table(self) -> None:
        """Every row in every chunking."""
        self.check_marked(ROWS, xml=True)
        self.check_marked(tuple(f"<p>\n{row}</p>" for row in ROWS if "<!D" not in row), xml=True)

    def test_references(self) -> None:
        """XML's own references and no others."""
        host = "https-a-b.0.gw.test"
        table = {
            "<a href='&#x2f;&#47;a.b'/>": f"<a href='//{host}'/>",
            "<a href='//a.b/?x&amp;y&lt;&apos;'/>": f"<a href='//{host}/?x&amp;y&lt;&#39;'/>",
            '<a href="//a.b/&quot;"/>': f'<a href="//{host}/&quot;"/>',
            "<base href='http://c.d/'/><a href='//a.b'/>": (
                "<base href='https://http-c-d.0.gw.test/'/><a href='//http-a-b.0.gw.test'/>"
            ),
            "<iframe srcdoc='&lt;a href=//a.b&gt;'/>": (
                f"<iframe srcdoc='&lt;a href=\"//{host}\"&gt;'/>"
            ),
        }
        for before, after in table.items():
            self.check(before, after, xml=True)

    def test_escaped_style_sheets(self) -> None:
        """References within a sheet are XML's and stay, so that the document stays one."""
        before = "<style>a&gt;b{c:url(//a.b/?x&amp;y)} d{e:url('//a.b')}</style><a href='//a.b'/>"
        out = run(rewriter(xml=True), [before.encode()])
        root = ET.fromstring(b"<x>" + out + b"</x>")
        self.assertEqual(
            root[0].text,
            "a>b{c:url(//https-a-b.0.gw.test/?x&y)} d{e:url('//https-a-b.0.gw.test')}",
        )

    def test_references_in_style_sheets(self) -> None:
        """A browser sees the sheet decoded; so must the map."""
        before = b"<style>a{b:url(&quot;//a.b&quot;);c:url(&#x2f;/a.b)}</style>"
        out = run(rewriter(xml=True), [before])
        self.assertEqual(
            ET.fromstring(out).text,
            'a{b:url("//https-a-b.0.gw.test");c:url(//https-a-b.0.gw.test)}',
        )

    def test_it_stays_well_formed(self) -> None:
        """What was XML still is, though values were mapped."""
        for row in ROWS:
            before = f'<r xmlns:xlink="x" xmlns:l="l" xmlns:x="y" xmlns:svg="s">{row}</r>'
            before = row if row.startswith(("<?xml", "<!D")) else before
            before = marked(before)[0]
            try:
                ET.fromstring(before)
            except ET.ParseError:
                continue
            ET.fromstring(run(rewriter(xml=True), [before.encode()]))

    @settings(deadline=None, max_examples=300)
    @given(
        st.lists(st.sampled_from(ROWS), min_size=1, max_size=4),
        st.lists(st.integers(0, 10_000), max_size=6),
    )
    def test_any_chunks(self, rows: list[str], places: list[int]) -> None:
        """Any mixture of the rows gives the same octets for any chunks."""
        data = marked("".join(rows))[0].encode()
        whole = run(rewriter(xml=True), [data])
        self.assertEqual(run(rewriter(xml=True), cut(data, places)), whole)
        self.assertEqual(run(rewriter(xml=True), octets(data)), whole)

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
    def test_any_octets(self, data: bytes, places: list[int]) -> None:
        """Any octets at all come out as they were."""
        self.assertEqual(run(rewriter(xml=True), cut(data, places)), data)

    def test_bounds(self) -> None:
        """Long instructions and doctypes neither wait for ever nor cost what follows."""
        for first, last in ((b"<?x ", b"?>"), (b"<!--", b"-->"), (b"<![CDATA[", b"]]>")):
            document = first + b"x'" * 9000 + last + b"<a href='//a.b'/>"
            chunks = octets(document, 100)
            out = run(rewriter(xml=True, limit=1000), chunks)
            self.assertEqual(out, document.replace(b"//a.b", b"//https-a-b.0.gw.test"), first)
