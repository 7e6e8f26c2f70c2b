"""Pass-through of 1 KiB over TLS, beside nginx that does the same in the same run."""

from __future__ import annotations

import re
import subprocess
import time

from bench import common, figures, nginx
from bench.common import BenchError, Options, Served, Workplace
from bench.figures import Rate
from gateway import wire

_SIZE = 1024
_COOKIES = 20
_CONNECTIONS = 32
_AS_SCRIPT = {
    "Accept": "*/*",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
}


def wrk(served: Served, path: str, fields: dict[str, str], seconds: float) -> tuple[Rate, str]:
    """Load a server for some seconds; the rate, and what wrk complains of."""
    command = [common.tool("wrk"), "-t1", f"-c{_CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    for name, value in {"Host": served.host, **fields}.items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"https://127.0.0.1:{served.port}{path}")
    cpu, began = common.cpu_seconds(served.pid), time.perf_counter()
    done = subprocess.run(
        command,  # on the load's cores, as we are
        capture_output=True,
        text=True,
        timeout=seconds + 15,
        check=False,
    )
    took, cpu = time.perf_counter() - began, common.cpu_seconds(served.pid) - cpu
    found = re.search(r"(\d+) requests in", done.stdout)
    if found is None:
        raise BenchError(f"wrk failed: {done.stderr or done.stdout}")
    faults = re.findall(r"(Socket errors.*|Non-2xx.*)", done.stdout)
    return Rate(int(found.group(1)), took, cpu), "; ".join(faults)


def session_cookie(work: Workplace, gateway: Served) -> str:
    """Bootstrap a session as the outer frame does, and fill its jar with cookies."""
    host = f"www.0.{common.DOMAIN}:{gateway.port}"
    outer = Served(gateway.process, gateway.port, host)
    status, fields, _ = common.request(
        work, outer, wire.BOOTSTRAP_PATH, method="POST", Origin=f"https://{host}"
    )
    if status != 200:
        raise BenchError(f"bootstrap answered {status}")
    given = [value.partition(";")[0] for name, value in fields if name.lower() == "set-cookie"]
    cookie = "; ".join(given)
    extra = {name.replace("-", "_"): value for name, value in _AS_SCRIPT.items()}
    status, _, _ = common.request(work, gateway, "/login", Cookie=cookie, **extra)
    if status != 200:
        raise BenchError(f"/login through the gateway answered {status}")
    return cookie


def check(work: Workplace, served: Served, fields: dict[str, str]) -> None:
    """One request that must pass, before thousands are counted."""
    extra = {name.replace("-", "_"): value for name, value in fields.items()}
    status, _, body = common.request(work, served, "/small.json", **extra)
    if status != 200 or len(body) != _SIZE:
        raise BenchError(f"{served.host} answered {status} with {len(body)} octets")


def run(options: Options) -> None:
    """Measure and print."""
    common.tool("wrk")
    with Workplace() as work:
        cookies = [f"name{at}=value-of-some-length-{at}; Path=/" for at in range(_COOKIES)]
        origin = nginx.static_origin(work, {"small.json": _SIZE}, cookies)
        beside = nginx.proxy(work, origin)
        gateway = common.gateway(work, {common.ORIGIN_HOST: origin.port})
        session = _AS_SCRIPT | {"Cookie": session_cookie(work, gateway)}
        peers: dict[str, tuple[Served, dict[str, str]]] = {
            "nginx": (beside, {}),
            "gateway, anonymous (native)": (gateway, {}),
            f"gateway, session and {_COOKIES} cookies": (gateway, session),
        }
        rates: dict[str, list[Rate]] = {name: [] for name in peers}
        faults: set[str] = set()
        for served, fields in peers.values():
            check(work, served, fields)
            wrk(served, "/small.json", fields, 1)
        for _ in range(options.count(3, 1)):
            for name, (served, fields) in peers.items():
                rate, fault = wrk(served, "/small.json", fields, options.seconds(4, 2))
                rates[name].append(rate)
                faults |= {f"{name}: {fault}"} if fault else set()
    base = figures.middle(rates["nginx"])
    rows = []
    for name in peers:
        rate = figures.middle(rates[name])
        rows.append(
            [
                name,
                figures.number(rate.per_second),
                figures.number(rate.per_cpu_second),
                figures.number(rate.micros),
                figures.times(rate.per_cpu_second / base.per_cpu_second),
                f"{rate.busy:.2f}",
            ]
        )
    header = ["1 KiB over TLS", "req/s", "req/CPU-s", "CPU us/req", "x nginx", "cores used"]
    figures.table("http: keep-alive pass-through", header, rows)
    figures.warn_if_idle({name: figures.middle(rates[name]) for name in peers})
    for fault in sorted(faults):
        print(f"wrk: {fault}")
