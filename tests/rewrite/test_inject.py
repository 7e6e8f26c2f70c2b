"""The streaming scanner: where the markup goes, and that all else stays."""

from __future__ import annotations

import json
import re
from time import perf_counter
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.inject import (
    GUARD,
    REVEAL,
    Injector,
    guard_markup,
    payload_markup,
    script_markup,
)
from tests.rewrite import cut, octets, run

MARKUP = b"<script>ours</script>"
LIMIT = 64 * 1024
# "|" is the place.  Every row is fed whole, octet by octet and cut at each boundary.
PLACES = (
    b"|",
    b"|text",
    b"  \n|text",
    b"<head>|",
    b"<head>|<title>x</title>",
    b"<HEAD>|<title>",
    b"<head/>|x",
    b"<head\n>|x",
    b"<head profile='>'>|x",
    b'<head a=">" b>|x',
    b"<head a=b>|c>",
    b'<head a=b">|c">',
    b"<head a= '>' >|x",
    b'<head a = ">">|x',
    b"<head a=>|x",
    b"<head ='>|'>x",
    b'<head a==">|">x',
    b'<head "a>|b">',
    b"<head a='x'b='>'>|x",
    b"<head/a='>'/>|x",
    b"<html><head>|<title>",
    b"<!DOCTYPE html><html lang=en><head>|",
    b"<!doctype html>\n<!-- <head> -->\n<html>\n<head>|\n",
    b"\xef\xbb\xbf<!doctype html><head>|",
    b"\xef\xbb\xbf|text",
    b"|\xef\xbbtext",
    b"<?xml version='1.0'?><html xmlns='x'><head>|",
    b'<!DOCTYPE html PUBLIC "-//W3C//DTD" "http://x"><head>|',
    b'<!DOCTYPE html ">|"><head>',
    b"<![CDATA[x]]><head>|",
    b"<!bogus><head>|",
    b"<!-><head>|",
    b"<!--><head>|-->",
    b"<!---><head>|-->",
    b"<!----><head>|-->",
    b"<!----!><head>|-->",
    b"<!---!><head>--><head>|",
    b"<!--x--!><head>|-->",
    b"<!--x-- ><head>--><head>|",
    b"<!--x--->|y",
    b"<!--<!--><head>|",
    b"<html>|<body>",
    b"<html>|<body><head>",
    b"<html a='<head>'>|text<head>",
    b"|<title>x</title><head>",
    b"|<body>",
    b"|<header>",
    b"|<headx><head>",
    b"|<htm><head>",
    b"|<p><head>",
    b"|<script>'<head>'</script>",
    b"|<meta charset=utf-8><head>",
    b"|< head>",
    b"|<3<head>",
    b"|<",
    b"|<h",
    b"|<head",
    b"|<head a='>",
    b"|<!--<head>",
    b"|<!doctype",
    b"<!doctype html>|<!--x",
    b"</p><head>|",
    b"</><head>|",
    b"</3 x><head>|",
    b"<html><!--x--> <!--y--><head>|",
    b"<html><html b><head>|",
    b"|\x00<head>",
)  # fmt: skip
PIECES = st.sampled_from((
    b"<!doctype html>", b"<!--", b"-->", b"--!>", b"<!-", b"-", b"<html", b"<html>", b"<head",
    b"<head>", b"</head>", b">", b"'", b'"', b"=", b"/", b" ", b"\n", b"a", b"<", b"<?", b"</p ",
    b"<body>", b"\xef\xbb\xbf", b"\xef", b"\xbb", b"\0", b"<title>x</title>",
))  # fmt: skip
DOCUMENTS = st.lists(PIECES, max_size=14).map(b"".join)


def _inject(*chunks: bytes) -> bytes:
    return run(Injector(MARKUP), chunks)


class PlacementTests(SynchronousTestCase):
    """Where the markup goes."""

    def test_table(self) -> None:
        """First in the head, written or implied; never in a comment or an attribute."""
        for row in PLACES:
            document, wanted = row.replace(b"|", b""), row.replace(b"|", MARKUP)
            self.assertEqual(_inject(document), wanted, row)
            self.assertEqual(_inject(*octets(document)), wanted, row)
            for place in range(len(document)):
                self.assertEqual(_inject(document[:place], document[place:]), wanted, (row, place))

    def test_an_end_tag_with_attributes(self) -> None:
        """A dropped end tag ends at its own ">", not at one in a quoted attribute."""
        document = b'</p a="><head>"><head>x'
        self.assertEqual(_inject(document), document.replace(b"<head>x", b"<head>" + MARKUP + b"x"))

    @settings(deadline=None, max_examples=400)
    @given(DOCUMENTS, st.lists(st.integers(0, 200), max_size=5))
    def test_any_chunks(self, document: bytes, places: list[int]) -> None:
        """The same output for every chunking, and all else byte for byte as it was."""
        whole = _inject(document)
        self.assertEqual(whole.replace(MARKUP, b"", 1), document)
        self.assertEqual(whole.count(MARKUP), 1)
        self.assertEqual(_inject(*cut(document, places)), whole)
        self.assertEqual(_inject(*octets(document)), whole)

    def test_once(self) -> None:
        """Only the first head is meant; afterwards chunks pass as they come."""
        injector = Injector(MARKUP)
        injector.feed(b"<head>")
        for chunk in (b"<head>", b"<he", b"ad>", b"<!--"):
            self.assertEqual(injector.feed(chunk), chunk)
        self.assertEqual(injector.close(), b"")


