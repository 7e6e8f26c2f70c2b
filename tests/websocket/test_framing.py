"""Frames and UTF-8, against autobahn's ways of doing the same."""

from __future__ import annotations

from autobahn.websocket.utf8validator import Utf8Validator
from autobahn.websocket.xormasker import create_xor_masker
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.framing import BINARY, MASKED, TEXT, Utf8, header, mix
from tests.net.frames import frame

_ODD = st.sampled_from(
    [b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90", b"\xf0\x80", b"\xe2\x82", b"\x80", b"\xff", b"\xf5"]
)
_TEXTS = st.lists(st.one_of(st.text(max_size=8).map(str.encode), st.binary(max_size=3), _ODD))


class FramingTests(SynchronousTestCase):
    """Nothing is looked at that autobahn does not see in the same way."""

    def test_header(self) -> None:
        """As short as can be, for each size about which the form changes."""
        for size in (0, 1, 125, 126, 127, 65535, 65536, 70_000):
            self.assertEqual(header(TEXT, size, 0), frame(1, b"a" * size)[: -size or None])
            self.assertEqual(
                header(BINARY, size, MASKED), frame(2, b"a" * size, masked=True)[: -size - 4]
            )

    @given(st.binary(max_size=600), st.binary(min_size=4, max_size=4))
    def test_mix(self, payload: bytes, key: bytes) -> None:
        """What masks unmasks."""
        masked = mix(payload, key)
        expected = create_xor_masker(key, len(payload)).process(payload) if payload else b""
        self.assertEqual(masked, expected)
        self.assertEqual(mix(masked, key), payload)

    @given(_TEXTS, st.integers(1, 5))
    def test_utf8(self, parts: list[bytes], step: int) -> None:
        """The same octet is the first bad one, however the text is cut; then nothing more counts."""
        octets = b"".join(parts)
        ours, theirs = Utf8(), Utf8Validator()
        theirs.reset()
        for at in range(0, len(octets), step):
            piece = octets[at : at + step]
            mine, other = ours.validate(piece), theirs.validate(piece)
            self.assertEqual(mine[:2], tuple(map(bool, other[:2])), octets)
            if not mine[0]:
                return
            self.assertEqual(mine[2:], (len(piece), at + len(piece)))

    def test_again(self) -> None:
        """Another text begins where the last one did not end."""
        one = Utf8()
        self.assertEqual(one.validate(b"\xe2\x82")[:2], (True, False))
        one.reset()
        self.assertEqual(one.validate(b"a"), (True, True, 1, 1))
        self.assertEqual(one.validate(b"b\xff"), (False, False, 1, 2))
