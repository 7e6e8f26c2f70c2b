"""A page of 50 MB being edited: what it costs in memory, and what others wait meanwhile."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from bench import common, corpus, figures, memory, pages
from bench.common import BenchError, Options, Served, Workplace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.corpus import Corpus

_MIB = 1 << 20
_NAME = "heavy.html"
_FULL_SPEED = 1e12


@attrs.frozen
class Load:
    """Clients that read the page: as what, how many, how fast each."""

    name: str
    fields: dict[str, str]
    clients: int = 1
    rate: float = _FULL_SPEED
    coded: bool = False


def page_of(some: Sequence[bytes], size: int) -> bytes:
    """A document that goes on and on: the insides of many, one after the other."""
    out = [b'<!DOCTYPE html><html><head><meta charset="utf-8"><title>heavy</title></head><body>']
    sizes = 0
    for page in itertools.cycle(some):
        small = page.lower()
        start = small.find(b">", max(0, small.find(b"<body"))) + 1
        end = small.rfind(b"</body")
        out.append(page[start : end if end > start else len(page)])
        sizes += len(out[-1])
        if sizes >= size:
            return b"".join(out)
    raise BenchError("no pages")


class Probe:
    """A process that asks for something small all the time."""

    def __init__(self, work: Workplace, served: Served) -> None:
        """Start it."""
        self._log = work.folder / "probe.log"
        command = [sys.executable, "-m", "bench.probe", f"--port={served.port}"]
        command += [f"--host={served.host}", f"--ca={work.ca.certificate_file}"]
        command += ["--path=/small.json"]
        self._process: subprocess.Popen[str] = work.start(
            command, common.LOAD_CORES, self._log, pipes=True
        )
        common.read_line(self._process, self._log)

    def take(self) -> dict[str, Any]:
        """The times since the last call."""
        if self._process.stdin is None:
            raise BenchError("the probe has no standard input")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        out: dict[str, Any] = json.loads(common.read_line(self._process, self._log))
        return out


def _read(work: Workplace, served: Served, load: Load, size: int) -> tuple[int, int, float]:
    """Have the page read by all clients: RSS before and at its peak, MB/s of them together."""
    results: list[tuple[int, int, float]] = []

    def one() -> None:
        least = 0 if load.coded else size
        results.append(
            memory.stream(work, served, least, load.rate, path=f"/{_NAME}", fields=load.fields)
        )

    threads = [threading.Thread(target=one) for _ in range(load.clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(results) < load.clients:
        raise BenchError(f"a client did not get the whole page: {load.name}")
    took = time.perf_counter() - began
    return (
        min(start for start, _, _ in results),
        max(peak for _, peak, _ in results),
        load.clients * size / took / 1e6,
    )


def _waits(name: str, times: dict[str, Any]) -> list[str]:
    shown = [f"{times[one]:.1f}" for one in ("median", "p99", "max")]
    return [name, f"{times['count']:,}", *shown]


def run(options: Options, corpora: Sequence[Corpus]) -> None:
    """Measure and print."""
    size = options.count(50, 10) * 1_000_000
    page = page_of([page for one in corpora for page in one.every], size)
    rows, waits = [], []
    with Workplace() as work:
        _, gateway, cookie = pages.with_session(work, {_NAME: page, "small.json": 1024})
        document = pages.AS_DOCUMENT | {"Cookie": cookie}
        loads = [
            Load("not edited", pages.AS_SCRIPT | {"Cookie": cookie}),
            Load("edited", document),
            Load("edited, to a client that reads 10 MB/s", document, rate=10e6),
            Load("edited, four at a time", document, clients=4),
            Load("edited, br out", document | {"Accept-Encoding": "br"}, coded=True),
        ]
        probe = Probe(work, gateway)
        time.sleep(options.seconds(3, 1))
        waits.append(_waits("nothing", probe.take()))
        for load in loads:
            cpu = common.cpu_seconds(gateway.pid)
            probe.take()
            start, peak, speed = _read(work, gateway, load, size)
            waits.append(_waits(load.name, probe.take()))
            cpu = common.cpu_seconds(gateway.pid) - cpu
            time.sleep(1)
            after = common.rss_bytes(gateway.pid)
            marks = [f"{one / _MIB:.1f}" for one in (start, peak, after)]
            rows.append([load.name, *marks, f"{speed:.1f}", f"{cpu:.2f}"])
    links = f"{corpus.links(page):,} absolute links"
    title = f"rewrite: memory of the gateway around a page of {len(page) / 1e6:.0f} MB with {links}"
    header = ["page", "RSS MiB before", "at peak", "after", "page MB/s", "CPU s"]
    figures.table(title, header, rows)
    header = ["small requests meanwhile", "count", "ms, median", "99 of 100", "max"]
    figures.table("rewrite: what others wait while it passes", header, waits)
