"""The HTML rewriter: which octets change, and that no others do."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite.csp import RuntimeSource
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.urls import UrlMap
from tests.rewrite import cut, octets, origin, run

PAGE = "https://page.example/d/page"
# What stands between guillemets is a URL that must be mapped; all else stays to the octet.
_MARKED = re.compile("«([^»]*)»")

URL_ATTRIBUTES = (
    "a/href", "area/href", "link/href", "img/src", "script/src", "iframe/src", "frame/src",
    "embed/src", "source/src", "track/src", "audio/src", "video/src", "input/src", "form/action",
    "button/formaction", "input/formaction", "video/poster", "object/data", "body/background",
    "table/background", "td/background", "th/background", "tr/background", "blockquote/cite",
    "q/cite", "ins/cite", "del/cite", "img/longdesc", "html/manifest", "head/profile",
    "object/codebase", "applet/codebase", "object/classid", "img/lowsrc", "img/dynsrc", "a/ping",
    "area/ping", "object/archive", "img/attributionsrc", "img/srcset", "source/srcset",
    "link/imagesrcset", "svg/href",
)  # fmt: skip
RAW_TEXT = ("title", "textarea", "style", "xmp", "iframe", "noembed", "noframes", "noscript")
SAME = (
    "", "text", "x < y", "a & b", "<", "</", "<!", "<!-", "<!--", "<a", "<a href", "<a href=",
    '<a href="https://a.b/', "<a href='https://a.b/>", "</a href=", "<3", "< a href=//a.b>",
    "<!-- <a href=//a.b> -->", "<!doctype html SYSTEM 'https://a.b/x.dtd'>", "<?x https://a.b?>",
    '<a href="/x//y?https://a.b#//c">', '<a href="x">', '<a href="?//a.b">', '<a href="#//a.b">',
    '<a href="./x:y">', '<a href="mailto:a@b.c">', '<a href="javascript:x(\'//a.b\')">',
    '<a href="data:text/html,<a href=//a.b>">', '<a href="about:blank">', '<a href="blob:x">',
    '<a href="tel:1">', '<a href="">', "<a href>", "<a href=>", "<a href= >", '<a href="//">',
    '<a href="https://">', '<a href="https://a.b:99999/">', '<a href="https://[/">',
    '<a href="https://gw.test/x">', '<a href="https://https-a-b.0.gw.test/x">',
    '<a title="https://a.b/" alt="//a.b" value="https://a.b" content="//a.b" id="//a.b">',
    '<div data="https://a.b/"><li value="https://a.b">', '<meta name=x content="https://a.b/">',
    '<a "href="//a.b">', '<a =href="//a.b">', '<a xhref="//a.b">', '<a data-href="//a.b">',
    '<a hreflang="//a.b">', "<p onclick=\"go('https://a.b')\">", "<script>'https://a.b'</script>",
    '</a href="https://a.b/">', '</p title=">" href="//a.b">', '<script src="x.js"></script>',
    '<img srcset="a 1x, b 2x">', "<style>a{b:c}</style>", '<p style="color:red">',
    "<title><a href=//a.b></title>", "<textarea><a href=//a.b></textarea>",
    "<plaintext><a href=//a.b></plaintext><a href=//a.b>", "<noscript><img src=//a.b></noscript>",
    "\xef\xbb\xbf<p>", "<a\x00href=//a.b>", "<p>\x00\x80\xff</p>", "<p class=a class=b/>",
    '<meta http-equiv="refresh" content="5">', '<meta http-equiv=refresh content="0; url=x">',
    "<script type=importmap>{}</script>", "<script type=importmap>{nothing</script>",
    '<link rel="preconnect" href="/">', '<link rel=stylesheet href="x" >',
    '<script src="x" integrity="sha256-abc="></script>', '<a href="x&amp;y&copy;">',
    '<link rel=preload as=script href="x" integrity="sha256-abc=">',
)  # fmt: skip
TOKENS = (
    # comments, however they end, and what is none
    "<!--><a href='«//a.b»'>", "<!---><a href='«//a.b»'>", "<!----><a href='«//a.b»'>",
    "<!----!><a href='«//a.b»'>", "<!--x--!><a href='«//a.b»'>", "<!--x-- ><a href='//a.b'>-->",
    "<!---!><a href='//a.b'>--><a href='«//a.b»'>", "<!-- <!-- --><a href='«//a.b»'>",
    "<!--<!--><a href='«//a.b»'>", "<!--x--->'<a href='«//a.b»'>", "<!->'<a href='«//a.b»'>",
    "<!x '><a href='«//a.b»'>", "<?x '><a href='«//a.b»'>", "</ '><a href='«//a.b»'>",
    "</><a href='«//a.b»'>", "<!><a href='«//a.b»'>", "<!doctype html '><a href='«//a.b»'>",
    "<![CDATA[><a href='«//a.b»'>]]>", "</3><a href='«//a.b»'>",
    "<!--" + "-" * 40 + "><a href='«//a.b»'>", "<!--" + "x" * 40 + "><a href='//a.b'>--!>",
    # script data, escaped and double-escaped
    "<script><a href='//a.b'></script><a href='«//a.b»'>",
    "<script></scriptx><a href='//a.b'></script ><a href='«//a.b»'>",
    "<SCRIPT><a href='//a.b'></sCrIpT/><a href='«//a.b»'>",
    "<script>'</script x='>'><a href='«//a.b»'>",
    "<script><!--</script><a href='«//a.b»'>",
    "<script><!--<script></script><a href='//a.b'></script><a href='«//a.b»'>",
    "<script><!--<script>--></script><a href='«//a.b»'>",
    "<script><!--<script></script>--><a href='//a.b'></script><a href='«//a.b»'>",
    "<script><!--<script><script></script></script><a href='«//a.b»'>",
    "<script><!--<scriptx></script><a href='«//a.b»'>",
    "<script><!--<script/</script/</script><a href='«//a.b»'>",
    "<script><!--><script></script><a href='«//a.b»'>",
    "<script><!---><script></script><a href='«//a.b»'>",
    "<script><!-<script></script><a href='«//a.b»'>",
    "<script>--><!-- --><script></script><a href='«//a.b»'>",
    # raw text
    *(
        f"<{name}><a href='//a.b'></{name}x></p><!--</{name.upper()}\t><a href='«//a.b»'>"
        for name in RAW_TEXT
    ),
    "<style></stylex></style/><a href='«//a.b»'>", "<title></titl</title><a href='«//a.b»'>",
    "<TITLE><a href='//a.b'></title><a href='«//a.b»'>", "<titlex><a href='«//a.b»'>",
    "<title/><a href='//a.b'></title><a href='«//a.b»'>",
    # tags
    "<a\thref='«//a.b»'>", "<a\n\f\rhref\n=\r'«//a.b»'\t>", "<a/href='«//a.b»'/>",
    "<A HREF='«//a.b»'>", "<a href='«//a.b»'class=x>", '<a title=">"href="«//a.b»"id=x>',
    "<a title='<a href=//a.b>' href='«//a.b»'>", "<a title=x' href='«//a.b»'>",
    '<a title=x"y href="«//a.b»">', "<a a=b=c href='«//a.b»'>", "<a <b href='«//a.b»'>",
    "<a href='«//a.b»' href='//a.b'>", "<a href='x' HREF='//a.b'>", "<a href HREF='//a.b'>",
    "<a = href='«//a.b»'>", "<a ' href='«//a.b»'>", "<a-b href='//a.b'>", "<a=b href='«//a.b»'>",
    "<a / / href='«//a.b»'/ /x>", "<a title= href='//a.b'>", "<a title=> href='//a.b'>",
    "<a title\x00=x href='«//a.b»'>", "<a\x80 href='«//a.b»'>", "<<a href='«//a.b»'>",
    "<3<a href='«//a.b»'>", "<&<<<a href='«//a.b»'>", "a<b href='«//a.b»'>", "< <a href='«//a.b»'>",
    "<br><<br><img src='«//a.b»'>", "<p><\n<a href='«//a.b»'>",
)  # fmt: skip
FOREIGN = (
    "<svg><a xlink:href='«//a.b»' href='«//a.b»'><use href='«//a.b»'/></svg>",
    "<svg><image href='«//a.b»'/><image xlink:href='«//a.b»'></image></svg>",
    "<svg><rect fill='url(«//a.b/x»)' filter='url(#x)' mask='url(\"«//a.b/x»\")'/></svg>",
    "<rect fill='url(//a.b)'>", "<math><mi href='«//a.b»'>x</mi></math>",
    "<svg><title><a href='«//a.b»'></title></svg><title><a href='//a.b'></title>",
    "<svg><script><a href='«//a.b»'></script></svg><script><a href='//a.b'></script>",
    "<svg><textarea><a href='«//a.b»'></svg><textarea><a href='//a.b'></textarea>",
    "<svg><desc><textarea><a href='//a.b'></textarea></desc><textarea><a href='«//a.b»'></svg>",
    "<svg><foreignObject><xmp><a href='//a.b'></xmp></foreignObject><xmp><a href='«//a.b»'></svg>",
    "<svg><title><xmp><a href='//a.b'></xmp></title><xmp><a href='«//a.b»'></svg>",
    "<svg><desc><svg><xmp><a href='«//a.b»'></xmp></svg><xmp><a href='//a.b'></xmp></desc></svg>",
    "<svg><foreignObject/><xmp><a href='«//a.b»'></svg><xmp><a href='//a.b'></xmp>",
    "<svg/><xmp><a href='//a.b'></xmp>", "<svg a=/><xmp><a href='«//a.b»'></xmp></svg>",
    "<math><mi><xmp><a href='//a.b'></xmp></mi><xmp><a href='«//a.b»'></math>",
    "<math><annotation-xml><xmp><a href='«//a.b»'></math>",
    "<math><annotation-xml encoding='Text/HTML'><xmp><a href='//a.b'></xmp></annotation-xml></math>",
    "<math><annotation-xml><svg><desc><xmp><a href='//a.b'></xmp></desc></svg></math>",
    "<svg><div><xmp><a href='//a.b'></xmp>", "<svg><p><xmp><a href='//a.b'></xmp>",
    "<svg><g><font color=x><xmp><a href='//a.b'></xmp>", "<svg><font><xmp><a href='«//a.b»'></svg>",
    "<math><br><xmp><a href='//a.b'></xmp>", "<p><svg></p><xmp><a href='//a.b'></xmp>",
    "<div><svg></div><xmp><a href='//a.b'></xmp>", "<svg></br><xmp><a href='//a.b'></xmp>",
    "<svg><g></svg><xmp><a href='//a.b'></xmp>", "<svg></math><xmp><a href='«//a.b»'></svg>",
    "<svg><![CDATA[<a href='//a.b'>]]><a href='«//a.b»'></svg>",
    "<svg><![CDATA[]]]><a href='«//a.b»'>]]></svg>",
    "<svg><![CDATA[]] ><a href='//a.b'>]]><a href='«//a.b»'></svg>",
    "<svg><![cdata[><a href='«//a.b»'></svg>", "<svg><p><![CDATA[><a href='«//a.b»'>",
    "<svg><desc><p><![CDATA[><a href='«//a.b»'></desc></svg>",
    "<svg><!--<a href='//a.b'>--><?x><a href='«//a.b»'></svg>",
    "<svg><animate attributeName='href' values='«//a.b»;x;«//c.d»' from='«//a.b»' to='x'/></svg>",
    "<svg><set attributeName='xlink:href' to='«//a.b»'/></svg>",
    "<svg><animate attributeName='fill' values='//a.b;//c.d' from='//a.b'/></svg>",
    "<p style='a:url(«//a.b/x»)'><svg style='a:url(«//a.b/x»)'><math style='a:url(«//a.b/x»)'>",
)  # fmt: skip


def rewriter(encoding: str = "utf-8", *, xml: bool = False, **more) -> HtmlRewriter:
    """A fresh rewriter for the page."""
    urls = UrlMap(Codec("gw.test"), PAGE)
    return HtmlRewriter(urls, origin(PAGE), encoding=encoding, xml=xml, **more)


def marked(row: str) -> tuple[str, str]:
    """Input and output of a row with guillemets."""
    codec = Codec("gw.test")
    return _MARKED.sub(r"\1", row), _MARKED.sub(lambda one: codec.collapse_url(one[1], PAGE), row)


class TableCase(SynchronousTestCase):
    """Rows in every chunking."""

    def check(
        self, markup: str, wanted: str, encoding: str = "utf-8", *, xml: bool = False
    ) -> None:
        """Whole, octet by octet, and cut at each place."""
        data, out = (text.encode(encoding, "surrogateescape") for text in (markup, wanted))
        self.assertEqual(run(rewriter(encoding, xml=xml), [data]), out, markup)
        self.assertEqual(run(rewriter(encoding, xml=xml), octets(data)), out, markup)
        for place in range(1, len(data)):
            parts = [data[:place], data[place:]]
            self.assertEqual(run(rewriter(encoding, xml=xml), parts), out, (markup, place))

    def check_marked(self, rows: tuple[str, ...], *, xml: bool = False) -> None:
        """Every row, and say which failed."""
        failed = []
        for row in rows:
            try:
                self.check(*marked(row), xml=xml)
            except self.failureException as error:
                failed.append((row, str(error)))
        self.assertEqual(failed, [])


class TokenTests(TableCase):
    """Where tags begin and end."""

    def test_url_attributes(self) -> None:
        """Every attribute of every element that holds URLs, in each kind of quotes."""
        for pair in URL_ATTRIBUTES:
            element, name = pair.split("/")
            for url in ("https://a.b/x?y#z", "//a.b", "http://a.b:8080/x", "HTTPS://A.B/"):
                for quote in "\"'":
                    row = f"<{element} {name}={quote}«{url}»{quote} id=x>y"
                    self.check(*marked(row))
                mapped = marked(f"«{url}»")[1]
                self.check(f"<{element} {name}={url}>", f'<{element} {name}="{mapped}">')
                upper = f"<{element.upper()} {name.upper()}='«{url}»'/>"
                self.check(*marked(upper))

    def test_nothing_absolute(self) -> None:
        """Byte identity of what names no other origin, and of what is no URL."""
        for markup in SAME:
            self.check(markup, markup)
            self.check("<!doctype html><p>" + markup, "<!doctype html><p>" + markup)

    def test_tokens(self) -> None:
        """Comments, script data, raw text and odd tags begin and end as in browsers."""
        self.check_marked(TOKENS)

    def test_foreign_content(self) -> None:
        """SVG and MathML, their integration points, and what breaks out of them."""
        self.check_marked(FOREIGN)

    def test_style_elements_in_svg(self) -> None:
        """They are style sheets in HTML documents, too, though their content is markup."""
        self.check_marked((
            "<svg><style>a{b:url(«//a.b/x»)}</style></svg>",
            "<svg><style>@import '«//a.b/x»';</style><a href='«//a.b»'></a></svg>",
            "<svg><style><![CDATA[a>b{c:url(«//a.b/x»)}]]></style><a href='«//a.b»'/></svg>",
            "<svg><style/><a href='«//a.b»'/>url(//a.b)</svg><style>a{b:url(«//a.b»)}</style>",
        ))  # fmt: skip

    def test_cdata_directly_in_integration_points(self) -> None:
        """The element itself is foreign, and only its descendants are HTML (13.2.5.42)."""
        self.check_marked((
            "<svg><title><![CDATA[><a href='//a.b'>]]></title></svg>",
            "<svg><desc><![CDATA[><a href='//a.b'>]]></desc></svg>",
            "<math><mi><![CDATA[><a href='//a.b'>]]></mi></math>",
        ))  # fmt: skip

    def test_end_tags_that_close_foreign_content(self) -> None:
        """An ancestor's end tag does; without the whole tree it is known by its name alone."""
        self.check_marked(tuple(
            f"<{name}><svg></{name}><xmp><a href='//a.b'></xmp><a href='«//a.b»'>"
            for name in ("div", "span", "li", "td", "h1", "form")
        ))  # fmt: skip
        self.check_marked(("<svg></g></path><xmp><a href='«//a.b»'></xmp></svg>",))

    @settings(deadline=None, max_examples=300)
    @given(
        st.lists(st.sampled_from([*SAME, *TOKENS, *FOREIGN]), min_size=1, max_size=4),
        st.lists(st.integers(0, 10_000), max_size=6),
    )
    def test_any_chunks(self, rows: list[str], places: list[int]) -> None:
        """Any mixture of the rows gives the same octets for any chunks."""
        data = marked("".join(rows))[0].encode("utf-8", "surrogateescape")
        whole = run(rewriter(), [data])
        self.assertEqual(run(rewriter(), cut(data, places)), whole)
        self.assertEqual(run(rewriter(), octets(data)), whole)

    @settings(deadline=None, max_examples=200)
    @given(st.lists(st.sampled_from(list("<>!-/='\"a \n&?[]\\:")), max_size=40).map("".join))
    def test_any_text(self, text: str) -> None:
        """Without a URL nothing changes, whatever the markup; with one every chunking agrees."""
        self.check(text, text)
        data = (text + "<a href=//a.b>").encode()
        whole = run(rewriter(), [data])
        self.assertEqual(run(rewriter(), octets(data)), whole)


