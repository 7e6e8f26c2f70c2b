"""URLs alone, in lists, in ``srcset`` and in refreshes; and the WHATWG's URLs in documents."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

import ada_url
import turbohtml
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec, parse
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.urls import UrlMap, map_list, map_refresh, map_srcset, with_whole_host
from tests.rewrite import run
from tests.rewrite.dom import candidates, refresh

CASES = json.loads((Path(__file__).parent.parent / "vectors" / "url.json").read_text("utf-8"))[
    "cases"
]
_MARK = re.compile(r"[?&]__gwo=[^&#]*")


def upper(url: str) -> str:
    """A map that shows what it was given."""
    return f"<{url}>" if url else url


def unchanged(url: str) -> str:
    """A map of nothing."""
    return url


class SrcsetTests(SynchronousTestCase):
    """Image candidates."""

    def test_table(self) -> None:
        """Which part is the URL; nothing else changes."""
        table = {
            "": "",
            "a": "<a>",
            " a ": " <a> ",
            "a 1x": "<a> 1x",
            "a 1x, b 2x": "<a> 1x, <b> 2x",
            "a 1x,b 2x": "<a> 1x,<b> 2x",
            "a, b": "<a>, <b>",
            "a,b": "<a,b>",
            "a,b 1x": "<a,b> 1x",
            "a,, b": "<a>,, <b>",
            ",,a": ",,<a>",
            " , a ,, b 1x , ": " , <a> ,, <b> 1x , ",
            "a 1x 2w,b": "<a> 1x 2w,<b>",
            "a (1x, 2x), b": "<a> (1x, 2x), <b>",
            "a (1x, b 2x": "<a> (1x, b 2x",
            "a ((1x), c 1x": "<a> ((1x), <c> 1x",
            "a x(1, 2), b": "<a> x(1, 2), <b>",
            "a\t1x\n,\fb\r2x": "<a>\t1x\n,\f<b>\r2x",
            "data:x,y 1x, b": "<data:x,y> 1x, <b>",
            "data:x,y, b": "<data:x,y>, <b>",
            ",": ",",
            ", ,": ", ,",
            "a\x0b1x, b": "<a\x0b1x>, <b>",
        }
        for text, wanted in table.items():
            self.assertEqual(map_srcset(text, upper), wanted, text)

    @settings(deadline=None, max_examples=500)
    @given(st.lists(st.sampled_from([*"ab,() \n\t", "1x", ", ", "//c"]), max_size=20).map("".join))
    def test_the_standard(self, text: str) -> None:
        """The URLs are those of the standard's algorithm, and stand where they stood."""
        found: list[str] = []
        map_srcset(text, lambda url: found.append(url) or url)
        self.assertEqual([url for url in found if url], [url for url, _ in candidates(text)])
        self.assertEqual(
            candidates(map_srcset(text, lambda url: url and url + "z")),
            [(url + "z", rest) for url, rest in candidates(text)],
        )

    def test_same_object(self) -> None:
        """What needs no change is the same object."""
        text = "a 1x, b 2x"
        self.assertIs(map_srcset(text, unchanged), text)


class RefreshTests(SynchronousTestCase):
    """``Refresh``, as a header and in ``<meta>``."""

    def test_table(self) -> None:
        """Where the URL begins and ends."""
        table = {
            "5": "5",
            "": "",
            "x": "x",
            "5;url=a": "5;url=<a>",
            "5; URL=a": "5; URL=<a>",
            "5,url=a": "5,url=<a>",
            "5 url=a": "5 url=<a>",
            "5 a": "5 <a>",
            "5;a": "5;<a>",
            "5.9;a": "5.9;<a>",
            ".5;a": ".5;<a>",
            "5..9.;a": "5..9.;<a>",
            "  5  ;  url  =  a": "  5  ;  url  =  <a>",
            "5;url='a'": "5;url='<a>'",
            '5;url="a"b': '5;url="<a>"b',
            "5;url='a": "5;url='<a>",
            "5;url='a\"b'": "5;url='<a\"b>'",
            "5;'a'": "5;'<a>'",
            "5;urla": "5;<urla>",
            "5;url": "5;<url>",
            "5;u=a": "5;<u=a>",
            "5;ur l=a": "5;<ur l=a>",
            "5;url=url=a": "5;url=<url=a>",
            "5;;a": "5;<;a>",
            "5;,a": "5;<,a>",
            "5;url=a b ": "5;url=<a b >",
            "-5;a": "-5;a",
            "+5;a": "+5;a",
            ";a": ";a",
            "5x;a": "5x;a",
            "5a": "5a",
            "5;\nurl\f=\ta\n": "5;\nurl\f=\t<a\n>",
            "\v5\v;\vurl\v=\va": "\v5\v;\vurl\v=\v<a>",
        }
        failed = [
            (text, map_refresh(text, upper), wanted)
            for text, wanted in table.items()
            if map_refresh(text, upper) != wanted
        ]
        self.assertEqual(failed, [])

    @settings(deadline=None, max_examples=500)
    @given(
        st.lists(st.sampled_from([*"05. ;,=xurlURL'\"\n", "url=", "//a"]), max_size=14).map("".join)
    )
    def test_the_standard(self, text: str) -> None:
        """The same URL as the oracle's reading, and the rest as it was."""
        out = map_refresh(text, lambda url: url and url + "z")
        self.assertEqual(refresh(out, unchanged), refresh(text, lambda url: url + "z"), out)


