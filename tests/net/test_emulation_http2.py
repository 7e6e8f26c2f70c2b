"""The fallback over HTTP/2: all of one WebSocket's requests on one connection."""

from __future__ import annotations

from gateway.websocket.emulation.frames import message
from tests.net.emulated import CLOSE, PAGE, RECONNECT, text
from tests.net.h2client import Http2Case
from tests.net.harness import WS
from tests.net.peers import SocketCase, websocket_origin
from tests.net.raw import until


class Http2Tests(Http2Case, SocketCase):
    """Streams beside each other."""

    async def test_whole_life(self) -> None:
        """Create, a stream, messages both ways, a pace of its own, the end."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream}, http2=True, websocket_close_seconds=2)
        client = await self.open(gateway)
        origin, page = (b"origin", PAGE), []

        def fields(number: int) -> list[tuple[bytes, bytes]]:
            return [origin, (b"x-sequence-no", b"%d" % number), *page]

        create = client.ask(
            WS + gateway.with_token("/ws/;e/cbm"), *fields(0),
            (b"x-websocket-version", b"wseb-1.0"), (b"x-websocket-extensions", b"x-gw-close"),
            method=b"POST", body=b"",
        )  # fmt: skip
        await create.done()
        self.assertEqual(
            (create.status, create.get(b"x-websocket-extensions")), (201, b"x-gw-close")
        )
        up, down = (WS + "/ws/" + url.partition("/ws/")[2] for url in create.body.decode().split())
        stream = client.ask(down, *fields(1))
        await until(lambda: stream.status)
        self.assertEqual((stream.status, stream.get(b"connection")), (200, None))
        self.assertEqual(stream.get(b"x-accel-buffering"), b"no")
        first = client.ask(up, *fields(1), method=b"POST", body=text("a") + RECONNECT)
        await first.done()
        server = upstream.peers[0]
        self.assertEqual((first.status, server.messages), (200, [(b"a", False)]))
        server.sendMessage(b"b", True)
        await until(lambda: stream.body == b"\x80\x01b")
        client.acknowledging = False  # the stream's window closes, the connection's does not
        server.flood(300)
        await until(lambda: server.congested)
        self.assertLess(server.sent, 20 * 2**20)
        client.acknowledging, client.keep = True, False
        stream.acknowledge()
        await until(lambda: stream.ended)
        client.keep = True
        stream = client.ask(down, *fields(2))
        await until(lambda: not server.left)
        large = message(b"m" * 200_000, binary=True)
        second = client.ask(up, *fields(2), method=b"POST", body=large + RECONNECT)
        await second.done()
        await until(lambda: server.received == 1 + 200_000)
        last = client.ask(up, *fields(3), method=b"POST", body=CLOSE + RECONNECT)
        await last.done()
        await stream.done()
        self.assertTrue(stream.body.endswith(CLOSE + RECONNECT))
        await until(lambda: server.ended)

    async def test_lost(self) -> None:
        """A stream that the client resets is a lost connection; here it ends, without RECONNECT."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream}, http2=True, websocket_close_seconds=2)
        client = await self.open(gateway)
        for by_client in (True, False):
            create = client.ask(
                WS + gateway.with_token("/ws/;e/cbm"), (b"origin", PAGE), (b"x-sequence-no", b"0"),
                (b"x-websocket-version", b"wseb-1.0"), method=b"POST", body=b"",
            )  # fmt: skip
            await create.done()
            down = WS + "/ws/" + create.body.decode().split()[1].partition("/ws/")[2]
            stream = client.ask(down, (b"origin", PAGE), (b"x-sequence-no", b"1"))
            await until(lambda stream=stream: stream.status)
            server = upstream.peers[-1]
            if by_client:
                client.conn.reset_stream(stream.stream)
                client.flush()
                await until(lambda server=server: server.ended)
            else:
                server.sendMessage(b"last", False)
                server.leave()
                await stream.done()
                self.assertEqual(stream.body, text("last"))
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_as_it_comes(self) -> None:
        """Frames of a stream that is still open are taken; one that is reset fails the connection."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream}, http2=True, websocket_close_seconds=2)
        client = await self.open(gateway)
        for end in ("whole", "reset", "vanishes"):
            create = client.ask(
                WS + gateway.with_token("/ws/;e/cbm"), (b"origin", PAGE), (b"x-sequence-no", b"0"),
                (b"x-websocket-version", b"wseb-1.0"), method=b"POST", body=b"",
            )  # fmt: skip
            await create.done()
            urls = create.body.decode().split()
            up, down = (WS + "/ws/" + url.partition("/ws/")[2] for url in urls)
            fields = ((b"origin", PAGE), (b"x-sequence-no", b"1"))
            stream = client.ask(down, *fields)
            await until(lambda stream=stream: stream.status)
            server = upstream.peers[-1]
            request = client.ask(up, *fields, method=b"POST", body=text("there"), end=False)
            await until(lambda server=server: server.messages)
            if end == "whole":
                client.upload(request, text("more") + RECONNECT, end=True)
                await request.done()
                self.assertEqual(request.status, 200)
                await until(lambda server=server: len(server.messages) > 1)
                self.assertEqual(server.messages, [(b"there", False), (b"more", False)])
                continue
            if end == "reset":
                client.reset(request)
                await stream.done()
                self.assertEqual(stream.body, CLOSE + RECONNECT)
            else:
                server.drop()
                await request.broken()
                await stream.done()
                self.assertEqual((request.status, stream.body), (0, b""))
            await until(lambda server=server: server.ended)
            self.assertEqual(server.messages, [(b"there", False)])
