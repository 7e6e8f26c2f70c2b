"""The fallback through a whole gateway: from create to close over real sockets."""

from __future__ import annotations

from io import BytesIO

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.arriving import Arriving
from gateway.net.emulation import EmulatedLeg, Made
from gateway.net.settings import Limits
from gateway.net.telemetry import Silent
from gateway.websocket.closing import Ending
from gateway.websocket.emulation.extensions import Extensions
from gateway.websocket.emulation.frames import PING as PING_FRAME
from gateway.websocket.emulation.frames import message, read_close
from gateway.websocket.emulation.request import Opening, Wishes
from tests.net.emulated import ALL, CLOSE, PAGE, RECONNECT, Emulated, EmulatedCase, text
from tests.net.frames import closing, raw_origin
from tests.net.harness import WS
from tests.net.peers import CHUNK, websocket_origin
from tests.net.raw import until
from tests.net.test_arriving import body_of
from tests.net.test_emulation_response import FakeClient

PING = b"X-Accept-Commands: ping"
EXTENSIONS = b"X-WebSocket-Extensions: " + ALL
BYE = b"\x01" + b"0203e8627965" + b"\xff"


class LifeTests(EmulatedCase):
    """Create, messages both ways, the end from either side."""

    async def test_whole_life(self) -> None:
        """Messages go both ways as what they are; the client's close is answered."""
        gateway, client, server = await self.emulated()
        down = await client.down()
        head = await down.begun()
        for name, value in (
            (b"content-type", b"application/octet-stream"),
            (b"cache-control", b"no-store, no-transform"),
            (b"x-accel-buffering", b"no"),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
            (b"content-encoding", None),
            (b"access-control-allow-origin", PAGE),
            (b"access-control-allow-credentials", b"true"),
        ):
            self.assertEqual(head.get(name), value, name)
        sent = text("hé") + b"\x80\x03\x00\xff\x01" + b"\x00old\xff" + RECONNECT
        self.assertEqual(await client.up(sent), 200)
        await until(lambda: len(server.messages) == 3)
        self.assertEqual(
            server.messages, [("hé".encode(), False), (b"\x00\xff\x01", True), (b"old", False)]
        )
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
        await until(lambda: gateway.service.sockets.count == 0)
        self.assertEqual(gateway.telemetry.value("gateway_websocket_connections"), 0)

    async def test_server_closes(self) -> None:
        """The site's end is a CLOSE, with its code where that was agreed on."""
        for fields, wanted in (((), (None, "")), ((EXTENSIONS,), (4001, "énough"))):
            gateway, client, server = await self.emulated(*fields)
            down = await client.down()
            await down.begun()
            server.sendMessage(b"last", True)
            server.close(4001, "énough".encode())
            self.assertEqual(await down.whole(), "binary close reconnect")
            self.assertEqual(read_close(down.frames[1].payload), wanted)
            self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
            await until(lambda: gateway.service.sockets.count == 0)

    async def test_client_closes(self) -> None:
        """Code and reason reach the site, and come back."""
        _, client, server = await self.emulated(EXTENSIONS)
        down = await client.down()
        self.assertEqual(await client.up(text("a") + BYE + text("late") + RECONNECT), 200)
        await until(lambda: server.ended)
        self.assertEqual(server.ended, (True, 1000, "bye"))
        self.assertEqual(server.messages, [(b"a", False)])
        self.assertEqual(await down.whole(), "close reconnect")
        self.assertEqual(read_close(down.frames[0].payload), (1000, "bye"))

    async def test_last_words(self) -> None:
        """What the site answers to what came before is there before the end, as natively."""
        for fields in ((), (EXTENSIONS,)):
            _, client, server = await self.emulated(*fields, options={"echoes": True})
            down = await client.down()
            await down.begun()
            self.assertEqual(await client.up(text("question") + CLOSE + RECONNECT), 200)
            self.assertEqual(await down.whole(), "text close reconnect")
            self.assertEqual(down.payloads, [b"question"])
            await until(lambda server=server: server.ended)

    async def test_answered_close(self) -> None:
        """CLOSE comes as the site answers it; it does not wait for one that says nothing."""
        for answer, seconds, told in (
            (closing(4001), 30, (4001, "")),
            (closing(None), 30, (None, "")),
            (b"", 1, (1000, "bye")),
            (b"", 0, (1000, "bye")),
            (None, 30, None),
        ):
            origin = raw_origin()
            gateway = await self.gateway(
                {WS: origin}, websocket_close_seconds=1, websocket_farewell_seconds=seconds
            )
            client = Emulated(gateway)
            self.assertEqual((await client.create("/ws", EXTENSIONS)).status, 201)
            down = await client.down()
            (site,) = origin.peers
            site.answers_close = False
            self.assertEqual(await client.up(BYE + RECONNECT), 200)
            await until(lambda site=site: site.told)
            self.assertEqual(site.told, 1000)
            if answer is None:
                site.transport.loseConnection()
                self.assertEqual((await down.begun()).status, 200)
                self.assertEqual(await down.whole(), "reconnect")
                down = await client.down()
                self.assertEqual((await down.begun()).status, 404)
            else:
                site.write(answer)
                self.assertEqual(await down.whole(), "close reconnect")
                self.assertEqual(read_close(down.frames[0].payload), told)
            await until(lambda gateway=gateway: gateway.service.sockets.count == 0)

    async def test_vanished(self) -> None:
        """A site that vanishes is a response that breaks off, and an id that is none."""
        _, client, server = await self.emulated()
        down = await client.down()
        server.sendMessage(b"x", True)
        server.leave()
        await until(lambda: down.connection.ended)
        self.assertEqual((down.payloads, down.is_whole), ([b"x"], False))
        again = await client.down(number=client.down_number)
        self.assertEqual((await again.begun()).status, 404)
        self.assertEqual(await client.up(RECONNECT), 404)

    async def test_vanished_after_a_message(self) -> None:
        """With codes the response ends in order, which loses nothing, and the next one is none."""
        for retry in (ALL, b"x-gw-close"):
            gateway, client, server = await self.emulated(b"X-WebSocket-Extensions: " + retry)
            down = await client.down()
            await down.begun()
            server.sendMessage(b"x", True)
            server.sendMessage(CHUNK * 3, True)
            server.leave()
            self.assertEqual(await down.whole(), "binary binary reconnect")
            self.assertEqual(down.payloads, [b"x", CHUNK * 3])
            if retry == ALL:
                again = await client.down(number=client.down_number)
                self.assertEqual(await again.whole(), "binary binary reconnect")
            self.assertEqual(await client.up(text("late") + RECONNECT), 200)
            following = await client.down()
            self.assertEqual((await following.begun()).status, 404)
            await until(lambda gateway=gateway: gateway.service.sockets.count == 0)

    async def test_vanished_between(self) -> None:
        """What is sent between two requests waits for the next; where nothing waits, it is 404."""
        for fields in ((), (EXTENSIONS,)):
            for says in (True, False):
                _, client, server = await self.emulated(*fields)
                down = await client.down(".ki=p")
                server.sendMessage(b"1", True)
                self.assertEqual(await down.whole(), "binary reconnect")
                if says:
                    server.sendMessage(b"2", True)
                server.leave()
                await until(lambda server=server: server.ended)
                leg = next(iter(self.made.service._handler.emulations._legs.values()), None)
                await until(lambda leg=leg: leg is None or leg._is_closed or leg._telling)
                down = await client.down(".ki=p")
                if says:
                    self.assertEqual(await down.whole(), "binary reconnect")
                    self.assertEqual(down.payloads, [b"2"])
                    down = await client.down(".ki=p")
                self.assertEqual((await down.begun()).status, 404, (fields, says))

    async def test_vanished_while_polled(self) -> None:
        """Nothing is to be told to a request that waits: it is answered with 404."""
        for fields in ((), (EXTENSIONS,)):
            gateway, client, server = await self.emulated(*fields)
            down = await client.down(".ki=p")
            (leg,) = gateway.service._handler.emulations._legs.values()
            await until(lambda leg=leg: leg._response is not None)
            server.leave()
            self.assertEqual((await down.begun()).status, 404)
            self.assertEqual(gateway.service._handler.emulations.count, 0)

    async def test_vanished_from_a_slow_reader(self) -> None:
        """However slowly it is read, all that was sent comes before the end."""
        for fields, ends in (((), False), ((EXTENSIONS,), True)):
            gateway, client, server = await self.emulated(*fields)
            down = await client.down()
            await down.begun()
            (leg,) = gateway.service._handler.emulations._legs.values()
            down.connection.transport.pauseProducing()
            server.sendMessage(b"m" * 2_000_000, True)
            for _ in range(30):
                server.sendMessage(b"n" * 20_000, True)
            server.leave()
            await until(lambda leg=leg: leg._down.queued)
            down.connection.transport.resumeProducing()
            if ends:
                await down.whole()
            await until(lambda down=down: down.connection.ended)
            self.assertEqual(down.is_whole, ends)
            if not ends:
                self.assertEqual([len(one) for one in down.payloads], [2_000_000, *[20_000] * 30])

    async def test_client_vanishes(self) -> None:
        """A response that the client leaves is the connection's end."""
        gateway, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        down.abort()
        await until(lambda: server.ended)
        self.assertFalse(server.ended[0])
        self.assertEqual(await client.up(RECONNECT), 404)
        await until(lambda: gateway.service._handler.emulations.count == 0)

    async def test_nobody_comes(self) -> None:
        """A client that does not ask for a response, or for the next one, is gone."""
        gateway, _, server = await self.emulated(emulation_gap_seconds=0.2)
        await until(lambda: server.ended)
        self.assertFalse(server.ended[0])
        again = Emulated(gateway)
        await again.create()
        down = await again.down(".kb=1")
        upstream = await self.newest(gateway)
        upstream.sendMessage(b"b" * 2000, True)
        self.assertEqual(await down.whole(), "binary reconnect")
        await until(lambda: upstream.ended)

    async def newest(self, gateway: object) -> object:
        """The site's newest connection."""
        await until(lambda: self.upstream.peers[-1].opened)
        return self.upstream.peers[-1]


