"""Small requests one after the other until told to stop; prints how long they took.

A process of its own, so that what else the measuring process does is not measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import select
import ssl
import statistics
import sys
import time

_PAUSE_SECONDS = 0.01


def main() -> None:
    """Say ``ready``; ask until a line comes; print the times; again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--path", required=True)
    arguments = parser.parse_args()
    context = ssl.create_default_context(cafile=arguments.ca)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", arguments.port, timeout=30, context=context
    )

    def ask() -> float:
        began = time.perf_counter()
        connection.request("GET", arguments.path, headers={"Host": arguments.host})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"a small request was answered {answer.status}")
        return time.perf_counter() - began

    for _ in range(20):
        ask()
    print("ready", flush=True)
    while True:
        times = []
        while not select.select([sys.stdin], [], [], _PAUSE_SECONDS)[0]:
            times.append(1000 * ask())
        if not sys.stdin.readline():
            return
        ordered = sorted(times) or [0.0]
        result = {
            "count": len(times),
            "median": statistics.median(ordered),
            "p99": ordered[len(ordered) * 99 // 100],
            "max": ordered[-1],
        }
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
