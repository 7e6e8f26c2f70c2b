"""What goes wrong outside, and the clear answer to each: no crash, no leak, no wait for ever."""

from __future__ import annotations

import json
import re
from typing import Any

from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol
from zope.interface import implementer

from gateway import wire
from gateway.origins import Origin as WebOrigin
from gateway.policy.transport import Transport
from tests.net.harness import DOMAIN, SHOP, WS, GatewayCase, host_of, origin_tls, request
from tests.net.peers import SocketCase, websocket_origin
from tests.net.raw import Message, Origin, reply, until

REQUEST_ID = wire.REQUEST_ID_HEADER.lower()
MEBIBYTE = 2**20
EVERYTHING = '[[access]]\norigin = "*"\n[[allow-navigation]]\nhref = "*"\n'
_ID = re.compile(rb"[0-9a-f]{16}")


def shape(answer: Message) -> tuple[Any, ...]:
    """An answer without what differs each time: its request id."""
    fields = sorted((name, _ID.sub(b"ID", value)) for name, value in answer.fields)
    return answer.line, fields, _ID.sub(b"ID", answer.body)


class HostTests(GatewayCase):
    """Hosts that name nothing."""

    async def test_unknown_hosts(self) -> None:
        """421 for every host that is not ours, also for several and for none."""
        gateway = await self.gateway()
        client = await gateway.connect()
        for host in (
            b"Host: shop.site.example", b"Host: ", b"Host: 127.0.0.1", b"Host: evil" + DOMAIN.encode(),
            b"Host: a.b.0." + DOMAIN.encode(), b"Host: 0." + DOMAIN.encode(),
            b"Host: \xff", b"X: no host", b"Host: %s\r\nHost: %s" % (DOMAIN.encode(), DOMAIN.encode()),
        ):  # fmt: skip
            client.write(b"GET / HTTP/1.1\r\n" + host + b"\r\n\r\n")
            self.assertEqual((await client.response()).status, 421, host)
        self.assertEqual(set(gateway.telemetry.codes()[-9:]), {"host.unknown"})

    async def test_malformed_labels(self) -> None:
        """404 for every label that no origin collapses to; nothing is looked up."""
        gateway = await self.gateway(rules=EVERYTHING)
        client = await gateway.connect()
        labels = (
            "shop", "ftp-shop-example", "https-", "https-shop---example", "https443-shop-example",
            "https00-shop-example", "https99999-shop-example", "http080-shop-example",
            "https-SHOP_x", "x-" + "a" * 32, "x-short", "https-0x7f-1", "https-2130706433",
            "https-127-1", "https-shop-example-", "https-xn--",
        )  # fmt: skip
        for label in labels:
            host = f"{label}.0.{DOMAIN}".encode()
            for extra in (b"", b"Upgrade: websocket\r\nConnection: Upgrade\r\n"):
                if extra:
                    extra += (
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"a" * 22 + b"==\r\n"
                    )
                    client = await gateway.connect()
                client.write(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n" + extra + b"\r\n")
                self.assertEqual((await client.response()).status, 404, label)
            client = await gateway.connect()
        self.assertEqual(gateway.service._reactor.asked, [])

    async def test_odd_targets(self) -> None:
        """Targets that are no path, or not ASCII, are refused; none is a fault of ours."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        for target in (
            b"*",
            b"https://shop.site.example/",
            b"shop.site.example:443",
            b"/\xff",
            b"?a",
        ):
            client = await gateway.connect()
            head = request(f"{SHOP}/", b"Cookie: " + gateway.cookie)
            client.write(head.replace(b"GET / ", b"GET " + target + b" "))
            answer = await client.response()
            self.assertIn(answer.status, (400, 403), target)
        self.assertNotIn("internal.error", gateway.telemetry.codes())


class Plain(Factory):
    """A server of plain HTTP that does not wait for a request to be whole."""

    noisy = False

    def buildProtocol(self, addr: Any) -> Protocol:
        protocol = Protocol()
        protocol.dataReceived = lambda _: protocol.transport.write(reply(b"plain"))
        return protocol


class UpstreamTests(GatewayCase):
    """Origins that are down or not who they should be."""

    async def test_down(self) -> None:
        """502: an Oops page where HTML is asked for, else problem details; both name the request."""
        gateway = await self.gateway(connect={"down.site.example": 1})
        url = "https://down.site.example/secret?path"
        framed = b"Sec-Fetch-Dest: iframe\r\nSec-Fetch-Mode: navigate"
        answer = await gateway.ask(url, b"Accept: text/html,*/*\r\n" + framed)
        self.assertEqual(answer.status, 502)
        self.assertEqual(answer.get(b"content-type"), b"text/html; charset=utf-8")
        name = answer.get(REQUEST_ID)
        self.assertIn(name, answer.body)
        self.assertIn(b"The site could not be reached", answer.body)
        self.assertEqual(answer.get(b"cache-control"), b"no-store")
        self.assertIn(b"default-src 'none'", answer.get(b"content-security-policy"))
        for leaked in (b"127.0.0.1", b"ConnectionRefused", b"secret", b"Traceback"):
            self.assertNotIn(leaked, answer.body)
        answer = await gateway.ask(url, b"Accept: application/json")
        self.assertEqual(answer.get(b"content-type"), b"application/problem+json")
        name = answer.get(REQUEST_ID).decode()
        problem = {
            "title": "The site could not be reached", "status": 502, "instance": f"urn:request:{name}",
        }  # fmt: skip
        self.assertEqual(json.loads(answer.body), problem)
        (*_, event) = [one for one in gateway.telemetry.events if one["code"] == "upstream.failed"]
        self.assertEqual(event["request"], name)
        self.assertIn("ConnectionRefusedError", event["detail"])

    async def test_certificates(self) -> None:
        """A wrong name, an untrusted chain, an expired one: 502, nothing sent, the log says why."""
        for tls, words in (
            (origin_tls("other.example"), "the certificate is for another name"),
            (
                origin_tls("*.site.example", authority="untrusted"),
                "the chain leads to no trusted certificate",
            ),
            (origin_tls("*.site.example", days=-1), "a certificate has expired"),
        ):
            origin = Origin(reply(b"x"))
            gateway = await self.gateway({SHOP: origin}, tls=tls)
            url = gateway.with_token(f"{SHOP}/")
            answer = await gateway.ask(url, method=b"POST", body=b"password")
            self.assertEqual((answer.status, origin.requests), (502, []))
            self.assertIn(words, gateway.telemetry.events[-1]["detail"])
            socket = websocket_origin()
            gateway = await self.gateway({WS: socket}, tls=tls)
            client = await gateway.connect()
            client.write(handshake(gateway.cookie, target=gateway.with_token("/")))
            answer = await client.response()
            self.assertEqual((answer.status, socket.peers), (502, []))
            self.assertIn(words, gateway.telemetry.events[-1]["detail"])

    async def test_plain_where_tls_is_asked(self) -> None:
        """An origin that speaks no TLS is 502; plain http is refused before it is dialled."""
        port = await self.listen(Plain())
        gateway = await self.gateway(connect={"shop.site.example": port}, rules=EVERYTHING)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 502)
        answer = await gateway.ask("http://shop.site.example/")
        self.assertEqual((answer.status, gateway.telemetry.codes()[-1]), (403, "transport.denied"))

    async def test_slow(self) -> None:
        """504 for an origin that says nothing."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({SHOP: origin}, upstream_first_byte_seconds=0.2)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 504)
        await until(lambda: origin.connections[0].ended)

    async def test_busy(self) -> None:
        """503 when no place is free in time, and the next request is served."""
        origin = Origin(lambda seen: None if seen.target == b"/held" else reply(b"x"))
        gateway = await self.gateway({SHOP: origin}, upstream_requests=1, upstream_wait_seconds=0.1)
        held = await gateway.connect()
        held.write(request(f"{SHOP}/held", b"Cookie: " + gateway.cookie))
        await until(lambda: origin.requests)
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 503)
        origin.connections[0].write(reply(b"x"))
        await held.response()
        self.assertEqual((await gateway.ask(f"{SHOP}/")).status, 200)

    async def test_too_large(self) -> None:
        """502 for a body that is declared larger than the bound; a cut when it grows larger."""
        origin = Origin(lambda seen: reply(b"x" * 2000, length=seen.target == b"/declared"))
        gateway = await self.gateway({SHOP: origin}, response_body_bytes=1000)
        self.assertEqual((await gateway.ask(f"{SHOP}/declared")).status, 502)
        await until(lambda: origin.connections[0].ended)
        client = await gateway.connect()
        client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await client.closed()
        self.assertFalse(client.buffer.endswith(b"0\r\n\r\n"))
        self.assertEqual(gateway.telemetry.accesses[-1]["failure"], "UpstreamTooLarge")


