"""DASH manifests: which texts and attributes are URLs."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.dash import DashRewriter
from gateway.rewrite.urls import UrlMap
from tests.rewrite import codec, octets, run

URL = "https://video.example/p/main.mpd"
_MARKED = re.compile("«([^»]*)»")
# What stands between guillemets is a URL that must be mapped; all else stays to the octet.
PARTS = (
    "<BaseURL>«https://c.d/x/»</BaseURL>", "<BaseURL serviceLocation='a' > \n«//c.d/»\t</BaseURL>", "<BaseURL>dash/</BaseURL>",
    "<BaseURL><![CDATA[«https://c.d/x?a=1&b»]]></BaseURL>", "<BaseURL/>https://c.d/", "<a:BaseURL>«https://c.d/»</a:BaseURL>",
    "<BaseURL>«https://c.d/»<!-- https://c.d/ --></BaseURL>", "<Location>«https://c.d/m.mpd»</Location>",
    "<PatchLocation ttl='60'>«https://c.d/p»</PatchLocation>", "<Other>https://c.d/</Other>",
    "<Title>https://c.d/</Title>", "<!-- <BaseURL>https://c.d/</BaseURL> -->",
    "<SegmentTemplate media=\"«https://c.d/$RepresentationID$/$Number%05d$.m4s»\" initialization='«//c.d/$RepresentationID$.mp4»' timescale='1'/>",
    "<SegmentTemplate media='$Time$.m4s' index=\"«https://c.d/i»\" bitstreamSwitching='«https://c.d/b»'/>",
    "<Initialization sourceURL='«https://c.d/i»' range='0-1'/>", "<RepresentationIndex sourceURL='«https://c.d/i»'/>",
    "<SegmentURL media='«https://c.d/1»' index='«https://c.d/2»' mediaRange='0-9'/>",
    "<Period xlink:href='«https://c.d/period.xml»' xlink:actuate='onLoad' xmlns:xlink='http://www.w3.org/1999/xlink'/>",
    "<UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-xsdate:2014' value='«https://c.d/time» «https://e.f/»'/>",
    "<UTCTiming schemeIdUri='urn:mpeg:dash:utc:direct:2014' value='2026-01-01T00:00:00Z'/>",
    "<SupplementalProperty schemeIdUri='https://dashif.org/x' value='https://c.d/'/>", "<Representation id='https://c.d/'/>",
    "<ContentSteering defaultServiceLocation='a' proxyServerURL='«https://c.d/p»'>«https://c.d/steer»</ContentSteering>",
    "<ContentProtection><dashif:Laurl>«https://c.d/l»</dashif:Laurl><cenc:pssh>AAAA//c.d</cenc:pssh></ContentProtection>",
    "<ms:laurl licenseUrl='«https://c.d/l»'/>", "<?x https://c.d/?>", "<![CDATA[<BaseURL>https://c.d/</BaseURL>]]>",
)  # fmt: skip
RESPELLED = {
    "<BaseURL>https://c.d/?a=1&amp;b=2&#x26;c</BaseURL>": "<BaseURL>https://HOST/?a=1&amp;b=2&amp;c</BaseURL>",
    "<BaseURL>&#104;ttps://c.d/</BaseURL>": "<BaseURL>https://HOST/</BaseURL>",
    "<SegmentURL media='//c.d/&apos;&lt;'/>": "<SegmentURL media='//HOST/&#39;&lt;'/>",
}
HEAD = '<?xml version="1.0"?>\n<!DOCTYPE MPD SYSTEM "https://c.d/mpd.dtd">\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xsi:schemaLocation="urn:x https://c.d/x.xsd">\n'


def _rewrite(data: bytes, chunks: list[bytes] | None = None) -> bytes:
    return run(DashRewriter(UrlMap(codec(), URL).url), [data] if chunks is None else chunks)


class DashTests(SynchronousTestCase):
    """One manifest."""

    def test_parts(self) -> None:
        """Every part by itself and all together, however it is cut."""
        for part in (*PARTS, "\n".join(PARTS)):
            text = HEAD + part + "</MPD>"
            data = text.replace("«", "").replace("»", "").encode()
            wanted = _MARKED.sub(lambda one: UrlMap(codec(), URL).url(one[1]), text).encode()
            self.assertEqual(_rewrite(data), wanted, part)
            self.assertEqual(_rewrite(data, octets(data)), wanted, part)
            self.assertEqual(data == wanted, "«" not in part)

    def test_references(self) -> None:
        """A URL behind references is mapped, and still well formed."""
        host = codec().collapse_url("https://c.d").partition("//")[2]
        for given, wanted in RESPELLED.items():
            self.assertEqual(_rewrite(given.encode()).decode(), wanted.replace("HOST", host))
