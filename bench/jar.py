"""A look-up of 20 visible cookies in a jar of 2,000, and one Set-Cookie, in CPU."""

from __future__ import annotations

from bench import stores
from bench.common import Options, Workplace


def run(options: Options) -> None:
    """Measure and print."""
    with Workplace() as work:
        server = stores.valkey(work)
        seconds = options.seconds(0.7, 0.15)
        stores.follow(work, "bench.jarload", work.fresh("jar"), server.port, server.pid, seconds)
