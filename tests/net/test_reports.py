"""The report collector over sockets: forwarding, bounds, what the operator sees."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway import events, wire
from gateway.errors import UpstreamFault
from gateway.exchange.messages import Connect, UpstreamHead
from gateway.exchange.needs import Forward, Reported
from gateway.net.reports import AT_ONCE, Buckets, Collector
from gateway.net.settings import Limits
from gateway.ops.metrics import Telemetry
from gateway.origins import Origin as WebOrigin
from gateway.policy.transport import Transport
from gateway.rewrite.reports import Seen
from gateway.session.endpoints import Layer
from tests.net.harness import SHOP, Gateway, GatewayCase, host_of, origin_tls
from tests.net.raw import Message, Origin, reply, until
from tests.ops import fetch

COLLECT = "https://collect.site.example"
OTHER = "https://other.test"
OLD, NEW = b"Content-Type: application/csp-report", b"Content-Type: application/reports+json"
PAGE = f"https://{host_of(SHOP)}"
FROM_PAGE = (b"Origin: " + PAGE.encode(), b"Sec-Fetch-Dest: report", b"User-Agent: Test/1")


def _body(**members: Any) -> bytes:
    given = {"document-uri": f"{PAGE}/p?q", "effective-directive": "img-src", **members}
    return json.dumps({"csp-report": given}).encode()


class CollectorCase(GatewayCase):
    """A shop whose page asks for reports, and who collects them."""

    async def shop(self, policy: bytes, **more: Any) -> tuple[Gateway, Origin, str]:
        """The gateway, the collecting origin, and where the page's browser is to report."""
        self.collect = Origin(reply(b"ignored", b"Set-Cookie: c=1; Path=/"))
        page = reply(b"<p>", b"Content-Type: text/html", b"Content-Security-Policy: " + policy)
        origins = {SHOP: Origin(page), COLLECT: self.collect, OTHER: self.collect}
        tls = origin_tls("*.site.example", "other.test")
        gateway = await self.gateway(origins, tls=tls, **more)
        answer = await gateway.ask(
            f"{SHOP}/p", b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate"
        )
        mapped = answer.all(b"content-security-policy")[0].decode()
        address = mapped.partition("report-uri ")[2].partition(";")[0]
        self.assertTrue(address.startswith(f"{PAGE}{wire.REPORT_PATH}?"), mapped)
        return gateway, self.collect, SHOP + address.removeprefix(PAGE)

    async def report(self, gateway: Gateway, url: str, body: bytes, *fields: bytes) -> Message:
        """One body as the page's browser sends it."""
        fields = (*FROM_PAGE, *(fields or (OLD,)))
        return await gateway.ask(url, *fields, method=b"POST", body=body)

    def counted(self, gateway: Gateway, name: str, **labels: str) -> float:
        """A counter's value."""
        return gateway.telemetry.value(f"gateway_{name}_total", **labels)


