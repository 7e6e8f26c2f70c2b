"""Streams as messages: whatever the chunks, nothing is lost and no character is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.octets import Cutter


def _cut(chunks: list[bytes]) -> list[tuple[bytes, bool]]:
    cutter = Cutter()
    found = [message for message in map(cutter.cut, chunks) if message is not None]
    rest = cutter.rest()
    return [*found, (rest, True)] if rest else found


def _chunks(whole: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    return [whole[a:b] for a, b in pairwise(places)]


class CutterTests(SynchronousTestCase):
    """By table and at random."""

    def test_table(self) -> None:
        """Whole characters go out as text; what is none goes out as it is."""
        euro = "€".encode()
        table: list[tuple[list[bytes], list[tuple[bytes, bool]]]] = [
            ([b"abc"], [(b"abc", False)]),
            ([b"a" + euro[:1], euro[1:]], [(b"a", False), (euro, False)]),
            ([euro[:1], euro[1:2], euro[2:] + b"b"], [(euro + b"b", False)]),
            ([b"a\xff", b"b"], [(b"a\xff", True), (b"b", False)]),
            ([euro[:2], b"x", b"y"], [(euro[:2] + b"x", True), (b"y", False)]),
            ([b"ok" + euro[:2]], [(b"ok", False), (euro[:2], True)]),
            ([b"\xed\xa0\x80"], [(b"\xed\xa0\x80", True)]),  # a surrogate is no character
        ]
        for chunks, wanted in table:
            self.assertEqual(_cut(chunks), wanted, chunks)

    @given(st.text(), st.lists(st.integers(0, 1000), max_size=8))
    def test_text(self, text: str, cuts: list[int]) -> None:
        """Text stays text, and each message is text by itself."""
        messages = _cut(_chunks(text.encode(), cuts))
        self.assertTrue(all(not binary for _, binary in messages))
        self.assertEqual("".join(payload.decode() for payload, _ in messages), text)

    @given(st.binary(), st.lists(st.integers(0, 1000), max_size=8))
    def test_octets(self, octets: bytes, cuts: list[int]) -> None:
        """Any octets come out as they went in."""
        messages = _cut(_chunks(octets, cuts))
        self.assertEqual(b"".join(payload for payload, _ in messages), octets)
        for payload, binary in messages:
            if not binary:
                payload.decode()
