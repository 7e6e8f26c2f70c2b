"""Native legs: compression of each by itself, messages in parts, bounds, and who is read when."""

from __future__ import annotations

import os
import resource
import zlib
from pathlib import Path
from typing import Any

from autobahn.websocket.compress_deflate import PerMessageDeflateOffer

from tests.net.harness import WS, Gateway
from tests.net.peers import ACCEPTING, OFFERING, SocketCase, websocket_origin
from tests.net.raw import until

TEXT = ("so it is written, and so it is read; " * 40).encode()
MIB = 2**20


KEEPING: dict[str, Any] = {
    **OFFERING,
    "perMessageCompressionOffers": [PerMessageDeflateOffer(accept_no_context_takeover=False)],
}
"""A client that lets its window live on."""


def memory() -> int:
    """This process' resident octets."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def deflated(data: bytes, bits: int = 15, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """A message's payload as permessage-deflate has it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -bits)
    packed = packer.compress(data) + packer.flush(flush)
    return packed.removesuffix(b"\0\0\xff\xff")


def leg_of(gateway: Gateway, name: str) -> Any:
    """The newest relay's leg."""
    (relay,) = gateway.service.sockets._relays
    return next(leg for leg, known in relay._names.items() if known == name)


class CompressionTests(SocketCase):
    """permessage-deflate, hop by hop."""

    async def test_each_leg_by_itself(self) -> None:
        """What a client offers is no origin's business; what is offered there is our own."""
        for upstream_bits, origin, agreed in (
            (0, ACCEPTING, False),
            (11, {}, False),
            (11, ACCEPTING, True),
        ):
            _gateway, client, server = await self.pair(
                {"echoes": True, **origin},
                {"options": OFFERING},
                websocket_compression_upstream_window_bits=upstream_bits,
            )
            told = server.request.headers.get("sec-websocket-extensions", "")
            self.assertEqual("permessage-deflate" in told, bool(upstream_bits))
            self.assertEqual(server._perMessageCompress is not None, agreed)
            self.assertIsNotNone(client._perMessageCompress)
            sent = [TEXT, b"small", b"", TEXT * 100, os.urandom(5000), TEXT]
            for binary in (False, True):
                for payload in sent:
                    if binary or payload.isascii():
                        client.sendMessage(payload, isBinary=binary)
            wanted = 2 * sum(map(len, sent)) - 5000
            await until(lambda: client.received == wanted)
            self.assertEqual(server.received, wanted)
            self.assertEqual(client.messages, server.messages)

    async def test_small_and_large(self) -> None:
        """Small messages are sent as they are; others cost fewer octets than they have."""
        _, client, server = await self.pair(
            None, {"options": OFFERING}, websocket_compression_from_bytes=100
        )
        compressed = client._perMessageCompress
        read: list[int] = []
        compressed.start_decompress_message, start = (
            lambda: (read.append(1), start())[1],
            compressed.start_decompress_message,
        )
        server.sendMessage(b"x" * 99)
        await until(lambda: client.received == 99)
        self.assertEqual(read, [])
        before = client.trafficStats.incomingOctetsWireLevel
        server.sendMessage(b"x" * 10_000)
        await until(lambda: client.received == 10_099)
        self.assertEqual(read, [1])
        self.assertLess(client.trafficStats.incomingOctetsWireLevel - before, 200)

    async def test_windows_that_live_on(self) -> None:
        """With takeover the second message is smaller, and both are read rightly."""
        noise = os.urandom(700)
        for takeover in (0, 1):
            _, client, server = await self.pair(
                None, {"options": OFFERING}, websocket_compression_takeover=takeover
            )
            sizes = []
            for _ in range(2):
                before, seen = client.trafficStats.incomingOctetsWireLevel, client.received
                server.sendMessage(noise, isBinary=True)
                await until(lambda seen=seen: client.received == seen + len(noise))
                sizes.append(client.trafficStats.incomingOctetsWireLevel - before)
            self.assertEqual(sizes[1] < 100, bool(takeover), sizes)
            client.sendMessage(noise, isBinary=True)
            client.sendMessage(noise, isBinary=True)
            await until(lambda server=server: server.received == 2 * len(noise))

    async def test_idle_connections_cost_no_window(self) -> None:
        """Between messages neither window is there, unless it is to live on."""
        gateway, client, _server = await self.pair({"echoes": True}, {"options": OFFERING})
        client.sendMessage(TEXT)
        await until(lambda: client.received)
        deflate = leg_of(gateway, "client")._perMessageCompress
        self.assertEqual((deflate._compressor, deflate._decompressor), (None, None))

    async def test_streams_that_end(self) -> None:
        """A message whose stream its sender ended (BFINAL) is read, and so is the next."""
        for takeover in (0, 1):
            _gateway, client, server = await self.pair(
                None, {"options": KEEPING}, websocket_compression_takeover=takeover
            )
            ended = deflated(TEXT, flush=zlib.Z_FINISH) + b"\0"
            for payload in (ended, deflated(TEXT), ended):
                client.sendFrame(opcode=1, payload=payload, rsv=4)
            await until(lambda server=server: len(server.messages) == 3)
            self.assertEqual({payload for payload, _ in server.messages}, {TEXT})

    async def test_bombs(self) -> None:
        """What grows beyond the bound is 1009 at both ends; the memory of it is the bound's."""
        large, small = deflated(bytes(200 * MIB)), deflated(bytes(2 * MIB))
        decompressed, message = "websocket_decompressed_bytes", "websocket_message_bytes"
        for key, bomb in ((decompressed, large), (decompressed, small), (message, large)):
            for by_client in (True, False):
                _, client, server = await self.pair(
                    ACCEPTING,
                    {"options": OFFERING},
                    websocket_compression_upstream_window_bits=15,
                    websocket_compression_window_bits=15,
                    **{key: MIB},
                )
                before = memory()
                (client if by_client else server).sendFrame(opcode=2, payload=bomb, rsv=4)
                await until(lambda c=client, s=server: c.ended and s.ended)
                self.assertEqual((client.code, server.code), (1009, 1009), (key, by_client))
                self.assertLess(memory() - before, 24 * MIB, (key, by_client))

    async def test_damaged(self) -> None:
        """Octets that are no deflate stream, and text that is none when it was read: 1007."""
        for payload in (b"\xff\xff\xff\xff", deflated(b"\xff\xfe" * 100)):
            _, client, server = await self.pair(None, {"options": OFFERING})
            client.sendFrame(opcode=1, payload=payload, rsv=4)
            await until(lambda c=client, s=server: c.ended and s.ended)
            self.assertEqual((client.code, server.code), (1007, 1007), payload)

    async def test_not_agreed(self) -> None:
        """A compressed frame without agreement is 1002; an answer that was not asked for, 502."""
        _, client, server = await self.pair(
            None, {"options": OFFERING}, websocket_compression_window_bits=0
        )
        self.assertIsNone(client._perMessageCompress)
        client.sendFrame(opcode=1, payload=deflated(TEXT), rsv=4)
        await until(lambda: client.ended and server.ended)
        self.assertEqual((client.code, server.code), (1002, 1002))


