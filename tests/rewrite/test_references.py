"""Character references in attribute values, compared with a parser of the standard."""

from __future__ import annotations

from html.entities import html5
from xml.etree import ElementTree as ET

import turbohtml
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.references import escape_attribute, unescape_attribute, unescape_xml

NAMES = sorted({name.rstrip(";") for name in html5})
FOLLOWING = (
    "",
    ";",
    "=",
    "a",
    "Z",
    "1",
    "é",
    " ",
    "&",
    "/",
    ";=",
    ";;",
    "#",
    "_",
    "x;",
    "1;",
    "\n",
)
NUMBERS = (
    *range(0x20, 0xA1), 0, 1, 8, 9, 0xA, 0xC, 0xD, 0x1F, 0xAD, 0xD7FF, 0xD800, 0xDFFF, 0xE000,
    0xFDD0, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x10FFFF, 0x110000, 2**31, 2**32, 2**32 + 65,
    2**64 + 65, 10**30,
)  # fmt: skip
PIECES = st.sampled_from((
    "&", "#", "x", "X", ";", "amp", "lt", "copy", "notin", "not", "in", "9", "0", "a", "=", "39",
    "&amp;", "&#", "&#x", "&#38;", "é", " ", "CounterClockwiseContourIntegral", "\U0001f600",
))  # fmt: skip
TEXT = st.text(st.characters(exclude_characters="\r\0", exclude_categories=("Cs",)), max_size=40)


def parsed(raws: list[str]) -> list[str]:
    """What a parser makes of these raw values."""
    markup = "".join(f'<b x="{raw}">' for raw in raws)
    document = turbohtml.parse("<!doctype html><body>" + markup, positions=False)
    return [element.attr("x") or "" for element in document.find_all("b") if "x" in element.attrs]


class HtmlTests(SynchronousTestCase):
    """References as HTML has them."""

    def compare(self, raws: list[str]) -> None:
        """Ours and the parser's, in parts, for a parser may bound the depth."""
        for start in range(0, len(raws), 200):
            part = raws[start : start + 200]
            wanted = parsed(part)
            self.assertEqual(len(wanted), len(part))
            differ = [
                (raw, one, unescape_attribute(raw))
                for raw, one in zip(part, wanted, strict=True)
                if unescape_attribute(raw) != one
            ]
            self.assertEqual(differ, [])

    def test_every_name(self) -> None:
        """With and without a semicolon, whatever follows."""
        self.compare([f"&{name}{after}" for name in NAMES for after in FOLLOWING])

    def test_names_that_are_none(self) -> None:
        """Longer, shorter, of another case, or cut off."""
        names = NAMES[::7]
        self.compare([f"x&{name[:-1]};" for name in names] + [f"&{name}x;" for name in names])
        self.compare([f"&{name.swapcase()};" for name in names])
        self.compare(["&", "&;", "&x;", "&=", "& amp;", "&amp", "&ampamp;", "&amp&amp;", "&&amp;"])
        self.compare(
            ["&" + "a" * 40 + ";", "&notit;", "&notin;", "&noti", "&not in;", "&AMP", "&Amp"]
        )

    def test_numbers(self) -> None:
        """In both bases, with and without a semicolon and zeros."""
        raws = []
        for number in NUMBERS:
            for text in (f"&#{number}", f"&#x{number:x}", f"&#X{number:X}", f"&#000{number}"):
                raws += [text + ";", text + "g", text + "=", text + " ", text]
        self.compare(raws)
        self.compare(
            ["&#", "&#;", "&#x", "&#x;", "&#xg;", "&#-1;", "&# 1;", "&#1a;", "&#x1g;", "&#𝟏;"]
        )
        self.compare(["&#" + "0" * 200 + "65;", "&#" + "9" * 200 + ";", "&#x" + "0" * 99 + "41"])

    @settings(deadline=None, max_examples=500)
    @given(st.lists(PIECES, max_size=10).map("".join))
    def test_any_mixture(self, raw: str) -> None:
        """Ampersands where they may be taken for something."""
        self.compare([raw])

    @settings(deadline=None)
    @given(TEXT)
    def test_escaping(self, text: str) -> None:
        """An escaped value reads back, in HTML and in XML, between either quotes."""
        self.assertEqual(unescape_attribute(escape_attribute(text)), text)
        self.assertEqual(parsed([escape_attribute(text)]), [text])
        single = escape_attribute(text, "'")
        self.assertNotIn("'", single)
        self.assertEqual(unescape_xml(single), text)
        self.assertEqual(unescape_attribute(single), text)
        if text.isprintable():
            element = ET.fromstring(f"<a x=\"{escape_attribute(text)}\" y='{single}'/>")
            self.assertEqual(element.attrib, {"x": text, "y": text})

    def test_same_object(self) -> None:
        """A value without an ampersand is the same object."""
        text = "https://a.b/?x#y"
        self.assertIs(unescape_attribute(text), text)
        self.assertIs(unescape_xml(text), text)


class XmlTests(SynchronousTestCase):
    """References as XML has them."""

    def test_table(self) -> None:
        """Five names and numbers; all with their semicolon."""
        table = {
            "&amp;&lt;&gt;&quot;&apos;": "&<>\"'",
            "&#65;&#x41;&#x1F600;": "AA\U0001f600",
            "&amp": "&amp",
            "&#65": "&#65",
            "&copy;": "&copy;",
            "&AMP;": "&AMP;",
            "&x;": "&x;",
            "&amp;amp;": "&amp;",
            "&#x110000;": "&#x110000;",
            "&#xD800;": "&#xD800;",
            "&#128;": "\x80",
            "&#" + "9" * 50 + ";": "&#" + "9" * 50 + ";",
            "&#" + "0" * 50 + "65;": "A",
        }
        for raw, wanted in table.items():
            self.assertEqual(unescape_xml(raw), wanted, raw)

    @settings(deadline=None)
    @given(st.integers(0x20, 0x10FFFF).filter(lambda one: not 0xD800 <= one < 0xE000))
    def test_numbers(self, number: int) -> None:
        """Any character by its number, as a parser of XML reads it."""
        if number in {0xFFFE, 0xFFFF}:
            return
        for raw in (f"&#{number};", f"&#x{number:x};"):
            wanted = ET.fromstring(f"<a x='{raw}'/>").attrib["x"]
            self.assertEqual(unescape_xml(raw), wanted)
