"""What is kept of WebSockets while they are open, through a whole gateway."""

from __future__ import annotations

from tests.net.peers import SocketCase
from tests.net.raw import until


class SocketsTests(SocketCase):
    """Bounds, drain and count."""

    async def test_bound(self) -> None:
        """One WebSocket more than the bound is a 503 and the open ones stay."""
        gateway, client, _ = await self.pair(websocket_connections=1)
        second = await self.dial(gateway)
        self.assertIn("503", second.http_status_line)
        client.drop()
        await until(lambda: gateway.service.sockets.count == 0)
        self.assertTrue((await self.dial(gateway)).opened)

    async def test_drain_among_messages(self) -> None:
        """A drain ends both sides with 1001 though messages are under way."""
        for by_client in (True, False):
            gateway, client, server = await self.pair(drain_websocket_seconds=0.01)
            sender, other = (client, server) if by_client else (server, client)
            sender.flood(500)
            await until(lambda: other.received)
            await gateway.service.sockets.drain()
            await until(lambda: client.ended and server.ended)
            self.assertEqual(self.flushLoggedErrors(), [])
            self.assertEqual((client.code, server.code), (1001, 1001))

    async def test_drain(self) -> None:
        """A drain closes both sides with 1001 and is over when they are."""
        gateway, client, server = await self.pair(drain_websocket_seconds=0.1)
        await gateway.service.sockets.drain()
        await until(lambda: client.ended and server.ended)
        self.assertEqual((client.code, server.code), (1001, 1001))
        self.assertEqual(gateway.telemetry.value("gateway_websocket_connections"), 0)

    async def test_count(self) -> None:
        """A WebSocket counts as its client's connection until it is over."""
        gateway, client, _ = await self.pair()
        self.assertEqual(gateway.telemetry.value("gateway_connections"), 1)
        self.assertEqual(gateway.telemetry.value("gateway_websocket_connections"), 1)
        client.close(1000)
        await until(lambda: gateway.service.sockets.count == 0)
        self.assertEqual(gateway.telemetry.value("gateway_websocket_connections"), 0)
        self.assertEqual(gateway.telemetry.value("gateway_connections"), 0)
