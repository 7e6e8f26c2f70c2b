"""A slow line for browsers: what is sent through it arrives later, and so much in a second.

TCP is taken apart at its ends, so that handshakes cost their round trips and all connections
share one line, as on a phone.  TCP's own slow start and losses are not imitated.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading

import attrs


@attrs.frozen
class Line:
    """How slow: seconds there and back, octets in a second each way (0: any number)."""

    round_trip: float = 0
    down: float = 0
    up: float = 0


MOBILE = Line(0.150, 1_600_000 / 8, 768_000 / 8)
"""What Chromium's tools call slow 4G, or fast 3G."""


@attrs.define
class Traffic:
    """What has come through."""

    connections: int = 0
    down: int = 0
    up: int = 0


class Link:
    """Listens before other ports, in a thread with a loop of its own."""

    def __init__(self) -> None:
        """Start the thread; the line is fast until it is shaped."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.reshape(Line())

    def reshape(self, line: Line) -> None:
        """Be so slow from now on, and count from zero."""
        self._line = line
        self.traffic = Traffic()
        self._free = {"down": 0.0, "up": 0.0}

    def before(self, port: int) -> int:
        """A port that leads to ``port`` by the slow line."""
        listening = asyncio.run_coroutine_threadsafe(self._listen(port), self._loop)
        return listening.result(10)

    async def _listen(self, port: int) -> int:
        async def serve(reader, writer) -> None:
            with contextlib.suppress(OSError):
                await self._carry(port, reader, writer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def _carry(self, port: int, reader, writer) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        self.traffic.connections += 1
        # The handshake of TCP: nothing can be sent before it came back.
        ready = self._loop.time() + self._line.round_trip
        await asyncio.gather(
            self._one_way("up", reader, back, ready), self._one_way("down", there, writer, 0)
        )

    async def _one_way(self, way: str, reader, writer, ready: float) -> None:
        under_way: asyncio.Queue = asyncio.Queue(256)

        async def deliver() -> None:
            while True:
                due, data = await under_way.get()
                await asyncio.sleep(max(0, due - self._loop.time()))
                if not data:
                    break
                writer.write(data)
                await writer.drain()

        delivering = asyncio.ensure_future(deliver())
        data = b"more"
        while data and not delivering.done():
            try:
                data = await reader.read(4096)
            except OSError:
                data = b""
            line = self._line
            rate = getattr(line, way)
            begin = max(self._loop.time(), ready, self._free[way])
            self._free[way] = begin + (len(data) / rate if rate else 0)
            setattr(self.traffic, way, getattr(self.traffic, way) + len(data))
            await under_way.put((self._free[way] + line.round_trip / 2, data))
        with contextlib.suppress(OSError):
            await delivering
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()
