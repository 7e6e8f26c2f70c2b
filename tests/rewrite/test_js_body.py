"""Scripts as bodies and in pages: edited whole, verified, remembered, bounded."""

from __future__ import annotations

import base64
import hashlib

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault
from gateway.origins import Codec
from gateway.rewrite import js_body
from gateway.rewrite.html import HtmlRewriter
from gateway.rewrite.js_body import InPage, ScriptBody, ScriptMemory
from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import BodyPlan, Pipeline, Place
from gateway.rewrite.urls import UrlMap
from tests.rewrite import octets, origin

CODEC = Codec("gw.test")
PAGE = "https://page.example/d/"
URLS = UrlMap(CODEC, PAGE)
LONG = b"/* " + b"x" * 3000 + b" */ location = top"
LONG_EDITED = LONG.replace(b"location", b"__gw_location").replace(b"top", b"__gw_top")


def body(data: bytes, charset: str | None = None, limit: int = 1 << 20, size: int = 100) -> bytes:
    """A script through its body, in chunks."""
    made = ScriptBody(URLS, ScriptMemory(1 << 20), charset, limit)
    return b"".join(map(made.feed, octets(data, size))) + made.close()


class BodyTests(SynchronousTestCase):
    """``ScriptBody``."""

    def test_encodings(self) -> None:
        """By the answer's word, a mark, or what it can only be."""
        for data, charset, wanted in (
            (b"location", None, b"__gw_location"),
            ("'é'; location".encode(), None, "'é'; __gw_location".encode()),
            ("\ufeff'é'; top".encode(), "shift_jis", "\ufeff'é'; __gw_top".encode()),
            ("'表'; location".encode("shift_jis"), "shift_jis", "'表'; __gw_location".encode("shift_jis")),
            ("'表'; location".encode("shift_jis"), None, "'表'; location".encode("shift_jis")),
            ("'é'; location".encode("latin-1"), "iso-8859-1", "'é'; __gw_location".encode("latin-1")),
            (b"location }", None, b"location }"),
            (b"", None, b""),
        ):  # fmt: skip
            self.assertEqual(body(data, charset), wanted, data)
            self.assertEqual(body(data, charset, size=1), wanted, data)

    def test_too_large(self) -> None:
        """It passes as it is, whatever is in it, and is counted."""
        memory = ScriptMemory(1 << 20)
        made = ScriptBody(URLS, memory, None, 1000)
        out = b"".join(map(made.feed, octets(LONG, 300)))
        self.assertEqual(out, LONG[: len(out)])
        self.assertGreater(len(out), 1000)
        self.assertEqual(out + made.close(), LONG)
        self.assertEqual(memory.counts["too-large"], 1)


class MemoryTests(SynchronousTestCase):
    """``ScriptMemory``."""

    def test_remembers(self) -> None:
        """The second time nothing is edited; what is unchanged is remembered as that."""
        memory = ScriptMemory(1 << 20)
        self.assertEqual(memory.edited(LONG, "ascii", URLS), LONG_EDITED)
        self.assertEqual(memory.edited(LONG, "ascii", URLS), LONG_EDITED)
        plain = b"/* " + b"x" * 3000 + b" */"
        self.assertIs(memory.edited(plain, "ascii", URLS), plain)
        self.assertIs(memory.edited(plain, "ascii", URLS), plain)
        lost = LONG + b"}"
        self.assertIs(memory.edited(lost, "ascii", URLS), lost)
        self.assertEqual(
            memory.counts,
            {"edited": 1, "unchanged": 1, "lost": 1, "remembered": 2, "too-large": 0},
        )

    def test_what_the_result_depends_on(self) -> None:
        """Another gateway's name, or another scheme, is another result."""
        memory = ScriptMemory(1 << 20)
        script = b"import '//b.test/x.js'; // " + b"x" * 3000
        seen = {
            memory.edited(script, "ascii", UrlMap(codec, page))
            for codec in (CODEC, Codec("other.test"), Codec("gw.test", 8443))
            for page in ("https://page.example/", "http://page.example/")
        }
        self.assertEqual(len(seen), 6)
        self.assertEqual(memory.counts["remembered"], 0)

    def test_bounded(self) -> None:
        """The one that was not asked for longest goes."""
        memory = ScriptMemory(12_000)
        scripts = [LONG + b"%d" % number for number in range(9)]
        for script in scripts:
            memory.edited(script, "ascii", URLS)
            memory.edited(scripts[0], "ascii", URLS)
            self.assertLessEqual(memory.size, 12_000)
        self.assertEqual(memory.counts["edited"], 9)
        memory.edited(scripts[1], "ascii", URLS)
        self.assertEqual(memory.counts["edited"], 10)

    def test_none(self) -> None:
        """A bound of 0 remembers nothing."""
        memory = ScriptMemory(0)
        for _ in range(2):
            self.assertEqual(memory.edited(LONG, "ascii", URLS), LONG_EDITED)
        self.assertEqual((memory.size, memory.counts["edited"]), (0, 2))


