"""A WebSocket load generator that costs little: frames made once, answers only counted.

Lines on standard output: ``start`` when all connections are open (and warm), then for a
rate a JSON object with ``messages``, ``seconds`` and how many connections were ``stuck``.
With ``--refused STATUS`` connections are opened all the time, each for a handshake that is
refused with it; ``messages`` are those, ``resumed`` how many of their TLS sessions were
(``--resume``). With ``--again`` each line of standard input has every connection send a message; the answer is how many came back.
Ends when standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import ssl
import sys
import time
import zlib
from typing import Any

import uvloop

_TEXT, _CLOSE = 1, 8
_AT_ONCE = 16


DEFLATE = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"


def text(size: int) -> bytes:
    """So many octets of ASCII: a JSON-RPC notification, so that there is something to validate."""
    head, tail = b'{"jsonrpc":"2.0","method":"m","params":["', b'"]}'
    fill = size - len(head) - len(tail)
    return head + (b"The quick brown fox. " * (fill // 21 + 1))[:fill] + tail


def text_frame(size: int, *, deflate: bool = False) -> bytes:
    """A masked text frame with ``size`` octets of ASCII, as they are or deflated."""
    mask = b"\x25\x4a\x11\x7c"
    payload = text(size)
    rsv = 0
    if deflate:
        made = zlib.compressobj(wbits=-15)
        payload = (made.compress(payload) + made.flush(zlib.Z_SYNC_FLUSH))[:-4]
        size, rsv = len(payload), 0x40
    masked = bytes(octet ^ mask[at % 4] for at, octet in enumerate(payload))
    if size < 126:
        head = bytes([0x80 | rsv | _TEXT, 0x80 | size])
    elif size < 65536:
        head = bytes([0x80 | rsv | _TEXT, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | rsv | _TEXT, 0x80 | 127]) + size.to_bytes(8, "big")
    return head + mask + masked


class Resuming(ssl.SSLContext):
    """Asks for the session that it was given to go on."""

    resumes: ssl.SSLSession | None = None

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """See ``SSLContext``: asyncio knows no sessions."""
        return super().wrap_bio(*arguments, **{**named, "session": self.resumes})


def client_context(ca: str) -> Resuming | None:
    """TLS for clients of servers that this CA vouches for; None: no TLS."""
    if not ca:
        return None
    context = Resuming(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    return context


class Connection(asyncio.Protocol):
    """One connection: handshake, then as many messages in flight as it was told."""

    def __init__(
        self, host: str, frame: bytes, path: str = "/echo", more: str = "", expects: str = ""
    ) -> None:
        """Connect it with ``loop.create_connection``.

        ``more``: more fields of the request; ``expects``: what the answer's are to name.
        """
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.messages = 0
        self.running = False
        self._host, self._path, self._more = host, path, more
        self._expects = expects.encode("ascii")
        self._frame = frame
        self._head = b""
        self._skip = 0
        self._is_text = False
        self._shaken = False

    def connection_made(self, transport: Any) -> None:
        """Ask for the WebSocket (uvloop's transports are no ``asyncio.Transport``)."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Origin: https://bench.invalid\r\n{self._more}\r\n".encode("ascii")
        )

    def data_received(self, data: bytes) -> None:
        """Count what came back, send as much again."""
        if not self._shaken:
            self._head += data
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._fail(head.partition(b"\r\n")[0].decode("latin-1"))
                return
            if self._expects not in head:
                self._fail(f"not agreed on: {self._expects.decode('ascii')}")
                return
            self._shaken, self._head, data = True, b"", rest
            self.open.set_result(None)
        came = self._count(data)
        self.messages += came
        if self.running and came:
            self._transport.write(self._frame * came)

    def _count(self, data: bytes) -> int:
        """How many text messages ended in ``data``; nothing of them is looked at."""
        if self._head:
            data, self._head = self._head + data, b""
        at, size, came = 0, len(data), 0
        while True:
            if self._skip:
                if size - at < self._skip:
                    self._skip -= size - at
                    return came
                at, self._skip = at + self._skip, 0
                came += self._is_text
            if size - at < 2:
                break
            length, start = data[at + 1], at + 2
            if length >= 126:
                start += 2 if length == 126 else 8
                if size < start:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            self._is_text = data[at] & 15 == _TEXT
            if data[at] & 15 == _CLOSE:
                self._fail("the server closed")
            at, self._skip = start, length
        self._head = data[at:]
        return came

    def begin(self, window: int) -> None:
        """Put ``window`` messages in flight and keep them there."""
        self.running = True
        self._transport.write(self._frame * window)

    def say(self) -> None:
        """Send one message."""
        self._transport.write(self._frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so while it matters."""
        self._fail(f"connection lost: {exc}")

    def _fail(self, why: str) -> None:
        if not self.open.done():
            self.open.set_exception(ConnectionError(why))
        elif self.running:
            sys.stderr.write(why + "\n")
            os._exit(1)


async def load(options: argparse.Namespace) -> None:
    """Open, warm up, measure, wait for the end of standard input."""
    loop = asyncio.get_running_loop()
    context = client_context(options.ca)
    frame = text_frame(options.size, deflate=options.deflate)
    more = f"Sec-WebSocket-Extensions: {DEFLATE}\r\n" if options.deflate else ""
    if options.protocol:
        more += f"Sec-WebSocket-Protocol: {options.protocol}\r\n"
    expects = "permessage-deflate" if options.deflate else options.protocol
    made: list[Connection] = []

    async def connect() -> None:
        _, connection = await loop.create_connection(
            lambda: Connection(options.host, frame, options.path, more, expects=expects),
            options.address,
            options.port,
            ssl=context,
        )
        await connection.open
        made.append(connection)

    if options.refused:
        await refused(options, context)
        return

    for begin in range(0, options.connections, _AT_ONCE):
        some = range(begin, min(begin + _AT_ONCE, options.connections))
        await asyncio.gather(*(connect() for _ in some))
    if options.window:
        for connection in made:
            connection.begin(options.window)
        await asyncio.sleep(options.warmup)
    print("start", flush=True)
    if options.window:
        began, before = time.perf_counter(), [one.messages for one in made]
        await asyncio.sleep(options.seconds)
        came = [one.messages - had for one, had in zip(made, before, strict=True)]
        result = {"messages": sum(came), "seconds": time.perf_counter() - began}
        print(json.dumps(result | {"stuck": came.count(0)}), flush=True)
    for connection in made:
        connection.running = False
    if options.again:
        await again(options, made)
    await loop.run_in_executor(None, sys.stdin.read)


async def again(options: argparse.Namespace, made: list[Connection]) -> None:
    """For each line a message on every connection: how many have an echo within some seconds."""
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        before = [one.messages for one in made]
        for begin in range(0, len(made), _AT_ONCE):
            for one in made[begin : begin + _AT_ONCE]:
                one.say()
            await asyncio.sleep(0)
        deadline, came = loop.time() + options.again, 0
        while came < len(made) and loop.time() < deadline:
            await asyncio.sleep(0.05)
            came = sum(one.messages > had for one, had in zip(made, before, strict=True))
        print(came, flush=True)


async def refused(options: argparse.Namespace, context: Resuming | None) -> None:
    """Have handshakes refused, some at a time, each on a connection of its own."""
    loop = asyncio.get_running_loop()
    count = resumed = 0
    over = False
    ticket = asyncio.Event()

    async def one() -> None:
        nonlocal count, resumed
        transport, connection = await loop.create_connection(
            lambda: Connection(options.host, b"", options.path),
            options.address,
            options.port,
            ssl=context,
        )
        try:
            await connection.open
            raise SystemExit("a handshake was not refused")
        except ConnectionError as error:
            if f" {options.refused} " in str(error):
                count += 1
            elif " 403 " not in str(error):  # a bound is not reached yet
                raise
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and context is not None:
            resumed += bool(tls.session_reused)
            if options.resume and context.resumes is None and tls.session.has_ticket:
                context.resumes = tls.session
                ticket.set()
        transport.abort()

    async def some() -> None:
        while not over:
            await one()

    work = [asyncio.create_task(some()) for _ in range(options.connections)]
    if options.resume:
        await ticket.wait()
    await asyncio.sleep(options.warmup)
    print("start", flush=True)
    began, before, had = time.perf_counter(), count, resumed
    await asyncio.sleep(options.seconds)
    result = {"messages": count - before, "seconds": time.perf_counter() - began}
    print(json.dumps(result | {"stuck": 0, "resumed": resumed - had}), flush=True)
    over = True
    await asyncio.gather(*work)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.wsload")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--ca", default="", help="none: no TLS")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--path", default="/echo")
    parser.add_argument("--protocol", default="")
    parser.add_argument("--deflate", type=int, default=0)
    parser.add_argument("--refused", type=int, default=0, help="the status")
    parser.add_argument("--resume", type=int, default=0)
    parser.add_argument("--again", type=float, default=0, help="seconds to wait for echoes")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--window", type=int, default=0, help="0: stay idle")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--seconds", type=float, default=3)
    uvloop.run(load(parser.parse_args()))


if __name__ == "__main__":
    main()