class BoundTests(SynchronousTestCase):
    """Bounded in memory and linear in time."""

    def test_the_buffer(self) -> None:
        """Never more than 64 KiB and one chunk wait; then the markup goes before the token."""
        for opening in (b"<!--", b"<!doctype ", b"<html a='", b'<head b="', b"<?"):
            injector, sent, got = Injector(MARKUP), b" \n" + opening, b""
            got = injector.feed(sent)
            while not got and len(sent) < 4 * LIMIT:
                sent += b"x" * 1000
                got = injector.feed(b"x" * 1000)
            self.assertLessEqual(len(sent), LIMIT + 1000, opening)
            self.assertEqual(got, sent.replace(b" \n", b" \n" + MARKUP, 1), opening)

    def test_white_space(self) -> None:
        """A long prologue of blanks is bounded as well, and nothing is lost."""
        document = b" " * 3 * LIMIT + b"<head>x"
        chunks = [document[at : at + 1000] for at in range(0, len(document), 1000)]
        injector = Injector(MARKUP)
        waiting = 0
        for chunk in chunks:
            waiting = 0 if injector.feed(chunk) else waiting + len(chunk)
            self.assertLessEqual(waiting, LIMIT + 1000)
        self.assertEqual(_inject(*chunks).replace(MARKUP, b"", 1), document)

    def test_beyond_the_buffer(self) -> None:
        """The place is found within the first 64 KiB or not at all, whatever the chunks."""
        for size in (*range(LIMIT - 20, LIMIT + 5), LIMIT + 5000):
            document = b"<!--" + b"x" * size + b"--><head>x"
            chunks = [document[at : at + 1000] for at in range(0, len(document), 1000)]
            self.assertEqual(_inject(document), _inject(*chunks), size)
            self.assertEqual(_inject(document).replace(MARKUP, b"", 1), document, size)

    def test_linear(self) -> None:
        """Twice the document takes about twice the time, for openings made to hurt."""
        for piece in (
            b"<", b"<!--", b"--", b"<!-", b"<html ", b"<html a='", b"a=", b"= ", b" ", b"/", b"a ",
            b"<?", b"</", b"\"'", b"<head a", b"<html a b", b"x='y'",
        ):  # fmt: skip
            for start in (b"", b"<!--", b"<head ", b"<html "):
                small, large = (
                    _seconds(start + piece * (size // len(piece))) for size in (100_000, 400_000)
                )
                self.assertLess(large, 8 * small + 0.02, (start, piece))

    def test_small_chunks(self) -> None:
        """What trickles in is not searched from its start again for every chunk."""
        for opening in (b"<!--", b"<html a='", b"<!doctype "):
            small, large = (_seconds(opening, *[b"x"] * size) for size in (8000, 64_000))
            self.assertLess(large, 24 * small, opening)


def _seconds(*chunks: bytes) -> float:
    """The time that the scanner takes; the best of some attempts."""
    best = 99.0
    for _ in range(3):
        injector, start = Injector(MARKUP), perf_counter()
        for chunk in chunks:
            injector.feed(chunk)
        injector.close()
        best = min(best, perf_counter() - start)
    return best


# The same for XML: the root may be of any name.
XML_PLACES = (
    b"<svg>|<g/></svg>",
    b"<svg a='>' >|x</svg>",
    b"<?xml version='1.0'?>\n<!-- <svg> -->\n<svg xmlns='http://www.w3.org/2000/svg'>|<g/></svg>",
    b"<!DOCTYPE svg PUBLIC 'x' 'y'><svg>|</svg>",
    b"<!DOCTYPE svg [ <!ENTITY a 'b'> <!ENTITY c 'd'> ]><svg>|&a;</svg>",
    b"<?xml-stylesheet href='a.css'?><svg>|</svg>",
    b"<s:svg xmlns:s='http://www.w3.org/2000/svg'>|</s:svg>",
    b"<html><head>|<title/></head></html>",
    b"<html>|<body/></html>",
    b"<html><svg/></html>".replace(b"<svg", b"|<svg"),
    b"<?xml version='1.0'?><html xmlns='x'><!--c--><head>|</head></html>",
    b"\xef\xbb\xbf<svg>|</svg>",
    b"<math>|<mi>x</mi></math>",
    b"<feed>|<entry/></feed>",
    b"|text",
    b"|",
)
# An empty root has no inside; what follows it is no element's.
XML_WITHOUT = (b"<svg/>", b"<svg a='b'/>\n<!-- x -->", b"<?xml version='1.0'?><svg xmlns='x' />")


class XmlTests(SynchronousTestCase):
    """XHTML and other XML documents."""

    def _check(self, document: bytes, wanted: bytes) -> None:
        for size in range(1, len(document) + 2):
            found = run(Injector(MARKUP, xml=True), octets(document, size))
            self.assertEqual(found, wanted, (document, size))

    def test_a_doctype_with_declarations(self) -> None:
        """Its brackets are passed over whole, in any chunks."""
        before = b'<?xml version="1.0"?>\n<!DOCTYPE html [ <!ENTITY a "b"> ]>\n<html><head>'
        after = b"<title>&a;</title></head></html>"
        self._check(before + after, before + MARKUP + after)

    def test_places(self) -> None:
        """First in the root, or in the head where the root is html; in any chunks."""
        for row in XML_PLACES:
            self._check(row.replace(b"|", b""), row.replace(b"|", MARKUP))

    def test_an_empty_root(self) -> None:
        """There is no place in it, and nothing goes beside it."""
        for document in XML_WITHOUT:
            self._check(document, document)

    def test_html_has_no_other_roots(self) -> None:
        """In HTML the markup goes before an element of any other name."""
        self.assertEqual(_inject(b"<svg><g/></svg>"), MARKUP + b"<svg><g/></svg>")


class GuardTests(SynchronousTestCase):
    """What hides a page until it is attested."""

    def test_html(self) -> None:
        """Hidden for all; shown again, with more weight, only where no script runs."""
        markup = guard_markup().decode()
        matched = re.fullmatch(
            r"<style>([^<]*)</style><noscript><style>([^<]*)</style></noscript>", markup
        )
        assert matched is not None, markup
        self.assertEqual(matched.groups(), (GUARD, REVEAL))
        hides, shows = (re.fullmatch(r"((?::root)+)\{display:(\w+)!important\}", one)
                        for one in (GUARD, REVEAL))  # fmt: skip
        assert hides is not None and shows is not None
        self.assertEqual((hides[2], shows[2]), ("none", "revert"))
        self.assertGreater(len(shows[1]), len(hides[1]))

    def test_xml(self) -> None:
        """Styles of HTML's, well-formed; where no script runs, a query shows it again."""
        markup = guard_markup(xml=True)
        root = ET.fromstring(b"<svg xmlns='http://www.w3.org/2000/svg'>" + markup + b"</svg>")
        self.assertEqual([one.tag for one in root], ["{http://www.w3.org/1999/xhtml}style"] * 2)
        self.assertEqual([(one.text, len(one)) for one in root], [(GUARD, 0), (REVEAL, 0)])
        self.assertEqual([one.get("media") for one in root], [None, "(scripting:none)"])


class PayloadTests(SynchronousTestCase):
    """Payload and runtime as markup."""

    shape = re.compile(
        rb'<script type="application/json" id="__gw">([^<>&]*)</script>'
        rb'<script src="/r\.js" integrity="sha256-x=" crossorigin=""></script>'
    )

    def _read(self, payload: object) -> object:
        matched = self.shape.fullmatch(payload_markup(payload, "__gw", "/r.js", "sha256-x="))
        assert matched is not None, payload
        return json.loads(matched[1])

    def test_nothing_ends_the_element(self) -> None:
        """Cookies that look like markup come back as they were, and as nothing else."""
        for value in (
            "</script><script>alert(1)</script>", "<!--<script>", "-->", "]]>", "&lt;", "\u2028",
            "\"'\\", "é", "\U0001f600", "\x00\r\n",
        ):  # fmt: skip
            self.assertEqual(self._read({"cookie": value}), {"cookie": value}, value)

    def test_xml(self) -> None:
        """In XML both elements say that they are HTML's, and are well-formed."""
        markup = payload_markup({"cookie": "]]>&<"}, "__gw", "/r.js?a", "sha256-x=", xml=True)
        root = ET.fromstring(b"<svg xmlns='http://www.w3.org/2000/svg'>" + markup + b"</svg>")
        self.assertEqual([one.tag for one in root], ["{http://www.w3.org/1999/xhtml}script"] * 2)
        self.assertEqual(json.loads(root[0].text or ""), {"cookie": "]]>&<"})
        self.assertEqual(root[1].get("src"), "/r.js?a")
        self.assertNotIn(b"xmlns", payload_markup({}, "__gw", "/r.js", "sha256-x="))

    @settings(deadline=None)
    @given(st.text(), st.text())
    def test_within(self, key: str, value: str) -> None:
        """What stands in the script's own element comes back, whatever it is, in HTML and XML."""
        for xml in (False, True):
            markup = script_markup("/r.js", "sha256-x=", xml=xml, within={key: value})
            root = ET.fromstring(markup)
            self.assertEqual(json.loads(root.attrib["data-gw"]), {key: value})
            self.assertEqual(markup.count(b"<"), 2)

    @settings(deadline=None)
    @given(st.text(), st.text())
    def test_any_text(self, key: str, value: str) -> None:
        """Keys and values alike; ASCII only."""
        self.assertEqual(self._read({key: [value]}), {key: [value]})
