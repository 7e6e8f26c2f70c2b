"""WebSockets through a whole gateway, with autobahn at both ends."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

from autobahn.websocket.types import ConnectionDeny
from twisted.internet.error import ConnectionDone

from gateway import wire
from tests.net.harness import DOMAIN, SHOP, WS, GatewayCase, host_of
from tests.net.peers import CHUNK, SocketCase, websocket_origin
from tests.net.raw import Message, Origin, reply, until

KEY = base64.b64encode(b"k" * 16)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BOUND = 32 * 2**20
"""What kernels and buffers on the way may hold; far below what the tests try to send."""


def accept(seen: Message, *fields: bytes) -> bytes:
    """A 101 made by hand."""
    digest = hashlib.sha1(seen.get(b"sec-websocket-key") + _GUID).digest()
    head = (
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest),
        *fields,
    )
    return b"\r\n".join(head) + b"\r\n\r\n"


def handshake(target: str, cookie: bytes, *fields: bytes) -> bytes:
    """A client's handshake made by hand."""
    lines = (
        f"GET {target} HTTP/1.1".encode(),
        f"Host: {host_of(WS)}".encode(),
        b"Upgrade: websocket",
        b"Connection: keep-alive, Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + KEY,
        f"Origin: https://{host_of(SHOP)}".encode(),
        b"Cookie: " + cookie,
        *fields,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n"


class HandshakeTests(SocketCase):
    """The upstream is dialled first, and its answer is the client's."""

    async def test_upstream_request(self) -> None:
        """Host without default port, the expanded Origin, the target and fields as they were."""
        origin = Origin(lambda seen: accept(seen, b"Sec-WebSocket-Protocol: b"))
        gateway = await self.gateway({WS: origin})
        client = await gateway.connect()
        extra = (
            b"Sec-WebSocket-Protocol: a, b",
            b"Sec-WebSocket-Extensions: permessage-deflate",
            b"User-Agent: ua",
        )
        client.write(handshake(gateway.with_token("//x?;%zz"), gateway.cookie, *extra))
        answer = await client.response(bodyless=True)
        seen = origin.requests[0]
        self.assertEqual(seen.line, b"GET //x?;%zz HTTP/1.1")
        self.assertEqual(seen.get(b"host"), b"ws.site.example")
        self.assertEqual(seen.get(b"origin"), SHOP.encode())
        self.assertEqual(seen.get(b"sec-websocket-protocol"), b"a, b")
        self.assertEqual(seen.get(b"user-agent"), b"ua")
        self.assertIsNone(seen.get(b"sec-websocket-extensions"))
        self.assertIsNone(seen.get(b"cookie"))
        self.assertNotEqual(seen.get(b"sec-websocket-key"), KEY)
        self.assertEqual((answer.status, answer.get(b"sec-websocket-protocol")), (101, b"b"))
        digest = base64.b64encode(hashlib.sha1(KEY + _GUID).digest())
        self.assertEqual(answer.get(b"sec-websocket-accept"), digest)
        self.assertEqual(
            answer.get(b"sec-websocket-extensions"),
            b"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        )
        self.assertIsNone(answer.get(b"server"))

    async def test_bodies_on_disk(self) -> None:
        """Bodies of all requests together are bounded, and a handshake's is forgotten with it."""
        gateway = await self.gateway(
            {WS: Origin(accept), SHOP: Origin(reply(b"x"))}, spool_bytes=900
        )
        site = gateway.service.site
        for size, status in ((901, 503), (900, 200), (900, 200)):
            client = await gateway.connect()
            line = f"POST {gateway.with_token('/')} HTTP/1.1\r\nHost: {host_of(SHOP)}\r\nCookie: "
            length = b"\r\nContent-Length: %d\r\n\r\n" % size
            client.write(line.encode() + gateway.cookie + length + b"b" * size)
            self.assertEqual((await client.response()).status, status, size)
            await until(lambda: site.spooled == 0)
        client = await gateway.connect()
        client.write(
            handshake(gateway.with_token("/"), gateway.cookie, b"Content-Length: 5") + b"hello"
        )
        self.assertEqual((await client.response(bodyless=True)).status, 101)
        self.assertEqual(site.spooled, 0)

    async def test_challenge(self) -> None:
        """An upstream's 401 comes with its challenges, its 503 with the time to wait."""
        challenges = (b'WWW-Authenticate: Basic realm="a"', b"WWW-Authenticate: Bearer")
        for status, fields in ((b"401 No", challenges), (b"503 No", (b"Retry-After: 7",))):
            origin = Origin(reply(b"secret body", *fields, b"X-Other: y", status=status))
            gateway = await self.gateway({WS: origin})
            client = await gateway.connect()
            client.write(handshake(gateway.with_token("/"), gateway.cookie))
            answer = await client.response()
            self.assertEqual(answer.status, int(status[:3]))
            for name, _, value in (field.partition(b": ") for field in fields):
                self.assertIn(value, answer.all(name.lower()))
            self.assertIsNone(answer.get(b"x-other"))
            self.assertNotIn(b"secret body", answer.body)

    async def test_odd_heads(self) -> None:
        """An answer's head that never ends, or is not UTF-8, is a failure and no traceback."""
        endless = b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"a" * 40_000
        for answer in (endless, b"HTTP/1.1 101 \xff\xfe\r\nX: \xe9\r\n\r\n"):
            origin = Origin(lambda _, answer=answer: answer)
            gateway = await self.gateway({WS: origin}, response_header_bytes=32_768)
            client = await gateway.connect()
            client.write(handshake(gateway.with_token("/"), gateway.cookie))
            self.assertEqual((await client.response()).status, 502)
            await until(lambda: origin.connections[0].ended)
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_port(self) -> None:
        """A port that is not the default is in Host and Origin."""
        origin = Origin(lambda seen: accept(seen))
        gateway = await self.gateway({"https://ws.site.example": origin})
        client = await self.dial(gateway, to="https://ws.site.example:8443")
        self.assertTrue(client.opened)
        self.assertEqual(origin.requests[0].get(b"host"), b"ws.site.example:8443")

    async def test_subprotocols(self) -> None:
        """The upstream's choice reaches the client; so does that it chose none."""
        for choice in ("b", None):
            upstream = websocket_origin(lambda _: choice)
            gateway = await self.gateway({WS: upstream})
            client = await self.dial(gateway, protocols=("a", "b"))
            self.assertTrue(client.opened)
            self.assertEqual(client.websocket_protocol_in_use, choice)
            self.assertEqual(upstream.peers[0].request.protocols, ["a", "b"])

    async def test_choice_that_was_not_offered(self) -> None:
        """The client gets 502 and no 101."""
        origin = Origin(lambda seen: accept(seen, b"Sec-WebSocket-Protocol: z"))
        gateway = await self.gateway({WS: origin})
        for offer in ((), (b"Sec-WebSocket-Protocol: a",)):
            client = await gateway.connect()
            client.write(handshake(gateway.with_token("/"), gateway.cookie, *offer))
            self.assertEqual((await client.response()).status, 502)
        await until(lambda: all(one.ended for one in origin.connections))

    async def test_refusals(self) -> None:
        """The upstream's status reaches the client in place of 101; a redirect is a 502."""
        for status, expected in ((403, 403), (404, 404), (503, 503), (302, 502), (200, 502)):
            origin = Origin(reply(b"no", b"Location: /x", status=b"%d No" % status))
            gateway = await self.gateway({WS: origin})
            client = await gateway.connect()
            client.write(handshake(gateway.with_token("/"), gateway.cookie))
            self.assertEqual((await client.response()).status, expected, status)
            self.assertEqual(gateway.service.sockets.count, 0)

        def deny(_: object) -> None:
            raise ConnectionDeny(401, "no")

        gateway = await self.gateway({WS: websocket_origin(deny)})
        client = await self.dial(gateway)
        self.assertFalse(client.opened)
        self.assertIn("401", client.http_status_line)

    async def test_upstream_down(self) -> None:
        """An upstream that is not there is 502, one that never answers 504."""
        silent = Origin(lambda _: None)
        gateway = await self.gateway(
            {WS: silent}, connect={"down.site.example": 1}, upstream_first_byte_seconds=1
        )
        for to, status in (("https://down.site.example", "502"), (WS, "504")):
            client = await self.dial(gateway, to=to)
            self.assertIn(status, client.http_status_line)
        await until(lambda: silent.connections[0].ended)

    async def test_a_host_that_nothing_can_name(self) -> None:
        """It is an upstream's fault, told as such, and no place stays taken."""
        gateway = await self.gateway(rules='[[access]]\norigin = "*"\n')
        for host in ("a$b.example", "a..b.example"):
            proof = f"/?{wire.ORIGIN_PARAMETER}=" + quote(f"https://{host}", safe="")
            client = await self.dial(gateway, proof, to=f"https://{host}")
            self.assertIn("502", client.http_status_line, host)
        self.assertEqual(gateway.service.sockets.counts.total, 0)

    async def test_client_leaves(self) -> None:
        """A client that goes while the upstream is dialled takes the dial with it."""
        origin = Origin(lambda _: None)
        gateway = await self.gateway({WS: origin})
        client = await gateway.connect()
        client.write(handshake(gateway.with_token("/"), gateway.cookie))
        await until(lambda: origin.requests)
        client.transport.abortConnection()
        await until(lambda: origin.connections[0].ended)
        await until(lambda: gateway.telemetry.accesses)
        self.assertEqual(gateway.telemetry.accesses[0]["failure"], "client left")

    async def test_cookies(self) -> None:
        """Set-Cookie of an upgrade or refusal goes to the jar, each field by itself."""
        date = b"Expires=Fri, 01 Jan 2100 00:00:00 GMT"
        fields = (b"Set-Cookie: a=1; " + date, b"Set-Cookie: b=2; " + date)
        origin = Origin(
            lambda seen: (
                accept(seen, *fields)
                if seen.target == b"/"
                else reply(b"", b"Set-Cookie: c=3", status=b"403 No")
            )
        )
        gateway = await self.gateway({WS: origin})
        for target in ("/no", "/", "/"):
            client = await gateway.connect()
            client.write(handshake(gateway.with_token(target), gateway.cookie))
            answer = await client.response(bodyless=target == "/")
            for one in answer.all(b"set-cookie"):
                self.assertTrue(one.startswith(wire.SYNC_PREFIX), one)
        cookies = [seen.get(b"cookie") for seen in origin.requests]
        self.assertEqual(cookies, [None, b"c=3", b"c=3; a=1; b=2"])

    async def test_wrong_origins(self) -> None:
        """No Origin, null, and pages that are not ours are refused before anything is dialled."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream})
        for origin in (None, "null", "https://evil.example", f"https://www.0.{DOMAIN}", SHOP):
            client = await self.dial(gateway, origin=origin)
            self.assertIn("403", client.http_status_line, origin)
        self.assertEqual(upstream.peers, [])
        self.assertIn("origin.denied", gateway.telemetry.codes())

    async def test_data_behind_the_handshakes(self) -> None:
        """Frames in one segment with a handshake, from either side, are not lost."""
        origin = Origin(lambda seen: accept(seen) + b"\x81\x05early")
        gateway = await self.gateway({WS: origin})
        client = await gateway.connect()
        masked = b"\x81\x83\0\0\0\0abc"
        client.write(handshake(gateway.with_token("/"), gateway.cookie) + masked)
        await client.response(bodyless=True)
        await until(lambda: client.buffer == b"\x81\x05early")
        await until(lambda: b"\x81\x83" in origin.connections[0].buffer)


class RelayedTests(SocketCase):
    """What goes to and fro when both sides are open."""

    async def test_messages(self) -> None:
        """Text stays text, binary binary; empty, fragmented and large ones stay whole."""
        gateway, client, server = await self.pair({"echoes": True})
        sent = [(b"", False), (b"", True), ("ä€😀".encode(), False), (bytes(range(256)), True)]
        for payload, binary in sent:
            client.sendMessage(payload, isBinary=binary)
        client.sendMessage(b"fragmented" * 100, fragmentSize=7)
        client.sendMessage(b"x" * 1_000_000, isBinary=True)
        await until(lambda: client.received >= 1_001_000)
        sent.append((b"fragmented" * 100, False))
        self.assertEqual(server.messages, sent)
        self.assertEqual(client.messages, sent)
        client.close(1000)
        await until(lambda: gateway.telemetry.accesses)
        access = gateway.telemetry.accesses[0]
        self.assertEqual(access["messages_received"], 6)
        self.assertEqual(access["received"], access["sent"])

    async def test_close_codes(self) -> None:
        """A code and reason arrive at the other end, from either; none is none; a drop 1006."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream})
        cases = [
            (1000, b"done"),
            (1011, b"\xc3\xa4"),
            (3000, b"x" * 123),
            (4999, b"bye"),
            (None, None),
        ]
        plain = (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1012, 1013, 1014, 3999, 4000)
        cases += [(code, None) for code in plain]
        for code, reason in cases:
            for by_client in (True, False):
                client = await self.dial(gateway)
                await until(lambda: upstream.peers[-1].opened)
                ends = (client, upstream.peers[-1])
                closing, told = ends if by_client else ends[::-1]
                closing.close(code, reason)
                await until(lambda: client.ended and upstream.peers[-1].ended)
                expected = (True, code, reason.decode() if reason else None)
                self.assertEqual(told.ended, expected, (code, by_client))
                self.assertEqual(closing.ended[:2], (True, code), (code, by_client))
                await until(lambda client=client: hasattr(client, "lost_by"))
                # A browser that is reset says that nothing ended in order.
                self.assertIs(client.lost_by, ConnectionDone, (code, by_client))
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_drops(self) -> None:
        """A side that vanishes makes the other see 1006, not a clean end."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream})
        for by_client in (True, False):
            client = await self.dial(gateway)
            await until(lambda: upstream.peers[-1].opened)
            dropping, told = (
                (client, upstream.peers[-1]) if by_client else (upstream.peers[-1], client)
            )
            dropping.drop()
            await until(lambda: told.ended)
            self.assertEqual(told.ended[:2], (False, 1006), by_client)

    async def test_too_large(self) -> None:
        """A message beyond the bound ends both sides with 1009, from whichever it came."""
        for by_client in (True, False):
            for size in ({}, {"fragmentSize": 400}):
                _, client, server = await self.pair(websocket_message_bytes=1000)
                sender = client if by_client else server
                sender.sendMessage(b"x" * 1000, **size)
                other = server if by_client else client
                await until(lambda: other.messages)
                sender.sendMessage(b"x" * 1001, **size)
                await until(lambda: client.ended and server.ended)
                self.assertEqual((client.code, server.code), (1009, 1009), (by_client, size))

    async def test_too_large_and_another_reply(self) -> None:
        """The other side hears 1009 also where the offender replies with 1000, as autobahn does."""
        for by_client in (True, False):
            _, client, server = await self.pair(
                {"echoCloseCodeReason": False},
                {"echoes_codes": False},
                websocket_message_bytes=1000,
            )
            (client if by_client else server).sendMessage(b"x" * 1001)
            await until(lambda: client.ended and server.ended)
            self.assertEqual((client.code, server.code), (1009, 1009), by_client)

    async def test_bad_frames(self) -> None:
        """Text that is not UTF-8 is 1007, an unmasked frame 1002; the upstream hears of it."""
        for frame, code in ((b"\x81\x82\0\0\0\0\xff\xff", 1007), (b"\x81\x01a", 1002)):
            _, client, server = await self.pair()
            client.transport.write(frame)
            await until(lambda: server.ended and client.ended)
            self.assertEqual((client.code, server.code), (code, code))

    async def test_pings(self) -> None:
        """The gateway pings both sides; they that answer stay."""
        _, client, server = await self.pair(websocket_ping_seconds=1, websocket_pong_seconds=5)
        await until(lambda: client.pings > 1 and server.pings > 1)
        self.assertEqual((client.ended, server.ended), (None, None))

    async def test_no_pong(self) -> None:
        """A side that answers no ping is gone: the other one sees 1006."""
        _, client, server = await self.pair(
            None, {"answers_pings": False}, websocket_ping_seconds=1, websocket_pong_seconds=2
        )
        await until(lambda: server.ended and client.ended)
        self.assertEqual((client.code, server.code), (1006, 1006))
        self.assertGreater(client.pings, 0)

    async def test_backpressure(self) -> None:
        """A side that reads nothing stops the other; all arrives once it reads on."""
        for by_client in (True, False):
            gateway, client, server = await self.pair()
            sender, reader = (client, server) if by_client else (server, client)
            reader.stop_reading()
            sender.flood(1024)
            (relay,) = gateway.service.sockets._relays
            await until(lambda: sender.congested and relay._stalls)
            self.assertLess(sender.sent, BOUND, by_client)
            sender.left = 0
            reader.read_on()
            await until(lambda: reader.received == sender.sent)
            self.assertEqual(sender.sent % len(CHUNK), 0)
            self.assertEqual((client.ended, server.ended), (None, None))

    async def test_messages_cross_a_close(self) -> None:
        """Messages under way to a side that is closing are dropped; the code arrives all the same."""
        for by_client in (True, False):
            _, client, server = await self.pair()
            closing, sender = (client, server) if by_client else (server, client)
            sender.flood(500)
            await until(lambda: closing.received)
            closing.close(3000)
            await until(lambda: client.ended and server.ended)
            self.assertEqual((self.flushLoggedErrors(), sender.code), ([], 3000), by_client)


class NativeTests(GatewayCase):
    """Clients that are no page of ours, where a rule opens the destination to them."""

    async def test_native(self) -> None:
        """Without Origin the upstream gets none; another one passes as it is."""
        origin = Origin(lambda seen: accept(seen))
        rules = '[[access]]\norigin = "https://*.site.example"\nnative = true\n'
        gateway = await self.gateway({WS: origin}, rules=rules)
        ours = b"Origin: https://" + host_of(SHOP).encode() + b"\r\n"
        for field in (b"", b"Origin: https://else.example\r\n"):
            client = await gateway.connect()
            client.write(handshake("/", gateway.cookie).replace(ours, field))
            self.assertEqual((await client.response(bodyless=True)).status, 101)
        seen = [one.get(b"origin") for one in origin.requests]
        self.assertEqual(seen, [None, b"https://else.example"])
