"""Conditional requests: a validator of ours out, the origin's own back in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.http import http_exchange
from gateway.exchange.messages import Connect, Context, NeedNow, RequestHead, Respond, UpstreamHead
from tests.exchange import HTML, SESSION, Shell, context, frame, head, play, values
from tests.session import DATR, DATR_2, NOW

CSS = (b"Content-Type", b"text/css")
SCRIPT = (b"Content-Type", b"text/javascript")
ETAG = (b"ETag", b'"a"')
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
MODIFIED = (b"Last-Modified", DATE)
Fields = tuple[tuple[bytes, bytes], ...]


@attrs.define
class Site:
    """An origin that knows one validator: 304 for it, else 200 with its fields."""

    fields: Fields
    unchanged: Fields = ()
    asked: list[Connect] = attrs.field(factory=list)

    def __call__(self, need: Connect) -> UpstreamHead:
        self.asked.append(need)
        etags = values(self.fields, b"ETag")
        dates = values(self.fields, b"Last-Modified")
        known = (values(need.fields, b"If-None-Match") == etags and etags) or (
            values(need.fields, b"If-Modified-Since") == dates and dates
        )
        validators = tuple(one for one in self.fields if one[0] in {b"ETag", b"Last-Modified"})
        if known:
            return UpstreamHead(304, b"Not Modified", (*validators, *self.unchanged), None)
        return UpstreamHead(200, b"OK", self.fields, 5)

    def conditions(self) -> list[dict[bytes, bytes]]:
        """The conditions of each request, in order."""
        names = {b"if-none-match", b"if-modified-since", b"if-range", b"range"}
        return [
            {key.lower(): value for key, value in need.fields if key.lower() in names}
            for need in self.asked
        ]


class ConditionCase(SynchronousTestCase):
    """Plays a browser that asks again."""

    def ask(
        self, request: RequestHead, site: Site, shell: Shell | None = None, given: Any = None
    ) -> Respond:
        """One request."""
        shell = shell or Shell()
        shell.replies[Connect] = site
        ending, _ = play(http_exchange, request, given or context(), shell)
        assert isinstance(ending, Respond), ending
        return ending

    def etag(self, ending: Respond) -> str:
        """The one ETag of an answer, ours."""
        (etag,) = values(ending.fields, b"ETag")
        self.assertTrue(etag.startswith(b'W/"gw-'), etag)
        return etag.decode()


def _style(**more: Any) -> RequestHead:
    return head("/a.css", **{"sec_fetch_dest": "style", "sec_fetch_mode": "no-cors", **more})


def _worker(**more: Any) -> RequestHead:
    return head("/w.js", **{"sec_fetch_dest": "worker", **more})


def _manifest(**more: Any) -> RequestHead:
    return head("/m.json", **{"sec_fetch_dest": "manifest", **more})


ASKING: tuple[tuple[Callable[..., RequestHead], tuple[bytes, bytes]], ...] = (
    (frame, HTML),
    (_style, CSS),
    (_worker, SCRIPT),
    (_manifest, (b"Content-Type", b"application/json")),
)


class AgainTests(ConditionCase):
    """The same thing asked for again."""

    def test_not_modified(self) -> None:
        """The origin's validator goes up, its 304 comes down with ours."""
        for asking, kind in ASKING:
            for validators, condition in (
                ((ETAG,), {b"if-none-match": b'"a"'}),
                ((ETAG, MODIFIED), {b"if-none-match": b'"a"'}),
                ((MODIFIED,), {b"if-modified-since": DATE}),
            ):
                site, shell = Site((kind, *validators)), Shell()
                first = self.ask(asking(), site, shell)
                etag = self.etag(first)
                self.assertEqual(values(first.fields, b"Last-Modified"), [])
                again = self.ask(asking(if_none_match=etag), site, shell)
                self.assertEqual((again.status, self.etag(again)), (304, etag), kind)
                self.assertFalse(again.plan.edits)
                self.assertEqual(values(again.fields, b"Last-Modified"), [])
                self.assertEqual(values(again.fields, b"Content-Length"), [])
                self.assertEqual(values(again.fields, b"Content-Encoding"), [])
                self.assertEqual(site.conditions(), [{}, condition], kind)

    def test_modified(self) -> None:
        """Another validator of the origin's is another of ours, and the body comes whole."""
        for asking, kind in ASKING:
            old = self.etag(self.ask(asking(), Site((kind, ETAG))))
            site = Site((kind, (b"ETag", b'"b"')))
            ending = self.ask(asking(if_none_match=old), site)
            self.assertEqual(ending.status, 200)
            self.assertNotEqual(self.etag(ending), old)
            self.assertTrue(ending.plan.edits)
            self.assertEqual(site.conditions(), [{b"if-none-match": b'"a"'}])

    def test_none(self) -> None:
        """Without a validator of the origin's there is none of ours."""
        for asking, kind in ASKING:
            self.assertEqual(values(self.ask(asking(), Site((kind,))).fields, b"ETag"), [], kind)

    def test_only_ours(self) -> None:
        """Conditions that are not ours, and ranges, are not sent: the answer must be whole."""
        for asking, kind in ASKING:
            for more in (
                {"if_none_match": '"a"'},
                {"if_none_match": "*"},
                {"if_modified_since": DATE.decode()},
                {"range": "bytes=1-", "if_range": '"a"'},
                {"if_none_match": 'W/"gw-AAAAAAAAAAAAAAAA-e-ImEi"'},
            ):
                site = Site((kind, ETAG, MODIFIED))
                self.assertEqual(self.ask(asking(**more), site).status, 200)
                self.assertEqual(site.conditions(), [{}], (kind, more))

    def test_methods(self) -> None:
        """A form is sent without a condition; HEAD has the validator of GET."""
        site = Site((HTML, ETAG))
        etag = self.etag(self.ask(frame(), site))
        posted = self.ask(frame(method=b"POST", if_none_match=etag), site)
        self.assertEqual((posted.status, site.conditions()), (200, [{}, {}]))
        self.assertIn(b'"origin":', posted.plan.markup)
        looked = self.ask(frame(method=b"HEAD"), site)
        self.assertEqual(self.etag(looked), etag)
        self.assertFalse(looked.plan.edits)
        self.assertEqual(self.ask(frame(method=b"HEAD", if_none_match=etag), site).status, 304)

    def test_what_passes_keeps_its_own(self) -> None:
        """What is not edited is between browser and origin, ranges and conditions included."""
        image = (b"Content-Type", b"image/png")
        for request, fields in (
            (head(if_none_match='"a"'), (HTML, ETAG, MODIFIED)),
            (head(sec_fetch_dest="image", if_none_match='"a"'), (image, ETAG, MODIFIED)),
            (head(if_modified_since=DATE.decode()), (CSS, MODIFIED)),
        ):
            site = Site(fields)
            ending = self.ask(request, site)
            self.assertEqual(ending.status, 304)
            for name in (b"ETag", b"Last-Modified"):
                self.assertEqual(values(ending.fields, name), values(fields, name))
        # Asked for as a document, but shown as it is.
        ending = self.ask(frame(), Site((image, ETAG, MODIFIED)))
        self.assertEqual(values(ending.fields, b"ETag"), [b'"a"'])

    def test_caching(self) -> None:
        """A page is private and asked for each time, also by its 304; a sheet is not."""
        public = (b"Cache-Control", b"public, max-age=99")
        for fields, wanted in (
            ((public,), b"private, no-cache"),
            ((), b"private, no-cache"),
            (((b"Cache-Control", b"no-store"),), b"no-store"),
        ):
            site = Site((HTML, ETAG, *fields), unchanged=fields)
            first = self.ask(frame(), site)
            again = self.ask(frame(if_none_match=self.etag(first)), site)
            for ending in (first, again):
                self.assertEqual(values(ending.fields, b"Cache-Control"), [wanted])
        sheet = self.ask(_style(), Site((CSS, ETAG, public)))
        self.assertEqual(values(sheet.fields, b"Cache-Control"), [public[1]])


