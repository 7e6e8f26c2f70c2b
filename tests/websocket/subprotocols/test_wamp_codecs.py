"""WAMP's serialisations: what libraries write is read, bombs are not."""

from __future__ import annotations

import json
import time

import cbor2
import msgpack
import ubjson
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import Broken, Message
from gateway.websocket.subprotocols.wamp_codecs import READERS
from tests.websocket.subprotocols.streams import C

VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=6),
              st.floats(allow_nan=False, allow_infinity=False)),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=4), below, max_size=4),
)  # fmt: skip
WRITERS = {
    "json": lambda value: json.dumps(value).encode(),
    "msgpack": msgpack.packb,
    "cbor": cbor2.dumps,
    "ubjson": ubjson.dumpb,
}


def _read(name: str, octets: bytes, *, batched: bool = False) -> list:
    return READERS[name](Message(C, octets, name != "json"), batched=batched)


class CodecTests(SynchronousTestCase):
    """Each against the library that writes it."""

    @settings(deadline=None, max_examples=150)
    @given(st.lists(VALUE, max_size=3))
    def test_what_is_written_is_read(self, values: list) -> None:
        """One, and several in a batch."""
        for name, write in WRITERS.items():
            octets = write(values)
            (found,) = _read(name, octets)
            self.assertEqual(found, values, name)
            if name == "json":
                batch = octets + b"\x18" + octets + b"\x1e"
            else:
                batch = (len(octets).to_bytes(4, "big") + octets) * 2
            self.assertEqual(_read(name, batch, batched=True), [values, values], name)

    @settings(deadline=None, max_examples=50)
    @given(st.lists(VALUE, min_size=1, max_size=4))
    def test_ubjson_with_counts(self, values: list) -> None:
        """Containers that tell how many they hold."""
        octets = ubjson.dumpb(values, container_count=True)
        self.assertEqual(_read("ubjson", octets), [values])

    def test_ubjson_has_two_orders(self) -> None:
        """What BJData writes is read; what either order reads, and differently, is not."""
        for octets, wanted in (
            (b"[U\x01u,\x01Cx]", [1, 300, "x"]),
            (b"[m\x70\x11\x01\x00M\x00\x00\x00\x00\x00\x01\x00\x00]", [70000, 2**40]),
            (b"[I\x01,]", [300]),
            (b"[SI\x00\x03abc]", ["abc"]),
            (b"[SI\x03\x00abc]", ["abc"]),
        ):
            self.assertEqual(_read("ubjson", octets), [wanted], octets)
        # One text of 256 octets to one reader, four shorter ones to the other.
        inner = b"xSUd" + b"y" * 100 + b"SUx" + b"z" * 120 + b"SU\x1a" + b"w" * 26
        odd = b"[SI\x01\x00" + inner + b"]"
        self.assertEqual(len(inner), 256)
        self.assertRaises(Broken, _read, "ubjson", odd)

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=60))
    def test_nothing_else_is_raised(self, octets: bytes) -> None:
        """Whatever comes is read or broken."""
        for name in WRITERS:
            for batched in (False, True):
                try:
                    _read(name, octets, batched=batched)
                except Broken as found:
                    self.assertLess(len(found.verdict.rule), 40)

    def test_bombs(self) -> None:
        """A few octets that stand for much, or nest deep: quickly refused."""
        for name, octets in (
            ("ubjson", b"[$Z#l\x7f\xff\xff\xff"),
            ("ubjson", b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff"),
            ("ubjson", b"{$T#l\x7f\xff\xff\xff"),
            ("ubjson", b"[" * 100_000),
            ("ubjson", b"[$[#i\x7f" * 50),
            ("ubjson", b"SL\x7f\xff\xff\xff\xff\xff\xff\xff"),
            ("msgpack", b"\xdd\x7f\xff\xff\xff"),
            ("msgpack", b"\x91" * 100_000),
            ("msgpack", b"\xdb\x7f\xff\xff\xff"),
            ("cbor", b"\x9b\0\0\0\x7f\xff\xff\xff\xff"),
            ("cbor", b"\x81" * 100_000),
            ("cbor", b"\x5b\0\0\0\x7f\xff\xff\xff\xff"),
            # One array, said to be each item of itself; and doubled thirty times over.
            ("cbor", b"\xd8\x1c\x82\xd8\x1d\x00\xd8\x1d\x00"),
            ("cbor", _doubled(30)),
            ("json", b"[" * 100_000),
        ):
            began = time.process_time()
            self.assertRaises(Broken, _read, name, octets)
            self.assertLess(time.process_time() - began, 0.5, (name, octets[:20]))

    def test_names_twice(self) -> None:
        """In each of them."""
        for name, octets in (
            ("json", b'{"a":1,"a":2}'),
            ("msgpack", b"\x82\xa1a\x01\xa1a\x02"),
            ("cbor", b"\xa2\x61a\x01\x61a\x02"),
            ("ubjson", b"{i\x01ai\x01i\x01ai\x02}"),
        ):
            self.assertRaises(Broken, _read, name, octets)

    def test_batches(self) -> None:
        """They end where they say, and hold something."""
        for name, octets in (
            ("json", b""), ("json", b"[1]"), ("json", b"[1]\x18[2]"),
            ("cbor", b""), ("cbor", b"\0\0\0"), ("cbor", b"\0\0\0\2\x01"), ("cbor", b"\0\0\0\1\x01\0"),
            ("cbor", b"\0\0\0\1\x01" * 5000),
        ):  # fmt: skip
            self.assertRaises(Broken, _read, name, octets, batched=True)


def _doubled(times: int) -> bytes:
    """CBOR: arrays in which each holds the one before twice, by reference."""
    octets = b"\xd8\x1c\x82\x00\x00"
    for at in range(times):
        # Shared values are numbered as they begin: the outermost is 0.
        octets = b"\xd8\x1c\x82" + octets + b"\xd8\x1d\x18" + bytes((times - at,))
    return octets
