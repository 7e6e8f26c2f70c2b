"""WebSockets through the gateway, beside nginx, HAProxy and the echo server asked directly."""

from __future__ import annotations

import json
import time

import attrs

from bench import common, figures, haproxy, nginx
from bench.common import BenchError, Options, Served, Workplace
from bench.figures import Rate

_SHAPES = ((128, 32, 8), (65536, 16, 2))
_MIB = 1 << 20
_ECHO_SECONDS = 30
_SPARE_FILES = 160
"""Of a process's open files, what is left for all but the WebSockets that are counted."""
_DIRECT = "echo server, direct"
_SERVICE = """
[[service]]
name = "built-in"
accept = "/echo"
connect = "echo:"
allow-origins = ["https://bench.invalid"]
native = true
connections = 20000
[[subprotocol-rule]]
subprotocols = ["jsonrpc"]
validation = "enforce"
"""


@attrs.frozen
class Way:
    """One way to have something echoed: where, and what the load generator is told of it."""

    served: Served
    options: dict[str, object] = attrs.field(factory=dict)


def measure(
    work: Workplace, way: Way, size: int, connections: int, window: int, seconds: float
) -> Rate:
    """Echoes for some seconds, counted by a client in its own process."""
    shape = {"size": size, "connections": connections, "window": window, "seconds": seconds}
    return _load(work, way, {**shape, **way.options})


def _load(work: Workplace, way: Way, options: dict[str, object]) -> Rate:
    served = way.served
    log = work.folder / "wsload.log"
    client = work.start(
        common.load_command(work, served, **options), common.LOAD_CORES, log, pipes=True
    )
    common.read_line(client, log)
    cpu = common.cpu_seconds(served.pid)
    result = json.loads(common.read_line(client, log))
    cpu = common.cpu_seconds(served.pid) - cpu
    common.stop(client)
    if options.get("resume") and result["resumed"] < result["messages"] * 0.9:
        print(f"{served.host}: only {result['resumed']} TLS sessions were resumed")
    if result["stuck"]:
        print(f"{served.host}: {result['stuck']} connections got no echo at all")
    return Rate(result["messages"], result["seconds"], cpu)


def _ways(work: Workplace) -> dict[str, Way]:
    direct, _ = common.echo_server(work, common.PROXY_CORES)
    _, origin = common.echo_server(work, common.LOAD_CORES)
    gateway = common.gateway(work, {common.SOCKET_HOST: origin}, more=_SERVICE)
    ways = {
        _DIRECT: Way(direct),
        "nginx": Way(nginx.sockets(work, origin)),
        "HAProxy": Way(haproxy.sockets(work, origin)),
        "gateway": Way(gateway),
        "gateway, deflate": Way(gateway, {"deflate": 1}),
        "gateway, validated (JSON-RPC)": Way(gateway, {"protocol": "jsonrpc"}),
        "gateway, fallback": Way(gateway, {"load": "wsfallback"}),
    }
    for name, way in tuple(ways.items()):
        try:
            measure(work, way, 128, 1, 1, 0.1)
        except BenchError as error:
            if "not agreed on" not in str(error):
                raise
            print(f"{name}: not offered here")
            del ways[name]
    return ways


def run_rates(options: Options) -> None:
    """Echoes of two sizes."""
    with Workplace() as work:
        ways = _ways(work)
        rows = []
        chosen: dict[str, Rate] = {}
        for size, connections, window in _SHAPES:
            rates: dict[str, list[Rate]] = {name: [] for name in ways}
            for _ in range(options.count(3, 1)):
                for name, way in ways.items():
                    seconds = options.seconds(3, 1.5)
                    rates[name].append(measure(work, way, size, connections, window, seconds))
            base = figures.middle(rates[_DIRECT])
            for name in ways:
                rate = chosen[f"{name}, {size:,} B"] = figures.middle(rates[name])
                rows.append(
                    [
                        f"{size:,} B, {connections} x {window} in flight, {name}",
                        figures.number(rate.per_second),
                        figures.number(rate.per_cpu_second),
                        figures.number(rate.micros),
                        figures.times(rate.per_cpu_second / base.per_cpu_second),
                        f"{rate.busy:.2f}",
                    ]
                )
    header = ["text echo over TLS", "echoes/s", "per CPU-s", "CPU us", "x direct", "cores used"]
    figures.table("websocket: an echo is two relayed messages", header, rows)
    figures.warn_if_idle(chosen)


@attrs.frozen
class Idle:
    """What idle WebSockets cost: RSS before and with them, CPU for opening; who still echoes."""

    count: int
    before: int
    after: int
    cpu: float
    echoes: int


