"""What becomes of a response's body: edited as what, and what is put into it."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.cookies.same_site import SAME
from gateway.errors import UpstreamFault
from gateway.exchange import attesting, bodies
from gateway.exchange.attesting import Attested
from gateway.exchange.messages import Context, RequestHead, Settings, UpstreamHead
from gateway.exchange.steps import Addressed
from gateway.policy.patterns import parse_pattern
from gateway.policy.sites import SiteOptions, SiteRule
from gateway.rewrite.inject import guard_markup
from gateway.rewrite.js_body import ScriptMemory
from gateway.rewrite.media import Asked, Kind
from gateway.rewrite.pipeline import BodyPlan
from tests.exchange import HTML, SITE, WORKER, context, frame, head
from tests.rewrite import SECURE, SUFFIX, origin
from tests.session import NOW

PAYLOAD = re.compile(rb'<script[^>]*? type="application/json" id="__gw">([^<]*)</script>')
CSS = (b"Content-Type", b"text/css")
SCRIPT = (b"Content-Type", b"text/javascript")


def _addressed(target: str = "/p") -> Addressed:
    return Addressed(origin(SITE), target.encode(), proved=False)


def _plan(
    request: RequestHead,
    *fields: tuple[bytes, bytes],
    status: int = 200,
    given: Context | None = None,
) -> BodyPlan:
    answer = UpstreamHead(status, b"R", fields, 5)
    given = given or context()
    puts = bodies.inserted(
        bodies.asked(request, _addressed(), given), _addressed(), None, SAME, NOW, given
    )
    return bodies.plan_for(request, _addressed(), answer, puts, given)


def _style(target: str = "/a.css", **more: Any) -> RequestHead:
    return head(target, **{"sec_fetch_dest": "style", "sec_fetch_mode": "no-cors", **more})


def _worker(**more: Any) -> RequestHead:
    return head("/w.js", **{"sec_fetch_dest": "worker", "sec_fetch_mode": "same-origin", **more})


def _payload(markup: bytes) -> Any:
    matched = PAYLOAD.search(markup)
    assert matched is not None, markup
    return json.loads(matched[1])


class AskedTests(SynchronousTestCase):
    """What a request is made for, from its fields."""

    def test_fields(self) -> None:
        """Destination, mode and Accept."""
        self.assertIs(bodies.asked(frame(), _addressed(), context()), Asked.DOCUMENT)
        self.assertIs(bodies.asked(_style(), _addressed(), context()), Asked.STYLE)
        self.assertIs(bodies.asked(_worker(), _addressed(), context()), Asked.WORKER)
        self.assertIs(
            bodies.asked(head(sec_fetch_dest="manifest"), _addressed(), context()), Asked.MANIFEST
        )
        self.assertIs(bodies.asked(head(accept="text/html"), _addressed(), context()), Asked.OTHER)
        old = {"sec_fetch_dest": "", "sec_fetch_mode": "", "accept": "text/css,*/*;q=0.1"}
        self.assertIs(bodies.asked(head(**old), _addressed(), context()), Asked.STYLE)

    def test_accept_encoding(self) -> None:
        """What both the client and we can read."""
        for given, wanted in {"gzip, br": b"gzip, br", "": b"identity", "dcb": b"identity"}.items():
            self.assertEqual(bodies.accept_encoding(frame(accept_encoding=given)), wanted, given)


class ScriptTests(SynchronousTestCase):
    """Scripts, of sites that read their own address."""

    def setUp(self) -> None:
        """A context as ``for_site`` makes it."""
        self.chosen = attrs.evolve(context(), scripts=ScriptMemory(1 << 20), edits_scripts=True)
        more = {"sec_fetch_dest": "script", "sec_fetch_mode": "no-cors"}
        self.asking = head("/a.js", **more, sec_fetch_site="same-origin")
        self.unknown = head("/a.js", **more, sec_fetch_site="cross-site", referer=None)

    def test_only_for_chosen_sites(self) -> None:
        """Elsewhere they pass to the octet."""
        self.assertIs(bodies.asked(self.asking, _addressed(), context()), Asked.OTHER)
        self.assertFalse(_plan(self.asking, SCRIPT).edits)
        plan = _plan(self.asking, SCRIPT, given=self.chosen)
        self.assertIs(plan.kind, Kind.SCRIPT)
        self.assertIs(plan.scripts, self.chosen.scripts)
        self.assertIs(bodies.asked(self.asking, _addressed(), self.chosen), Asked.SCRIPT)
        self.assertIs(bodies.asked(self.unknown, _addressed(), self.chosen), Asked.OTHER)

    def test_in_pages(self) -> None:
        """Documents' scripts, too; digests in the policy are told of."""
        plan = _plan(frame(), HTML, given=self.chosen)
        self.assertIs(plan.scripts, self.chosen.scripts)
        self.assertFalse(plan.hashed)
        policy = (b"Content-Security-Policy", b"script-src 'SHA256-YQ=='")
        self.assertTrue(_plan(frame(), HTML, policy, given=self.chosen).hashed)
        self.assertIsNone(_plan(frame(), HTML).scripts)

    def test_integrity(self) -> None:
        """What the page demands is held against what the origin sent."""
        asking = attrs.evolve(self.asking, target=b"/a.js?__gwi=sha256-YQ==")
        self.assertEqual(_plan(asking, SCRIPT, given=self.chosen).integrity, "sha256-YQ==")
        with self.assertRaises(UpstreamFault):
            _plan(asking, (b"Content-Type", b"image/png"), given=self.chosen)

    def test_varies(self) -> None:
        """Where any site is chosen, another origin's script depends on whose page asks."""
        rules = (SiteRule(parse_pattern("https://*"), SiteOptions(rewrite_location=True)),)
        policy = attrs.evolve(context().policy, sites=rules)
        given = attrs.evolve(context(), policy=policy)
        own = f"{given.codec.collapse_origin(origin(SITE))}/"
        other = f"{given.codec.collapse_origin(origin('https://other.example'))}/"
        for referer, wanted in ((own, ()), (other, ((b"Vary", b"Referer"),))):
            asking = head(
                "/a.js", sec_fetch_dest="script", sec_fetch_mode="no-cors", referer=referer
            )
            self.assertEqual(bodies.varies(asking, _addressed(), given), wanted)
            self.assertEqual(bodies.varies(asking, _addressed(), context()), ())
        self.assertEqual(bodies.varies(frame(), _addressed(), given), ())


