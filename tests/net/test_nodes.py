"""Two processes: requests for the WebSockets of one that come to the other."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.emulated import Upward
from gateway.net.nodes import Nodes, NodeSettings
from gateway.net.settings import Limits
from gateway.websocket.emulation.frames import message, read_close
from tests.net.emulated import ALL, CLOSE, RECONNECT, Down, Emulated, EmulatedCase, text
from tests.net.harness import WS, Gateway, Remembering, ca, folder
from tests.net.peers import CHUNK, ServerPeer, websocket_origin
from tests.net.raw import until

EXTENSIONS = b"X-WebSocket-Extensions: " + ALL


NAMES = {"localhost": ["127.0.0.1"]}


class NodesCase(EmulatedCase):
    """A WebSocket at the first of two gateways; its client then asks the second one."""

    async def two(
        self, *fields: bytes, rules: str = "", **limits: float
    ) -> tuple[Gateway, Gateway, Emulated, ServerPeer]:
        """Both gateways, the client, and the site's side."""
        limits = {"websocket_close_seconds": 2, **limits}
        more = {"rules": rules, "names": NAMES}
        first, client, server = await self.emulated(*fields, gateway_options=more, **limits)
        second = await self.gateway({WS: websocket_origin()}, **more, **limits)
        second.cookie = first.cookie
        client.gateway = second
        return first, second, client, server


