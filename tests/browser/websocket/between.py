"""What stands between browser and gateway and takes upgrades away, as some proxies do.

It ends TLS and passes everything on, octet by octet; but a head that asks for a WebSocket
goes on without the asking, so that the gateway answers it as any other request.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading

_UPGRADE = re.compile(rb"\r\n(?:Upgrade|Connection):[^\r]*(?=\r\n)", re.IGNORECASE)
_SOCKET = re.compile(rb"\r\nUpgrade: *websocket\r\n", re.IGNORECASE)
_STREAM = re.compile(rb"GET [^ ]*/;e/dbm/")


class Between:
    """A listener of its own, with the gateway's certificate."""

    def __init__(self, stack, *, holds: bool = False) -> None:
        """Listen at once; ``holds``: answers that stream are held back until they are whole."""
        self._holds = holds
        self._target = stack.port
        folder = stack.folder / "ca"
        self._served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._served.load_cert_chain(folder / "gateway.pem", folder / "gateway.key")
        self._served.set_alpn_protocols(["http/1.1"] if holds else ["h2", "http/1.1"])
        self.taken = 0
        """How many handshakes went on as something else."""
        self.held = 0
        """How many answers were held back."""
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task] = set()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise AssertionError("what stands between does not listen")

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def start() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._served)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self._loop.create_task(start())
        self._loop.run_forever()

    def cut(self) -> None:
        """Every connection is gone, as when a network changes."""
        self._loop.call_soon_threadsafe(lambda: [one.cancel() for one in self._tasks])

    def close(self) -> None:
        """Stop, and cut what is open."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _serve(self, reader, writer) -> None:
        spoken = writer.get_extra_info("ssl_object").selected_alpn_protocol() or "http/1.1"
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([spoken])
        with contextlib.suppress(OSError, ssl.SSLError):
            further, away = await asyncio.open_connection("127.0.0.1", self._target, ssl=context)
            streams = asyncio.Event()
            ways = [
                asyncio.create_task(self._pass(reader, away, streams, up=spoken != "h2")),
                asyncio.create_task(self._pass(further, writer, streams, up=False)),
            ]
            self._tasks.update(ways)
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for one in ways:
                one.cancel()
            self._tasks.difference_update(ways)
            away.transport.abort()
        writer.transport.abort()

    async def _pass(self, reader, writer, streams: asyncio.Event, *, up: bool) -> None:
        held = b""
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await reader.read(1 << 16):
                if up and _SOCKET.search(data):
                    self.taken += 1
                    data = _UPGRADE.sub(b"", data)
                if up and self._holds and _STREAM.match(data) and b".ki=p" not in data:
                    streams.set()
                if not up and streams.is_set():
                    self.held += not held
                    held += data
                    continue
                writer.write(data)
                await writer.drain()
            writer.write(held)
            await writer.drain()
            # What was written last is to arrive.
            with contextlib.suppress(NotImplementedError):
                writer.close()
                await writer.wait_closed()
