"""Requests to origins on loopback: octets, pool, bounds, times, and what faults are called."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import (
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
)
from twisted.internet.error import (
    TimeoutError as ConnectTimeout,
)
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web._newclient import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived
from twisted.web.client import FileBodyProducer, PotentialDataLoss, ResponseDone

from gateway import events
from gateway.errors import GatewayError, TransportRefused, UpstreamFault, UpstreamTimeout
from gateway.exchange.messages import Connect
from gateway.net.peer import CertificateRefused, Contexts
from gateway.net.settings import HostEntry, Limits, Settings
from gateway.net.upstream import Overloaded, Upstream, describe, ended_well
from gateway.origins import parse_origin
from gateway.policy.steps import Step
from gateway.policy.transport import TlsPolicy, Transport
from tests.net.harness import GatewayCase, Names, Remembering, ca, origin_tls
from tests.net.raw import Origin, reply, until

PLAIN = "http://plain.site.example"
HOST = (b"Host", b"plain.site.example")


class Body(Protocol):
    """Collects a body; ``ended`` is why it ended."""

    def __init__(self) -> None:
        self.data = b""
        self.ended: Any = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = reason


class UpstreamCase(GatewayCase):
    """Origins without a gateway before them."""

    async def upstream(self, origins: dict[str, Origin], **limits: float) -> Upstream:
        """An upstream whose host table leads to these origins."""
        from twisted.internet import reactor

        hosts = []
        for text, factory in origins.items():
            origin = parse_origin(text)
            port = await self.listen(factory)
            hosts.append(HostEntry(origin.host, "127.0.0.1", origin.port, port))
        settings = Settings(Limits(**limits), tuple(hosts))
        contexts = Contexts(system=False, files=[ca().certificate_file.read_bytes()])
        self.telemetry = Remembering()
        made = Upstream(reactor, reactor, settings, contexts, self.telemetry)
        self.addCleanup(lambda: Deferred.fromCoroutine(made.stop()))
        return made

    def ask(
        self, upstream: Upstream, target: bytes = b"/", body: Any = None, to: str = PLAIN
    ) -> Deferred[Any]:
        """Send a request."""
        method = b"GET" if body is None else b"POST"
        origin = parse_origin(to)
        fields = ((b"Host", origin.netloc.encode()),)
        connect = Connect(origin, Transport(allow_insecure_http=True), method, target, fields)
        return Deferred.fromCoroutine(upstream.request(connect, body))

    async def read(self, response: Any) -> bytes:
        """Read a response's body to its end."""
        body = Body()
        response.deliver(body)
        await until(lambda: body.ended)
        assert ended_well(body.ended), body.ended
        return body.data


class RequestTests(UpstreamCase):
    """What goes out and what comes back."""

    async def test_octets(self) -> None:
        """The request is what was asked, nothing added but framing; the head is a value."""
        origin = Origin(reply(b"body", b"X-A: 1", b"X-A: 2", status=b"299 Odd One"))
        upstream = await self.upstream({PLAIN: origin})
        response = await self.ask(upstream, b"//x?%zz;")
        head = response.head
        self.assertEqual((head.status, head.reason, head.length), (299, b"Odd One", 4))
        self.assertEqual([value for name, value in head.fields if name == b"X-A"], [b"1", b"2"])
        self.assertEqual(await self.read(response), b"body")
        seen = origin.requests[0]
        self.assertEqual(seen.line, b"GET //x?%zz; HTTP/1.1")
        self.assertEqual(set(seen.fields) - {(b"Connection", b"keep-alive")}, {HOST})

    async def test_body(self) -> None:
        """A body goes out with its length."""
        origin = Origin(reply(b""))
        upstream = await self.upstream({PLAIN: origin})
        await self.read(await self.ask(upstream, body=FileBodyProducer(BytesIO(b"x" * 100_000))))
        seen = origin.requests[0]
        self.assertEqual((seen.get(b"content-length"), seen.body), (b"100000", b"x" * 100_000))

    async def test_lengths(self) -> None:
        """Chunked and closed bodies have none beforehand; a HEAD-less 204 has 0."""
        answers = {
            b"/c": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
            b"/e": (reply(b"x", length=False), None),
            b"/l": (reply(b"abc"), 3),
            b"/n": (b"HTTP/1.1 204 No\r\n\r\n", 0),
        }
        upstream = await self.upstream({PLAIN: Origin(lambda seen: answers[seen.target][0])})
        for target, (_, length) in answers.items():
            response = await self.ask(upstream, target)
            self.assertEqual(response.head.length, length, target)
            await self.read(response)

    async def test_informational(self) -> None:
        """1xx responses are not the response."""
        early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        upstream = await self.upstream({PLAIN: Origin(early + reply(b"x"))})
        response = await self.ask(upstream)
        self.assertEqual((response.head.status, await self.read(response)), (200, b"x"))


