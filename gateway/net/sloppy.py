"""Answers that are not quite HTTP, read as browsers read them.

twisted.web's client gives a whole response up for one line that is no field, and for a space
behind a chunk's size; devices, old servers and scripts send both, and browsers show their pages.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.web.http import _ChunkedTransferDecoder, maxChunkSizeLineLength

_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")
_SPACED = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+:")
_IDENTITY = re.compile(rb"transfer-encoding:[ \t]*identity[ \t\r]*\Z", re.IGNORECASE)


def forgive(parser: Any) -> None:
    """Have the parser of an answer pass over lines that are no fields (RFC 9112, 2.2 and 5.1).

    A space before the colon goes, and with a line go those that continue it.  The coding
    ``identity``, which RFC 9112 has no more, is none.
    """
    ordinary = parser.lineReceived
    passed_over = True

    def line_received(line: bytes) -> None:
        nonlocal passed_over
        if parser.state != "HEADER":
            passed_over = True  # nothing is there yet that a line could continue
        elif line[:1] in {b" ", b"\t"}:
            if passed_over:
                return
        elif line not in {b"", b"\r"}:
            if _FIELD.match(line) is None:
                line = _SPACED.sub(rb"\1:", line, count=1)
            passed_over = _FIELD.match(line) is None or _IDENTITY.match(line) is not None
            if passed_over:
                return
        ordinary(line)

    parser.lineReceived = line_received
    parser._transferDecoders = {b"chunked": Chunks}


class Chunks(_ChunkedTransferDecoder):
    """The decoder of chunks; the size of one may have white space behind it."""

    def _dataReceived_CHUNK_LENGTH(self) -> bool:
        end = self._buffer.find(b"\r\n", self._start)
        if 0 <= end < maxChunkSizeLineLength:
            mark = self._buffer.find(b";", 0, end)
            stop = end if mark < 0 else mark
            size = len(self._buffer[:stop].rstrip(b" \t"))
            if size < stop:
                del self._buffer[size:stop]
                self._start = 0
        return super()._dataReceived_CHUNK_LENGTH()
