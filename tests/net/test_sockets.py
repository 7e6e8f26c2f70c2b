"""What is kept of WebSockets while they are open, through a whole gateway."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from autobahn.websocket.types import ConnectionDeny
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.settings import Limits
from gateway.net.sockets import Sockets
from tests.net.emulated import Emulated, EmulatedCase
from tests.net.frames import RawClient, closing, opening, raw_origin
from tests.net.harness import WS, Remembering
from tests.net.peers import SocketCase, websocket_origin
from tests.net.raw import until
from tests.net.services import ServiceCase
from tests.net.test_websocket import handshake

if TYPE_CHECKING:
    from tests.net.frames import RawServer
    from tests.net.harness import Gateway
    from tests.net.raw import Message


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

    async def test_drain_waits_for_what_is_being_dialled(self) -> None:
        """A handshake that was under way is answered, and its WebSocket ends with 1001, too."""
        heads: list[tuple[RawServer, bytes]] = []
        origin = raw_origin(lambda peer, head: heads.append((peer, head)))
        gateway = await self.gateway({WS: origin}, drain_seconds=10)
        client = await self.client(gateway.port, factory=Factory.forProtocol(RawClient))
        client.answers_close = False
        client.write(opening(gateway))
        await until(lambda: heads)
        stopping = gateway.service.stopService()
        ((server, head),) = heads
        server.write(head)
        await until(lambda: client.told is not None)
        self.assertEqual(client.told, 1001)
        self.assertFalse(stopping.called)
        client.write(closing(1001, masked=True))
        await stopping
        self.assertEqual(gateway.service.sockets.count, 0)

    async def test_drain_takes_its_time(self) -> None:
        """Closings are spread over the time that is configured, so that not all come back at once."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream}, drain_websocket_seconds=60)
        clients = [await self.dial(gateway) for _ in range(3)]
        bounds, waits = [], iter((0.0, 0.6, 0.3))
        self.patch(
            random, "uniform", lambda low, high: (bounds.append((low, high)), next(waits))[1]
        )
        from twisted.internet import reactor

        began, ended = reactor.seconds(), set()
        drained = gateway.service.sockets.drain()
        times = []
        while len(ended) < 3:
            await until(lambda: {one for one in clients if one.ended} - ended)
            times.append(reactor.seconds() - began)
            ended |= {one for one in clients if one.ended}
        await drained
        self.assertEqual(bounds, [(0, 60)] * 3)
        self.assertEqual([one.code for one in clients], [1001] * 3)
        for found, wanted in zip(times, (0.0, 0.3, 0.6), strict=True):
            self.assertGreaterEqual(found, wanted)

    async def test_over_before_its_turn(self) -> None:
        """A drain does not wait for the turn of one that ended by itself, and forgets it."""
        gateway, client, _ = await self.pair()
        self.patch(random, "uniform", lambda _low, high: high)
        drained = gateway.service.sockets.drain()
        client.drop()
        await drained
        self.assertEqual(gateway.service.sockets._turns, {})
        from twisted.internet import reactor

        left = [one for one in reactor.getDelayedCalls() if "Relay.drain" in str(one)]
        self.assertEqual(left, [])

    async def test_idle(self) -> None:
        """A rule's own time to be idle; pings are no message."""
        rules = '[[access]]\norigin = "https://*.site.example"\nwebsocket-idle-seconds = 1\n'
        gateway = await self.gateway(
            {WS: websocket_origin(echoes=True)},
            rules=rules,
            websocket_ping_seconds=1,
            websocket_idle_seconds=50,
        )
        client = await self.dial(gateway)
        await until(lambda: client.ended)
        self.assertEqual(client.ended, (True, 1001, "idle"))
        key = "websocket-idle-seconds"
        self.assertEqual(gateway.telemetry.value("gateway_limit_reached_total", limit=key), 1)
        # It is over, and counted as such, once the site's leg has closed, too.
        await until(lambda: gateway.service.sockets.count == 0)
        (place,) = gateway.service.sockets.ledger.shown_places()
        self.assertEqual(place["refused"], {key: 1})

    async def test_count(self) -> None:
        """A WebSocket counts as its client's connection until it is over; what it says, at once."""
        gateway, client, server = await self.pair()
        value = gateway.telemetry.value
        self.assertEqual(value("gateway_connections"), 1)
        self.assertEqual(value("gateway_websocket_connections"), 1)
        client.sendMessage(b"hello")
        await until(lambda: server.messages)
        for _ in ("open", "over"):
            self.assertEqual(value("gateway_websocket_messages_total", leg="client"), 1)
            self.assertEqual(value("gateway_websocket_bytes_total", leg="client"), 5)
            client.close(1000)
            await until(lambda: gateway.service.sockets.count == 0)
        self.assertEqual(value("gateway_websocket_connections"), 0)
        self.assertEqual(value("gateway_connections"), 0)

    async def test_bounds_for_each(self) -> None:
        """Each bound answers with its status and the time to wait, and is told in the metrics."""
        for kind, status in (("address", 429), ("session", 429), ("page", 429), ("upstream", 503)):
            gateway, client, _ = await self.pair(**{f"websocket_connections_per_{kind}": 1})
            refused = await self.handshake(gateway)
            self.assertEqual((refused.status, refused.get(b"retry-after")), (status, b"10"), kind)
            key = f"websocket-connections-per-{kind}"
            reached = gateway.telemetry.value("gateway_limit_reached_total", limit=key)
            self.assertEqual(reached, 1)
            self.assertEqual(gateway.telemetry.events[-1]["code"], "limit.exceeded")
            client.drop()
            await until(lambda sockets=gateway.service.sockets: not sockets.counts.total)
            self.assertTrue((await self.dial(gateway)).opened)

    async def test_handshakes(self) -> None:
        """So many in a second; then 503 before anything else is asked, for services, too."""
        gateway = await self.gateway({WS: websocket_origin()}, websocket_handshakes_per_second=1)
        answers = [await self.handshake(gateway, bodyless=True) for _ in range(5)]
        while len(answers) < 60 and answers[-1].status == 101:  # each second allows another
            answers.append(await self.handshake(gateway, bodyless=True))
        self.assertEqual({one.status for one in answers[:-1]}, {101})
        refused = answers[-1]
        self.assertEqual((refused.status, refused.get(b"retry-after")), (503, b"1"))
        key = "websocket-handshakes-per-second"
        self.assertEqual(gateway.telemetry.value("gateway_limit_reached_total", limit=key), 1)

    async def test_nothing_is_left(self) -> None:
        """Whatever becomes of a handshake, it counts for nobody afterwards."""
        upstream = websocket_origin(_refuse_odd)
        gateway = await self.gateway({WS: upstream}, connect={"down.site.example": 1})
        for target, to in (("/", WS), ("/odd", WS), ("/", "https://down.site.example")):
            client = await self.dial(gateway, target, to=to)
            if client.opened:
                client.drop()
            await until(lambda: not gateway.service.sockets.counts.total)
        self.assertEqual(len(gateway.service.sockets.counts), 0)

    async def handshake(self, gateway: Gateway, *, bodyless: bool = False) -> Message:
        """A raw client's handshake and what it is answered."""
        client = await gateway.connect()
        client.write(handshake(gateway.with_token("/"), gateway.cookie))
        return await client.response(bodyless=bodyless)