class PoolTests(UpstreamCase):
    """Connections and places."""

    async def test_reuse(self) -> None:
        """One connection serves one request after the other, never two origins."""
        one, two = Origin(reply(b"1")), Origin(reply(b"2"))
        other = "http://other.site.example"
        upstream = await self.upstream({PLAIN: one, other: two})
        for _ in range(3):
            self.assertEqual(await self.read(await self.ask(upstream)), b"1")
            self.assertEqual(await self.read(await self.ask(upstream, to=other)), b"2")
        self.assertEqual((len(one.connections), len(two.connections)), (1, 1))

    async def test_died_while_idle(self) -> None:
        """A request on a connection that the origin had closed is sent again, if it is safe."""
        origin = Origin(reply(b"x"))
        upstream = await self.upstream({PLAIN: origin})
        await self.read(await self.ask(upstream))
        origin.connections[0].transport.loseConnection()
        self.assertEqual(await self.read(await self.ask(upstream)), b"x")
        self.assertEqual(len(origin.connections), 2)

    async def test_idle_bound(self) -> None:
        """No more idle connections are kept than the bound says."""
        origin = Origin(lambda _: None)
        upstream = await self.upstream({PLAIN: origin}, upstream_idle_connections=2)
        asked = [self.ask(upstream) for _ in range(5)]
        await until(lambda: len(origin.requests) == 5)
        for seen in origin.requests:
            seen.connection.write(reply(b""))
        for one in asked:
            await self.read(await one)
        await until(lambda: sum(not one.ended for one in origin.connections) == 2)

    async def test_follow(self) -> None:
        """After a reload no connection of before serves anything; who waits, waits on."""
        origin = Origin(lambda seen: reply(b"x") if seen.target != b"/later" else None)
        old = await self.upstream({PLAIN: origin}, upstream_requests_per_origin=2)
        running = self.ask(old, b"/later")
        await until(lambda: origin.requests)  # so that it has the first connection
        await self.read(await self.ask(old))
        busy, idle = origin.connections
        new = await self.upstream({PLAIN: origin}, upstream_requests_per_origin=2)
        new._settings = old._settings  # the same origin
        new.follow(old)
        await until(lambda: idle.ended)
        self.assertEqual(await self.read(await self.ask(new)), b"x")
        self.assertEqual(len(origin.connections), 3)
        second = self.ask(new, b"/later")
        await until(lambda: len(origin.requests) == 4)
        third = self.ask(new)
        # It waits: one of before has the other place.
        (place,) = new._places_by_origin.values()
        self.assertEqual((place.tokens, len(place.waiting), len(origin.requests)), (0, 1, 4))
        busy.write(reply(b"old"))
        self.assertEqual(await self.read(await running), b"old")
        self.assertEqual(await self.read(await third), b"x")
        await until(lambda: busy.ended)
        origin.requests[3].connection.write(reply(b"new"))
        self.assertEqual(await self.read(await second), b"new")

    async def test_follow_other_bounds(self) -> None:
        """Other bounds count anew."""
        origin = Origin(lambda seen: reply(b"x") if seen.target != b"/later" else None)
        old = await self.upstream({PLAIN: origin}, upstream_requests=1)
        running = self.ask(old, b"/later")
        await until(lambda: origin.requests)
        new = await self.upstream({PLAIN: origin}, upstream_requests=2)
        new.follow(old)
        self.assertEqual(await self.read(await self.ask(new)), b"x")
        origin.requests[0].connection.write(reply(b"old"))
        self.assertEqual(await self.read(await running), b"old")

    async def test_places(self) -> None:
        """A place is taken until the body's end or until it is dropped; then waiters go on."""
        for limit in ("upstream_requests", "upstream_requests_per_origin"):
            origin = Origin(reply(b"x"))
            upstream = await self.upstream({PLAIN: origin}, **{limit: 1})
            first = await self.ask(upstream)
            second = self.ask(upstream)
            await until(lambda: origin.requests)
            self.assertFalse(second.called)
            self.assertEqual(await self.read(first), b"x")
            response = await second
            third = self.ask(upstream)
            self.assertFalse(third.called)
            response.discard()
            response.discard()
            self.assertEqual(await self.read(await third), b"x")
            self.assertEqual(upstream._places_by_origin, {})

    async def test_overload(self) -> None:
        """Who waits too long for a place gets 503, and the place is not lost by that."""
        for limit in ("upstream_requests", "upstream_requests_per_origin"):
            upstream = await self.upstream(
                {PLAIN: Origin(lambda _: None)}, upstream_wait_seconds=0.1, **{limit: 1}
            )
            first = self.ask(upstream)
            error = await self.assertFailure(self.ask(upstream), Overloaded)
            self.assertEqual(error.status, 503)
            name = "gateway_limit_reached_total"
            self.assertEqual(self.telemetry.value(name, limit=limit.replace("_", "-")), 1)
            first.cancel()
            await self.assertFailure(first, CancelledError)
            self.assertEqual(upstream._places_by_origin, {})

    async def test_another_origin_has_its_own_places(self) -> None:
        """An origin that is full does not stop others."""
        other = "http://other.site.example"
        upstream = await self.upstream(
            {PLAIN: Origin(reply(b"1")), other: Origin(reply(b"2"))}, upstream_requests_per_origin=1
        )
        held = await self.ask(upstream)
        self.assertEqual(await self.read(await self.ask(upstream, to=other)), b"2")
        held.discard()

    async def test_waiter_leaves(self) -> None:
        """Cancelling while waiting for a place is a cancellation, and leaves the place alone."""
        for limit in ("upstream_requests", "upstream_requests_per_origin"):
            upstream = await self.upstream({PLAIN: Origin(lambda _: None)}, **{limit: 1})
            held = self.ask(upstream)
            waiting = self.ask(upstream)
            for asked in (waiting, held):
                asked.cancel()
                await self.assertFailure(asked, CancelledError)
            self.assertEqual(upstream._places_by_origin, {})

    async def test_a_stream_holds_no_place(self) -> None:
        """A response that is under way does not keep others from the origin."""
        begun = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n"
        upstream = await self.upstream(
            {PLAIN: Origin(lambda _: begun)}, upstream_wait_seconds=0.1, upstream_requests=1
        )
        streams = [await self.ask(upstream) for _ in range(3)]
        for stream in streams:
            stream.discard()


