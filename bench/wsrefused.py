"""Requests for WebSockets that are refused: on new connections, on kept ones, over HTTP/2.

Lines on standard output: ``start``, then a JSON object with ``messages`` (refusals with the status
that is asked for), ``seconds`` and how many TLS connections there were, ``connections``, of which
``resumed`` had a session before.  Ends when standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import ssl
import sys
import time

import h2.config
import h2.connection
import h2.events
import uvloop

from bench.wsload import Resuming

_KEY = base64.b64encode(b"k" * 16).decode("ascii")
_HANDSHAKE = (
    "GET /echo HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n"
    "Origin: https://bench.invalid\r\n\r\n"
)
_CREATE = (
    "POST /echo/;e/cbm HTTP/1.1\r\nHost: {host}\r\nX-WebSocket-Version: wseb-1.0\r\n"
    "X-Sequence-No: 7\r\nContent-Length: 0\r\nOrigin: https://bench.invalid\r\n\r\n"
)


class Refused:
    """What asks all the time, and counts."""

    def __init__(self, options: argparse.Namespace) -> None:
        """``options`` are the command line's."""
        self._options = options
        self._context = Resuming(ssl.PROTOCOL_TLS_CLIENT)
        self._context.load_verify_locations(options.ca)
        self._name = options.host.partition(":")[0]
        head = _CREATE if options.asks == "create" else _HANDSHAKE
        self._request = head.format(host=options.host).encode("ascii")
        self.count = self.connections = self.resumed = 0
        self.is_over = False

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._options.port, ssl=self._context, server_hostname=self._name
        )
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        self.connections += 1
        self.resumed += bool(tls.session_reused)
        return reader, writer

    def _keep_session(self, writer: asyncio.StreamWriter) -> None:
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        if self._options.resume and self._context.resumes is None:
            session = tls.session
            if session is not None and session.has_ticket:
                self._context.resumes = session

    async def _answer(self, reader: asyncio.StreamReader) -> bool:
        """Read an answer: whether the connection stays."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
        await reader.readexactly(int(length or b"0"))
        if head.split(b" ")[1] == self._options.status.encode("ascii"):
            self.count += 1
        return b"connection: close" not in head

    async def ask(self) -> None:
        """One after the other, each on a connection of its own where none stays."""
        while not self.is_over:
            reader, writer = await self._connect()
            if self._options.asks == "nothing":
                await reader.read()
                self.count += 1
            else:
                stays = True
                while stays and not self.is_over:
                    writer.write(self._request)
                    stays = await self._answer(reader)
                    self._keep_session(writer)
            writer.transport.abort()

    async def ask_h2(self) -> None:
        """The creation of emulated ones, one stream after the other on one connection."""
        self._context.set_alpn_protocols(["h2"])
        reader, writer = await self._connect()
        connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding=None))
        connection.initiate_connection()
        fields = [
            (":method", "POST"),
            (":scheme", "https"),
            (":authority", self._options.host),
            (":path", "/echo/;e/cbm"),
            ("x-websocket-version", "wseb-1.0"),
            ("x-sequence-no", "7"),
            ("content-length", "0"),
            ("origin", "https://bench.invalid"),
        ]
        while not self.is_over:
            stream = connection.get_next_available_stream_id()
            connection.send_headers(stream, fields, end_stream=True)
            writer.write(connection.data_to_send())
            ended = False
            while not ended:
                data = await reader.read(65536)
                if not data:
                    raise ConnectionError("the server closed")
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived):
                        status = dict(event.headers)[b":status"].decode("ascii")
                        self.count += status == self._options.status
                    elif isinstance(event, h2.events.DataReceived):
                        size = event.flow_controlled_length
                        connection.acknowledge_received_data(size, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        ended = True
                writer.write(connection.data_to_send())
        writer.transport.abort()


async def _run(options: argparse.Namespace) -> None:
    refused = Refused(options)
    ask = refused.ask_h2 if options.h2 else refused.ask
    tasks = [asyncio.create_task(ask()) for _ in range(options.connections)]
    await asyncio.sleep(options.warmup)
    print("start", flush=True)
    began = time.perf_counter()
    before = refused.count, refused.connections, refused.resumed
    await asyncio.sleep(options.seconds)
    names = ("messages", "connections", "resumed")
    now = refused.count, refused.connections, refused.resumed
    result = {name: at - had for name, at, had in zip(names, now, before, strict=True)}
    print(json.dumps({**result, "seconds": time.perf_counter() - began}), flush=True)
    refused.is_over = True
    for task in tasks:
        if task.done() and task.exception() is not None:
            raise SystemExit(repr(task.exception()))
        task.cancel()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.wsrefused")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--asks", choices=("handshake", "create", "nothing"), default="handshake")
    parser.add_argument("--status", default="403")
    parser.add_argument("--resume", type=int, default=0)
    parser.add_argument("--h2", type=int, default=0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--warmup", type=float, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    uvloop.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