def handshake(cookie: bytes, to: str = WS, target: str = "/") -> bytes:
    """A sound WebSocket handshake to an origin, from a page of the shop."""
    fields = (
        b"Cookie: " + cookie, b"Upgrade: websocket", b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"Origin: https://{host_of(SHOP)}".encode(),
    )  # fmt: skip
    return request(to + target, *fields)


class AddressTests(GatewayCase):
    """Addresses that must not be reached, in every spelling, by HTTP and WebSocket."""

    names = {
        "private.site.example": ["10.0.0.5"],
        "mixed.site.example": ["93.184.215.14", "10.0.0.5"],
        "mixed-6.site.example": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"],
        "mapped.site.example": ["::ffff:127.0.0.1"],
        "metadata.site.example": ["169.254.169.254"],
        "localhost": ["127.0.0.1", "::1"],
    }

    async def answers(self, gateway: Any, origin: str, target: str = "/") -> list[Message]:
        """The answers to a request and to a handshake."""
        found = [await gateway.ask(origin + target)]
        client = await gateway.connect()
        client.write(handshake(gateway.cookie, origin, gateway.with_token(target)))
        found.append(await client.response())
        return found

    async def test_forbidden(self) -> None:
        """The answer is that of a name that does not exist, but for the request's id."""
        gateway = await self.gateway(rules=EVERYTHING, private=(), names=self.names)
        expected = [shape(one) for one in await self.answers(gateway, "https://none.site.example")]
        self.assertEqual([one[0] for one in expected], [b"HTTP/1.1 502 Bad Gateway"] * 2)
        before = gateway.telemetry.codes().count("ssrf.denied")
        self.assertEqual(before, 0)
        for host in (*self.names, "127.0.0.1", "0.0.0.0", "10.0.0.5"):
            found = await self.answers(gateway, f"https://{host}")
            self.assertEqual([shape(one) for one in found], expected, host)
            after = gateway.telemetry.codes().count("ssrf.denied")
            self.assertGreaterEqual(after, before + 2, host)
            before = after

    async def test_forbidden_literals(self) -> None:
        """IPv6 literals have long labels, proved by the origin parameter: the same answer."""
        gateway = await self.gateway(rules=EVERYTHING, private=(), names=self.names)
        expected = [shape(one) for one in await self.answers(gateway, "https://none.site.example")]
        for host in ("[::1]", "[::ffff:7f00:1]", "[::]", "[fe80::1]", "[64:ff9b::7f00:1]",
                     "[2002:7f00:1::]", "[fd00::1]"):  # fmt: skip
            origin = f"https://{host}"
            target = f"/?__gwo={origin.replace(':', '%3A').replace('/', '%2F')}"
            found = await self.answers(gateway, origin, target)
            self.assertEqual([shape(one) for one in found], expected, host)

    async def test_spellings(self) -> None:
        """The endpoint refuses every spelling that a system's resolver understands."""
        gateway = await self.gateway(private=(), names=self.names)
        listening = Origin(reply(b"x"))
        port = await self.listen(listening)
        for host in ("127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001",
                     "0", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]"):  # fmt: skip
            endpoint = gateway.service._upstream.endpoint(
                WebOrigin("http", host, port), Transport()
            )
            await self.assertFailure(
                endpoint.connect(Factory.forProtocol(Protocol)), DNSLookupError
            )
        self.assertEqual(listening.connections, [])

    async def test_own_listeners(self) -> None:
        """What listens here is no upstream, although the configuration opens loopback."""
        gateway = await self.gateway(rules=EVERYTHING + '[[access]]\norigin = "http://*"\n'
                                     "allow-insecure-http = true\n", names=self.names)  # fmt: skip
        free = await self.listen(Origin(reply(b"open")), origin_tls("127.0.0.1"))
        self.assertEqual((await gateway.ask(f"https://127.0.0.1:{free}/")).body, b"open")
        for port in (gateway.port, gateway.admin_port):
            for host in ("127.0.0.1", "localhost"):
                for scheme in ("https", "http"):
                    found = await self.answers(gateway, f"{scheme}://{host}:{port}")
                    self.assertEqual([one.status for one in found], [502, 502], (host, port))
                    self.assertEqual(
                        gateway.telemetry.codes()[-2:], ["ssrf.denied", "upstream.failed"]
                    )
        refused = await self.answers(gateway, f"https://{DOMAIN}")
        self.assertEqual([one.status for one in refused], [403, 403])


