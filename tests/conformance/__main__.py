"""``python -m tests.conformance [--core | --large]``: run the suites, write the page about them.

That is ``docs/websocket-conformance.md``.  ``--core`` leaves out what takes minutes, and what the
page says of it is kept; ``--large`` leaves out compressed messages above 1 KiB, which take hours.
"""

from __future__ import annotations

import sys

from tests.conformance import autobahn, report
from tests.conformance.stage import ROOT

PAGE = ROOT / "docs" / "websocket-conformance.md"
_HOUR = 3600


def main(*options: str) -> int:
    """Run, write; 1 if anything failed."""
    found = report.read(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    parts = [autobahn.CORE]
    if "--core" not in options:
        parts += [autobahn.LARGE]
        parts += [autobahn.DEFLATE_SMALL if "--large" in options else autobahn.DEFLATE]
    failed = []
    for side in autobahn.SIDES:
        for cases in parts:
            verdicts = autobahn.asked(side, cases, _HOUR)
            failed += [one for one in verdicts if one.failed]
            for group, kinds in autobahn.summary(verdicts).items():
                found[side, group] = kinds
    PAGE.write_text(report.page(found), "utf-8")
    for one in failed:
        sys.stderr.write(f"{one.case}: {one.behavior}, {one.close}: {one.told}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