class ListTests(SynchronousTestCase):
    """URLs between white space."""

    def test_table(self) -> None:
        """Each is mapped; blanks stay."""
        self.assertEqual(map_list(" a\n b,c\t", upper), " <a>\n <b,c>\t")
        self.assertEqual(map_list("", upper), "")


class TemplateTests(SynchronousTestCase):
    """URLs with holes."""

    def test_table(self) -> None:
        """Mapped, unless the host itself is not whole."""
        table = {
            "https://a.b/{x}": "<https://a.b/{x}>",
            "//a.b?$x$": "<//a.b?$x$>",
            "{x}": "<{x}>",
            "/a/{x}": "</a/{x}>",
            "https://{x}/a": "https://{x}/a",
            "https://a.{x}.b": "https://a.{x}.b",
            "//$x$/": "//$x$/",
            "https:\\\\{x}": "https:\\\\{x}",
        }
        for given_url, wanted in table.items():
            self.assertEqual(with_whole_host(upper)(given_url), wanted)


class BaseTests(SynchronousTestCase):
    """What scheme-relative URLs are relative to."""

    def test_base(self) -> None:
        """A base is itself relative to the document; what is no web URL is none."""
        urls = UrlMap(Codec("gw.test"), "https://page.example/d/")
        self.assertEqual(urls.url("//a.b/"), "//https-a-b.0.gw.test/")
        for href, wanted in (
            ("http://c.d/e", "http"), ("data:x", "http"), ("//c.d", "https"), ("http:", "https"),
            ("mailto:x", "https"), ("http://c.d", "http"), ("x", "https"), ("https://[", "https"),
        ):  # fmt: skip
            urls.set_base(href)
            self.assertEqual(urls.url("//a.b/"), f"//{wanted}-a-b.0.gw.test/", href)

    def test_same_object(self) -> None:
        """A URL that cannot leave its origin is the same object."""
        urls = UrlMap(Codec("gw.test"), "https://page.example/d/")
        for text in ("x", "/x", "?x", "#x", "mailto:x", ""):
            self.assertIs(urls.url(text), text)


class VectorTests(SynchronousTestCase):
    """The WHATWG's URLs in links of documents at their bases."""

    def test_links(self) -> None:
        """A browser that follows the link comes to where the original would have led."""
        checked, wrong = 0, []
        for case in CASES:
            text, base = case["input"], case.get("base") or "https://page.example/d/page"
            document = parse(base)
            if document is None or "\0" in text or any("\ud800" <= one < "\ue000" for one in text):
                continue
            markup = f"<a href='{escape(text)}'>".replace("\r", "&#13;").encode()
            codec = Codec("gw.test")
            rewriter = HtmlRewriter(UrlMap(codec, base), document[0])
            out = run(rewriter, [markup])
            shown = turbohtml.parse(out.decode(), positions=False).find("a").attr("href")
            original = parse(text, base)
            if original is None or codec.is_own(original[0].host):
                if shown != text:
                    wrong.append((case, shown, text))
                continue
            collapsed = ada_url.URL(codec.collapse_url(original[1].href)).href
            found = ada_url.URL(shown, codec.collapse_url(base)).href
            if _MARK.sub("", found) != _MARK.sub("", collapsed):
                wrong.append((case, found, collapsed))
            checked += 1
        self.assertEqual(wrong, [])
        self.assertGreater(checked, 200)
