"""What the measurements share: processes, certificates, configurations, CPU, memory, tables."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from gateway.demo.ca import Issued, LocalCa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = "gateway.localhost"
ORIGIN_HOST, SOCKET_HOST = "origin.test", "socket.test"
PACKAGES = {
    "nginx": "nginx-light",
    "wrk": "wrk",
    "redis-server": "redis-server",
    "haproxy": "haproxy",
}
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 45


class BenchError(Exception):
    """A measurement that cannot be made, with what to do about it."""


@attrs.frozen
class Options:
    """What the command line says."""

    quick: bool = False
    rows: int = 0

    def seconds(self, full: float, quick: float) -> float:
        """A duration: the second one with ``--quick``."""
        return quick if self.quick else full

    def count(self, full: int, quick: int) -> int:
        """A number: the second one with ``--quick``."""
        return quick if self.quick else full


# --- tools and cores -------------------------------------------------------------------


def tool(name: str) -> str:
    """The path of an outside program; raises ``BenchError`` that names its package."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=places)
    if found is None:
        raise BenchError(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    return found


def _cores() -> tuple[set[int], set[int]]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return set(cores), set(cores)
    return {cores[0]}, {cores[1]}


PROXY_CORES, LOAD_CORES = _cores()
"""Where what is measured runs, and where everything else does."""


def describe_cores() -> str:
    """One line about the pinning."""
    if PROXY_CORES == LOAD_CORES:
        return "one core: the proxy shares it with load and origin, compare per CPU-second only"
    return f"proxy on core {min(PROXY_CORES)}, load and origin on core {min(LOAD_CORES)}"


def allow_many_files() -> None:
    """Raise the soft limit on open files to the hard one, for us and our children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def files() -> int:
    """How many files a process of ours may open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


# --- processes -------------------------------------------------------------------------


class Workplace(contextlib.ExitStack):
    """A temporary folder with a CA, and processes that end with it."""

    def __init__(self) -> None:
        """Make the folder and the CA."""
        super().__init__()
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        self.ca = LocalCa(self.folder / "ca", "Gateway bench CA")
        self._names = 0

    def fresh(self, name: str) -> Path:
        """A new folder inside."""
        self._names += 1
        path = self.folder / f"{self._names}-{name}"
        path.mkdir()
        return path

    def client_context(self) -> ssl.SSLContext:
        """TLS for clients: this CA alone, no session resumption between measurements."""
        return ssl.create_default_context(cafile=str(self.ca.certificate_file))

    def start(
        self,
        command: Sequence[str],
        cores: set[int],
        log: Path,
        *,
        pipes: bool = False,
    ) -> subprocess.Popen[str]:
        """Start a program on some cores; it ends with this workplace, or when we die."""
        libc = ctypes.CDLL(None)

        def prepare() -> None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            os.sched_setaffinity(0, cores)

        errors = self.enter_context(log.open("a"))
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else errors,
            stderr=errors,
            text=True,
            preexec_fn=prepare,  # noqa: PLW1509 (no threads here)
        )
        self.callback(stop, process)
        return process


def stop(process: subprocess.Popen[str]) -> None:
    """End one of our processes, gently first."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[str], log: Path) -> None:
    """Wait for a process to serve; raises ``BenchError`` with its log's end."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ready():
                return
        time.sleep(0.05)
    tail = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
    raise BenchError(f"{Path(str(process.args[0])).name} did not start:\n{tail}")  # type: ignore[index]


def accepts(port: int) -> bool:
    """Whether something listens; raises ``OSError`` where nothing does."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


@contextlib.contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise ``BenchError`` in the main thread when all of it takes too long."""

    def late(number: int, frame: FrameType | None) -> None:
        raise BenchError(f"not done within {seconds} s: the machine is too busy, or this hangs")

    def ended(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGHUP, ended)
    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


# --- what is measured ------------------------------------------------------------------