class ForwardTests(CollectorCase):
    """To the site's own endpoint."""

    async def test_there(self) -> None:
        """A request of its own, with the site's names, without session or jar; once."""
        gateway, collect, url = await self.shop(
            b"img-src 'none'; report-uri %s/r?key=1" % COLLECT.encode()
        )
        body = _body(**{"blocked-uri": f"https://{host_of(COLLECT)}/x.png"})
        answer = await self.report(gateway, url, body)
        self.assertEqual((answer.status, answer.body), (204, b""))
        await until(lambda: collect.requests)
        (sent,) = collect.requests
        self.assertEqual(sent.line, b"POST /r?key=1 HTTP/1.1")
        fields = {name.lower(): value for name, value in sent.fields}
        self.assertEqual(fields.pop(b"content-length"), b"%d" % len(sent.body))
        fields.pop(b"connection", None)
        self.assertEqual(
            fields,
            {
                b"host": b"collect.site.example",
                b"origin": SHOP.encode(),
                b"content-type": b"application/csp-report",
                b"sec-fetch-dest": b"report",
                b"user-agent": b"Test/1",
            },
        )
        found = json.loads(sent.body)["csp-report"]
        self.assertEqual(found["document-uri"], f"{SHOP}/p?q")
        self.assertEqual(found["blocked-uri"], f"{COLLECT}/x.png")
        await until(lambda: self.counted(gateway, "reports_forwarded", outcome="sent"))
        self.assertEqual(self.counted(gateway, "reports", layer="site", kind="img-src"), 1)
        self.assertEqual(self.counted(gateway, "leaks", directive="img-src"), 0)

    async def test_policy_as_written(self) -> None:
        """The policy that the browser quotes goes back as the site wrote it."""
        policy = b"IMG-SRC *.cdn.example;report-uri %s/r" % COLLECT.encode()
        gateway, collect, url = await self.shop(policy)
        answer = await gateway.ask(
            f"{SHOP}/p", b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate"
        )
        quoted = answer.all(b"content-security-policy")[0].decode()
        self.assertNotIn("cdn.example", quoted)
        await self.report(gateway, url, _body(**{"original-policy": quoted}))
        await until(lambda: collect.requests)
        found = json.loads(collect.requests[0].body)["csp-report"]
        self.assertEqual(found["original-policy"], policy.decode())

    async def test_endpoint_that_no_rule_opens(self) -> None:
        """Nothing is sent; the log says which rule was missing."""
        gateway, collect, url = await self.shop(b"img-src x:; report-uri %s/r" % OTHER.encode())
        self.assertEqual((await self.report(gateway, url, _body())).status, 204)
        self.assertEqual(gateway.telemetry.codes()[-1], events.DESTINATION_DENIED)
        self.assertIn("a report's endpoint", gateway.telemetry.events[-1]["detail"])
        self.assertEqual(collect.requests, [])
        self.assertEqual(self.counted(gateway, "reports", layer="site", kind="img-src"), 1)

    async def test_opened_to_one_page(self) -> None:
        """A rule with ``from`` opens it to that page's reports."""
        rules = f'[[access]]\norigin = "{OTHER}"\nfrom = "{SHOP}"\n'
        gateway, collect, url = await self.shop(
            b"img-src x:; report-uri %s/r" % OTHER.encode(), rules=rules
        )
        await self.report(gateway, url, _body())
        await until(lambda: collect.requests)

    async def test_private_addresses(self) -> None:
        """A site cannot make the gateway post to what is closed: it fails, and is forgotten."""
        gateway, collect, url = await self.shop(
            b"img-src x:; report-uri https://inner.site.example/r",
            names={"inner.site.example": ["10.1.2.3"]},
        )
        self.assertEqual((await self.report(gateway, url, _body())).status, 204)
        await until(lambda: self.counted(gateway, "reports_forwarded", outcome="failed"))
        self.assertEqual(collect.requests, [])
        self.assertIn(events.SSRF_DENIED, gateway.telemetry.codes())

    async def test_forged(self) -> None:
        """Neither an address in clear, nor one of another site's page."""
        gateway, collect, url = await self.shop(b"img-src x:; report-uri %s/r" % COLLECT.encode())
        elsewhere = url.replace(SHOP, "https://evil.site.example")
        for forged in (f"{SHOP}{wire.REPORT_PATH}?r={COLLECT}/r", elsewhere, url[:-2]):
            answer = await self.report(gateway, forged, _body())
            self.assertEqual(answer.status, 403)
            self.assertEqual(gateway.telemetry.codes()[-1], events.REPORT_FORGED)
        self.assertEqual(collect.requests, [])

    async def test_the_containment(self) -> None:
        """What it stopped is counted as a leak; nobody is told."""
        gateway, collect, _ = await self.shop(b"img-src x:; report-uri %s/r" % COLLECT.encode())
        for body, directive in (
            (_body(), "img-src"),
            (b"\xff", "other"),
            (b"[" * 5000, "other"),
            (b"", "other"),
        ):
            before = self.counted(gateway, "leaks", directive=directive)
            answer = await self.report(gateway, SHOP + wire.REPORT_PATH, body)
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.assertEqual(self.counted(gateway, "leaks", directive=directive), before + 1)
        self.assertEqual(collect.requests, [])
        self.assertEqual(self.counted(gateway, "reports", layer="containment", kind="img-src"), 1)

    async def test_leaks_by_site(self) -> None:
        """Foreign hosts that were not reached, by the host that the report came to; no paths."""
        gateway, _, url = await self.shop(b"img-src x:; report-uri %s/r" % COLLECT.encode())
        blocked = (
            "https://tracker.test/secret?of=a",
            "wss://tracker.test:1/",
            f"https://{host_of(COLLECT)}/through",
            "inline",
        )
        for one in blocked:
            body = _body(**{"blocked-uri": one, "document-uri": "https://forged.test/"})
            await self.report(gateway, SHOP + wire.REPORT_PATH, body)
            await self.report(gateway, url, body)  # the site's own policy: no leak
        found = await fetch(gateway.admin_port, "/leaks")
        (row,) = json.loads(found.body)["leaks"]
        self.assertEqual((row["site"], row["count"]), (SHOP, 2))
        self.assertEqual(row["hosts"], {"tracker.test": 2})
        self.assertEqual(row["directives"], {"img-src": 2})
        found = await fetch(gateway.admin_port, "/metrics")
        self.assertIn(b'gateway_site_leaks_total{site="%s"} 2.0' % SHOP.encode(), found.body)

    async def test_operators_policy(self) -> None:
        """Beside the site's, over the wire; its reports are the operator's alone."""
        rules = '[[content-policy]]\nsite = "*"\npolicy = "media-src \'none\'"\n'
        gateway, collect, _ = await self.shop(
            b"img-src 'none'; report-uri %s/r" % COLLECT.encode(), rules=rules
        )
        answer = await gateway.ask(
            f"{SHOP}/p", b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate"
        )
        _, ours, _ = answer.all(b"content-security-policy")
        policy, _, address = ours.decode().partition("; report-uri ")
        self.assertEqual(policy, "media-src 'none'")
        await self.report(gateway, SHOP + address.removeprefix(PAGE), _body())
        self.assertEqual(self.counted(gateway, "reports", layer="operator", kind="img-src"), 1)
        self.assertEqual(collect.requests, [])


