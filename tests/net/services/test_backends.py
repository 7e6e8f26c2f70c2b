"""Services through a whole gateway: each kind of backend, and what a client sees of it."""

from __future__ import annotations

from tests.net.harness import DOMAIN
from tests.net.peers import websocket_origin
from tests.net.raw import until
from tests.net.services import APP, ServiceCase, say_again, stream_backend


class KindTests(ServiceCase):
    """One of each."""

    async def test_echo(self) -> None:
        """Text comes back as text, binary as binary, a close code as it was."""
        gateway = await self.with_service("echo:")
        client = await self.open(gateway)
        self.assertTrue(client.opened, client.ended)
        client.sendMessage("héllo".encode(), False)
        client.sendMessage(b"\0\xff", True)
        await until(lambda: len(client.messages) == 2)
        self.assertEqual(client.messages, [("héllo".encode(), False), (b"\0\xff", True)])
        client.close(4001, b"done")
        await until(lambda: client.ended)
        self.assertEqual(client.ended, (True, 4001, "done"))
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_websocket(self) -> None:
        """A backend sees the page's Origin, its own path, the client's query and no cookie."""
        backend = websocket_origin(lambda _: "b", echoes=True)
        port = await self.listen(backend)
        gateway = await self.with_service(
            f"ws://127.0.0.1:{port}/inner", 'subprotocols = ["b", "c"]', private=()
        )
        client = await self.open(
            gateway, "/service?room=1", protocols=("a", "b", "c"), headers={"Cookie": "x=y"}
        )
        self.assertTrue(client.opened, client.ended)
        seen = backend.peers[0].request
        self.assertEqual(client.websocket_protocol_in_use, "b")
        self.assertEqual(seen.protocols, ["b", "c"])
        self.assertEqual((seen.path, seen.params), ("/inner", {"room": ["1"]}))
        self.assertEqual((seen.origin, seen.host), (APP, "127.0.0.1"))
        self.assertNotIn("cookie", seen.headers)
        client.sendMessage(b"hello", False)
        await until(lambda: client.messages == [(b"hello", False)])
        backend.peers[0].close(3001, b"gone")
        await until(lambda: client.ended)
        self.assertEqual(client.ended, (True, 3001, "gone"))

    async def test_tcp(self) -> None:
        """Octets of both kinds of messages reach the broker, its own come back as binary."""
        backend = stream_backend(say_again)
        port = await self.listen(backend)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", private=())
        client = await self.open(gateway, protocols=("mqtt",))
        self.assertTrue(client.opened, client.ended)
        self.assertEqual(client.websocket_protocol_in_use, "mqtt")
        client.sendMessage(b"\x10\x0c", True)
        await until(lambda: client.received == 2)
        client.sendMessage(b"text", False)
        await until(lambda: client.received == 6)
        self.assertEqual(client.messages, [(b"\x10\x0c", True), (b"text", True)])
        self.assertEqual(backend.streams[0].received, b"\x10\x0ctext")
        client.close(1000)
        await until(lambda: backend.streams[0].ended and client.ended)
        self.assertEqual(client.code, 1000)

    async def test_plain_get(self) -> None:
        """Who opens a service in a browser is told what it is; the portal's pages are there."""
        gateway = await self.with_service("echo:")
        for path, status in ((b"/service", 426), (b"/", 200), (b"/services", 404)):
            connection = await gateway.connect()
            connection.write(
                b"GET " + path + b" HTTP/1.1\r\nHost: " + DOMAIN.encode() + b"\r\n\r\n"
            )
            answer = await connection.response()
            self.assertEqual(answer.status, status, path)
            if status == 426:
                self.assertEqual(answer.get(b"upgrade"), b"websocket")
                self.assertIn(b"WebSocket service", answer.body)