class PartsTests(SocketCase):
    """Messages that pass while they come."""

    async def test_large_messages_pass_while_they_come(self) -> None:
        """Their first octets are there before the last ones are sent, control frames between."""
        for options in (None, {"options": OFFERING}):
            for by_client in (True, False):
                gateway, client, server = await self.pair(None, options, websocket_whole_bytes=1000)
                sender, other = (client, server) if by_client else (server, client)
                noise = os.urandom(30_000)
                sender.beginMessage(isBinary=True)
                sender.sendMessageFrame(noise)
                await until(lambda other=other: getattr(other, "message_data", None))
                self.assertEqual(other.messages, [])
                sender.sendPing(b"between")
                other.sendMessage(b"the other way")
                await until(lambda sender=sender: sender.messages)
                sender.sendMessageFrame(noise)
                sender.endMessage()
                await until(lambda other=other: other.messages)
                self.assertEqual(other.messages, [(noise * 2, True)])
                access = gateway.service.sockets._relays
                (relay,) = access
                name = "client" if by_client else "upstream"
                self.assertEqual((relay.messages[name], relay.octets[name]), (1, 60_000))

    async def test_memory(self) -> None:
        """A message of 40 MiB (100 MB cost no more) takes no memory that counts."""
        _gateway, client, server = await self.pair(
            websocket_message_bytes=200 * MIB, websocket_frame_bytes=200 * MIB
        )
        server.onMessageFrameData = lambda payload: setattr(  # it collects nothing itself
            server, "received", server.received + len(payload)
        )
        server.onMessageFrameEnd = lambda: None
        server.onMessageEnd = lambda: server.messages.append((b"", True))
        before = memory()
        client.left = 640
        client.beginMessage(isBinary=True)
        client.beginMessageFrame(640 * 65536)
        chunk = bytes(65536)
        highest = 0
        while client.left:
            client.sendMessageFrameData(chunk)
            client.left -= 1
            wanted = (640 - client.left) * 65536 - 8 * 65536
            await until(lambda wanted=wanted: server.received >= wanted)
            highest = max(highest, memory())
        client.endMessage()
        await until(lambda: server.messages)
        self.assertEqual(server.received, 640 * 65536)
        self.assertLess(highest - before, 8 * MIB)

    async def test_many_fragments(self) -> None:
        """A thousand are fine; one more than the bound is 1009, whoever sends them."""
        for by_client in (True, False):
            _, client, server = await self.pair(websocket_fragments_per_message=1000)
            sender, other = (client, server) if by_client else (server, client)
            sender.sendMessage(b"ab" * 999, fragmentSize=2)  # autobahn ends with an empty one
            await until(lambda other=other: other.messages)
            self.assertEqual(other.messages, [(b"ab" * 999, False)])
            sender.sendMessage(b"ab" * 1000, fragmentSize=2)
            await until(lambda c=client, s=server: c.ended and s.ended)
            self.assertEqual((client.code, server.code), (1009, 1009), by_client)

    async def test_bounds_while_it_passes(self) -> None:
        """Size and text are judged of what passes in parts as of what is whole."""
        cases: list[tuple[int, bytes, bytes]] = [
            (1009, b"x" * 40_000, b"x" * 20_001),
            (1007, b"x" * 2000, b"\xff"),
            (1007, b"x" * 2000 + "\u20ac".encode()[:2], b"("),
        ]
        for code, first, second in cases:
            for by_client in (True, False):
                _, client, server = await self.pair(
                    websocket_whole_bytes=1000, websocket_message_bytes=60_000
                )
                sender, other = (client, server) if by_client else (server, client)
                sender.beginMessage()
                sender.sendMessageFrame(first)
                await until(lambda other=other: getattr(other, "message_data", None))
                sender.sendMessageFrame(second)
                await until(lambda c=client, s=server: c.ended and s.ended)
                self.assertEqual((client.code, server.code), (code, code), by_client)

    async def test_text_across_parts(self) -> None:
        """A character that two fragments share is one."""
        _, client, server = await self.pair(websocket_whole_bytes=10)
        euro = "\u20ac".encode()
        client.beginMessage()
        client.sendMessageFrame(b"x" * 20 + euro[:1])
        client.sendMessageFrame(euro[1:])
        client.endMessage()
        await until(lambda: server.messages)
        self.assertEqual(server.messages, [(b"x" * 20 + euro, False)])

    async def test_a_sender_that_vanishes(self) -> None:
        """Half a message is followed by its sender's ending, whatever that is."""
        for end, wanted in ((lambda one: one.drop(), 1006), (lambda one: one.close(4001), 4001)):
            _, client, server = await self.pair(websocket_whole_bytes=10)
            client.beginMessage()
            client.sendMessageFrame(b"x" * 5000)
            await until(lambda server=server: getattr(server, "message_data", None))
            end(client)
            await until(lambda server=server: server.ended)
            self.assertEqual(server.code, wanted)
            self.assertEqual(server.messages, [])