class ForwardTests(NodesCase):
    """The client notices nothing."""

    async def test_whole_life(self) -> None:
        """Messages both ways and the end, as at one process."""
        first, second, client, server = await self.two(EXTENSIONS)
        down = await client.down()
        head = await down.begun()
        self.assertEqual(
            (head.status, head.get(b"content-type"), head.get(b"access-control-allow-origin")),
            (200, b"application/octet-stream", client.origin),
        )
        self.assertEqual(await client.up(text("there") + RECONNECT), 200)
        told = [one["status"] for one in second.telemetry.accesses if ";e/" in one["path"]]
        self.assertEqual(told, [200])  # it is told when the answer is there
        server.sendMessage(b"back", True)
        server.sendMessage(CHUNK * 3, True)
        await until(lambda: len(down.payloads) == 2)
        self.assertEqual(down.payloads, [b"back", CHUNK * 3])
        poll = await client.down(".ki=p")
        self.assertEqual(await down.whole(), "binary binary reconnect")
        server.sendMessage(b"poll", False)
        self.assertEqual(await poll.whole(), "text reconnect")
        self.assertIsNotNone((await poll.begun()).get(b"content-length"))
        client.gateway = first  # and back again
        down = await client.down()
        await down.begun()
        client.gateway = second
        self.assertEqual(await client.up(b"\x010203e8\xff" + RECONNECT), 200)
        self.assertEqual(await down.whole(), "close reconnect")
        self.assertEqual(read_close(down.frames[0].payload)[0], 1000)
        self.assertEqual(server.messages[0], (b"there", False))
        self.assertGreaterEqual(
            second.telemetry.value("gateway_emulation_forwarded_total", outcome="passed"), 4
        )
        self.assertEqual(second.service.sockets.count, 0)

    async def test_faults(self) -> None:
        """A fault is one there, too; who may not show the id is told so here."""
        _, second, client, server = await self.two(emulation_body_bytes=3000)
        down = await client.down()
        await down.begun()
        stolen = await client.up_later(RECONNECT, cookie=second.new_session())
        self.assertEqual((await stolen.response()).status, 404)
        client.up_number -= 1
        self.assertEqual(await client.up(message(b"m" * 5000, binary=True) + RECONNECT), 413)
        self.assertEqual(await down.whole(), "close reconnect")
        await until(lambda: server.ended)
        self.assertEqual(server.code, 1009)

    async def test_as_it_comes(self) -> None:
        """Frames of a request that still comes are with the site; one that breaks off, there, too."""
        first, _, client, server = await self.two()
        down = await client.down()
        await down.begun()
        fields = (b"X-Sequence-No: 8", b"Transfer-Encoding: chunked")
        request = await client.ask(client.up_target, *fields, body=None)
        request.write(b"7\r\n" + text("there") + b"\r\n")
        await until(lambda: server.messages)
        self.assertEqual(server.messages, [(b"there", False)])
        request.write(b"4\r\n" + RECONNECT + b"\r\n")
        request.write(b"0\r\n\r\n")
        self.assertEqual((await request.response()).status, 200)
        fields = (b"X-Sequence-No: 9", b"Transfer-Encoding: chunked")
        request = await client.ask(client.up_target, *fields, body=None)
        request.write(b"6\r\n" + text("more") + b"\r\n")
        await until(lambda: len(server.messages) == 2)
        request.transport.abortConnection()
        self.assertEqual(await down.whole(), "close reconnect")
        await until(lambda: server.ended)
        await until(lambda: first.service.sockets.count == 0)

    async def test_broken_and_sent_again(self) -> None:
        """With retry it goes on at another process, or at its own; everything comes once."""
        first, second, client, server = await self.two(EXTENSIONS)
        down = await client.down()
        await down.begun()
        body = text("one") + text("two") + text("three") + RECONNECT
        for part, gateway, messages in ((7, second, 1), (12, first, 2)):
            client.gateway = gateway
            fields = (b"X-Sequence-No: 8", b"Content-Length: %d" % len(body))
            request = await client.ask(client.up_target, *fields, body=None)
            request.write(body[:part])
            await until(lambda messages=messages: len(server.messages) == messages)
            request.transport.abortConnection()
        client.gateway = second
        self.assertEqual(await client.up(body, number=8), 200)
        await until(lambda: len(server.messages) == 3)
        self.assertEqual([one for one, _ in server.messages], [b"one", b"two", b"three"])
        self.assertEqual(await client.up(body, number=8), 200)
        self.assertEqual(await client.up(text("four") + RECONNECT, number=9), 200)
        await until(lambda: len(server.messages) == 4)

    async def test_vanished_site(self) -> None:
        """What it sent last comes over two processes; a request that still comes is cut."""
        _, _, client, server = await self.two(EXTENSIONS)
        down = await client.down()
        await down.begun()
        server.sendMessage(b"last", False)
        server.leave()
        self.assertEqual(await down.whole(), "text reconnect")
        down = await client.down()
        self.assertEqual((await down.begun()).status, 404)
        _, _, client, server = await self.two()
        down = await client.down()
        await down.begun()
        fields = (b"X-Sequence-No: 8", b"Transfer-Encoding: chunked")
        request = await client.ask(client.up_target, *fields, body=None)
        request.write(b"7\r\n" + text("there") + b"\r\n")
        await until(lambda: server.messages)
        server.sendMessage(b"last", False)
        server.leave()
        await until(lambda: down.connection.ended)
        self.assertEqual((down.payloads, down.is_whole), ([b"last"], False))
        await request.closed()
        self.assertEqual(request.buffer, b"")

    async def test_too_large(self) -> None:
        """What says that it is too large brings nothing there, either."""
        _, _, client, server = await self.two(emulation_body_bytes=3000)
        down = await client.down()
        await down.begun()
        body = text("there") + message(b"m" * 5000, binary=True) + RECONNECT
        self.assertEqual(await client.up(body), 413)
        self.assertEqual(await down.whole(), "close reconnect")
        await until(lambda: server.ended)
        self.assertEqual((server.code, server.messages), (1009, []))

    async def test_nowhere(self) -> None:
        """Of a process that nobody knows, or that is this one: 404 when the request is whole."""
        first, second, client, _ = await self.two()
        await first.service._handler.emulations.stop()
        for gateway in (first, second):
            client.gateway = gateway
            fields = (b"X-Sequence-No: 8", b"Content-Length: 9")
            request = await client.ask(client.up_target, *fields, body=None)
            request.write(text("abc"))
            request.write(RECONNECT)
            self.assertEqual((await request.response()).status, 404)
            self.assertEqual((await (await client.down()).begun()).status, 404)

    async def test_client_leaves(self) -> None:
        """A client that vanishes at one process is gone at the other."""
        first, _, client, server = await self.two()
        down = await client.down()
        await down.begun()
        down.abort()
        await until(lambda: server.ended)
        self.assertFalse(server.ended[0])
        await until(lambda: first.service._handler.emulations.count == 0)

    async def test_pace(self) -> None:
        """A client that does not read pauses the site over two processes."""
        _, _, client, server = await self.two()
        down = await client.down()
        await down.begun()
        down.connection.transport.pauseProducing()
        server.flood(1000)
        await until(lambda: server.congested)
        self.assertLess(server.sent, 32 * 2**20)
        down.connection.keep = False
        down.connection.transport.resumeProducing()
        await until(lambda: down.connection.ended)
        self.assertGreater(down.connection.total, 10 * 2**20)

    async def test_vanished(self) -> None:
        """A process that ends is a response that breaks off, then ids that are none."""
        first, _, client, _ = await self.two()
        down = await client.down()
        await down.begun()
        waiting = Down((await client.down(".ki=p", number=8)).connection)
        await waiting.begun()  # out of order: 400
        self.assertEqual(waiting.head.status, 400)
        down = Emulated(first)
        await down.create()
        down.gateway = client.gateway
        stream = await down.down()
        await stream.begun()
        await first.service._handler.emulations.stop()
        await until(lambda: stream.connection.ended)
        self.assertFalse(stream.is_whole)
        self.assertEqual(await down.up(RECONNECT), 404)
        again = await down.down(".ki=p")
        self.assertEqual((await again.begun()).status, 404)

    async def test_sockets(self) -> None:
        """They are open to their user alone, and those of the dead are swept away."""
        place = folder() / "nodes"
        place.mkdir(mode=0o700, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(place / "dead"))
        gateway = await self.gateway({WS: websocket_origin()})
        node = gateway.service.sockets.node
        self.assertTrue((place / node).is_socket())
        self.assertFalse((place / "dead").exists())
        self.assertEqual(stat.S_IMODE(os.stat(place).st_mode) & 0o077, 0)
        await gateway.service._handler.emulations.nodes.stop()
        self.assertFalse((place / node).exists())

    async def test_open_folder(self) -> None:
        """A folder that others may open is not used, aloud."""
        place = Path(folder() / "open-nodes")
        place.mkdir(mode=0o755)
        place.chmod(0o755)
        gateway = await self.gateway(rules=f'[emulation]\nfolder = "{place}"\n')
        self.assertIn("emulation.node", gateway.telemetry.codes())
        self.assertEqual(list(place.iterdir()), [])


