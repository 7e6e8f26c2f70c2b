"""A WebSocket server that pours or holds: the other side of readers that are too slow.

``python -m bench.wsflood PORT SIZE KIND DEFLATE``, plain TCP; does what ``bench.paced`` says until
standard input ends.  On ``/pour`` it sends messages as fast as they are taken, from the client's
first octet on; on ``/hold`` it reads at the pace that it is told.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
from typing import Any

import uvloop

from bench.paced import Paced, bounded_socket, obey
from bench.wsheld import frames

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ALL: set[Flood] = set()


class Flood(Paced):
    """One connection."""

    octets_to_send = b""
    deflates = False

    def __init__(self) -> None:
        """Made by the loop."""
        super().__init__()
        self._head = b""
        self._shaken = False
        self._pours = False
        self._writable = True

    def connection_made(self, transport: Any) -> None:
        """Keep it (uvloop's transports are no ``asyncio.Transport``)."""
        self._transport = transport
        _ALL.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        del exc
        _ALL.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer the handshake; what comes later lets it pour."""
        if self._shaken:
            self.took(len(data))
            if self._pours:
                self._pour()
            return
        self._head += data
        if b"\r\n\r\n" not in self._head:
            return
        lines = self._head.split(b"\r\n")
        fields = {
            name.lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)
        }
        digest = hashlib.sha1(fields[b"sec-websocket-key"] + _GUID).digest()
        self._shaken = True
        agreed = b"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n"
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: "
            + base64.b64encode(digest)
            + b"\r\n"
            + (agreed if self.deflates else b"")
            + b"\r\n"
        )
        self._pours = lines[0].split(b" ")[1] == b"/pour"

    def pause_writing(self) -> None:
        """It is not taken as fast as it comes."""
        self._writable = False

    def resume_writing(self) -> None:
        """It is taken again."""
        self._writable = True
        self._pour()

    def _pour(self) -> None:
        while self._writable and not self._transport.is_closing():
            self._transport.write(self.octets_to_send)


async def _serve(port: int, size: int, kind: str, deflate: int) -> None:
    loop = asyncio.get_running_loop()
    Flood.octets_to_send = frames(size, kind, deflate=bool(deflate))
    Flood.deflates = bool(deflate)
    listening = bounded_socket()
    listening.bind(("127.0.0.1", port))
    await loop.create_server(Flood, sock=listening, backlog=1024)
    await obey(lambda: tuple(_ALL), lambda: None)


if __name__ == "__main__":
    _port, _size, _kind, _deflate = sys.argv[1:]
    uvloop.run(_serve(int(_port), int(_size), _kind, int(_deflate)))
