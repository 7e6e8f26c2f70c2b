"""The emulated WebSockets of a process: made, found, ended."""

from __future__ import annotations

import time

from tests.net.emulated import ALL, CLOSE, RECONNECT, Emulated, EmulatedCase, text
from tests.net.harness import DOMAIN, WS, Gateway
from tests.net.peers import websocket_origin
from tests.net.raw import Origin, reply, until
from tests.net.services import APP, ServiceCase


class CreateTests(EmulatedCase):
    """The answer to a create."""

    async def test_answer(self) -> None:
        """201 with two URLs, the choice, what is on; never kept, never read by others."""
        upstream = websocket_origin(lambda _: "b")
        gateway = await self.gateway({WS: upstream})
        client = Emulated(gateway)
        answer = await client.create(
            "/a/b", b"X-WebSocket-Protocol: a, b", b"X-WebSocket-Extensions: " + ALL, query="q=1"
        )
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.get(b"content-type"), b"text/plain;charset=utf-8")
        self.assertEqual(answer.get(b"x-websocket-protocol"), b"b")
        self.assertIn(
            b"x-gw-retry; bytes=262144; seconds=30", answer.get(b"x-websocket-extensions")
        )
        self.assertEqual(answer.get(b"cache-control"), b"no-store, no-transform")
        self.assertEqual(answer.get(b"access-control-allow-origin"), client.origin)
        self.assertTrue(client.up_target.startswith("/a/b/;e/ubm/"))
        self.assertTrue(client.down_target.startswith("/a/b/;e/dbm/"))
        self.assertNotIn("q=1", client.up_target)
        self.assertEqual(upstream.peers[0].request.path, "/a/b")
        self.assertEqual(upstream.peers[0].request.params, {"q": ["1"]})

    async def test_refusals(self) -> None:
        """The site's refusal is the create's status, and nothing is kept."""
        origin = Origin(reply(b"secret", status=b"409 No"))
        gateway = await self.gateway({WS: origin})
        client = Emulated(gateway)
        answer = await client.create()
        self.assertEqual(
            (answer.status, answer.get(b"access-control-allow-origin")), (409, client.origin)
        )
        self.assertNotIn(b"secret", answer.body)
        emulations = gateway.service._handler.emulations
        self.assertEqual(emulations.count, 0)
        self.assertEqual((await client.create(token=False)).status, 403)

    async def test_verdict(self) -> None:
        """What the site refused natively is not asked of it again, for a time."""
        origin = Origin(reply(b"", status=b"409 No"))
        gateway = await self.gateway({WS: origin})
        nonce = "__gwn=" + "n" * 22
        peer = await self.dial(gateway, f"/ws?a&{nonce}")
        self.assertIn("409", peer.http_status_line)
        agreed = b"X-WebSocket-Extensions: " + ALL
        answer = await Emulated(gateway).create("/ws", agreed, query=f"a&{nonce}")
        self.assertEqual((answer.status, len(origin.requests)), (409, 1))
        kept = gateway.service.store
        await kept.keep("x", "its time is over", int(time.time()) + 100, int(time.time()) + 101)
        answer = await Emulated(gateway).create("/ws", agreed, query=f"a&{nonce}")
        self.assertEqual((answer.status, len(origin.requests)), (409, 2))
        self.assertEqual(origin.requests[1].target, b"/ws?a")

    async def test_counted(self) -> None:
        """As a WebSocket of its origin, emulated; a flood of creates is refused cheaply."""
        gateway, client, _ = await self.emulated()
        down = await client.down()
        self.assertEqual(await client.up(text("a") + RECONNECT), 200)
        (entry,) = gateway.service.sockets.ledger._open.values()
        self.assertEqual(
            (entry.place.name, entry.place.transport), ("https://ws.site.example", "emulated")
        )
        value = gateway.telemetry.value
        self.assertEqual(
            value("gateway_emulation_requests_total", kind="upstream", status="200"), 1
        )
        await client.up(CLOSE + RECONNECT)
        await down.whole()
        quick = await self.gateway(websocket_handshakes_per_second=1)
        answers = await self.together(*(Emulated(quick).create() for _ in range(12)))
        self.assertIn(503, [answer.status for answer in answers])

    async def test_refused_on_the_way(self) -> None:
        """A request that turns out to be none of HTTP is told so, whatever becomes of the rest."""
        close, retry = (b"X-WebSocket-Extensions: x-gw-" + one for one in (b"close", b"retry"))
        for fields in ((), (close,), (retry,)):
            _, client, server = await self.emulated(*fields)
            head = (b"X-Sequence-No: 8", b"Transfer-Encoding: chunked")
            request = await client.ask(client.up_target, *head, body=None)
            request.write(b"7\r\n" + text("there") + b"\r\n")
            await until(lambda server=server: server.messages)
            request.write(b"zz\r\n")
            self.assertEqual((await request.response()).status, 400, fields)

    async def test_ends_with_the_process(self) -> None:
        """Stopping leaves none, and no timer."""
        gateway, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        await gateway.service._handler.emulations.stop()
        await until(lambda: down.connection.ended and server.ended)
        self.assertNotIn(b"\x0101\xff", down.octets)
        self.assertEqual(gateway.service._handler.emulations.count, 0)


