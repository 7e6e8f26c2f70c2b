"""The report collector's decisions, and the header fields that lead reports to it."""

from __future__ import annotations

import json
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.exchange.http import http_exchange
from gateway.exchange.messages import (
    Answer,
    Connect,
    Context,
    NeedBody,
    NeedOrigin,
    Refuse,
    RequestHead,
    Respond,
    UpstreamHead,
)
from gateway.exchange.needs import Forward, MayReport, Reported
from gateway.origins import long_label
from gateway.policy.content import ContentRule
from gateway.policy.patterns import parse_pattern
from gateway.rewrite.parameters import parameter
from gateway.session.endpoints import Endpoints, Layer, open_endpoints, seal_endpoints
from tests.exchange import (
    HOST,
    HTML,
    LONG,
    LONG_HOST,
    PAGE_ORIGIN,
    SESSION,
    SITE,
    Shell,
    access,
    context,
    frame,
    head,
    play,
    values,
)
from tests.rewrite import DOMAIN, SUFFIX, collapsed, origin
from tests.session import KEYS

CSP = b"Content-Security-Policy"
ONLY = CSP + b"-Report-Only"
COLLECT = "https://collect.example.com/r?key=1"
OLD = (b"Content-Type", b"application/csp-report")
NEW = (b"Content-Type", b"application/reports+json")


def _report(**members: str) -> bytes:
    given_ = {
        "document-uri": f"{PAGE_ORIGIN}/p?q&__gw=T",
        "blocked-uri": collapsed("https://a.example/x?secret"),
        "effective-directive": "img-src",
        "original-policy": "img-src 'none'",
    }
    return json.dumps({"csp-report": given_ | members}).encode()


def _target(*urls: str, layer: Layer = Layer.SITE, page: str = SITE) -> str:
    text = seal_endpoints(KEYS, origin(page), Endpoints(layer, urls))
    return f"{wire.REPORT_PATH}?{wire.REPORT_PARAMETER}={text}"


def _send(
    target: str,
    body: bytes,
    *fields: tuple[bytes, bytes],
    given_: Context | None = None,
    host: str = HOST,
    shell: Shell | None = None,
) -> tuple[Any, Shell]:
    shell = shell or Shell()
    shell.replies[NeedBody] = body
    own = (
        (b"Origin", PAGE_ORIGIN.encode()),
        (b"Sec-Fetch-Dest", b"report"),
        (b"Sec-Fetch-Mode", b"no-cors"),
        (b"Sec-Fetch-Site", b"same-origin"),
        (b"User-Agent", b"U"),
        (b"Cookie", SESSION),
        (b"Authorization", b"Basic s3cret"),
        (b"X-Own", b"s3cret"),
        *(fields or (OLD,)),
    )
    request = RequestHead(b"POST", target.encode(), b"HTTP/1.1", host, own)
    ending, _ = play(http_exchange, request, given_, shell)
    return ending, shell


def _of(shell: Shell, kind: type) -> list[Any]:
    return [need for need in shell.needs if isinstance(need, kind)]


