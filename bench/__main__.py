"""``python -m bench NAME [--quick]``, from a checkout."""

from __future__ import annotations

import argparse
import os
import sys
import time

from bench import (
    browser,
    codec,
    common,
    http,
    jar,
    memory,
    refusals,
    rewrite,
    store,
    validators,
    websocket,
    wsslow,
)

_ALL = {
    "http": http.run,
    "relay": websocket.run_rates,
    "memory": memory.run,
    "codec": codec.run,
    "rewrite": rewrite.run,
    "jar": jar.run,
    "validators": validators.run,
}
_ALONE = {
    "websocket": websocket.run,
    "refusals": refusals.run,
    "slow": wsslow.run,
    "store": store.run,
    "browser": browser.run,
}
"""What takes too long to be one of all, or needs more than all."""
_LIMIT_SECONDS, _QUICK_SECONDS, _ALONE_SECONDS = 420, 110, 900
_QUICK_ALONE_SECONDS = {"browser": 240, "websocket": 240, "slow": 300}
"""Applications take a while to start, and connections by the thousand to be opened."""


def main() -> int:
    """Run one measurement or all; 1 when one could not be made."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the gateway on this machine's loopback."
    )
    parser.add_argument("name", choices=[*_ALL, *_ALONE, "all"])
    parser.add_argument("--quick", action="store_true", help="shorter and rougher, one minute")
    parser.add_argument("--rows", type=int, default=0, help="of store: how many it holds")
    arguments = parser.parse_args()
    options = common.Options(quick=arguments.quick, rows=arguments.rows)
    limit = _ALONE_SECONDS if arguments.name in _ALONE else _LIMIT_SECONDS
    if options.quick:
        limit = _QUICK_ALONE_SECONDS.get(arguments.name, _QUICK_SECONDS)
    common.allow_many_files()
    load = os.getloadavg()[0]
    print(f"{common.describe_cores()}; load average at start {load:.1f}")
    os.sched_setaffinity(0, common.LOAD_CORES)
    began = time.monotonic()
    failed = False
    try:
        with common.time_limit(limit):
            for name in _ALL if arguments.name == "all" else [arguments.name]:
                (_ALL | _ALONE)[name](options)
    except common.BenchError as error:
        sys.stderr.write(f"bench: {error}\n")
        failed = True
    except KeyboardInterrupt:
        failed = True
    print(f"\n{time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
