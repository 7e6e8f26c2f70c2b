"""``python -m gateway --config FILE``: a whole process, from the checkout."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway
from tests.ops import DOMAIN, ROOT, Setup, is_listening, temporary

STOPPED = {0, 128 + signal.SIGTERM, -signal.SIGTERM}


class Process:
    """A gateway in a process of its own; killed when a minute has passed."""

    def __init__(self, case: Any, setup: Setup) -> None:
        """Start it in its folder, so that nothing it leaves lies elsewhere."""
        self.setup = setup
        self.lines: list[dict[str, Any]] = []
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "gateway", "--config", str(setup.write())],
            cwd=setup.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=(setup.folder / "stderr").open("wb"),
            text=True,
        )
        watchdog = threading.Timer(60, self.child.kill)
        watchdog.start()
        case.addCleanup(self._end, watchdog)

    def _end(self, watchdog: threading.Timer) -> None:
        watchdog.cancel()
        self.child.kill()
        with self.child:
            pass

    @property
    def errors(self) -> str:
        """What it wrote to standard error."""
        return (self.setup.folder / "stderr").read_text()

    def until(self, code: str) -> dict[str, Any]:
        """Read the log up to an event."""
        for text in self.child.stdout or ():
            self.lines.append(json.loads(text))
            if self.lines[-1].get("code") == code:
                return self.lines[-1]
        raise AssertionError(f"ended before {code}: {self.lines} {self.errors}")

    def wait(self) -> int:
        """Read the log to its end; the exit status."""
        for text in self.child.stdout or ():
            self.lines.append(json.loads(text))
        return self.child.wait()

    def admin(self, target: str) -> tuple[int, bytes]:
        """Ask the admin listener."""
        connection = http.client.HTTPConnection("127.0.0.1", self.setup.admin, timeout=30)
        connection.request("GET", target)
        answer = connection.getresponse()
        found = answer.status, answer.read()
        connection.close()
        return found

    def connect(self) -> ssl.SSLSocket:
        """Connect to the portal, verified."""
        context = ssl.create_default_context(cafile=self.setup.ca.certificate_file)
        plain = socket.create_connection(("127.0.0.1", self.setup.port), timeout=30)
        return context.wrap_socket(plain, server_hostname=DOMAIN)

    def portal(self) -> bytes:
        """The portal as it comes over the wire."""
        with self.connect() as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {DOMAIN}\r\n".encode())
            connection.sendall(b"Connection: close\r\n\r\n")
            return read_all(connection)


def read_all(connection: ssl.SSLSocket) -> bytes:
    """Read to the end."""
    heard = b""
    while more := connection.recv(65536):
        heard += more
    return heard


class RunTests(SynchronousTestCase):
    """A gateway that runs."""

    timeout = 120

    def setUp(self) -> None:
        """Files and free ports."""
        self.setup = Setup(temporary(self))

    def test_life(self) -> None:
        """It becomes ready, serves, reloads, drains on SIGTERM, and leaves no pidfile."""
        running = Process(self, self.setup)
        ready = running.until("gateway.ready")
        self.assertEqual(len(ready["listening"]), 3)
        self.assertEqual(list(self.setup.folder.rglob("*.pid")), [])
        self.assertEqual(running.admin("/readyz"), (200, b"ready\n"))
        self.assertTrue(running.portal().startswith(b"HTTP/1.1 200 OK\r\n"))
        access = running.until("access.http")
        self.assertEqual((access["path"], access["status"]), ("/", 200))
        running.child.send_signal(signal.SIGHUP)
        running.until("config.reloaded")
        self.setup.write(self.setup.text + "[limits]\nconnections = 0\nheader-count = 0\n")
        running.child.send_signal(signal.SIGHUP)
        for key in ("header-count", "connections"):
            told = running.until("config.reload-refused")
            self.assertIn(f"limits.{key}: found 0", told["detail"])
        self.assertTrue(running.portal().startswith(b"HTTP/1.1 200 OK\r\n"))
        client = running.connect()
        self.addCleanup(client.close)
        client.sendall(f"GET / HTTP/1.1\r\nHost: {DOMAIN}\r\n".encode())
        while b"gateway_connections 1.0" not in running.admin("/metrics")[1]:
            pass  # until the gateway has seen it
        running.child.send_signal(signal.SIGTERM)
        running.until("gateway.stopping")
        self.assertEqual(running.admin("/readyz"), (503, b"stopping\n"))
        client.sendall(b"\r\n")
        self.assertIn(b"</html>", read_all(client))
        client.close()
        self.assertIn(running.wait(), STOPPED)
        self.assertEqual(list(self.setup.folder.rglob("*.pid")), [])
        self.assertEqual(running.errors, "")
        self.assertFalse(is_listening(self.setup.port))
        levels = {line["level"] for line in running.lines}
        self.assertEqual(levels - {"info", "warn"}, set())

    def test_client_that_stays(self) -> None:
        """A client that was answered and never closes does not hold the drain for its whole time."""
        running = Process(self, self.setup)
        running.until("gateway.ready")
        client = running.connect()
        self.addCleanup(client.close)
        client.sendall(f"GET / HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode())
        self.assertIn(b"</html>", read_all(client))
        began = time.monotonic()
        running.child.send_signal(signal.SIGTERM)
        self.assertIn(running.wait(), STOPPED)
        self.assertLess(time.monotonic() - began, 25)

    def test_restart(self) -> None:
        """After a kill it starts again on the same files, keys and port."""
        for _ in range(2):
            running = Process(self, self.setup)
            running.until("gateway.ready")
            running.child.kill()
            running.wait()
        running = Process(self, self.setup)
        running.until("gateway.ready")
        self.assertEqual(running.admin("/readyz"), (200, b"ready\n"))


class RefusedTests(SynchronousTestCase):
    """A gateway that cannot run."""

    timeout = 120

    def setUp(self) -> None:
        """Files and free ports."""
        self.setup = Setup(temporary(self))

    def test_faults(self) -> None:
        """Faults are status 1, each on its line, before anything is opened."""
        text = self.setup.text.replace("public-port", "public-prot")
        path = self.setup.write(text + "[limits]\nconnections = 0\n[[service]]\nx = 1\n")
        done = gateway("--config", str(path))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        lines = done.stderr.splitlines()
        found = [line.removeprefix(f"{path}: ").partition(": ")[0] for line in lines]
        service = [f"service[1].{one}" for one in ("x", "name", "accept", "connect")]
        self.assertEqual(found, ["public-prot", "limits.connections", *service])
        self.assertFalse((self.setup.folder / "var").exists())

    def test_key_file(self) -> None:
        """A key file that others can read is status 1, with its name."""
        keys = self.setup.folder / "var" / "gateway.keys"
        keys.parent.mkdir()
        keys.write_text("gateway-keys-1\n")
        keys.chmod(0o644)
        done = gateway("--config", str(self.setup.write()))
        self.assertEqual(done.returncode, 1)
        (line,) = done.stderr.splitlines()
        self.assertTrue(line.startswith(f"{keys}: mode is 0644"), line)

    def test_port_taken(self) -> None:
        """A taken port: the process says which, leaves with 1, and never says that it is ready."""
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        self.setup.admin = taken.getsockname()[1]
        running = Process(self, self.setup)
        status = running.wait()
        said = json.dumps(running.lines) + running.errors
        self.assertIn(f"tcp:{self.setup.admin}:interface=127.0.0.1", said)
        self.assertNotIn("Traceback", said)
        self.assertNotIn("gateway.ready", [line.get("code") for line in running.lines])
        self.assertEqual(status, 1)

    def test_store(self) -> None:
        """A store that cannot be opened: its path, and status 1."""
        (self.setup.folder / "wall").write_text("")
        self.setup.store = f"sqlite:///{self.setup.folder}/wall/gateway.db"
        running = Process(self, self.setup)
        status = running.wait()
        self.assertIn("wall/gateway.db", json.dumps(running.lines) + running.errors)
        self.assertEqual(status, 1)
