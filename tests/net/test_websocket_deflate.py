"""A message that is inflated is whole, or refused: never a little shorter than it was."""

from __future__ import annotations

import zlib

from autobahn.exception import PayloadExceededError
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.legs import Deflate
from gateway.websocket.deflate import Agreed, Settings
from tests.net.frames import BINARY, PING, PONG, RawCase, frame, raw_origin
from tests.net.harness import WS
from tests.net.raw import until

BOUND, LARGE = 5_000, 50_000
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate"


def deflated(message: bytes) -> bytes:
    """A message as RFC 7692, section 7.2.1, compresses it."""
    made = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (made.compress(message) + made.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(octets: bytes, bound: int, own: int | None, step: int) -> int | str:
    """How long a message becomes that comes in steps; or that it is too large."""
    deflate = Deflate(Agreed(), Settings(11, decompressed_bytes=bound), is_server=True)
    found = 0
    deflate.start_decompress_message()
    try:
        for at in range(0, len(octets), step):
            data, deflate.has_more = octets[at : at + step], True
            while deflate.has_more:
                left = None if own is None else own - found
                found += len(deflate.decompress_message_data(data, left))
                data = b""
        deflate.end_decompress_message()
    except PayloadExceededError:
        return "too large"
    return found


class ExactTests(SynchronousTestCase):
    """Sizes on both sides of the bound."""

    def test_table(self) -> None:
        """The last octet that may be, and the first that may not, at any pace."""
        for unit in (b"\0", b"ab", b"hello, ", bytes(range(256))):
            for size in (*range(BOUND - 3, BOUND + 4), BOUND + 257, BOUND + 258, BOUND + 300):
                octets = deflated((unit * 2 * BOUND)[:size])
                wanted: int | str = size if size <= BOUND else "too large"
                for step in (1, 7, len(octets)):
                    for bound, own in ((BOUND, None), (2 * BOUND, BOUND), (BOUND, 2 * BOUND)):
                        found = inflated(octets, bound, own, step)
                        self.assertEqual(found, wanted, (unit, size, step, bound, own))


class LegTests(RawCase):
    """The same through a whole gateway."""

    async def test_bound(self) -> None:
        """One octet more than may be is 1009, and nothing of it comes through."""
        for limits in (
            {"websocket_decompressed_bytes": LARGE},
            {"websocket_message_bytes": LARGE},
        ):
            origin = raw_origin()
            gateway = await self.gateway({WS: origin}, websocket_close_seconds=2, **limits)
            for size, code in ((LARGE, None), (LARGE + 1, 1009)):
                client, server = await self.raw_pair(gateway, origin, OFFER)
                client.write(frame(BINARY, deflated(b"\0" * size), rsv=4, masked=True))
                client.write(frame(PING, masked=True))
                await until(lambda c=client: c.told is not None or (PONG, b"") in c.frames)
                self.assertEqual(client.told, code, (limits, size))
                whole = [] if code else [size]
                await until(lambda s=server, w=whole: list(map(len, s.messages)) == w)
