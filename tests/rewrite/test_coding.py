"""Content codings: decoded whatever the chunks, bounded, and encoded streaming."""

from __future__ import annotations

import gzip
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault, UpstreamTooLarge
from gateway.rewrite.coding import (
    ACCEPTED,
    Decoder,
    Deflater,
    Identity,
    Inflater,
    accepts_gzip,
    decoder_for,
)
from tests.rewrite import cut, run

TEXT = b"<p>Hello, " + bytes(range(256)) + b"world</p>" * 20
RATIO = 200


def _raw(data: bytes) -> bytes:
    coder = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


def _stored(data: bytes) -> bytes:
    coder = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


CODED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "x-gzip": gzip.compress(TEXT, mtime=0),
    "members": gzip.compress(TEXT[:99], mtime=0) + gzip.compress(TEXT[99:], mtime=0),
    "three": gzip.compress(TEXT, mtime=0) + gzip.compress(b"", mtime=0) * 2,
    "zlib": zlib.compress(TEXT),
    "zlib 1": zlib.compress(TEXT, 1),
    "raw": _raw(TEXT),
    "stored": _stored(TEXT),
}


def _decoder(name: str, ratio: int = RATIO) -> Inflater:
    return Inflater(gzip=name in {"gzip", "x-gzip", "members", "three"}, ratio=ratio)