class PaceTests(SocketCase):
    """Who is read when, and which sign of life counts."""

    async def test_a_flood_of_pings(self) -> None:
        """A peer that pings and reads nothing is owed few pongs, however often it asked."""
        gateway, client, server = await self.pair()
        client.stop_reading()
        server.flood(200)
        leg = leg_of(gateway, "client")
        (relay,) = gateway.service.sockets._relays
        await until(lambda: server.congested and relay._stalls)
        before = memory()
        for number in range(20_000):
            client.sendPing(b"%0120d" % number)
        await until(lambda: leg._owed == b"%0120d" % 19_999)
        self.assertLess(memory() - before, 12 * MIB)
        pongs: list[bytes] = []
        client.onPong = pongs.append
        server.left = 0
        client.read_on()
        await until(lambda: b"%0120d" % 19_999 in pongs)
        self.assertLess(len(pongs), 10_000)

    async def test_a_paused_side_is_not_dead(self) -> None:
        """Whoever is not read, for the other side is slow, cannot answer: no ping counts then."""
        gateway, client, server = await self.pair(
            websocket_ping_seconds=1, websocket_pong_seconds=1
        )
        server.stop_reading()
        client.flood(1024)
        leg = leg_of(gateway, "client")
        await until(lambda: leg._paused)
        self.assertGreater(client.sent, 0)
        marks = leg.autoPingPendingSeq
        await until(lambda: leg.autoPingPendingSeq > marks or leg.autoPingTimeoutCall)
        call = leg.autoPingTimeoutCall
        await until(lambda: leg.autoPingTimeoutCall is not call)
        self.assertIsNone(client.ended)
        client.left = 0

    async def test_slow_readers(self) -> None:
        """A side that reads nothing costs what buffers hold, whatever is sent to it."""
        for by_client in (True, False):
            gateway, client, server = await self.pair()
            sender, reader = (client, server) if by_client else (server, client)
            (relay,) = gateway.service.sockets._relays
            reader.stop_reading()
            before = memory()
            sender.flood(4096)
            await until(lambda sender=sender, relay=relay: sender.congested and relay._stalls)
            # Kernel buffers are nobody's; what the peers hold is this process's, too.
            self.assertLess(memory() - before, 12 * MIB, by_client)
            sender.left = 0
            sender.drop()

    async def test_round_trips(self) -> None:
        """Every pong tells how long it took, on a busy connection, too."""
        gateway, client, _server = await self.pair(
            {"echoes": True}, websocket_ping_seconds=1, websocket_pong_seconds=5
        )

        def measured(leg: str) -> float:
            name = "gateway_websocket_round_trip_seconds_count"
            return gateway.telemetry.value(name, leg=leg)

        while not (measured("client") and measured("upstream")):
            seen = client.received
            client.sendMessage(b"busy")
            await until(lambda seen=seen: client.received > seen)

    async def test_more_than_a_turn_and_then_nothing(self) -> None:
        """What was read before the transport went is passed on, all of it, and comes to an end."""
        gateway, _, server = await self.pair()
        leg = leg_of(gateway, "client")
        calls = iter(range(100))
        take = leg.take_plain
        leg.take_plain = lambda most: (next(calls), take(most))[1]
        leg.pause()
        leg.dataReceived(b"\x81\x81\0\0\0\0x" * 1024)
        self.assertEqual(len(leg.data), 1024 * 7)
        leg._gone, leg._paused = True, False
        leg.consumeData()
        leg._gone = False
        await until(lambda: len(server.messages) == 1024)

    async def test_data_then_end(self) -> None:
        """What came before a close frame arrives before it, however fast all of it came."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream})
        for by_client in (True, False):
            client = await self.dial(gateway)
            await until(lambda: upstream.peers[-1].opened)
            server = upstream.peers[-1]
            sender, other = (client, server) if by_client else (server, client)
            for number in range(2000):
                sender.sendMessage(b"%d" % number)
            sender.close(4000)
            await until(lambda other=other: other.ended)
            self.assertEqual(len(other.messages), 2000, by_client)
            self.assertEqual(other.code, 4000)