class ResponseTests(EmulatedCase):
    """Bounds of responses, heart-beats, long-polls, overlap."""

    async def test_size(self) -> None:
        """A response ends when it is full; the next one goes on."""
        _, client, server = await self.emulated()
        for size in (1024, 900):
            down = await client.down(".kb=1")
            server.sendMessage(b"b" * size, True)
            server.sendMessage(b"c" * 900, True)
            self.assertEqual(await down.whole(), "binary reconnect")
            self.assertEqual(down.payloads, [b"b" * size])
            down = await client.down(".kb=1")
            await until(lambda down=down: down.payloads)
            self.assertEqual(down.payloads, [b"c" * 900])

    async def test_time(self) -> None:
        """A response that is open for long ends in order."""
        _, client, _ = await self.emulated(emulation_response_seconds=0.1)
        down = await client.down()
        self.assertEqual(await down.whole(), "reconnect")
        down = await client.down()
        self.assertEqual(await down.whole(), "reconnect")

    async def test_heartbeat(self) -> None:
        """Silence is broken, and ends a long-poll."""
        _, client, server = await self.emulated(emulation_heartbeat_seconds=0.1)
        down = await client.down(".kkt=20")
        await until(lambda: down.kinds == "nop nop")
        server.sendMessage(b"x", True)
        await until(lambda: down.kinds.startswith("nop nop binary"))
        poll = await client.down(".ki=p")
        self.assertEqual(await poll.whole(), "nop reconnect")

    async def test_poll(self) -> None:
        """Nothing is answered before there is something, then all that is there."""
        _, client, server = await self.emulated()
        down = await client.down(".ki=p")
        server.sendMessage(b"1", True)
        self.assertEqual(await down.whole(), "binary reconnect")
        head = await down.begun()
        self.assertEqual((head.get(b"content-length"), head.get(b"connection")), (b"7", None))
        server.sendMessage(b"2", True)
        server.sendMessage(b"3", False)
        await until(lambda: server.received or True)
        down = await client.down(".ki=p")
        self.assertIn(await down.whole(), {"binary text reconnect", "binary reconnect"})
        self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        down = await client.down(".ki=p")
        self.assertTrue((await down.whole()).endswith("close reconnect"))

    async def test_overlap(self) -> None:
        """The next request ends the response before it in order, and takes over."""
        _, client, server = await self.emulated()
        first = await client.down()
        server.sendMessage(b"1", True)
        await until(lambda: first.payloads)
        second = await client.down(".ki=p")
        self.assertEqual(await first.whole(), "binary reconnect")
        server.sendMessage(b"2", True)
        self.assertEqual(await second.whole(), "binary reconnect")
        self.assertEqual(second.payloads, [b"2"])

    async def test_many(self) -> None:
        """Fifty responses and requests, every message once and in order."""
        _, client, server = await self.emulated(options={"echoes": True})
        seen: list[bytes] = []
        for number in range(25):
            down = await client.down(".ki=p" if number % 2 else "")
            self.assertEqual(await client.up(text(str(number)) + RECONNECT), 200)
            await until(lambda down=down: down.payloads)
            seen += down.payloads
            if number % 2:
                await down.whole()
        self.assertEqual(seen, [str(number).encode() for number in range(25)])
        self.assertEqual(len(server.messages), 25)


