"""What the published WebSocket Emulation scripts check of servers, for the binary encodings.

The behaviours are written anew from the protocol's text; the names are the scripts'.  Every case
runs without the extensions of ours.  Left out, with the reason: text encodings and ``.kp`` (for
browsers that are gone: 404, ignored), and the redirect of a long-poll to TLS (all is TLS).
The script of a character in two packets says no RECONNECT; every other one does, and so does it here.
"""

from __future__ import annotations

from typing import Any

from tests.net.emulated import CLOSE, RECONNECT, Down, Emulated, EmulatedCase
from tests.net.harness import WS
from tests.net.peers import websocket_origin
from tests.net.raw import Message, until

NOP, PING, PONG = b"\x0100\xff", b"\x89\x00", b"\x8a\x00"
PINGS = b"X-Accept-Commands: ping"
MOST = 2**53 - 1


def length(size: int) -> bytes:
    """A length as the protocol writes it."""
    out = bytes([size & 0x7F])
    while size := size >> 7:
        out = bytes([0x80 | size & 0x7F]) + out
    return out


class WseCase(EmulatedCase):
    """One gateway before an origin that echoes, or is spoken for."""

    echoes = True

    async def begin(self, **limits: Any) -> None:
        """Start both."""
        limits = {"websocket_close_seconds": 2, **limits}
        self.origin = websocket_origin(lambda _: None, echoes=self.echoes)
        self.under_test = await self.gateway({WS: self.origin}, **limits)

    async def opened(
        self, *fields: bytes, number: int = 41, query: str = "", streams: bool = True, **more: Any
    ) -> tuple[Emulated, Down]:
        """A connection and its first response."""
        client = Emulated(self.under_test, number)
        answer = await client.create("/path", *fields, query="query", **more)
        self.assertEqual(answer.status, 201)
        down = await client.down(query) if streams else Down(None)  # type: ignore[arg-type]
        if streams:
            head = await down.begun()
            self.assertEqual(head.status, 200)
            self.assertEqual(head.get(b"content-type"), b"application/octet-stream")
            self.assertEqual(head.get(b"connection"), b"close")
        return client, down

    async def up(self, client: Emulated, *fields: bytes) -> Any:
        """An upstream request whose body is yet to come."""
        return await client.ask(client.up_target, b"X-Sequence-No: 42", *fields, body=None)

    async def arrived(self, client: Emulated, octets: int) -> None:
        """So much of an upstream request is with the gateway."""
        legs = self.under_test.service._handler.emulations._legs
        leg = legs[client.up_target.rpartition("/")[2]]
        await until(lambda: leg._up.in_flight and leg._up._source.size == octets)

    async def failed(self, down: Down) -> None:
        """The connection fails: CLOSE and RECONNECT are the last that come down."""
        await down.whole()
        self.assertTrue(down.octets.endswith(CLOSE + RECONNECT), down.octets)


