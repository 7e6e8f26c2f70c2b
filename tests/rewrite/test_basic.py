"""Mode ``basic``: what may run script, one decision at a time."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.basic import (
    SafeSheet,
    Substitution,
    TagCleaner,
    as_text,
    is_active_url,
    safe_css,
    without_markup,
)
from gateway.rewrite.references import unescape_attribute
from gateway.rewrite.tokens import START_TAG
from tests.rewrite import cut, octets, run
from tests.rewrite.inert import active_css
from tests.rewrite.injections import ACTIVE, SPELLINGS

HARMLESS = (
    "", "#", "/x", "x?javascript:", "https://a.b/javascript:", "mailto:x@y", "tel:1", "javascriptx:",
    "xjavascript:", "./javascript:", "data", "data/x:", "about:blank", "feed:https://a.b/", "ftp://a.b",
    "data:,x", "data:image/png;base64,AA", "data:IMAGE/JPEG,x", "data:text/plain;charset=utf-8,<b>",
    "data:text/css,a{}", "data:audio/ogg,x", "intent://x", "java:", "script:", "//javascript:0/",
)  # fmt: skip


class UrlTests(SynchronousTestCase):
    """URLs that run script."""

    def test_spellings(self) -> None:
        """Every spelling, in any case."""
        for spelled in SPELLINGS:
            url = unescape_attribute(spelled)
            self.assertTrue(is_active_url(url), spelled)
            self.assertTrue(is_active_url(url.upper()), spelled)
        for spelled in ACTIVE:
            self.assertTrue(is_active_url(unescape_attribute(spelled), shown=True), spelled)

    def test_harmless(self) -> None:
        """And what only looks like one."""
        for url in HARMLESS:
            self.assertFalse(is_active_url(url), url)

    def test_data(self) -> None:
        """An image runs nothing; a document does."""
        for kind in (
            "image/svg+xml",
            "text/html",
            "application/xhtml+xml",
            "text/xml",
            "multipart/x",
        ):
            for rest in (",x", ";base64,eA==", ";charset=utf-8,x"):
                self.assertTrue(is_active_url(f"data:{kind}{rest}"))
                self.assertFalse(is_active_url(f"data:{kind}{rest}", shown=True))

    @given(
        st.lists(st.sampled_from("\0\1\t\n\r \x1f\x7f\xa0\u200b\ufeff"), min_size=11, max_size=11)
    )
    def test_junk(self, junk: list[str]) -> None:
        """White space, controls and what cannot be seen hide nothing."""
        url = "".join(one + two for one, two in zip(junk, "javascript:", strict=True))
        self.assertTrue(is_active_url(url + "alert(1)"))


class CssTests(SynchronousTestCase):
    """What ran script in sheets."""

    def test_active(self) -> None:
        """Escaped, commented, in any case and in full width."""
        for text in (
            "x:expression(1)", "x:EXPRESSION(1)", "x:ex/**/pression(1)", r"x:\65xpression(1)",
            r"x:e\000078 pression(1)", r"x:e\xpression(1)", "x:expression /**/ (1)", "behavior:url(x)",
            "BEHAVIOR : url(x)", r"\62ehavior:url(x)", "-ms-behavior:url(x)", "-moz-binding:url(x)",
            r"-m\6fz-binding:url(x)", "background:url(javascript:x)", "background:url( 'java\\script:x')",
            'a:url("vbscript:x")', "color:red;x:expression(1);y:z", "a:url(\x10javascript:x(1))",
        ):  # fmt: skip
            for out in (
                safe_css(text),
                run(SafeSheet(str), octets(text.encode())).decode(),
                run(SafeSheet(str, inline=True), [text.encode()]).decode(),
            ):
                self.assertEqual(active_css(out), [], (text, out))
                self.assertNotEqual(out, text)

    def test_full_width(self) -> None:
        """As one browser took them."""
        wide = "x:\uff45\uff58\uff50\uff52\uff45\uff53\uff53\uff49\uff4f\uff4e(1)"
        self.assertEqual(safe_css(wide), "x:x(1)")
        self.assertEqual(run(SafeSheet(str), [wide.encode()]), b"x:x(1)")

    def test_harmless(self) -> None:
        """The same object comes back, and the same octets."""
        for text in (
            "color:red", "scroll-behavior:smooth", "overscroll-behavior : none", "x:var(--expression)",
            "background:url(data:image/svg+xml,%3Csvg/%3E)", "content:'<b>'", "transition-behavior: a",
            "/* expression */ a:b", "--behavior-x:1",
        ):  # fmt: skip
            self.assertIs(safe_css(text), text)
            self.assertEqual(run(SafeSheet(str), octets(text.encode())), text.encode())

    def test_markup(self) -> None:
        """Inline, nothing in a sheet looks like markup, and strings mean the same."""
        sheet = b"<!-- a{b:'</p><b><!x'} c{d: 1 < 2}<![CDATA[ ]]>-->"
        out = run(SafeSheet(str, inline=True), [sheet])
        self.assertNotRegex(out.decode(), "<[a-zA-Z/!?]")
        self.assertIn(rb"'<\2f p><\62 ><\21 x'", out)
        self.assertEqual(len(run(SafeSheet(str), [sheet])), len(sheet))

    @settings(deadline=None)
    @given(
        st.lists(st.sampled_from((*"<!-/*:(\\e", "expression", "behavior", "-moz-binding", "\\65 ", "/**/")), max_size=40),
        st.lists(st.integers(0, 300), max_size=4),
    )  # fmt: skip
    def test_chunks(self, parts: list[str], places: list[int]) -> None:
        """Every chunking gives the same."""
        data = "".join(parts).encode()
        for inline in (False, True):
            whole = run(SafeSheet(str, inline=inline), [data])
            self.assertEqual(run(SafeSheet(str, inline=inline), cut(data, places)), whole)


class SubstitutionTests(SynchronousTestCase):
    """Replacing in a stream."""

    @given(st.text("<a&/ \\", max_size=30), st.lists(st.integers(0, 30), max_size=4))
    def test_as_a_whole(self, text: str, places: list[int]) -> None:
        """It is what one substitution in the whole text is."""
        for made, pattern, by in (
            (without_markup, "<(?=[a-zA-Z/!?])", "&lt;"),
            (as_text, "[<&]", lambda found: {"<": "&lt;", "&": "&amp;"}[found.group()]),
            (lambda: Substitution(re.compile(r"(?<!\\)<a"), lambda _: "x"), r"(?<!\\)<a", "x"),
        ):
            one = made()
            out = b"".join(one.feed(piece) for piece in cut(text.encode(), places))
            out += one.feed(b"", final=True)
            self.assertEqual(out.decode(), re.sub(pattern, by, text))


class TagTests(SynchronousTestCase):
    """Attributes, one tag at a time."""

    def clean(self, markup: str, *, xml: bool = False) -> str:
        """The tag, cleaned."""
        data = markup.encode()
        tag = START_TAG.fullmatch(data)
        assert tag is not None
        name = tag.group(1).lower()
        return TagCleaner("utf-8", xml=xml).clean(data, tag, name).decode()

    def test_untouched(self) -> None:
        """The octets are the same where nothing goes."""
        for tag in (
            "<a  href = '/x'  b/>",
            "<A HREF=x>",
            "<p title='a<3'>",
            "<br/>",
            '<p title="\'" x>',
        ):
            self.assertEqual(self.clean(tag), tag)

    def test_attributes(self) -> None:
        """What goes, and that nothing takes its place."""
        for tag, wanted in (
            ("<a onclick=x>", "<a>"),
            ("<a ON\0click=x>", "<a>"),
            ("<a b onclick='1'='javascript:x' c>", "<a b c>"),
            ("<a href=javascript:x href=/y>", "<a>"),
            ("<a href=/x href=javascript:y>", "<a href=/x>"),
            ("<a x:href=javascript:x ev:event=y>", "<a>"),
            ("<a title='<b' <c=d>", "<a title='&lt;b'>"),
            ("<p srcdoc=x>", "<p>"),
            ("<link x:rel=y rel=import href=z>", "<link x:rel=y>"),
            ("<link rel=preload as=SCRIPT href=x>", "<link as=SCRIPT>"),
            ("<meta http-equiv=' Refresh' content='1;url=javascript:x'>", "<meta http-equiv=' Refresh'>"),
            ("<meta charset=utf-7>", "<meta>"),
            ("<set attributename=' onclick' to=x>", "<set to=x>"),
            ("<animate attributeName=href values='a; javascript:b'>", "<animate attributeName=href>"),
            ("<img srcset='a 1x,javascript:b 2x'>", "<img>"),
            ("<p style='x:expression(1)' class=y>", '<p style="x:x(1)" class=y>'),
        ):  # fmt: skip
            self.assertEqual(self.clean(tag), wanted)

    def test_xml_names(self) -> None:
        """In XML, names that differ in case are different names."""
        self.assertEqual(
            self.clean("<a HREF='x' href='y' onclick='z'/>", xml=True), "<a HREF='x' href='y' />"
        )
