"""Rates, and tables of them."""

from __future__ import annotations

import os
import statistics
import sys
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICK = os.sysconf("SC_CLK_TCK")


@attrs.frozen
class Rate:
    """Units of work in some seconds, at the cost of some CPU."""

    work: float
    seconds: float
    cpu: float

    @property
    def per_second(self) -> float:
        """Work per second of the clock."""
        return self.work / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Work per second of the measured processes' CPU."""
        return self.work / max(self.cpu, 1 / _TICK)

    @property
    def micros(self) -> float:
        """Microseconds of CPU for one unit."""
        return 1e6 / self.per_cpu_second

    @property
    def busy(self) -> float:
        """The part of a core that was used; well below 1: something else was the limit."""
        return self.cpu / self.seconds


def middle(rates: Sequence[Rate]) -> Rate:
    """The run with the median work per CPU-second (of an even number: the lower one)."""
    at = statistics.median_low(rate.per_cpu_second for rate in rates)
    return next(rate for rate in rates if rate.per_cpu_second == at)


def warn_if_idle(named: dict[str, Rate]) -> None:
    """Say whose clock rates mean little because something else was the limit."""
    for name, rate in named.items():
        if rate.busy < 0.85:
            print(f"{name}: used {rate.busy:.2f} of its core, read its CPU columns only")


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a small table in Markdown, which is readable as it is."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]

    def show(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    print(f"\n{title}\n")
    print(show(lines[0]))
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for line in lines[1:]:
        print(show(line))
    sys.stdout.flush()


def number(value: float) -> str:
    """Three or so significant digits, with thin separators for thousands."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.3f}x" if value < 1 else f"{value:.2f}x"