class PlanTests(SynchronousTestCase):
    """What is done to a body."""

    def test_kinds(self) -> None:
        """By what was asked for and what came."""
        svg, xhtml = (
            (b"Content-Type", value) for value in (b"image/svg+xml", b"application/xhtml+xml")
        )
        plain, nosniff = (
            (b"Content-Type", b"text/plain"),
            (b"X-Content-Type-Options", b" NoSniff "),
        )
        manifest = head(sec_fetch_dest="manifest")
        table: list[tuple[RequestHead, tuple[tuple[bytes, bytes], ...], Kind]] = [
            (frame(), (HTML,), Kind.HTML),
            (frame(), (svg,), Kind.XML),
            (frame(), (xhtml,), Kind.XML),
            (frame(), (CSS,), Kind.UNTOUCHED),
            (_style(), (CSS,), Kind.CSS),
            (_style(), (plain,), Kind.CSS),
            (_style(), (plain, nosniff), Kind.UNTOUCHED),
            (_style(), (HTML,), Kind.UNTOUCHED),
            (_worker(), (SCRIPT,), Kind.WORKER),
            (_worker(), (HTML,), Kind.WORKER),
            (
                _worker(sec_fetch_dest="serviceworker"),
                (plain, (b"Content-Type", b"text/jscript")),
                Kind.WORKER,
            ),
            (
                head(sec_fetch_dest="", sec_fetch_mode="", accept="*/*", service_worker="script"),
                (SCRIPT,),
                Kind.WORKER,
            ),
            (frame(), (plain, HTML), Kind.HTML),
            (frame(), (HTML, plain), Kind.UNTOUCHED),
            (frame(), ((b"Content-Type", b"text/plain, text/html"),), Kind.HTML),
            (_style(), (plain, (b"X-Content-Type-Options", b"nosniff, nosniff")), Kind.UNTOUCHED),
            (manifest, ((b"Content-Type", b"application/manifest+json"),), Kind.MANIFEST),
            (head(), (HTML,), Kind.UNTOUCHED),
            (head(), (CSS,), Kind.UNTOUCHED),
            (head(), (SCRIPT,), Kind.UNTOUCHED),
            (head(sec_fetch_dest="script"), (SCRIPT,), Kind.UNTOUCHED),
            (head(sec_fetch_dest="image"), (svg,), Kind.UNTOUCHED),
        ]
        for request, fields, wanted in table:
            self.assertIs(_plan(request, *fields).kind, wanted, (request, fields))

    def test_untouched(self) -> None:
        """Without a body, in part, to be saved, or in a coding that cannot be read."""
        for request, kind in ((frame(), HTML), (_style(), CSS)):
            for status in (200, 404, 500, 203):
                self.assertTrue(_plan(request, kind, status=status).edits, status)
            for status in (204, 205, 206, 304):
                self.assertEqual(_plan(request, kind, status=status), BodyPlan(), status)
            for coding in (b"gzip, gzip", b"compress", b"dcb", b"br, gzip"):
                plan = _plan(request, kind, (b"Content-Encoding", coding))
                self.assertEqual(plan, BodyPlan(), coding)
            for coding in (
                b"gzip", b"deflate", b"br", b"zstd", b"identity", b"GZIP", b"none", b"UTF-8",
            ):  # fmt: skip
                plan = _plan(request, kind, (b"Content-Encoding", coding))
                self.assertTrue(plan.edits, coding)
            twice = [(b"Content-Encoding", b"gzip")] * 2
            self.assertEqual(_plan(request, kind, *twice), BodyPlan())
        saved = (b"Content-Disposition", b" Attachment; filename=x")
        self.assertFalse(_plan(frame(), HTML, saved).edits)
        self.assertTrue(_plan(_style(), CSS, saved).edits)

    def test_workers(self) -> None:
        """What a browser runs has the runtime before it, whatever it is called, or does not come."""
        for destination in ("worker", "sharedworker", "serviceworker"):
            request = _worker(sec_fetch_dest=destination)
            for status in (200, 203, 299, 404):
                self.assertTrue(_plan(request, SCRIPT, status=status).preamble, status)
            for status in (204, 205, 304):
                self.assertEqual(_plan(request, SCRIPT, status=status), BodyPlan(), status)
            for fields in (
                *([(b"Content-Encoding", one)] for one in (b"gzip, gzip", b"dcb", b"br, gzip")),
                [(b"Content-Encoding", b"gzip")] * 2,
                [(b"Content-Type", b"text/javascript;charset=utf-16")],
                [(b"Content-Type", b"text/javascript;charset=ISO-2022-JP")],
            ):
                with self.assertRaises(UpstreamFault):
                    _plan(request, SCRIPT, *fields)
            with self.assertRaises(UpstreamFault):
                _plan(request, SCRIPT, (b"Content-Range", b"bytes 0-4/5"), status=206)

    def test_details(self) -> None:
        """Codings, encoding, bounds and the place of the body."""
        given = attrs.evolve(context(), settings=Settings(expansion_ratio=7, token_bytes=99))
        request = frame(accept_encoding="gzip;q=0.5, zstd")
        plan = _plan(
            request,
            (b"Content-Type", b"text/html; charset=koi8-r"),
            (b"Content-Encoding", b"br"),
            given=given,
        )
        self.assertEqual((plan.coding, plan.coding_out, plan.charset), ("br", "zstd", "koi8-r"))
        self.assertEqual((plan.ratio, plan.token_bytes, plan.integrity), (7, 99, ""))
        assert plan.place is not None
        self.assertEqual((plan.place.origin, plan.place.url), (origin(SITE), f"{SITE}/p"))

    def test_what_goes_in(self) -> None:
        """The runtime into documents, a preamble before workers' scripts, nothing elsewhere."""
        page, sheet, worker = _plan(frame(), HTML), _plan(_style(), CSS), _plan(_worker(), SCRIPT)
        self.assertTrue(page.markup and page.frame_markup)
        self.assertEqual((page.preamble, page.module_preamble), (b"", b""))
        for plan in (sheet, worker):
            self.assertEqual((plan.markup, plan.frame_markup), (b"", b""))
        self.assertEqual((sheet.preamble, sheet.module_preamble), (b"", b""))
        self.assertEqual(worker.preamble, WORKER)
        path = context().worker_path
        self.assertEqual(worker.module_preamble, f'import"{path}";'.encode())

    def test_markup(self) -> None:
        """A page's has the payload; a document's within it the runtime alone."""
        plan = _plan(frame(), HTML)
        common = {
            "v": 1, "origin": SITE, "suffix": SUFFIX, "port": "", "secure": SECURE,
            "rare": SECURE + context().rare_path, "renew": Settings().token_seconds // 4,
        }  # fmt: skip
        self.assertEqual(
            _payload(plan.markup), {**common, "cookie": "", "cookies": [], "path": "/p"}
        )
        self.assertIsNone(PAYLOAD.search(plan.frame_markup))
        runtime = context().runtime_path
        for markup in (plan.markup, plan.frame_markup):
            self.assertEqual(markup.count(f' src="{SECURE}{runtime}"'.encode()), 1)
            self.assertEqual(markup.count(b" src="), 1)
        drawing = _plan(frame(), (b"Content-Type", b"image/svg+xml"))
        self.assertIn(b"xmlns", drawing.markup)
        self.assertTrue(plan.markup.startswith(guard_markup()), "nothing before what hides it")
        self.assertTrue(drawing.markup.startswith(guard_markup(xml=True)))
        self.assertNotIn(b"<style", plan.frame_markup)

    def test_within(self) -> None:
        """Where nobody reaches a document the runtime has names to go by, and no secret."""
        names = {
            "origin": SITE, "suffix": SUFFIX, "port": "", "secure": SECURE,
            "rare": SECURE + context().rare_path,
        }  # fmt: skip
        plan = _plan(frame(), HTML)
        for markup in (plan.markup, plan.frame_markup):
            (text,) = re.findall(rb" data-gw='([^'<>&]*)'></script>", markup)
            self.assertEqual(json.loads(text), names)
        on = attrs.evolve(context(), settings=Settings(webrtc=True))
        self.assertIn(b'"rtc":1', _plan(frame(), HTML, given=on).frame_markup)

    def test_webrtc(self) -> None:
        """The runtime leaves it to pages only where the configuration says so."""
        on = attrs.evolve(context(), settings=Settings(webrtc=True))
        self.assertEqual(_payload(_plan(frame(), HTML, given=on).markup)["rtc"], 1)
        self.assertNotIn("rtc", _payload(_plan(frame(), HTML).markup))


