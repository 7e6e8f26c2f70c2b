"""Scripts: how fast they are edited, what one that is not edited waits; memory over many pages."""

from __future__ import annotations

import http.client
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import common, figures, pages
from bench.common import BenchError, Options, Served, Workplace
from gateway.rewrite import js, jslexer, native
from gateway.rewrite.urls import UrlMap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.rewrite import Race

_PLACES = {
    "JupyterLab, minified": (Path(sys.prefix) / "share" / "jupyter" / "lab" / "static", "*.js"),
    "npm packages of gateway/runtime": (
        common.ROOT / "gateway" / "runtime" / "node_modules",
        "**/*.*js",
    ),
}
_MOST = 8_000_000
_MEBI = 1 << 20


def _scripts() -> dict[str, list[bytes]]:
    out = {}
    for name, (folder, pattern) in _PLACES.items():
        found = [path for path in sorted(folder.glob(pattern)) if path.is_file()]
        some, size = [], 0
        for path in sorted(found, key=lambda one: -one.stat().st_size):
            if 5_000 < path.stat().st_size and size < _MOST:
                some.append(path.read_bytes())
                size += len(some[-1])
        if some:
            out[name] = some
    return out


def _edited(scripts: Sequence[bytes], find: Callable[[bytes], object], urls: UrlMap) -> list[bytes]:
    before, js.find = js.find, find  # type: ignore[assignment]
    try:
        return [js.edit(one, urls.url) or b"" for one in scripts]
    finally:
        js.find = before


def edit_table(options: Options, race: Callable[[int], Race], urls: UrlMap) -> None:
    """Finding names and writing the edited script, by Python and by C."""
    found = _scripts()
    if not found:
        print("no scripts to edit: make test installs some")
        return
    rows = []
    for name, scripts in found.items():
        size = sum(map(len, scripts))
        small = [one for one in scripts if len(one) < 200_000][:20] or scripts[-1:]
        runs: dict[str, tuple[int, Callable[[], object]]] = {
            "python": (sum(map(len, small)), partial(_edited, small, jslexer.find, urls))
        }
        if native.find_js is not None:
            runs["compiled"] = size, partial(_edited, scripts, native.find_js, urls)
        best = race(options.count(5, 1)).run(runs)
        hits = sum(len(js.find(one) or ()) for one in scripts)
        lost = sum(js.find(one) is None for one in scripts)
        compiled = f"{best['compiled']:.0f}" if "compiled" in best else "not built"
        rows.append(
            [name, f"{len(scripts):,}", f"{size / 1e6:.2f}", compiled, f"{best['python']:.2f}",
             f"{hits:,}", f"{lost}"]
        )  # fmt: skip
    header = ["scripts", "files", "MB", "compiled MB/CPU-s", "Python", "edits", "lost"]
    figures.table("rewrite: scripts edited (rewrite-location)", header, rows)


def _timed(connection: http.client.HTTPConnection, fields: dict[str, str]) -> tuple[float, float]:
    began = time.perf_counter()
    connection.request("GET", "/script.js", headers=fields)
    answer = connection.getresponse()
    answer.read(1)
    first = time.perf_counter() - began
    rest = answer.read()
    if answer.status != 200 or len(rest) != _MEBI - 1:
        raise BenchError(f"a script was answered with {answer.status} and {len(rest) + 1} octets")
    return first, time.perf_counter() - began


def latency_table(work: Workplace, options: Options) -> tuple[Served, str]:
    """First and last octet of a script that is not edited, beside its origin itself."""
    body = (b"a = 'nothing to edit';\n" * (_MEBI // 23 + 1))[:_MEBI]
    origin, gateway, cookie = pages.with_session(work, {"script.js": body, "page.html": _PAGE})
    asking = {
        "Sec-Fetch-Dest": "script",
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Site": "same-origin",
    }
    ways = {
        "origin itself": (
            http.client.HTTPConnection("127.0.0.1", origin.port, timeout=20),
            {"Host": origin.host},
        ),
        "gateway, over TLS": (
            http.client.HTTPSConnection(
                "127.0.0.1", gateway.port, timeout=20, context=work.client_context()
            ),
            {"Host": gateway.host, "Cookie": cookie, **asking},
        ),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(options.count(205, 45)):
        for name, (connection, fields) in ways.items():
            took = _timed(connection, fields)
            if turn >= 5:
                times[name].append(took)
    rows = []
    for name, took in times.items():
        first, last = ([one[at] * 1000 for one in took] for at in (0, 1))
        least = f"{min(first):.2f}", f"{min(last):.2f}"
        rows.append(
            [
                name,
                f"{len(took)}",
                f"{statistics.median(first):.2f}",
                f"{statistics.median(last):.2f}",
                *least,
            ]
        )
    added = [float(rows[1][at]) - float(rows[0][at]) for at in (2, 3, 4, 5)]
    rows.append(["added", "", *(f"{one:.2f}" for one in added)])
    header = ["1 MiB script", "count", "ms to first octet, median", "to the last", "least", "least"]
    figures.table("rewrite: a script that is not edited", header, rows)
    return gateway, cookie


_PAGE = (
    b"<!doctype html><title>x</title>" + b'<p><a href="https://other.test/a">a</a> text</p>' * 400
)


def memory_table(work: Workplace, gateway: Served, cookie: str, options: Options) -> None:
    """Resident memory of the gateway while pages pass, one after the other."""
    count = options.count(10_000, 300)
    connection = http.client.HTTPSConnection(
        "127.0.0.1", gateway.port, timeout=20, context=work.client_context()
    )
    fields = {"Host": gateway.host, "Cookie": cookie, **pages.AS_DOCUMENT}
    seen: dict[int, float] = {}
    marks = {count // 10, count // 4, count // 2, count * 3 // 4, count}
    for number in range(1, count + 1):
        connection.request("GET", "/page.html", headers=fields)
        answer = connection.getresponse()
        size = len(answer.read())
        if answer.status != 200 or size <= len(_PAGE):
            raise BenchError(f"a page was answered with {answer.status} and {size} octets")
        if number in marks:
            seen[number] = common.rss_bytes(gateway.pid) / _MEBI
    rows = [[f"{number:,}", f"{size:.1f}"] for number, size in seen.items()]
    title = f"rewrite: memory over {count:,} edited pages of {len(_PAGE):,} octets"
    figures.table(title, ["pages", "RSS MiB"], rows)


def run(options: Options, race: Callable[[int], Race], urls: UrlMap) -> None:
    """Measure and print."""
    edit_table(options, race, urls)
    with Workplace() as work:
        gateway, cookie = latency_table(work, options)
        memory_table(work, gateway, cookie, options)
