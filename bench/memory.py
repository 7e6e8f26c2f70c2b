"""Memory of the gateway: a long stream to a slow reader."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from bench import common, figures, nginx
from bench.common import BenchError, Options, Served, Workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

_MIB = 1 << 20


def stream(
    work: Workplace,
    served: Served,
    size: int,
    rate: float,
    *,
    path: str = "/large",
    fields: Mapping[str, str] | None = None,
) -> tuple[int, int, float]:
    """Read a file at ``rate`` octets per second: RSS before, its peak, the seconds.

    Raises ``BenchError`` when less than ``size`` octets came, head included.
    """
    start = peak = common.rss_bytes(served.pid)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
    raw.settimeout(20)
    raw.connect(("127.0.0.1", served.port))
    with work.client_context().wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        sent = {"Host": served.host, **(fields or {}), "Connection": "close"}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        buffer = bytearray(64 * 1024)
        began, came, looked = time.perf_counter(), 0, 0.0
        while got := connection.recv_into(buffer):
            came += got
            now = time.perf_counter() - began
            ahead = came / rate - now
            if now > looked + 0.02:
                looked = now
                peak = max(peak, common.rss_bytes(served.pid))
            if ahead > 0.02:
                time.sleep(ahead)
        took = time.perf_counter() - began
    if came < size:
        raise BenchError(f"only {came} of {size} octets came through {served.host}")
    return start, peak, took


def run(options: Options) -> None:
    """Through nginx and through the gateway; measure and print."""
    size = options.count(200, 60) * _MIB
    rate = options.seconds(10e6, 30e6)
    with Workplace() as work:
        origin = nginx.static_origin(work, {"large": size, "small.json": 1024})
        beside = nginx.proxy(work, origin)
        gateway = common.gateway(work, {common.ORIGIN_HOST: origin.port})
        rows = []
        for name, served in {"nginx": beside, "gateway": gateway}.items():
            for _ in range(20):
                common.request(work, served, "/small.json")
            start, peak, took = stream(work, served, size, rate)
            row = [
                name,
                f"{start / _MIB:.1f}",
                f"{peak / _MIB:.1f}",
                f"{(peak - start) / _MIB:.1f}",
            ]
            rows.append([*row, f"{size / took / 1e6:.1f}"])
    title = f"memory: {size // _MIB} MiB to a client that reads {rate / 1e6:.0f} MB/s"
    header = ["process tree", "RSS MiB at start", "at peak", "growth", "MB/s seen"]
    figures.table(title, header, rows)