class ValueTests(TableCase):
    """How a URL is spelled within an attribute."""

    def test_spellings(self) -> None:
        """References, blanks, backslashes and case: what browsers read is what is mapped."""
        host = "https-a-b.0.gw.test"
        table = {
            '"https&#58;//a.b/x"': f'"https://{host}/x"',
            '"&#x2f;&sol;a.b/x"': f'"//{host}/x"',
            '"&#104ttps://a.b/x"': f'"https://{host}/x"',
            '"//a.b/?a=1&copy=2&copy;"': f'"//{host}/?a=1&amp;copy=2\xa9"',
            '"//a.b/?a=1&amp;b=2"': f'"//{host}/?a=1&amp;b=2"',
            '"//a.b/<>"': f'"//{host}/&lt;&gt;"',
            "'//a.b/\"'": f"'//{host}/\"'",
            '"//a.b/&quot;\'"': f'"//{host}/&quot;\'"',
            "'//a.b/&#39;\"'": f"'//{host}/&#39;\"'",
            "//a.b/\"x'": f'"//{host}/&quot;x\'"',
            "//a.b/x/": f'"//{host}/x/"',
            "//a.b": f'"//{host}"',
            '"/\\a.b/x"': f'"//{host}/x"',
            '"\\\\a.b\\x"': f'"//{host}\\x"',
            '"ht\ntps://a.b/x"': f'"https://{host}/x"',
            '"/\t/a.b/x"': f'"//{host}/x"',
            '"ht&Tab;tps://a.b/x"': f'"https://{host}/x"',
            '"ht&#10;tps&#58;//a.b/x"': f'"https://{host}/x"',
            '" \n HTTPS://A.B/x\t"': f'"https://{host}/x"',
            '"https:/a.b/x"': '"https://https-page-example.0.gw.test/a.b/x"',
            '"https:\\\\a.b/x"': f'"https://{host}/x"',
            '"http:a.b/x"': '"https://http-a-b.0.gw.test/x"',
            '"https:x"': '"https://https-page-example.0.gw.test/d/x"',
            '"https://u:p@a.b/x"': f'"https://u:p@{host}/x"',
            '"wss://a.b/x"': f'"wss://{host}/x"',
            '"https://a.b:443/x"': f'"https://{host}/x"',
            '"https://a.b:8443/x"': '"https://https8443-a-b.0.gw.test/x"',
            '"//a.b/ü"': f'"//{host}/ü"',
            '"//ü.b/x"': '"//https-xn----tda-b.0.gw.test/x"',
            "//a.b/ü": f'"//{host}/ü"',
        }
        for before, after in table.items():
            self.check(f"<a href={before} id=x>", f"<a href={after} id=x>")

    def test_carriage_returns(self) -> None:
        """A reference to one stays one: bare it would become a line feed."""
        self.check("<a href='//a.b/&#13;x'>", "<a href='//https-a-b.0.gw.test/&#13;x'>")

    def test_encodings(self) -> None:
        """A value comes back in the document's encoding, references for what it lacks."""
        for encoding, text in (
            ("cp1252", "é"), ("cp1251", "ж"), ("shift_jis", "表ソ"), ("gbk", "誠"), ("big5", "功"),
            ("euc_jp", "表"), ("euc_kr", "한"), ("gb18030", "誠"), ("koi8_r", "ж"), ("utf-8", "表"),
        ):  # fmt: skip
            self.check(*marked(f"<a title='{text}' href='«//a.b/{text}»' id={text}>"), encoding)
            self.check(*marked(f"{text}<p title={text}><a href='«//a.b/»{text}'>{text}"), encoding)
        self.check(
            "<a href='//a.b/&#x8868;&#233;'>",
            "<a href='//https-a-b.0.gw.test/&#34920;é'>",
            "cp1252",
        )

    def test_broken_encodings(self) -> None:
        """Octets that are no text within a value that is mapped do no harm to the rest."""
        data = b"\xff<a title='\xff' href='//a.b/\xff\xfe' id='\xff'>\xff<a href='//a.b'>"
        out = run(rewriter(), [data])
        self.assertTrue(out.startswith(b"\xff<a title='\xff' href='//https-a-b.0.gw.test/"))
        self.assertTrue(out.endswith(b" id='\xff'>\xff<a href='//https-a-b.0.gw.test'>"))