class ServiceTests(ServiceCase, EmulatedCase):
    """Services are reached over the fallback as natively."""

    async def created(self, gateway: Gateway, *fields: bytes, **more: object) -> Emulated:
        """A client of the service, its create answered."""
        client = Emulated(gateway, origin=more.pop("origin", APP.encode()))
        client.host, client.cookie = DOMAIN, more.pop("cookie", None)
        await client.create("/service", *fields, token=False, **more)
        return client

    async def test_echo(self) -> None:
        """A page of another web site, without any session; who may not, may not."""
        gateway = await self.with_service("echo:", 'subprotocols = ["a"]')
        client = await self.created(gateway, b"X-WebSocket-Protocol: b, a")
        assert client.created is not None
        self.assertEqual(client.created.status, 201)
        self.assertEqual(client.created.get(b"access-control-allow-origin"), APP.encode())
        down = await client.down()
        self.assertEqual(await client.up(text("hello") + RECONNECT), 200)
        await until(lambda: down.payloads == [b"hello"])
        for change in ({"origin": b"https://evil.example"}, {"origin": None}):
            stolen = await client.up_later(RECONNECT, number=9, **change)
            self.assertEqual((await stolen.response()).status, 404)
        self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        self.assertEqual(await down.whole(), "text close reconnect")
        for origin, allowed in ((b"https://evil.example", None), (None, None)):
            refused = await self.created(gateway, origin=origin)
            assert refused.created is not None
            self.assertEqual(refused.created.status, 403)
            self.assertEqual(refused.created.get(b"access-control-allow-origin"), allowed)
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_preflight(self) -> None:
        """For pages that the service allows."""
        gateway = await self.with_service("echo:")
        asks = (
            b"Access-Control-Request-Method: POST",
            b"Access-Control-Request-Headers: x-sequence-no",
        )
        for origin, status in ((APP.encode(), 204), (b"https://evil.example", 403)):
            client = Emulated(gateway, origin=origin)
            client.host = DOMAIN
            connection = await client.ask("/service/;e/cbm", *asks, method=b"OPTIONS", body=None)
            self.assertEqual((await connection.response()).status, status)

    async def test_elsewhere(self) -> None:
        """On a host of the gateway's own, nothing but services is reached."""
        gateway = await self.with_service("echo:")
        client = Emulated(gateway, origin=APP.encode())
        client.host = DOMAIN
        for path in ("/other", "", "/service/more"):
            self.assertNotEqual((await client.create(path, token=False)).status, 201, path)
