"""Content codings of edited bodies: decoded with an expansion limit, encoded streaming.

Unedited bodies never come here; they pass still compressed.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from gateway.errors import UpstreamFault, UpstreamTooLarge

ACCEPTED = "gzip, deflate"
"""What an upstream may answer with when the body is to be edited."""

_GZIP, _RAW = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"
_STEP = 256 * 1024
_FREE = 1024 * 1024


class Decoder(Protocol):
    """Chunks of a coded body in, chunks of the plain body out."""

    def feed(self, data: bytes) -> bytes:
        """Decode a chunk."""
        ...

    def close(self) -> bytes:
        """Decode the rest; raises ``UpstreamFault`` for a truncated body."""
        ...


class Identity:
    """No coding at all."""

    def feed(self, data: bytes) -> bytes:
        """Return the chunk."""
        return data

    def close(self) -> bytes:
        """Nothing is left."""
        return b""


class Inflater:
    """gzip (RFC 1952, several members too) and deflate (RFC 1950, or bare as some send it).

    ``ratio`` bounds how much larger than its coded form a body may grow (after the
    first megabyte); beyond it ``UpstreamTooLarge`` is raised.
    """

    def __init__(self, *, gzip: bool, ratio: int) -> None:
        """Make a decoder for one body."""
        self._gzip = gzip
        self._ratio = ratio
        self._inflate = zlib.decompressobj(_GZIP if gzip else zlib.MAX_WBITS)
        self._started = False
        self._held = b""
        self._over = False
        self._read = 0
        self._written = 0

    def feed(self, data: bytes) -> bytes:
        """Decode a chunk; raises ``UpstreamFault`` for a corrupt one."""
        self._read += len(data)
        if not self._started and data:
            self._started = True
            if not self._gzip and data[0] & 0x0F != 8:  # a zlib header says method 8
                self._inflate = zlib.decompressobj(_RAW)
        out = []
        data, self._held = self._held + data, b""
        try:
            while data:
                if self._inflate.eof:
                    data = self._next_member(data)
                    if not data:
                        break
                piece = self._inflate.decompress(data, _STEP)
                self._count(len(piece))
                out.append(piece)
                data = self._inflate.unconsumed_tail or self._inflate.unused_data
        except zlib.error as error:
            raise UpstreamFault(f"corrupt content coding: {error}") from None
        return b"".join(out)

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

    def _count(self, size: int) -> None:
        self._written += size
        if self._written > _FREE + self._read * self._ratio:
            raise UpstreamTooLarge(f"the body expands more than {self._ratio} times")

    def close(self) -> bytes:
        """Finish; raises ``UpstreamFault`` when the coded body was cut off."""
        rest = self._inflate.flush()
        self._count(len(rest))
        if self._started and not self._inflate.eof:
            raise UpstreamFault("the content coding ends too early")
        return rest


class Deflater:
    """gzip out, flushed with every chunk so that the first bytes leave at once."""

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


def decoder_for(codings: str | None, ratio: int) -> Decoder | None:
    """The decoder of a Content-Encoding; None if one of its codings is not ours to read."""
    names = [one.strip().lower() for one in (codings or "").split(",")]
    names = [name for name in names if name not in {"", "identity"}]
    if not names:
        return Identity()
    if len(names) == 1 and names[0] in {"gzip", "x-gzip", "deflate"}:
        return Inflater(gzip=names[0] != "deflate", ratio=ratio)
    return None


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether a client's Accept-Encoding admits gzip (RFC 9110 section 12.5.3)."""
    verdict = {}
    for part in (accept_encoding or "").split(","):
        name, _, parameters = part.partition(";")
        quality = parameters.strip().lower()
        refused = quality.startswith("q=") and quality[2:].strip("0.") == ""
        verdict[name.strip().lower()] = not refused
    return verdict.get("gzip", verdict.get("*", False))
