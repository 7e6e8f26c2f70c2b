"""Services through a whole gateway: each kind of backend, and what a client sees of it."""

from __future__ import annotations

import json
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.errors import UpstreamFault
from gateway.exchange.needs import ConnectService
from gateway.net.services.backends import Backends, ServiceDown
from gateway.net.telemetry import Silent
from gateway.policy.services import Backend, Service, Services
from tests.net.h2client import Http2Case
from tests.net.harness import DOMAIN
from tests.net.peers import websocket_origin
from tests.net.raw import Origin, reply, until
from tests.net.services import APP, ServiceCase, say_again, service, stream_backend
from tests.net.test_login import basic, password_file
from tests.ops import fetch
from tests.ports import free_ports
from tests.websocket.test_handshake import KEY


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


class DownTests(ServiceCase):
    """A backend that is down."""

    async def test_circuit(self) -> None:
        """503 with a time; not dialled again at once; found again by itself."""
        (port,) = free_ports(1)
        gateway = await self.with_service(f"tcp://127.0.0.1:{port}", "recovery-seconds = 1")
        refused = []
        for _ in range(5):
            answer = await self.handshake(gateway)
            refused.append((answer.status, answer.get(b"retry-after")))
        self.assertEqual(refused, [(503, b"1")] * 5)
        (shown,) = gateway.service._handler.backends.shown()
        self.assertEqual((shown["up"], shown["failures"], shown["open"]), (False, 1, 0))
        self.assertIn(f"tcp://127.0.0.1:{port}: ConnectionRefused", shown["last_fault"])
        listed = json.loads((await fetch(gateway.admin_port, "/services")).body)["services"]
        self.assertEqual([one["name"] for one in listed], ["main"])
        page = await fetch(gateway.admin_port, "/")
        self.assertIn("down, asked again in", page.body.decode())
        metrics = (await fetch(gateway.admin_port, "/metrics")).body.decode()
        self.assertIn('gateway_service_up{service="main"} 0.0', metrics)
        bound = 'gateway_service_limit{limit="recovery-seconds",service="main"} 1.0'
        self.assertIn(bound, metrics)
        backend = stream_backend(say_again)
        from twisted.internet import reactor

        listening = reactor.listenTCP(port, backend, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        await until(lambda: gateway.service._handler.backends.shown()[0]["up"])
        self.assertIn(events.SERVICE_UP, gateway.telemetry.codes())
        client = await self.open(gateway)
        self.assertTrue(client.opened)
        client.drop()
        await until(lambda: all(stream.ended for stream in backend.streams))
        metrics = (await fetch(gateway.admin_port, "/metrics")).body.decode()
        self.assertIn('gateway_service_up{service="main"} 1.0', metrics)
        self.assertIn('gateway_service_accepted_total{service="main"} 1.0', metrics)

    async def test_refusing_backend(self) -> None:
        """One that answers with a status of its own is up, and its status is the client's."""
        origin = Origin(reply(b"no", status=b"403 No"))
        port = await self.listen(origin)
        gateway = await self.with_service(f"ws://127.0.0.1:{port}/")
        for _ in range(2):
            self.assertEqual((await self.handshake(gateway)).status, 403)
        self.assertEqual(len(origin.requests), 2)
        (shown,) = gateway.service._handler.backends.shown()
        self.assertEqual((shown["up"], shown["open"]), (True, 0))

    async def test_client_that_leaves(self) -> None:
        """Says nothing of the backend, and its place is free again."""
        port = await self.listen(Factory.forProtocol(Protocol))
        gateway = await self.with_service(f"ws://127.0.0.1:{port}/", "connections = 1")
        backends = gateway.service._handler.backends
        connection = await gateway.connect()
        connection.write(self.request())
        await until(lambda: backends.shown()[0]["open"] == 1)
        self.assertEqual((await self.handshake(gateway)).status, 503)
        connection.transport.abortConnection()
        await until(lambda: backends.shown()[0]["open"] == 0)
        self.assertTrue(backends.shown()[0]["up"])


class BoundTests(ServiceCase):
    """A service's own limits."""

    async def test_connections(self) -> None:
        """One more is 503; a place is free when one ends."""
        gateway = await self.with_service("echo:", "connections = 1")
        client = await self.open(gateway)
        answer = await self.handshake(gateway)
        self.assertEqual(answer.status, 503)
        client.close(1000)
        await until(lambda: gateway.service.sockets.count == 0)
        self.assertTrue((await self.open(gateway)).opened)

    async def test_message_bytes(self) -> None:
        """A larger message is 1009, whatever [limits] says."""
        gateway = await self.with_service("echo:", "message-bytes = 1000")
        client = await self.open(gateway)
        client.sendMessage(b"x" * 1000, True)
        await until(lambda: client.received == 1000)
        client.sendMessage(b"x" * 1001, True)
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1009)

    async def test_idle(self) -> None:
        """One without a message either way ends with 1001."""
        gateway = await self.with_service("echo:", "idle-seconds = 1")
        client = await self.open(gateway)
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1001)

    async def test_handshakes(self) -> None:
        """Too many in a while are 429 with a time."""
        gateway = await self.with_service(
            "echo:", "handshakes-per-second = 0.1", "handshakes-burst = 2"
        )
        statuses = [(await self.handshake(gateway)).status for _ in range(3)]
        self.assertEqual(statuses, [101, 101, 429])


