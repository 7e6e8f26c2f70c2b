"""Tests of the console command: real processes, run from the checkout."""

from __future__ import annotations

import subprocess
import sys

from tests.ops import ROOT


def gateway(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``python -m gateway`` to its end; ``given`` is its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
