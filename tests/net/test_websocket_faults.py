"""What goes wrong between real sockets: peers that vanish, read nothing, flood or dawdle."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from tests.net.frames import (
    BINARY,
    CONTINUATION,
    PING,
    TEXT,
    RawCase,
    RawClient,
    RawServer,
    closing,
    frame,
    opening,
    raw_origin,
)
from tests.net.harness import WS, host_of
from tests.net.raw import until

HELD = 2**20
"""What the gateway may keep of a stream that nobody reads; far below what is sent."""
CHUNK = 65536


def held(leg: Any) -> int:
    """Octets that the gateway keeps for a leg's peer, which the kernel did not take."""
    octets, transport = 0, leg.transport
    while transport is not None:
        octets += sum(map(len, getattr(transport, "_appSendBuffer", ())))
        octets += len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
        octets += getattr(transport, "_tempDataLen", 0)
        transport = getattr(transport, "transport", None)
    return octets


class FaultCase(RawCase):
    """One gateway, both ends raw."""

    timeout = 100

    async def stage(self, **limits: float) -> tuple[Any, RawClient, RawServer]:
        """Both ends of one WebSocket."""
        origin = raw_origin()
        gateway = await self.gateway({WS: origin}, **{"websocket_close_seconds": 2, **limits})
        return gateway, *await self.raw_pair(gateway, origin)

    async def legs(self, gateway: Any) -> dict[str, Any]:
        """The legs of the only relay, by name."""
        await until(lambda: gateway.service.sockets.count == 1)
        (relay,) = gateway.service.sockets._relays
        return {name: leg for leg, name in relay._names.items()}