class FaultTests(EmulatedCase):
    """What fails the connection: a 400, CLOSE for the client, a vanished one for the site."""

    async def test_bodies(self) -> None:
        """Malformed upstream requests of every kind."""
        table = (
            (b"", 400), (text("a"), 400), (RECONNECT + b"x", 400), (RECONNECT * 2, 400),
            (b"\x89\x00" + RECONNECT, 400), (b"\x8a\x00" + RECONNECT, 400),
            (b"\x81\x02\xc3\x28" + RECONNECT, 400), (b"\x81\x14abc", 400), (b"\xff", 400),
            (BYE + RECONNECT, 400), (b"\x01zz\xff" + RECONNECT, 400),
        )  # fmt: skip
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream}, websocket_close_seconds=1)
        for body, status in table:
            client = Emulated(gateway)
            await client.create()
            down = await client.down()
            await down.begun()
            self.assertEqual(await client.up(body), status, body)
            self.assertEqual(await down.whole(), "close reconnect", body)
            await until(lambda: upstream.peers[-1].ended)
            self.assertFalse(upstream.peers[-1].ended[0], body)
            self.assertLessEqual(len(upstream.peers[-1].messages), 1)
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_numbers(self) -> None:
        """A number out of order, up or down, with and without retry."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream}, websocket_close_seconds=1)
        for fields in ((), (EXTENSIONS,)):
            for leg, number in (("up", 7), ("up", 9), ("down", 7), ("down", 10), ("down", 0)):
                client = Emulated(gateway)
                await client.create("/ws", *fields)
                down = await client.down()
                await down.begun()
                if leg == "up":
                    self.assertEqual(await client.up(RECONNECT, number=number), 400)
                else:
                    other = await client.down(number=number)
                    self.assertEqual((await other.begun()).status, 400)
                self.assertEqual(await down.whole(), "close reconnect", (fields, leg, number))
                if fields:
                    self.assertEqual(read_close(down.frames[0].payload)[0], 1002)
                await until(lambda: upstream.peers[-1].ended)
                self.assertFalse(upstream.peers[-1].ended[0])

    async def test_methods(self) -> None:
        """A method that is none of the leg's fails it."""
        _, client, _ = await self.emulated()
        down = await client.down(method=b"PUT")
        self.assertEqual((await down.begun()).status, 400)

    async def test_ping(self) -> None:
        """Pings are answered where they were announced; with a length never."""
        _, client, _ = await self.emulated(PING)
        down = await client.down()
        await down.begun()
        self.assertEqual(await client.up(b"\x89\x00\x8a\x00" + RECONNECT), 200)
        await until(lambda: down.kinds == "pong")
        self.assertEqual(await client.up(b"\x89\x01" + RECONNECT), 400)

    async def test_binary_only(self) -> None:
        """On ``cb`` a text message is a fault of the client, and 1003 for the site."""
        _, client, server = await self.emulated(create={"suffix": "/;e/cb"})
        self.assertIn("/;e/ub/", client.up_target)
        down = await client.down()
        self.assertEqual(await client.up(b"\x80\x01a" + RECONNECT), 200)
        await until(lambda: server.messages)
        server.sendMessage(b"text", False)
        self.assertEqual(await down.whole(), "close reconnect")
        await until(lambda: server.ended)
        self.assertEqual(server.code, 1003)
        _, client, server = await self.emulated(create={"suffix": "/;e/cb"})
        self.assertEqual(await client.up(text("a") + RECONNECT), 400)

    async def test_too_large(self) -> None:
        """A message above the bound is 1009 for both; so is a body, which is a 413."""
        limits = {"websocket_message_bytes": 1000, "websocket_frame_bytes": 1000}
        _, client, server = await self.emulated(EXTENSIONS, **limits)
        down = await client.down()
        self.assertEqual(await client.up(message(b"m" * 1001, binary=True) + RECONNECT), 200)
        self.assertEqual(await down.whole(), "close reconnect")
        self.assertEqual(read_close(down.frames[0].payload)[0], 1009)
        await until(lambda: server.ended)
        self.assertEqual(server.code, 1009)
        _, client, server = await self.emulated(EXTENSIONS, emulation_body_bytes=1000)
        down = await client.down()
        self.assertEqual(await client.up(message(b"m" * 1001, binary=True) + RECONNECT), 413)
        self.assertEqual(await down.whole(), "close reconnect")
        await until(lambda: server.ended)
        self.assertEqual(server.code, 1009)


