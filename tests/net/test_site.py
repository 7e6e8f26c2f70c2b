"""Channels on a string transport and a clock: limits, times, drain; some on real sockets."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import BodyTooLarge
from gateway.net.settings import Limits
from gateway.net.site import Site
from tests.net.harness import SHOP, GatewayCase, Remembering, request
from tests.net.raw import Origin, reply, until

PEER = IPv4Address("TCP", "192.0.2.7", 5555)


class Transport(StringTransport):
    """Loses its connection in the reactor's next turn after it is told to."""

    aborted = False

    def loseConnection(self) -> None:
        super().loseConnection()
        self.clock.callLater(0, self.lose)

    def abortConnection(self) -> None:
        self.aborted = True
        self.clock.callLater(0, self.lose)

    def lose(self) -> None:
        """The connection is lost, once."""
        channel, self.channel = self.channel, None
        if channel is not None:
            channel.connectionLost(Failure(ConnectionDone()))


class ChannelCase(SynchronousTestCase):
    """A site whose handler keeps its clients."""

    timeout = 20

    def make(self, **limits: float) -> None:
        """A site with these limits."""
        self.clock, self.telemetry = Clock(), Remembering()
        self.clients: list[Any] = []
        self.cancelled = 0
        self.site = Site(self.clock, Limits(**limits), self.telemetry, self.handle)  # type: ignore[arg-type]

    async def handle(self, client: Any) -> None:
        """Keep the client until the test is done with it."""
        client.done = Deferred()
        self.clients.append(client)
        try:
            await client.done
        except BaseException:
            self.cancelled += 1
            raise

    def open(self, peer: IPv4Address = PEER) -> Transport:
        """A connection; ``channel`` on it is None when it is over."""
        transport = Transport(peerAddress=peer)
        transport.clock = self.clock
        transport.channel = self.site.buildProtocol(peer)
        transport.channel.makeConnection(transport)
        self.clock.advance(0)
        self.clock.advance(0)
        return transport

    def send(self, data: bytes, **limits: float) -> Transport:
        """A connection of a new site that received ``data``."""
        self.make(**limits)
        transport = self.open()
        self.feed(transport, data)
        return transport

    def feed(self, transport: Transport, data: bytes, size: int = 10_000) -> None:
        """Give octets as a network would, in pieces, as long as the connection is open."""
        for start in range(0, len(data), size):
            if transport.channel is not None:
                transport.channel.dataReceived(data[start : start + size])
                self.clock.advance(0)

    def answer(self, client: Any, status: int = 200) -> None:
        """Answer a kept client."""
        client.start(status, b"", ((b"Content-Length", b"2"),))
        client.write(b"ok")
        client.finish()
        client.done.callback(None)
        self.clock.advance(0)

    def check_refused(self, transport: Transport, status: int, *limits: str) -> None:
        """Answered once, closed, counted; no request got through and no timer is left."""
        self.clock.advance(0)
        self.assertEqual(transport.value().split(b" ")[1], b"%d" % status)
        self.assertEqual(transport.value().count(b"HTTP/1.1"), 1)
        self.assertIn(b"Connection: close\r\n", transport.value())
        self.assertIsNone(transport.channel)
        self.assertEqual(self.clients, [])
        self.assertEqual(self.telemetry.limits(), list(limits))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        name = "gateway_http_requests_total"
        self.assertEqual(self.telemetry.value(name, kind="none", status=str(status)), 1)


HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\n"