class IntegrityTests(SynchronousTestCase):
    """The digests that a page demands of its sheets."""

    def _integrity(self, target: str, *fields: tuple[bytes, bytes]) -> str:
        return _plan(_style(target), *(fields or (CSS,))).integrity

    def test_parameter(self) -> None:
        """From our parameter, decoded; the last one, for that is ours."""
        name = wire.INTEGRITY_PARAMETER
        table = {
            "/a.css": "",
            f"/a.css?{name}=": "",
            f"/a.css?{name}=sha256-a%2Bb%2Fc%3D": "sha256-a+b/c=",
            f"/a.css?x=1&{name}=sha256-x%20sha512-y&z": "sha256-x sha512-y",
            f"/a.css?{name}=old&{name}=new": "new",
            f"/a.css?x{name}=sha256-x": "",
        }
        for target, wanted in table.items():
            self.assertEqual(self._integrity(target), wanted, target)

    def test_not_of_documents(self) -> None:
        """A page's own address says nothing of its digest."""
        target = f"/p?{wire.INTEGRITY_PARAMETER}=sha256-x"
        self.assertEqual(_plan(frame(target), HTML).integrity, "")


class TagTests(SynchronousTestCase):
    """The digest over what would be put in."""

    def _tag(self, what: Asked, given: Context | None = None, target: str = "/p") -> bytes:
        return bodies.inserted(what, _addressed(target), None, SAME, NOW, given or context()).tag

    def _page(self, made: Attested, now: int = NOW, seconds: int = 86400) -> bodies.Inserted:
        given = attrs.evolve(context(), settings=Settings(token_seconds=seconds))
        return bodies.inserted(Asked.DOCUMENT, _addressed(), None, SAME, now, given, attested=made)

    def test_each_load_is_the_same_page(self) -> None:
        """What each load has anew is in the payload and not in the digest; whose it is, is."""
        made = Attested("n", "p", "t", b"pair", NOW)
        page = self._page(made)
        for change in ({"nonce": "m"}, {"proof": "q"}, {"token": "u"}, {"made": NOW + 1}):
            again = self._page(attrs.evolve(made, **change))
            self.assertEqual(again.tag, page.tag, change)
            self.assertEqual(again.payload, {**page.payload, **change})
        self.assertNotEqual(self._page(attrs.evolve(made, pair=b"other")).tag, page.tag)
        told = {"nonce": "n", "proof": "p", "token": "t", "made": NOW}
        self.assertEqual({name: page.payload[name] for name in told}, told)
        self.assertNotIn("pair", page.payload)

    def test_age(self) -> None:
        """A copy whose token would be older than a quarter of its life is another page."""
        made = Attested("n", "p", "t", b"pair")
        for seconds in (1, 2, 3, 4, 5, 60, 86400):
            step = max(1, seconds // 60)
            times = range(0, 3 * seconds + 30, step)
            tags = [self._page(made, NOW + at, seconds).tag for at in times]
            runs = [step * len(list(run)) for _, run in itertools.groupby(tags)]
            self.assertLessEqual(max(runs), max(1, seconds // attesting.TOKEN_AGES), seconds)
            self.assertEqual(len(set(tags)), len(runs), "no age comes again")
            if seconds > 60:
                self.assertEqual(runs[1], seconds // attesting.TOKEN_AGES)
        sheets = {
            bodies.inserted(Asked.STYLE, _addressed(), None, SAME, now, context()).tag
            for now in (NOW, NOW + 86400, NOW + 86400 * 400)
        }
        self.assertEqual(len(sheets), 1)

    def test_differs(self) -> None:
        """By runtime and settings for documents, by the script for workers, by the host for all."""
        plain = context()
        for what, change in (
            (Asked.DOCUMENT, {"runtime_digest": "sha256-other="}),
            (Asked.DOCUMENT, {"rare_path": "/other.js"}),
            (Asked.DOCUMENT, {"settings": Settings(webrtc=True)}),
            (Asked.WORKER, {"worker_source": b"other"}),
        ):
            other = attrs.evolve(plain, **change)  # type: ignore[arg-type]
            self.assertNotEqual(self._tag(what, plain), self._tag(what, other), (what, change))
            self.assertEqual(self._tag(what, plain), self._tag(what, context()))
            self.assertEqual(self._tag(Asked.STYLE, plain), self._tag(Asked.STYLE, other))

    def test_condition(self) -> None:
        """The origin's own validator, only behind a tag that still holds."""
        tag = self._tag(Asked.DOCUMENT)
        answer = UpstreamHead(200, b"R", ((b"ETag", b'"a"'),))
        etag = bodies.etag_for(answer, tag)
        assert etag is not None
        request = frame(if_none_match=etag.decode())
        self.assertEqual(bodies.condition(request, tag), (b"If-None-Match", b'"a"'))
        self.assertIsNone(bodies.condition(request, self._tag(Asked.STYLE)))
        self.assertIsNone(bodies.condition(frame(), tag))
        self.assertIsNone(bodies.condition(frame(if_modified_since="x"), tag))
        dated = bodies.etag_for(UpstreamHead(200, b"R", ((b"Last-Modified", b"then"),)), tag)
        assert dated is not None
        request = frame(if_none_match=dated.decode())
        self.assertEqual(bodies.condition(request, tag), (b"If-Modified-Since", b"then"))
        self.assertIsNone(bodies.etag_for(UpstreamHead(200, b"R", ()), tag))
