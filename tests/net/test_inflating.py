"""Compressed messages are inflated no faster than the other side takes what they stand for."""

from __future__ import annotations

import zlib
from typing import Any

from tests.net.harness import Gateway
from tests.net.peers import ACCEPTING, OFFERING, SocketCase
from tests.net.raw import until

MIB = 2**20
LARGE = 15 * MIB
"""Nearly what a message may have, and more than the system keeps of a connection."""
BOUND = 384 * 1024
"""What a transport holds at most: what it is full with, and one more step, as TLS records."""


def deflated(data: bytes) -> bytes:
    """A message's payload as permessage-deflate has it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


BOMB = deflated(bytes(LARGE))


def legs_of(gateway: Gateway) -> dict[str, Any]:
    """The only relay's legs, by their names."""
    (relay,) = gateway.service.sockets._relays
    return {name: leg for leg, name in relay._names.items()}


def waiting(leg: Any) -> int:
    """Octets that wait in this process to be written."""
    tcp = getattr(leg.transport, "transport", leg.transport)
    return len(tcp.dataBuffer) + int(tcp._tempDataLen)


class InflatingTests(SocketCase):
    """Bombs, to readers that read nothing."""

    async def bombed(self, *, by_client: bool) -> tuple[Gateway, Any, Any]:
        """Gateway, sender and reader; the reader has been sent a bomb and reads nothing."""
        bits = 0 if by_client else 15
        gateway, client, server = await self.pair(
            None if by_client else ACCEPTING,
            {"options": OFFERING} if by_client else None,
            websocket_compression_upstream_window_bits=bits,
        )
        sender, reader = (client, server) if by_client else (server, client)
        (relay,) = gateway.service.sockets._relays
        reader.stop_reading()
        sender.sendFrame(opcode=2, payload=BOMB, rsv=4)
        await until(lambda: relay._stalls)
        return gateway, sender, reader

    async def test_memory(self) -> None:
        """A bomb waits as it came; it arrives whole, and all that follows behind it."""
        for by_client in (True, False):
            gateway, sender, reader = await self.bombed(by_client=by_client)
            sender.sendMessage(b"plain")
            half = deflated(bytes(2 * MIB))
            sender.sendFrame(opcode=2, payload=half[:900], fin=False, rsv=4)
            sender.sendPing(b"between")
            sender.sendFrame(opcode=0, payload=half[900:])
            sender.sendMessage(b"last")
            leg = legs_of(gateway)["upstream" if by_client else "client"]
            self.assertLess(waiting(leg), BOUND, by_client)
            wanted = LARGE + 2 * MIB + len(b"plainlast")
            reader.read_on()
            most = 0
            while reader.received < wanted:
                await until(lambda r=reader, had=reader.received: r.received > had)
                most = max(most, waiting(leg))
            self.assertEqual(reader.received, wanted)
            self.assertEqual([text for text, _ in reader.messages], [b"plain", b"last"])
            self.assertLess(most, BOUND, by_client)

    async def vanished(self) -> tuple[Gateway, Any]:
        """Gateway and reader; who sent the bomb has gone, and the gateway has seen that."""
        gateway, sender, reader = await self.bombed(by_client=True)
        legs = legs_of(gateway)
        sender.drop()
        await until(lambda: sender.ended)
        legs["client"].sendPing(b"")  # who is not read is known to be gone when it is written to
        await until(lambda: legs["client"]._gone)
        self.assertLess(waiting(legs["upstream"]), BOUND)
        self.assertIsNone(reader.ended)
        return gateway, reader

    async def test_a_sender_that_vanishes(self) -> None:
        """What it said is passed on at the reader's pace still, then that it is gone."""
        gateway, reader = await self.vanished()
        reader.read_on()
        await until(lambda: reader.ended)
        self.assertEqual((reader.received, reader.code), (LARGE, 1006))
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_both_vanish(self) -> None:
        """Nobody is left to read it: nothing of it is left."""
        gateway, reader = await self.vanished()
        reader.drop()
        gateway.service.sockets.abort_all()
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_a_fault_in_the_midst(self) -> None:
        """What is too large, or no deflate stream, behind what was passed: a code for both."""
        large = deflated(bytes(LARGE + 2 * MIB))
        broken = BOMB + b"\0\0\xff\xff" + b"\xff" * 8
        for code, payload in ((1009, large), (1007, broken)):
            gateway, client, server = await self.pair(None, {"options": OFFERING})
            server.stop_reading()
            client.sendFrame(opcode=2, payload=payload, rsv=4)
            (relay,) = gateway.service.sockets._relays
            await until(lambda relay=relay: relay._stalls)
            self.assertIsNone(client.ended)
            server.read_on()
            await until(lambda c=client, s=server: c.ended and s.ended)
            self.assertEqual((client.code, server.code), (code, code))
