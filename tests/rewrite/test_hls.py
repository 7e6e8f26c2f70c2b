"""HLS playlists: which lines and attributes are URLs, and that all else stays to the octet."""

from __future__ import annotations

import re
from time import process_time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.hls import HlsRewriter
from gateway.rewrite.urls import UrlMap
from tests.rewrite import codec, collapsed, cut, octets, run

URL = "https://video.example/p/master.m3u8"
HEAD = "#EXTM3U\n"
_MARKED = re.compile("«([^»]*)»")
# What stands between guillemets is a URL that must be mapped; all else stays to the octet.
LINES = (
    "«https://c.d/s.ts»", "«//c.d/s.ts»", "«HTTP://c.d:81/s.ts?a#b»", "  «https://c.d/s.ts»\t", "«https://c.d/s.ts»\r",
    "s.ts", "/s.ts", "?s", "../s.ts?u=https://c.d/", "", "\r", " ", "data:video/mp2t;base64,//c.d/", '«https://c.d/a b,c"d»',
    "# https://c.d/ a comment", "#EXTINF:9.009,https://c.d/ a title", "#EXT-X-VERSION:7", "#EXTM3U", "#EXT-X-ENDLIST",
    '#EXTINF:1,URI="https://c.d/"', '#URI="https://c.d/"', "«https://bücher.example/ä»",
    '#EXT-X-KEY:METHOD=AES-128,URI="«https://c.d/k?a=b,c»",IV=0x9c7db8778570d05c3177c349fd9236aa',
    "#EXT-X-KEY:METHOD=NONE", '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key65",KEYFORMAT="com.apple.streamingkeydelivery"',
    '#EXT-X-KEY:METHOD=AES-128,URI="data:text/plain;base64,AAAA//=="',
    '#EXT-X-MAP:URI="«//c.d/init.mp4»",BYTERANGE="718@0"', '#EXT-X-MAP:URI="init.mp4"', '#EXT-X-MAP:URI="«https://c.d/i»"\r',
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="https://c.d/",NAME="x",URI="«https://c.d/a.m3u8»",CHANNELS="2"',
    '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=86000,URI="«https://c.d/i.m3u8»"', '#EXT-X-STREAM-INF:BANDWIDTH=1,NAME="https://c.d/"',
    '#EXT-X-SESSION-DATA:DATA-ID="a",VALUE="https://c.d/"', '#EXT-X-SESSION-DATA:DATA-ID="a",URI="«https://c.d/j.json»"',
    '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="«https://c.d/k»"', '#EXT-X-PART:DURATION=0.3,URI="«https://c.d/p.mp4»",INDEPENDENT=YES',
    '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="«https://c.d/p.mp4»"', '#EXT-X-RENDITION-REPORT:URI="«https://c.d/r.m3u8»",LAST-MSN=1',
    '#EXT-X-CONTENT-STEERING:SERVER-URI="«https://c.d/steer?x»",PATHWAY-ID="A"',
    '#EXT-X-DATERANGE:ID="a",CLASS="com.apple.hls.interstitial",X-ASSET-URI="«https://c.d/ad.m3u8»",X-RESUME-OFFSET=0',
    '#EXT-X-DATERANGE:ID="a",X-ASSET-LIST="«https://c.d/list»",X-NOTE="https://c.d/"', '#EXT-X-DATERANGE:ID="URI=https://c.d/"',
    '#EXT-X-DEFINE:NAME="b",VALUE="«https://c.d/x»"', '#EXT-X-DEFINE:NAME="b",VALUE="c.d"', '#EXT-X-DEFINE:QUERYPARAM="b"',
    '#EXT-X-MAP:URI="{$b}/x"', "{$b}/x.ts", '#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="«https://c.d/i.m3u8»"',
    '#EXT-X-MAP:URI="https://c.d/x', "#EXT-X-MAP:URI=https://c.d/x", '#EXT-X-X:A=1,,B="x",URI="«//c.d»",URI="«//e.f»"',
)  # fmt: skip


def _playlist(text: str) -> bytes:
    return text.encode()


def _rewrite(data: bytes, chunks: list[bytes] | None = None, limit: int = 1 << 20) -> bytes:
    rewriter = HlsRewriter(UrlMap(codec(), URL).url, limit)
    return run(rewriter, [data] if chunks is None else chunks)


