"""Memory of the gateway while readers of WebSockets are slower than what floods them."""

from __future__ import annotations

import subprocess
import sys
import time

import attrs

from bench import common, figures
from bench.common import Options, Served, Workplace

_MIB, _KIB = 1 << 20, 1024
_PACE = 512 * _KIB
"""Octets that a slow reader takes in a second, when it reads again."""
_QUIET_SECONDS = 1.5
_LIMITS = "websocket-stall-seconds = 3600\nemulation-gap-seconds = 3600\n"
"""Who reads nothing would be sent away after a minute: here it is to stay."""
_DEEP = "websocket-compression-upstream-window-bits = 15\n"


@attrs.frozen
class Case:
    """Who is slow, by which way, and what the other side sends."""

    leg: str
    way: str = "native"
    deflate: str = ""
    size: int = 16 * _KIB
    kind: str = "prose"

    @property
    def name(self) -> str:
        """What the table calls it."""
        size = f"{self.size // _KIB} KiB" if self.size >= _KIB else f"{self.size} B"
        packed = f", {self.deflate}'s leg deflated" if self.deflate else ""
        return f"{self.leg}, {self.way}, {self.kind} of {size}{packed}"

    @property
    def bound(self) -> int:
        """Octets that the limits let one connection's messages take in the gateway's memory.

        A read of the system's (64 KiB), and what of the read before waits to be looked at; what a
        transport takes before it says that it is full, and what filled it.  Towards a client the
        same once more as TLS records, and one more read on its way out of them.  Of a compressed
        leg a step that is inflated, and windows.  The fallback adds its queue, and messages pass
        whole: one that comes, one that waits, one that is written.
        """
        unit = 64 * _KIB
        bound = 4 * unit + min(self.size, unit) + (2 * unit if self.leg == "client" else 0)
        if self.deflate:
            bound += 2 * unit
        if self.way == "fallback":
            bound += unit + 3 * self.size
        return bound


CASES = (
    Case("client"),
    Case("upstream"),
    Case("client", deflate="client"),
    Case("upstream", deflate="client"),
    Case("client", "fallback"),
    Case("upstream", "fallback"),
)
"""What people's applications send."""
ODD = (
    Case("client", size=1),
    Case("upstream", size=1),
    Case("client", "fallback", size=1),
    Case("upstream", "fallback", size=1),
    Case("client", size=4 * _MIB),
    Case("upstream", size=4 * _MIB),
    Case("upstream", deflate="client", size=8 * _MIB, kind="zeros"),
    Case("client", deflate="upstream", size=8 * _MIB, kind="zeros"),
    Case("client", "fallback", size=_MIB),
    Case("upstream", "fallback", size=_MIB),
)
"""What somebody would send who wants memory: many objects for few octets, few messages, bombs."""


@attrs.frozen
class Line:
    """RSS in octets: before, open and quiet, then each second; what the readers took."""

    before: int
    opened: int
    samples: list[int]
    after: int
    octets: int
    cpu: float

    def row(self, case: Case, count: int) -> list[str]:
        """One of the table's."""
        warm = self.samples[len(self.samples) // 3]
        marks = (self.opened, warm, max(self.samples), self.samples[-1])
        marks = (*marks, self.opened + case.bound * count, self.after)
        each = (max(self.samples) - self.opened) / count / _KIB
        cells = [f"{mark / _MIB:.1f}" for mark in marks]
        return [case.name, *cells, f"{each:.0f}", f"{self.octets / _MIB:,.0f}", f"{self.cpu:.1f}"]


def _flood_server(work: Workplace, case: Case) -> tuple[subprocess.Popen[str], int]:
    port = common.free_port()
    log = work.fresh("flood") / "flood.log"
    packed = int(case.deflate == "upstream")
    shape = [str(port), str(case.size), case.kind, str(packed)]
    process = work.start(
        [sys.executable, "-m", "bench.wsflood", *shape], common.LOAD_CORES, log, pipes=True
    )
    common.wait_until(lambda: common.accepts(port), process, log)
    return process, port


def slow(work: Workplace, case: Case, count: int, seconds: float) -> Line:
    """Flood one leg's readers, which read nothing for a third of the time, and then slowly."""
    origin, port = _flood_server(work, case)
    limits = _LIMITS + (_DEEP if case.deflate == "upstream" else "")
    served = common.gateway(work, {common.SOCKET_HOST: port}, limits=limits)
    log = work.folder / "wsheld.log"
    before = common.rss_bytes(served.pid)
    command = common.load_command(
        work,
        served,
        load="wsheld",
        way=case.way,
        floods=int(case.leg == "upstream"),
        deflate=int(case.deflate == "client"),
        size=case.size,
        kind=case.kind,
        connections=count,
    )
    client = work.start(command, common.LOAD_CORES, log, pipes=True)
    common.read_line(client, log)
    time.sleep(_QUIET_SECONDS)
    opened, cpu = common.rss_bytes(served.pid), common.cpu_seconds(served.pid)
    reader = client if case.leg == "client" else origin
    if reader is origin:
        common.tell(origin, "hold")
    common.tell(client, "hold")
    samples = _sample(served, seconds / 3)
    common.tell(reader, f"pace {_PACE}")
    samples += _sample(served, seconds * 2 / 3)
    common.tell(reader, "count")
    octets = int(common.read_line(reader, log))
    cpu = common.cpu_seconds(served.pid) - cpu
    common.stop(client)
    time.sleep(_QUIET_SECONDS)
    return Line(before, opened, samples, common.rss_bytes(served.pid), octets, cpu)


def _sample(served: Served, seconds: float) -> list[int]:
    """RSS each second: the most that was seen in it."""
    found: list[int] = []
    for _ in range(max(1, round(seconds))):
        most, until = 0, time.monotonic() + 1
        while time.monotonic() < until:
            most = max(most, common.rss_bytes(served.pid))
            time.sleep(0.1)
        found.append(most)
    return found


def run(options: Options) -> None:
    """Each case at a gateway of its own; what was measured is printed also if not all was."""
    count = options.count(50, 20)
    rows: list[list[str]] = []
    try:
        for cases, full, quick in ((CASES, 60, 6), (ODD, 15, 6)):
            for case in cases:
                with Workplace() as work:
                    line = slow(work, case, count, options.seconds(full, quick))
                rows.append(line.row(case, count))
                seconds = " ".join(f"{one / _MIB:.0f}" for one in line.samples)
                print(f"{case.name}, MiB each second: {seconds}", flush=True)
    finally:
        _print(rows, count)


def _print(rows: list[list[str]], count: int) -> None:
    title = (
        f"memory: {count} WebSockets, one side of which reads nothing for a third of the time, and"
    )
    title += f" {_PACE // _KIB} KiB a second then, while the other sends as fast as it is taken"
    header = [
        "who reads slowly",
        "RSS MiB, open and quiet",
        "after a third",
        "at most",
        "at the end",
    ]
    header += ["bound", "when closed", "KiB each, at most", "MiB read", "CPU s"]
    figures.table(title, header, rows)