class ChangedTests(ConditionCase):
    """What the gateway puts in changed meanwhile."""

    def _changed(self, change: Callable[[Shell], None], given: Context | None = None) -> Site:
        site, shell = Site((HTML, ETAG)), Shell()
        shell.put(b"a=1; Path=/")
        etag = self.etag(self.ask(frame(), site, shell))
        change(shell)
        ending = self.ask(frame(if_none_match=etag), site, shell, given)
        self.assertEqual(ending.status, 200)
        self.assertNotEqual(self.etag(ending), etag)
        return site

    def test_cookies(self) -> None:
        """A cookie that script sees: the page is asked for whole at once."""
        site = self._changed(lambda shell: shell.put(b"b=2; Path=/"))
        self.assertEqual(site.conditions(), [{}, {}])

    def test_runtime(self) -> None:
        """Another runtime is another page."""
        other = attrs.evolve(context(), runtime_digest="sha256-other=")
        self.assertEqual(self._changed(lambda _: None, other).conditions(), [{}, {}])

    def test_rewriters(self) -> None:
        """Another version of the rewriter made another page, and another sheet."""
        for request, fields in ((frame, (HTML, ETAG)), (_style, (CSS, ETAG))):
            site = Site(fields)
            etag = self.etag(self.ask(request(), site))
            again = self.ask(request(if_none_match=etag), site)
            other = attrs.evolve(context(), revision=b"other")
            later = self.ask(request(if_none_match=etag), site, given=other)
            self.assertEqual((again.status, later.status), (304, 200))

    def test_sessions(self) -> None:
        """A page of one session is not another's, though no cookie differs."""
        site = Site((HTML, ETAG))
        etag = self.etag(self.ask(frame(), site))
        anonymous = self.ask(frame(session=False, if_none_match=etag), site)
        self.assertEqual((anonymous.status, site.conditions()), (200, [{}, {}]))
        self.assertNotEqual(self.etag(anonymous), etag)

    def test_pairs(self) -> None:
        """Another ``datr`` is another pair: a page with a proof for the one is not the other's."""
        site = Site((HTML, ETAG))
        etag = self.etag(self.ask(frame(), site))
        tossed = SESSION.replace(DATR.text, DATR_2.text)
        request = frame(session=False, if_none_match=etag, cookie=tossed.decode())
        other = self.ask(request, site)
        self.assertEqual((other.status, site.conditions()), (200, [{}, {}]))
        self.assertNotEqual(self.etag(other), etag)

    def test_ages(self) -> None:
        """A page is kept for a quarter of its token's life, then made anew with a fresh one."""
        quarter = context().settings.token_seconds // 4
        start = NOW - NOW % quarter
        site, shell = Site((HTML, ETAG)), Shell({NeedNow: start})
        first = self.ask(frame(), site, shell)
        etag = self.etag(first)
        for later, status in ((0, 304), (quarter - 1, 304), (quarter, 200), (-1, 200)):
            shell.replies[NeedNow] = start + later
            ending = self.ask(frame(if_none_match=etag), site, shell)
            self.assertEqual(ending.status, status, later)
            self.assertEqual(self.etag(ending) == etag, status == 304)
            if status == 200:
                self.assertEqual(site.conditions()[-1], {})
                self.assertNotEqual(ending.plan.markup, first.plan.markup)

    def test_hidden_cookies(self) -> None:
        """A cookie that script does not see changes nothing."""
        site, shell = Site((HTML, ETAG)), Shell()
        etag = self.etag(self.ask(frame(), site, shell))
        shell.put(b"h=1; Path=/; HttpOnly")
        self.assertEqual(self.ask(frame(if_none_match=etag), site, shell).status, 304)

    def test_sheets_are_everyones(self) -> None:
        """No cookie or session is in a sheet or worker."""
        for asking, kind in ASKING[1:]:
            site, shell = Site((kind, ETAG)), Shell()
            etag = self.etag(self.ask(asking(), site, shell))
            shell.put(b"b=2; Path=/")
            self.assertEqual(self.ask(asking(if_none_match=etag), site, shell).status, 304)
            request = asking(session=False, if_none_match=etag)
            self.assertEqual(self.ask(request, site).status, 304)


