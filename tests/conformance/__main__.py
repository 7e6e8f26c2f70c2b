"""``python -m tests.conformance [--core] [--sizes N,…] [--sides SIDE,…]``: run, and write the page.

That is ``docs/websocket-conformance.md``, written after each part, so that nothing is lost when
it is ended; what was not run is kept as it was.  ``--core`` leaves out large and compressed
messages, ``--sizes`` takes of the compressed ones those with these last numbers alone and
nothing else.  As many sides are asked at once as there are processors.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.conformance import autobahn, report
from tests.conformance.stage import ROOT

PAGE = ROOT / "docs" / "websocket-conformance.md"
_HOURS = 3 * 3600
_SIZES = range(1, len(autobahn.DEFLATE_SIZES) + 1)


def _frames(size: int) -> int:
    octets, fragment = autobahn.DEFLATE_SIZES[size - 1]
    return octets // (fragment or octets)


def _parts(core: bool, sizes: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """What is asked together, the quick ones first."""
    if not sizes:
        yield autobahn.CORE
        if core:
            return
        yield autobahn.LARGE
    for size in sorted(sizes or _SIZES, key=lambda one: (_frames(one), one)):
        yield autobahn.deflate(size)


class Run:
    """What was found so far, by several threads."""

    def __init__(self) -> None:
        """Take what the page says."""
        text = PAGE.read_text("utf-8") if PAGE.exists() else ""
        self.found = report.read(text)
        self.failed: list[autobahn.Verdict] = []
        self._lock = threading.Lock()

    def ask(self, side: str, parts: Sequence[tuple[str, ...]]) -> None:
        """One part after the other at one side."""
        for cases in parts:
            began = time.monotonic()
            try:
                verdicts = autobahn.asked(side, cases, _HOURS)
            except Exception as error:
                broken = autobahn.Verdict(" ".join(cases), "FAILED", "", str(error)[-2000:])
                self.failed.append(broken)  # the page keeps what it had
                continue
            with self._lock:
                self.failed += [one for one in verdicts if one.failed]
                self.found.update(report.told(side, verdicts))
                PAGE.write_text(report.page(self.found), "utf-8")
            took = time.monotonic() - began
            sys.stderr.write(f"{side} {cases[0]} … {cases[-1]}: {len(verdicts)}, {took:.0f} s\n")


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def main(*options: str) -> int:
    """Run, write; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--core", action="store_true")
    parser.add_argument("--sizes", type=_numbers, default=[])
    parser.add_argument("--sides", type=lambda text: text.split(","), default=autobahn.SIDES)
    given = parser.parse_args(options)
    parts = list(_parts(given.core, given.sizes))
    run = Run()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(run.ask, side, parts) for side in given.sides]:
            done.result()
    for one in run.failed:
        sys.stderr.write(f"{one.case}: {one.behavior}, {one.close}: {one.told}\n")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
