"""Tests of the operator's side, and what several of them share: a configuration on free
ports, and the smallest client that can ask over loopback.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater

from gateway.demo.ca import LocalCa
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "gw.test"
HOSTS = (DOMAIN, f"www.0.{DOMAIN}", f"*.0.{DOMAIN}")


def temporary(case: Any) -> Path:
    """A new folder that is gone after the test (``mktemp`` would leave it in the checkout)."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-test-"))
    case.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder


def is_listening(port: int) -> bool:
    """Whether something accepts connections on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(10)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until(condition: Callable[[], bool]) -> None:
    """Let the reactor run until a condition holds; the test's own time is the bound."""
    from twisted.internet import reactor

    while not condition():
        await deferLater(reactor, 0.01)


class Setup:
    """A folder with CA, certificate and configuration for a gateway on free ports."""

    def __init__(self, folder: Path) -> None:
        """Make CA and certificate in the folder."""
        self.folder = folder
        self.ca = LocalCa(self.folder / "ca")
        self.issued = self.ca.issue("gateway", HOSTS)
        self.port, self.admin, self.redirect = free_ports(3)
        self.extra = self.top = ""
        self.store = f"sqlite:///{self.folder}/var/gateway.db"

    @property
    def text(self) -> str:
        """The configuration; ``top`` comes first in it, ``extra`` last."""
        return (
            f'{self.top}\ndomain = "{DOMAIN}"\npublic-port = {self.port}\n'
            f'listen = ["tcp:{self.port}:interface=127.0.0.1"]\n'
            f'[http]\nredirect-listen = ["tcp:{self.redirect}:interface=127.0.0.1"]\n'
            "http2 = false\n"
            f'[tls]\ncertificate = "{self.issued.certificate}"\nkey = "{self.issued.key}"\n'
            f'[store]\nurl = "{self.store}"\n'
            f'[keys]\nfile = "{self.folder}/var/gateway.keys"\n'
            f'[admin]\nlisten = ["tcp:{self.admin}:interface=127.0.0.1"]\n'
            f"{self.extra}\n"
        )

    def write(self, text: str | None = None) -> Path:
        """Write the configuration file."""
        path = self.folder / "gateway.toml"
        path.write_text(self.text if text is None else text, "utf-8")
        return path


@attrs.frozen
class Reply:
    """An answer as it came; field names in lower case."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes
    serial: int = 0

    def get(self, name: str) -> str:
        """The first field of a name, or nothing."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """All fields of a name."""
        return [value for key, value in self.fields if key == name]


class Conversation(Protocol):
    """Sends octets, collects what comes until the connection ends."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.heard = b""
        self.serial = 0
        self.over: Deferred[None] = Deferred()

    def send(self, data: bytes) -> None:
        """Send."""
        self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """Collect; remember the server's certificate."""
        if not self.serial and hasattr(self.transport, "getPeerCertificate"):
            self.serial = self.transport.getPeerCertificate().get_serial_number()
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:
        """That was all."""
        self.over.callback(None)

    async def reply(self) -> Reply:
        """Wait for the end and read the one answer."""
        await self.over
        return parse_reply(self.heard, self.serial)


def parse_reply(heard: bytes, serial: int = 0) -> Reply:
    """Read one whole answer."""
    head, _, body = heard.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if not status:
        raise AssertionError("the connection ended without an answer")
    fields = tuple(
        (name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in lines)
    )
    if ("transfer-encoding", "chunked") in fields:
        whole = b""
        while body:
            size, _, rest = body.partition(b"\r\n")
            whole += rest[: int(size, 16)]
            body = rest[int(size, 16) + 2 :]
        body = whole
    return Reply(int(status.split()[1]), fields, body, serial)


async def connect(port: int, host: str = "", ca: Path | None = None) -> Conversation:
    """Connect to loopback; over TLS, verified for ``host``, if there is a CA."""
    from twisted.internet import reactor

    endpoint: Any = TCP4ClientEndpoint(reactor, "127.0.0.1", port, timeout=20)
    if ca is not None:
        root = ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(ca.read_bytes())])
        endpoint = wrapClientTLS(ssl.optionsForClientTLS(host, root), endpoint)
    return await connectProtocol(endpoint, Conversation())


def request_text(
    host: str, target: str = "/", method: str = "GET", body: bytes = b"", **fields: str
) -> bytes:
    """A request that ends its connection; ``sec_fetch_dest="iframe"`` makes a field."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def fetch(
    port: int,
    target: str = "/",
    host: str = "localhost",
    ca: Path | None = None,
    method: str = "GET",
    body: bytes = b"",
    **fields: str,
) -> Reply:
    """Ask once."""
    conversation = await connect(port, host, ca)
    conversation.send(request_text(host, target, method, body, **fields))
    return await conversation.reply()
