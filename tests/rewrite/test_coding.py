"""Content codings: decoded whatever the chunks, bounded, and encoded streaming."""

from __future__ import annotations

import gzip
import sys
import zlib
from typing import TYPE_CHECKING, Any

import brotli
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import UpstreamFault, UpstreamTooLarge
from gateway.rewrite.coding import (
    READABLE,
    BrotliDecoder,
    BrotliEncoder,
    Decoder,
    GzipEncoder,
    Identity,
    Inflater,
    ZstdDecoder,
    ZstdEncoder,
    best_for,
    decoder_for,
    encoder_for,
    readable_for,
)
from tests.rewrite import cut, octets, pour, run

if TYPE_CHECKING:
    from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"<p>Hello, " + bytes(range(256)) + b"world</p>" * 20
RATIO = 200
STEP = 256 * 1024
FREE = 1024 * 1024
GIB = 1024 * 1024 * 1024


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _raw(data: bytes, level: int = 6) -> bytes:
    coder = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


def _flushed_brotli(data: bytes) -> bytes:
    coder = brotli.Compressor(quality=5)
    parts = [coder.process(part) + coder.flush() for part in octets(data, 50)]
    return b"".join(parts) + coder.finish()


def _zstd(data: bytes, **more: int) -> bytes:
    options = {getattr(zstd.CompressionParameter, name): value for name, value in more.items()}
    return zstd.compress(data, options=options)


# What sites send: the coding's name, and the octets.
FORMS: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", _gzip(TEXT)),
    "x-gzip": ("x-gzip", _gzip(TEXT)),
    "members": ("gzip", _gzip(TEXT[:99]) + _gzip(TEXT[99:])),
    "three": ("gzip", _gzip(TEXT) + _gzip(b"") * 2),
    "zlib": ("deflate", zlib.compress(TEXT)),
    "zlib 1": ("deflate", zlib.compress(TEXT, 1)),
    "raw": ("deflate", _raw(TEXT)),
    "stored": ("deflate", _raw(TEXT, 0)),
    "br": ("br", brotli.compress(TEXT)),
    "br flushed": ("br", _flushed_brotli(TEXT)),
    "br stored": ("br", brotli.compress(TEXT, quality=0)),
    "zstd": ("zstd", _zstd(TEXT)),
    "zstd checksum": ("zstd", _zstd(TEXT, checksum_flag=1)),
    "frames": ("zstd", _zstd(TEXT[:99]) + _zstd(b"") + _zstd(TEXT[99:])),
    "skippable": ("zstd", b"\x50\x2a\x4d\x18\x03\0\0\0abc" + _zstd(TEXT)),
}
CODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", _gzip),
    "zlib": ("deflate", zlib.compress),
    "raw": ("deflate", _raw),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", _zstd),
}
# Forms of which every proper beginning is a truncated body.
SINGLE = ("gzip", "zlib", "raw", "br", "br flushed", "zstd", "zstd checksum")


def _decoder(coding: str, ratio: int = RATIO) -> Decoder:
    found = decoder_for(coding, ratio)
    assert found is not None, coding
    return found