class InflaterTests(SynchronousTestCase):
    """gzip and deflate in."""

    def test_whole(self) -> None:
        """Every form that sites send, in one chunk."""
        for name, data in CODED.items():
            self.assertEqual(run(_decoder(name), [data]), TEXT, name)

    def test_octet_by_octet(self) -> None:
        """The same in chunks of one octet: no boundary is special."""
        for name, data in CODED.items():
            chunks = [data[at : at + 1] for at in range(len(data))]
            self.assertEqual(run(_decoder(name), chunks), TEXT, name)

    def test_every_boundary(self) -> None:
        """Two chunks, cut anywhere."""
        for name, data in CODED.items():
            for place in range(len(data)):
                chunks = [data[:place], b"", data[place:]]
                self.assertEqual(run(_decoder(name), chunks), TEXT, (name, place))

    @settings(deadline=None)
    @given(
        st.binary(max_size=400),
        st.sampled_from(("gzip", "zlib", "raw", "stored")),
        st.lists(st.integers(0, 1000), max_size=6),
    )
    def test_any_chunks(self, text: bytes, name: str, places: list[int]) -> None:
        """Any body comes out as it was, for any chunks."""
        coders = {"gzip": gzip.compress, "zlib": zlib.compress, "raw": _raw, "stored": _stored}
        data = coders[name](text)
        self.assertEqual(run(_decoder(name), cut(data, places)), text)

    def test_a_body_larger_than_a_step(self) -> None:
        """Output comes out whole when one chunk holds many steps of it."""
        text = b"0123456789abcdef" * 200_000
        for coder, name in ((gzip.compress, "gzip"), (zlib.compress, "zlib")):
            self.assertEqual(run(_decoder(name, 2000), [coder(text)]), text, name)

    def test_empty(self) -> None:
        """No octets at all are an empty body; so are codings of nothing."""
        for name in CODED:
            self.assertEqual(run(_decoder(name), []), b"", name)
            self.assertEqual(run(_decoder(name), [b""]), b"", name)
        self.assertEqual(run(_decoder("gzip"), [gzip.compress(b"")]), b"")

    def test_what_follows(self) -> None:
        """Octets after the end are ignored, as browsers do."""
        for name in ("gzip", "zlib", "raw", "members"):
            for chunks in ([CODED[name] + b"junk\0"], [CODED[name], b"junk", b"\0"]):
                self.assertEqual(run(_decoder(name), chunks), TEXT, name)

    def test_what_follows_is_no_member(self) -> None:
        """After junk nothing counts any more, wherever the chunks end."""
        data = CODED["gzip"] + b"junk" + gzip.compress(b"more", mtime=0)
        self.assertEqual(run(_decoder("gzip"), [data]), TEXT)
        for place in range(len(CODED["gzip"]), len(data)):
            chunks = [data[:place], data[place:]]
            self.assertEqual(run(_decoder("gzip"), chunks), TEXT, place)

    def test_truncated(self) -> None:
        """A body that is cut off anywhere is a fault, never a short page."""
        for name in ("gzip", "zlib", "raw"):
            for end in range(1, len(CODED[name])):
                with self.assertRaises(UpstreamFault, msg=(name, end)):
                    run(_decoder(name), [CODED[name][:end]])

    def test_truncated_in_a_later_member(self) -> None:
        """The last member counts, too, once its magic was seen."""
        first = len(gzip.compress(TEXT[:99], mtime=0))
        for end in range(first + 2, len(CODED["members"])):
            with self.assertRaises(UpstreamFault, msg=end):
                run(_decoder("members"), [CODED["members"][:end]])

    def test_corrupt(self) -> None:
        """Octets that are no such coding are a fault."""
        for name in ("gzip", "zlib"):
            for place in (0, len(CODED[name]) // 2, len(CODED[name]) - 5):
                data = bytearray(CODED[name])
                data[place] ^= 0x55
                with self.assertRaises(UpstreamFault, msg=(name, place)):
                    run(_decoder(name), [bytes(data)])

    @settings(deadline=None)
    @given(st.binary(max_size=200), st.booleans())
    def test_any_octets(self, data: bytes, as_gzip: bool) -> None:
        """Garbage gives octets or an ``UpstreamFault``, nothing else."""
        try:
            run(Inflater(gzip=as_gzip, ratio=RATIO), [data])
        except UpstreamFault as error:
            self.assertEqual(error.status, 502)

    def test_a_bomb(self) -> None:
        """Expansion is bounded, also over many members and many chunks."""
        zeros = bytes(8 * 1024 * 1024)
        bombs = {
            "gzip": gzip.compress(zeros, mtime=0),
            "zlib": zlib.compress(zeros),
            "raw": _raw(zeros),
            "members": gzip.compress(zeros[: 1 << 19], mtime=0) * 40,
        }
        for name, data in bombs.items():
            for size in (len(data), 100):
                decoder, written = _decoder(name, ratio=10), 0
                with self.assertRaises(UpstreamTooLarge, msg=(name, size)):
                    for at in range(0, len(data), size):
                        written += len(decoder.feed(data[at : at + size]))
                    decoder.close()
                self.assertLessEqual(written, 1024 * 1024 + 10 * len(data), name)

    def test_small_bodies_may_expand(self) -> None:
        """The first megabyte is free, so that a small repetitive page passes."""
        text = b" " * 1_000_000
        self.assertEqual(run(_decoder("gzip", ratio=1), [gzip.compress(text)]), text)


class DecoderTests(SynchronousTestCase):
    """Which decoder a Content-Encoding gets."""

    def test_table(self) -> None:
        """Ours to read, or None."""
        table: dict[str | None, type[Decoder] | None] = {
            None: Identity,
            "": Identity,
            "identity": Identity,
            " , Identity": Identity,
            "gzip": Inflater,
            "GZip": Inflater,
            "x-gzip": Inflater,
            "deflate": Inflater,
            "gzip, identity": Inflater,
            "br": None,
            "zstd": None,
            "compress": None,
            "gzip, gzip": None,
            "deflate, gzip": None,
            "gzip;q=1": None,
        }
        for codings, kind in table.items():
            found = decoder_for(codings, RATIO)
            self.assertEqual(None if found is None else type(found), kind, codings)

    def test_which_inflater(self) -> None:
        """gzip reads gzip, deflate reads deflate; the ratio is passed on."""
        for coding, name in (("gzip", "gzip"), ("x-gzip", "gzip"), ("deflate", "raw")):
            decoder = decoder_for(coding, RATIO)
            assert decoder is not None
            self.assertEqual(run(decoder, [CODED[name]]), TEXT, coding)
        strict = decoder_for("gzip", 1)
        assert strict is not None
        with self.assertRaises(UpstreamTooLarge):
            strict.feed(gzip.compress(bytes(4_000_000)))

    def test_what_is_asked_for_can_be_read(self) -> None:
        """Every coding that an upstream is offered has a decoder."""
        for coding in ACCEPTED.split(","):
            self.assertIsNotNone(decoder_for(coding.strip(), RATIO), coding)


class DeflaterTests(SynchronousTestCase):
    """gzip out."""

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=100), max_size=6))
    def test_round_trip(self, chunks: list[bytes]) -> None:
        """It decodes to what went in; nothing comes of nothing."""
        self.assertEqual(gzip.decompress(run(Deflater(), chunks)), b"".join(chunks))
        self.assertEqual(Deflater().feed(b""), b"")

    def test_it_streams(self) -> None:
        """Each chunk can be read from what has left so far."""
        coder, reader = Deflater(), zlib.decompressobj(16 + zlib.MAX_WBITS)
        for chunk in (b"<head>", b"x", b"more"):
            self.assertEqual(reader.decompress(coder.feed(chunk)), chunk)


class AcceptTests(SynchronousTestCase):
    """Accept-Encoding of a client."""

    def test_table(self) -> None:
        """gzip by name, else by ``*``, unless its quality is zero."""
        table = {
            None: False,
            "": False,
            "gzip": True,
            "GZIP": True,
            "gzip, deflate, br, zstd": True,
            "br;q=1.0, gzip;q=0.8": True,
            "gzip;q=0": False,
            "gzip; q=0.000": False,
            "gzip;Q=0.0": False,
            "gzip;q=0.001": True,
            "*": True,
            "*;q=0": False,
            "gzip, *;q=0": True,
            "gzip;q=0, *": False,
            "br": False,
            "identity": False,
        }
        for value, wanted in table.items():
            self.assertEqual(accepts_gzip(value), wanted, value)
