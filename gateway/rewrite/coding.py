"""Content codings of edited bodies: decoded with an expansion limit, encoded streaming.

Unedited bodies never come here; they pass still compressed.  In: gzip, deflate, br and
zstd (RFC 9110 section 8.4.1, RFC 7932, RFC 8878 with the window of RFC 9659).  Out: br,
zstd and gzip, each flushed with every chunk so that the first octets leave at once.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

import brotli

from gateway.errors import UpstreamFault, UpstreamTooLarge

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_GZIP, _RAW = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"
_STEP = 256 * 1024
_FREE = 1024 * 1024
_ZSTD_WINDOW_LOG = 23  # 8 MiB, the most that a sender may ask for (RFC 9659)
_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.[0-9]*)?|1(?:\.0*)?)\s*\Z", re.IGNORECASE)
READABLE = ("gzip", "deflate", "br", "zstd")
"""What an upstream may answer with when the body is to be edited."""
_UNREAD = {"compress", "x-compress", "aes128gcm", "dcb", "dcz", "exi", "pack200-gzip"}
_CODINGS = frozenset({*READABLE, "x-gzip", *_UNREAD})
"""All codings that there are (IANA's registry); no other name is one, nor is it to browsers."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9a-z/-]+\Z")


class Decoder(Protocol):
    """Chunks of a coded body in, pieces of the plain body out.

    Pieces are bounded in size and made one by one, so that whoever drives may do
    something else in between, and stop before a bomb went off.
    """

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode a chunk; raises ``UpstreamFault`` or ``UpstreamTooLarge``."""
        ...

    def close(self) -> None:
        """The body ended; raises ``UpstreamFault`` for a truncated one."""
        ...


class Identity:
    """No coding at all."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Return the chunk."""
        yield data

    def close(self) -> None:
        """Nothing is left."""


class _Bounded:
    """Counts what comes out against what went in."""

    def __init__(self, ratio: int) -> None:
        self._ratio = ratio
        self._read = 0
        self._written = 0

    def _count(self, piece: bytes) -> bytes:
        self._written += len(piece)
        if self._written > _FREE + self._read * self._ratio:
            raise UpstreamTooLarge(f"the body expands more than {self._ratio} times")
        return piece


class Inflater(_Bounded):
    """gzip (RFC 1952, several members too) and deflate (RFC 1950, or bare as some send it).

    ``ratio`` bounds how much larger than its coded form a body may grow (after the
    first megabyte); beyond it ``UpstreamTooLarge`` is raised.
    """

    def __init__(self, *, gzip: bool, ratio: int) -> None:
        """Make a decoder for one body."""
        super().__init__(ratio)
        self._gzip = gzip
        self._inflate = zlib.decompressobj(_GZIP if gzip else zlib.MAX_WBITS)
        self._started = False
        self._held = b""
        self._over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode a chunk; raises ``UpstreamFault`` for a corrupt one."""
        self._read += len(data)
        if not self._started and data:
            self._started = True
            if not self._gzip and data[0] & 0x0F != 8:  # a zlib header says method 8
                self._inflate = zlib.decompressobj(_RAW)
        data, self._held = self._held + data, b""
        try:
            while data:
                if self._inflate.eof:
                    data = self._next_member(data)
                    if not data:
                        break
                piece = self._inflate.decompress(data, _STEP)
                if piece:
                    yield self._count(piece)
                data = self._inflate.unconsumed_tail or self._inflate.unused_data
                if not data and len(piece) == _STEP:
                    yield from self._drain()
        except zlib.error as error:
            raise UpstreamFault(f"corrupt content coding: {error}") from None

    def _drain(self) -> Iterator[bytes]:
        """What zlib still holds though it has read all."""
        while piece := self._inflate.decompress(b"", _STEP):
            yield self._count(piece)

    def _next_member(self, data: bytes) -> bytes:
        # After the last member anything may follow; browsers ignore it, and so do we.
        if self._gzip and not self._over and data == _MAGIC[:1]:
            self._held = data  # half of what tells a member from what does not matter
            return b""
        if self._over or not self._gzip or not data.startswith(_MAGIC):
            self._over = True
            return b""
        self._inflate = zlib.decompressobj(_GZIP)
        return data

    def close(self) -> None:
        """Finish; raises ``UpstreamFault`` when the coded body was cut off."""
        if self._started and not self._inflate.eof:
            raise UpstreamFault("the content coding ends too early")


class BrotliDecoder(_Bounded):
    """br (RFC 7932)."""

    def __init__(self, *, ratio: int) -> None:
        """Make a decoder for one body."""
        super().__init__(ratio)
        self._brotli: Any = brotli.Decompressor()
        self._started = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode a chunk; raises ``UpstreamFault`` for a corrupt one."""
        self._read += len(data)
        self._started = self._started or bool(data)
        if self._brotli.is_finished() and data:
            raise UpstreamFault("corrupt content coding: br goes on after its end")
        try:
            piece = self._brotli.process(data, output_buffer_limit=_STEP)
            while piece or not self._brotli.can_accept_more_data():
                yield self._count(piece)
                if self._brotli.is_finished():
                    break
                piece = self._brotli.process(b"", output_buffer_limit=_STEP)
        except brotli.error:
            raise UpstreamFault("corrupt content coding: br") from None

    def close(self) -> None:
        """Finish; raises ``UpstreamFault`` when the coded body was cut off."""
        if self._started and not self._brotli.is_finished():
            raise UpstreamFault("the content coding ends too early")


class ZstdDecoder(_Bounded):
    """zstd (RFC 8878), several frames too."""

    def __init__(self, *, ratio: int) -> None:
        """Make a decoder for one body."""
        super().__init__(ratio)
        self._zstd = self._frame()
        self._started = False

    @staticmethod
    def _frame() -> zstd.ZstdDecompressor:
        options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
        return zstd.ZstdDecompressor(options=options)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode a chunk; raises ``UpstreamFault`` for a corrupt one."""
        self._read += len(data)
        self._started = self._started or bool(data)
        try:
            while True:
                if self._zstd.eof:
                    if not data:
                        return
                    self._zstd = self._frame()
                piece = self._zstd.decompress(data, _STEP)
                if piece:
                    yield self._count(piece)
                data = self._zstd.unused_data if self._zstd.eof else b""
                if not self._zstd.eof and self._zstd.needs_input:
                    return
        except zstd.ZstdError as error:
            raise UpstreamFault(f"corrupt content coding: {error}") from None

    def close(self) -> None:
        """Finish; raises ``UpstreamFault`` when the coded body was cut off."""
        if self._started and not self._zstd.eof:
            raise UpstreamFault("the content coding ends too early")


class Encoder(Protocol):
    """Chunks of a plain body in, chunks of the coded one out."""

    def feed(self, data: bytes) -> bytes:
        """Encode a chunk, to its last octet."""
        ...

    def close(self) -> bytes:
        """Encode the end."""
        ...


class GzipEncoder:
    """gzip out."""

    def __init__(self, level: int = 4) -> None:
        """Level 4: 15 % larger than 6 and half its time, measured on real pages."""
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, _GZIP)

    def feed(self, data: bytes) -> bytes:
        """Encode a chunk."""
        if not data:
            return b""
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def close(self) -> bytes:
        """Encode the end."""
        return self._deflate.flush()


class BrotliEncoder:
    """br out."""

    def __init__(self, quality: int = 4) -> None:
        """Quality 4: faster than gzip's level 6 and smaller, measured on real pages."""
        self._brotli: Any = brotli.Compressor(mode=brotli.MODE_TEXT, quality=quality, lgwin=19)

    def feed(self, data: bytes) -> bytes:
        """Encode a chunk."""
        if not data:
            return b""
        out: bytes = self._brotli.process(data) + self._brotli.flush()
        return out

    def close(self) -> bytes:
        """Encode the end."""
        out: bytes = self._brotli.finish()
        return out


class ZstdEncoder:
    """zstd out."""

    def __init__(self, level: int = 3) -> None:
        """Level 3: the library's default; a third of gzip's time at its size."""
        options = {
            int(zstd.CompressionParameter.compression_level): level,
            int(zstd.CompressionParameter.window_log): 19,
        }
        self._zstd = zstd.ZstdCompressor(options=options)

    def feed(self, data: bytes) -> bytes:
        """Encode a chunk."""
        return self._zstd.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK) if data else b""

    def close(self) -> bytes:
        """Encode the end."""
        return self._zstd.flush(zstd.ZstdCompressor.FLUSH_FRAME)


