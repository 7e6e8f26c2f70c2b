"""Broadcast through a whole gateway: everybody hears, slow ones are dropped, sources are shared."""

from __future__ import annotations

from tests.net.peers import CHUNK, websocket_origin
from tests.net.raw import until
from tests.net.services import ServiceCase, stream_backend


class ClientsTests(ServiceCase):
    """What clients say."""

    async def test_all_hear(self) -> None:
        """Each message reaches everybody, its sender too, as the kind that it is."""
        gateway = await self.with_service("broadcast:")
        clients = [await self.open(gateway) for _ in range(3)]
        clients[0].sendMessage(b"one", False)
        await until(lambda: all(client.messages for client in clients))
        clients[1].sendMessage(b"two", True)
        await until(lambda: all(len(client.messages) == 2 for client in clients))
        for client in clients:
            self.assertEqual(client.messages, [(b"one", False), (b"two", True)])
        clients[0].close(1000)
        await until(lambda: clients[0].ended)
        clients[1].sendMessage(b"three", False)
        await until(lambda: len(clients[2].messages) == 3)
        self.assertEqual(len(clients[0].messages), 2)

    async def test_slow(self) -> None:
        """One that does not read is dropped when too much waits, and holds up nobody."""
        gateway = await self.with_service(
            "broadcast:", "pending-bytes = 1048576", websocket_close_seconds=1
        )
        slow, sender, other = [await self.open(gateway) for _ in range(3)]
        slow.stop_reading()
        sender.flood(600)
        await until(lambda: other.received == 600 * len(CHUNK), 15)
        await until(lambda: gateway.service.sockets.count == 2)
        self.assertEqual(gateway.telemetry.limits(), ["service.pending-bytes"])
        slow.drop()

    async def test_stalled(self) -> None:
        """So is one that reads nothing for too long, however little waits."""
        gateway = await self.with_service(
            "broadcast:",
            "pending-bytes = 104857600",
            websocket_stall_seconds=0.2,
            websocket_close_seconds=1,
        )
        slow, sender = [await self.open(gateway) for _ in range(2)]
        slow.stop_reading()
        sender.flood(300)
        await until(lambda: gateway.service.sockets.count == 1)
        self.assertIn("websocket-stall-seconds", gateway.telemetry.limits())
        slow.drop()


class SourceTests(ServiceCase):
    """What a backend says."""

    async def test_stream(self) -> None:
        """One stream for all; clients are not listened to; the last one ends it."""
        backend = stream_backend()
        port = await self.listen(backend)
        gateway = await self.with_service(f"broadcast:tcp://127.0.0.1:{port}", 'messages = "text"')
        clients = [await self.open(gateway) for _ in range(2)]
        self.assertEqual(len(backend.streams), 1)
        clients[0].sendMessage(b"ignored", False)
        backend.streams[0].transport.write("€".encode()[:1])
        backend.streams[0].transport.write("€".encode()[1:] + b"uro")
        await until(lambda: all(client.received == 6 for client in clients))
        for client in clients:
            text = b"".join(payload for payload, _ in client.messages)
            self.assertEqual(text, "€uro".encode())
        clients[0].close(1000)
        await until(lambda: clients[0].ended)
        self.assertFalse(backend.streams[0].ended)
        clients[1].close(1000)
        await until(lambda: backend.streams[0].ended)
        self.assertEqual(backend.streams[0].received, b"")
        await self.open(gateway)
        self.assertEqual(len(backend.streams), 2)

    async def test_source_ends(self) -> None:
        """With it everybody's connection does, by its code."""
        backend = websocket_origin()
        port = await self.listen(backend)
        gateway = await self.with_service(f"broadcast:ws://127.0.0.1:{port}/feed")
        clients = [await self.open(gateway) for _ in range(2)]
        backend.peers[0].sendMessage(b"news", False)
        await until(lambda: all(client.messages == [(b"news", False)] for client in clients))
        backend.peers[0].close(3009, b"over")
        await until(lambda: all(client.ended for client in clients))
        self.assertEqual([client.code for client in clients], [3009, 3009])
        again = await self.open(gateway)
        self.assertTrue(again.opened)
