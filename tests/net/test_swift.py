"""The short way of plain messages does what autobahn's does, however the octets come."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.legs import configure
from gateway.net.settings import Limits
from gateway.net.swift import Keys
from gateway.net.websocket import ServerLeg
from gateway.websocket.framing import Utf8
from tests.net.frames import CONTINUATION, PING, PONG, TEXT, closing, frame

LIMITS = Limits(
    websocket_ping_seconds=0, websocket_message_bytes=900, websocket_whole_bytes=400,
    websocket_fragments_per_message=5,
)  # fmt: skip
_HEAD = (
    b"GET / HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2tra2tra2tra2tra2traw==\r\n\r\n"
)


class _Transport(StringTransport):
    def setTcpNoDelay(self, on: bool) -> None:
        pass

    pauseProducing = resumeProducing = lambda self: None


class _Relay:
    """Remembers what the leg tells."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.stops_at: set[int] = set()
        self.left = 0

    def received(self, leg: Any, payload: bytes, *, binary: bool) -> None:
        self.heard.append((payload, binary))
        if len(self.heard) in self.stops_at:
            leg.pause()

    def begun(self, leg: Any, *, binary: bool) -> bool:
        self.heard.append(["in parts", binary, b""])
        return True

    def part(self, leg: Any, payload: bytes) -> None:
        self.heard[-1][2] += payload

    def finished(self, leg: Any) -> None:
        self.heard.append("finished")

    def closing(self, leg: Any, code: int | None, reason: str | None, *, was_clean: bool) -> None:
        self.heard.append((code, was_clean))

    def pinged(self, leg: Any) -> None:
        self.heard.append("pinged")

    def exceeded(self, leg: Any, key: str) -> None:
        self.heard.append(key)

    closed = congested = relieved = lambda *_, **__: None


def leg(*, swift: bool) -> Any:
    """A client's leg that is open."""
    clock = Clock()
    factory = WebSocketServerFactory(None, reactor=clock)
    configure(factory, LIMITS)
    made = ServerLeg(None, {}, LIMITS, None)
    made.factory = factory
    if not swift:
        made.take_plain = lambda most: 0
    made.makeConnection(_Transport())
    made.dataReceived(_HEAD)
    made.clock = clock
    made.transport.clear()
    made.attach(_Relay())
    return made


def play(made: Any, pieces: list[bytes]) -> tuple[list[Any], bytes]:
    """What a leg tells and writes when it is given these pieces."""
    for piece in pieces:
        made.dataReceived(piece)
        for _ in range(40):
            made.clock.advance(0)
            if made._paused:
                made.resume()
    return made.relay.heard, made.transport.value()


_PAYLOADS = st.one_of(
    st.text(max_size=90).map(str.encode),
    st.binary(max_size=200),
    st.integers(100, 1000).map(lambda size: b"x" * size),
)
_FRAMES = st.builds(
    frame,
    st.sampled_from([1, 2, 1, 2, 1, 2, CONTINUATION, PING, PONG, 3]),
    _PAYLOADS,
    fin=st.sampled_from([True, True, True, False]),
    rsv=st.sampled_from([0] * 15 + [4]),
    masked=st.sampled_from([True] * 15 + [False]),
    form=st.sampled_from([None] * 14 + [16, 64]),
)
_STREAMS = st.lists(st.one_of(_FRAMES, _FRAMES, st.just(closing(3000, b"x", masked=True))))


