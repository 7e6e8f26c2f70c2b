"""The compiled loops give what Python's give, to the octet, however a document is cut."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from unittest import SkipTest

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Codec
from gateway.rewrite import native
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.js_body import InPage, ScriptMemory
from gateway.rewrite.urls import UrlMap
from tests.rewrite import origin
from tests.rewrite.test_html_oracle import INPUTS

try:
    from gateway.rewrite import _native
except ImportError:  # pragma: no cover (make test builds it)
    _native = None

ROOT = Path(__file__).resolve().parent.parent.parent
CODEC = Codec("gw.test")
PAGES = Path("/usr/share/doc")
PIECES = (
    "<", ">", "</", "/>", '"', "'", "=", " ", "\n", "&", "a", "p", "x", "?", "!", "--", "\0", "é",
    "<a ", "<A ", "<img ", "<link ", "<meta ", "<form ", "<object ", "<script>", "</script>",
    "<title>", "</title>", "<TEXTAREA>", "</textarea ", '<script src="https://b.test/y">', "<script type=text/javascript>", "<script type=module>", "<!--", "<script ", "<noscript>", "</noscript>", "<svg>", "</svg>", "<button ", "<iframe ", "<base ", "<p>", "</p>",
    "href=", 'href="', "HREF='", 'src="', "srcset=", "style='", 'style="', "data=", "rel=",
    "<style>", "</style>", "@import ", "@", "\\", "(", "rgb(1)", "image-set(", "src(", "url(", "<!-->",
    "<!--->", "--!>", "-->", "<!doctype html>", "<?xml ", "?>", "<![CDATA[", "]]>", "&amp;", "<math>",
    "<mi>", "http-equiv=Content-Type ", 'rel="stylesheet" ', '<a href="https://b.test/?a&amp;b#&amp;">',
    "integrity=", "http-equiv=", "content=", "formmethod=post ", "formaction=", "ping=",
    "xlink:href=", "action=", "class=x ", "https://b.test/", "http://b.test", "//b.test", "/p",
    "/\t/b.test", "\\\\b.test", "#f", "?q=http://b.test", "a:b", "a/b:c", "url(//b.test)",
    "color:red", "dns-prefetch", "stylesheet", "refresh", "0;url=//b.test", "sha256-x", "&#47;",
    'href="https://b.test/x"', 'src="https://b.test/y"', "href=//c.test ", "post",
)  # fmt: skip
ELEMENTS = (
    "a", "A", "p", "img", "link", "meta", "form", "object", "base", "button", "input", "iframe",
    "script", "style", "title", "textarea", "video", "body", "x-y", "svg", "math", "noscript",
)  # fmt: skip
NAMES = (
    "href", "HREF", "src", "srcset", "style", "data", "rel", "integrity", "http-equiv", "content",
    "method", "formmethod", "formaction", "action", "ping", "poster", "xlink:href", "onclick",
    "type", "class", "name",
)  # fmt: skip
VALUES = (
    "https://b.test/x", "http://b.test", "//b.test/y", "/p", "p/q", "#f", "?q", "", "x", "a:b",
    "a//b", "/\\b.test", "https://b.test/&amp;", "HTTPS://b.test", "javascript:location", "post",
    "color:red", "background:url(//b.test)", "dns-prefetch", "&#112;reconnect", "stylesheet",
    "https://b.test/?a&amp;b", "https://b.test/?a&b", "Content-Type",
    "refresh", "0;url=//b.test", "sha256-x", "text/javascript", "module", "location.href", "1.5:x",
)  # fmt: skip
ATTRIBUTES = st.tuples(
    st.sampled_from((" ", " ", "\n", "/", " / ")),
    st.sampled_from(NAMES),
    st.sampled_from(("=", "=", "=", " = ", "")),
    st.sampled_from(('"', '"', "'", "")),
    st.sampled_from(VALUES),
).map(
    lambda one: f"{one[0]}{one[1]}{one[2]}{one[3]}{one[4]}{one[3]}" if one[2] else one[0] + one[1]
)
TAGS = st.builds(
    lambda name, attributes, end, text: f"<{name}{''.join(attributes)}{end}{text}",
    st.sampled_from(ELEMENTS),
    st.lists(ATTRIBUTES, max_size=4),
    st.sampled_from((">", ">", ">", "/>", " >")),
    st.sampled_from(
        (
            "",
            "x",
            "</a>",
            "</A >",
            "</script>",
            "</style>",
            "</p b=1>",
            "<!--x-->",
            "</title>",
            "</svg>",
            "url(//b.test)",
            "@import '//b.test'",
            "a{b:c(d)}",
        )
    ),
)
"""Tags that are whole and say something: most documents are made of nothing else."""


def rewritten(
    data: bytes, cuts: list[int], *, compiled: bool, token: str, limit: int, scripts: bool
) -> bytes:
    """The document by one of the two, in chunks that end at ``cuts``."""
    made = HtmlRewriter(
        UrlMap(CODEC, "https://page.example/d/"), origin("https://page.example"),
        form_token=token, limit=limit,
        in_page=InPage(ScriptMemory(1 << 20)) if scripts else None,
    )  # fmt: skip
    made._passes = _native.pass_html if compiled else None
    ends = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    parts = [made.feed(data[at:end]) for at, end in itertools.pairwise(ends)]
    return b"".join(parts) + made.close()


class HtmlTests(SynchronousTestCase):
    """Documents made of what matters to the loop, and real ones."""

    def setUp(self) -> None:
        """Without the extension there is nothing to compare."""
        if _native is None:
            raise SkipTest("the extension is not built: python setup.py build_ext --inplace")

    def _same(
        self,
        data: bytes,
        cuts: list[int],
        token: str = "",
        limit: int = 1 << 22,
        *,
        scripts: bool = False,
    ) -> None:
        pure, fast = (
            rewritten(data, cuts, compiled=compiled, token=token, limit=limit, scripts=scripts)
            for compiled in (False, True)
        )
        self.assertEqual(pure, fast, data)

    @settings(max_examples=600, deadline=None)
    @given(
        st.lists(st.sampled_from(PIECES), max_size=30),
        st.lists(st.integers(0, 400), max_size=4),
        st.sampled_from(["", "token"]),
        st.sampled_from([1 << 22, 40]),
    )
    def test_pieces(self, pieces: list[str], cuts: list[int], token: str, limit: int) -> None:
        """Any order of them, any cuts, with forms and without, with a small bound, too."""
        self._same("".join(pieces).encode(), cuts, token, limit)

    @settings(max_examples=1000, deadline=None)
    @given(
        st.lists(TAGS, min_size=1, max_size=6),
        st.lists(st.integers(0, 400), max_size=2),
        st.booleans(),
        st.booleans(),
    )
    def test_tags(self, tags: list[str], cuts: list[int], forms: bool, scripts: bool) -> None:
        """Whole tags of all sorts, with forms' tokens and edited scripts and without."""
        self._same("".join(tags).encode(), cuts, "token" if forms else "", scripts=scripts)

    def test_heads(self) -> None:
        """What heads are made of is passed in one step, but where it may say something."""
        passed = (
            b"<!doctype html>", b"<!-->", b"<!--->", b"<!-- - <p> --!>", b"<?xml x?>", b"<!x>",
            b'<META HTTP-EQUIV="Content-Type" content="a/b">', b"<title>a <b></title>",
            b"<style>a{b:c(d)} @media x</style>", b"<script><!-- x </scripts> --></script>",
            b'<a href="https://b.test/?a&amp;b">',
        )  # fmt: skip
        judged = (
            b"<!--x-", b"<![CDATA[x]]>", b"<meta http-equiv=refresh>", b"<style>a:URL(b)</style>",
            b"<style>@Import 'x'</style>", b"<style>\\75rl(x)</style>", b"<style>image-set('x')</style>",
            b"<style>@namespace 'x'</style>", b"<style>src('x')</style>", b"<svg>", b"<style>",
            b"<script><!-- <script> --></script>", b'<a href="https://b.test/?a&b">',
        )  # fmt: skip
        for markups, whole in ((passed, True), (judged, False)):
            for markup in markups:
                for case in (markup, markup.upper()) if b"https:" not in markup else (markup,):
                    out: list[bytes] = []
                    text = case + b"<p>"
                    end = _native.pass_html(text, 0, out, str, forms=False, handlers=False)
                    self.assertEqual(end, len(text) if whole else 0, case)
                    self.assertEqual(b"".join(out), text[:end])

    def test_tokenizer_cases(self) -> None:
        """The standard's own hard cases, with a link before and after."""
        for text in INPUTS:
            data = f'<a href="https://b.test/">{text}<a href="//b.test" {text}>{text}'.encode(
                "utf-8", "replace"
            )
            self._same(data, [7, len(data) // 2])

    def test_real_pages(self) -> None:
        """Debian's documentation, whole and in chunks."""
        some = sorted(PAGES.glob("*/**/*.html"))[::40][:60]
        if not some:
            raise SkipTest("no pages: make packages")
        for path in some:
            data = path.read_bytes()
            self._same(data, [])
            self._same(
                data.replace(b'href="', b'href="https://b.test/'), [*range(0, len(data), 999)]
            )


class ChoiceTests(SynchronousTestCase):
    """Which of the two is in use."""

    def _kind(self, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "--version"],
            cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.rpartition("(")[2].strip(")\n")

    def test_forced(self) -> None:
        """``GATEWAY_PURE`` forces Python; 0 and nothing do not."""
        self.assertEqual(self._kind(GATEWAY_PURE="1"), "python")
        built = "python" if _native is None else "compiled"
        self.assertEqual(self._kind(GATEWAY_PURE="0"), built)
        self.assertEqual(self._kind(GATEWAY_PURE=""), built)
        self.assertIn(native.KIND, {"python", "compiled"})
