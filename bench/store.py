"""Committed writes beside the bare database, bytes for each cookie, and a store that is large."""

from __future__ import annotations

import shutil

from bench import stores
from bench.common import BenchError, Options, Workplace

_ROW_BYTES = 600
"""What a row may take on disk, log included: less free than that, and nothing is begun."""


def run(options: Options) -> None:
    """Measure and print."""
    rows = options.rows or options.count(10_000_000, 300_000)
    with Workplace() as work:
        free, need = shutil.disk_usage(work.folder).free, rows * _ROW_BYTES
        if free < need:
            raise BenchError(f"{rows:,} rows need {need >> 20} MiB free in {work.folder.parent}")
        server = stores.valkey(work)
        seconds = options.seconds(1.5, 0.4)
        folder = work.fresh("store")
        stores.follow(work, "bench.storeload", folder, server.port, server.pid, seconds, rows)