class TlsTests(NodesCase):
    """Over TLS with certificates on both sides."""

    def rules(self, authority: str = "nodes") -> str:
        """A node's table; each has a certificate of its own."""
        issued = ca(authority).issue(f"node-{os.urandom(4).hex()}", ["localhost"], client=True)
        trusted = ca("nodes").certificate_file
        return (
            '[emulation]\nfolder = ""\nlisten = "tcp:0:interface=127.0.0.1"\n'
            f'address = "localhost"\ncertificate = "{issued.certificate}"\n'
            f'key = "{issued.key}"\nauthority = "{trusted}"\n'
        )

    async def found(self, first: Gateway, second: Gateway) -> None:
        """They have one store, as far as these tests go."""
        name = f"node.{first.service.sockets.node}"
        now = int(time.time())
        told = await first.service.store.kept(name, now)
        self.assertRegex(told, r"\Alocalhost:[0-9]+\Z")
        await second.service.store.keep(name, told, now, now + 60)

    async def test_forward(self) -> None:
        """As over a Unix socket."""
        first, second, client, server = await self.two(rules=self.rules())
        await self.found(first, second)
        down = await client.down()
        await down.begun()
        self.assertEqual(await client.up(text("there") + RECONNECT), 200)
        told = [one["status"] for one in second.telemetry.accesses if ";e/" in one["path"]]
        self.assertEqual(told, [200])  # it is told when the answer is there
        server.sendMessage(b"back", True)
        await until(lambda: down.payloads)
        self.assertEqual((server.messages, down.payloads), ([(b"there", False)], [b"back"]))
        self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        self.assertEqual(await down.whole(), "binary close reconnect")

    async def test_strangers(self) -> None:
        """Whose certificate another authority signed is not heard, nor one without any."""
        first, second, client, server = await self.two(rules=self.rules())
        await self.found(first, second)
        stranger = await self.gateway(
            {WS: websocket_origin()}, rules=self.rules("others"), names=NAMES
        )
        stranger.cookie = first.cookie
        await self.found(first, stranger)
        client.gateway = stranger
        self.assertEqual(await client.up(text("x") + RECONNECT), 404)
        port = first.service._handler.emulations.nodes._ports[0].getHost().port
        plain = await self.client(port, None)
        plain.write(b"\x00\x00\x00\x02{}\x00\x00\x00\x00")
        await plain.closed()
        self.assertEqual(server.messages, [])
        client.gateway, client.up_number = second, 7
        self.assertEqual(await client.up(text("y") + RECONNECT), 200)