class LayerTests(SynchronousTestCase):
    """Who is told."""

    def test_table(self) -> None:
        """A site hears of its own policies alone; everything is counted by its layer."""
        table: list[tuple[str, Layer, int]] = [
            (wire.REPORT_PATH, Layer.CONTAINMENT, 0),
            (wire.REPORT_PATH + "?x=1", Layer.CONTAINMENT, 0),
            (_target(), Layer.SITE, 0),
            (_target(COLLECT), Layer.SITE, 1),
            (_target(COLLECT, f"{SITE}/r"), Layer.SITE, 2),
            (_target(layer=Layer.OPERATOR), Layer.OPERATOR, 0),
            (_target(COLLECT, layer=Layer.OPERATOR), Layer.OPERATOR, 1),
        ]
        for target, layer, forwards in table:
            ending, shell = _send(target, _report())
            self.assertEqual(ending, Answer(204, ()), target)
            (reported,) = _of(shell, Reported)
            self.assertEqual((reported.layer, reported.told), (layer, forwards > 0))
            self.assertEqual(reported.seen.directive, "img-src")
            self.assertEqual(len(_of(shell, Forward)), forwards, target)

    def test_our_own_requests(self) -> None:
        """What the gateway itself asked for is counted; no site hears of it."""
        for blocked in (f"https://www{SUFFIX}/.gateway/assets/x.js", f"{PAGE_ORIGIN}/.gateway/x"):
            _, shell = _send(_target(COLLECT), _report(**{"blocked-uri": blocked}))
            self.assertEqual([one.told for one in _of(shell, Reported)], [False])
            self.assertEqual(_of(shell, Forward), [])

    def test_switched_off(self) -> None:
        """``forward-reports = false``: counted and kept, and nothing leaves."""
        quiet = context()
        quiet = attrs.evolve(quiet, settings=attrs.evolve(quiet.settings, forward_reports=False))
        _, shell = _send(_target(COLLECT), _report(), given_=quiet)
        self.assertEqual([one.told for one in _of(shell, Reported)], [False])
        self.assertEqual(_of(shell, Forward), [])

    def test_samples(self) -> None:
        """Kept for the operator only where that was asked for."""
        body = _report(**{"script-sample": "let secret"})
        _, shell = _send(_target(), body)
        self.assertNotIn("secret", repr(shell.needs))
        loud = context()
        loud = attrs.evolve(loud, settings=attrs.evolve(loud.settings, report_samples=True))
        _, shell = _send(_target(), body, given_=loud)
        self.assertEqual(_of(shell, Reported)[0].seen.sample, "let secret")


class ForwardTests(SynchronousTestCase):
    """What a site's endpoint gets."""

    def test_request(self) -> None:
        """As the browser would have sent it there: real names, no session, no login."""
        _, shell = _send(_target(COLLECT), _report())
        (forward,) = _of(shell, Forward)
        request: Connect = forward.request
        self.assertEqual(
            (request.origin, request.method, request.target),
            (origin(COLLECT), b"POST", b"/r?key=1"),
        )
        self.assertEqual(
            sorted(request.fields),
            [
                (b"Content-Type", b"application/csp-report"),
                (b"Host", b"collect.example.com"),
                (b"Origin", SITE.encode()),
                (b"Sec-Fetch-Dest", b"report"),
                (b"Sec-Fetch-Mode", b"no-cors"),
                (b"Sec-Fetch-Site", b"same-site"),
                (b"User-Agent", b"U"),
            ],
        )
        self.assertEqual(
            json.loads(forward.body)["csp-report"],
            {
                "document-uri": f"{SITE}/p?q",
                "blocked-uri": "https://a.example/x?secret",
                "effective-directive": "img-src",
                "original-policy": "img-src 'none'",
            },
        )
        self.assertNotIn("secret", repr(shell.needs))

    def test_referrer(self) -> None:
        """The whole address of the page is for its own origin; what is ours is not in it."""
        referer = (b"Referer", f"{PAGE_ORIGIN}/p?q&__gw=T".encode())
        for url, wanted in ((f"{SITE}/r", f"{SITE}/p?q"), (COLLECT, f"{SITE}/")):
            _, shell = _send(_target(url), _report(), OLD, referer)
            fields = _of(shell, Forward)[0].request.fields
            self.assertEqual(values(fields, b"Referer"), [wanted.encode()], url)

    def test_several(self) -> None:
        """One body stays one, of the type that it came in; those of ours are left out."""
        reports = [
            {"type": "deprecation", "url": f"{PAGE_ORIGIN}/", "body": {"id": "x"}},
            {"type": "csp-violation", "body": {"blockedURL": f"{PAGE_ORIGIN}/.gateway/x"}},
            7,
            {"type": "coep", "url": f"{PAGE_ORIGIN}/", "body": {"blockedURL": "https://b.c/"}},
        ]
        _, shell = _send(_target(COLLECT), json.dumps(reports).encode(), NEW)
        self.assertEqual([one.told for one in _of(shell, Reported)], [True, False, False, True])
        (forward,) = _of(shell, Forward)
        self.assertEqual(values(forward.request.fields, b"Content-Type"), [NEW[1]])
        self.assertEqual([one["url"] for one in json.loads(forward.body)], [f"{SITE}/"] * 2)

    def test_policy(self) -> None:
        """As an ``access`` request of that page: what no rule opens gets nothing."""
        table: list[tuple[tuple[Any, ...], str, int, str]] = [
            ((access(SITE),), "https://other.example/r", 0, events.DESTINATION_DENIED),
            ((access("https://other.example"),), "https://other.example/r", 1, ""),
            ((access("*", page=SITE),), "https://other.example/r", 1, ""),
            ((access("*", page="https://b.example"),), "https://other.example/r", 0, "d"),
            ((access("https://other.example/ok*"),), "https://other.example/r", 0, "d"),
            ((access("https://other.example/ok*"),), "https://other.example/okay", 1, ""),
            ((access("https://other.example/ok/*"),), "https://other.example/ok/%2e%2e/r", 0, "d"),
            ((access(),), "http://other.example/r", 0, events.TRANSPORT_DENIED),
            ((access(),), "https://other.example:22/r", 0, "d"),
            ((access(),), f"https://{DOMAIN}/", 0, "d"),
            ((access(),), f"https://www{SUFFIX}/.gateway/bootstrap", 0, "d"),
            ((access(),), f"{PAGE_ORIGIN}/", 0, "d"),
        ]
        for rules, url, wanted, event in table:
            ending, shell = _send(_target(url), _report(), given_=context(*rules))
            self.assertEqual(ending, Answer(204, ()))
            self.assertEqual(len(_of(shell, Forward)), wanted, (rules, url))
            if event:
                expected = event if len(event) > 1 else events.DESTINATION_DENIED
                self.assertEqual(shell.notes(), [expected], url)

    def test_not_on_the_apart_session(self) -> None:
        """No jar is opened and nothing of the person's is read."""
        _, shell = _send(_target(COLLECT), _report())
        self.assertEqual(shell.kinds(), "MayReport NeedBody Reported Forward")

    def test_long_labels(self) -> None:
        """A page whose label is a digest: the store knows whose it is, in the report, too."""
        shell = Shell()
        other = origin("https://other_one.example")
        by_label = {long_label(one): one for one in (LONG, other)}
        shell.replies[NeedOrigin] = lambda need: by_label.get(need.label)
        body = _report(**{"blocked-uri": f"https://{long_label(other)}{SUFFIX}/x"})
        _send(_target(COLLECT, page=str(LONG)), body, host=LONG_HOST, shell=shell)
        (forward,) = _of(shell, Forward)
        sent = json.loads(forward.body)["csp-report"]
        self.assertEqual(sent["blocked-uri"], f"{other}/x")


