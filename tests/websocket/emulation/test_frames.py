"""Frames: to octets and back, at any boundary, and everything that is none."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.closing import Ending
from gateway.websocket.emulation import frames
from gateway.websocket.emulation.frames import Decoder, Frame, Kind, Malformed, TooLarge

MOST = 70_000
MESSAGES = st.one_of(
    st.tuples(st.just(True), st.binary(max_size=400)),
    st.tuples(st.just(False), st.text(max_size=200).map(lambda one: one.encode("utf-8"))),
)
COMMANDS = st.sampled_from((frames.NOP, frames.RECONNECT, frames.PING, frames.PONG))


def decode(*chunks: bytes, most: int = MOST) -> list[Frame]:
    decoder = Decoder(most)
    found = []
    for chunk in chunks:
        decoder.feed(chunk)
        while (frame := decoder.next()) is not None:
            found.append(frame)
    return found


class FramesTests(SynchronousTestCase):
    """One codec for both directions."""

    def test_octets(self) -> None:
        """The very octets of the published protocol."""
        table = (
            (b"\x81\x00", Kind.TEXT, b""),
            (b"\x81\x03abc", Kind.TEXT, b"abc"),
            (b"\x80\x00", Kind.BINARY, b""),
            (b"\x80\x7f" + b"b" * 127, Kind.BINARY, b"b" * 127),
            (b"\x80\x81\x00" + b"b" * 128, Kind.BINARY, b"b" * 128),
            (b"\x80\x83\xff\x7f" + b"b" * 65535, Kind.BINARY, b"b" * 65535),
            (b"\x80\x84\x80\x00" + b"b" * 65536, Kind.BINARY, b"b" * 65536),
            (b"\x00\xff", Kind.TEXT, b""),
            (b"\x00abc\xff", Kind.TEXT, b"abc"),
            (b"\x01\x30\x30\xff", Kind.NOP, b""),
            (b"\x010000\xff", Kind.NOP, b""),
            (b"\x01\x30\x31\xff", Kind.RECONNECT, b""),
            (b"\x01\x30\x32\xff", Kind.CLOSE, b""),
            (b"\x010203e8627965\xff", Kind.CLOSE, b"\x03\xe8bye"),
            (b"\x010203E8627965\xff", Kind.CLOSE, b"\x03\xe8bye"),
            (b"\x89\x00", Kind.PING, b""),
            (b"\x8a\x00", Kind.PONG, b""),
        )
        for octets, kind, payload in table:
            self.assertEqual(decode(octets), [Frame(kind, payload)], octets[:12])
            if kind in {Kind.TEXT, Kind.BINARY} and octets[0]:
                self.assertEqual(frames.message(payload, binary=kind is Kind.BINARY), octets)

    def test_malformed(self) -> None:
        """What is no frame is refused; where more octets could not help, at once."""
        table = (
            b"\x02", b"\x82\x00", b"\x88\x00", b"\xff", b"\x7f",  # types
            b"\x89\x01", b"\x8a\x80", b"\x8a\x7f",  # lengths of pings
            b"\x80\x80\x80", b"\x80" + b"\x80" * 12,  # padded lengths
            b"\x01\xff", b"\x010\xff", b"\x0103\xff", b"\x01zz\xff", b"\x0101 \xff",
            b"\x01 01\xff", b"\x010101\xff", b"\x010001\xff", b"\x01" + b"0" * 300,
            b"\x81\x01\xff", b"\x81\x02\xc3\x28", b"\x81\x03\xed\xa0\x80", b"\x81\x02\xc0\xaf",
            b"\x00\xc3\xff", b"\x81\x04\xf4\x90\x80\x80",
        )  # fmt: skip
        for octets in table:
            self.assertRaises(Malformed, decode, octets)
            self.assertRaises(Malformed, decode, b"\x81\x01a" + octets)

    def test_too_large(self) -> None:
        """A message beyond the bound is known by its length, or by what came of it."""
        self.assertEqual(len(decode(b"\x80\x0a" + b"b" * 10, most=10)), 1)
        self.assertEqual(len(decode(b"\x00" + b"b" * 10 + b"\xff", most=10)), 1)
        for octets in (
            b"\x80\x0b", b"\x81\x0b", b"\x80\x8f\x8f", b"\x00" + b"b" * 11, b"\x80" + b"\xff" * 30,
        ):  # fmt: skip
            self.assertRaises(TooLarge, decode, octets, most=10)

    def test_close(self) -> None:
        """Code and reason as in RFC 6455; a reason is cut at a character."""
        table = (
            (Ending(), True, (None, "")),
            (Ending(1000, "bye"), True, (1000, "bye")),
            (Ending(4999, "é" * 100), True, (4999, "é" * 61)),
            (Ending(1000, "bye"), False, (None, "")),
        )
        for ending, tells, wanted in table:
            (frame,) = decode(frames.close(ending, tells=tells))
            self.assertEqual((frame.kind, frames.read_close(frame.payload)), (Kind.CLOSE, wanted))
        for payload in (
            b"\x03",
            b"\x03\xed",
            b"\x03\xee",
            b"\x00\x00",
            b"\x03\xe8\xff",
            b"\x13\x88",
        ):
            self.assertRaises(Malformed, frames.read_close, payload)

    def test_between(self) -> None:
        """A decoder knows whether a frame is cut off."""
        decoder = Decoder(10)
        self.assertTrue(decoder.is_between)
        decoder.feed(b"\x81\x02a")
        self.assertIsNone(decoder.next())
        self.assertFalse(decoder.is_between)
        decoder.feed(b"b")
        self.assertFalse(decoder.is_between)
        self.assertIsNotNone(decoder.next())
        self.assertTrue(decoder.is_between)

    @given(st.lists(st.one_of(MESSAGES, COMMANDS), max_size=12), st.data())
    def test_any_boundary(self, items: list, data: st.DataObject) -> None:
        """However the octets are cut, the frames are the same."""
        octets = b"".join(
            one if isinstance(one, bytes) else frames.message(one[1], binary=one[0])
            for one in items
        )
        wanted = decode(octets)
        self.assertEqual(len(wanted), len(items))
        for one, frame in zip(items, wanted, strict=True):
            if not isinstance(one, bytes):
                self.assertEqual((frame.kind is Kind.BINARY, frame.payload), one)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
        edges = [0, *cuts, len(octets)]
        chunks = [octets[a:b] for a, b in itertools.pairwise(edges)]
        self.assertEqual(decode(*chunks), wanted)

    @given(st.binary(max_size=300), st.integers(1, 7))
    def test_anything(self, octets: bytes, step: int) -> None:
        """Octets of any kind end in frames or in Malformed, the same whole and in pieces."""

        def outcome(*chunks: bytes) -> object:
            decoder, found = Decoder(100), []
            try:
                for chunk in chunks:
                    decoder.feed(chunk)
                    while (frame := decoder.next()) is not None:
                        found.append(frame)
            except Malformed:
                return found, True
            return found, False

        pieces = [octets[at : at + step] for at in range(0, len(octets), step)]
        self.assertEqual(outcome(*pieces), outcome(octets))

    def test_many_small_ones(self) -> None:
        """A long body of tiny frames is decoded in place, not copied for each."""
        decoder = Decoder(10)
        decoder.feed(b"\x81\x00" * 200_000)
        count = 0
        while decoder.next() is not None:
            count += 1
        self.assertEqual(count, 200_000)

    def test_trickle(self) -> None:
        """A text without an end that comes octet by octet is searched once, not with each octet."""

        class Counting(bytearray):
            searched = 0

            def find(self, what: bytes, start: int, end: int) -> int:
                Counting.searched += max(0, min(len(self), end) - start)
                return super().find(what, start, end)

        decoder = Decoder(20_000)
        decoder._octets = Counting()
        for octets in (b"\x00", b"t" * 10_000, *[b"t"] * 500, b"\xff"):
            decoder.feed(octets)
            frame = decoder.next()
        self.assertEqual(frame, Frame(Kind.TEXT, b"t" * 10_500))
        self.assertLess(Counting.searched, 20_000)
        self.assertEqual(decode(b"\x00a", b"b\xff\x00", b"c\xff")[1].payload, b"c")
