"""Runs trial; what failed is asked once more, by itself: ``python -m tests.again ARGUMENTS…``.

Tests with real sockets share few cores with each other, and a busy machine may be too slow for one
of them.  Whoever fails alone, too, has failed; so has a run in which more than a few do.
"""

from __future__ import annotations

import re
import subprocess
import sys

_FAILED = re.compile(r"^(tests(?:\.\w+)+\.[A-Z]\w*\.test_\w+)$", re.MULTILINE)
_FEW = 5


def failed(text: str) -> list[str]:
    """The tests that trial's output names as failed, each once."""
    return list(dict.fromkeys(_FAILED.findall(text)))


def _trial(arguments: list[str]) -> tuple[int, str]:
    command = [sys.executable, "-m", "twisted.trial", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            sys.stdout.write(line)
            lines.append(line)
    return child.returncode, "".join(lines)


def main() -> int:
    """Trial's exit code, of the second run where there was one."""
    arguments = sys.argv[1:]
    code, text = _trial(arguments)
    names = failed(text)
    if not code or not names or len(names) > _FEW:
        return code
    sys.stdout.write(f"asked once more: {', '.join(names)}\n")
    options = [one for one in arguments if one.startswith("-")]
    return _trial([*options, *names])[0]


if __name__ == "__main__":
    sys.exit(main())
