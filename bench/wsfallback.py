"""A load generator for the WebSocket fallback: echoes over plain requests, only counted.

Says what ``bench.wsload`` says, of emulated WebSockets: each has a response that streams, and
one request at a time that carries as many messages as are to be in flight.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import ssl
import sys
import time

import uvloop

from bench.wsload import text

_ORIGIN = "Origin: https://bench.invalid\r\n"
_RECONNECT = b"\x0101\xff"
_START = 7


def text_frame(size: int) -> bytes:
    """A text frame with ``size`` octets of ASCII."""
    payload = text(size)
    groups, length = [size & 127], size
    while length := length >> 7:
        groups.append(length & 127 | 128)
    return b"\x81" + bytes(reversed(groups)) + payload


class Emulated:
    """One emulated WebSocket."""

    def __init__(self, options: argparse.Namespace, context: ssl.SSLContext) -> None:
        """``open`` creates it."""
        self.messages = 0
        self._options = options
        self._context = context
        self._number = _START
        self._frame = text_frame(options.size)
        self._rest = b""
        self._skip = 0
        self._came = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = self._options.host.partition(":")[0]
        return await asyncio.open_connection(
            "127.0.0.1", self._options.port, ssl=self._context, server_hostname=name
        )

    def _ask(
        self, writer: asyncio.StreamWriter, method: str, target: str, more: str, body: bytes = b""
    ) -> None:
        head = f"{method} {target} HTTP/1.1\r\nHost: {self._options.host}\r\n{_ORIGIN}{more}"
        head += f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        writer.write(f"{head}\r\n".encode("ascii") + body)

    @staticmethod
    async def _answer(reader: asyncio.StreamReader, status: bytes) -> dict[bytes, bytes]:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *lines = head[:-4].split(b"\r\n")
        if line.split(b" ")[1] != status:
            raise ConnectionError(line.decode("latin-1"))
        split = (one.partition(b":") for one in lines)
        return {name.lower(): value.strip() for name, _, value in split}

    async def open(self) -> None:
        """Create it, and let both directions run."""
        reader, writer = await self._connect()
        more = f"X-WebSocket-Version: wseb-1.0\r\nX-Sequence-No: {_START}\r\n"
        self._ask(writer, "POST", "/echo/;e/cbm", more)
        fields = await self._answer(reader, b"201")
        body = await reader.readexactly(int(fields[b"content-length"]))
        up, down = (f"/{url.split('/', 3)[3]}" for url in body.decode("ascii").split())
        self._tasks = [
            asyncio.create_task(self._down(down)),
            asyncio.create_task(self._up(reader, writer, up)),
        ]

    async def _up(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str
    ) -> None:
        number, window = _START, self._options.window
        body = self._frame * window + _RECONNECT
        while window:
            number += 1
            wanted = self.messages + window
            self._ask(writer, "POST", target, f"X-Sequence-No: {number}\r\n", body)
            await self._answer(reader, b"200")
            while self.messages < wanted:
                self._came.clear()
                await self._came.wait()

    async def _down(self, target: str) -> None:
        number = _START
        while True:
            number += 1
            reader, writer = await self._connect()
            self._ask(writer, "GET", target, f"X-Sequence-No: {number}\r\n")
            await self._answer(reader, b"200")
            while size := int((await reader.readline()).strip(), 16):
                self._count((await reader.readexactly(size + 2))[:-2])
            writer.close()

    def _count(self, data: bytes) -> None:
        data, self._rest = self._rest + data, b""
        at = 0
        while True:
            if self._skip:
                step = min(self._skip, len(data) - at)
                at, self._skip = at + step, self._skip - step
                if self._skip:
                    return
                self.messages += 1
                self._came.set()
            if at >= len(data):
                return
            end = at + 1
            if data[at] == 1:
                end += 3
            else:
                length = 0
                while end < len(data):
                    length = length << 7 | data[end] & 127
                    end += 1
                    if data[end - 1] < 128:
                        self._skip = length
                        break
                else:
                    end = len(data) + 1
            if end > len(data):
                self._rest = data[at:]
                return
            at = end

    def stop(self) -> None:
        """Ask no more."""
        for task in self._tasks:
            task.cancel()


async def load(options: argparse.Namespace) -> None:
    """Open, warm up, measure, wait for the end of standard input."""
    context = ssl.create_default_context(cafile=options.ca)
    made = [Emulated(options, context) for _ in range(options.connections)]
    for one in made:
        await one.open()
    await asyncio.sleep(options.warmup)
    print("start", flush=True)
    began, before = time.perf_counter(), [one.messages for one in made]
    await asyncio.sleep(options.seconds)
    came = [one.messages - had for one, had in zip(made, before, strict=True)]
    result = {"messages": sum(came), "seconds": time.perf_counter() - began}
    print(json.dumps(result | {"stuck": came.count(0)}), flush=True)
    for one in made:
        one.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.wsfallback")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--window", type=int, default=1)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--seconds", type=float, default=3)
    uvloop.run(load(parser.parse_args()))


if __name__ == "__main__":
    main()