class SwiftTests(SynchronousTestCase):
    """Two legs, one of which has no short way, hear the same."""

    @settings(max_examples=200, deadline=None)
    @given(_STREAMS, st.lists(st.integers(1, 700), min_size=1), st.sets(st.integers(1, 8)))
    def test_same(self, stream: list[bytes], cuts: list[int], stops: set[int]) -> None:
        """Messages, faults and what is written, with pauses between."""
        octets, pieces = b"".join(stream), []
        while octets:
            size = cuts[len(pieces) % len(cuts)]
            pieces.append(octets[:size])
            octets = octets[size:]
        found = []
        for swift in (True, False):
            made = leg(swift=swift)
            made.relay.stops_at = stops
            found.append(play(made, pieces))
        self.assertEqual(found[0], found[1])

    def test_odd_ones(self) -> None:
        """What is odd between two plain messages in one write, and each cut of it."""
        odd = (
            frame(1, b"a" * 5, masked=True, form=16),
            frame(1, b"a" * 5, masked=True, form=64),
            frame(2, b"unmasked and long enough"),
            frame(1, b"\xff", masked=True),
            frame(1, b"a" * 401, masked=True),
            frame(1, b"a" * 901, masked=True),
            frame(1, b"a", masked=True, rsv=1),
            frame(3, b"a", masked=True),
            frame(1, b"a", masked=True, fin=False),
            frame(PING, b"a", masked=True),
            closing(3000, b"bye", masked=True),
        )
        plain = frame(1, b"plain", masked=True)
        for one in odd:
            octets = plain + one + plain
            for cut in range(0, len(octets), 1 if len(octets) < 60 else 37):
                pieces = [octets[:cut], octets[cut:]]
                found = [play(leg(swift=swift), pieces) for swift in (True, False)]
                self.assertEqual(found[0], found[1], (one, cut))
        self.assertEqual(play(leg(swift=True), [plain])[0], [(b"plain", False)])

    def test_paused(self) -> None:
        """Nothing is taken from the moment when somebody says to pause."""
        made = leg(swift=True)
        made.relay.stops_at = {2}
        made.dataReceived(frame(1, b"a", masked=True) * 5)
        self.assertEqual(len(made.relay.heard), 2)
        made.resume()
        self.assertEqual(len(made.relay.heard), 5)

    def test_utf8(self) -> None:
        """Text in fragments is judged by Python's decoder, too."""
        made = leg(swift=True)
        self.assertIsInstance(made.utf8validator, Utf8)

    def test_it_is_taken(self) -> None:
        """Plain messages do not reach autobahn; a flood of them gives way to others."""
        made = leg(swift=True)
        made.processData = lambda: self.assertLess(len(made.data), 2) or False
        octets = b"".join(
            frame(opcode, b"ab" * size, masked=True)
            for size in (0, 1, 62, 63, 200)
            for opcode in (1, 2)
        )
        made.dataReceived(octets)
        self.assertEqual(len(made.relay.heard), 10)
        made.dataReceived(frame(TEXT, b"", masked=True) * 1000)
        self.assertEqual(len(made.relay.heard), 10 + 256)
        for _ in range(3):
            made.clock.advance(0)
        self.assertEqual(len(made.relay.heard), 1010)

    def test_sent(self) -> None:
        """A client's leg gets no mask; an upstream's gets one that is new each time."""
        made = leg(swift=True)
        for size in (0, 125, 126, 65536):
            made.send_plain(b"a" * size, binary=True)
            self.assertEqual(made.transport.value(), frame(2, b"a" * size))
            made.transport.clear()
        made.factory.isServer = False
        for size in (0, 5, 383, 384, 385, 65536):
            made.send_plain(b"a" * size, binary=False)
            octets = made.transport.value()
            made.transport.clear()
            begin = len(octets) - size - 4
            key = octets[begin : begin + 4]
            self.assertEqual(octets[:begin], frame(1, b"a" * size, masked=True)[:begin])
            mixed = bytes(octet ^ key[at % 4] for at, octet in enumerate(octets[begin + 4 :]))
            self.assertEqual(mixed, b"a" * size)

    def test_keys(self) -> None:
        """None is given twice; a new pool is drawn when the old one is used up."""
        drawn: list[int] = []

        def draw(size: int) -> bytes:
            drawn.append(size)
            first = len(drawn) * 1_000_000
            return b"".join((first + at).to_bytes(4, "big") for at in range(size // 4))

        keys = Keys(draw)
        given = {keys.next() for _ in range(2500)}
        self.assertEqual((len(given), len(drawn)), (2500, 3))
