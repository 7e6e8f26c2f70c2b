"""A gateway process with a CA of its own, origins behind it, a tripwire, and a browser."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from gateway.demo.ca import LocalCa
from gateway.origins import Codec

ROOT = Path(__file__).resolve().parent.parent.parent
KNOWN = json.loads((Path(__file__).parent / "known_differences.json").read_text("utf-8"))
"""What still differs from a direct load; everything else must not."""
DOMAIN = "gw.test"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=OptimizationHints,MediaRouter",
)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what: str, seconds: float = 30) -> None:
    """Poll a condition of another process until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.05)


class Tripwire:
    """Listens where every foreign name leads, and remembers each connection's first octets."""

    def __init__(self) -> None:
        """Listen at once."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.touched: list[bytes] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                connection.settimeout(2)
                self.touched.append(connection.recv(2048))
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


class Process:
    """A child in a process group of its own, its output in a file."""

    def __init__(self, command: list[str], folder: Path, name: str, **environment: str) -> None:
        """Start it."""
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def text(self) -> str:
        """Its output so far."""
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """End it, gently first; its exit code."""
        for sign, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.child.wait(seconds)
        return -1


class Stack:
    """Everything that a browser test stands on; ``hosts`` maps public origins to ports."""

    def __init__(self, folder: Path, apart: str = "") -> None:
        """Make the CA; ``apart`` is the domain of browsers without localStorage."""
        self.folder = folder
        self.ca = LocalCa(folder / "ca", "browser test CA")
        self.codec: Codec
        self.hosts: dict[str, int] = {}
        self._processes: list[Process] = []
        self.gateway: Process | None = None
        self.port = free_port()
        self.admin_port = free_port()
        self.codec = Codec(DOMAIN, self.port)
        self.apart = apart

    def certificate(self, name: str, *hosts: str) -> tuple[str, str]:
        """A certificate's and its key's file."""
        issued = self.ca.issue(name, hosts)
        return str(issued.certificate), str(issued.key)

    def start_origins(self) -> None:
        """The demo's origins and the tests' own."""
        names = ("shop.demo.example", "chat.demo.example", "api.demo.example", "strict.test")
        files = self.certificate("origins", *names)
        process = Process(
            [sys.executable, "-m", "tests.browser.origin_server", *files], self.folder, "origins"
        )
        self._processes.append(process)
        until(lambda: "}\n" in process.text(), "origins listen: " + process.text())
        self.hosts.update(json.loads(process.text().splitlines()[0]))

    def run(self, name: str, command: list[str], **environment: str) -> Process:
        """Start another process that ends with the stack."""
        process = Process(command, self.folder, name, **environment)
        self._processes.append(process)
        return process

    def start_gateway(self, extra: str = "", module: str = "gateway") -> None:
        """Write a configuration in which every known origin is open, and start the gateway.

        ``module``: what is run, ``gateway`` or a test's own launcher of it.
        """
        names = [DOMAIN, f"www.0.{DOMAIN}", f"*.0.{DOMAIN}"]
        names += [f"*.0.{self.apart}"] if self.apart else []
        certificate, key = self.certificate("gateway", *names)
        lines = [
            f'domain = "{DOMAIN}"',
            *([f'rewrite-domain = "{self.apart}"'] if self.apart else []),
            f"public-port = {self.port}",
            f'listen = ["tcp:{self.port}:interface=127.0.0.1"]',
            "[tls]",
            f'certificate = "{certificate}"',
            f'key = "{key}"',
            "[store]",
            f'url = "sqlite:///{self.folder}/gateway.db"',
            "[keys]",
            f'file = "{self.folder}/gateway.keys"',
            "[admin]",
            f'listen = ["tcp:{self.admin_port}:interface=127.0.0.1"]',
            "[upstream]",
            f'trust = ["{self.ca.certificate_file}"]',
            'allow-private = ["127.0.0.0/8"]',
        ]
        for origin, port in self.hosts.items():
            parts = urlsplit(origin)
            default = 443 if parts.scheme == "https" else 80
            lines += [
                "[[upstream.hosts]]",
                f'host = "{parts.hostname}"',
                f"port = {parts.port or default}",
                f'connect = "127.0.0.1:{port}"',
            ]
            lines += ["[[allow-navigation]]", f'href = "{origin}"']
        lines += ["[[access]]", 'origin = "http://plain.test:8081"', "allow-insecure-http = true"]
        config = self.folder / "gateway.toml"
        config.write_text("\n".join(lines) + "\n" + extra)
        self.gateway = self.run("gateway", [sys.executable, "-m", module, "--config", str(config)])
        until(self._ready, "the gateway is ready")

    def _ready(self) -> bool:
        gateway = self.gateway
        if gateway is not None and gateway.child.poll() is not None:
            raise AssertionError("the gateway ended: " + gateway.text())
        with contextlib.suppress(OSError):
            url = f"http://127.0.0.1:{self.admin_port}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        return False

    @property
    def outer(self) -> str:
        """The outer frame's URL up to the fragment's content."""
        return self.codec.secure_origin + "/#"

    def stop(self) -> None:
        """End everything, last started first."""
        for process in reversed(self._processes):
            process.stop()


# The browser's own services, which it asks in spite of the flags; no page of ours names them.
OWN_SERVICES = ("MAP *.google.com ~NOTFOUND", "MAP *.googleapis.com ~NOTFOUND")


def resolver_rules(stack: Stack, tripwire: Tripwire) -> str:
    """Gateway names lead to the gateway, all others to the tripwire."""
    rules = (
        *OWN_SERVICES,
        f"MAP *.{DOMAIN}:{stack.port} 127.0.0.1:{stack.port}",
        f"MAP {DOMAIN}:{stack.port} 127.0.0.1:{stack.port}",
        *([f"MAP *.{stack.apart}:{stack.port} 127.0.0.1:{stack.port}"] if stack.apart else []),
        f"MAP * 127.0.0.1:{tripwire.port}",
    )
    return "--host-resolver-rules=" + ", ".join(rules)


def direct_rules(stack: Stack, tripwire: Tripwire) -> str:
    """Every known origin leads to its own port: for comparing with a direct load."""
    rules = [*OWN_SERVICES]
    for origin, port in stack.hosts.items():
        parts = urlsplit(origin)
        default = 443 if parts.scheme == "https" else 80
        rules.append(f"MAP {parts.hostname}:{parts.port or default} 127.0.0.1:{port}")
    rules.append(f"MAP * 127.0.0.1:{tripwire.port}")
    return "--host-resolver-rules=" + ", ".join(rules)


def chromium(*, windowed: bool = False) -> str:
    """Debian's Chromium: its shell without windows, or the whole browser.

    Engine and network are the same; a profile in the shell is there in a third of the time.
    ``windowed``: what is tested is a matter of the browser around them (popups, its history).
    """
    path = shutil.which("chromium" if windowed else "chromium-headless-shell")
    if path is None:
        raise AssertionError("Chromium is missing: run make packages")
    return path


def launch(driver, rules: str, *flags: str, windowed: bool = False):
    """Chromium, headless, with these resolver rules."""
    return driver.chromium.launch(
        executable_path=chromium(windowed=windowed), headless=True, args=[*FLAGS, rules, *flags]
    )
