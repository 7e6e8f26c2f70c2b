"""A WebSocket server that pours or holds: the other side of readers that are too slow.

``python -m bench.wsflood PORT``, plain TCP; runs until SIGTERM. On ``/pour`` it sends messages
as fast as they are taken, from the client's first octet on; on ``/hold`` it reads nothing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import sys
from typing import Any

import uvloop

SIZE = 16 * 1024
"""Octets of a message."""
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz     "


def _frame() -> bytes:
    """A text message that deflate halves, as it does with prose."""
    text = bytes(random.Random(1).choices(_ALPHABET, k=SIZE))
    return bytes([0x81, 126]) + SIZE.to_bytes(2, "big") + text


_FRAME = _frame()


class Flood(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        """Made by the loop."""
        self._head = b""
        self._shaken = False
        self._pours = False
        self._writable = True

    def connection_made(self, transport: Any) -> None:
        """Keep it (uvloop's transports are no ``asyncio.Transport``)."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the handshake; what comes later lets it pour."""
        if self._shaken:
            if not self._pours:
                self._pours = True
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
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        if lines[0].split(b" ")[1] == b"/hold":
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """It is not taken as fast as it comes."""
        self._writable = False

    def resume_writing(self) -> None:
        """It is taken again."""
        self._writable = True
        self._pour()

    def _pour(self) -> None:
        while self._pours and self._writable and not self._transport.is_closing():
            self._transport.write(_FRAME)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Flood, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
