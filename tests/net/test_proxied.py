"""The PROXY protocol: headers as octets, then over real sockets, before TLS."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import ssl
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.net.proxied import Header, Malformed, read_header
from tests.net.h2client import Http2Factory
from tests.net.harness import DOMAIN, SHOP, WS, Gateway, GatewayCase, ca, request
from tests.net.raw import Connection, Origin, reply, until
from tests.net.test_websocket import accept, handshake

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443\r\n"
V1_SIX = b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n"
UNKNOWN = b"PROXY UNKNOWN\r\n"


def block(
    source: str = "203.0.113.9",
    *,
    command: int = 0x21,
    family: int | None = None,
    more: bytes = b"",
) -> bytes:
    """A header of version 2."""
    packed = ip_address(source).packed
    body = packed + packed + struct.pack("!HH", 4711, 443) + more
    kind = family if family is not None else (0x11 if len(packed) == 4 else 0x21)
    return SIGNATURE + bytes((command, kind)) + struct.pack("!H", len(body)) + body


class HeaderTests(SynchronousTestCase):
    """Octets in, header out."""

    def test_sound(self) -> None:
        """Whom it names, and where what follows begins; never before it is whole."""
        unix = SIGNATURE + b"\x21\x31" + struct.pack("!H", 216) + b"/run/x".ljust(216, b"\0")
        for data, client in (
            (V1, "203.0.113.9"), (V1_SIX, "2001:db8::7"), (UNKNOWN, None),
            (b"PROXY UNKNOWN 203.0.113.9 192.0.2.1 1 2\r\n", None),
            (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", None),
            (b"PROXY TCP6 " + b":".join([b"ffff"] * 8) + b" " + b":".join([b"ffff"] * 8) + b" 65535 65535\r\n",
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            (block(), "203.0.113.9"), (block("2001:db8::7"), "2001:db8::7"),
            (block(more=b"\x20\x00\x05tlvs!"), "203.0.113.9"),
            (block(command=0x20), None), (block(command=0x20, family=0x11), None),
            (SIGNATURE + b"\x20\x00\x00\x00", None), (SIGNATURE + b"\x21\x00\x00\x00", None),
            (unix, None),
        ):  # fmt: skip
            with self.subTest(data=data):
                for rest in (b"", b"\x16\x03\x01", data):
                    found = read_header(data + rest)
                    assert isinstance(found, Header)
                    self.assertEqual((found.client, found.size), (client, len(data)))
                for end in range(len(data)):
                    self.assertIsNone(read_header(data[:end]), data[:end])

    def test_malformed(self) -> None:
        """Everything else is refused, as soon as it cannot become one."""
        for data in (
            b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n\r\n", b"PROXX", b"PROXY\t", b"proxy TCP4",
            b"PROXY \r\n", b"PROXY TCP4\r\n", b"PROXY TCP5 203.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1\r\n", b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2 3\r\n",
            b"PROXY TCP4 203.0.113.9  192.0.2.1 1 2\r\n", b"PROXY TCP4 a 192.0.2.1 1 2\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 01 2\r\n", b"PROXY TCP4 203.0.113.9 192.0.2.1 1 65536\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 +1 2\r\n", b"PROXY TCP4 203.0.113.09 192.0.2.1 1 2\r\n",
            b"PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n", b"PROXY TCP6 203.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", b"PROXY TCP4 \xb2.0.113.9 192.0.2.1 1 2\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1 \xc2\xb2\r\n",
            b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n", b"PROXY " + b"f" * 200,
            SIGNATURE + b"\x11", SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12),
            block(command=0x22), block(command=0x2F), block(family=0x12), block(family=0x22),
            block(family=0x13), block(family=0x21), block(family=0x41), block(family=0x31),
            SIGNATURE + b"\x21\x11\x00\x0b" + bytes(11), SIGNATURE + b"\x21\x11\xff\xff",
        ):  # fmt: skip
            with self.subTest(data=data):
                self.assertRaises(Malformed, read_header, data)

    @given(st.binary(max_size=300), st.sampled_from((b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE)))
    def test_anything(self, data: bytes, start: bytes) -> None:
        """A header within the octets, a wish for more, or ``Malformed``."""
        try:
            found = read_header(start + data)
        except Malformed as error:
            self.assertNotIn("\\x", str(error))
        else:
            self.assertTrue(found is None or found.size <= len(start + data))


class BalancedTests(GatewayCase):
    """A whole gateway behind a balancer that is this test."""

    async def balanced(
        self, listed: str = "127.0.0.0/8", origins: dict[str, Any] | None = None, **more: Any
    ) -> Gateway:
        """A gateway that believes these balancers."""
        known = {SHOP: Origin(lambda seen: reply(seen.target)), **(origins or {})}
        return await self.gateway(known, http=f'proxy-from = ["{listed}"]', **more)

    async def through(
        self, gateway: Gateway, *parts: bytes, factory: Factory | None = None
    ) -> Connection:
        """TLS after a header that is sent in these parts, each in a packet of its own."""
        raw = await self.client(gateway.port, None)
        raw.transport.setTcpNoDelay(True)
        for part in parts:
            raw.write(part)
            await until(lambda: not raw.transport._tempDataBuffer and not raw.transport.dataBuffer)
        return self.with_tls(raw, factory)

    @staticmethod
    def with_tls(raw: Connection, factory: Factory | None = None) -> Connection:
        """Begin TLS on a connection that is there."""
        root = ssl.Certificate.loadPEM(ca().certificate_file.read_bytes())
        offers = getattr(factory, "offers", ())
        options = ssl.optionsForClientTLS(DOMAIN, root, acceptableProtocols=[*offers] or None)
        made = factory or Factory.forProtocol(Connection)
        wrapped = TLSMemoryBIOFactory(options, True, made)
        protocol: Any = wrapped.buildProtocol(None)
        forward: Any = protocol.dataReceived
        raw.dataReceived = forward  # type: ignore[method-assign]
        lost = raw.connectionLost

        def connection_lost(reason: Any = None) -> None:
            lost(reason)
            protocol.connectionLost(reason)

        raw.connectionLost = connection_lost  # type: ignore[method-assign]
        protocol.makeConnection(raw.transport)
        inner: Connection = protocol.wrappedProtocol
        return inner

    async def client_seen(self, gateway: Gateway, *parts: bytes) -> str:
        """Whose request the gateway logs."""
        count = len(gateway.telemetry.accesses)
        client = await self.through(gateway, *parts)
        client.write(request(f"{SHOP}/x", b"Cookie: " + gateway.cookie, b"Sec-Fetch-Dest: empty",
                             b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Site: same-origin"))  # fmt: skip
        answer = await client.response()
        self.assertEqual((answer.status, answer.body), (200, b"/x"))
        await until(lambda: len(gateway.telemetry.accesses) > count)
        client.transport.abortConnection()
        return gateway.telemetry.accesses[-1]["client"]

    async def test_headers(self) -> None:
        """The client is whom the balancer names; the balancer itself where it names nobody."""
        gateway = await self.balanced()
        for header, client in (
            (V1, "203.0.113.9"), (V1_SIX, "2001:db8::7"), (UNKNOWN, "127.0.0.1"),
            (block(), "203.0.113.9"), (block("2001:db8::7"), "2001:db8::7"),
            (block("::ffff:203.0.113.9"), "203.0.113.9"), (block(command=0x20), "127.0.0.1"),
        ):  # fmt: skip
            self.assertEqual(await self.client_seen(gateway, header), client)
        self.assertNotIn(events.PROXY_HEADER, gateway.telemetry.codes())

    async def test_split_at_each_octet(self) -> None:
        """A header may come in any two parts, or octet by octet."""
        gateway = await self.balanced()
        for header in (V1, block()):
            for at in range(1, len(header)):
                client = await self.through(gateway, header[:at], header[at:])
                client.write(b"GET / HTTP/1.1\r\nHost: " + DOMAIN.encode() + b"\r\n\r\n")
                self.assertEqual((await client.response()).status, 200)
                client.transport.abortConnection()
            single = [header[at : at + 1] for at in range(len(header))]
            self.assertEqual(await self.client_seen(gateway, *single), "203.0.113.9")

    async def test_together_with_tls(self) -> None:
        """What stands behind the header in one packet is TLS's."""
        gateway = await self.balanced()
        raw = await self.client(gateway.port, None)
        written: list[bytes] = []
        write, raw.transport.write = raw.transport.write, written.append
        client = self.with_tls(raw)
        raw.transport.write = write
        self.assertTrue(written)
        raw.write(V1 + b"".join(written))
        client.write(b"GET / HTTP/1.1\r\nHost: " + DOMAIN.encode() + b"\r\n\r\n")
        self.assertEqual((await client.response()).status, 200)
        await until(lambda: gateway.telemetry.accesses)
        self.assertEqual(gateway.telemetry.accesses[-1]["client"], "203.0.113.9")

    async def test_not_listed(self) -> None:
        """Whose word does not count speaks TLS at once: a header there is none, and fails."""
        gateway = await self.balanced("203.0.113.0/24")
        raw = await self.client(gateway.port, None)
        raw.write(V1 + b"GET / HTTP/1.1\r\nHost: " + DOMAIN.encode() + b"\r\n\r\n")
        await raw.closed()
        self.assertEqual(gateway.telemetry.accesses, [])
        self.assertEqual((await self.portal(gateway)).status, 200)
        self.assertEqual(gateway.telemetry.accesses[-1]["client"], "127.0.0.1")

    async def portal(self, gateway: Gateway) -> Any:
        """The portal, over TLS from the first octet on."""
        client = await gateway.connect()
        client.write(b"GET / HTTP/1.1\r\nHost: " + DOMAIN.encode() + b"\r\n\r\n")
        answer = await client.response()
        client.transport.abortConnection()
        await client.closed()
        await until(lambda: gateway.telemetry.accesses)
        return answer

    async def test_dropped(self) -> None:
        """No header, a bad one, half a one for too long: the end, and an event."""
        gateway = await self.balanced(proxy_header_seconds=1)
        for data in (
            b"\x16\x03\x01\x02\x00",
            b"PROXY TCP4 a b 1 2\r\n",
            block(command=0x22),
            b"",
            V1[:9],
        ):
            del gateway.telemetry.events[:]
            raw = await self.client(gateway.port, None)
            if data:
                raw.write(data)
            await raw.closed()
            self.assertEqual(raw.buffer, b"")
            (event,) = gateway.telemetry.events
            self.assertEqual((event["code"], event["client"]), (events.PROXY_HEADER, "127.0.0.1"))
        self.assertEqual(gateway.telemetry.value("gateway_connections"), 0)

    async def test_limits_count_the_client(self) -> None:
        """Connections are counted for the client's address, not for the balancer's."""
        gateway = await self.balanced(connections_per_address=1)
        first = await self.through(gateway, V1)
        first.write(b"GET / HTTP/1.1\r\nHost: " + DOMAIN.encode() + b"\r\n\r\n")
        self.assertEqual((await first.response()).status, 200)
        second = await self.client(gateway.port, None)
        second.write(block())
        await second.closed()
        self.assertIn("connections-per-address", gateway.telemetry.limits())
        self.assertEqual(await self.client_seen(gateway, V1_SIX), "2001:db8::7")

    async def test_waiting_is_bounded(self) -> None:
        """Those whose header is not there yet are so many, and end with the listener."""
        gateway = await self.balanced(connections=2)
        waiting = [await self.client(gateway.port, None) for _ in range(2)]
        third = await self.client(gateway.port, None)
        await third.closed()
        self.assertIn("connections", gateway.telemetry.limits())
        await gateway.service.stopService()
        for one in waiting:
            await one.closed()

    async def test_redirects(self) -> None:
        """The plain listener reads it too; the admin listener never does."""
        text = 'redirect-listen = ["tcp:0:interface=127.0.0.1"]\nproxy-from = ["127.0.0.1"]'
        gateway = await self.gateway({}, http=text)
        plain = b"GET /x HTTP/1.1\r\nHost: " + DOMAIN.encode() + b"\r\n\r\n"
        connection = await self.client(gateway.service._ports[1].getHost().port, None)
        connection.write(V1 + plain)
        answer = await connection.response()
        self.assertEqual(
            (answer.status, answer.get(b"location")), (308, f"https://{DOMAIN}/x".encode())
        )
        for data, status in ((V1, 400), (b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 200)):
            admin = await self.client(gateway.admin_port, None)
            admin.write(data)
            self.assertEqual((await admin.response()).status, status)

    async def test_http2(self) -> None:
        """The client's address holds for each stream of a connection."""
        gateway = await self.balanced(http2=True)
        client: Any = await self.through(gateway, block(), factory=Http2Factory())
        for _ in range(2):
            answer = await client.ask(f"{SHOP}/").done()
            self.assertLess(answer.status, 500)
        await until(lambda: len(gateway.telemetry.accesses) == 2)
        seen = {access["client"] for access in gateway.telemetry.accesses}
        self.assertEqual(seen, {"203.0.113.9"})
        client.transport.abortConnection()

    async def test_websocket(self) -> None:
        """A connection that becomes a WebSocket's takes what stands before TLS with it."""
        sockets = Origin(accept)
        gateway = await self.balanced(origins={WS: sockets})
        client = await self.through(gateway, V1)
        client.write(handshake(gateway.with_token("/ws"), gateway.cookie))
        self.assertEqual((await client.response()).status, 101)
        sockets.connections[0].transport.write(b"\x81\x02hi")
        await until(lambda: client.buffer == b"\x81\x02hi")
        client.transport.abortConnection()
        await until(lambda: gateway.telemetry.accesses)
        self.assertEqual(gateway.telemetry.accesses[-1]["client"], "203.0.113.9")
        await until(lambda: not gateway.telemetry.value("gateway_connections"))