class BoundTests(CollectorCase):
    """Sizes and rates."""

    async def test_large(self) -> None:
        """413 above the bound of a body; what is within is read."""
        gateway, collect, url = await self.shop(
            b"img-src x:; report-uri %s/r" % COLLECT.encode(), report_body_bytes=30_000
        )
        answer = await self.report(gateway, url, _body() + b" " * 30_000)
        self.assertEqual(answer.status, 413)
        answer = await self.report(gateway, url, _body() + b" " * 20_000)
        self.assertEqual(answer.status, 204)
        await until(lambda: len(collect.requests) == 1)

    async def test_flood(self) -> None:
        """One client's bodies are bounded in a minute; nothing of the rest is read."""
        gateway, collect, url = await self.shop(
            b"img-src x:; report-uri %s/r" % COLLECT.encode(), report_rate=3
        )
        found = [(await self.report(gateway, url, _body())).status for _ in range(6)]
        self.assertEqual(found, [204] * 3 + [429] * 3)
        self.assertEqual(self.counted(gateway, "limit_reached", limit="report-rate"), 3)
        self.assertEqual(self.counted(gateway, "reports", layer="site", kind="img-src"), 3)
        await until(lambda: len(collect.requests) == 3)

    async def test_slow_endpoint(self) -> None:
        """One that never answers holds a few bodies up, and no page; what waits is bounded."""
        gateway, collect, url = await self.shop(
            b"img-src x:; report-uri %s/r" % COLLECT.encode(), report_queue=2
        )
        collect.answer = lambda _: None
        for _ in range(AT_ONCE + 5):
            self.assertEqual((await self.report(gateway, url, _body())).status, 204)
        await until(lambda: len(collect.requests) == AT_ONCE)
        self.assertEqual(self.counted(gateway, "limit_reached", limit="report-queue"), 3)
        self.assertEqual(self.counted(gateway, "reports_forwarded", outcome="dropped"), 3)


class OperatorTests(CollectorCase):
    """What the admin listener shows."""

    async def test_shown(self) -> None:
        """As JSON and on the page: where, what, how often; no query, no markup of a page's."""
        gateway, _, url = await self.shop(b"img-src x:; report-uri %s/r" % COLLECT.encode())
        body = _body(**{"blocked-uri": "https://a.example/<b>?secret", "script-sample": "secret"})
        for _ in range(3):
            await self.report(gateway, url, body)
        await self.report(gateway, SHOP + wire.REPORT_PATH, _body())
        answer = await fetch(gateway.admin_port, "/reports")
        self.assertEqual(answer.get("content-type"), "application/json")
        first, second = json.loads(answer.body)["reports"]
        self.assertEqual((first["layer"], first["count"]), ("containment", 1))
        second.pop("last")
        self.assertEqual(
            second,
            {
                "layer": "site",
                "kind": "csp-violation",
                "directive": "img-src",
                "disposition": "enforce",
                "page": f"{SHOP}/p",
                "blocked": "https://a.example/%3Cb%3E",
                "source": "",
                "line": 0,
                "sample": "",
                "told": True,
                "count": 3,
            },
        )
        page = (await fetch(gateway.admin_port, "/")).body.decode()
        self.assertIn(f"<td>{SHOP}/p</td>", page)
        for text in (page, answer.body.decode()):
            self.assertNotIn("secret", text)


class BucketTests(SynchronousTestCase):
    """A token bucket for each key."""

    def test_fills(self) -> None:
        """So many at once, then one by one; a clock that goes back gives nothing."""
        buckets = Buckets(60)
        self.assertEqual([buckets.spend("a", 0) for _ in range(61)], [True] * 60 + [False])
        self.assertTrue(buckets.spend("b", 0))
        self.assertEqual([buckets.spend("a", 1.0) for _ in range(2)], [True, False])
        self.assertFalse(buckets.spend("a", 0.5))
        self.assertEqual([buckets.spend("a", 1000.0) for _ in range(61)], [True] * 60 + [False])

    def test_bounded(self) -> None:
        """The least recent key is forgotten."""
        buckets = Buckets(1, most=2)
        for key in "aba":
            buckets.spend(key, 0)
        buckets.spend("c", 0)
        self.assertFalse(buckets.spend("a", 0))
        self.assertTrue(buckets.spend("b", 0))