def _wanted(text: str) -> str:
    return _MARKED.sub(lambda found: UrlMap(codec(), URL).url(found[1]), text)


def _given(text: str) -> str:
    return text.replace("«", "").replace("»", "")


class HlsTests(SynchronousTestCase):
    """One playlist."""

    def test_lines(self) -> None:
        """Every line by itself, as the last one and before another, however it is cut."""
        for line in LINES:
            for end in ("", "\n", "\nx.ts\n"):
                text = HEAD + line + end
                data = _playlist(_given(text))
                wanted = _playlist(_wanted(text))
                self.assertEqual(_rewrite(data), wanted, text)
                self.assertEqual(_rewrite(data, octets(data)), wanted, text)
            if "«" in line:
                self.assertNotEqual(_given(line), _wanted(line))

    def test_a_whole_playlist(self) -> None:
        """All lines together, with both ends of lines and a byte order mark."""
        for end in ("\n", "\r\n"):
            text = end.join(("\ufeff#EXTM3U", *LINES))
            self.assertEqual(_rewrite(_playlist(_given(text))), _playlist(_wanted(text)))

    def test_hosts_in_variables(self) -> None:
        """A host that a variable names is told in its place; what no playlist defines stays."""
        text = (
            '#EXTM3U\n#EXT-X-DEFINE:NAME="h",VALUE="c.d"\n#EXT-X-DEFINE:NAME="p",VALUE="x"\n'
            'https://{$h}/{$p}.ts\n#EXT-X-MAP:URI="//cdn.{$h}/i"\nhttps://{$unknown}/x.ts\n'
        )
        out = _rewrite(_playlist(text)).decode()
        self.assertIn("\n" + collapsed("https://c.d/x.ts") + "\n", out)
        self.assertIn('URI="' + collapsed("https://cdn.c.d/i").partition(":")[2] + '"', out)
        self.assertIn("\nhttps://{$unknown}/x.ts\n", out)

    def test_what_is_no_playlist(self) -> None:
        """It passes to the octet, whatever its type says."""
        for text in (
            "",
            "#",
            "#EXTM3",
            "https://c.d/x.ts\n",
            "x\n#EXTM3U\nhttps://c.d/",
            "\ufeff",
            "ID3 //c.d",
        ):
            data = text.encode()
            self.assertEqual(_rewrite(data), data)
            self.assertEqual(_rewrite(data, octets(data)), data)

    def test_octets_that_are_no_text(self) -> None:
        """What is no UTF-8 stays; so does the rest of a URL that is mapped."""
        data = b"#EXTM3U\nhttps://c.d/\xff\xfe\n\xff//c.d/\n"
        wanted = b"#EXTM3U\n" + collapsed("https://c.d/").encode() + b"\xff\xfe\n\xff//c.d/\n"
        self.assertEqual(_rewrite(data), wanted)

    def test_long_lines(self) -> None:
        """One beyond the bound is left out, and it alone, however it is cut."""
        data = b"#EXTM3U\na.ts\nhttps://c.d/" + b"x" * 200 + b"\nb.ts\n" + b"y" * 200
        for size in (1, 7, 64, 10_000):
            out = _rewrite(data, octets(data, size), 100)
            self.assertEqual(out, b"#EXTM3U\na.ts\nb.ts\n", size)

    def test_time_is_linear(self) -> None:
        """A line without an end, in small pieces, costs no more than its octets."""
        data = b"#EXTM3U\n" + b"x" * 2_000_000
        started = process_time()
        _rewrite(data, octets(data, 1_000), 4_000_000)
        self.assertLess(process_time() - started, 2)

    @settings(deadline=None)
    @given(
        st.lists(st.sampled_from(LINES), max_size=8),
        st.sampled_from(("\n", "\r\n")),
        st.lists(st.integers(0, 2_000), max_size=8),
    )
    def test_any_cut(self, lines: list[str], end: str, places: list[int]) -> None:
        """What comes out does not depend on how it came in, and twice is once."""
        data = _playlist(_given(end.join(("#EXTM3U", *lines))))
        whole = _rewrite(data)
        self.assertEqual(_rewrite(data, cut(data, places)), whole)
        self.assertEqual(_rewrite(whole), whole)
