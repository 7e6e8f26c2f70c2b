"""The emulated WebSockets of a process: made, found, ended."""

from __future__ import annotations

from tests.net.emulated import ALL, Emulated, EmulatedCase
from tests.net.harness import WS
from tests.net.peers import websocket_origin
from tests.net.raw import Origin, reply, until


class CreateTests(EmulatedCase):
    """The answer to a create."""

    async def test_answer(self) -> None:
        """201 with two URLs, the choice, what is on; never kept, never read by others."""
        upstream = websocket_origin(lambda _: "b")
        gateway = await self.gateway({WS: upstream})
        client = Emulated(gateway)
        answer = await client.create(
            "/a/b", b"X-WebSocket-Protocol: a, b", b"X-WebSocket-Extensions: " + ALL, query="q=1"
        )
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.get(b"content-type"), b"text/plain;charset=utf-8")
        self.assertEqual(answer.get(b"x-websocket-protocol"), b"b")
        self.assertIn(
            b"x-gw-retry; bytes=262144; seconds=30", answer.get(b"x-websocket-extensions")
        )
        self.assertEqual(answer.get(b"cache-control"), b"no-store, no-transform")
        self.assertEqual(answer.get(b"access-control-allow-origin"), client.origin)
        self.assertTrue(client.up_target.startswith("/a/b/;e/ubm/"))
        self.assertTrue(client.down_target.startswith("/a/b/;e/dbm/"))
        self.assertNotIn("q=1", client.up_target)
        self.assertEqual(upstream.peers[0].request.path, "/a/b")
        self.assertEqual(upstream.peers[0].request.params, {"q": ["1"]})

    async def test_refusals(self) -> None:
        """The site's refusal is the create's status, and nothing is kept."""
        origin = Origin(reply(b"secret", status=b"409 No"))
        gateway = await self.gateway({WS: origin})
        client = Emulated(gateway)
        answer = await client.create()
        self.assertEqual(
            (answer.status, answer.get(b"access-control-allow-origin")), (409, client.origin)
        )
        self.assertNotIn(b"secret", answer.body)
        emulations = gateway.service._handler.emulations
        self.assertEqual(emulations.count, 0)
        self.assertEqual((await client.create(token=False)).status, 403)

    async def test_ends_with_the_process(self) -> None:
        """Stopping leaves none, and no timer."""
        gateway, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        gateway.service._handler.emulations.stop()
        await until(lambda: down.connection.ended and server.ended)
        self.assertNotIn(b"\x0101\xff", down.octets)
        self.assertEqual(gateway.service._handler.emulations.count, 0)
