"""Run one area both ways, and print what differs; see the package's docstring."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.differential.common import HERE
from tests.browser.differential.suite import Suite, printed

if __name__ == "__main__":
    words = [one for one in sys.argv[1:] if not one.startswith("--")]
    part = words[1] if len(words) > 1 else ""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        suite = Suite(Path(folder), driver)
        try:
            for area in words[0].split(","):
                began = time.monotonic()
                told = suite.told(area, part)
                print(*printed(area, told), f"{time.monotonic() - began:.1f} s", sep="\n")
                if "--all" in sys.argv:
                    for name, seen in told[0].seen.items():
                        print(name, seen, sep="\n    ")
                if "--write" in sys.argv and not part:
                    lines = "".join(f"{name}\n" for name in told[0].seen)
                    (HERE / "cases" / f"{area}.txt").write_text(lines, "utf-8")
        finally:
            suite.stop()
