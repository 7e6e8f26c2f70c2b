"""The gateway's own pages: what they hold, their policies, escaping."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import gateway
from gateway import wire
from gateway.exchange.messages import Page
from gateway.origins import Codec
from gateway.pages.hints import BY_STATUS
from gateway.pages.languages import LANGUAGES
from gateway.pages.render import Pages, Rendered
from gateway.rewrite.coding import decoder_for

CODEC = Codec("gw.test", 8443)
NASTY = '<script>alert("1")</script>&\'$hint'
ASSET = re.compile(r'(?:href|src)="(' + re.escape(wire.ASSET_PATH) + r'[^"]+)"')


def field(rendered: Rendered, name: bytes) -> str:
    """The one field of a name."""
    (value,) = [value for key, value in rendered.fields if key == name]
    return value.decode("ascii")


def directives(rendered: Rendered) -> dict[str, str]:
    """The directives of its policy."""
    parts = field(rendered, b"Content-Security-Policy").split("; ")
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


class PagesTests(SynchronousTestCase):
    """Pages of one gateway."""

    timeout = 60

    def setUp(self) -> None:
        """Read them."""
        self.pages = Pages(CODEC)

    def test_inherit(self) -> None:
        """What was encoded already is not again, where it is the same; what differs is new."""
        old, other = self.pages, Pages(Codec("other.test", 8443))
        name = old.runtime_path.removeprefix(wire.ASSET_PATH)
        asset, page = old.asset(name), old.page(Page.PORTAL)
        new = Pages(CODEC)
        new.inherit(old)
        self.assertIs(new.asset(name), asset)
        self.assertIs(new.page(Page.PORTAL), page)
        before = other.page(Page.PORTAL)
        other.inherit(old)
        self.assertIs(other.asset(name), asset)
        self.assertIs(other.page(Page.PORTAL), before)

    def _all(self) -> list[Rendered]:
        found = []
        for language in LANGUAGES:
            found += [self.pages.page(page, language) for page in Page]
            for framed in (False, True):
                oops = self.pages.refusal(403, "No", "id", "text/html", language, framed=framed)
                found.append(oops)
        return found

    def test_whole(self) -> None:
        """No place of a template is left open, and all are UTF-8 documents."""
        for page in self._all():
            text = page.body.decode("utf-8")
            self.assertNotIn("$", text)
            self.assertNotIn("{{", text)
            self.assertTrue(text.lower().startswith("<!doctype html>"))
            self.assertEqual(field(page, b"Content-Type"), "text/html; charset=utf-8")

    def test_strict(self) -> None:
        """Every policy starts from nothing and lets no inline script run."""
        for page in self._all():
            policy = directives(page)
            self.assertEqual(policy["default-src"], "'none'")
            self.assertEqual(policy["base-uri"], "'none'")
            self.assertNotIn("unsafe", field(page, b"Content-Security-Policy"))
            self.assertNotIn(b"<style", page.body)
            self.assertIsNone(re.search(rb"<script(?![^>]* src=)|\son[a-z]+=", page.body))
            self.assertEqual(field(page, b"X-Content-Type-Options"), "nosniff")

    def test_portal(self) -> None:
        """The portal has no script at all, may not be framed, and is small in all."""
        page = self.pages.page(Page.PORTAL)
        policy = directives(page)
        self.assertNotIn("script-src", policy)
        self.assertEqual(policy["frame-ancestors"], "'none'")
        self.assertEqual(
            policy["form-action"], "'self' https://www.0.gw.test:8443 https://*.0.gw.test:8443"
        )
        self.assertIn(b'action="https://gw.test:8443/open"', page.body)
        self.assertIn(b'name="url"', page.body)
        self.assertIn(b'href="https://www.0.gw.test:8443/settings"', page.body)
        for language in LANGUAGES:
            page = self.pages.page(Page.PORTAL, language)
            self.assertEqual(len(self._paths(page)), 2)
            size = len(page.body) + sum(len(self._asset(path).body) for path in self._paths(page))
            self.assertLess(size, 30 * 1024, language)

    def test_outer(self) -> None:
        """The outer frame frames rewrite hosts alone and is framed by nobody."""
        page = self.pages.page(Page.OUTER)
        policy = directives(page)
        self.assertEqual(policy["frame-src"], "https://*.0.gw.test:8443")
        self.assertEqual(policy["img-src"], "'self' https://*.0.gw.test:8443")
        self.assertEqual(
            policy["form-action"], "'self' https://gw.test:8443 https://*.0.gw.test:8443"
        )
        self.assertEqual(policy["frame-ancestors"], "'none'")
        self.assertEqual(policy["script-src"], "'self'")
        self.assertEqual(policy["require-trusted-types-for"], "'script'")
        self.assertEqual(field(page, b"X-Frame-Options"), "DENY")
        self.assertEqual(field(page, b"Cross-Origin-Opener-Policy"), "same-origin")

    def test_outer_with_a_domain_apart(self) -> None:
        """Its pages may be framed too, and the script is told where they are."""
        pages = Pages(*CODEC.apart("i.test"))
        both = "https://*.0.gw.test:8443 https://*.0.i.test:8443"
        outer = pages.page(Page.OUTER)
        self.assertEqual(directives(outer)["frame-src"], both)
        self.assertIn(b'data-apart=".0.i.test"', outer.body)
        self.assertIn(b'data-apart=""', self.pages.page(Page.OUTER).body)
        oops = pages.refusal(403, "No", "id", "text/html")
        ancestors = f"https://www.0.gw.test:8443 {both}"
        self.assertEqual(directives(oops)["frame-ancestors"], ancestors)

    def test_settle(self) -> None:
        """The settle page is framed by the outer frame alone, and loads its script alone."""
        page = self.pages.page(Page.SETTLE)
        self.assertEqual(
            directives(page),
            {
                "default-src": "'none'",
                "script-src": "'self'",
                "connect-src": "'self'",
                "base-uri": "'none'",
                "form-action": "'none'",
                "frame-ancestors": "https://www.0.gw.test:8443",
                "require-trusted-types-for": "'script'",
                "trusted-types": "'none'",
            },
        )
        self.assertIn(b'data-secure="https://www.0.gw.test:8443"', page.body)

    def test_integrity(self) -> None:
        """Script's digests are those of the files, on the page and for pages of sites."""
        text = self.pages.page(Page.OUTER).body.decode()
        found = re.search(r'src="([^"]+)" integrity="(sha256-[^"]+)"', text)
        assert found is not None
        settle = self.pages.page(Page.SETTLE).body.decode()
        again = re.search(r'src="([^"]+)" integrity="(sha256-[^"]+)"', settle)
        assert again is not None
        (socket,) = (Path(gateway.__file__).parent / "runtime" / "built").glob("socket-*.js")
        for path, integrity in (
            found.groups(),
            again.groups(),
            (self.pages.runtime_path, self.pages.runtime_digest),
            (self.pages.rare_path, self.pages.rare_digest),
            (wire.ASSET_PATH + socket.name, self.pages.socket_digest),
            (self.pages.identity.runtime_path, self.pages.identity.runtime_digest),
            (self.pages.identity.rare_path, self.pages.identity.rare_digest),
        ):
            digest = hashlib.sha256(self._asset(path).body).digest()
            self.assertEqual(integrity, f"sha256-{base64.b64encode(digest).decode()}")

    def test_worker(self) -> None:
        """The script of workers is an asset like any other, and the text that goes before them."""
        asset = self._asset(self.pages.worker_path)
        self.assertEqual(asset.body.rstrip(b"\n"), self.pages.worker_source)
        self.assertRegex(self.pages.worker_path, r"-[0-9a-f]{16}\.js\Z")
        self.assertEqual(field(asset, b"Content-Type"), "text/javascript; charset=utf-8")
        self.assertGreater(len(self.pages.worker_source), 100)
        own = self.pages.identity
        self.assertEqual(self._asset(own.worker_path).body.rstrip(b"\n"), own.worker_source)
        self.assertNotEqual(own.worker_source, self.pages.worker_source)

    def test_worker_before_a_script(self) -> None:
        """It ends its last statement, and no line: numbers of the script's lines stay."""
        source = self.pages.worker_source
        self.assertTrue(source.rstrip().endswith(b";"), source[-40:])
        self.assertEqual(source.count(b"\n"), 0)

    def test_worker_leaves_sloppy_scripts_so(self) -> None:
        """A directive of ours at its beginning would be the site's script's as well."""
        self.assertFalse(self.pages.worker_source.startswith((b'"use strict"', b"'use strict'")))

    def _paths(self, page: Rendered) -> list[str]:
        return ASSET.findall(page.body.decode())

    def _asset(self, path: str) -> Rendered:
        asset = self.pages.asset(path.removeprefix(wire.ASSET_PATH))
        assert asset is not None, path
        return asset

    def test_assets(self) -> None:
        """What pages refer to is there, immutable, of the right type."""
        for page in self._all():
            paths = self._paths(page)
            self.assertGreaterEqual(len(paths), 1)
            for path in paths:
                asset = self._asset(path)
                self.assertIn("immutable", field(asset, b"Cache-Control"))
                kind = {"css": "text/css", "svg": "image/svg+xml", "js": "text/javascript"}
                wanted = kind[path.rpartition(".")[2]] + "; charset=utf-8"
                self.assertEqual(field(asset, b"Content-Type"), wanted)
                self.assertRegex(path, r"-[0-9a-f]{16}\.")

    def test_codings(self) -> None:
        """Each goes out in the coding that the client likes best, and says so to caches."""
        asset = self._asset(self.pages.runtime_path)
        for accepted, coding in (
            (None, None),
            ("identity", None),
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("br;q=0, gzip;q=0.5", "gzip"),
            ("br;q=0", None),
        ):
            sent = asset.packed(accepted)
            given = dict(sent.fields).get(b"Content-Encoding")
            self.assertEqual(given, coding.encode() if coding else None, accepted)
            self.assertIn("Accept-Encoding", field(sent, b"Vary"))
            decoder = decoder_for(coding, 100)
            assert decoder is not None
            body = b"".join(decoder.feed(sent.body))
            decoder.close()
            self.assertEqual(body, asset.body)
            self.assertLessEqual(len(sent.body), len(asset.body))
        page = self.pages.page(Page.PORTAL).packed("br")
        self.assertEqual(field(page, b"Vary"), "Accept-Language, Accept-Encoding")
        self.assertLess(len(asset.packed("br").body), len(asset.packed("gzip").body))

    def test_no_such_asset(self) -> None:
        """Any other name is none, a path out of the folder among them."""
        for name in ("", "manifest.json", "gateway.css", "../render.py", "../templates/oops.html"):
            self.assertIsNone(self.pages.asset(name), name)

    def test_oops(self) -> None:
        """Title, hint, status and request id; never cached; framed by our hosts alone."""
        page = self.pages.refusal(502, "The site could not be reached", "abc123", "text/html,*/*")
        for text in (b"The site could not be reached", b"may be down", b"502", b"abc123"):
            self.assertIn(text, page.body)
        self.assertEqual(field(page, b"Cache-Control"), "no-store")
        ancestors = "https://www.0.gw.test:8443 https://*.0.gw.test:8443"
        self.assertEqual(directives(page)["frame-ancestors"], ancestors)

    def test_oops_leads_back(self) -> None:
        """To the portal; inside the outer frame, which holds links in, the way is told."""
        link = b'<p ><a class="button" href="https://gw.test:8443/" target="_top">'
        for framed in (False, True):
            page = self.pages.refusal(404, "No", "id", "text/html", framed=framed)
            self.assertEqual(link in page.body, not framed)
            self.assertEqual(b"The Home button" in page.body, framed)
            self.assertEqual(b'id="home"' in page.body, framed)
            # Only there does a script run, which asks the outer frame.
            self.assertEqual("script-src" in directives(page), framed)
            self.assertEqual(b"<script" in page.body, framed)
            self.assertIn(b'data-secure="https://www.0.gw.test:8443"', page.body)

    def test_oops_outside(self) -> None:
        """A page that may be opened outside: by the outer frame's question, else by a link."""
        url = 'https://out.example/?a=1&b="><script>'
        for framed in (False, True):
            page = self.pages.refusal(
                403, "T", "id", "text/html", framed=framed, outside=url, site="https://out.example"
            )
            text = page.body.decode()
            self.assertIn("<b>https://out.example</b>", text)
            self.assertNotIn('"><script>', text)
            self.assertEqual('id="outside"' in text, framed)
            link = f'href="{html.escape(url)}" target="_blank" rel="noopener noreferrer"'
            self.assertEqual(link in text, not framed)
        plain = self.pages.refusal(403, "T", "id", "text/html").body
        self.assertNotIn(b"_blank", plain)
        self.assertNotIn(b"<b>", plain)

    def test_oops_in_words(self) -> None:
        """Every status has words of its own; the page that could not be checked, too."""
        seen = set()
        for status in (*BY_STATUS, 418):
            page = self.pages.refusal(status, "T", "id", "text/html")
            (said,) = re.findall(rb"</h1>\n<p>([^<]+)</p>", page.body)
            seen.add(said)
        self.assertEqual(len(seen), len(BY_STATUS) + 1)
        page = self.pages.refusal(403, "This page could not be checked", "id", "text/html", "da")
        self.assertIn("Denne side kunne ikke kontrolleres", page.body.decode())
        self.assertIn("godtgøre", page.body.decode())

    def test_languages(self) -> None:
        """Each page says its language and direction, in the document and in its fields."""
        for language in LANGUAGES:
            titles = {"en": "There is no such page", "da": "Den side findes ikke"}
            oops = self.pages.refusal(404, titles["en"], "id", "text/html", language)
            for page in (oops, *(self.pages.page(one, language) for one in Page)):
                way = "rtl" if language == "ar" else "ltr"
                self.assertIn(f'<html lang="{language}" dir="{way}">', page.body.decode())
                self.assertEqual(field(page, b"Content-Language"), language)
                self.assertIn("Accept-Language", field(page, b"Vary"))
            problem = self.pages.refusal(404, titles["en"], "id", "", language)
            self.assertEqual(field(problem, b"Content-Language"), language)
            self.assertEqual(field(problem, b"Vary"), "Accept, Accept-Language")
            if language in titles:
                self.assertEqual(json.loads(problem.body)["title"], titles[language])
                self.assertIn(titles[language], oops.body.decode())

    def test_settings(self) -> None:
        """A form that works without script, to the gateway alone; framed by nobody."""
        page = self.pages.page(Page.SETTINGS)
        policy = directives(page)
        self.assertEqual(policy["script-src"], "'self'")
        self.assertEqual(policy["require-trusted-types-for"], "'script'")
        self.assertEqual(policy["connect-src"], "'self'")
        self.assertEqual(policy["form-action"], "'self' https://gw.test:8443")
        self.assertEqual(policy["frame-ancestors"], "'none'")
        self.assertEqual(field(page, b"X-Frame-Options"), "DENY")
        self.assertIn(f'method="post" action="{wire.FORGET_PATH}"'.encode(), page.body)
        self.assertIn(b'id="forgotten"', self.pages.page(Page.FORGOTTEN).body)
        self.assertNotIn(
            b"forgotten", self.pages.page(Page.PORTAL).body.replace(b"be forgotten", b"")
        )

    def test_outer_page(self) -> None:
        """What its script and people without script find on it."""
        text = self.pages.page(Page.OUTER).body.decode()
        for name in (
            "go", "address", "origin", "progress", "notice", "stage", "back", "forward", "reload",
            "popup",
        ):  # fmt: skip
            self.assertEqual(text.count(f'id="{name}"'), 1, name)
        for name in (
            "invalid", "own", "failed", "restored", "reset", "lied", "popup", "gone",
        ):  # fmt: skip
            self.assertRegex(text, rf' data-{name}="[^"]{{20,}}"')
        self.assertIn('href="https://www.0.gw.test:8443/settings" aria-label="Settings"', text)
        without = text.partition("<noscript>")[2].partition("</noscript>")[0]
        self.assertIn(f'method="post" action="{wire.BASIC_PATH}"', without)
        self.assertIn('name="url"', without)
        self.assertIn("<button>Continue without JavaScript</button>", without)

    def test_oops_escapes(self) -> None:
        """Whatever a title or id holds is text."""
        page = self.pages.refusal(403, NASTY, NASTY, "text/html")
        self.assertNotIn(b"<script", page.body)
        escaped = b"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#x27;$hint"
        self.assertEqual(page.body.count(escaped), 3)

    def test_problem(self) -> None:
        """Who asks for no HTML gets problem details."""
        for accept in ("", "application/json", "*/*"):
            problem = self.pages.refusal(503, NASTY, "abc123", accept)
            self.assertEqual(field(problem, b"Content-Type"), "application/problem+json")
            self.assertEqual(field(problem, b"Cache-Control"), "no-store")
            wanted = {"title": NASTY, "status": 503, "instance": "urn:request:abc123"}
            self.assertEqual(json.loads(problem.body), wanted)

    def test_default_port(self) -> None:
        """On the default port no port is named."""
        policy = directives(Pages(Codec("gw.test")).page(Page.OUTER))
        self.assertEqual(policy["frame-src"], "https://*.0.gw.test")