class LimitTests(ChannelCase):
    """Bounds in octets."""

    def test_head(self) -> None:
        """The head becomes a value: order and octets of fields, target and client kept."""
        transport = self.send(
            b"PUT //a?%zz HTTP/1.1\r\nhost: A.example\r\nX-A:  1 \r\nX-a: 2\r\n\r\n"
        )
        (client,) = self.clients
        head = client.head
        self.assertEqual(
            (head.method, head.target, head.version), (b"PUT", b"//a?%zz", b"HTTP/1.1")
        )
        self.assertEqual((head.host, head.client, head.has_body), ("A.example", "192.0.2.7", False))
        self.assertEqual(
            [value for name, value in head.fields if name.lower() == b"x-a"], [b"1", b"2"]
        )
        self.answer(client)
        self.assertTrue(transport.value().endswith(b"\r\n\r\nok"))

    def test_hosts(self) -> None:
        """Several Host fields, or none, are no host at all."""
        for fields in (b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nhost: a\r\n"):
            self.send(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
            self.assertEqual(self.clients[0].head.host, "", fields)

    def test_large_head_passes(self) -> None:
        """30 KB of cookies in one line, and 60 KB in several."""
        for lines in (
            b"Cookie: " + b"c" * 30_000 + b"\r\n",
            (b"Cookie: " + b"c" * 6000 + b"\r\n") * 10,
        ):
            self.send(HEAD + lines + b"\r\n")
            self.assertEqual(len(self.clients), 1)

    def test_head_too_large(self) -> None:
        """One line, one that never ends, the target, or all together: 431 beyond the bound."""
        large = b"x" * 65_536
        for data in (
            HEAD + b"X: " + large + b"\r\n\r\n",
            HEAD + b"X: " + large * 20,
            large * 20,
            b"GET /" + large + b" HTTP/1.1\r\n",
            HEAD + (b"X: " + b"x" * 1000 + b"\r\n") * 66,
            HEAD + b"X: a\r\n" + b" continued" * 10 + b"\r\n" + (b" " + b"x" * 1000 + b"\r\n") * 66,
        ):
            self.check_refused(self.send(data), 431, "header-bytes")

    def test_exact_bound(self) -> None:
        """Exactly as many octets as the bound pass, one more does not."""
        line, host = b"GET / HTTP/1.1", b"Host: a"
        for extra, passes in ((0, True), (1, False)):
            filler = b"X: " + b"x" * (1000 - len(line) - len(host) - 3 + extra)
            transport = self.send(b"\r\n".join((line, host, filler, b"", b"")), header_bytes=1000)
            self.assertEqual(bool(self.clients), passes)
            if not passes:
                self.check_refused(transport, 431, "header-bytes")

    def test_too_many_fields(self) -> None:
        """431 beyond the bound."""
        transport = self.send(HEAD + b"X: 1\r\n" * 12 + b"\r\n", header_count=10)
        self.check_refused(transport, 431, "header-count")
        self.send(HEAD + b"X: 1\r\n" * 8 + b"\r\n", header_count=10)
        self.assertEqual(len(self.clients), 1)

    def test_the_count_starts_anew(self) -> None:
        """Each request of a connection has the whole bound."""
        data = HEAD + (b"X: " + b"x" * 100 + b"\r\n") * 8 + b"\r\n"
        transport = self.send(data, header_bytes=1000)
        for index in range(5):
            self.answer(self.clients[index])
            self.feed(transport, data)
        self.assertEqual(len(self.clients), 6)

    def test_declared_body(self) -> None:
        """413 before any of it is read, and no 100-continue before it."""
        head = HEAD + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n"
        self.check_refused(self.send(head, request_body_bytes=1000), 413, "request-body-bytes")
        transport = self.send(head + b"x" * 1001, request_body_bytes=1000)
        self.check_refused(transport, 413, "request-body-bytes")

    def test_body_at_the_bound(self) -> None:
        """Exactly as much as allowed passes, declared or chunked; 100-continue is sent."""
        body = b"x" * 1000
        transport = self.send(
            HEAD + b"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n", request_body_bytes=1000
        )
        self.assertEqual(transport.value(), b"HTTP/1.1 100 Continue\r\n\r\n")
        self.feed(transport, body)
        self.assertEqual(self.clients[0].read_body(1000), body)
        self.assertRaises(BodyTooLarge, self.clients[0].read_body, 999)
        self.assertEqual(self.clients[0].bytes_received, 1000)
        self.send(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n" + body + b"\r\n0\r\n\r\n",
            request_body_bytes=1000,
        )
        self.assertEqual(self.clients[0].read_body(1000), body)
        self.assertTrue(self.clients[0].head.has_body)

    def test_chunked_body(self) -> None:
        """413 as soon as the count says so, though the body does not end."""
        data = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n"
        transport = self.send(data, request_body_bytes=1000)
        for _ in range(9):
            self.feed(transport, b"64\r\n" + b"x" * 100 + b"\r\n")
        self.assertEqual(transport.value(), b"")
        self.feed(transport, b"1\r\nx\r\n")
        self.check_refused(transport, 413, "request-body-bytes")

    def test_bad_requests(self) -> None:
        """What is no HTTP, or can be read in two ways, is 400 and the end."""
        for data in (
            b"nonsense\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n", HEAD + b"no colon\r\n\r\n",
            HEAD + b"X Y: 1\r\n\r\n", HEAD + b"X : 1\r\n\r\n", HEAD + b"X: a\0b\r\n\r\n",
            HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            HEAD + b"Content-Length: -1\r\n\r\n", HEAD + b"Content-Length: +1\r\n\r\n",
            HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
        ):  # fmt: skip
            self.check_refused(self.send(data), 400)


class TimeTests(ChannelCase):
    """Bounds in seconds: one timer for each connection."""

    def test_nothing_comes(self) -> None:
        """A connection without a first octet is cut without a word."""
        transport = self.send(b"", request_head_seconds=20)
        self.clock.advance(19)
        self.assertIsNotNone(transport.channel)
        self.clock.advance(1)
        self.assertEqual((transport.value(), transport.aborted), (b"", True))
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_slow_head(self) -> None:
        """A head that trickles in gets 408: octets do not buy time."""
        transport = self.send(b"GET / HTTP/1.1\r\n", request_head_seconds=20)
        for _ in range(19):
            self.clock.advance(1)
            self.feed(transport, b"X: 1\r\n")
        self.assertIsNotNone(transport.channel)
        self.clock.advance(1)
        self.check_refused(transport, 408, "request-head-seconds")

    def test_slow_first_line(self) -> None:
        """Also when not even the first line is whole."""
        transport = self.send(b"G", request_head_seconds=20)
        self.clock.advance(20)
        self.check_refused(transport, 408, "request-head-seconds")

    def test_slow_body(self) -> None:
        """A body has its own time, which octets do not extend either."""
        for framing in (b"Content-Length: 1000", b"Transfer-Encoding: chunked"):
            transport = self.send(HEAD + framing + b"\r\n\r\n", request_body_seconds=60)
            for _ in range(59):
                self.clock.advance(1)
                self.feed(transport, b"1\r\nx\r\n")
            self.assertIsNotNone(transport.channel)
            self.clock.advance(1)
            self.check_refused(transport, 408, "request-body-seconds")

    def test_slow_second_head(self) -> None:
        """A kept-alive connection is timed from the next request's first octet."""
        transport = self.send(HEAD + b"\r\n", request_head_seconds=20, keep_alive_seconds=75)
        self.clock.advance(1000)
        self.answer(self.clients.pop())
        self.clock.advance(70)
        self.feed(transport, b"G")
        self.clock.advance(19)
        self.assertIsNotNone(transport.channel)
        transport.clear()
        self.clock.advance(1)
        self.check_refused(transport, 408, "request-head-seconds")

    def test_pipelined_beginning(self) -> None:
        """The beginning of a request behind another one has its time from the answer on."""
        transport = self.send(HEAD + b"\r\n" + b"GET / HT", request_head_seconds=20)
        self.answer(self.clients.pop())
        transport.clear()
        self.clock.advance(20)
        self.check_refused(transport, 408, "request-head-seconds")

    def test_handling_takes_its_time(self) -> None:
        """While a request is handled nothing runs out."""
        transport = self.send(HEAD + b"\r\n")
        self.clock.advance(10_000)
        self.feed(transport, b"GET / HT")
        self.clock.advance(10_000)
        self.assertIsNotNone(transport.channel)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_keep_alive(self) -> None:
        """An idle connection is closed after its time."""
        transport = self.send(HEAD + b"\r\n", keep_alive_seconds=75)
        self.answer(self.clients[0])
        self.clock.advance(74)
        self.assertIsNotNone(transport.channel)
        self.clock.advance(1)
        self.clock.advance(0)
        self.assertIsNone(transport.channel)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class SiteTests(ChannelCase):
    """Connections, clients that leave, handlers that fail, the drain."""

    def test_connections(self) -> None:
        """No more than the bounds; places are free again when connections end."""
        self.make(connections=3, connections_per_address=2)
        other = IPv4Address("TCP", "192.0.2.8", 1)
        first, second = self.open(), self.open()
        self.assertIsNone(self.open().channel)
        self.assertIsNotNone(self.open(other).channel)
        self.assertIsNone(self.open(other).channel)
        self.assertEqual(self.telemetry.limits(), ["connections-per-address", "connections"])
        self.assertEqual(self.telemetry.value("gateway_connections"), 3)
        first.lose()
        second.lose()
        self.assertEqual(self.telemetry.value("gateway_connections"), 1)
        self.assertIsNotNone(self.open().channel)

    def test_client_leaves(self) -> None:
        """The handler is cancelled; an answer after that goes nowhere."""
        transport = self.send(HEAD + b"\r\n")
        (client,) = self.clients
        gone: list[int] = []
        client.when_gone(lambda: gone.append(1))
        transport.lose()
        self.assertEqual((self.cancelled, gone, client.is_gone), (1, [1], True))
        client.start(200, b"", ())
        client.write(b"x")
        client.finish()
        client.abort()
        self.assertEqual(transport.value(), b"")
        self.assertNotIn("internal.error", self.telemetry.codes())

    def test_handler_fails(self) -> None:
        """A bug is a 500, or a cut when the head is out; its text is not logged."""
        for started in (False, True):
            transport = self.send(HEAD + b"\r\n")
            (client,) = self.clients
            if started:
                client.start(200, b"", ())
            client.done.errback(Failure(ZeroDivisionError("secret")))
            if started:
                self.assertTrue(transport.aborted)
            else:
                self.assertTrue(transport.value().startswith(b"HTTP/1.1 500 "))
            (event,) = [one for one in self.telemetry.events if one["code"] == "internal.error"]
            self.assertIn("ZeroDivisionError", event["detail"])
            self.assertNotIn("secret", event["detail"])

    def test_drain(self) -> None:
        """Idle connections close, running ones finish and close; then it is quiet."""
        self.make()
        idle, busy = self.open(), self.open()
        self.feed(busy, HEAD + b"\r\n")
        quiet = self.site.drain()
        self.clock.advance(0)
        self.assertIsNone(idle.channel)
        self.assertIsNotNone(busy.channel)
        self.assertIsNone(self.open().channel)
        self.assertNoResult(quiet)
        self.answer(self.clients[0])
        self.assertTrue(busy.value().endswith(b"ok"))
        self.assertIsNone(busy.channel)
        self.assertIsNone(self.successResultOf(quiet))
        self.assertIsNone(self.successResultOf(self.site.drain()))

    def test_drain_and_pipelining(self) -> None:
        """A request behind the running one is not begun any more."""
        transport = self.send((HEAD + b"\r\n") * 2)
        quiet = self.site.drain()
        self.answer(self.clients[0])
        self.assertEqual(len(self.clients), 1)
        self.assertIsNone(transport.channel)
        self.successResultOf(quiet)

    def test_abort_all(self) -> None:
        """After the drain's time what runs is cut and cancelled."""
        transport = self.send(HEAD + b"\r\n")
        quiet = self.site.drain()
        self.site.abort_all()
        self.clock.advance(0)
        self.assertEqual((transport.aborted, self.cancelled), (True, 1))
        self.successResultOf(quiet)

    def test_peer_that_does_not_close(self) -> None:
        """A peer that ignores the close is cut in the end, or by the abort: no timer is left."""
        for abort in (True, False):
            self.make()
            transport = self.open()
            transport.loseConnection = lambda: None
            self.feed(transport, b"nonsense\r\n\r\n")
            self.assertIsNotNone(transport.channel)
            if abort:
                self.site.abort_all()
            else:
                self.clock.advance(20)
            self.clock.advance(0)
            self.assertTrue(transport.aborted)
            self.assertEqual(self.clock.getDelayedCalls(), [], abort)


class RealTests(GatewayCase):
    """What needs TLS and sockets."""

    async def test_one_connection_too_many(self) -> None:
        """It is closed at once, and nothing is logged as a fault."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, connections_per_address=1)
        first = await gateway.connect()
        second = await gateway.connect()
        second.write(request(f"{SHOP}/"))
        await second.closed()
        self.assertEqual(second.total, 0)
        first.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        self.assertEqual((await first.response()).body, b"ok")
        self.assertEqual(gateway.telemetry.limits(), ["connections-per-address"])

    async def test_drain(self) -> None:
        """What runs is answered whole, its connection closed; then nothing is left."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin})
        idle, busy = await gateway.connect(), await gateway.connect()
        busy.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await until(lambda: origin.requests)
        quiet = gateway.service.site.drain()
        await idle.closed()
        self.assertFalse(quiet.called)
        body = b"x" * 500_000
        origin.connections[0].write(reply(body))
        self.assertEqual((await busy.response()).body, body)
        await quiet
        await busy.closed()
        late = await gateway.connect()
        await late.closed()
        self.assertEqual(late.total, 0)

    async def test_stop(self) -> None:
        """Stopping the service drains it; the answer under way arrives."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin})
        client = await gateway.connect()
        client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await until(lambda: origin.requests)
        stopped = gateway.service.stopService()
        origin.connections[0].write(reply(b"done"))
        self.assertEqual((await client.response()).body, b"done")
        await stopped
        self.assertNotIn("drain-seconds", gateway.telemetry.limits())

    async def test_stop_cuts_what_takes_too_long(self) -> None:
        """After the drain's time the rest is cut."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin}, drain_seconds=0.1)
        client = await gateway.connect()
        client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await until(lambda: origin.requests)
        await gateway.service.stopService()
        await client.closed()
        await until(lambda: origin.connections[0].ended)
        self.assertIn("drain-seconds", gateway.telemetry.limits())