class PaceTests(EmulatedCase):
    """Nobody's memory is taken by who does not read."""

    async def test_client_does_not_read(self) -> None:
        """The site is paused when a response is not read; it is read on later, whole."""
        _, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        down.connection.transport.pauseProducing()
        server.flood(400)
        await until(lambda: server.congested)
        sent = server.sent
        self.assertLess(sent, 20 * 2**20)
        total, connection = 0, down.connection
        connection.keep = False
        connection.transport.resumeProducing()
        while total < 400 * len(CHUNK):
            whole = 400 * len(CHUNK) - total
            await until(lambda: connection.ended or connection.total > whole)
            total += connection.total
            if connection.ended:
                connection = (await client.down()).connection
                connection.keep = False
        self.assertEqual(server.left, 0)

    async def test_between_two_requests(self) -> None:
        """Without a response the site is paused after a little, and stalls in the end."""
        gateway, client, server = await self.emulated(
            EXTENSIONS, websocket_stall_seconds=0.3, emulation_gap_seconds=5
        )
        server.flood(400)
        await until(lambda: server.congested)
        await until(lambda: server.ended or not gateway.service.sockets.count)
        self.assertLess(server.sent, 20 * 2**20)
        await until(lambda: server.ended)
        self.assertEqual(server.code, 1013)
        down = await client.down()
        self.assertEqual((await down.begun()).status, 404)

    async def test_site_does_not_read(self) -> None:
        """An upstream request is answered when the site's leg takes more; others wait."""
        _, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        server.stop_reading()
        body = message(CHUNK, binary=True) * 200 + RECONNECT
        answer = await client.up_later(body)
        held = [answer]
        await until(lambda: self.leg(client)._is_held)
        self.assertEqual(answer.buffer, b"")
        server.read_on()
        self.assertEqual((await held[0].response()).status, 200)
        await until(lambda: server.received == 200 * len(CHUNK))

    def leg(self, client: Emulated) -> object:
        """The one leg there is."""
        (leg,) = client.gateway.service._handler.emulations._legs.values()
        return leg

    async def test_many_small_ones(self) -> None:
        """A body of tiny frames is applied in turns."""
        _, client, server = await self.emulated()
        self.assertEqual(await client.up(text("a") * 3000 + RECONNECT), 200)
        await until(lambda: len(server.messages) == 3000)


