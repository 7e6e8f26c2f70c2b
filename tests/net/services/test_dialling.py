"""How backends are reached: TLS by policy, Unix sockets, times."""

from __future__ import annotations

import os

from twisted.internet import reactor, ssl
from twisted.internet.protocol import Factory, Protocol

from gateway import events
from tests.net.harness import ca, folder, origin_tls
from tests.net.peers import websocket_origin
from tests.net.raw import until
from tests.net.services import ServiceCase, Stream, say_again, stream_backend

HOST = "broker.site.example"
CONNACK = b"\x20\x02\x00\x00"
PUBLISH = b"\x30\x07\x00\x03a/bhi"


def broker(stream: Stream, _: bytes) -> None:
    """A broker that speaks MQTT 3.1.1 as far as this test does."""
    while stream.received:
        kind, size = stream.received[0] >> 4, stream.received[1]
        if len(stream.received) < 2 + size:
            return
        packet, stream.received = stream.received[: 2 + size], stream.received[2 + size :]
        if kind == 1:
            stream.transport.write(CONNACK)
        elif kind == 8:
            stream.transport.write(b"\x90\x03" + packet[2:4] + b"\x00")
        elif kind == 3:
            stream.transport.write(packet)
        elif kind == 14:
            stream.transport.loseConnection()


class MqttTests(ServiceCase):
    """A conversation whose packets span messages, and messages hold several."""

    async def talk(self, backend: str, *lines: str, **options: object) -> None:
        """CONNECT, SUBSCRIBE, PUBLISH and DISCONNECT."""
        gateway = await self.with_service(
            backend, 'subprotocols = ["mqtt"]', "subprotocol-required = true", *lines, **options
        )
        client = await self.open(gateway, protocols=("mqtt",))
        self.assertTrue(client.opened, client.ended)
        self.assertEqual(client.websocket_protocol_in_use, "mqtt")
        hello = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02me"
        for octet in hello:
            client.sendMessage(bytes([octet]), True)
        await until(lambda: client.received == len(CONNACK))
        client.sendMessage(b"\x82\x08\x00\x01\x00\x03a/b\x00" + PUBLISH, True)
        await until(lambda: client.received == len(CONNACK) + 5 + len(PUBLISH))
        client.sendMessage(b"\xe0\x00", True)
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1001)
        heard = b"".join(payload for payload, _ in client.messages)
        self.assertEqual(heard, CONNACK + b"\x90\x03\x00\x01\x00" + PUBLISH)
        self.assertTrue(all(binary for _, binary in client.messages))

    async def test_tcp(self) -> None:
        """Over TCP."""
        await self.talk(f"tcp://127.0.0.1:{await self.listen(stream_backend(broker))}")

    async def test_tls(self) -> None:
        """Over TLS, by the authorities of the gateway."""
        port = await self.listen(stream_backend(broker), origin_tls())
        await self.talk(f"tls://{HOST}:8883", connect={HOST: port})

    async def test_unix(self) -> None:
        """Over a Unix socket."""
        path = str(folder() / f"{os.urandom(4).hex()}.sock")
        backend = stream_backend(broker)
        port = reactor.listenUNIX(path, backend)  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        await self.talk(f"unix:{path}")


class TlsTests(ServiceCase):
    """A certificate that will not do is a backend that is down, before anybody is answered."""

    async def test_refused(self) -> None:
        """Another authority, another name, too old a TLS; the same for streams and WebSockets."""
        table = [
            (origin_tls(authority="others"), "", False),
            (origin_tls("other.example"), "", False),
            (origin_tls(authority="others"), f'trust = ["{ca("others").certificate_file}"]', True),
            (origin_tls(), "", True),
        ]
        for kind in ("tls", "wss"):
            for tls, lines, wanted in table:
                backend = stream_backend(say_again) if kind == "tls" else websocket_origin()
                port = await self.listen(backend, tls)
                gateway = await self.with_service(
                    f"{kind}://{HOST}:8883", lines, connect={HOST: port}
                )
                client = await self.open(gateway)
                self.assertEqual(client.opened, wanted, (kind, lines))
                if not wanted:
                    self.assertIn("503", client.http_status_line)
                    (down,) = [
                        one
                        for one in gateway.telemetry.events
                        if one["code"] == events.SERVICE_DOWN
                    ]
                    self.assertIn("certificate", down["detail"])
                    self.assertIn("service main", down["rule"])


class IdentityTests(ServiceCase):
    """A backend that asks for a certificate of the gateway's."""

    async def test_client_certificate(self) -> None:
        """Gets the service's; without one it is down."""
        issued = ca("clients").issue("gateway", ["gateway"], client=True)
        shown = (
            f'client-certificate = "{issued.certificate}"',
            f'client-key = "{issued.key}"',
        )
        served = ca().issue("asking", [HOST])
        pem = served.key.read_bytes() + served.certificate.read_bytes()
        root = ssl.Certificate.loadPEM(ca("clients").certificate_file.read_bytes())
        tls = ssl.PrivateCertificate.loadPEM(pem).options(root)
        for lines, wanted in ((shown, True), ((), False)):
            port = await self.listen(stream_backend(say_again), tls)
            gateway = await self.with_service(f"tls://{HOST}:8883", *lines, connect={HOST: port})
            client = await self.open(gateway)
            if wanted:
                client.sendMessage(b"x", True)
                await until(lambda client=client: client.messages == [(b"x", True)])
            else:
                # TLS 1.3 tells of a missing certificate only after the handshake.
                await until(lambda client=client: client.ended)

    async def test_cut_short(self) -> None:
        """A stream that ends without TLS's own end is one that broke."""
        backend = stream_backend()
        port = await self.listen(backend, origin_tls())
        gateway = await self.with_service(f"tls://{HOST}:8883", connect={HOST: port})
        client = await self.open(gateway)
        backend.streams[0].transport.transport.loseConnection()
        await until(lambda: client.ended)
        self.assertEqual(client.ended[:2], (False, 1006))


class Silent(Protocol):
    """Accepts and says nothing."""


class TimeTests(ServiceCase):
    """A backend that accepts and says nothing is down, too."""

    async def test_no_handshake(self) -> None:
        """Neither TLS nor HTTP."""
        factory = Factory.forProtocol(Silent)
        for kind in ("tls", "ws"):
            port = await self.listen(factory)
            gateway = await self.with_service(f"{kind}://127.0.0.1:{port}", "connect-seconds = 1")
            client = await self.open(gateway)
            self.assertIn("503", client.http_status_line)

    async def test_unix_socket_without_listener(self) -> None:
        """Is down as any other."""
        gateway = await self.with_service(f"unix:{folder()}/nobody.sock")
        client = await self.open(gateway)
        self.assertIn("503", client.http_status_line)