class CountTests(ServiceCase):
    """What the operator sees of a service's WebSockets."""

    async def test_by_name(self) -> None:
        """They and their refusals count for the service, with file and line in the log."""
        gateway = await self.with_service("echo:")
        client = await self.open(gateway)
        refused = await self.open(gateway, origin="https://evil.example")
        self.assertIn("403", refused.http_status_line)
        ledger = gateway.service.sockets.ledger
        ((place, totals),) = ledger.places().items()
        self.assertEqual((place.kind, place.name, totals.current), ("service", "main", 1))
        self.assertEqual(dict(totals.refused), {events.ORIGIN_DENIED: 1})
        (told,) = [one for one in gateway.telemetry.events if one["code"] == events.ORIGIN_DENIED]
        self.assertRegex(told["rule"], r"service main test\.toml:\d+")
        self.assertIn("allow-origins has nothing for https://evil.example", told["detail"])
        client.close(1000)
        await until(lambda: client.ended)


class PlaceTests(ServiceCase):
    """Where services are, and what is beside them."""

    async def test_own_host(self) -> None:
        """A host of its own has nothing else; the portal's path is not there."""
        rules = service("a", "wss://chat.test/", "echo:", f'allow-origins = ["{APP}"]')
        gateway = await self.gateway(rules=rules)
        client = await self.open(gateway, "/", host="chat.test")
        self.assertTrue(client.opened, client.ended)
        client.drop()
        for host, path, status in (
            ("chat.test", "/", 426),
            ("chat.test", "/other", 404),
            ("other.test", "/", 421),
            (DOMAIN, "/", 200),
        ):
            connection = await gateway.connect()
            connection.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            self.assertEqual((await connection.response()).status, status, (host, path))


class Http2Tests(Http2Case):
    """There is no WebSocket over HTTP/2 here."""

    async def test_refused(self) -> None:
        """426 with words, never a traceback, and the connection goes on."""
        rules = service("main", "/service", "echo:", f'allow-origins = ["{APP}"]')
        gateway = await self.gateway(rules=rules)
        client = await self.open(gateway)
        head = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", DOMAIN.encode())]
        asked = [(b"sec-websocket-version", b"13"), (b"sec-websocket-key", KEY)]
        for fields in ([], asked):
            answer = await client.headers([*head, (b":path", b"/service"), *fields]).done()
            self.assertEqual(answer.status, 426)
            self.assertIn(b"WebSocket service", answer.body)
        answer = await client.headers([*head, (b":path", b"/")]).done()
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.flushLoggedErrors(), [])


class LoginTests(ServiceCase):
    """Services ask as the portal does."""

    async def test_basic(self) -> None:
        """A challenge, then the name goes on to the backend and the password does not."""
        backend = websocket_origin()
        port = await self.listen(backend)
        rules = f'[authentication]\npassword-file = "{password_file()}"\n' + service(
            "main", "/service", f"ws://127.0.0.1:{port}/", f'allow-origins = ["{APP}"]',
            "native = true", 'principal-field = "X-Remote-User"',
        )  # fmt: skip
        gateway = await self.gateway(rules=rules)
        answer = await self.handshake(gateway)
        self.assertEqual(answer.status, 401)
        self.assertIn(b"Basic", answer.get(b"www-authenticate") or b"")
        name, _, value = basic().decode().partition(": ")
        client = await self.open(gateway, origin=None, headers={name: value})
        self.assertTrue(client.opened, client.ended)
        headers = backend.peers[0].request.headers
        self.assertEqual(headers["x-remote-user"], "ada")
        self.assertNotIn("authorization", headers)
        self.assertFalse(backend.peers[0].request.origin)