class OpeningTests(WseCase):
    """opening/*"""

    async def raw(self, *fields: bytes, **more: Any) -> Message:
        """A create whose fields are given one by one."""
        client = Emulated(self.under_test)
        target = self.under_test.with_token("/path/;e/cb?query")
        connection = await client.ask(target, *fields, **more)
        return await connection.response()

    async def test_accepted(self) -> None:
        """connection.established, request.with.body, request.method.get, headers."""
        await self.begin()
        version, number = b"X-WebSocket-Version: wseb-1.0", b"X-Sequence-No: %d"
        for name, fields, more in (
            ("connection.established", (version, number % 5), {}),
            ("no.websocket.extensions", (version, number % 0), {}),
            ("largest sequence number but one", (version, number % (MOST - 1)), {}),
            ("request.with.body", (version, number % 5), {"body": b">|<"}),
            ("request.method.get", (version, number % 5), {"method": b"GET", "body": None}),
            ("x.websocket.extensions", (version, number % 5, b"X-WebSocket-Extensions: foo"), {}),
            ("x.accept.commands", (version, number % 5, PINGS), {}),
        ):
            answer = await self.raw(*fields, **more)
            self.assertEqual(answer.status, 201, name)
            kind = answer.get(b"content-type") or b""
            self.assertEqual(kind.lower(), b"text/plain;charset=utf-8", name)
            first, second, rest = answer.body.split(b"\n")
            self.assertEqual(rest, b"", name)
            for url in (first, second):
                self.assertRegex(url, rb"\Ahttps://[^/]+/path/[^?]+\Z", name)
            self.assertNotEqual(first, second)
            self.assertIsNone(answer.get(b"x-websocket-extensions"), name)
            self.assertIsNone(answer.get(b"x-websocket-protocol"), name)

    async def test_protocol(self) -> None:
        """request.header.x.websocket.protocol: one of those, if one was chosen."""
        origin = websocket_origin(lambda request: request.protocols[1])
        self.under_test = await self.gateway({WS: origin})
        answer = await self.raw(
            b"X-WebSocket-Version: wseb-1.0", b"X-Sequence-No: 1", b"X-WebSocket-Protocol: x, y, z"
        )
        self.assertEqual((answer.status, answer.get(b"x-websocket-protocol")), (201, b"y"))

    async def test_refused(self) -> None:
        """What a create must have: 4xx, and nothing is opened."""
        await self.begin()
        version, number = b"X-WebSocket-Version: wseb-1.0", b"X-Sequence-No: 5"
        for name, fields, more in (
            ("request.method.not.post.or.get", (version, number), {"method": b"PUT"}),
            ("x.sequence.number.missing", (version,), {}),
            ("x.sequence.number.negative", (version, b"X-Sequence-No: -1"), {}),
            ("x.sequence.number.non.integer", (version, b"X-Sequence-No: 1.5"), {}),
            ("x.sequence.number.non.integer", (version, b"X-Sequence-No: a"), {}),
            ("x.sequence.number.out.of.range", (version, b"X-Sequence-No: %d" % (MOST + 1)), {}),
            ("x.websocket.version.missing", (number,), {}),
            ("x.websocket.version.not.wseb-1.0", (b"X-WebSocket-Version: wseb-2.0", number), {}),
            ("x.accept.commands.not.ping", (version, number, b"X-Accept-Commands: pong"), {}),
        ):
            answer = await self.raw(*fields, **more)
            self.assertIn(answer.status, range(400, 500), name)
        self.assertEqual(self.origin.peers, [])


class DataTests(WseCase):
    """data/*"""

    async def test_echo(self) -> None:
        """Binary, text, delimited text, of every length at which the length's form changes."""
        await self.begin()
        client, down = await self.opened()
        expected = b""
        for size in (0, 1, 127, 128, 16383, 16384, 65535, 65536):
            for kind in (b"\x80", b"\x81"):
                frame = kind + length(size) + b"m" * size
                self.assertEqual(await client.up(frame + RECONNECT), 200, (kind, size))
                expected += frame
        for size in (0, 20):
            self.assertEqual(await client.up(b"\x00" + b"t" * size + b"\xff" + RECONNECT), 200)
            expected += b"\x81" + length(size) + b"t" * size
        await until(lambda: len(down.octets) >= len(expected))
        self.assertEqual(down.octets, expected)

    async def test_fragmented_character(self) -> None:
        """echo.text.with.fragmented.character: packets end where they like, amid one, too."""
        await self.begin()
        client, down = await self.opened()
        frame = b"\x81\x06ABC\xe2\x82\xac"
        request = await self.up(client, b"Content-Length: 12")
        for part, octets in ((frame[:7], 7), (frame[7:] + RECONNECT[:1], 9)):
            self.assertEqual(down.octets, b"")
            request.write(part)
            await self.arrived(client, octets)
        await until(lambda: down.octets == frame)
        request.write(RECONNECT[1:])
        self.assertEqual((await request.response()).status, 200)
        await until(lambda: down.octets == frame)

    async def test_invalid(self) -> None:
        """client.send.text.invalid.utf8, .delimited: 400, and the connection fails."""
        await self.begin()
        for frame in (b"\x81\x04ab\xc3\x28", b"\x00ab\xc3\x28\xff", b"\x81\x03\xed\xa0\x80"):
            client, down = await self.opened()
            self.assertEqual(await client.up(frame + RECONNECT), 400, frame)
            await self.failed(down)


class ControlTests(WseCase):
    """control/*, command/*"""

    echoes = False

    async def test_client(self) -> None:
        """client.send.ping, .pong; .invalid, .unexpected fail."""
        await self.begin()
        client, down = await self.opened(PINGS)
        self.assertEqual(await client.up(PING + RECONNECT), 200)
        await until(lambda: down.octets == PONG)
        self.assertEqual(await client.up(PONG + RECONNECT), 200)
        for fields, frame in (
            ((PINGS,), b"\x89\x01"), ((PINGS,), b"\x8a\x01"), ((), PING), ((), PONG),
        ):  # fmt: skip
            client, down = await self.opened(*fields)
            self.assertEqual(await client.up(frame + RECONNECT), 400, (fields, frame))
            await self.failed(down)

    async def test_server(self) -> None:
        """server.send.nop, .reconnect, .close, as whoever uses them."""
        await self.begin(emulation_heartbeat_seconds=0.1, emulation_response_seconds=0.35)
        _, down = await self.opened()
        await down.whole()
        self.assertRegex(down.octets, rb"\A(\x0100\xff)+\x0101\xff\Z")
        _, down = await self.opened()
        self.origin.peers[-1].close(1000)
        await down.whole()
        self.assertTrue(down.octets.endswith(CLOSE + RECONNECT))