class ElementTests(TableCase):
    """Elements whose attributes mean more than a URL."""

    def test_srcset(self) -> None:
        """Candidates each; descriptors and commas stay."""
        self.check_marked((
            "<img srcset='«https://a.b/x» 1x, «//a.b/y» 2x'>", "<img srcset='a.b, //'>",
            "<img srcset=',  «//a.b/x» , y 2x, «//a.b/a,b» 3w'>",
            "<link rel=preload as=image imagesrcset='«//a.b/x» 1x'>",
            "<source srcset='«//a.b/x» (a, //c.d/y), «//a.b/z»'>",
            "<a ping=' «//a.b/x»  y\n«//c.d» '>",
        ))  # fmt: skip

    def test_base(self) -> None:
        """The first one says what relative schemes are, and is itself mapped."""
        plain = "http-c-d.0.gw.test"
        table = {
            "<base href='http://c.d/e/'><a href='//a.b/'><a href='x'>": (
                f"<base href='https://{plain}/e/'><a href='//http-a-b.0.gw.test/'><a href='x'>"
            ),
            "<a href='//a.b/'><base href='http://c.d/'>": (
                f"<a href='//https-a-b.0.gw.test/'><base href='https://{plain}/'>"
            ),
            "<base href='/x'><base href='http://c.d/'><a href='//a.b/'>": (
                f"<base href='/x'><base href='https://{plain}/'><a href='//https-a-b.0.gw.test/'>"
            ),
            "<base target=x><base href='http://c.d/'><a href='//a.b/'>": (
                f"<base target=x><base href='https://{plain}/'><a href='//http-a-b.0.gw.test/'>"
            ),
            "<base href='data:x'><base href='http://c.d/'><a href='//a.b/'>": (
                f"<base href='data:x'><base href='https://{plain}/'>"
                "<a href='//https-a-b.0.gw.test/'>"
            ),
            "<base href=http://c.d/><iframe srcdoc='<a href=//a.b>'></iframe>": (
                f'<base href="https://{plain}/"><iframe srcdoc=\''
                '&lt;a href="//http-a-b.0.gw.test"&gt;\'></iframe>'
            ),
        }
        for before, after in table.items():
            self.check(before, after)

    def test_what_is_no_base(self) -> None:
        """Within SVG it says nothing about the document."""
        for before, after in (("<svg>", "</svg>"), ("<math>", "</math>")):
            out = run(
                rewriter(), [f"{before}<base href='http://c.d/'>{after}<a href='//a.b/'>".encode()]
            )
            self.assertTrue(out.endswith(b"<a href='//https-a-b.0.gw.test/'>"), (before, out))

    def test_meta(self) -> None:
        """Refreshes and policies; the rest is no URL of ours."""
        self.check_marked((
            "<meta http-equiv='Refresh' content='5; URL=«https://a.b/x»'>",
            '<meta content="0;url=\'«//a.b»\'" http-equiv=refresh>',
            "<meta content='//a.b'>",
            "<meta http-equiv='x' content='0;url=//a.b'>",
            "<meta property='og:url' content='https://a.b/'>",
        ))  # fmt: skip
        self.check(
            "<meta http-equiv=Content-Security-Policy content=\"img-src 'self' https://a.b\">",
            "<meta http-equiv=Content-Security-Policy content=\"img-src 'self' "
            'https://https-a-b.0.gw.test">',
        )
        self.check(
            "<meta http-equiv=x-dns-prefetch-control content=on>",
            '<meta http-equiv=x-dns-prefetch-control content="off">',
        )

    def test_a_policy_in_the_document_admits_the_runtime(self) -> None:
        """Where it is put in; without it the policy stays to the octet."""
        ours = RuntimeSource(
            "https://p/r.js", "sha256-a", "https://p/s.js", "sha256-b", "https://p/.gateway/"
        )
        policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'nonce-x'\">"
        wanted = "script-src 'nonce-x' https://p/r.js 'sha256-a' 'sha256-b'"
        made = HtmlRewriter(UrlMap(Codec("gw.test"), PAGE), origin(PAGE), runtime=ours)
        self.assertIn(wanted.encode(), run(made, [policy.encode()]))
        self.check(policy, policy)

    def test_links(self) -> None:
        """Hints that would leave the gateway go; what is fetched is mapped."""
        host = "https-a-b.0.gw.test"
        table = {
            "<link rel=dns-prefetch href=//a.b>": f'<link rel="" href="//{host}">',
            "<link rel='preconnect DNS-prefetch' href='//a.b'>": (
                f"<link rel='preconnect ' href='//{host}'>"
            ),
            "<link rel=preconnect href=//a.b>": f'<link rel=preconnect href="//{host}">',
            "<link rel=preload as=font href=//a.b/x crossorigin>": (
                f'<link rel=preload as=font href="//{host}/x" crossorigin>'
            ),
            "<link rel=canonical href='https://a.b/'>": f"<link rel=canonical href='https://{host}/'>",
            "<link rel='Icon' href='//a.b/i'>": f"<link rel='Icon' href='//{host}/i'>",
        }
        for before, after in table.items():
            self.check(before, after)

    def test_integrity(self) -> None:
        """A sheet's digest moves into its URL; a script's stays, for its octets do."""
        host = "https-a-b.0.gw.test"
        table = {
            "<link rel=stylesheet href='//a.b/x' integrity='sha256-a+/='>": (
                f"<link rel=stylesheet href='//{host}/x?__gwi=sha256-a+/=' integrity=''>"
            ),
            "<link integrity=sha256-a rel='StyleSheet' href='x?y#z'>": (
                "<link integrity=\"\" rel='StyleSheet' href='x?y&amp;__gwi=sha256-a#z'>"
            ),
            "<link rel=preload as=style href='x' integrity='sha256-a'>": (
                "<link rel=preload as=style href='x?__gwi=sha256-a' integrity=''>"
            ),
            "<link rel=preload as=script href='//a.b' integrity='sha256-a'>": (
                f"<link rel=preload as=script href='//{host}' integrity='sha256-a'>"
            ),
            "<link rel=modulepreload href='//a.b' integrity='sha256-a'>": (
                f"<link rel=modulepreload href='//{host}' integrity='sha256-a'>"
            ),
            "<script src='//a.b/x' integrity='sha256-a'></script>": (
                f"<script src='//{host}/x' integrity='sha256-a'></script>"
            ),
        }
        for before, after in table.items():
            self.check(before, after)

    def test_style(self) -> None:
        """Sheets and attributes; strings and comments stay."""
        self.check_marked((
            "<p style='background:url(«//a.b/x»)'>", "<p style='a:\"//a.b\"'>",
            "<style>@import '«//a.b/x»';a{b:url(«https://a.b/y»)}</style>",
            "<style>/*url(//a.b)*/a{b:'url(//a.b)'}</style>", "<style media=x>a{b:url(«//a.b»)",
            "<STYLE><!-- a{b:url(«//a.b»)} --></STYLE><a href='«//a.b»'>",
            "<style>a{b:url('</style><a href='«//a.b»'>", "<style></style ><a href='«//a.b»'>",
        ))  # fmt: skip

    def test_frames(self) -> None:
        """``allow`` names origins, ``csp`` is a policy, ``srcdoc`` is a document."""
        host = "https-a-b.0.gw.test"
        table = {
            "<iframe allow=\"camera 'src' https://a.b; usb *\"></iframe>": (
                f"<iframe allow=\"camera 'src' https://{host}; usb *\"></iframe>"
            ),
            "<iframe csp='img-src https://a.b'></iframe>": (
                f"<iframe csp='img-src https://{host}'></iframe>"
            ),
            "<iframe srcdoc='<a href=\"//a.b\">'></iframe>": (
                f"<iframe srcdoc='&lt;a href=\"//{host}\"&gt;'></iframe>"
            ),
            '<iframe srcdoc="&lt;a href=//a.b&gt;">': (
                f'<iframe srcdoc="&lt;a href=&quot;//{host}&quot;&gt;">'
            ),
            "<iframe srcdoc='<script>\"//a.b\"</script>'>": "<iframe srcdoc='<script>\"//a.b\"</script>'>",
        }
        for before, after in table.items():
            self.check(before, after)

    def test_frame_markup(self) -> None:
        """What belongs into every document goes first into a ``srcdoc``."""
        feeder = rewriter(frame_markup=b"<i>ours</i>")
        out = run(feeder, [b"<iframe srcdoc='<html><head><a href=//a.b>'></iframe><p>"])
        wanted = (
            b"<iframe srcdoc='&lt;html&gt;&lt;head&gt;&lt;i&gt;ours&lt;/i&gt;"
            b'&lt;a href="//https-a-b.0.gw.test"&gt;\'></iframe><p>'
        )
        self.assertEqual(out, wanted)

    def test_inert_scripts(self) -> None:
        """Import maps are mapped, speculation rules emptied, other data blocks kept."""
        host = "https://https-a-b.0.gw.test"
        table = {
            '<script type=importmap>{"imports":{"x":"https://a.b/x"}}</script>': (
                f'<script type=importmap>{{"imports": {{"x": "{host}/x"}}}}</script>'
            ),
            "<script type='SpeculationRules'>{\"prefetch\":[]}</script>": (
                "<script type='SpeculationRules'>{}</script>"
            ),
            '<script type=speculationrules>{"prefetch":': "<script type=speculationrules>{}",
            '<script type=&#105;mportmap>{"imports":{"x":"https://a.b/x"}}</script>': (
                f'<script type=&#105;mportmap>{{"imports": {{"x": "{host}/x"}}}}</script>'
            ),
            '<script type=application/json>{"x":"https://a.b/x"}</script>': (
                '<script type=application/json>{"x":"https://a.b/x"}</script>'
            ),
            '<script data-x=importmap>{"x":"https://a.b/x"}</script>': (
                '<script data-x=importmap>{"x":"https://a.b/x"}</script>'
            ),
        }
        for before, after in table.items():
            self.check(before, after)