class PageTests(SynchronousTestCase):
    """``InPage``, in documents."""

    def _page(self, text: str, *, hashed: bool = False, size: int = 7) -> str:
        made = HtmlRewriter(
            UrlMap(CODEC, PAGE), origin("https://page.example"),
            in_page=InPage(ScriptMemory(1 << 20), needs_nonce=hashed),
        )  # fmt: skip
        return (b"".join(map(made.feed, octets(text.encode(), size))) + made.close()).decode()

    def test_edited(self) -> None:
        """``§`` before what is renamed."""
        for text in (
            "<script>§location</script>", "<script type=module>§location</script>", "<SCRIPT TYPE=' text/JavaScript '>§top</SCRIPT>",
            "<script language=javascript>§location</script>", "<script><!--\n§location\n//--></script>",
            "<script type=application/json>location</script>", "<script type=text/template>location</script>",
            "<script language=vbscript>location</script>", "<script src=x>location</script>", "<style>location</style>",
            "<p onclick='§location.href=1' title=location>", '<p ONCLICK="a(&quot;location&quot;, §location)">',
            "<body onload=§location.reload()><svg onload='§location'><path onclick='§top.x'/></svg>",
            "<a href=\"javascript:§location='x'\">", "<a href=' java\nscript:§location'>", "<a href='/location'>",
            "<script>location }</script><p onclick='}location'>", "<noscript><p onclick=location></noscript>",
            "<title>location</title><p once=§location><p o=location>",
        ):  # fmt: skip
            wanted = text.replace("§", "__gw_").replace("&quot;", '"')
            for size in (1, 7, 1000):
                out = self._page(text.replace("§", ""), size=size).replace("&quot;", '"')
                out = out.replace("&#39;", "'")
                plain = [one.replace('"', "").replace("'", "") for one in (out, wanted)]
                self.assertEqual(plain[0], plain[1], text)

    def test_imports(self) -> None:
        """A module's own imports are mapped; no import map of ours is needed."""
        out = self._page('<script type=module>import "https://b.test/x.js"</script>')
        mapped = "https://https-b-test.0.gw.test/x.js"
        self.assertEqual(out, f'<script type=module>import "{mapped}"</script>')

    def test_digests_in_the_policy(self) -> None:
        """Scripts that are admitted by their digest stay; those with a nonce are edited."""
        text = "<script>location</script><script nonce=a>§location</script><p onclick=location>"
        out = self._page(text.replace("§", ""), hashed=True)
        self.assertEqual(out, text.replace("§", "__gw_"))
        meta = "<meta http-equiv=content-security-policy content=\"script-src 'sha256-YQ=='\">"
        self.assertIn("<script>location</script>", self._page(meta + text.replace("§", "")))

    def test_integrity(self) -> None:
        """The gateway verifies what the browser no longer can; our own script it leaves."""
        out = self._page('<script src=https://b.test/x.js integrity="sha256-YQ=="></script>')
        self.assertIn("__gwi=sha256-YQ==", out)
        self.assertIn('integrity=""', out)
        ours = f'<script src="{CODEC.asset_origin}/-/x.js" integrity="sha256-YQ=="></script>'
        self.assertEqual(self._page(ours), ours)
        preload = '<link rel=modulepreload href=/x.js integrity="sha256-YQ==">'
        self.assertIn("__gwi=sha256-YQ==", self._page(preload))

    def test_import_map(self) -> None:
        """Modules are edited: their digests cannot be held against them."""
        out = self._page(
            '<script type=importmap>{"imports": {}, "integrity": {"/x": "y"}}</script>'
        )
        self.assertNotIn("integrity", out)


class PlanTests(SynchronousTestCase):
    """In the pipeline."""

    def _out(self, data: bytes, **more: object) -> bytes:
        place = Place(CODEC, origin("https://page.example"), PAGE)
        plan = BodyPlan(place=place, scripts=ScriptMemory(1 << 20), **more)
        pipeline = Pipeline(plan)
        out = b"".join(b"".join(pipeline.feed(one)) for one in octets(data, 1000))
        self.assertEqual(pipeline.held > 0, plan.kind in {Kind.SCRIPT, Kind.WORKER})
        return out + b"".join(pipeline.close())

    def test_script(self) -> None:
        """Edited at its end."""
        self.assertEqual(self._out(LONG, kind=Kind.SCRIPT), LONG_EDITED)

    def test_worker(self) -> None:
        """What stands before it is ours, and stays."""
        out = self._out(b"'use strict'; location", kind=Kind.WORKER, preamble=b"location;")
        self.assertEqual(out, b"\"use strict\";location;'use strict'; __gw_location")

    def test_integrity(self) -> None:
        """Of what the origin sent."""
        good = "sha256-" + base64.b64encode(hashlib.sha256(LONG).digest()).decode()
        out = self._out(LONG, kind=Kind.SCRIPT, integrity=good, script_bytes=1 << 20)
        self.assertEqual(out, LONG_EDITED)
        with self.assertRaises(UpstreamFault):
            self._out(LONG + b" ", kind=Kind.SCRIPT, integrity=good, script_bytes=1 << 20)

    def test_weight(self) -> None:
        """Python alone takes longer, so that it is sooner sent to a thread."""
        self.assertIn(js_body.WEIGHT, {1, 16})
