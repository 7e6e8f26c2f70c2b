"""Memory of the gateway while readers of WebSockets are slower than what floods them."""

from __future__ import annotations

import sys
import time

from bench import common, figures, wsflood
from bench.common import Options, Served, Workplace

_MIB = 1 << 20
_LEGS = {"client": "/pour", "upstream": "/hold"}
_QUIET_SECONDS = 1.5


def _flood_server(work: Workplace) -> int:
    port = common.free_port()
    log = work.fresh("flood") / "flood.log"
    command = [sys.executable, "-m", "bench.wsflood", str(port)]
    process = work.start(command, common.LOAD_CORES, log)
    common.wait_until(lambda: common.accepts(port), process, log)
    return port


def _peak(pid: int, seconds: float) -> int:
    """The most resident memory that a process tree is seen with."""
    peak, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        peak = max(peak, common.rss_bytes(pid))
        time.sleep(0.05)
    return peak


def slow(
    work: Workplace, served: Served, leg: str, count: int, seconds: float, *, deflate: int
) -> list[int]:
    """Flood one leg's slow readers.

    RSS before, with all open and quiet, at most in each half of ``seconds``, and after.
    """
    log = work.folder / "wsload.log"
    before = common.rss_bytes(served.pid)
    command = common.load_command(
        work,
        served,
        path=_LEGS[leg],
        flood=leg,
        connections=count,
        deflate=deflate,
        size=wsflood.SIZE,
    )
    client = work.start(command, common.LOAD_CORES, log, pipes=True)
    common.read_line(client, log)
    time.sleep(_QUIET_SECONDS)
    opened = common.rss_bytes(served.pid)
    if client.stdin is not None:
        client.stdin.write("go\n")
        client.stdin.flush()
    peaks = [_peak(served.pid, seconds / 2) for _ in range(2)]
    common.stop(client)
    time.sleep(_QUIET_SECONDS)
    return [before, opened, *peaks, common.rss_bytes(served.pid)]


def run(options: Options) -> None:
    """Each leg, native and compressed, at a gateway of its own."""
    count = options.count(200, 100)
    rows = []
    for leg in _LEGS:
        for deflate in (0, 1):
            with Workplace() as work:
                served = common.gateway(work, {common.SOCKET_HOST: _flood_server(work)})
                marks = slow(work, served, leg, count, options.seconds(4, 2), deflate=deflate)
            _, opened, *peaks, _ = marks
            name = f"{leg}'s leg" + (", deflate" if deflate else "")
            each = f"{(max(peaks) - opened) / count / 1024:.1f}"
            rows.append([name, *(f"{mark / _MIB:.1f}" for mark in marks), each])
    title = f"memory: {count} slow readers, the other side sends messages of 16 KiB all the time"
    header = ["slow on", "RSS MiB before", "open, quiet", "at most, first half", "second half"]
    figures.table(title, [*header, "after", "KiB each, flooded"], rows)