class SetCookieTests(ConditionCase):
    """A 304 that sets cookies."""

    def _again(self, *set_cookies: bytes) -> tuple[Site, Shell, Respond, str]:
        unchanged = tuple((b"Set-Cookie", one) for one in set_cookies)
        site, shell = Site((HTML, ETAG), unchanged), Shell()
        shell.put(b"a=1; Path=/")
        etag = self.etag(self.ask(frame(), site, shell))
        return site, shell, self.ask(frame(if_none_match=etag), site, shell), etag

    def test_unseen(self) -> None:
        """What script does not see, or saw before, leaves the page as it is."""
        for one in (b"h=1; Path=/; HttpOnly", b"a=1; Path=/"):
            site, shell, ending, etag = self._again(one)
            self.assertEqual((ending.status, self.etag(ending)), (304, etag), one)
            self.assertEqual(len(site.asked), 2)
            self.assertEqual(values(ending.fields, b"Set-Cookie"), [])
        self.assertIn(b"a=1", shell.cookies())

    def test_asked_again(self) -> None:
        """What changes the page's cookies makes the page be asked for again, whole."""
        for one, wanted in (
            (b"b=2; Path=/", b"a=1; b=2"),
            (b"a=2; Path=/", b"a=2"),
            (b"p=1; Path=/elsewhere", b"a=1"),
            (b"a=; Path=/; Max-Age=0", b""),
        ):
            site, shell, ending, etag = self._again(one)
            self.assertEqual(site.conditions(), [{}, {b"if-none-match": b'"a"'}, {}], one)
            self.assertEqual(ending.status, 200)
            self.assertTrue(ending.plan.edits)
            self.assertNotEqual(self.etag(ending), etag)
            self.assertEqual(shell.cookies(), wanted, one)

    def test_the_page_sees_them(self) -> None:
        """The page that then comes is told the cookies that the 304 set."""
        _, _, ending, _ = self._again(b"b=2; Path=/")
        self.assertIn(b'"cookie":"a=1; b=2"', ending.plan.markup)

    def test_the_origin_sees_them(self) -> None:
        """The second request carries the cookies that the first one's answer set."""
        site, _, _, _ = self._again(b"a=2; Path=/")
        self.assertEqual(values(site.asked[-1].fields, b"Cookie"), [b"a=2"])

    def test_the_next_time(self) -> None:
        """With the validator of that answer, 304 passes: the cookies are those of the page."""
        site, shell, ending, _ = self._again(b"b=2; Path=/")
        again = self.ask(frame(if_none_match=self.etag(ending)), site, shell)
        self.assertEqual((again.status, self.etag(again)), (304, self.etag(ending)))

    def test_set_by_both(self) -> None:
        """Cookies of both answers are kept."""
        site, shell = Site((HTML, ETAG, (b"Set-Cookie", b"c=3; Path=/"))), Shell()
        site.unchanged = ((b"Set-Cookie", b"b=2; Path=/"),)
        first = self.ask(frame(), site, shell)
        self.ask(frame(if_none_match=self.etag(first)), site, shell)
        self.assertEqual(set(shell.cookies().split(b"; ")), {b"b=2", b"c=3"})

    def test_not_without_end(self) -> None:
        """An origin that answers 304 to everything is asked no more than twice."""
        shell, count = Shell(), 0

        def answer(need: Connect) -> UpstreamHead:
            nonlocal count
            count += 1
            return UpstreamHead(304, b"", (ETAG, (b"Set-Cookie", b"n=%d; Path=/" % count)), None)

        etag = self.etag(self.ask(frame(), Site((HTML, ETAG)), shell))
        shell.replies[Connect] = answer
        ending, _ = play(http_exchange, frame(if_none_match=etag), context(), shell)
        self.assertEqual(count, 2)
        assert isinstance(ending, Respond)
        self.assertEqual(ending.status, 304)