class DecoderTests(SynchronousTestCase):
    """Every coding in."""

    def test_whole(self) -> None:
        """Every form that sites send, in one chunk."""
        for name, (coding, data) in FORMS.items():
            self.assertEqual(pour(_decoder(coding), [data]), TEXT, name)

    def test_octet_by_octet(self) -> None:
        """The same in chunks of one octet: no boundary is special."""
        for name, (coding, data) in FORMS.items():
            self.assertEqual(pour(_decoder(coding), octets(data)), TEXT, name)

    def test_every_boundary(self) -> None:
        """Two chunks, cut anywhere, with an empty one between."""
        for name, (coding, data) in FORMS.items():
            for place in range(len(data)):
                chunks = [data[:place], b"", data[place:]]
                self.assertEqual(pour(_decoder(coding), chunks), TEXT, (name, place))

    @settings(deadline=None)
    @given(
        st.binary(max_size=400),
        st.sampled_from(sorted(CODERS)),
        st.lists(st.integers(0, 1000), max_size=6),
    )
    def test_any_chunks(self, text: bytes, name: str, places: list[int]) -> None:
        """Any body comes out as it was, for any chunks."""
        coding, coder = CODERS[name]
        self.assertEqual(pour(_decoder(coding), cut(coder(text), places)), text)

    def test_large(self) -> None:
        """One chunk that holds many steps of output comes out whole, in bounded pieces."""
        text = b"0123456789abcdef" * 200_000
        for name, (coding, coder) in CODERS.items():
            decoder = _decoder(coding, 10**6)
            pieces = list(decoder.feed(coder(text)))
            decoder.close()
            self.assertEqual(b"".join(pieces), text, name)
            self.assertLessEqual(max(map(len, pieces)), 2 * STEP, name)

    def test_sizes_around_a_step(self) -> None:
        """Nothing is lost or held back where a step ends just at the body's end."""
        for name, (coding, coder) in CODERS.items():
            for size in (STEP - 1, STEP, STEP + 1, 2 * STEP):
                for more in (b"", b"x"):
                    text = bytes(size) + more
                    self.assertEqual(pour(_decoder(coding, 10**6), [coder(text)]), text, name)

    def test_lazy(self) -> None:
        """Nothing is decoded before it is asked for."""
        for name, (coding, coder) in CODERS.items():
            pieces = _decoder(coding, 10**6).feed(coder(bytes(20 * STEP)))
            self.assertLessEqual(len(next(pieces)), 2 * STEP, name)

    def test_empty(self) -> None:
        """No octets at all are an empty body; so are codings of nothing."""
        for name, (coding, coder) in CODERS.items():
            self.assertEqual(pour(_decoder(coding), []), b"", name)
            self.assertEqual(pour(_decoder(coding), [b"", b""]), b"", name)
            self.assertEqual(pour(_decoder(coding), [coder(b"")]), b"", name)

    def test_what_follows(self) -> None:
        """Octets after the end are ignored as browsers do, wherever the chunks end."""
        for name in ("gzip", "zlib", "raw", "members"):
            self._check_what_follows(name)

    def test_what_follows_brotli(self) -> None:
        """The library reads no further: wherever the chunks end, it is a fault."""
        coding, data = FORMS["br"]
        for chunks in ([data, b"junk"], [data + b"junk"], octets(data + b"junk")):
            with self.assertRaises(UpstreamFault):
                pour(_decoder(coding), chunks)

    def _check_what_follows(self, name: str) -> None:
        coding, data = FORMS[name]
        for chunks in ([data, b"junk", b"\0"], [data + b"junk\0"], octets(data + b"junk\0")):
            self.assertEqual(pour(_decoder(coding), chunks), TEXT, (name, len(chunks)))

    def test_what_follows_is_no_member(self) -> None:
        """After junk nothing counts any more, wherever the chunks end."""
        coding, whole = FORMS["gzip"]
        data = whole + b"junk" + _gzip(b"more")
        self.assertEqual(pour(_decoder(coding), [data]), TEXT)
        for place in range(len(whole), len(data)):
            chunks = [data[:place], data[place:]]
            self.assertEqual(pour(_decoder(coding), chunks), TEXT, place)

    def test_half_a_magic(self) -> None:
        """A first octet of another member that never comes is junk, too."""
        _, data = FORMS["gzip"]
        for chunks in ([data, b"\x1f"], [data + b"\x1f"], [data, b"\x1f", b"x"]):
            self.assertEqual(pour(_decoder("gzip"), chunks), TEXT)

    def test_truncated(self) -> None:
        """A body that is cut off anywhere is a fault, never a short page."""
        for name in SINGLE:
            coding, data = FORMS[name]
            for end in range(1, len(data)):
                with self.assertRaises(UpstreamFault, msg=(name, end)):
                    pour(_decoder(coding), [data[:end]])

    def test_truncated_in_a_later_member(self) -> None:
        """The last member counts, too, once its magic was seen."""
        for name, seen, first in (
            ("members", 2, _gzip(TEXT[:99])),
            ("frames", 1, _zstd(TEXT[:99])),
        ):
            coding, data = FORMS[name]
            for end in range(len(first) + seen, len(data)):
                if name == "frames" and end == len(first) + len(_zstd(b"")):
                    continue  # whole frames
                with self.assertRaises(UpstreamFault, msg=(name, end)):
                    pour(_decoder(coding), [data[:end]])

    def test_corrupt(self) -> None:
        """Octets that are no such coding are a fault, never an exception of the library."""
        for name in ("gzip", "zlib", "zstd checksum"):
            coding, data = FORMS[name]
            for place in (0, len(data) // 2, len(data) - 3):
                broken = bytearray(data)
                broken[place] ^= 0x55
                with self.assertRaises(UpstreamFault, msg=(name, place)):
                    pour(_decoder(coding), [bytes(broken)])
        for coding in ("br", "zstd", "gzip", "deflate"):
            with self.assertRaises(UpstreamFault, msg=coding):
                pour(_decoder(coding), [b"<!doctype html><p>not coded at all"])

    @settings(deadline=None)
    @given(
        st.binary(max_size=200),
        st.sampled_from(READABLE),
        st.lists(st.integers(0, 300), max_size=3),
        st.booleans(),
    )
    def test_any_octets(self, data: bytes, coding: str, places: list[int], begun: bool) -> None:
        """Garbage, also after a good beginning, gives octets or an ``UpstreamFault``."""
        if begun:
            data = FORMS["raw" if coding == "deflate" else coding][1][:50] + data
        try:
            pour(_decoder(coding), cut(data, places))
        except UpstreamFault as error:
            self.assertEqual(error.status, 502)


def _bomb(coding: str) -> bytes:
    """A GiB of zeros."""
    zeros = bytes(8 * 1024 * 1024)
    coder: Any
    if coding == "br":
        coder = brotli.Compressor(quality=1)
        return b"".join([coder.process(zeros) for _ in range(GIB // len(zeros))]) + coder.finish()
    if coding == "zstd":
        coder = zstd.ZstdCompressor(level=1)
        return b"".join([coder.compress(zeros) for _ in range(GIB // len(zeros))]) + coder.flush()
    bits = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}[coding]
    coder = zlib.compressobj(9, zlib.DEFLATED, bits)
    head = coder.compress(zeros) + coder.flush(zlib.Z_FULL_FLUSH)
    again = coder.compress(zeros) + coder.flush(zlib.Z_FULL_FLUSH)
    return head + again * (GIB // len(zeros) - 1)


class BombTests(SynchronousTestCase):
    """Bodies made to expand."""

    def test_a_gibibyte(self) -> None:
        """Stopped early, in pieces of bounded size, whatever the chunks."""
        for coding in READABLE:
            data = _bomb(coding)
            for size in (len(data), 16 * 1024, 7):
                decoder, written, read = _decoder(coding), 0, 0
                with self.assertRaises(UpstreamTooLarge, msg=(coding, size)):
                    for chunk in octets(data, size):
                        read += len(chunk)
                        for piece in decoder.feed(chunk):
                            self.assertLessEqual(len(piece), 2 * STEP, coding)
                            written += len(piece)
                    decoder.close()
                self.assertLessEqual(written, FREE + RATIO * read, (coding, size))
                self.assertLess(written, GIB // 3, (coding, size))

    def test_many_members(self) -> None:
        """Expansion is counted over all members and frames."""
        zeros = bytes(STEP)
        for coding, coder in (("gzip", _gzip), ("zstd", _zstd)):
            data = coder(zeros) * 200
            for size in (len(data), 100):
                with self.assertRaises(UpstreamTooLarge, msg=(coding, size)):
                    pour(_decoder(coding, 10), octets(data, size))

    def test_small_bodies_may_expand(self) -> None:
        """The first megabyte is free, so that a small repetitive page passes."""
        text = b" " * 1_000_000
        for name, (coding, coder) in CODERS.items():
            self.assertEqual(pour(_decoder(coding, 1), [coder(text)]), text, name)

    def test_a_window_too_large(self) -> None:
        """A zstd sender may ask for 8 MiB and no more (RFC 9659)."""
        for log, fits in ((22, True), (23, True), (24, False), (27, False)):
            options = {
                zstd.CompressionParameter.window_log: log,
                zstd.CompressionParameter.content_size_flag: 0,
            }
            coder = zstd.ZstdCompressor(options=options)
            data = coder.compress(TEXT) + coder.flush()
            if fits:
                self.assertEqual(pour(_decoder("zstd"), [data]), TEXT, log)
                continue
            with self.assertRaises(UpstreamFault, msg=log):
                pour(_decoder("zstd"), [data])

    def test_a_brotli_window_too_large(self) -> None:
        """The large windows that are no part of RFC 7932 are not read."""
        with self.assertRaises(UpstreamFault):
            pour(_decoder("br"), [b"\x11\x1e" + b"\x03" * 64])

    def test_a_dictionary(self) -> None:
        """A zstd frame that needs a dictionary is a fault."""
        samples = [b"sample %d of a text with words" % number for number in range(2000)]
        trained = zstd.train_dict(samples, 2000)
        with self.assertRaises(UpstreamFault):
            pour(_decoder("zstd"), [zstd.compress(TEXT, zstd_dict=trained)])


class WhichDecoderTests(SynchronousTestCase):
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
            "br": BrotliDecoder,
            " BR ": BrotliDecoder,
            "zstd": ZstdDecoder,
            "none": Identity,
            "UTF-8": Identity,
            "text/html": Identity,
            "aws-chunked, gzip": Inflater,
            "compress": None,
            "dcb": None,
            "dcz": None,
            "gzip, gzip": None,
            "deflate, gzip": None,
            "br, gzip": None,
            "gzip;q=1": None,
        }
        for codings, kind in table.items():
            found = decoder_for(codings, RATIO)
            self.assertEqual(None if found is None else type(found), kind, codings)

    def test_the_ratio(self) -> None:
        """It is passed on to every decoder."""
        for name, (coding, coder) in CODERS.items():
            with self.assertRaises(UpstreamTooLarge, msg=name):
                pour(_decoder(coding, 1), [coder(bytes(4_000_000))])

    def test_what_is_asked_for_can_be_read(self) -> None:
        """Every coding that an upstream is offered has a decoder."""
        for coding in READABLE:
            self.assertIsNotNone(decoder_for(coding, RATIO), coding)


ENCODERS = {"gzip": GzipEncoder, "br": BrotliEncoder, "zstd": ZstdEncoder}


class EncoderTests(SynchronousTestCase):
    """Every coding out."""

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=100), max_size=6), st.sampled_from(sorted(ENCODERS)))
    def test_round_trip(self, chunks: list[bytes], coding: str) -> None:
        """It decodes to what went in."""
        coded = run(ENCODERS[coding](), chunks)
        self.assertEqual(pour(_decoder(coding), [coded]), b"".join(chunks))

    def test_nothing(self) -> None:
        """Nothing comes of nothing before the end, and then a whole empty body."""
        for coding, kind in ENCODERS.items():
            coder = kind()
            self.assertEqual(coder.feed(b""), b"", coding)
            data = coder.close()
            self.assertNotEqual(data, b"", coding)
            self.assertEqual(pour(_decoder(coding), [data]), b"", coding)

    def test_it_streams(self) -> None:
        """After each chunk everything fed so far can be decoded."""
        chunks = (b"<head>", b"x", b"more" * 5000, b"", TEXT, bytes(300_000), b"y")
        for coding, kind in ENCODERS.items():
            coder, decoder = kind(), _decoder(coding)
            for chunk in chunks:
                got = b"".join(decoder.feed(coder.feed(chunk)))
                self.assertEqual(got, chunk, (coding, len(chunk)))
            self.assertEqual(b"".join(decoder.feed(coder.close())), b"", coding)
            decoder.close()

    def test_other_readers(self) -> None:
        """Libraries of their own read them."""
        text = TEXT * 50
        readers = {"gzip": gzip.decompress, "br": brotli.decompress, "zstd": zstd.decompress}
        for coding, kind in ENCODERS.items():
            coded = run(kind(), octets(text, 1000))
            self.assertEqual(readers[coding](coded), text, coding)
            self.assertLess(len(run(kind(), [text])), len(text) // 10, coding)

    def test_the_window(self) -> None:
        """zstd goes out in a window that every browser takes."""
        coder = ZstdEncoder()
        coded = coder.feed(b"x" * 3_000_000) + coder.close()
        options = {zstd.DecompressionParameter.window_log_max: 23}
        self.assertEqual(len(zstd.decompress(coded, options=options)), 3_000_000)

    def test_which(self) -> None:
        """By name; none for what is not coded."""
        for coding, kind in ENCODERS.items():
            self.assertIsInstance(encoder_for(coding), kind)
        for coding in ("identity", "deflate", "", "compress"):
            self.assertIsNone(encoder_for(coding), coding)


class AcceptTests(SynchronousTestCase):
    """Accept-Encoding of a client."""

    def test_readable(self) -> None:
        """What is asked of an upstream: what both the client and we can read."""
        table = {
            None: "identity",
            "": "identity",
            "gzip": "gzip",
            "GZIP": "gzip",
            "gzip, deflate, br, zstd": "gzip, deflate, br, zstd",
            "zstd, br, deflate, gzip": "gzip, deflate, br, zstd",
            "br;q=1.0, gzip;q=0.8": "gzip, br",
            "gzip;q=0": "identity",
            "gzip; q=0.000, br": "br",
            "gzip;Q=0.0": "identity",
            "gzip;q=0.001": "gzip",
            "*": "gzip, deflate, br, zstd",
            "*;q=0": "identity",
            "gzip, *;q=0": "gzip",
            "gzip;q=0, *": "deflate, br, zstd",
            "identity": "identity",
            "compress, dcb": "identity",
            "gzip;q=2": "identity",
            "gzip;q=-1, br;q=x": "identity",
            "gzip;x=1": "identity",
            ",,gzip,,": "gzip",
        }
        for value, wanted in table.items():
            self.assertEqual(readable_for(value), wanted, value)

    def test_best(self) -> None:
        """The client's weights decide; between equals br before zstd before gzip."""
        table = {
            None: "identity",
            "": "identity",
            "gzip": "gzip",
            "gzip, deflate": "gzip",
            "gzip, deflate, br, zstd": "br",
            "gzip, zstd": "zstd",
            "gzip;q=1, br;q=0.5": "gzip",
            "gzip;q=0.5, br;q=0.5, zstd;q=0.6": "zstd",
            "br;q=0, *": "zstd",
            "br;q=0, zstd;q=0, *;q=0.1": "gzip",
            "*": "br",
            "*;q=0": "identity",
            "identity": "identity",
            "deflate": "identity",
            "br;q=0": "identity",
            "BR": "br",
            "br ; q = 0.9, gzip": "gzip",
        }
        for value, wanted in table.items():
            self.assertEqual(best_for(value), wanted, value)

    @settings(deadline=None)
    @given(st.text(st.characters(max_codepoint=255), max_size=60))
    def test_any_text(self, text: str) -> None:
        """Any value gives codings that can be read and written."""
        for coding in readable_for(text).split(", "):
            self.assertIsNotNone(decoder_for(coding, RATIO), text)
        found = best_for(text)
        self.assertTrue(found == "identity" or encoder_for(found) is not None, text)

    def test_time(self) -> None:
        """A long value costs no more than its length."""
        for value in ("gzip;" + " " * 60_000, "q=0" * 20_000, "gzip;q=0." + "0" * 60_000 + "x"):
            readable_for(value)
            best_for(value)