def _tree(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process tree so far."""
    total = 0
    for one in _tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / _TICK


def rss_bytes(pid: int) -> int:
    """Resident memory of a process tree (pages shared within it count twice)."""
    total = 0
    for one in _tree(pid):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * _PAGE
    return total


# --- the gateway -----------------------------------------------------------------------

_CONFIG = """\
domain = "{domain}"
public-port = {port}
listen = ["tcp:{port}:interface=127.0.0.1"]
[limits]
connections = 20000
connections-per-address = 20000
websocket-connections = 20000
websocket-connections-per-address = 0
websocket-connections-per-session = 0
websocket-connections-per-page = 0
websocket-connections-per-upstream = 0
websocket-handshakes-per-second = {handshakes}
websocket-messages-per-second = 1_000_000_000
websocket-bytes-per-second = 1_000_000_000_000
websocket-ping-seconds = 3600
{limits}
[rates]
client-burst = 1_000_000_000
client-per-second = 1_000_000_000
session-burst = 1_000_000_000
session-per-second = 1_000_000_000
destination-burst = 1_000_000_000
destination-per-second = 1_000_000_000
[http]
http2 = {http2}
[tls]
certificate = "{tls.certificate}"
key = "{tls.key}"
minimum = "1.3"
[store]
url = "sqlite:///{folder}/gateway.db"
[keys]
file = "{folder}/gateway.keys"
[admin]
listen = ["tcp:{admin}:interface=127.0.0.1"]
[upstream]
trust = ["{ca}"]
allow-private = ["127.0.0.0/8"]
{hosts}
[[allow-navigation]]
href = "http://{page}"
[[access]]
origin = "http://*.test"
native = true
allow-insecure-http = true
[[access]]
origin = "https://*.test"
native = true
"""
_HOST = '[[upstream.hosts]]\nhost = "{name}"\nconnect = "127.0.0.1:{port}"\n'


@attrs.frozen
class Served:
    """Something that listens: which process, which port, what the Host header says."""

    process: subprocess.Popen[str]
    port: int
    host: str

    @property
    def pid(self) -> int:
        """The root of its process tree."""
        return self.process.pid


def gateway(
    work: Workplace,
    origins: dict[str, int],
    *,
    limits: str = "",
    more: str = "",
    handshakes: int = 1_000_000_000,
    http2: bool = False,
) -> Served:
    """Start a gateway with plain-HTTP origins: host name to loopback port.

    ``host`` is the collapsed host of the first of them; ``limits`` and ``more`` are lines of its
    configuration, ``handshakes`` how many WebSockets may be asked for in a second.
    """
    folder = work.fresh("gateway")
    port, admin = free_port(), free_port()
    text = _CONFIG.format(
        domain=DOMAIN,
        port=port,
        tls=certificate(work),
        folder=folder,
        admin=admin,
        ca=work.ca.certificate_file,
        page=ORIGIN_HOST,
        limits=limits,
        handshakes=handshakes,
        http2=str(http2).lower(),
        hosts="".join(_HOST.format(name=name, port=at) for name, at in origins.items()),
    )
    config = folder / "gateway.toml"
    config.write_text(text + more, "utf-8")
    log = folder / "gateway.log"
    command = [sys.executable, "-m", "gateway", "--config", str(config)]
    process = work.start(command, PROXY_CORES, log)

    def ready() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    wait_until(ready, process, log)
    return Served(process, port, collapsed(next(iter(origins)), port))


def collapsed(name: str, port: int) -> str:
    """The collapsed host of ``http://name`` at a gateway of ours."""
    label = name.replace("-", "--").replace(".", "-")
    return f"http-{label}.0.{DOMAIN}:{port}"


def certificate(work: Workplace) -> Issued:
    """The certificate that every TLS server here presents: the same kind for all."""
    names = [DOMAIN, f"www.0.{DOMAIN}", f"*.0.{DOMAIN}", SOCKET_HOST, "127.0.0.1"]
    return work.ca.issue("served", names)


def request(
    work: Workplace, served: Served, path: str, *, method: str = "GET", **fields: str
) -> tuple[int, list[tuple[str, str]], bytes]:
    """One HTTPS request; ``fields`` with ``_`` for ``-``; status, header fields, body."""
    connection = http.client.HTTPSConnection(
        "127.0.0.1", served.port, timeout=10, context=work.client_context()
    )
    sent = {"Host": served.host}
    sent |= {name.replace("_", "-"): value for name, value in fields.items()}
    try:
        connection.request(method, path, headers=sent)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


# --- WebSocket helpers -----------------------------------------------------------------


def echo_server(work: Workplace, cores: set[int]) -> tuple[Served, int]:
    """The echo server over TLS, and its port without."""
    plain, secure = free_port(), free_port()
    issued = certificate(work)
    log = work.fresh("echo") / "echo.log"
    command = [sys.executable, "-m", "bench.echo", str(plain), str(secure)]
    command += [str(issued.certificate), str(issued.key)]
    process = work.start(command, cores, log)
    wait_until(lambda: accepts(plain) and accepts(secure), process, log)
    return Served(process, secure, f"127.0.0.1:{secure}"), plain


def read_line(process: subprocess.Popen[str], log: Path) -> str:
    """The next line of a helper; raises ``BenchError`` with its log's end when it ended."""
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        tail = log.read_text("utf-8", "replace")[-600:]
        raise BenchError(f"a helper ended early, with status {process.wait(5)}:\n{tail}")
    return line.strip()


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Say a line to a helper."""
    if process.stdin is not None:
        process.stdin.write(line + "\n")
        process.stdin.flush()


def load_command(
    work: Workplace, served: Served, *, tls: bool = True, load: str = "wsload", **options: Any
) -> list[str]:
    """The command line of a WebSocket load generator."""
    command = [sys.executable, "-m", f"bench.{load}", f"--port={served.port}"]
    command += [f"--host={served.host}"]
    command += [f"--ca={work.ca.certificate_file}"] if tls else []
    return command + [f"--{name}={value}" for name, value in options.items()]
