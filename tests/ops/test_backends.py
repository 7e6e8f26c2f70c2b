"""The way to services' backends is not that to sites."""

from __future__ import annotations

from tests.net.raw import until
from tests.net.services import ServiceCase, stream_backend


class AddressTests(ServiceCase):
    """What the operator writes is permission for it, but for the gateway itself."""

    async def test_private(self) -> None:
        """No allow-private is needed, and none of it is asked."""
        backend = stream_backend()
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", private=())
        client = await self.open(gateway)
        self.assertTrue(client.opened)
        self.assertNotIn("ssrf.denied", gateway.telemetry.codes())

    async def test_itself(self) -> None:
        """A service that leads to the gateway's own listener reaches nobody."""
        from tests.ports import free_ports

        (port,) = free_ports(1)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}")
        gateway.service._own = frozenset({("127.0.0.1", port)})
        client = await self.open(gateway)
        await until(lambda: client.ended)
        self.assertIn("503", client.http_status_line)
        self.assertIn("ssrf.denied", gateway.telemetry.codes())