class LegTests(WseCase):
    """downstream/*, upstream/*, browsers/*, proxies/*"""

    async def test_downstream_methods(self) -> None:
        """request.method.post, .post.with.body are as good; .not.get.or.post is 4xx."""
        await self.begin()
        for method, body, good in (
            (b"POST", None, True), (b"POST", b"content", True), (b"HEAD", None, False),
            (b"PUT", None, False), (b"DELETE", None, False),
        ):  # fmt: skip
            client, _ = await self.opened(streams=False)
            connection = await client.ask(
                client.down_target, b"X-Sequence-No: 42", method=method, body=body
            )
            await until(lambda connection=connection: b"\r\n\r\n" in connection.buffer)
            status = int(connection.buffer.split(b" ")[1])
            self.assertEqual(status == 200, good, (method, status))
            self.assertTrue(good or 400 <= status < 500)

    async def test_order(self) -> None:
        """request.out.of.order, subsequent.request.out.of.order, of both legs; none at all."""
        await self.begin()
        for number in (40, 41, 43, MOST):
            client, _ = await self.opened(streams=False)
            down = await client.down(number=number)
            self.assertEqual((await down.begun()).status, 400, number)
            client, down = await self.opened()
            self.assertEqual(await client.up(RECONNECT, number=number), 400)
            await self.failed(down)
        for good, number in ((42, 44), (42, 42), (42, 41)):
            client, down = await self.opened()
            self.assertEqual(await client.up(RECONNECT, number=good), 200)
            self.assertEqual(await client.up(RECONNECT, number=number), 400)
            await self.failed(down)
            client, down = await self.opened()
            again = await client.down(number=number)
            self.assertEqual((await again.begun()).status, 400)
            await self.failed(down)
        client, down = await self.opened()
        connection = await client.ask(client.up_target, body=RECONNECT)
        self.assertEqual((await connection.response()).status, 400)
        await self.failed(down)

    async def test_upstream(self) -> None:
        """client.send.multiple.requests, zero.content.length, request.method.not.post."""
        await self.begin()
        client, down = await self.opened()
        for data in (b"data1", b"data2"):
            self.assertEqual(await client.up(b"\x80\x05" + data + RECONNECT), 200)
        await until(lambda: down.octets == b"\x80\x05data1\x80\x05data2")
        for method, body in ((b"POST", b""), (b"PUT", b"\x80\x01a" + RECONNECT)):
            client, down = await self.opened()
            answer = await client.ask(
                client.up_target, b"X-Sequence-No: 42", method=method, body=body
            )
            self.assertEqual((await answer.response()).status, 400, method)
            await self.failed(down)

    async def test_overlapping(self) -> None:
        """client.send.overlapping.request: the one that was first is not to blame."""
        await self.begin()
        for numbers in ((43,), (42,)):
            client, down = await self.opened()
            first = await self.up(client, b"Transfer-Encoding: chunked")
            first.write(b"7\r\n\x80\x05data1\r\n")
            await until(lambda down=down: down.octets == b"\x80\x05data1")
            self.assertEqual(await client.up(RECONNECT, number=numbers[0]), 400)
            await self.failed(down)
            self.assertEqual(down.octets, b"\x80\x05data1" + CLOSE + RECONNECT)
            first.write(b"4\r\n" + RECONNECT + b"\r\n0\r\n\r\n")
            self.assertEqual((await first.response()).status, 200)
            peer = self.origin.peers[-1]
            await until(lambda peer=peer: peer.ended)
            self.assertEqual(peer.messages, [(b"data1", True)])

    async def test_browsers(self) -> None:
        """client.send.ksn.parameter, .kb.parameter, client.reconnect.downstream, padding ignored."""
        await self.begin()
        client = Emulated(self.under_test, 0)
        target = self.under_test.with_token("/path/;e/cb?.ksn=0")
        created = await (await client.ask(target, b"X-WebSocket-Version: wseb-1.0")).response()
        self.assertEqual(created.status, 201)
        urls = [url.partition(client.host)[2] for url in created.body.decode().split()]
        down = Down(await client.ask(f"{urls[1]}?.ksn=1&.kp=256", method=b"GET", body=None))
        await down.begun()
        up = await client.ask(f"{urls[0]}?.ksn=1", body=b"\x80\x88\x00" + b"b" * 1024 + RECONNECT)
        self.assertEqual((await up.response()).status, 200)
        await until(lambda: len(down.octets) == 1027)
        again = Down(await client.ask(f"{urls[1]}?.ksn=2&.kb=1", method=b"GET", body=None))
        await down.whole()
        self.assertTrue(down.octets.endswith(RECONNECT))
        up = await client.ask(f"{urls[0]}?.ksn=2", body=b"\x80\x88\x00" + b"b" * 1024 + RECONNECT)
        self.assertEqual((await up.response()).status, 200)
        await again.whole()
        self.assertEqual(again.octets, b"\x80\x88\x00" + b"b" * 1024 + RECONNECT)

    async def test_proxies(self) -> None:
        """client.request.heartbeat.interval, overlapping.downstream.request, longpolling."""
        await self.begin()
        client, down = await self.opened(query=".kkt=1")
        await until(lambda: down.octets == NOP * 2)
        second = await client.down(".ki=p")
        await down.whole()
        self.assertEqual(down.octets, NOP * 2 + RECONNECT)
        self.assertEqual(await client.up(b"\x80\x05data2" + RECONNECT), 200)
        await second.whole()
        self.assertEqual(second.octets, b"\x80\x05data2" + RECONNECT)
        head = await second.begun()
        self.assertEqual(
            (head.get(b"content-length"), head.get(b"content-type")),
            (b"11", b"application/octet-stream"),
        )


