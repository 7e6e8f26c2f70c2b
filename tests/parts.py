"""The test modules in equal parts, for runners that are started side by side.

``python -m tests.parts NUMBER OF``: the modules of one part, counted from 0, without those that
``make test`` runs once, under pytest; ``python -m tests.parts``: all of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ONCE = {
    f"tests.{one}"
    for one in (
        "cli.test_common", "cli.test_cookies", "cli.test_headers", "cli.test_keys",
        "cli.test_passwd", "cli.test_rewrite", "cli.test_store", "net.test_weak_origins",
        "rewrite.test_basic_html", "rewrite.test_html_hostile", "rewrite.test_html_oracle",
        "rewrite.test_jslexer", "store.test_sqlite", "store.test_valkey",
        "store.test_valkey_faults", "store.test_valkey_several", "test_packaging",
        "test_processes", "websocket.subprotocols.test_flood",
    )
}  # fmt: skip
"""Half the time of all tests: what starts processes by the dozen, or measures time.

None of it depends on who runs it; ``make nightly`` has trial run it, too.
"""


def modules() -> list[str]:
    """Every module of tests that trial runs; a browser's, and suites' in processes, are pytest's."""
    return [
        ".".join(("tests", *path.relative_to(ROOT).with_suffix("").parts))
        for path in sorted(ROOT.rglob("test_*.py"))
        if not {"browser", "conformance"} & set(path.parts)
    ]


def part(number: int, of: int) -> list[str]:
    """Every so many-th module: neighbours, which wait for the same servers, are spread."""
    return [one for one in modules() if one not in ONCE][number::of]


if __name__ == "__main__":
    print(*(part(*map(int, sys.argv[1:])) if sys.argv[1:] else modules()))
