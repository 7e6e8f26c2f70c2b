"""Text echoes relayed by the gateway, beside the echo server asked directly."""

from __future__ import annotations

import json

from bench import common, figures
from bench.common import Options, Served, Workplace
from bench.figures import Rate

_SHAPES = ((128, 32, 8), (65536, 16, 2))


def measure(
    work: Workplace, served: Served, size: int, connections: int, window: int, seconds: float
) -> Rate:
    """Echoes for some seconds, counted by a client in its own process."""
    command = common.load_command(
        work, served, size=size, connections=connections, window=window, seconds=seconds
    )
    log = work.folder / "wsload.log"
    client = work.start(command, common.LOAD_CORES, log, pipes=True)
    common.read_line(client, log)
    cpu = common.cpu_seconds(served.pid)
    result = json.loads(common.read_line(client, log))
    cpu = common.cpu_seconds(served.pid) - cpu
    common.stop(client)
    if result["stuck"]:
        print(f"{served.host}, {size:,} B: {result['stuck']} connections got no echo at all")
    return Rate(result["messages"], result["seconds"], cpu)


def run(options: Options) -> None:
    """Measure and print."""
    with Workplace() as work:
        direct, _ = common.echo_server(work, common.PROXY_CORES)
        _, origin_port = common.echo_server(work, common.LOAD_CORES)
        gateway = common.gateway(work, {common.SOCKET_HOST: origin_port})
        peers = {"echo server, direct": direct, "gateway": gateway}
        rows = []
        chosen: dict[str, Rate] = {}
        for size, connections, window in _SHAPES:
            rates: dict[str, list[Rate]] = {name: [] for name in peers}
            for _ in range(options.count(3, 1)):
                for name, served in peers.items():
                    seconds = options.seconds(3, 2)
                    rates[name].append(measure(work, served, size, connections, window, seconds))
            base = figures.middle(rates["echo server, direct"])
            for name in peers:
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
