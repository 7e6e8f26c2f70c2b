"""Validators of edited bodies: round trips, and nothing hostile goes upstream."""

from __future__ import annotations

import base64
import re
from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.validators import digest, incoming, outgoing

TAG = digest(b"payload", b"runtime")
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
SHAPE = re.compile(rb'W/"[\x21\x23-\x7e]*"')
VALUES = st.binary(min_size=1, max_size=60).filter(
    lambda value: all(0x20 <= octet != 0x7F for octet in value)
)


def _forged(value: bytes, kind: bytes = b"e", tag: bytes = TAG) -> bytes:
    text = base64.urlsafe_b64encode(value).rstrip(b"=")
    return b'W/"gw-' + tag + b"-" + kind + b"-" + text + b'"'


class DigestTests(SynchronousTestCase):
    """What was put into a body, in sixteen characters."""

    def test_shape(self) -> None:
        """Always the same for the same, and of characters that an ETag may hold."""
        self.assertEqual(TAG, digest(b"payload", b"runtime"))
        self.assertRegex(TAG.decode(), r"\A[A-Za-z0-9_-]{16}\Z")

    def test_differs(self) -> None:
        """Every part counts, and where it ends."""
        found = {
            digest(*parts)
            for parts in ((b"a", b"b"), (b"ab",), (b"ab", b""), (b"", b"ab"), (b"b", b"a"), ())
        }
        self.assertEqual(len(found), 6)


class RoundTripTests(SynchronousTestCase):
    """Out to the browser and back."""

    @settings(deadline=None)
    @given(VALUES, st.booleans())
    def test_any_value(self, value: bytes, dated: bool) -> None:
        """The origin's own validator comes back, as the condition of its kind."""
        etag = outgoing(None, value, TAG) if dated else outgoing(value, DATE, TAG)
        assert etag is not None
        self.assertIsNotNone(SHAPE.fullmatch(etag), etag)
        name = b"If-Modified-Since" if dated else b"If-None-Match"
        self.assertEqual(incoming(etag, TAG), (name, value))
        self.assertIsNone(incoming(etag, digest(b"other")))

    def test_lists(self) -> None:
        """The one of ours among others, with and without spaces, weak as browsers keep it."""
        etag = outgoing(b'"a"', None, TAG)
        assert etag is not None
        wanted = (b"If-None-Match", b'"a"')
        old = outgoing(b'"old"', None, digest(b"old"))
        assert old is not None
        for given_ in (
            etag, b" " + etag, b'"x", ' + etag, etag + b',"y"', old + b", " + etag,
            etag + b", " + old, _forged(b"\r\n") + etag,
        ):  # fmt: skip
            self.assertEqual(incoming(given_, TAG), wanted, given_)

    def test_none(self) -> None:
        """Without a validator of the origin there is none of ours; nor for a huge one."""
        for etag, modified in ((None, None), (b"", None), (None, b""), (b"x" * 2049, None)):
            self.assertIsNone(outgoing(etag, modified, TAG), (etag, modified))
        self.assertIsNotNone(outgoing(b"x" * 2048, None, TAG))

    def test_the_largest(self) -> None:
        """What goes out comes back, whatever its size."""
        for size in (1, 2, 3, 2047, 2048):
            etag = outgoing(b"x" * size, None, TAG)
            assert etag is not None
            self.assertEqual(incoming(etag, TAG), (b"If-None-Match", b"x" * size))


class HostileTests(SynchronousTestCase):
    """What a client may send."""

    def test_not_ours(self) -> None:
        """Anything else is no condition: the page is then sent whole."""
        for given_ in (
            b"", b"*", b'"a"', b'W/"a"', b'W/"gw-"', b'W/"gw-' + TAG + b'"', _forged(b""),
            _forged(b"x", b"x"), _forged(b"x")[:-1], _forged(b"x")[2:], _forged(b"x", tag=b"short"),
            b'W/"gw-' + TAG + b'-e-A"', b'W/"gw-' + TAG + b'-e-*"', b'W/"gw-' + TAG + b'-e-YQ=="',
            _forged(b"x", tag=TAG.swapcase()), b"\xff" * 100,
        ):  # fmt: skip
            self.assertIsNone(incoming(given_, TAG), given_)

    def test_controls(self) -> None:
        """No control character gets upstream, so that no field can be added."""
        for octet in [*range(0x20), 0x7F]:
            for value in (b"a%cb" % octet, b"%c" % octet, b'"a"%cX: y' % octet):
                for kind in (b"e", b"t"):
                    self.assertIsNone(incoming(_forged(value, kind), TAG), value)

    @settings(deadline=None)
    @given(st.binary(max_size=120) | st.binary(max_size=40).map(_forged))
    def test_any_octets(self, given_: bytes) -> None:
        """Whatever comes, what goes upstream is one line."""
        found = incoming(given_, TAG)
        if found is not None:
            self.assertTrue(all(0x20 <= octet != 0x7F for octet in found[1]), found)

    def test_time(self) -> None:
        """A long field costs no more than its length."""
        for piece in (b'W/"gw-', b'W/"gw-' + TAG + b"-e-", _forged(b"\n"), b"A"):
            start = perf_counter()
            incoming(piece * (60_000 // len(piece)), TAG)
            self.assertLess(perf_counter() - start, 1.0, piece)
