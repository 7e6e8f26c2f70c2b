"""Streams that are opened before anybody asks."""

from __future__ import annotations

from gateway import events
from tests.net.raw import until
from tests.net.services import Pump, ServiceCase, stream_backend
from tests.ports import free_ports


class PreparedTests(ServiceCase):
    """Through a whole gateway."""

    async def test_ahead(self) -> None:
        """They are there before a client, each serves one, and others take their place."""
        backend = stream_backend(greeting=b"hello")
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", "prepared = 2")
        await until(lambda: len(backend.streams) == 2)
        clients = [await self.open(gateway) for _ in range(2)]
        for client, stream in zip(clients, backend.streams, strict=False):
            await until(lambda client=client: client.messages == [(b"hello", True)])
            client.sendMessage(b"mine", True)
            await until(lambda stream=stream: stream.received == b"mine")
        await until(lambda: len(backend.streams) == 4)
        (shown,) = gateway.service._handler.backends.shown()
        self.assertEqual((shown["open"], shown["total"]), (2, 2))
        await until(lambda: gateway.service._handler.backends.shown()[0]["prepared"] == 2)
        clients[0].close(1000)
        await until(lambda: backend.streams[0].ended)
        self.assertFalse(backend.streams[2].ended)

    async def test_ended_by_the_backend(self) -> None:
        """One that a backend ends while nobody uses it serves nobody, and is opened again."""
        backend = stream_backend(greeting=b"220 hello")
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", "prepared = 1")
        backends = gateway.service._handler.backends
        await until(lambda: backends.shown()[0]["prepared"] == 1)
        backend.streams[0].transport.loseConnection()
        await until(lambda: backends.shown()[0]["prepared"] == 0)
        await until(lambda: backends.shown()[0]["prepared"] == 1)
        client = await self.open(gateway)
        client.sendMessage(b"x", True)
        await until(lambda: backend.streams[1].received == b"x")

    async def test_reload(self) -> None:
        """They are opened anew, as many as there are to be; one that is in use goes on."""
        backend = stream_backend()
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", "prepared = 1")
        await until(lambda: gateway.service._handler.backends.shown()[0]["prepared"] == 1)
        client = await self.open(gateway)
        await until(lambda: gateway.service._handler.backends.shown()[0]["prepared"] == 1)
        self.assertEqual(await gateway.reload(("prepared = 1", "prepared = 3")), events.RELOADED)
        await until(lambda: gateway.service._handler.backends.shown()[0]["prepared"] == 3)
        await until(lambda: [one.ended for one in backend.streams] == [False, True] + [False] * 3)
        client.sendMessage(b"still", True)
        await until(lambda: backend.streams[0].received == b"still")
        self.assertEqual(gateway.service._handler.backends.shown()[0]["open"], 1)

    async def test_flooding(self) -> None:
        """What a backend says before anybody hears it is bounded, and none of it is lost."""
        backend = stream_backend()
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", "prepared = 1")
        await until(lambda: len(backend.streams) == 1)
        pump = Pump(backend.streams[0].transport)
        await until(lambda: pump.paused)
        self.assertLess(pump.sent, 16 * 2**20)
        pump.stopProducing()
        client = await self.open(gateway)
        await until(lambda: client.received == pump.sent)

    async def test_down(self) -> None:
        """A backend that is not there yet is found when it is, by nobody's handshake."""
        (port,) = free_ports(1)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", "prepared = 1")
        await until(lambda: events.SERVICE_DOWN in gateway.telemetry.codes())
        client = await self.open(gateway)
        self.assertIn("503", client.http_status_line)
        backend = stream_backend()
        from twisted.internet import reactor

        listening = reactor.listenTCP(port, backend, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        await until(lambda: events.SERVICE_UP in gateway.telemetry.codes())
        client = await self.open(gateway)
        self.assertTrue(client.opened)
        client.drop()
        await until(lambda: gateway.service.sockets.count == 0)
        gateway.service._handler.backends.stop()
        await until(lambda: all(stream.ended for stream in backend.streams))