class Relay:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple] = []

    def __getattr__(self, name: str):
        return lambda leg, *given, **more: self.told.append((name, *given, *more.values()))


class TimeTests(SynchronousTestCase):
    """What only time brings, with a clock of our own."""

    def leg(self, *, ping: bool = False, retry: bool = False) -> tuple[EmulatedLeg, Clock, Relay]:
        clock, relay, over = Clock(), Relay(), []
        made = Made(Opening(7, ping, False), Extensions(close=True, retry=retry), True)
        leg = EmulatedLeg(made, Limits(), clock, Silent(), lambda: over.append(1))
        leg.attach(relay)  # type: ignore[arg-type]
        self.over = over
        return leg, clock, relay

    def down(self, leg: EmulatedLeg, number: int = 8, **wishes: int) -> FakeClient:
        client = FakeClient()
        leg.receive(client, number, Wishes(**wishes), ())  # type: ignore[arg-type]
        return client

    def written(self, client: FakeClient) -> bytes:
        return b"".join(one[1] for one in client.told if one[0] == "write")

    def tick(self, clock: Clock, seconds: int) -> None:
        clock.pump([1] * seconds)

    def test_ping(self) -> None:
        """A silent client is asked; one that gives a sign lives, one that does not is lost."""
        leg, clock, relay = self.leg(ping=True)
        client = self.down(leg)
        for number in (8, 9, 10):
            self.tick(clock, 30)
            self.assertEqual(self.written(client).count(PING_FRAME), number - 7)
            leg.upward(number, body_of(b"\x8a\x00" + RECONNECT), 1000)
        self.assertEqual([one[0] for one in relay.told], ["answered"] * 3)
        self.assertEqual({one[1] for one in relay.told}, {5.0})
        relay.told = []
        self.tick(clock, 44)
        self.assertEqual(relay.told, [])
        self.tick(clock, 3)
        self.assertEqual(relay.told, [("closed", None, "", False)])
        self.assertEqual(client.names[-1], "abort")
        self.assertEqual((self.over, clock.getDelayedCalls()), ([1], []))

    def test_ping_with_retry(self) -> None:
        """With retry the response is cut first, and may be asked for again for a time."""
        leg, clock, relay = self.leg(ping=True, retry=True)
        client = self.down(leg)
        self.tick(clock, 46)
        self.assertEqual((client.names[-1], relay.told), ("abort", []))
        self.tick(clock, 20)
        client = self.down(leg, 8, offset=2)
        self.tick(clock, 40)
        self.assertEqual(relay.told, [])
        self.tick(clock, 40)
        self.assertEqual(relay.told, [("closed", None, "", False)])
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_amid_a_message(self) -> None:
        """Whoever judges times is told that a message is coming, until it is there."""
        leg, _, relay = self.leg()
        body = Arriving(BytesIO())
        leg.upward(8, body, 1000)
        self.assertEqual(relay.told, [])
        for part in (b"\x80", b"\x03a", b"b"):
            body.add(part)
            self.assertEqual(relay.told.pop(), ("coming",))
        body.add(b"c")
        self.assertEqual(relay.told, [("received", b"abc", True)])

    def test_no_ping(self) -> None:
        """Who announced none gets none, and is not lost for silence."""
        leg, clock, relay = self.leg()
        client = self.down(leg)
        self.tick(clock, 290)
        self.assertNotIn(PING_FRAME, self.written(client))
        self.assertEqual(relay.told, [])

    def test_gaps(self) -> None:
        """Before the first request and between two, so long and no longer."""
        for retry in (False, True):
            leg, clock, relay = self.leg(retry=retry)
            self.tick(clock, 29)
            client = self.down(leg)
            self.tick(clock, 301)
            self.assertEqual(client.names[-1], "finish")
            self.tick(clock, 28)
            self.down(leg, 9)
            self.assertEqual(relay.told, [])
            self.tick(clock, 332)
            self.assertEqual(relay.told, [("closed", None, "", False)])
            self.assertEqual((self.over, clock.getDelayedCalls()), ([1], []))

    def test_the_end_is_kept(self) -> None:
        """A CLOSE that finds no response waits for one; then the id is forgotten."""
        for come in (False, True):
            leg, clock, relay = self.leg()
            leg.end(Ending(1001, "x"))
            self.assertEqual(relay.told, [])
            self.tick(clock, 20)
            self.assertEqual(relay.told, [("closed", None, "", True)])
            if come:
                client = self.down(leg)
                self.assertTrue(self.written(client).endswith(RECONNECT))
                self.assertEqual(leg.upward(8, body_of(CLOSE + RECONNECT), 1000), 200)
                self.assertEqual(leg.receive(client, 9, Wishes(), ()), 404)
                self.tick(clock, 6)
            else:
                self.tick(clock, 11)
            self.assertEqual((self.over, clock.getDelayedCalls()), ([1], []))
            self.assertEqual(leg.upward(8, body_of(b""), 1000), 404)