class ClosingTests(WseCase):
    """closing/*"""

    echoes = False

    async def test_client_closes(self) -> None:
        """client.send.close, and .no.reply.from.server as a client sees it."""
        await self.begin()
        client, down = await self.opened()
        self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        await down.whole()
        self.assertEqual(down.octets, CLOSE + RECONNECT)
        await until(lambda: self.origin.peers[-1].ended)

    async def test_server_closes(self) -> None:
        """server.send.close, .no.reply.from.client."""
        await self.begin()
        for replies in (True, False):
            client, down = await self.opened()
            self.origin.peers[-1].close(1000)
            await down.whole()
            self.assertEqual(down.octets, CLOSE + RECONNECT)
            if replies:
                self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        await until(lambda: self.under_test.service.sockets.count == 0)

    async def test_client_breaks_off(self) -> None:
        """client.abruptly.closes.upstream, by either framing, before or amid its frames."""
        await self.begin()
        for framing, part in (
            (b"Transfer-Encoding: chunked", b""), (b"Content-Length: 20", b""),
            (b"Transfer-Encoding: chunked", b"7\r\n\x80\x05data1\r\n3\r\n\x80\x05d"),
            (b"Content-Length: 20", b"\x80\x05data1\x80\x05d"),
        ):  # fmt: skip
            client, down = await self.opened()
            request = await self.up(client, framing)
            request.write(part)
            peer = self.origin.peers[-1]
            await self.arrived(client, 10 if part else 0)
            await until(lambda peer=peer, part=part: bool(peer.messages) == bool(part))
            request.transport.abortConnection()
            await self.failed(down)
            self.assertEqual(down.octets, CLOSE + RECONNECT)
            await until(lambda peer=peer: peer.ended)
            self.assertEqual((peer.ended[0], len(peer.messages)), (False, bool(part)))

    async def test_abruptly(self) -> None:
        """client.abruptly.closes.downstream, server.abruptly.closes.downstream and .upstream."""
        await self.begin()
        client, down = await self.opened()
        down.abort()
        peer = self.origin.peers[-1]
        await until(lambda: peer.ended)
        self.assertFalse(peer.ended[0])
        self.assertEqual(await client.up(RECONNECT), 404)
        client, down = await self.opened()
        request = await self.up(client, b"Transfer-Encoding: chunked")
        await self.arrived(client, 0)
        self.origin.peers[-1].drop()
        await until(lambda: down.connection.ended)
        await request.closed()
        self.assertEqual(request.buffer, b"")
        self.assertFalse(down.octets.endswith(RECONNECT))
        self.assertEqual(await client.up(RECONNECT), 404)
