"""Built-in backends: pace and bounds through a whole gateway."""

from __future__ import annotations

from tests.net.raw import until
from tests.net.services import ServiceCase


class EchoTests(ServiceCase):
    """A client that does not read is not read either."""

    async def test_pace(self) -> None:
        """What waits is bounded, and all of it comes in the end."""
        gateway = await self.with_service("echo:")
        client = await self.open(gateway)
        client.stop_reading()
        client.flood(400)
        await until(lambda: client.congested)
        self.assertLess(client.sent, 20 * 2**20)
        client.read_on()
        await until(lambda: client.received == 400 * 65536, 15)

    async def test_drain(self) -> None:
        """The client is told 1001."""
        gateway = await self.with_service("echo:", drain_websocket_seconds=0.01)
        client = await self.open(gateway)
        await gateway.service.sockets.drain()
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1001)
