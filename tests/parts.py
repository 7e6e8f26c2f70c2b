"""The test modules in equal parts, for runners that are started side by side.

``python -m tests.parts NUMBER OF``: the modules of one part, counted from 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def modules() -> list[str]:
    """Every module of tests that trial runs; a browser's, and suites' in processes, are pytest's."""
    return [
        ".".join(("tests", *path.relative_to(ROOT).with_suffix("").parts))
        for path in sorted(ROOT.rglob("test_*.py"))
        if not {"browser", "conformance"} & set(path.parts)
    ]


def part(number: int, of: int) -> list[str]:
    """Every so many-th module: neighbours, which wait for the same servers, are spread."""
    return modules()[number::of]


if __name__ == "__main__":
    print(*part(int(sys.argv[1]), int(sys.argv[2])))
