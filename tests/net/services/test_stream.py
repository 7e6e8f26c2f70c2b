"""Streams as legs, through a whole gateway: pace, ends, and text."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.services.stream import StreamLeg
from tests.net.harness import origin_tls
from tests.net.peers import CHUNK, ClientPeer
from tests.net.raw import until
from tests.net.services import Pump, ServiceCase, Stream, say_again, stream_backend


class EarlyTests(SynchronousTestCase):
    """Before there is a relay."""

    def test_bound(self) -> None:
        """A greeting is read on behind, more than that is not."""
        leg, transport = StreamLeg(Clock(), 1), StringTransport()
        leg.makeConnection(transport)
        leg.dataReceived(b"x" * 65536)
        self.assertEqual(transport.producerState, "producing")
        leg.dataReceived(b"x")
        self.assertEqual(transport.producerState, "paused")


class EndTests(ServiceCase):
    """How either side's end is told to the other."""

    async def test_backend_ends(self) -> None:
        """In good order is 1001, what it said before arrives; a break is a break."""
        for abort in (False, True):
            backend = stream_backend()
            port = await self.listen(backend)
            gateway = await self.with_service(f"tcp://127.0.0.1:{port}")
            client = await self.open(gateway)
            stream = backend.streams[0]
            if abort:
                stream.transport.abortConnection()
            else:
                stream.transport.write(b"last words")
                stream.transport.loseConnection()
            await until(lambda client=client: client.ended)
            if abort:
                self.assertEqual(client.ended[:2], (False, 1006))
            else:
                self.assertEqual(client.messages, [(b"last words", True)])
                self.assertEqual(client.ended[:2], (True, 1001))
            await until(lambda gateway=gateway: gateway.service.sockets.count == 0)

    async def test_client_ends(self) -> None:
        """All that a client said is written before the stream ends."""
        backend = stream_backend()
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}")
        client = await self.open(gateway)
        for _ in range(20):
            client.sendMessage(CHUNK, True)
        client.close(1000)
        await until(lambda: backend.streams[0].ended)
        self.assertEqual(len(backend.streams[0].received), 20 * len(CHUNK))

    async def test_drain(self) -> None:
        """The client is told 1001, the stream ends, and so do those that nobody uses."""
        backend = stream_backend()
        port = await self.listen(backend)
        gateway = await self.with_service(
            f"tcp://127.0.0.1:{port}", "prepared = 1", drain_websocket_seconds=0.01
        )
        await until(lambda: len(backend.streams) == 1)
        client = await self.open(gateway)
        await until(lambda: len(backend.streams) == 2)
        await gateway.service.stopService()
        await until(lambda: client.ended and all(one.ended for one in backend.streams))
        self.assertEqual(client.code, 1001)

    async def test_backend_that_does_not_close(self) -> None:
        """Is cut after websocket-close-seconds."""
        backend = stream_backend()
        port = await self.listen(backend, origin_tls())
        host = "broker.site.example"
        gateway = await self.with_service(
            f"tls://{host}:1", connect={host: port}, websocket_close_seconds=1
        )
        client = await self.open(gateway)
        backend.streams[0].transport.pauseProducing()  # it reads no close_notify
        client.close(1000)
        await until(lambda: client.ended)
        await until(lambda: gateway.service.sockets.count == 0, 5)

    async def test_backend_speaks_first(self) -> None:
        """Its greeting is the first message."""
        backend = stream_backend(greeting=b"220 hello\r\n")
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}")
        client = await self.open(gateway)
        await until(lambda: client.messages == [(b"220 hello\r\n", True)])


class TextTests(ServiceCase):
    """What STOMP's clients get is text."""

    async def test_stomp(self) -> None:
        """Characters are cut by nobody, however the octets came."""
        backend = stream_backend(say_again)
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}")
        client = await self.open(gateway, protocols=("v12.stomp",))
        frame = "SEND\ndestination:/q\n\nh€llo\0".encode()
        for octet in frame:
            client.sendMessage(bytes([octet]), True)
        await until(lambda: client.received == len(frame))
        self.assertTrue(all(not binary for _, binary in client.messages))
        self.assertEqual(b"".join(payload for payload, _ in client.messages), frame)


class InspectionTests(ServiceCase):
    """What a stream carries is inspected as what a WebSocket server says is."""

    async def test_stomp(self) -> None:
        """Frames that came in parts are sound; what breaks the rules ends both sides."""
        connected = b"CONNECTED\nversion:1.2\n\n\0"
        backend = stream_backend(lambda stream, _: stream.transport.write(connected[:12]))
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", 'validation = "enforce"')
        client = await self.open(gateway, protocols=("v12.stomp",))
        client.sendMessage(b"CONNECT\naccept-version:1.2\nhost:/\n\n\0", False)
        await until(lambda: client.received == 12)
        backend.streams[0].transport.write(connected[12:])
        await until(lambda: client.received == len(connected))
        self.assertIsNone(client.ended)
        client.sendMessage(b"NONSENSE\n\n\0", False)
        await until(lambda: client.ended and backend.streams[0].ended)
        self.assertIn(client.code, {1002, 1007, 1008})
        self.assertIn("subprotocol.message", gateway.telemetry.codes())


class PaceTests(ServiceCase):
    """Neither side is read faster than the other takes it."""

    bound = 32 * 2**20

    async def pair(self, kind: str) -> tuple[ClientPeer, Stream]:
        """Both ends of a relay."""
        backend = stream_backend()
        port = await self.listen(backend, origin_tls() if kind == "tls" else None)
        host = "broker.site.example"
        gateway = await self.with_service(
            f"{kind}://{host}:1", connect={host: port}, websocket_stall_seconds=30
        )
        client = await self.open(gateway)
        return client, backend.streams[0]

    async def test_slow_backend(self) -> None:
        """A client is held up by a backend that does not read, and goes on when it does."""
        for kind in ("tcp", "tls"):
            await self.slow_backend(*(await self.pair(kind)))

    async def slow_backend(self, client: ClientPeer, stream: Stream) -> None:
        """Once."""
        stream.transport.pauseProducing()
        client.flood(2000)
        await until(lambda: client.congested)
        self.assertLess(client.sent, self.bound)
        stream.transport.resumeProducing()
        await until(lambda: len(stream.received) > client.sent / 2)
        client.left = 0

    async def test_slow_client(self) -> None:
        """So is a backend by a client."""
        for kind in ("tcp", "tls"):
            await self.slow_client(*(await self.pair(kind)))

    async def slow_client(self, client: ClientPeer, stream: Stream) -> None:
        """Once."""
        client.stop_reading()
        pump = Pump(stream.transport)
        await until(lambda: pump.paused)
        self.assertLess(pump.sent, self.bound)
        client.read_on()
        await until(lambda: client.received > pump.sent / 2)
        pump.stopProducing()

    async def test_stalled_client(self) -> None:
        """One that reads nothing for too long is dropped, and the stream ends."""
        backend = stream_backend()
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", websocket_stall_seconds=0.2)
        client = await self.open(gateway)
        client.stop_reading()
        pump = Pump(backend.streams[0].transport)
        await until(lambda: backend.streams[0].ended)
        self.assertLess(pump.sent, self.bound)
        self.assertIn("websocket-stall-seconds", gateway.telemetry.limits())
        client.drop()
