"""Early hints (RFC 8297): an origin's 103 read below twisted.web's client, and one sent to a client.

twisted.web's client passes over whatever comes before an answer, and its server has no word for
it; both are talked to in their own terms here, for one 103 of each answer.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

from h2.exceptions import ProtocolError

from gateway.net import http2

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.rewrite.headers import Fields

_STATUS = 103
_SOUND = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")


def watch_parser(parser: Any, tell: Callable[[Fields], None]) -> None:
    """Have the parser of an answer tell of the first 103 before it; others are passed over."""
    ordinary = parser.allHeadersReceived
    told = False

    def all_headers_received() -> None:
        nonlocal told
        if parser.response.code != _STATUS:
            ordinary()
            return
        fields = tuple(
            (name, value) for name, values in parser.headers.getAllRawHeaders() for value in values
        )
        # As twisted.web does it: what comes next is another head.
        parser.connectionMade()
        del parser.response
        if not told:
            told = True
            tell(fields)

    parser.allHeadersReceived = all_headers_received


def send(channel: Any, version: bytes, fields: Fields) -> bool:
    """Send a 103 on a client's channel or stream; whether that could be done."""
    fields = tuple(field for field in fields if _SOUND.match(field[1]))
    if not fields or channel is None:
        return False
    if version != http2.VERSION:
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        channel.transport.write(b"HTTP/1.1 103 Early Hints\r\n" + lines + b"\r\n")
        return True
    head = [(b":status", b"103"), *((name.lower(), value) for name, value in fields)]
    with contextlib.suppress(ProtocolError):  # the stream may be closed already
        channel._conn.conn.send_headers(channel.streamID, head)
        channel._conn._tryToWriteControlData()
        return True
    return False
