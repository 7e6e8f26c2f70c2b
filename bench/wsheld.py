"""Clients of WebSockets that flood, or that read at a pace; native ones and emulated ones.

``start`` on standard output when all are open; then what ``bench.paced`` says.  With ``--floods 1``
they send as fast as it is taken from ``hold`` on.  Else they say one message, which makes the origin
pour, and read nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import random
import ssl
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import uvloop

from bench.paced import Paced, bounded_socket, obey

if TYPE_CHECKING:
    from collections.abc import Callable

_ALPHABET = b"abcdefghijklmnopqrstuvwxyz     "
_DEFLATE = (
    "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
    "server_no_context_takeover\r\n"
)
_RECONNECT = b"\x0101\xff"
_POST_BYTES = 4 * 1024 * 1024
_FIRST = 7
_AT_ONCE = 16


def message(size: int, kind: str) -> bytes:
    """Text that deflate halves, as it does with prose, or that all but vanishes in it."""
    if kind == "zeros":
        return b"0" * size
    return bytes(random.Random(1).choices(_ALPHABET, k=size))


@cache
def frames(size: int, kind: str, *, deflate: bool, masked: bool = False) -> bytes:
    """Text messages in frames of a server, or a client's: one, or of small ones as make 16 KiB."""
    payload, first = message(size, kind), 0x81
    if deflate:
        made = zlib.compressobj(wbits=-15)
        payload = (made.compress(payload) + made.flush(zlib.Z_SYNC_FLUSH))[:-4]
        first |= 0x40
    size, mask = len(payload), b""
    if masked:
        mask = b"\x25\x4a\x11\x7c"
        key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        payload = (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
    bit = 0x80 if masked else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 65536:
        head = bytes([first, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + size.to_bytes(8, "big")
    frame = head + mask + payload
    return frame * max(1, 16384 // len(frame))


@cache
def emulated_frames(size: int, kind: str) -> bytes:
    """Text frames of the emulation, as many as fit into one request."""
    groups, length = [size & 127], size
    while length := length >> 7:
        groups.append(length & 127 | 128)
    frame = b"\x81" + bytes(reversed(groups)) + message(size, kind)
    return frame * max(1, _POST_BYTES // len(frame))


class Held(Paced):
    """One connection: a request, an answer, then the octets of whatever it is."""

    def __init__(self, head: str, then: Callable[[Held], None], body: bytes = b"") -> None:
        """``then`` is called when the answer's head is here."""
        super().__init__()
        self._request = head.encode("ascii") + body
        self._then = then
        self._came = b""
        self.status = 0
        self.flood = b""
        self._writable = True
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Ask."""
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """The head is looked at, the rest counted."""
        if self.status:
            self.took(len(data))
            return
        self._came += data
        if b"\r\n\r\n" in self._came:
            self.status = int(self._came.split(b" ", 2)[1])
            self._then(self)

    def send(self, data: bytes) -> None:
        """Send something once."""
        self._transport.write(data)

    def resume_writing(self) -> None:
        """It is taken."""
        self._writable = True
        while self.flood and self._writable and not self._transport.is_closing():
            self._transport.write(self.flood)

    def pause_writing(self) -> None:
        """It is not taken as fast as it comes."""
        self._writable = False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        del exc
        if not self.over.done():
            self.over.set_result(None)


class Clients:
    """All of them."""

    def __init__(self, options: argparse.Namespace) -> None:
        """``options`` are the command line's."""
        self.options = options
        self.context = ssl.create_default_context(cafile=options.ca)
        self.readers: list[Paced] = []
        self._begins: list[Callable[[], None]] = []
        self._path = "/hold" if options.floods else "/pour"
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self, head: str, body: bytes = b"") -> Held:
        """Open a connection, ask, and wait for the answer's head."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Held] = loop.create_future()
        made = bounded_socket()
        await loop.sock_connect(made, ("127.0.0.1", self.options.port))
        _, held = await loop.create_connection(
            lambda: Held(head, answered.set_result, body),
            sock=made,
            ssl=self.context,
            server_hostname=self.options.host.partition(":")[0],
        )
        await answered
        return held

    def _head(self, method: str, path: str, more: str) -> str:
        line = f"{method} {path} HTTP/1.1\r\nHost: {self.options.host}\r\n"
        return f"{line}Origin: https://bench.invalid\r\n{more}\r\n"

    async def native(self) -> None:
        """Open one WebSocket."""
        options = self.options
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        more = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        more += f"Sec-WebSocket-Key: {key}\r\n" + (_DEFLATE if options.deflate else "")
        held = await self.connect(self._head("GET", self._path, more))
        if held.status != 101:
            raise SystemExit(f"refused with {held.status}")
        if options.floods:
            deflate = bool(options.deflate)
            flood = frames(options.size, options.kind, deflate=deflate, masked=True)

            def begin() -> None:
                held.flood = flood
                held.resume_writing()
        else:
            self.readers.append(held)

            def begin() -> None:
                held.send(b"\x81\x82\0\0\0\0hi")

        self._begins.append(begin)

    async def emulated(self) -> None:
        """Open one emulated WebSocket, and let its response stream."""
        more = f"X-WebSocket-Version: wseb-1.0\r\nX-Sequence-No: {_FIRST}\r\nContent-Length: 0\r\n"
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            self.options.port,
            ssl=self.context,
            server_hostname=self.options.host.partition(":")[0],
        )
        writer.write(self._head("POST", f"{self._path}/;e/cbm", more).encode("ascii"))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 201 " not in head.partition(b"\r\n")[0]:
            raise SystemExit("an emulated one was not created")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        urls = (await reader.readexactly(int(length))).decode("ascii").split()
        up, down = (f"/{url.split('/', 3)[3]}" for url in urls)
        writer.close()
        await self._down(down, _FIRST + 1)
        size, kind = self.options.size, self.options.kind
        frames = emulated_frames(size, kind) if self.options.floods else b"\x81\x02hi"

        def begin() -> None:
            task = asyncio.create_task(self._up(up, frames + _RECONNECT))
            self._tasks.add(task)

        self._begins.append(begin)

    async def _down(self, target: str, number: int) -> None:
        held = await self.connect(self._head("GET", target, f"X-Sequence-No: {number}\r\n"))
        if held.status != 200:
            raise SystemExit(f"a response was refused with {held.status}")
        if not self.options.floods:
            self.readers.append(held)
            if number > _FIRST + 1:
                held.hold()
        held.over.add_done_callback(lambda _: self._next(target, number + 1))

    def _next(self, target: str, number: int) -> None:
        self._tasks.add(asyncio.create_task(self._down(target, number)))

    async def _up(self, target: str, body: bytes) -> None:
        number = _FIRST
        while True:
            number += 1
            more = (
                f"X-Sequence-No: {number}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
            )
            held = await self.connect(self._head("POST", target, more), body)
            if held.status != 200:
                raise SystemExit(f"a request was refused with {held.status}")
            await held.over
            if not self.options.floods:
                return

    def begin(self) -> None:
        """All begin."""
        for one in self._begins:
            one()


async def _run(options: argparse.Namespace) -> None:
    clients = Clients(options)
    one = clients.emulated if options.way == "fallback" else clients.native
    for begin in range(0, options.connections, _AT_ONCE):
        some = range(begin, min(begin + _AT_ONCE, options.connections))
        await asyncio.gather(*(one() for _ in some))
    print("start", flush=True)
    await obey(lambda: tuple(clients.readers), clients.begin)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.wsheld")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--way", choices=("native", "fallback"), default="native")
    parser.add_argument("--floods", type=int, default=0)
    parser.add_argument("--deflate", type=int, default=0)
    parser.add_argument("--size", type=int, default=16384)
    parser.add_argument("--kind", default="prose")
    parser.add_argument("--connections", type=int, default=50)
    uvloop.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
