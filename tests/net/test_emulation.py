"""The fallback through a whole gateway: from create to close over real sockets."""

from __future__ import annotations

from tests.net.emulated import CLOSE, RECONNECT, EmulatedCase, text
from tests.net.raw import until


class LifeTests(EmulatedCase):
    """Create, messages both ways, the end from either side."""

    async def test_whole_life(self) -> None:
        """Messages go both ways as what they are; the client's close is answered."""
        _, client, server = await self.emulated()
        down = await client.down()
        head = await down.begun()
        self.assertEqual(
            (head.status, head.get(b"content-type")), (200, b"application/octet-stream")
        )
        self.assertEqual(await client.up(text("hé") + b"\x80\x03\x00\xff\x01" + RECONNECT), 200)
        await until(lambda: len(server.messages) == 2)
        self.assertEqual(server.messages, [("hé".encode(), False), (b"\x00\xff\x01", True)])
        server.sendMessage("grüß".encode(), False)
        server.sendMessage(b"\xff" * 300, True)
        await until(lambda: len(down.payloads) == 2)
        self.assertEqual(
            down.octets, b"\x81\x06" + "grüß".encode() + b"\x80\x82\x2c" + b"\xff" * 300
        )
        self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        self.assertEqual(await down.whole(), "text binary close reconnect")
        await until(lambda: server.ended)
        self.assertEqual(server.ended[:2], (True, None))

    async def test_server_closes(self) -> None:
        """The site's end is a CLOSE; what the client says then is accepted."""
        gateway, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        server.close(4001, b"enough")
        self.assertEqual(await down.whole(), "close reconnect")
        self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        await until(lambda: gateway.service.sockets.count == 0)