class Port:
    """A port that remembers that it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def getHost(self) -> Any:
        return type("Address", (), {"port": 4711})

    def stopListening(self) -> Any:
        self.closed = True
        return fail(OSError("its file is gone"))


class Connector:
    """A connection that is being made for ever."""

    def getDestination(self) -> str:
        return "there"

    def stopConnecting(self) -> None:
        pass


class Reactor(Clock):
    """Remembers where it was to listen."""

    def __init__(self) -> None:
        super().__init__()
        self.listening: list[tuple[str, int, Port]] = []

    def listenUNIX(self, path: str, factory: Any, mode: int) -> Port:
        self.factory = factory
        self.listening.append((path, mode, Port()))
        return self.listening[-1][2]


class Here:
    """A process whose answers a test gives; the store, too."""

    node = "own-node"

    def __init__(self) -> None:
        self.answer: Any = None
        self.kept: list[tuple[str, str, int]] = []

    def limits(self) -> Limits:
        return Limits()

    async def serve_passed(self, ending: Any, client: Any, short: Any) -> str:
        return await self.answer

    def keep(self, name: str, value: str, now: int, until: int) -> Any:
        self.kept.append((name, value, until - now))
        return fail(OSError("the store is away"))


class Left:
    """A client as far as the end of its answer goes."""

    def __init__(self) -> None:
        self.callbacks: list[Any] = []
        self.aborted = 0
        self.shorts: list[int] = []

    def when_gone(self, callback: Any) -> None:
        self.callbacks.append(callback)

    def abort(self) -> None:
        self.aborted += 1

    async def until_whole(self) -> None:
        pass

    def short(self, status: int, fields: Any, body: bytes) -> None:
        self.shorts.append(status)


class AloneTests(SynchronousTestCase):
    """One process, without the others."""

    def make(self, **settings: Any) -> Nodes:
        self.here, self.reactor, self.telemetry = Here(), Reactor(), Remembering()
        return Nodes(
            self.here,
            NodeSettings(**settings),
            self.here,
            self.reactor,
            self.telemetry,  # type: ignore[arg-type]
        )

    def folder(self, mode: int = 0o700) -> Path:
        place = folder() / f"alone-{os.urandom(4).hex()}"
        place.mkdir()
        place.chmod(mode)
        return place

    def started(self, place: Path) -> tuple[Nodes, str]:
        """Started, and what was wrong."""
        nodes = self.make(folder=place)
        self.successResultOf(Deferred.fromCoroutine(nodes.start()))
        return nodes, " ".join(one["detail"] for one in self.telemetry.events)

    def test_folder(self) -> None:
        """It is made for its user alone; one that a group or others may open is not used."""
        place = folder() / f"made-{os.urandom(4).hex()}"
        _, wrong = self.started(place)
        self.assertEqual((stat.S_IMODE(place.stat().st_mode), wrong), (0o700, ""))
        self.assertEqual(self.reactor.listening[0][:2], (str(place / "own-node"), 0o600))
        for mode in (0o750, 0o710, 0o701, 0o720, 0o702):
            _, wrong = self.started(self.folder(mode))
            self.assertIn("is open to others", wrong, oct(mode))
            self.assertEqual(self.reactor.listening, [])

    def test_folder_of_another(self) -> None:
        """Whoever it belongs to could put sockets of his own there."""
        place = self.folder()
        self.patch(os, "geteuid", lambda: place.stat().st_uid + 1)
        self.assertIn("is open to others", self.started(place)[1])
        self.assertEqual(self.reactor.listening, [])

    def test_long_folder(self) -> None:
        """A path that no socket can have is said, and by which key."""
        place = self.folder() / ("n" * 90)
        _, wrong = self.started(place)
        self.assertIn("[emulation] folder", wrong)
        self.assertIn("too long", wrong)

    def test_swept(self) -> None:
        """Sockets of the dead go; those of the living, and what is none, stay."""
        place = self.folder()
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(place / "dead"))
        (place / "file").write_text("x")
        with socket.socket(socket.AF_UNIX) as live, socket.socket(socket.AF_UNIX) as busy:
            live.bind(str(place / "live"))
            live.listen()
            busy.bind(str(place / "busy"))
            busy.listen(0)
            queued = [socket.socket(socket.AF_UNIX) for _ in range(4)]
            for one in queued:  # until its queue is full, so that a probe gets another error
                one.setblocking(False)
                one.connect_ex(str(place / "busy"))
            self.assertEqual(self.started(place)[1], "")
            for one in queued:
                one.close()
        self.assertEqual(sorted(one.name for one in place.iterdir()), ["busy", "file", "live"])

    def test_announced(self) -> None:
        """Every hour, for three; a store that is away is not an error; none after the end."""
        nodes = self.make(address="here.example")
        nodes._announced = "here.example:1"
        nodes._announcing.start(3600)
        self.reactor.pump([1800] * 5)
        self.assertEqual(self.here.kept, [("node.own-node", "here.example:1", 10800)] * 3)
        self.successResultOf(Deferred.fromCoroutine(nodes.stop()))
        self.reactor.pump([1800] * 5)
        self.assertEqual(len(self.here.kept), 3)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_announces_itself(self) -> None:
        """It says so as often as it must, long before it is forgotten."""
        from gateway.net import nodes

        self.assertLessEqual(nodes._EVERY * 2, nodes._ANNOUNCED)

    def test_stop(self) -> None:
        """Ports are closed, though a file is gone, and what is being served breaks off."""
        nodes, _ = self.started(self.folder())
        client = Left()
        nodes.served.add(client)  # type: ignore[arg-type]
        self.successResultOf(Deferred.fromCoroutine(nodes.stop()))
        self.assertEqual((self.reactor.listening[0][2].closed, client.aborted), (True, 1))

    def test_fault(self) -> None:
        """What goes wrong here is told to the operator, and breaks off there."""
        nodes, client = self.make(), Left()
        self.here.answer = fail(ZeroDivisionError("here"))
        nodes.serve(Upward("own-node.1", 8), client)  # type: ignore[arg-type]
        self.assertEqual((client.aborted, self.telemetry.codes()), (1, ["internal.error"]))

    def test_left(self) -> None:
        """Who left is not served on, and that is no fault."""
        nodes, client, cancelled = self.make(), Left(), []
        self.here.answer = Deferred(cancelled.append)
        nodes.serve(Upward("own-node.1", 8), client)  # type: ignore[arg-type]
        for callback in client.callbacks:
            callback()
        self.assertEqual((len(cancelled), client.aborted, self.telemetry.codes()), (1, 0, []))

    def forwarded(self, nodes: Nodes, node: str) -> tuple[Any, Left]:
        client = Left()
        going = nodes.forward(Upward(f"{node}.1", 8), client, client.short, "id")  # type: ignore[arg-type]
        return self.successResultOf(Deferred.fromCoroutine(going)), client

    def test_nobody(self) -> None:
        """Its own dead, names that nobody has: nobody is asked, and nothing counted as passed."""
        place = self.folder()
        nodes, _ = self.started(place)
        (place / "own-node").touch()
        with socket.socket(socket.AF_UNIX) as own:
            own.bind(str(place / "own-nod"))
            os.replace(place / "own-nod", place / "own-node")
            for node in ("own-node", "other"):
                told, client = self.forwarded(nodes, node)
                self.assertEqual((told, client.shorts), ("emulation 404", [404]))
        for outcome in ("passed", "unreached"):
            count = self.telemetry.value("gateway_emulation_forwarded_total", outcome=outcome)
            self.assertEqual(count, 0, outcome)

    def test_unreached(self) -> None:
        """A socket behind which nobody is: counted, and 404."""
        place = self.folder()
        nodes, _ = self.started(place)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(place / "dead"))

        def refuse(*_: Any, **__: Any) -> None:
            raise ConnectionRefusedError

        self.reactor.connectUNIX = refuse  # type: ignore[attr-defined]
        told, client = self.forwarded(nodes, "dead")
        self.assertEqual((told, client.shorts), ("node unreached: ConnectionRefusedError", [404]))
        count = self.telemetry.value("gateway_emulation_forwarded_total", outcome="unreached")
        self.assertEqual(count, 1)

    def test_left_before_it_is_reached(self) -> None:
        """Nothing is said to who left while another process was looked for."""
        nodes = self.make(listen="tcp:0", address="here.example")
        looking: Deferred[Any] = Deferred()
        self.patch(self.here, "kept", lambda name, now: looking)
        client = Left()
        going = Deferred.fromCoroutine(
            nodes.forward(Upward("other.1", 8), client, client.short, "id")  # type: ignore[arg-type]
        )
        going.cancel()
        self.failureResultOf(going, CancelledError)
        self.assertEqual(client.shorts, [])

    def test_left_while_it_is_reached(self) -> None:
        """Who leaves while a connection is being made says nothing of the other process."""
        place = self.folder()
        nodes, _ = self.started(place)
        with socket.socket(socket.AF_UNIX) as slow:
            slow.bind(str(place / "slow"))

        def begin(_: str, factory: Any, **__: Any) -> None:
            factory.startedConnecting(Connector())

        self.reactor.connectUNIX = begin  # type: ignore[attr-defined]
        client = Left()
        going = Deferred.fromCoroutine(
            nodes.forward(Upward("slow.1", 8), client, client.short, "id")  # type: ignore[arg-type]
        )
        going.cancel()
        self.failureResultOf(going, CancelledError)
        count = self.telemetry.value("gateway_emulation_forwarded_total", outcome="unreached")
        self.assertEqual((client.shorts, count), ([], 0))