class VanishTests(FaultCase):
    """A peer that is gone without a word."""

    async def test_in_the_midst(self) -> None:
        """Half a frame, half a message or half a close, and then nothing: the other one is cut."""
        for half in (
            lambda masked: frame(TEXT, b"a" * 100, masked=masked)[:50],
            lambda masked: frame(TEXT, b"a" * 100, masked=masked)[:1],
            lambda masked: frame(BINARY, b"a" * 100, fin=False, masked=masked),
            lambda masked: closing(1000, masked=masked)[:-1],
            lambda masked: b"",
        ):
            for by_client in (True, False):
                for abort in (True, False):
                    gateway, client, server = await self.stage()
                    gone, other = (client, server) if by_client else (server, client)
                    gone.write(frame(TEXT, b"whole", masked=by_client) + half(by_client))
                    await until(lambda: other.messages == [b"whole"])
                    if abort:
                        gone.transport.abortConnection()
                    else:
                        gone.transport.loseConnection()
                    await until(lambda: other.ended)
                    self.assertEqual((other.told, other.messages), ("dropped", [b"whole"]))
                    await until(lambda: gateway.service.sockets.count == 0)

    async def test_before_the_answer_is_whole(self) -> None:
        """An origin that goes within its answer's head is a 502."""
        for part in (b"", b"HTTP/1.1 1", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"):

            def answer(peer: Any, head: bytes, part: bytes = part) -> None:
                peer.write(part)
                peer.transport.loseConnection()

            gateway = await self.gateway({WS: raw_origin(answer)})
            client = await self.raw_client(gateway)
            self.assertTrue(client.head.startswith(b"HTTP/1.1 502 "), client.head)
            self.assertEqual(gateway.service.sockets.count, 0)

    async def test_half_open(self) -> None:
        """Who answers no ping is gone; the other one is cut, too."""
        for silent_client in (True, False):
            _, client, server = await self.stage(websocket_ping_seconds=1, websocket_pong_seconds=1)
            silent, other = (client, server) if silent_client else (server, client)

            def answer(masked: bool = other.masked, other: Any = other) -> bool:
                for opcode, payload in other.frames:
                    if opcode == PING:
                        other.write(frame(10, payload, masked=masked))
                other.frames = [one for one in other.frames if one[0] != PING]
                return other.ended

            await until(answer)
            self.assertTrue(any(opcode == PING for opcode, _ in silent.frames), silent_client)
            await until(lambda: silent.ended)
            self.assertEqual(other.told, "dropped")


class SlowTests(FaultCase):
    """A peer that reads nothing."""

    async def test_memory(self) -> None:
        """The other one is read no more; what is kept is bounded, and comes when it is wanted."""
        for by_client in (True, False):
            gateway, client, server = await self.stage()
            legs = await self.legs(gateway)
            sender, reader = (client, server) if by_client else (server, client)
            leg = legs["upstream" if by_client else "client"]
            reader.transport.pauseProducing()
            one = frame(BINARY, b"m" * CHUNK, masked=by_client)
            most = sent = stuck = 0
            while stuck < 20:
                self.assertLess(sent, 1024, "the pressure reaches the sender")
                before = held(sender)
                if before < 2**20:
                    sender.write(one)
                    sent += 1
                await deferLater(self.clock(), 0.001)
                most = max(most, held(leg))
                stuck = stuck + 1 if held(sender) >= max(before, 2**20) else 0
            self.assertLess(most, HELD, by_client)
            reader.transport.resumeProducing()
            await until(lambda: len(reader.messages) == sent)
            self.assertEqual({len(one) for one in reader.messages}, {CHUNK})
            client.transport.abortConnection()
            await until(lambda: gateway.service.sockets.count == 0)

    def clock(self) -> Any:
        """The reactor."""
        from twisted.internet import reactor

        return reactor

    async def test_deadline(self) -> None:
        """Who reads nothing for too long is cut; the other one hears 1013."""
        for by_client in (True, False):
            gateway, client, server = await self.stage(websocket_stall_seconds=1)
            sender, reader = (client, server) if by_client else (server, client)
            reader.transport.pauseProducing()
            one = frame(BINARY, b"m" * 2**20, masked=by_client)

            def more(sender: Any = sender, one: bytes = one) -> bool:
                if not sender.ended and held(sender) < 2**21:
                    sender.write(one)
                return sender.told is not None

            await until(more)
            self.assertEqual(sender.told, 1013, by_client)
            await until(lambda: gateway.service.sockets.count == 0)
            self.assertIn("websocket-stall-seconds", gateway.telemetry.limits())


class PieceTests(FaultCase):
    """Octets that come as it pleases the network."""

    async def test_octet_by_octet(self) -> None:
        """Handshakes and frames cut at every octet, on both legs, are what they are whole."""
        clock = SlowTests.clock(self)  # type: ignore[arg-type]

        async def trickle(peer: Any, data: bytes) -> None:
            for at in range(len(data)):
                peer.write(data[at : at + 1])
                await deferLater(clock, 0)

        text = "ä€😀".encode()
        long = b"l" * 200

        def all_of(masked: bool) -> bytes:
            return (
                frame(TEXT, text[:3], fin=False, masked=masked)
                + frame(PING, b"?", masked=masked)
                + frame(CONTINUATION, text[3:], masked=masked)
                + frame(BINARY, long, masked=masked)
                + frame(BINARY, b"", masked=masked)
            )

        def answer(peer: Any, head: bytes) -> None:
            Deferred.fromCoroutine(trickle(peer, head + all_of(masked=False)))

        origin = raw_origin(answer)
        gateway = await self.gateway({WS: origin})
        client = await self.client(gateway.port, factory=_raw_clients())
        client.transport.setTcpNoDelay(True)
        await trickle(client, opening(gateway) + all_of(masked=True))
        await until(lambda: origin.peers and len(origin.peers[0].messages) == 3)
        await until(lambda: len(client.messages) == 3)
        (server,) = origin.peers
        self.assertEqual(server.messages, [text, long, b""])
        self.assertEqual(client.messages, [text, long, b""])
        for peer in (client, server):
            self.assertIn((10, b"?"), peer.frames)

    async def test_behind_the_answer(self) -> None:
        """Data, an end or a violation in one segment with the origin's 101 are heard."""
        cases = (
            (frame(TEXT, b"hello") + closing(4001), [b"hello"], 4001),
            (closing(), [], 0),
            (frame(TEXT, b"hello") + b"\xff\0", [b"hello"], 1002),
            (frame(TEXT, b"\xff"), [], 1007),
        )
        for behind, messages, code in cases:
            origin = raw_origin(lambda peer, head, behind=behind: peer.write(head + behind))
            gateway = await self.gateway({WS: origin}, websocket_close_seconds=2)
            client = await self.raw_client(gateway)
            self.assertTrue(client.head.startswith(b"HTTP/1.1 101 "), client.head)
            await until(lambda: client.told is not None)
            self.assertEqual((client.messages, client.told), (messages, code))
            await until(lambda: gateway.service.sockets.count == 0)

    async def test_much_behind_the_answer(self) -> None:
        """A message in one segment with the 101 is no part of the head that is bounded."""
        message = b"m" * 12_000
        origin = raw_origin(lambda peer, head: peer.write(head + frame(BINARY, message)))
        gateway = await self.gateway({WS: origin}, response_header_bytes=4096)
        client = await self.raw_client(gateway)
        self.assertTrue(client.head.startswith(b"HTTP/1.1 101 "), client.head)
        await until(lambda: client.messages == [message])


class ManyTests(FaultCase):
    """Many at a time."""

    async def test_handshakes_that_are_refused(self) -> None:
        """A flood of them dials nothing and leaves nothing."""
        origin = raw_origin()
        gateway = await self.gateway({WS: origin})
        asked = opening(gateway).replace(b"Origin: https://", b"Origin: https://not-")

        async def one() -> int:
            client = await gateway.connect()
            client.write(asked)
            answer = await client.response()
            await client.closed()
            return answer.status

        for _ in range(8):
            flood = [Deferred.fromCoroutine(one()) for _ in range(8)]
            self.assertEqual(set(await gatherResults(flood)), {403})
        self.assertEqual((origin.peers, gateway.service.sockets.count), ([], 0))
        await until(lambda: gateway.telemetry.value("gateway_connections") == 0)

    async def test_behind_a_refusal(self) -> None:
        """A proxy that took a refusal for an upgrade tunnels: what comes then is no request."""
        gateway = await self.gateway({WS: raw_origin()})
        sound = opening(gateway)
        smuggled = b"GET /smuggled HTTP/1.1\r\nHost: " + host_of(WS).encode() + b"\r\n\r\n"
        refusals = {
            403: sound.replace(b"Origin: https://", b"Origin: https://not-"),
            426: sound.replace(b"Version: 13", b"Version: 1337"),
        }
        for status, asked in refusals.items():
            for late in (False, True):
                client = await gateway.connect()
                client.write(asked if late else asked + smuggled)
                answer = await client.response()
                # RFC 9112, section 9.6: who closes says so.
                self.assertIn(b"close", answer.all(b"connection"))
                if late:
                    client.write(smuggled)
                await client.closed()
                self.assertEqual((answer.status, client.buffer), (status, b""), late)
        paths = [access.get("path") for access in gateway.telemetry.accesses]
        self.assertNotIn("/smuggled", paths)

    async def test_drain(self) -> None:
        """Each side of each hears 1001, some sooner, some later, all within the time."""
        count, seconds = 24, 1.5
        origin = raw_origin()
        gateway = await self.gateway({WS: origin}, drain_websocket_seconds=seconds)
        pairs = await gatherResults(
            [Deferred.fromCoroutine(self.raw_pair(gateway, origin)) for _ in range(count)]
        )
        clock = SlowTests.clock(self)  # type: ignore[arg-type]
        began = clock.seconds()
        told: dict[Any, float] = {}

        def all_told() -> bool:
            for client, server in pairs:
                if client.told is not None and server.told is not None:
                    told.setdefault(client, clock.seconds() - began)
            return len(told) == count

        over = gateway.service.sockets.drain()
        await until(all_told)
        await over
        self.assertEqual({one.told for pair in pairs for one in pair}, {1001})
        early = sum(at < seconds / 2 for at in told.values())
        self.assertTrue(2 <= early <= count - 2, sorted(told.values()))
        self.assertLess(max(told.values()), seconds + 1)


def _raw_clients() -> Any:
    from twisted.internet.protocol import Factory

    return Factory.forProtocol(RawClient)
