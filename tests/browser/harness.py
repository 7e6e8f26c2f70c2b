"""A gateway process with a CA of its own, origins behind it, a tripwire, and a browser."""

from __future__ import annotations

import contextlib
import itertools
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
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, BrowserContext, Error

from gateway.demo.ca import Issued, LocalCa
from gateway.origins import Codec, parse
from tests.ports import free_ports

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
)
_MARK = "--test-browser="
"""A flag that no browser knows: by it the processes of one are found."""
_NUMBERS = itertools.count()
_LAUNCHED: WeakKeyDictionary[Browser | BrowserContext, str] = WeakKeyDictionary()
WITHOUT = ("OptimizationHints", "MediaRouter")
"""Features of the browser that no test needs."""


def free_port() -> int:
    """A port that was free a moment ago."""
    return free_ports(1)[0]


def until(condition, what: str, seconds: float = 60) -> None:
    """Poll a condition of another process until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.05)


def settle(page, condition, what: str, seconds: float = 30) -> None:
    """Wait for a condition while the driver takes in the browser's events."""
    end = time.monotonic() + seconds
    page.wait_for_timeout(20)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"never came true: {what}")
        page.wait_for_timeout(20)


def stays(page, condition, what: str, seconds: float) -> None:
    """A condition holds all the time: for what must not come, there is nothing to wait for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), what
        page.wait_for_timeout(50)
    assert condition(), what


def frame_at(page, start: str, seconds: float = 30):
    """The frame, however deep, whose address begins so, once it is loaded."""
    found = []

    def there() -> bool:
        found[:] = [frame for frame in page.frames if frame.url.startswith(start)]
        return bool(found)

    end = time.monotonic() + seconds
    while True:
        settle(page, there, f"a frame shows {start}", max(end - time.monotonic(), 0))
        try:
            found[0].wait_for_load_state("load")
        except Error:
            # The frame may be replaced meanwhile (a session that is made anew): by another.
            if not found[0].is_detached() or time.monotonic() > end:
                raise
        else:
            return seen(found[0])


SEEN = """() => new Promise((done) => {
  const left = performance.now() + 5000;
  const look = () => {
    const { opacity } = getComputedStyle(document.documentElement);
    if (opacity !== "0" || performance.now() > left) done(opacity !== "0");
    else setTimeout(look, 10);
  };
  look();
})"""
"""Whether a page has proved itself: before, it is laid out but not seen, and takes no input."""


def seen(frame):
    """The frame itself, once what it shows can be seen (or for long cannot)."""
    with contextlib.suppress(Error):  # it went on to another page
        frame.evaluate(SEEN)
    return frame


def frame_of(stack: Stack, page, origin: str, codec: Codec | None = None):
    """The inner frame, once it shows ``origin`` (at its place in a codec's domain)."""
    return frame_at(page, stack.collapsed(origin, codec) + "/")


def open_site(stack: Stack, page, url: str, codec: Codec | None = None):
    """Type an address into the fragment, as links of the portal do; the frame that shows it."""
    page.goto("about:blank")
    page.goto(stack.outer + url)
    return frame_of(stack, page, url, codec)


NATIVELY = """(texts) => {
  const child = document.body.appendChild(document.createElement("iframe"));
  const { set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  for (const one of texts) set.call(child.contentDocument, one);
  child.remove();
}"""
"""Write cookies past the runtime, into the browser's own store: each realm's hook is for its own
document, and so lets the native setter have another's."""


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


SECRETS: set[str] = set()
"""What browsers of this run kept of their sessions: in no log line and no row of any store."""


def remember_secrets(context) -> None:
    """Take down what a profile keeps, before it is gone."""
    with contextlib.suppress(Error):  # its browser may be gone already
        for cookie in context.cookies():
            if cookie["name"].startswith(("__Http-", "__Host-gw-")):
                SECRETS.add(cookie["value"])
        for page in context.pages:
            if "://www.0." in page.url:
                kept = page.evaluate("() => Object.values(window.localStorage ?? {})")
                SECRETS.update(kept)


def betrayed(texts: Iterable[bytes], secrets: Iterable[str]) -> list[str]:
    """Which secrets stand in one of the texts, by their beginnings."""
    found = list(texts)
    long = [one for one in secrets if len(one) > 20]
    return [one[:4] + "…" for one in long if any(one.encode() in text for text in found)]


class Stack:
    """Everything that a browser test stands on; ``hosts`` maps public origins to ports."""

    def __init__(self, folder: Path, apart: str = "") -> None:
        """Make the CA; ``apart`` is the domain of browsers without localStorage."""
        self.folder = folder
        self.ca = LocalCa(folder / "ca", "browser test CA")
        self.codec: Codec
        self.hosts: dict[str, int] = {}
        self.issued: set[str] = set()
        self._processes: list[Process] = []
        self.gateway: Process | None = None
        self.port = free_port()
        self.admin_port = free_port()
        self.codec = Codec(DOMAIN, self.port)
        self.apart = apart

    def certificate(self, name: str, *hosts: str) -> tuple[str, str]:
        """A certificate's and its key's file."""
        issued = self.ca.issue(name, hosts)
        self.issued.add(name)
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
        if "[rates]" not in extra:
            # One machine asks more in a test than people do.
            extra += "[rates]\nclient-burst = 0\nsession-burst = 0\ndestination-burst = 0\n"
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

    def collapsed(self, url: str, codec: Codec | None = None) -> str:
        """The origin of an address as the browser sees it."""
        found = parse(url)
        assert found is not None
        return (codec or self.codec).collapse_origin(found[0])

    def trust(self, *names: str) -> str:
        """The flag of a browser that trusts these certificates: it takes service workers of them."""
        folder = self.folder / "ca"
        digests = [Issued(folder / f"{one}.pem", folder / f"{one}.key").key_digest for one in names]
        return f"--ignore-certificate-errors-spki-list={','.join(digests)}"

    def stop(self) -> None:
        """End everything, last started first; nothing of a session stands in what is left."""
        for process in reversed(self._processes):
            process.stop()
        left = [*self.folder.glob("*.log"), *self.folder.glob("gateway.db*")]
        found = betrayed((one.read_bytes() for one in left), SECRETS)
        assert not found, f"secrets of sessions are in one of {[one.name for one in left]}: {found}"


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


def launch(
    driver,
    rules: str,
    *flags: str,
    without=(),
    profile: Path | str | None = None,
    windowed: bool = False,
    **more,
):
    """Debian's Chromium, headless, with these resolver rules, ``without`` some features.

    With a folder for a ``profile`` (or "") it is the context of an ordinary one.  By default
    its shell without windows: engine and network are the same, and a profile is there in a
    third of the time.  ``windowed``: the whole browser, for what is a matter of the browser
    around the engine (popups, its history, reports, what it blocks by default).
    """
    path = shutil.which("chromium" if windowed else "chromium-headless-shell")
    if path is None:
        raise AssertionError("Chromium is missing: run make packages")
    features = "--disable-features=" + ",".join((*WITHOUT, *without))
    mark = f"{_MARK}{os.getpid()}-{next(_NUMBERS)}"
    arguments = [*FLAGS, features, rules, mark, *flags]
    how = {"executable_path": path, "headless": True, "args": arguments}
    if profile is None:
        browser = driver.chromium.launch(**how, **more)
        _LAUNCHED[browser] = mark
        return browser
    context = driver.chromium.launch_persistent_context(profile, **how, **more)
    _LAUNCHED[context] = mark
    return context


def processes_of(browser: Browser | BrowserContext) -> list[Path]:
    """The folders of a browser's own processes (those of its pages end with it)."""
    mark, found = _LAUNCHED[browser].encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may have ended
            if mark in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(folder)
    return found


def end_browser(browser: Browser | BrowserContext) -> None:
    """Kill a browser that hangs, and say what it was at."""
    for folder in processes_of(browser):
        with contextlib.suppress(OSError):
            state = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
            waits = (folder / "wchan").read_text()
            print(f"a browser hangs: process {folder.name}, {state}, {waits}", file=sys.stderr)
            os.kill(int(folder.name), signal.SIGKILL)


def close_page(page, browser: Browser | BrowserContext, *, patience: float = 30) -> None:
    """Close a page of a browser, which is ended if it hangs: Playwright waits without end."""
    timer = threading.Timer(patience, end_browser, [browser])
    timer.start()
    try:
        with contextlib.suppress(Error):
            page.close()
    finally:
        timer.cancel()


def fresh_context(browser: Browser, again, *, patience: float = 30, **more):
    """A browser and a fresh profile of it; the browser is another one, of ``again``, if it hung.

    Playwright waits for a profile without end.
    """
    for last in (False, True):
        if not browser.is_connected():
            browser = again()
        timer = threading.Timer(patience, end_browser, [browser])
        timer.start()
        try:
            return browser, browser.new_context(**more)
        except Error:
            if last or browser.is_connected():
                raise
        finally:
            timer.cancel()
    raise AssertionError("never tried")


class Lasting:
    """A browser for many tests, of which another one takes the place when it hung or died.

    For Playwright's ``Browser`` where profiles are made; all else is that browser's.
    """

    def __init__(self, again) -> None:
        """``again`` launches one."""
        self._again = again
        self._browser = again()

    def new_context(self, **more):
        """A fresh profile."""
        self._browser, context = fresh_context(self._browser, self._again, **more)
        return context

    def __getattr__(self, name):
        """The browser's own."""
        return getattr(self._browser, name)
