"""The HTML rewriter against the DOM: a browser sees the same tree, with its URLs mapped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.urls import UrlMap
from tests.rewrite import cut, octets, origin, run
from tests.rewrite.dom import Expected

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE = "https://page.example/d/page"
INPUTS: list[str] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "html5lib_tokenizer_inputs.json").read_text("utf-8")
)["inputs"]
_ENTITY = re.compile(r"&[A-Za-z0-9]+;?")
ODD = [text for text in INPUTS if not _ENTITY.fullmatch(text)]

# "§" is the input.  Whatever state it leaves the tokenizer in, the probes tell.
BETWEEN = (
    (
        '§<a href=//probe.example/1>§<img src="//probe.example/2"><svg>§<a href=//probe.example/3>'
        '</a></svg>§<style>@import "//probe.example/4"</style>§<p style="x:url(//probe.example/5)">'
    ),
    (
        '<a title="§" href=//probe.example/1>§</a><a title=\'§\' href="//probe.example/2">'
        "<a title=§ href='//probe.example/3'><a § href=//probe.example/4>"
    ),
    (
        "<script>§</script><a href=//probe.example/1><style>§</style><a href=//probe.example/2>"
        "<textarea>§</textarea><a href=//probe.example/3><!--§--><a href=//probe.example/4>"
    ),
    (
        "<svg><desc>§<a href=//probe.example/1></a></desc>§<a href=//probe.example/2></a>"
        "<math><mi>§<a href=//probe.example/3></a></mi>§</math><a href=//probe.example/4>"
    ),
    (
        "<title>§</title><a href=//probe.example/1><xmp>§</xmp><a href=//probe.example/2>"
        "<noscript>§</noscript><a href=//probe.example/3><iframe>§</iframe><a href=//probe.example/4>"
    ),
    (
        "<!doctype §><a href=//probe.example/1><?§><a href=//probe.example/2></§>"
        "<a href=//probe.example/3><!§><a href=//probe.example/4></p §><a href=//probe.example/5>"
    ),
    (
        "<a href=//probe.example/1><p§ href=//probe.example/2><a §href=//probe.example/3>"
        "<a href§=//probe.example/4><a href=//probe.example/5§>"
    ),
)
WITHIN = (
    "<a href=\"//probe.example/§\">§<a href='//probe.example/§'>",
    "<a href=//probe.example/§><img srcset='//probe.example/§ 2x, //probe.example/2'>",
    '<p style="x:url(//probe.example/§)"><a title=§ href=//probe.example/1>',
)
LEAVES = st.sampled_from((
    "<a href=//p.example/>", "<a href=//p.example/></a>", "<img src=//p.example/>", "x", "<br>",
    "<use href=//p.example/ />", "<image xlink:href=//p.example/ />", "<svg/>", "<path/>", "<hr>",
    '<rect fill="url(//p.example/#f)"/>', "<p style='x:url(//p.example/)'></p>", "<", "<<", "&",
    '<style>@import "//p.example/"</style>', "<!--<a href=//p.example/>-->", "<font color=red>",
    "<script>'<a href=//p.example/>'</script>", "<textarea><a href=//p.example/></textarea>",
    "<noscript><a href=//p.example/></noscript>", "<xmp><a href=//p.example/></xmp>", "<font>",
    "<iframe><a href=//p.example/></iframe>", "<title><a href=//p.example/></title>", "</>", "<?>",
    "<animate attributeName=href values='//p.example/;//q.example/'/>", "<li>", "<td>", "<option>",
    "<![CDATA[<a href=//p.example/>]]>",
))  # fmt: skip
ELEMENTS = st.sampled_from((
    "svg", "math", "title", "desc", "foreignObject", "g", "mi", "mtext", "annotation-xml", "p",
    "annotation-xml encoding=text/html", "div", "span", "table", "ul", "template", "select", "b",
    "button", "a", "body", "head", "ruby", "form", "h1", "mglyph", "object", "center", "x-y",
))  # fmt: skip
NESTED = st.recursive(
    LEAVES,
    lambda inside: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag.split()[0]}>",
        ELEMENTS,
        st.lists(inside, max_size=4),
    ),
    max_leaves=12,
).map(lambda markup: markup + "<a href=//p.example/>")
ROOT = Path("/usr/share/doc")
PACKAGES = ("apache2-doc", "git-doc", "debian-policy")
SAMPLE = 150
_CHARSET = re.compile(rb"charset=[\"']?([A-Za-z0-9_-]+)")
# Python's codecs for what browsers mean by these names.
_CODECS = {"iso-8859-1": "cp1252", "us-ascii": "cp1252", "iso-8859-9": "cp1254"}
LEGACY = (
    ("ja", "shift_jis"),
    ("ja", "euc_jp"),
    ("ko", "euc_kr"),
    ("ko", "cp949"),
    ("zh-cn", "gbk"),
    ("zh-cn", "gb18030"),
    ("zh-cn", "big5"),
    ("ru", "koi8_r"),
    ("ru", "cp1251"),
    ("fr", "cp1252"),
)


def rewriter(encoding: str = "utf-8") -> HtmlRewriter:
    """A fresh rewriter for the page."""
    return HtmlRewriter(UrlMap(Codec("gw.test"), PAGE), origin(PAGE), encoding=encoding)


def rewritten(markup: bytes, encoding: str = "utf-8") -> bytes:
    """The document in one chunk."""
    return run(rewriter(encoding), [markup])


def pages() -> list[Path]:
    """A sample of real pages, the same in every run."""
    out = []
    for package in PACKAGES:
        found = sorted(path for path in (ROOT / package).rglob("*.html") if path.is_file())
        step = max(1, len(found) * len(PACKAGES) // SAMPLE)
        out += found[::step]
    return out


class OracleCase(SynchronousTestCase):
    """``DOM(input)`` mapped is ``DOM(output)``."""

    def check(self, markup: str, *, encoding: str = "utf-8", sizes: Iterable[int] = (1,)) -> bytes:
        """Compare the two trees; the output is the same for these sizes of chunks."""
        data = markup.encode(encoding, "replace")
        markup = data.decode(encoding, "replace")
        out = rewritten(data, encoding)
        for size in sizes:
            self.assertEqual(run(rewriter(encoding), octets(data, size)), out, (size, data[:400]))
        expected = Expected(Codec("gw.test"), PAGE).tree(markup)
        got = Expected().tree(out.decode(encoding, "replace"))
        if expected != got:
            for one, two in zip(expected, got, strict=False):
                self.assertEqual(one, two, (markup[:2000], out[:2000]))
            self.assertEqual(len(expected), len(got), (markup[:2000], out[:2000]))
        return out

    def check_all(self, patterns: Iterable[str], inputs: Iterable[str]) -> None:
        """Compare every input in every pattern; say how many differ, and show the shortest."""
        broken: list[tuple[str, str]] = []
        for pattern in patterns:
            for text in inputs:
                markup = pattern.replace("§", text)
                try:
                    self.check(markup)
                except self.failureException as error:
                    broken.append((markup, str(error)))
        broken.sort(key=lambda one: len(one[0]))
        self.assertEqual(broken[:3], [], f"{len(broken)} documents differ")


class VectorTests(OracleCase):
    """Malformed markup, sandwiched with links."""

    def test_between(self) -> None:
        """Malformed markup of every kind before, between and within tags with links."""
        self.check_all(BETWEEN, ODD)

    def test_within(self) -> None:
        """Malformed markup within values that are rewritten."""
        self.check_all(WITHIN, ODD)

    def test_entities(self) -> None:
        """Every named reference within a URL, with what follows it."""
        names = [text for text in INPUTS if _ENTITY.fullmatch(text)]
        self.assertGreater(len(names), 4000)
        step = 50
        for start in range(0, len(names), step):
            some = names[start : start + step]
            self.check("".join(f'<a href="//probe.example/{x}=1&{x}">{x}' for x in some))
            self.check("".join(f"<a href=//probe.example/?a{x}><b id={x}>" for x in some))

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(NESTED)
    def test_any_nesting(self, markup: str) -> None:
        """Closed elements within elements, foreign or not, with raw text and links everywhere.

        Unclosed ones would need the whole tree (docs/standards).
        """
        self.check(markup)

    @settings(deadline=None, max_examples=300)
    @given(st.lists(st.sampled_from(ODD), max_size=4), st.lists(st.integers(0, 999), max_size=4))
    def test_any_mixture(self, texts: list[str], places: list[int]) -> None:
        """Several malformed pieces with links between them, cut anywhere."""
        markup = "".join(f"{text}<a href=//probe.example/{at}>" for at, text in enumerate(texts))
        out = self.check(markup)
        self.assertEqual(run(rewriter(), cut(markup.encode("utf-8"), places)), out)


class PageTests(OracleCase):
    """Real pages, of three Debian packages."""

    def setUp(self) -> None:
        """The packages are there, or the tools were not installed."""
        for package in PACKAGES:
            if not any((ROOT / package).rglob("*.html")):
                self.fail(f"no pages of {package} in {ROOT}: run `make packages`")

    def test_real_pages(self) -> None:
        """Same tree, same octets for every chunking, and untouched where nothing is absolute."""
        found = pages()
        self.assertGreaterEqual(len(found), 100)
        edited = 0
        for path in found:
            data = path.read_bytes()
            named = _CHARSET.search(data, 0, 1024)
            name = named[1].decode("ascii").lower() if named else "utf-8"
            encoding = _CODECS.get(name, name)
            out = self.check(data.decode(encoding), encoding=encoding, sizes=(65536, 1000))
            edited += out != data
            if not re.search(rb"[:=\"'(]\s*//|:\s*//|http-equiv|integrity|dns-prefetch", data):
                self.assertEqual(out, data, path)
        self.assertGreater(edited, 50)

    def test_octet_by_octet(self) -> None:
        """A few of the pages in the smallest chunks."""
        for path in pages()[::30]:
            data = path.read_bytes()[:60_000]
            self.assertEqual(run(rewriter(), octets(data, 1)), rewritten(data), path)

    def test_legacy_encodings(self) -> None:
        """Pages in the encodings of old, whose trail octets may look like markup."""
        for language, encoding in LEGACY:
            for path in sorted((ROOT / "apache2-doc" / "manual" / language).glob("*.html"))[:4]:
                text = path.read_text("utf-8", "replace")
                text = text.encode(encoding, "xmlcharrefreplace").decode(encoding)
                self.check(text, encoding=encoding, sizes=(1000,))

    def test_without_absolute_urls(self) -> None:
        """A page that names no other origin comes out to the octet."""
        for path in pages():
            data = re.sub(rb"https?:|//|http-equiv|&#x2F;|integrity", b"", path.read_bytes())
            self.assertEqual(rewritten(data), data, path)