@implementer(IPushProducer)
class Flood:
    """An origin's endless body: counts what the transport took."""

    def __init__(self, transport: Any, limit: int) -> None:
        self.sent = 0
        self.paused = False
        self._transport = transport
        self._limit = limit
        transport.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self.paused = False
        while not self.paused and self.sent < self._limit:
            self._transport.write(b"x" * 65536)
            self.sent += 65536

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        self._limit = 0


class SizeTests(GatewayCase):
    """Heads and bodies that are too large, over TLS."""

    async def test_heads(self) -> None:
        """30 KB of cookies pass; a line or a head beyond 64 KiB is 431."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        cookie = b"Cookie: " + gateway.cookie
        answer = await gateway.ask(f"{SHOP}/", b"Cookie: " + b"a=" + b"b" * 30_000)
        self.assertEqual(answer.status, 200)
        line = b"X: " + b"x" * 65_536
        for fields in ([line], [b"X: " + b"x" * 1000] * 66, [b"X: 1"] * 400):
            client = await gateway.connect()
            client.write(request(f"{SHOP}/", cookie, *fields))
            self.assertEqual((await client.response()).status, 431)
            await client.closed()
        self.assertEqual(
            gateway.telemetry.limits(), ["header-bytes", "header-bytes", "header-count"]
        )

    async def test_bodies(self) -> None:
        """413 for what is declared too large before any of it, and for what grows too large."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin}, request_body_bytes=100_000)
        head = request(f"{SHOP}/", b"Cookie: " + gateway.cookie, method=b"POST")[:-2]
        client = await gateway.connect()
        client.write(head + b"Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n")
        self.assertEqual((await client.response()).status, 413)
        await client.closed()
        client = await gateway.connect()
        client.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(11):
            client.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        self.assertEqual((await client.response()).status, 413)
        await client.closed()
        self.assertEqual(origin.requests, [])
        url = gateway.with_token(f"{SHOP}/")
        answer = await gateway.ask(url, method=b"POST", body=b"x" * 100_000)
        self.assertEqual((answer.status, len(origin.requests[0].body)), (200, 100_000))

    async def test_slow_requests(self) -> None:
        """A head or body that does not come is 408; a silent connection is cut."""
        gateway = await self.gateway(request_head_seconds=0.8, request_body_seconds=0.8)
        for data, status in (
            (b"", None), (b"GET / HTTP/1.1\r\nHost:", 408),
            (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 408),
        ):  # fmt: skip
            client = await gateway.connect()
            client.write(data)
            await client.closed()
            found = int(client.buffer.split(b" ")[1]) if client.buffer else None
            self.assertEqual(found, status)
        silent = await self.client(gateway.port, None)
        await silent.closed()
        self.assertEqual(silent.total, 0)