class ReloadTests(ServiceCase):
    """SIGHUP."""

    async def test_added_changed_removed(self) -> None:
        """Each is taken; relays of what went, or leads elsewhere, end with 1008."""
        first, second = stream_backend(say_again), stream_backend(say_again)
        ports = [await self.listen(one) for one in (first, second)]
        rules = service("main", "/service", f"tcp://127.0.0.1:{ports[0]}",
                        f'allow-origins = ["{APP}"]', "connections = 9")  # fmt: skip
        gateway = await self.gateway(rules=rules, private=(), websocket_close_seconds=2)
        client = await self.open(gateway)
        more = service("echo", "/echo", "echo:", f'allow-origins = ["{APP}"]')
        changes: list[tuple[str, str]] = [("connections = 9", f"connections = 8\n{more}")]
        self.assertEqual(await gateway.reload(*changes), events.RELOADED)
        other = await self.open(gateway, "/echo")
        self.assertTrue(other.opened, other.ended)
        client.sendMessage(b"still there", True)
        await until(lambda: client.received == 11)
        self.assertEqual(gateway.service._handler.backends.shown()[0]["open"], 1)
        moved = (f"127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")
        self.assertEqual(await gateway.reload(moved), events.RELOADED)
        await until(lambda: client.ended and first.streams[0].ended)
        self.assertEqual(client.code, 1008)
        self.assertIsNone(other.ended)
        client = await self.open(gateway)
        self.assertTrue(client.opened)
        self.assertEqual(len(second.streams), 1)
        self.assertEqual(await gateway.reload((more, "")), events.RELOADED)
        await until(lambda: other.ended)
        self.assertEqual(other.code, 1008)
        told = [one for one in gateway.telemetry.events if "after a reload" in one["detail"]]
        self.assertEqual(
            [one["detail"].partition(": ")[2] for one in told],
            ["the service leads elsewhere now", "the service was removed"],
        )
        self.assertIn("service echo", told[1]["rule"])
        self.assertFalse((await self.open(gateway, "/echo")).opened)

    async def test_narrowed(self) -> None:
        """Origins, subprotocols and programs that are not allowed any more."""
        for lines, options, change in (
            ((), {}, (APP, "https://elsewhere.example")),
            (("native = true",), {"origin": None}, ("native = true", "native = false")),
            (('subprotocols = ["a", "b"]',), {"protocols": ("b",)}, ('"a", "b"', '"a"')),
        ):
            gateway = await self.with_service("echo:", *lines)
            client = await self.open(gateway, **options)
            self.assertTrue(client.opened, change)
            self.assertEqual(await gateway.reload(change), events.RELOADED)
            await until(lambda client=client: client.ended)
            self.assertEqual(client.code, 1008, change)

    async def test_login(self) -> None:
        """Who was let in without a login is sent away when one is asked for."""
        gateway = await self.with_service("echo:")
        client = await self.open(gateway)
        table = f'[authentication]\npassword-file = "{password_file()}"\n[[service]]'
        self.assertEqual(await gateway.reload(("[[service]]", table)), events.RELOADED)
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1008)


class OvertakenTests(SynchronousTestCase):
    """A reload while somebody dials."""

    def test_failed_afterwards(self) -> None:
        """It is down for the new configuration, which asks again by itself."""
        clock, telemetry = Clock(), Silent()
        one = Service("a", "gateway.example", "/a", Backend("tcp", "tcp://b:1"))
        upstream: Any = None
        old = Backends(clock, Services((one,)), upstream, telemetry)
        old.begin()
        answer: Deferred[Any] = Deferred()
        self.patch(old, "_open", lambda need, state: answer)
        dialling = Deferred.fromCoroutine(
            old.dial(ConnectService(one, b"", None, ()), Straight(), upstream)
        )
        changed = Backends(clock, Services((attrs.evolve(one, prepared=0),)), upstream, telemetry)
        changed.follow(old)
        self.assertEqual(clock.getDelayedCalls(), [])
        answer.errback(UpstreamFault("nobody there"))
        self.failureResultOf(dialling, ServiceDown)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        changed.stop()
        self.assertEqual(clock.getDelayedCalls(), [])


class Straight:
    """Sockets without bounds."""

    async def open(self, dial: Any, holder: object, upstream: object) -> Any:
        return await dial()