def idle(work: Workplace, way: Way, count: int) -> Idle:
    """Open WebSockets that say nothing, and then one message each.

    A few more are opened first, so that what the first one costs once is not counted.
    """
    served = way.served
    log = work.folder / "wsload.log"
    clients = []
    marks: list[tuple[int, float]] = []
    given = {**way.options, "again": _ECHO_SECONDS}
    for connections in (32, count):
        command = common.load_command(work, served, **{**given, "connections": connections})
        clients.append(work.start(command, common.LOAD_CORES, log, pipes=True))
        common.read_line(clients[-1], log)
        time.sleep(0.5)
        marks.append((common.rss_bytes(served.pid), common.cpu_seconds(served.pid)))
    if clients[-1].stdin is not None:
        clients[-1].stdin.write("again\n")
        clients[-1].stdin.flush()
    echoes = int(common.read_line(clients[-1], log))
    for client in clients:
        common.stop(client)
    (before, began), (after, over) = marks
    return Idle(count, before, after, over - began, echoes)


def run_idle(options: Options) -> None:
    """Idle WebSockets: some at each, ten thousand at one process."""
    count = options.count(1000, 100)
    many = options.count(10_000, 1000)
    rows = []
    with Workplace() as work:
        direct, direct_plain = common.echo_server(work, common.PROXY_CORES)
        behind, origin = common.echo_server(work, common.LOAD_CORES)
        secure = common.gateway(work, {common.SOCKET_HOST: behind.port})
        plain_ways = {
            "echo server, TLS": Way(direct),
            "echo server": Way(attrs.evolve(direct, port=direct_plain), {"tls": False}),
            "nginx": Way(nginx.sockets(work, origin)),
            "HAProxy": Way(haproxy.sockets(work, origin)),
            "gateway, to an origin": Way(common.gateway(work, {common.SOCKET_HOST: origin})),
            "gateway, to an origin with TLS": Way(
                attrs.evolve(secure, host=secure.host.replace("http-", "https-", 1))
            ),
        }
        for name, way in plain_ways.items():
            rows.append(_idle_row(work, name, way, count))
    for name, share in (("gateway, to an origin", 2), ("gateway, echoing by itself", 1)):
        with Workplace() as work:
            _, origin = common.echo_server(work, common.LOAD_CORES)
            gateway = common.gateway(work, {common.SOCKET_HOST: origin}, more=_SERVICE)
            way = Way(gateway)
            if share == 1:
                way = Way(attrs.evolve(gateway, host=f"{common.DOMAIN}:{gateway.port}"))
            fit = min(many, (common.files() - _SPARE_FILES) // share)
            if fit < many:
                bound = f"{common.files():,} open files, of which each takes {share}"
                print(f"{name}: {fit:,} of {many:,}, for a process may have {bound}")
            rows.append(_idle_row(work, name, way, fit))
    header = ["idle WebSockets at one process", "count", "RSS MiB before", "with them", "KiB each"]
    figures.table("websocket: idle ones", [*header, "CPU ms/opening", "echo afterwards"], rows)


def _idle_row(work: Workplace, name: str, way: Way, count: int) -> list[str]:
    found = idle(work, way, count)
    row = [name, f"{count:,}", f"{found.before / _MIB:.1f}", f"{found.after / _MIB:.1f}"]
    row.append(f"{(found.after - found.before) / count / 1024:.1f}")
    return [*row, f"{1000 * found.cpu / count:.2f}", f"{found.echoes:,}"]


def run_refused(options: Options) -> None:
    """Handshakes that are refused, each on a connection of its own."""
    rows = []
    with Workplace() as work:
        _, origin = common.echo_server(work, common.LOAD_CORES)
        # A policy that opens nothing there, and a bound that the first second reaches.
        closed = common.collapsed(common.ORIGIN_HOST + "x", 0).rpartition(":")[0]
        policy = common.gateway(work, {common.SOCKET_HOST: origin})
        bound = common.gateway(work, {common.SOCKET_HOST: origin}, handshakes=1)
        ways = {
            "nginx, 403": Way(nginx.sockets(work, origin), {"path": "/refused"}),
            "HAProxy, 403": Way(haproxy.sockets(work, origin), {"path": "/refused"}),
            "gateway, 403 by policy": Way(attrs.evolve(policy, host=f"{closed}:{policy.port}")),
            "gateway, 503 above the bound": Way(
                attrs.evolve(bound, host=f"{closed}:{bound.port}"), {"refused": 503}
            ),
        }
        shape = {"refused": 403, "connections": 16, "seconds": options.seconds(3, 2)}
        for resume in (0, 1):
            for name, way in ways.items():
                given = {**shape, **way.options, "resume": resume}
                rates = [_load(work, way, given) for _ in range(options.count(3, 1))]
                rate = figures.middle(rates)
                rows.append(
                    [
                        name + (", TLS resumed" if resume else ""),
                        figures.number(rate.per_second),
                        figures.number(rate.per_cpu_second),
                        f"{rate.micros / 1000:.2f}",
                        f"{rate.busy:.2f}",
                    ]
                )
    header = [
        "handshakes refused, each with TLS",
        "per second",
        "per CPU-s",
        "CPU ms",
        "cores used",
    ]
    figures.table("websocket: refusals", header, rows)


def run(options: Options) -> None:
    """Measure and print."""
    run_rates(options)
    run_idle(options)
    run_refused(options)