class DrainTests(EmulatedCase):
    """What ends all of them ends these."""

    async def test_drain(self) -> None:
        """1001 for both, and the drain is over at once."""
        gateway, client, server = await self.emulated(EXTENSIONS, drain_websocket_seconds=0.1)
        other = Emulated(gateway)
        await other.create()
        down = await client.down()
        await down.begun()
        await gateway.service.sockets.drain()
        self.assertEqual(await down.whole(), "close reconnect")
        self.assertEqual(read_close(down.frames[0].payload)[0], 1001)
        await until(lambda: server.ended)
        self.assertEqual(server.code, 1001)

    async def test_reload(self) -> None:
        """What is not open any more after a reload ends with 1008; the rest goes on."""
        rule = '[[access]]\norigin = "https://ws.site.example"\n'
        gateway, client, server = await self.emulated(EXTENSIONS, gateway_options={"rules": rule})
        down = await client.down()
        await down.begun()
        await gateway.reload()
        self.assertEqual(await client.up(text("a") + RECONNECT), 200)
        await until(lambda: server.messages)
        closed = 'href = "https://shop.site.example"'
        await gateway.reload(('href = "https://*.site.example"', closed), (rule, ""))
        self.assertEqual(await down.whole(), "close reconnect")
        self.assertEqual(read_close(down.frames[0].payload)[0], 1008)