class StallTests(SocketCase):
    """Peers that stop reading: what is held for them is bounded, and so is the time."""

    BOUND = 40 * MEBIBYTE
    """What kernels and buffers on the way may hold of an endless body."""

    async def test_response(self) -> None:
        """The origin cannot send far ahead; after client-stall-seconds both sides are cut."""
        floods: list[Flood] = []

        def answer(seen: Message) -> None:
            transport = seen.connection.transport
            transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n")
            floods.append(Flood(transport, 4096 * MEBIBYTE))

        origin = Origin(answer)
        gateway = await self.gateway({SHOP: origin}, client_stall_seconds=1)
        client = await gateway.connect()
        client.keep = False
        client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await until(lambda: client.total)
        client.transport.pauseProducing()
        await until(lambda: gateway.telemetry.accesses)
        self.assertLess(floods[0].sent, client.total + self.BOUND)
        self.assertEqual(gateway.telemetry.accesses[0]["failure"], "ClientStalled")
        self.assertIn("limit.exceeded", gateway.telemetry.codes())
        await until(lambda: origin.connections[0].ended)
        client.transport.resumeProducing()
        await client.closed()

    async def test_slow_reader(self) -> None:
        """A client that reads slowly gets all of it."""
        size = 64 * MEBIBYTE
        floods: list[Flood] = []

        def answer(seen: Message) -> None:
            transport = seen.connection.transport
            transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            floods.append(Flood(transport, size))

        gateway = await self.gateway({SHOP: Origin(answer)})
        client = await gateway.connect()
        client.keep = False
        client.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await until(lambda: client.total)
        client.transport.pauseProducing()
        await until(lambda: floods[0].paused)
        self.assertLess(floods[0].sent, client.total + self.BOUND)
        client.transport.resumeProducing()
        await until(lambda: client.total > size)
        await until(lambda: gateway.telemetry.accesses)
        self.assertIsNone(gateway.telemetry.accesses[0]["failure"])

    async def test_websocket(self) -> None:
        """A side that reads nothing is dropped after its time, the other told 1013."""
        for by_client in (True, False):
            gateway, client, server = await self.pair(websocket_stall_seconds=0.5)
            sender, reader = (client, server) if by_client else (server, client)
            reader.stop_reading()
            sender.flood(4096)
            await until(lambda: sender.ended)
            self.assertEqual(sender.code, 1013, by_client)
            self.assertLess(sender.sent, self.BOUND, by_client)
            self.assertIn("websocket-stall-seconds", gateway.telemetry.limits())
            reader.read_on()
            await until(lambda: reader.ended)
            self.assertEqual(reader.ended[0], False)
            await until(lambda: gateway.service.sockets.count == 0)
            self.assertEqual(gateway.telemetry.accesses[0]["ending"], "stalled")