class AttackTests(SynchronousTestCase):
    """What must not be possible."""

    def test_forged_endpoints(self) -> None:
        """Only what the gateway wrote for that host: nothing is read, counted or sent."""
        good = _target(COLLECT)
        for target in (
            _target(COLLECT, page="https://evil.example"),
            good[:-1] + ("A" if good[-1] != "A" else "B"),
            good[:-4],
            f"{wire.REPORT_PATH}?r=https://victim.example/",
            f"{wire.REPORT_PATH}?r=",
            f"{good}&r=x",
            f"{wire.REPORT_PATH}?r={'A' * 50_000}",
        ):
            ending, shell = _send(target, _report())
            assert isinstance(ending, Refuse), target
            self.assertEqual((ending.status, ending.event), (403, events.REPORT_FORGED))
            self.assertEqual(shell.kinds(), "MayReport")

    def test_types(self) -> None:
        """Only what another site's page cannot send without asking."""
        for kind in (
            b"text/plain",
            b"application/x-www-form-urlencoded",
            b"multipart/form-data",
            b"",
        ):
            ending, shell = _send(_target(COLLECT), _report(), (b"Content-Type", kind))
            self.assertEqual((ending, shell.needs), (Answer(415, ()), []))

    def test_methods(self) -> None:
        """Only POST: a preflight is not answered."""
        for method in (b"GET", b"HEAD", b"PUT", b"OPTIONS"):
            request = RequestHead(method, wire.REPORT_PATH.encode(), b"HTTP/1.1", HOST, (OLD,))
            ending, shell = play(http_exchange, request)
            assert isinstance(ending, Refuse)
            self.assertEqual((ending.status, shell.needs), (405, []))
            self.assertEqual(values(ending.fields, b"Allow"), [b"POST"])

    def test_flood(self) -> None:
        """A client that sends too many is told to wait, before anything is read."""
        shell = Shell({MayReport: False})
        ending, _ = _send(_target(COLLECT), _report(), shell=shell)
        assert isinstance(ending, Answer)
        self.assertEqual((ending.status, shell.kinds()), (429, "MayReport"))
        self.assertEqual(values(ending.fields, b"Retry-After"), [b"60"])

    def test_bounded(self) -> None:
        """So many reports of one body."""
        many = json.dumps([{"type": "coep", "body": {}}] * 500).encode()
        _, shell = _send(_target(COLLECT), many, NEW)
        self.assertEqual(len(_of(shell, Reported)), 100)
        self.assertEqual(len(json.loads(_of(shell, Forward)[0].body)), 100)

    def test_elsewhere(self) -> None:
        """A report of a page elsewhere, by its Origin, tells its endpoint so, and has no session."""
        request_fields = (OLD, (b"Origin", b"https://evil.example"))
        target = _target(COLLECT).encode()
        shell = Shell({NeedBody: _report()})
        play(
            http_exchange,
            RequestHead(b"POST", target, b"HTTP/1.1", HOST, request_fields),
            None,
            shell,
        )
        (forward,) = _of(shell, Forward)
        self.assertEqual(values(forward.request.fields, b"Origin"), [b"https://evil.example"])

    @settings(deadline=None, max_examples=50)
    @given(st.binary(max_size=60), st.sampled_from((OLD, NEW)))
    def test_any_body(self, body: bytes, kind: tuple[bytes, bytes]) -> None:
        """Counted, whatever it is."""
        ending, _ = _send(_target(COLLECT), body, kind)
        self.assertEqual(ending, Answer(204, ()))