_ENCODERS: dict[str, type[GzipEncoder | BrotliEncoder | ZstdEncoder]] = {
    "zstd": ZstdEncoder,
    "br": BrotliEncoder,
    "gzip": GzipEncoder,
}


def encoder_for(coding: str) -> Encoder | None:
    """The encoder of a coding; None for ``identity``."""
    kind = _ENCODERS.get(coding)
    return None if kind is None else kind()


def packed(coding: str, body: bytes) -> bytes:
    """A body that is known whole, encoded as small as can be; for what is encoded once."""
    if coding == "br":
        smallest: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=11)
        return smallest
    encoder = GzipEncoder(9) if coding == "gzip" else encoder_for(coding)
    return body if encoder is None else encoder.feed(body) + encoder.close()


def decoder_for(codings: str | None, ratio: int) -> Decoder | None:
    """The decoder of a Content-Encoding; None if one of its codings is not ours to read.

    ``none``, ``utf-8``, ``binary`` and what else servers say there is no coding.
    """
    names = [one.strip().lower() for one in (codings or "").split(",")]
    names = [name for name in names if name and (name in _CODINGS or not _TOKEN.match(name))]
    if not names:
        return Identity()
    if len(names) > 1:
        return None  # nobody sends bodies that were coded twice; browsers differ about them
    if names[0] in {"gzip", "x-gzip", "deflate"}:
        return Inflater(gzip=names[0] != "deflate", ratio=ratio)
    if names[0] == "br":
        return BrotliDecoder(ratio=ratio)
    if names[0] == "zstd":
        return ZstdDecoder(ratio=ratio)
    return None


def _weights(accept_encoding: str | None) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in (accept_encoding or "").split(","):
        name, _, parameters = part.partition(";")
        weight = 1.0
        if parameters.strip():
            matched = _QUALITY.match(parameters)
            weight = float(matched.group(1)) if matched else 0.0
        if name.strip():
            weights[name.strip().lower()] = weight
    return weights


def readable_for(accept_encoding: str | None) -> str:
    """The Accept-Encoding to send upstream: what both the client and we can read.

    The client's own matters because a body that turns out not to be edited passes as
    it came.
    """
    weights = _weights(accept_encoding)
    any_other = weights.get("*", 0.0)
    kept = [name for name in READABLE if weights.get(name, any_other) > 0]
    return ", ".join(kept) or "identity"


def best_for(accept_encoding: str | None) -> str:
    """The coding in which an edited body goes out (RFC 9110 section 12.5.3).

    The client's weights decide; between equals br before zstd before gzip: br is
    smallest at the level that streams well.
    """
    weights = _weights(accept_encoding)
    any_other = weights.get("*", 0.0)
    best, most = "identity", 0.0
    for name in ("br", "zstd", "gzip"):
        weight = weights.get(name, any_other)
        if weight > most:
            best, most = name, weight
    return best
