"""Run the cases and print what differs: ``python -m tests.browser.websocket [WAY] [GROUP] [PART]``.

``--write`` renews the list of cases.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.websocket.differing import DIRECT, HERE, WAYS, reasons
from tests.browser.websocket.suite import Suite


def main(arguments: list[str]) -> None:
    """Print."""
    write = "--write" in arguments
    words = [one for one in arguments if not one.startswith("--")]
    ways = [one for one in WAYS if one in words] or list(WAYS)
    words = [one for one in words if one not in {*WAYS, DIRECT}]
    group, part = (*words, "", "")[:2]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        suite = Suite(Path(folder), driver)
        try:
            began = time.monotonic()
            direct = suite.told(DIRECT, group, part)
            print(f"direct: {len(direct.results)} cases, {time.monotonic() - began:.1f} s")
            if "--direct" in arguments:
                ways = []
                print(json.dumps(direct.results, indent=1, ensure_ascii=False))
            for way in ways:
                began = time.monotonic()
                told = suite.told(way, group, part)
                known = reasons(way)
                equal = 0
                for name, value in direct.results.items():
                    if told.results.get(name) == value:
                        equal += 1
                        if name in known:
                            print(f"{name}: differs no more")
                        continue
                    print(f"{'(known) ' if name in known else ''}{name}")
                    print(f"    directly {json.dumps(value)[:700]}")
                    print(f"    {way} {json.dumps(told.results.get(name))[:700]}")
                took = time.monotonic() - began
                print(
                    f"{way}: {equal} of {len(direct.results)} equal, {took:.1f} s, "
                    f"{told.touched} leaks, {told.upgrades} upgrades taken away"
                )
            print("\n".join(suite.slow))
            if write:
                (HERE / "cases.txt").write_text("\n".join(direct.results) + "\n")
        finally:
            suite.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