class _Upstream:
    """Answers when a test says so."""

    def __init__(self) -> None:
        self.asked: list[Deferred[Any]] = []

    async def request(self, connect: Connect, body: Any) -> Any:
        del connect, body
        self.asked.append(Deferred())
        return await self.asked[-1]


@attrs.define
class _Response:
    head: UpstreamHead

    def discard(self) -> None:
        """Nothing to drop."""


class CollectorTests(SynchronousTestCase):
    """Without sockets."""

    def setUp(self) -> None:
        self.upstream, self.telemetry, self.clock = _Upstream(), Telemetry(), Clock()

    def _collector(self, **limits: int) -> Collector:
        upstream: Any = self.upstream
        return Collector(self.clock, Limits(**limits), upstream, self.telemetry)

    def _forward(self, host: str = "a.example") -> Forward:
        request = Connect(WebOrigin("https", host, 443), Transport(), b"POST", b"/s3cret", ())
        return Forward(request, b"s3cret")

    def _outcomes(self) -> dict[str, float]:
        return {
            outcome: self.telemetry.value("gateway_reports_forwarded_total", outcome=outcome)
            for outcome in ("sent", "refused", "failed", "dropped")
        }

    def test_ring(self) -> None:
        """So many different ones, the latest first; the same one is one line."""
        collector = self._collector(report_ring=2)
        for page in "abcb":
            collector.take(Reported(Layer.SITE, Seen("coep", page=page)))
        shown = [(one["page"], one["count"]) for one in collector.shown()]
        self.assertEqual(shown, [("b", 2), ("c", 1)])
        self.assertEqual(
            self.telemetry.value("gateway_reports_total", layer="site", kind="coep"), 4
        )

    def test_leaks_bounded(self) -> None:
        """What there is no room for is a bound that was reached."""
        collector = self._collector(leak_sites=1)
        for site in ("a", "b", "b"):
            seen = Seen("csp-violation", "img-src")
            collector.take(Reported(Layer.CONTAINMENT, seen, site=site, foreign="x.test"))
        collector.take(Reported(Layer.OPERATOR, seen, site="c", foreign="x.test"))
        collector.take(Reported(Layer.CONTAINMENT, seen, site="c"))
        self.assertEqual(collector.leaks.counts(), {"b": 2, "(others)": 1})
        reached = self.telemetry.value("gateway_limit_reached_total", limit="leak-sites")
        self.assertEqual(reached, 1)

    def test_rate_of_one_endpoint(self) -> None:
        """One origin's endpoints do not take another's share."""
        collector = self._collector(report_forward_rate=2)
        for host in ("a.example",) * 4 + ("b.example",):
            collector.forward(self._forward(host))
        self.assertEqual((len(self.upstream.asked), self._outcomes()["dropped"]), (3, 2))

    def test_other_bounds(self) -> None:
        """From then on; what is kept stays until it does not fit."""
        collector = self._collector(report_ring=3, report_rate=1)
        for page in "abc":
            collector.take(Reported(Layer.SITE, Seen("coep", page=page)))
        self.assertEqual([collector.may_report("c") for _ in range(2)], [True, False])
        collector.use(Limits(report_ring=2, report_rate=5), self.upstream)
        self.assertTrue(collector.may_report("c"))
        self.assertEqual(len(collector.shown()), 3)
        collector.take(Reported(Layer.SITE, Seen("coep", page="d")))
        self.assertEqual([one["page"] for one in collector.shown()], ["d", "c"])

    def test_outcomes(self) -> None:
        """Each is counted; a place is free again afterwards; nobody is told of a failure."""
        collector = self._collector()
        for _ in range(AT_ONCE + 3):
            collector.forward(self._forward())
        self.assertEqual(len(self.upstream.asked), AT_ONCE)
        for asked, answer in zip(
            self.upstream.asked[:3], (200, 404, UpstreamFault("gone")), strict=True
        ):
            if isinstance(answer, int):
                asked.callback(_Response(UpstreamHead(answer, b"", ())))
            else:
                asked.errback(answer)
        self.clock.advance(0)
        self.assertEqual(len(self.upstream.asked), AT_ONCE + 3)
        self.assertEqual(self._outcomes(), {"sent": 1, "refused": 1, "failed": 1, "dropped": 0})

    def test_stop(self) -> None:
        """What waits is forgotten, what runs is cancelled."""
        collector = self._collector()
        for _ in range(AT_ONCE + 3):
            collector.forward(self._forward())
        collector.stop()
        self.clock.advance(1)
        self.assertEqual(len(self.upstream.asked), AT_ONCE)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_shown_nowhere(self) -> None:
        """Neither target nor body is in a repr."""
        self.assertNotIn("s3cret", repr(self._forward()))
