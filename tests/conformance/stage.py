"""A gateway in a process of its own, an echo behind it, and a door for what speaks no TLS."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import attrs

from gateway.demo.ca import LocalCa
from tests.ports import HOST, free_ports

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "gateway.test"
PATIENCE = 60
LARGEST = 17 * 2**20
"""Some cases send messages of 16 MiB."""
_CONFIG = """\
domain = "{domain}"
public-port = {port}
listen = ["tcp:{port}:interface=127.0.0.1"]
[http]
http2 = false
[limits]
websocket-message-bytes = {largest}
websocket-frame-bytes = {largest}
{limits}
[rates]
client-burst = 0
session-burst = 0
destination-burst = 0
[tls]
certificate = "{tls.certificate}"
key = "{tls.key}"
[store]
url = "memory:"
[keys]
file = "{folder}/gateway.keys"
[admin]
listen = ["tcp:{admin}:interface=127.0.0.1"]
[upstream]
trust = ["{ca}"]
allow-private = ["127.0.0.0/8"]
[[upstream.hosts]]
host = "echo.test"
connect = "127.0.0.1:{upstream}"
[[access]]
origin = "http://echo.test"
native = true
allow-insecure-http = true
{more}
"""


@attrs.define
class Stage:
    """What a suite needs to know of the gateway that it goes through."""

    folder: Path
    upstream: int
    """The port where the gateway looks for the origin."""
    admin: int = 0
    port: int = 0
    authority: Path = Path()
    context: ssl.SSLContext = attrs.field(factory=ssl.create_default_context, repr=False)
    _children: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack)
    pid: int = 0
    """The gateway's process."""

    @property
    def host(self) -> str:
        """The host of the origin at the gateway, which leads to ``upstream``."""
        return f"http-echo-test.0.{DOMAIN}:{self.port}"

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a Python module; it ends with the stage."""
        log = self._children.enter_context((self.folder / "log").open("ab"))
        child = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=log, stderr=log)
        self._children.callback(_end, child)
        return child

    def start_gateway(self, limits: str = "", more: str = "") -> None:
        """Start the gateway and wait for it."""
        authority = LocalCa(self.folder / "ca")
        self.authority = authority.certificate_file
        self.context = ssl.create_default_context(cafile=str(self.authority))
        issued = authority.issue("gateway", (DOMAIN, f"*.0.{DOMAIN}"))
        self.port, self.admin = free_ports(2)
        config = self.folder / "gateway.toml"
        config.write_text(
            _CONFIG.format(
                domain=DOMAIN, port=self.port, admin=self.admin, upstream=self.upstream,
                tls=issued, ca=self.authority, folder=self.folder, largest=LARGEST,
                limits=limits, more=more,
            )
        )  # fmt: skip
        child = self.start("gateway", "--config", str(config))
        self.pid = child.pid
        self.wait(self._is_ready, child)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.admin, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def start_echo(self) -> None:
        """Start the echo behind the gateway and wait for it."""
        child = self.start("tests.conformance.echo", "server", str(self.upstream))
        self.wait(lambda: listens(self.upstream), child)

    def wait(self, ready: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
        """Wait until something serves; raises with all output if it ends or never does."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and child.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if ready():
                    return
            time.sleep(0.02)
        raise AssertionError(f"{child.args} did not start:\n{(self.folder / 'log').read_text()}")


def listens(port: int) -> bool:
    """Whether something does at a port; raises ``OSError`` where nothing does."""
    with socket.create_connection((HOST, port), timeout=1):
        return True


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """An empty stage, and its end."""
    with tempfile.TemporaryDirectory(prefix="gateway-conformance-") as name:
        stage = Stage(Path(name), *free_ports(1))
        with stage._children:
            yield stage


@contextlib.asynccontextmanager
async def door(stage: Stage, host: str | None = None) -> AsyncIterator[int]:
    """A port without TLS that leads to the gateway; the requests' ``Host`` is made the right one.

    Gives the port.
    """
    name = (host or stage.host).encode()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_connection(
                HOST,
                stage.port,
                ssl=stage.context,
                server_hostname=name.decode().partition(":")[0],
            )
        except OSError:
            writer.transport.abort()
            return
        # Cancelled: the door is shut, which is no error of anyone's.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            lines = [
                b"Host: " + name if line[:5].lower() == b"host:" else line
                for line in head.split(b"\r\n")
            ]
            outer.write(b"\r\n".join(lines))
            ways = {
                asyncio.create_task(pump(reader, outer)),
                asyncio.create_task(pump(inner, writer)),
            }
            _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for one in left:
                one.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        outer.close()
        writer.close()

    server = await asyncio.start_server(come, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
