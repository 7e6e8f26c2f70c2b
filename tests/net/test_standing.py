"""WebSockets that run while the configuration is reloaded."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.exchange.standing import Objection
from gateway.net.relay import Relay
from gateway.net.settings import Limits
from gateway.net.standing import Review, Standing
from gateway.policy.steps import Step
from tests.net.harness import WS, Gateway, Remembering
from tests.net.peers import ClientPeer, ServerPeer, SocketCase, websocket_origin
from tests.net.raw import until

NAVIGATION = 'href = "https://*.site.example"'
CLOSED = (NAVIGATION, 'href = "https://shop.site.example"')


class ReloadTests(SocketCase):
    """Real ones, through a gateway."""

    async def _ping_pong(self, client: ClientPeer, server: ServerPeer) -> None:
        had = len(client.messages), len(server.messages)
        client.sendMessage(b"there")
        server.sendMessage(b"back")
        await until(
            lambda: (len(client.messages), len(server.messages)) == (had[0] + 1, had[1] + 1)
        )

    def _revoked(self, gateway: Gateway) -> list[dict[str, Any]]:
        return [one for one in gateway.telemetry.events if "after a reload" in one["detail"]]

    async def test_goes_on(self) -> None:
        """One whose destination is still open goes on, whatever else changed."""
        gateway, client, server = await self.pair()
        access = (
            '[[access]]\norigin = "wss://ws.site.example"\nfrom = "https://shop.site.example"\n'
        )
        for change in (
            (NAVIGATION, 'href = "https://ws.site.example"\n[[access]]\norigin = "https://x.test"'),
            ('"https://ws.site.example"\n', '"https://shop.site.example"\n' + access),
        ):  # fmt: skip
            self.assertEqual(await gateway.reload(change), events.RELOADED)
            await self._ping_pong(client, server)
        self.assertEqual(await gateway.reload(("domain", "domian")), events.RELOAD_REFUSED)
        await self._ping_pong(client, server)
        self.assertEqual((client.ended, server.ended, self._revoked(gateway)), (None, None, []))

    async def test_closed(self) -> None:
        """One whose rule went ends with 1008; the origin is told that its client leaves."""
        gateway, client, server = await self.pair()
        self.assertEqual(await gateway.reload(CLOSED), events.RELOADED)
        await until(lambda: client.ended and server.ended)
        self.assertEqual((client.code, server.code), (1008, 1001))
        (told,) = self._revoked(gateway)
        self.assertEqual(
            (told["code"], told["step"]), (events.DESTINATION_DENIED, Step.DESTINATION)
        )
        self.assertTrue(told["request"])
        await until(lambda: gateway.service.sockets.count == 0)
        accesses = [one for one in gateway.telemetry.accesses if "ending" in one]
        self.assertEqual([one["ending"] for one in accesses], ["revoked"])
        self.assertEqual([one["request"] for one in accesses], [told["request"]])
        again = await self.dial(gateway)
        self.assertFalse(again.opened)

    async def test_only_the_closed(self) -> None:
        """Others of the same gateway go on."""
        other = "https://other.site.example"
        origins = {WS: websocket_origin(), other: websocket_origin()}
        gateway = await self.gateway(origins, websocket_close_seconds=2)
        clients = [await self.dial(gateway, to=one) for one in (WS, WS, other, other)]
        change = (NAVIGATION, f'href = "{other}"')
        self.assertEqual(await gateway.reload(change), events.RELOADED)
        await until(lambda: clients[0].ended and clients[1].ended)
        self.assertEqual([one.code for one in clients], [1008, 1008, None, None])
        await self._ping_pong(clients[2], origins[other].peers[0])
        await until(lambda: gateway.service.sockets.count == 2)

    async def test_address(self) -> None:
        """One that leads to an address that is closed by now ends, too."""
        gateway, client, _ = await self.pair()
        change = ('allow-private = ["127.0.0.0/8"]', "allow-private = []")
        self.assertEqual(await gateway.reload(change), events.RELOADED)
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1008)
        self.assertEqual([one["code"] for one in self._revoked(gateway)], [events.SSRF_DENIED])

    async def test_transport(self) -> None:
        """One that was dialled under other transport rules ends: it may not be what is asked for."""
        gateway, client, server = await self.pair()
        rule = '\n[[access]]\norigin = "https://ws.site.example"\nminimum-tls = "{}"\n'
        change = (NAVIGATION, NAVIGATION + rule.format("1.2"))
        self.assertEqual(await gateway.reload(change), events.RELOADED)
        await self._ping_pong(client, server)
        change = ('minimum-tls = "1.2"', 'minimum-tls = "1.3"')
        self.assertEqual(await gateway.reload(change), events.RELOADED)
        await until(lambda: client.ended)
        self.assertEqual(client.code, 1008)

    async def test_deaf(self) -> None:
        """A client that reads nothing is cut when its time is over, and nothing more is relayed."""
        gateway, client, server = await self.pair(websocket_close_seconds=1)
        client.stop_reading()
        server.flood(1024)
        (relay,) = gateway.service.sockets._relays
        await until(lambda: server.congested and relay._stalls)
        server.left = 0
        self.assertEqual(await gateway.reload(CLOSED), events.RELOADED)
        await until(lambda: gateway.service.sockets.count == 0)
        client.read_on()
        await until(lambda: client.ended and server.ended)

    async def test_dialled_before(self) -> None:
        """A handshake that was judged before and answered after the reload is asked again."""
        gateway = await self.gateway({WS: websocket_origin()}, websocket_close_seconds=2)
        waiting: list[Deferred[None]] = []
        handler = gateway.service._handler
        dial = handler.sockets.dial

        async def late(*arguments: Any) -> Any:
            dialled = await dial(*arguments)
            waiting.append(Deferred())
            await waiting[0]
            return dialled

        self.patch(handler.sockets, "dial", late)
        running = Deferred.fromCoroutine(self.dial(gateway))
        await until(lambda: waiting)
        self.assertEqual(await gateway.reload(CLOSED), events.RELOADED)
        waiting[0].callback(None)
        client = await running
        await until(lambda: client.ended)
        self.assertEqual((client.opened, client.code), (True, 1008))


class _Leg:
    def __init__(self) -> None:
        self.endings: list[Any] = []

    def end(self, ending: Any) -> None:
        self.endings.append(ending)

    def resume(self) -> None:
        pass

    pause = resume


class _Judge:
    """Objects to hosts; each question takes a while."""

    def __init__(self, clock: Clock, *closed: str) -> None:
        self.clock, self.closed = clock, closed
        self.asked: list[str] = []

    def objection(self, standing: Standing) -> Objection | None:
        self.asked.append(standing.host)
        self.clock.rightNow += 0.002
        return Objection("closed", 3) if standing.host in self.closed else None


class ReviewTests(SynchronousTestCase):
    """The pass over many relays."""

    def setUp(self) -> None:
        self.clock, self.telemetry = Clock(), Remembering()
        self.review = Review(self.clock, self.telemetry)

    def relay(self, host: str | None, request: str = "") -> Any:
        legs: list[Any] = [_Leg(), _Leg()]
        made = Relay(legs[0], legs[1], Limits(), self.clock, self.telemetry, lambda _: None)
        if host is not None:
            made.standing = Standing(None, "", 0, host, "client", request)
        return made

    def endings(self, relay: Any) -> list[list[int | None]]:
        return [[one.code for one in leg.endings] for leg in relay._legs]

    def test_slices(self) -> None:
        """After some milliseconds the reactor has its turn; equal questions are asked once."""
        relays = [self.relay(f"h{number}") for number in range(10)]
        judge: Any = _Judge(self.clock, *(f"h{number}" for number in range(10)))
        self.review.begin(judge, [relays[0], *relays, *relays])
        turns = 0
        while self.clock.getDelayedCalls():
            self.assertLess(len(judge.asked) / (turns + 1), 5)
            self.clock.pump([0])
            turns += 1
        self.assertGreater(turns, 0)
        self.assertEqual(judge.asked, [f"h{number}" for number in range(10)])
        for relay in relays:
            self.assertCountEqual(self.endings(relay), [[1008], [1001]])
        self.assertEqual(len(self.telemetry.events), 10)

    def test_newest_judge(self) -> None:
        """Another reload's judge takes over: what the first would have closed may go on."""
        relays = [self.relay(f"h{number}") for number in range(10)]
        first: Any = _Judge(self.clock, "h9")
        second: Any = _Judge(self.clock)
        self.review.begin(first, relays)
        self.review.begin(second, relays)
        while self.clock.getDelayedCalls():
            self.clock.advance(0)
        self.assertEqual(len(second.asked), 10)
        self.assertLess(len(first.asked), 5)
        self.assertEqual(self.endings(relays[9]), [[], []])

    def test_one(self) -> None:
        """Before a first reload nobody asks; then the newest judge does."""
        relay = self.relay("a")
        self.review.one(relay)
        judge: Any = _Judge(self.clock, "a")
        self.review.begin(judge, [])
        self.assertEqual(self.endings(relay), [[], []])
        self.review.one(relay)
        self.assertCountEqual(self.endings(relay), [[1008], [1001]])

    def test_left_alone(self) -> None:
        """One that is about to end, or of which nothing is known, is left alone."""
        ending, unknown = self.relay("a"), self.relay(None)
        ending.drain()
        before = self.endings(ending)
        judge: Any = _Judge(self.clock, "a")
        self.review.begin(judge, [ending, unknown])
        self.assertEqual(self.endings(ending), before)
        self.assertEqual(self.endings(unknown), [[], []])
        self.assertEqual(self.telemetry.events, [])
