"""XSLT sheets: what of a result's URLs stands in the sheet."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import BodyPlan, Place, pipeline_for
from gateway.rewrite.urls import UrlMap
from gateway.rewrite.xslt import XsltRewriter
from tests.rewrite import codec, octets, origin, pour, run

URL = "https://feeds.example/p/feed.xsl"
_MARKED = re.compile("«([^»]*)»")
TEXTS = (
    "<xsl:attribute name='href'>«https://c.d/x»</xsl:attribute>", "<xsl:attribute name='title'>https://c.d/x</xsl:attribute>",
    "<xsl:attribute name='src'> <xsl:text>«https://c.d/»</xsl:text><xsl:value-of select='@a'/></xsl:attribute>",
    "<xsl:text>https://c.d/</xsl:text>", "<xsl:attribute name='href'><xsl:value-of select='link'/></xsl:attribute>",
    "<xsl:attribute name='srcset'>«https://c.d/a» 1x, «//c.d/b» 2x</xsl:attribute>",
    "<xsl:attribute name='ping'>«https://c.d/a» /b</xsl:attribute>",
    "<xsl:value-of select=\"document('«https://c.d/x.xml»')/a\"/>", "<xsl:for-each select='document( \"«//c.d/x»\" , /)'/>",
    "<xsl:variable name='a' select=\"document('x.xml')\"/>", "<xsl:variable name='a' select=\"'https://c.d/'\"/>",
    "<xsl:value-of select=\"mydocument('https://c.d/')\"/>", "<xsl:key use=\"document('«https://c.d/»')\"/>",
)  # fmt: skip
MARKUP = (
    "<xsl:import href='«https://c.d/b.xsl»'/>", '<xsl:include href="b.xsl"/>', "<a href='«https://c.d/»{@id}'>x</a>",
    "<a href='{@href}'/>", "<a href='https://{@host}/x'/>", "<a href='//c.{@d}'/>", "<img src='«//c.d/i.png»' alt='https://c.d/'/>", "<p style='background:url(«https://c.d/b»)'/>",
    "<style>p{background:url(«https://c.d/b»)}</style>", "<img srcset='«https://c.d/a» 1x'/>", "<use xlink:href='«https://c.d/s#i»'/>",
    "<p xmlns='https://c.d/ns'>https://c.d/</p>",
)  # fmt: skip


def _plain(text: str) -> bytes:
    return text.replace("«", "").replace("»", "").encode()


def _wanted(text: str) -> bytes:
    return _MARKED.sub(lambda one: UrlMap(codec(), URL).url(one[1]), text).encode()


class XsltTests(SynchronousTestCase):
    """One sheet."""

    def test_texts_and_expressions(self) -> None:
        """Attributes made by elements, and documents that are loaded by their address."""
        for text in TEXTS:
            rewriter = XsltRewriter(UrlMap(codec(), URL).url)
            self.assertEqual(run(rewriter, octets(_plain(text))), _wanted(text), text)

    def test_the_whole_way(self) -> None:
        """Markup and texts, in the encoding that the sheet declares."""
        text = (
            "<xsl:stylesheet xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>"
            + "".join((*TEXTS, *MARKUP))
            + "é</xsl:stylesheet>"
        )
        place = Place(codec(), origin(URL), URL)
        head = "<?xml version='1.0' encoding='{}'?>"
        for encoding in ("utf-8", "latin-1", "utf-16"):
            declared = head.format(encoding if encoding != "latin-1" else "iso-8859-1")
            data = (declared + _plain(text).decode()).encode(encoding)
            wanted = (declared + _wanted(text).decode()).encode(encoding)
            for size in (1, 100_000):
                pipeline = pipeline_for(BodyPlan(Kind.XSLT, place))
                assert pipeline is not None
                found = pour(pipeline, octets(data, size))
                self.assertEqual(found, wanted, (encoding, size))
