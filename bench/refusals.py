"""Requests for WebSockets that are refused, by ways that share ever more of a connection."""

from __future__ import annotations

import json
import sys

import attrs

from bench import common, figures
from bench.common import BenchError, Options, Served, Workplace
from bench.figures import Rate

_ENDS = ("closes after TLS", "constant, closes", "constant, kept", "twisted.web, constant, kept")


@attrs.frozen
class Way:
    """Who refuses, and what the load generator is told of it."""

    served: Served
    options: dict[str, object] = attrs.field(factory=dict)


def _floor(work: Workplace) -> list[Served]:
    ports = [common.free_port() for _ in _ENDS]
    issued = common.certificate(work)
    log = work.fresh("floor") / "floor.log"
    command = [sys.executable, "-m", "bench.floor", str(issued.certificate), str(issued.key)]
    process = work.start([*command, *map(str, ports)], common.PROXY_CORES, log)
    common.wait_until(lambda: all(map(common.accepts, ports)), process, log)
    return [Served(process, port, f"127.0.0.1:{port}") for port in ports]


def measure(work: Workplace, way: Way, seconds: float) -> tuple[Rate, float]:
    """Refusals for some seconds, and how many shared a connection."""
    log = work.folder / "wsrefused.log"
    options = {"load": "wsrefused", "seconds": seconds, **way.options}
    client = work.start(
        common.load_command(work, way.served, **options), common.LOAD_CORES, log, pipes=True
    )
    common.read_line(client, log)
    cpu = common.cpu_seconds(way.served.pid)
    result = json.loads(common.read_line(client, log))
    cpu = common.cpu_seconds(way.served.pid) - cpu
    common.stop(client)
    if not result["messages"]:
        raise BenchError(f"nothing was refused as it should be: {way.options}")
    if way.options.get("resume") and result["resumed"] < result["connections"] * 0.9:
        print(f"only {result['resumed']} of {result['connections']} TLS sessions were resumed")
    shared = result["messages"] / max(1, result["connections"])
    return Rate(result["messages"], result["seconds"], cpu), shared


def _ways(work: Workplace) -> dict[str, Way]:
    closes, once, kept, web = _floor(work)
    origin = {common.SOCKET_HOST: common.free_port()}  # nobody is dialled
    closed = common.collapsed(common.ORIGIN_HOST + "x", 0).rpartition(":")[0]

    def at(served: Served) -> Served:
        return attrs.evolve(served, host=f"{closed}:{served.port}")

    policy = at(common.gateway(work, origin, http2=True))
    bound = at(common.gateway(work, origin, handshakes=1, http2=True))
    above = {"status": "503"}
    return {
        f"bare Twisted: {_ENDS[0]}": Way(closes, {"asks": "nothing"}),
        f"bare Twisted: {_ENDS[1]}": Way(once),
        f"bare Twisted: {_ENDS[1]}, resumed": Way(once, {"resume": 1}),
        "handshake, 403 by policy": Way(policy),
        "handshake, 403 by policy, resumed": Way(policy, {"resume": 1}),
        "handshake, 503 above the bound": Way(bound, above),
        "handshake, 503 above the bound, resumed": Way(bound, {**above, "resume": 1}),
        f"bare Twisted: {_ENDS[2]}": Way(kept),
        f"bare Twisted: {_ENDS[3]}": Way(web),
        "fallback, kept, 403 by policy": Way(policy, {"asks": "create"}),
        "fallback, kept, 503 above the bound": Way(bound, {"asks": "create", **above}),
        "fallback, HTTP/2, 403 by policy": Way(policy, {"asks": "create", "h2": 1}),
        "fallback, HTTP/2, 503 above the bound": Way(bound, {"asks": "create", "h2": 1, **above}),
    }


def run(options: Options) -> None:
    """Each way in turn, the median of three."""
    found: dict[str, list[tuple[Rate, float]]] = {}
    with Workplace() as work:
        ways = _ways(work)
        for _ in range(options.count(3, 1)):
            for name, way in ways.items():
                one = measure(work, way, options.seconds(3, 2))
                found.setdefault(name, []).append(one)
    rows = []
    for name, all_of_it in found.items():
        rate = figures.middle([one for one, _ in all_of_it])
        shared = next(shared for one, shared in all_of_it if one is rate)
        rows.append(
            [
                name,
                figures.number(rate.per_second),
                figures.number(rate.per_cpu_second),
                f"{rate.micros / 1000:.2f}",
                f"{shared:,.0f}" if shared > 1.5 else "1",
                f"{rate.busy:.2f}",
            ]
        )
    header = ["requests for WebSockets that are refused", "per second", "per CPU-s", "CPU ms"]
    header += ["on one connection", "cores used"]
    figures.table("refusals, over TLS 1.3", header, rows)