class HurryTests(SynchronousTestCase):
    """Handshakes a second, by a clock of the test's own."""

    def test_table(self) -> None:
        """A burst, then the rate; who is turned away takes nothing; a reload counts anew."""
        clock, telemetry = Clock(), Remembering()
        upstream: Any = SimpleNamespace(limits=Limits(websocket_handshakes_per_second=10))
        sockets = Sockets(clock, upstream, telemetry)
        self.assertEqual([sockets.hurry() for _ in range(50)], [None] * 50)
        for _ in range(20):
            refused = sockets.hurry()
            assert refused is not None
            self.assertEqual((refused.status, refused.fields), (503, ((b"Retry-After", b"1"),)))
        clock.advance(0.11)
        self.assertIsNone(sockets.hurry())
        self.assertIsNotNone(sockets.hurry())
        key = "websocket-handshakes-per-second"
        self.assertEqual(telemetry.value("gateway_limit_reached_total", limit=key), 21)
        upstream.limits = Limits(websocket_handshakes_per_second=20)
        self.assertIsNone(sockets.hurry())
        upstream.limits = Limits(websocket_handshakes_per_second=0)
        self.assertEqual([sockets.hurry() for _ in range(500)], [None] * 500)


class PlacesTests(EmulatedCase, ServiceCase):
    """Where WebSockets lead, as the operator sees it."""

    def counted(self, gateway: Gateway) -> dict[tuple[str, str, str], tuple[int, int, set[str]]]:
        """By kind, name and transport: open, in all, and which rules refused."""
        return {
            (place.kind, place.name, place.transport): (
                totals.current,
                totals.opened,
                set(totals.refused),
            )
            for place, totals in gateway.service.sockets.ledger.places().items()
        }

    async def test_sites(self) -> None:
        """Native and emulated apart; refusals by their rule, also of those that lead nowhere."""
        gateway, emulated, _ = await self.emulated()
        native = await self.dial(gateway)
        evil = await self.dial(gateway, origin="https://evil.example")
        self.assertIn("403", evil.http_status_line)
        await Emulated(gateway).create("/ws", origin=b"https://evil.example")
        await self.dial(gateway, to="https://nobody.example")
        found = self.counted(gateway)
        self.assertEqual(found["site", WS, "native"], (1, 1, {"origin.denied"}))
        self.assertEqual(found["site", WS, "emulated"], (1, 1, {"origin.denied"}))
        self.assertEqual(found["site", "https://nobody.example", "native"][:2], (0, 0))
        shown = gateway.service.sockets.ledger.shown()
        self.assertEqual([one["transport"] for one in shown], ["emulated", "native"])
        self.assertEqual(gateway.service.sockets.ledger.close(place=WS), 2)
        await until(lambda: native.ended and not gateway.service.sockets.count)
        self.assertEqual(native.code, 1008)
        del emulated

    async def test_services(self) -> None:
        """By their names; their own refusals, and the bounds of all, with a time to wait."""
        gateway = await self.with_service("echo:", websocket_connections_per_address=1)
        client = await self.open(gateway)
        refused = await self.handshake(gateway)
        self.assertEqual((refused.status, refused.get(b"retry-after")), (429, b"10"))
        await self.open(gateway, origin="https://evil.example")
        current, opened, rules = self.counted(gateway)["service", "main", "native"]
        self.assertEqual((current, opened, len(rules)), (1, 1, 2))
        self.assertIn("websocket-connections-per-address", rules)
        client.drop()
        await until(lambda: not gateway.service.sockets.counts.total)
        self.assertTrue((await self.open(gateway)).opened)


def _refuse_odd(request: Any) -> None:
    if request.path == "/odd":
        raise ConnectionDeny(403, "no")
