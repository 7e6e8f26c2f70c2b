"""The admin listener: health, readiness, metrics, the operator's page."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gateway import __version__, events
from gateway.ops.admin import Admin, exposed
from gateway.ops.metrics import Telemetry
from tests.ops import Reply, connect, fetch, request_text

NASTY = '<script>alert("1")</script>&\'$facts'


class AdminTests(TestCase):
    """The site on a free port of loopback."""

    timeout = 60

    def setUp(self) -> None:
        """Listen."""
        self.telemetry = Telemetry()
        self.why: Deferred[str | None] = succeed(None)
        self.facts = {"domain": "gw.test"}
        self.reports: list[dict[str, Any]] = []
        self.leaks: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []

        def explain(asked: dict[str, str]) -> list[str]:
            self.asked.append(asked)
            return ["it is <closed>", "by step 7"]

        admin = Admin(
            self.telemetry,
            lambda: self.why,
            lambda: self.facts,
            lambda: self.reports,
            explain,
            lambda: self.leaks,
        )
        self.port = reactor.listenTCP(0, admin.site(reactor), interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    async def _get(self, target: str, method: str = "GET") -> Reply:
        return await fetch(self.port.getHost().port, target, method=method)

    async def test_rebinding(self) -> None:
        """A loopback listener answers to addresses and localhost, not to a name rebound to it."""
        port = self.port.getHost().port
        for host, status in (("localhost", 200), ("127.0.0.1", 200), ("evil.example", 421)):
            self.assertEqual((await fetch(port, "/metrics", host)).status, status, host)

    async def test_rebinding_of_both_families(self) -> None:
        """Loopback is loopback, too, where an IPv6 listener is asked over IPv4."""
        site = self.port.factory
        both = reactor.listenTCP(0, site, interface="::ffff:127.0.0.1")
        self.addCleanup(both.stopListening)
        port = both.getHost().port
        for host, status in (("localhost", 200), ("127.0.0.1", 200), ("evil.example", 421)):
            self.assertEqual((await fetch(port, "/metrics", host)).status, status, host)

    async def test_explain(self) -> None:
        """The question is filled in again, the answer shown; nothing is asked without a URL."""
        reply = await self._get("/")
        self.assertNotIn(b"<pre>", reply.body)
        self.assertEqual(self.asked, [])
        url = "https%3A%2F%2Fa.example%2F%22%3E%3Cb%3E"
        reply = await self._get(f"/?url={url}&as=access&from=https://b.example&client=&address=")
        (asked,) = self.asked
        self.assertEqual(asked["url"], 'https://a.example/"><b>')
        self.assertEqual((asked["as"], asked["from"]), ("access", "https://b.example"))
        self.assertIn(b"<pre>it is &lt;closed&gt;\nby step 7</pre>", reply.body)
        self.assertIn(b'value="https://a.example/&quot;&gt;&lt;b&gt;"', reply.body)
        self.assertIn(b"<option selected>access</option>", reply.body)
        self.assertEqual((await self._get("/?url=%ff%ed%a0%80")).status, 200)

    async def test_health(self) -> None:
        """The process answers."""
        reply = await self._get("/healthz")
        self.assertEqual((reply.status, reply.body), (200, b"ok\n"))

    async def test_ready(self) -> None:
        """Ready is 200."""
        reply = await self._get("/readyz")
        self.assertEqual((reply.status, reply.body), (200, b"ready\n"))
        self.assertEqual(reply.get("cache-control"), "no-store")

    async def test_not_ready(self) -> None:
        """Not ready is 503 with the reason."""
        self.why = succeed("stopping")
        reply = await self._get("/readyz")
        self.assertEqual((reply.status, reply.body), (503, b"stopping\n"))

    async def test_failing(self) -> None:
        """A check that fails is 503, and its text stays inside."""
        self.why = fail(ValueError("s3cr3t"))
        reply = await self._get("/readyz")
        self.assertEqual((reply.status, reply.body), (503, b"ValueError\n"))

    async def test_impatient(self) -> None:
        """A probe that leaves before the answer harms nothing."""
        self.why = Deferred()
        conversation = await connect(self.port.getHost().port)
        conversation.send(request_text("localhost", "/readyz"))
        self.why.addCallback(lambda value: value)
        other = await self._get("/healthz")
        self.assertEqual(other.status, 200)
        conversation.transport.abortConnection()
        await conversation.over
        await self._get("/healthz")
        self.why.callback(None)
        self.why = succeed(None)
        self.assertEqual((await self._get("/readyz")).status, 200)

    async def test_metrics(self) -> None:
        """Prometheus' text, with what was counted."""
        self.telemetry.event(events.SSRF_DENIED)
        reply = await self._get("/metrics")
        self.assertEqual(reply.status, 200)
        self.assertTrue(reply.get("content-type").startswith("text/plain"))
        self.assertIn(b'gateway_events_total{code="ssrf.denied"} 1.0', reply.body)

    async def test_page(self) -> None:
        """Facts and refusals are shown, under a policy that lets no script run."""
        self.telemetry.event(events.SSRF_DENIED, detail="because", host="a.example", rule="r:1")
        reply = await self._get("/")
        self.assertEqual(reply.status, 200)
        for text in ("gw.test", "ssrf.denied", "because", "a.example", "r:1", __version__):
            self.assertIn(text.encode(), reply.body)
        policy = reply.get("content-security-policy")
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("script-src", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertEqual(reply.get("x-content-type-options"), "nosniff")

    async def test_page_escapes(self) -> None:
        """What a peer said is text on the page, never markup or a template's place."""
        self.facts = {NASTY: NASTY, "domain": "FACT"}
        fields = dict.fromkeys(("host", "client", "rule", "request"), NASTY)
        self.telemetry.event(events.HOST_UNKNOWN, detail=NASTY, **fields)
        reply = await self._get("/")
        self.assertNotIn(b"<script", reply.body)
        escaped = b"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#x27;$facts"
        self.assertEqual(reply.body.count(escaped), 7)
        self.assertEqual(reply.body.count(b"FACT"), 1)

    async def test_page_half_a_character(self) -> None:
        """A lone surrogate, which JSON can say and UTF-8 cannot, does not take the page down."""
        self.telemetry.event(events.DESTINATION_DENIED, detail="half \ud800")
        reply = await self._get("/")
        self.assertEqual(reply.status, 200)
        self.assertIn(b"half ?", reply.body)

    async def test_page_empty(self) -> None:
        """Without refusals or reports it says so."""
        page = (await self._get("/")).body
        self.assertIn(b"Nothing was refused", page)
        self.assertIn(b"No browser reported anything", page)
        self.assertIn(b"No page tried", page)
        self.assertEqual((await self._get("/reports")).body, b'{"reports": []}')
        self.assertEqual((await self._get("/leaks")).body, b'{"leaks": []}')

    async def test_reports(self) -> None:
        """What browsers sent is text on the page, and JSON as it is."""
        texts = ("layer", "kind", "directive", "disposition", "page", "blocked", "source", "sample")
        self.reports = [
            dict.fromkeys(texts, NASTY) | {"line": 7, "told": True, "count": 3, "last": 0}
        ]
        page = (await self._get("/")).body
        self.assertNotIn(b"<script", page)
        self.assertEqual(page.count(b"&lt;script&gt;"), 6)
        for text in (b"<td>1970-01-01T00:00:00Z</td><td>3</td>", b"$facts:7 ", b"<td>yes</td>"):
            self.assertIn(text, page)
        reply = await self._get("/reports")
        self.assertEqual(reply.get("content-type"), "application/json")
        self.assertEqual(reply.get("x-content-type-options"), "nosniff")
        self.assertEqual(json.loads(reply.body), {"reports": self.reports})

    async def test_leaks(self) -> None:
        """By site; what browsers wrote is text."""
        self.leaks = [
            {
                "site": "https://a.test",
                "count": 3,
                "last": 0,
                "directives": {"img-src": 2, "other": 1},
                "hosts": {NASTY: 3},
            }
        ]
        page = (await self._get("/")).body
        self.assertNotIn(b"<script", page)
        self.assertIn(
            b"<td>https://a.test</td><td>3</td><td>1970-01-01T00:00:00Z</td>"
            b"<td>img-src (2), other (1)</td><td>&lt;script&gt;",
            page,
        )
        reply = await self._get("/leaks")
        self.assertEqual(reply.get("content-type"), "application/json")
        self.assertEqual(json.loads(reply.body), {"leaks": self.leaks})

    async def test_elsewhere(self) -> None:
        """Other paths are not found, other methods not allowed."""
        for target in ("/nothing", "/healthzz", "/index.html"):
            self.assertEqual((await self._get(target)).status, 404, target)
        for target in ("/", "/readyz", "/metrics", "/reports", "/leaks"):
            self.assertEqual((await self._get(target, "POST")).status, 405, target)


class ExposedTests(SynchronousTestCase):
    """Which listeners others can reach, by where they listen."""

    def test_table(self) -> None:
        """Loopback of both families and Unix sockets are nobody else's, whatever is written."""
        table = [
            (IPv4Address("TCP", "127.0.0.1", 1), False),
            (IPv4Address("TCP", "127.9.9.9", 1), False),
            (IPv6Address("TCP", "::1", 1), False),
            (IPv6Address("TCP", "::ffff:127.0.0.1", 1), False),
            (UNIXAddress("/run/admin"), False),
            (IPv4Address("TCP", "0.0.0.0", 1), True),
            (IPv4Address("TCP", "10.127.0.0", 1), True),
            (IPv6Address("TCP", "::", 1), True),
            (IPv6Address("TCP", "2001:db8::1", 1), True),
            (IPv6Address("TCP", "fe80::1%eth0", 1), True),
        ]
        for address, wanted in table:
            port = SimpleNamespace(getHost=lambda address=address: address)
            told = ["admin.listen: 'tcp:1' has no authentication"] if wanted else []
            self.assertEqual(exposed(["tcp:1"], [port]), told, address)