class FieldTests(SynchronousTestCase):
    """What a page is told of reporting."""

    def _fields(
        self, *fields: tuple[bytes, bytes], given_: Context | None = None, **more: Any
    ) -> Respond:
        script = more.get("sec_fetch_dest") == "worker"
        kind = (b"Content-Type", b"text/javascript") if script else HTML
        shell = Shell({Connect: UpstreamHead(200, b"", (kind, *fields), 5)})
        ending, _ = play(http_exchange, frame(**more), given_, shell)
        assert isinstance(ending, Respond), ending
        return ending

    def _opened(self, address: str) -> Endpoints | None:
        path, _, _ = address.removeprefix(PAGE_ORIGIN).partition("?")
        self.assertEqual(path, wire.REPORT_PATH)
        text = parameter(address, wire.REPORT_PARAMETER)
        return None if text is None else open_endpoints(KEYS, origin(SITE), text)

    def test_report_uri(self) -> None:
        """The page's own host is reported to; the site's address is sealed in."""
        for name in (CSP, ONLY):
            ending = self._fields((name, b"img-src 'none'; report-uri /r https://c.example/"))
            policy = values(ending.fields, name)[0].decode()
            endpoints = self._opened(policy.rpartition(" ")[2])
            self.assertEqual(endpoints, Endpoints(Layer.SITE, (f"{SITE}/r", "https://c.example/")))

    def test_headers(self) -> None:
        """Reporting-Endpoints and Report-To, in all of their lines."""
        ending = self._fields(
            (b"Reporting-Endpoints", b'a="/r"'),
            (b"reporting-endpoints", b'b="https://c.example/"'),
            (b"Report-To", b'{"max_age": 5, "endpoints": [{"url": "https://c.example/"}]}'),
            (b"NEL", b'{"report_to": "default", "max_age": 5}'),
        )
        (value,) = values(ending.fields, b"Reporting-Endpoints")
        found = [one.partition('="') for one in value.decode().split(", ")]
        self.assertEqual(
            [(name, self._opened(address[:-1])) for name, _, address in found],
            [
                ("a", Endpoints(Layer.SITE, (f"{SITE}/r",))),
                ("b", Endpoints(Layer.SITE, ("https://c.example/",))),
            ],
        )
        (value,) = values(ending.fields, b"Report-To")
        address = json.loads(value)["endpoints"][0]["url"]
        self.assertEqual(self._opened(address), Endpoints(Layer.SITE, ("https://c.example/",)))
        self.assertEqual(values(ending.fields, b"NEL"), [])

    def test_same_fields_again(self) -> None:
        """A page that did not change keeps its fields."""
        given_ = (CSP, b"img-src 'none'; report-uri /r")
        self.assertEqual(self._fields(given_).fields, self._fields(given_).fields)

    def test_operators_policy(self) -> None:
        """A header of its own between the site's and the containment, for matching sites.

        On every response: a service worker may show as a document what it fetched as data.
        """
        rules = (
            ContentRule(parse_pattern(SITE), "img-src https://a.example; script-src 'self'"),
            ContentRule(parse_pattern("*"), "object-src 'none'", report_only=True),
            ContentRule(parse_pattern("https://other.example"), "default-src 'none'"),
        )
        given_ = context()
        given_ = attrs.evolve(given_, settings=attrs.evolve(given_.settings, content=rules))
        site = (CSP, b"img-src *")
        for more in (
            {},
            {"sec_fetch_dest": "worker", "sec_fetch_mode": "cors"},
            {"sec_fetch_dest": "empty", "sec_fetch_mode": "cors"},
            {"sec_fetch_dest": "empty", "sec_fetch_mode": "same-origin"},
            {"sec_fetch_dest": "image", "sec_fetch_mode": "no-cors"},
        ):
            ending = self._fields(site, given_=given_, **more)
            theirs, ours, containment = values(ending.fields, CSP)
            self.assertTrue(theirs.startswith(b"img-src https://*"))
            self.assertIn(f"img-src {collapsed('https://a.example')};".encode(), ours)
            self.assertIn(b"script-src 'self'", ours)
            address = ours.decode().rpartition("report-uri ")[2]
            self.assertEqual(self._opened(address), Endpoints(Layer.OPERATOR, ()))
            self.assertIn(b"default-src", containment)
            (only,) = values(ending.fields, ONLY)
            self.assertTrue(only.startswith(b"object-src 'none'; report-uri "), only)
        self.assertEqual(len(values(self._fields(site).fields, CSP)), 2)

    def test_the_runtime_runs(self) -> None:
        """Under the strictest policies of the operator's: its URL or digest is in them."""
        runtime = context().runtime(origin(SITE))
        for text in (
            "default-src 'none'",
            "script-src 'none'",
            "script-src 'nonce-abc' 'strict-dynamic'",
            "script-src-elem 'self'; style-src 'none'; connect-src 'none'",
            "require-trusted-types-for 'script'; trusted-types 'none'",
        ):
            given_ = context()
            rules = (ContentRule(parse_pattern("*"), text),)
            given_ = attrs.evolve(given_, settings=attrs.evolve(given_.settings, content=rules))
            policy = values(self._fields(given_=given_).fields, CSP)[0].decode()
            if "src" in text:
                self.assertIn(f"'{runtime.digest}'", policy, text)
                self.assertIn(runtime.url, policy, text)
            if "connect" in text:
                self.assertIn(f"connect-src {runtime.own}", policy)
            if "trusted" in text:
                self.assertIn("trusted-types gateway", policy)

    def test_workers(self) -> None:
        """A module worker's preamble is admitted where its policy names what runs."""
        ending = self._fields(
            (CSP, b"script-src https://a.example"),
            sec_fetch_dest="worker",
            sec_fetch_mode="cors",
        )
        policy = values(ending.fields, CSP)[0].decode()
        self.assertIn(f"{PAGE_ORIGIN}{context().worker_path} ", policy)
        self.assertIn(f"{PAGE_ORIGIN}{wire.ASSET_PATH}", policy)

    def test_not_for_what_script_fetches(self) -> None:
        """Nor is anything put into what is no page: its own policy is mapped all the same."""
        shell = Shell({Connect: UpstreamHead(200, b"", ((CSP, b"report-uri /r"),), 5)})
        ending, _ = play(http_exchange, head(), None, shell)
        assert isinstance(ending, Respond)
        self.assertIn(b"report-uri https://", values(ending.fields, CSP)[0])
