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
    "integrity=", "http-equiv=", "content=", "formmethod=post ", "formaction=", "ping=",
    "xlink:href=", "action=", "class=x ", "https://b.test/", "http://b.test", "//b.test", "/p",
    "/\t/b.test", "\\\\b.test", "#f", "?q=http://b.test", "a:b", "a/b:c", "url(//b.test)",
    "color:red", "dns-prefetch", "stylesheet", "refresh", "0;url=//b.test", "sha256-x", "&#47;",
    'href="https://b.test/x"', 'src="https://b.test/y"', "href=//c.test ", "post",
)  # fmt: skip


def rewritten(data: bytes, cuts: list[int], *, compiled: bool, token: str, limit: int) -> bytes:
    """The document by one of the two, in chunks that end at ``cuts``."""
    made = HtmlRewriter(
        UrlMap(CODEC, "https://page.example/d/"), origin("https://page.example"),
        form_token=token, limit=limit,
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

    def _same(self, data: bytes, cuts: list[int], token: str = "", limit: int = 1 << 22) -> None:
        pure, fast = (
            rewritten(data, cuts, compiled=compiled, token=token, limit=limit)
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