class FaultTests(UpstreamCase):
    """Origins that do not do what they should."""

    async def check(self, origin: Origin, error: type[GatewayError], **limits: float) -> Any:
        """A request fails so, its connection ends and its place is free."""
        upstream = await self.upstream({PLAIN: origin}, upstream_requests=1, **limits)
        found = await self.assertFailure(self.ask(upstream), error)
        self.assertEqual(upstream._places.tokens, 1)
        await until(lambda: all(one.ended for one in origin.connections))
        return found

    async def test_silent(self) -> None:
        """An origin that says nothing, or not enough, is a timeout."""
        for data in (None, b"HTTP/1.1 200 OK\r\nX:"):
            error = await self.check(
                Origin(lambda _: data), UpstreamTimeout, upstream_first_byte_seconds=0.2
            )
            self.assertEqual(error.status, 504)

    async def test_large_head(self) -> None:
        """A response's head is bounded: one line, many lines, and one that never ends."""
        line = b"X: " + b"x" * 1000 + b"\r\n"
        for data in (
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + line * 300 + b"\r\n",
            b"HTTP/1.1 200 OK\r\n" + line * 300,
            b"HTTP/1.1 " + b"x" * 500_000,
        ):
            await self.check(Origin(data), UpstreamFault, response_header_bytes=10_000)

    async def test_large_head_passes(self) -> None:
        """Within the bound it passes."""
        origin = Origin(reply(b"x", b"X: " + b"x" * 100_000))
        upstream = await self.upstream({PLAIN: origin})
        response = await self.ask(upstream)
        self.assertEqual(await self.read(response), b"x")

    async def test_nonsense(self) -> None:
        """What is no HTTP, or no whole head, is a fault."""
        for data in (
            b"nonsense\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nConnection: close\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ):
            await self.check(Origin(data), UpstreamFault)

    async def test_refused(self) -> None:
        """Nobody listens."""
        from twisted.internet import reactor

        settings = Settings(Limits(), (HostEntry("plain.site.example", "127.0.0.1", None, 1),))
        contexts = Contexts(system=False, files=[])
        upstream = Upstream(reactor, reactor, settings, contexts, Remembering())
        error = await self.assertFailure(self.ask(upstream), UpstreamFault)
        self.assertEqual(error.detail, f"{PLAIN}: ConnectionRefusedError")

    async def test_cancel(self) -> None:
        """Whoever leaves takes the connection along, and is told nothing but that."""
        origin = Origin(lambda _: None)
        upstream = await self.upstream({PLAIN: origin}, upstream_requests=1)
        asked = self.ask(upstream)
        await until(lambda: origin.requests)
        asked.cancel()
        await self.assertFailure(asked, CancelledError)
        await until(lambda: origin.connections[0].ended)
        self.assertEqual(upstream._places.tokens, 1)

    async def test_dropped_body(self) -> None:
        """A body that nobody wants is not read to its end."""
        origin = Origin(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
        upstream = await self.upstream({PLAIN: origin}, upstream_requests=1)
        (await self.ask(upstream)).discard()
        await until(lambda: origin.connections[0].ended)
        self.assertEqual(upstream._places.tokens, 1)


class EndpointTests(UpstreamCase):
    """Which context a connection gets."""

    async def test_pools_are_apart(self) -> None:
        """Two TLS policies of one origin never share a connection."""
        upstream = await self.upstream({})
        keys = []
        upstream._pool.getConnection = lambda key, _: keys.append(key) or Deferred()
        origin = parse_origin("https://a.example")
        for tls in (TlsPolicy(), TlsPolicy("1.3")):
            connect = Connect(origin, Transport(tls=tls), b"GET", b"/", ())
            asked = Deferred.fromCoroutine(upstream.request(connect, None))
            asked.addErrback(lambda _: None)
            asked.cancel()
        self.assertEqual(len(set(keys)), 2)

    async def test_odd_names(self) -> None:
        """Whatever a URL's host may be made of is looked up, connected to and verified."""
        from twisted.internet import reactor

        hosts = ("r3---sn-abc.googlevideo.example", "my_site.example", "xn--i-7iq.example")
        served = Origin(reply(b"x"))
        port = await self.listen(served, origin_tls(*hosts))
        upstream = await self.upstream({})
        names = Names(reactor, {host: ["127.0.0.1"] for host in hosts})
        upstream._connect_reactor = names
        for host in hosts:
            response = await self.ask(upstream, to=f"https://{host}:{port}")
            self.assertEqual(await self.read(response), b"x", host)
        self.assertEqual(names.asked, list(hosts))
        for host in ("a$b.example", f"{'a' * 64}.example", "a..example"):
            for scheme in ("http", "https"):
                with self.assertRaises(UpstreamFault, msg=host):
                    await self.ask(upstream, to=f"{scheme}://{host}:{port}")
        self.assertEqual(names.asked, list(hosts))


class DescribeTests(SynchronousTestCase):
    """The words of faults."""

    timeout = 20

    def test_words(self) -> None:
        """Each cause has its error and words; a closed address has those of no address."""
        origin = parse_origin("https://a.example")
        tls = SSL.Error([("SSL routines", "", "certificate verify failed")])
        for error, kind, words in (
            (ConnectTimeout(), UpstreamTimeout, "connecting took too long"),
            (DNSLookupError("10.0.0.1 secret"), UpstreamFault, "no address to connect to"),
            (VerificationError([]), TransportRefused, "the certificate is for another name"),
            (CertificateRefused("it expired", ""), TransportRefused, "it expired"),
            (tls, UpstreamFault, "TLS: SSL routines; certificate verify failed"),
            (SSL.Error(), UpstreamFault, "TLS: connection closed"),
            (ConnectionRefusedError("x"), UpstreamFault, "ConnectionRefusedError"),
            (ConnectionLost("x"), UpstreamFault, "ConnectionLost"),
            (ZeroDivisionError("x"), UpstreamFault, "ZeroDivisionError"),
        ):
            for wrap in (ResponseNeverReceived, ResponseFailed, RequestTransmissionFailed, None):
                wrapped = error if wrap is None else wrap([Failure(error)])
                found = describe(origin, wrapped, Transport())
                self.assertIs(type(found), kind)
                self.assertEqual(found.detail, f"https://a.example: {words}")

    def test_rules(self) -> None:
        """A refusal bears the step, and the rule that spoke about what is wrong, or none."""
        origin = parse_origin("https://a.example")
        excepted = Transport(
            said=(("minimum-tls", "g.toml:3"), ("certificate-strength", "g.toml:7"))
        )
        old = SSL.Error([("SSL routines", "", "tlsv1 alert protocol version")])
        for error, default, rule in (
            (CertificateRefused("x", "certificate-strength"),
             "certificate-strength: the default", "certificate-strength: access g.toml:7"),
            (CertificateRefused("x", "trust"), "trust: the default", "trust: the default"),
            (CertificateRefused("x", ""), "chain verification: no exception",
             "chain verification: no exception"),
            (VerificationError([]), "service identity: no exception",
             "service identity: no exception"),
            (old, "minimum-tls: the default; forward-secrecy: the default",
             "minimum-tls: access g.toml:3; forward-secrecy: the default"),
        ):  # fmt: skip
            for transport, expected in ((Transport(), default), (excepted, rule)):
                found = describe(origin, error, transport)
                self.assertIsInstance(found, TransportRefused)
                self.assertEqual((found.step, found.rule), (Step.TRANSPORT, expected))
                self.assertEqual(found.event, events.TRANSPORT_DENIED)
                self.assertEqual((found.status, found.title), (502, UpstreamFault.title))

    def test_own_faults_stay(self) -> None:
        """One of ours inside is what comes out."""
        fault = UpstreamFault("ours")
        wrapped = ResponseNeverReceived([Failure(fault)])
        self.assertIs(describe(parse_origin(PLAIN), wrapped, Transport()), fault)

    def test_endings(self) -> None:
        """Whole, whole as far as anybody can tell, and not whole."""
        for error, well in ((ResponseDone(), True), (PotentialDataLoss(), True),
                            (ResponseFailed([]), False), (ConnectionLost(), False)):  # fmt: skip
            self.assertEqual(ended_well(Failure(error)), well)
