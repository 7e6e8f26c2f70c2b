"""Several gateway processes behind one port and on one store, an origin, and their clients.

The test makes the listening sockets and hands them down as systemd would, so that the port
and what waits in its queue outlive every process: ``shared`` is the one port of all, ``own``
and ``admin`` lead to one process alone.  All processes read the same configuration file.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import attrs

from gateway import wire
from gateway.demo.ca import LocalCa
from gateway.origins import Codec, Origin
from tests.ops import DOMAIN, HOSTS, ROOT

SITE = "lanes.example"
APART = "i.test"
PATIENCE = 60
"""Seconds after which something that should come never will."""

# Between fork and exec: systemd's descriptors begin at 3 and name the process they are for.
_HAND_DOWN = """
import fcntl, os, sys
file, *given = sys.argv[1:]
high = [fcntl.fcntl(int(one), fcntl.F_DUPFD_CLOEXEC, 100) for one in given]
for one in given:
    os.close(int(one))
for place, one in enumerate(high, 3):
    os.dup2(one, place)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(high))
os.environ["LISTEN_FDNAMES"] = "shared:own:admin"
os.execv(sys.executable, [sys.executable, "-m", "gateway", "--config", file])
"""


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that happens in another thread or process."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.01)


class _Asked(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        together = self.server.together
        if together is not None and self.path.startswith("/together"):
            together.wait(PATIENCE)
        body = self.headers.get("Cookie", "").encode("latin-1")
        self.send_response(200)
        for field in parse_qs(urlsplit(self.path).query).get("cookie", []):
            self.send_header("Set-Cookie", field)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Site(ThreadingHTTPServer):
    """The origin: sets the cookies that a request asks for, tells the Cookie header it had."""

    request_queue_size = 128
    together: threading.Barrier | None = None
    """Answers below ``/together`` wait for each other here."""

    def __init__(self, case: Any) -> None:
        """Serve until the test ends."""
        super().__init__(("127.0.0.1", 0), _Asked)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        case.addCleanup(self.server_close)
        case.addCleanup(self.shutdown)

    def handle_error(self, *_: Any) -> None:
        """A gateway that is killed leaves without a word."""


def _listening(case: Any) -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0), backlog=128)
    case.addCleanup(made.close)
    return made


class Member:
    """One of the processes, through all its lives."""

    def __init__(self, case: Any, number: int, config: Path, shared: socket.socket) -> None:
        """Make its own sockets; ``start`` begins a life."""
        self.number = number
        self._config = config
        self._sockets = (shared, _listening(case), _listening(case))
        self.port, self._admin = (one.getsockname()[1] for one in self._sockets[1:])
        self.lives = 0
        self.child: subprocess.Popen[bytes] | None = None
        case.addCleanup(self.kill)

    def start(self) -> None:
        """Begin a life; its output goes to a file of its own."""
        self.lives += 1
        given = [one.fileno() for one in self._sockets]
        with self._log(self.lives).open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-IS", "-c", _HAND_DOWN, str(self._config), *map(str, given)],
                cwd=self._config.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                pass_fds=given,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """``kill -9``, and wait until it is gone."""
        if self.child is not None:
            self.child.kill()
            self.child.wait()

    def wait_until_ready(self) -> None:
        """Wait until ``/readyz`` says so; raises if it ended instead."""
        until(self._is_ready, f"process {self.number} is ready")

    def _is_ready(self) -> bool:
        if self.child is None or self.child.poll() is not None:
            raise AssertionError(
                f"process {self.number} ended: {self._log(self.lives).read_text()}"
            )
        connection = http.client.HTTPConnection("127.0.0.1", self._admin, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except TimeoutError:  # the socket is ours: it waits in the queue
            return False
        finally:
            connection.close()

    def _log(self, life: int) -> Path:
        return self._config.parent / f"process-{self.number}-{life}.log"

    def lines(self) -> list[dict[str, Any]]:
        """What it logged in all its lives; a kill may have cut the last line of each."""
        found = []
        for life in range(1, self.lives + 1):
            for text in self._log(life).read_text().split("\n")[:-1]:
                found.append(json.loads(text) if text[:1] == "{" else {"text": text})
        return found

    @property
    def served(self) -> int:
        """How many requests to sites it answered."""
        return sum(
            line.get("code") == "access.http" and line["kind"] == "rewrite" for line in self.lines()
        )


UNLIMITED = "[rates]\nclient-burst = 0\nsession-burst = 0\ndestination-burst = 0\n"
"""One machine asks more in a test than people do."""


class Gateways:
    """Several processes on one port and one store; ``store`` is the ``[store]`` table's text."""

    def __init__(
        self, case: Any, folder: Path, store: str, count: int = 3, extra: str = UNLIMITED
    ) -> None:
        """Make everything, start nothing; ``extra``: more of the configuration."""
        ca = LocalCa(folder / "ca")
        issued = ca.issue("gateway", (*HOSTS, f"*.0.{APART}"))
        self.site = Site(case)
        shared = _listening(case)
        self.port = shared.getsockname()[1]
        self.codec, self.apart = Codec(DOMAIN, self.port).apart(APART)
        self.tls = ssl.create_default_context(cafile=ca.certificate_file)
        config = folder / "gateway.toml"
        config.write_text(
            f'domain = "{DOMAIN}"\nrewrite-domain = "{APART}"\npublic-port = {self.port}\n'
            'listen = ["systemd:domain=INET:name=shared", "systemd:domain=INET:name=own"]\n'
            f'[tls]\ncertificate = "{issued.certificate}"\nkey = "{issued.key}"\n'
            f'[store]\n{store}\n[keys]\nfile = "{folder}/gateway.keys"\n'
            '[admin]\nlisten = ["systemd:domain=INET:name=admin"]\n'
            '[upstream]\nallow-private = ["127.0.0.0/8"]\n'
            + "".join(
                f'[[upstream.hosts]]\nhost = "{host}.{SITE}"\n'
                f'connect = "127.0.0.1:{self.site.server_port}"\n'
                for host in ("one", "two", "three", LONG)
            )
            + f'[[access]]\norigin = "http://*.{SITE}"\nallow-insecure-http = true\n{extra}'
        )
        self.members = [Member(case, number, config, shared) for number in range(1, count + 1)]

    def start(self) -> None:
        """Start all of them, and wait; one makes the keys' and the store's files alone.

        Two that make them in the same instant may not start, which is another matter.
        """
        self.members[0].start()
        self.members[0].wait_until_ready()
        for member in self.members[1:]:
            member.start()
        for member in self.members:
            member.wait_until_ready()

    def bootstrap(self, port: int) -> Person:
        """Have a session, as the outer frame does."""
        person = Person(self, "")
        answer = person.own(port, wire.BOOTSTRAP_PATH, b"{}")
        return person.with_cookies(answer)


LONG = "-".join(["a-host-of-a-name-that-no-label-holds"] * 2)[:63]
"""A host whose label is a digest."""


@attrs.frozen
class Answer:
    """An answer whose headers came; ``body`` None: the rest did not."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes | None

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that the site said it had got."""
        pairs = (self.body or b"").decode("latin-1").split("; ")
        return {name: value for name, _, value in (one.partition("=") for one in pairs) if name}

    @property
    def json(self) -> Any:
        """The body of an answer of the gateway's own."""
        return json.loads(self.body or b"null")


class Person:
    """One person's browser with a session; not for several threads (``again`` makes another)."""

    def __init__(self, gateways: Gateways, cookies: str) -> None:
        """``cookies`` is the Cookie header of the session."""
        self._gateways = gateways
        self.cookies = cookies
        self._kept: dict[tuple[int, str], tuple[http.client.HTTPConnection, float]] = {}
        self.opened = 0.0
        """When the connection of the last request was made."""

    def again(self) -> Person:
        """Another tab of the same browser."""
        return Person(self._gateways, self.cookies)

    def with_cookies(self, answer: Answer) -> Person:
        """The browser after an answer that set the session's cookies."""
        fields = answer.headers.get_all("Set-Cookie", [])
        return Person(self._gateways, "; ".join(field.partition(";")[0] for field in fields))

    def own(self, port: int, path: str, body: bytes) -> Answer:
        """POST to an endpoint of the gateway's own, as the outer frame does."""
        codec = self._gateways.codec
        return self._ask(
            port, codec.secure_host, path, {"Origin": codec.secure_origin}, "POST", body
        )

    def settle(self, port: int, body: bytes) -> Answer:
        """POST an offer of a session on the domain apart, as the page there does."""
        origin = self._gateways.apart.settle_origin
        host = origin.removeprefix("https://").partition(":")[0]
        return self._ask(port, host, wire.SETTLE_PATH, {"Origin": origin}, "POST", body)

    def fetch(
        self, port: int, host: str, path: str, *set_cookies: str, keep: bool = False
    ) -> Answer:
        """What a page of ``host`` fetches from there; the answer sets these cookies."""
        codec = self._gateways.codec
        origin = Origin("http", f"{host}.{SITE}", 80)
        query = "&".join(f"cookie={quote(one, safe='')}" for one in set_cookies)
        fields = {
            "Referer": f"{codec.collapse_origin(origin)}/",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Dest": "empty",
            "Connection": "keep-alive" if keep else "close",
        }
        name = codec.host_of(origin).partition(":")[0]
        joint = "&" if "?" in path else "?"
        return self._ask(port, name, f"{path}{joint}{query}", fields)

    def _ask(
        self,
        port: int,
        host: str,
        target: str,
        fields: dict[str, str],
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        kept = self._kept.pop((port, host), None)
        if kept is None:
            connection = self._connect(port, host)
        else:
            connection, self.opened = kept
        keep = False
        try:
            headers = {**fields, **({"Cookie": self.cookies} if self.cookies else {})}
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            try:
                heard = answer.read()
                keep = fields.get("Connection") == "keep-alive" and not answer.will_close
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException):
                heard = None
            return Answer(answer.status, answer.headers, heard)
        finally:
            if keep:
                self._kept[port, host] = connection, self.opened
            else:
                connection.close()

    def _connect(self, port: int, host: str) -> http.client.HTTPConnection:
        self.opened = time.monotonic()
        connection = http.client.HTTPConnection(host, self._gateways.port)
        connection.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        try:
            connection.sock = self._gateways.tls.wrap_socket(connection.sock, server_hostname=host)
        except OSError:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close what was kept open."""
        for connection, _ in self._kept.values():
            connection.close()
        self._kept.clear()
