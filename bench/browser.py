"""Pages in a browser on a slow line: until something is painted, and until it can be used."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import ssl
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from bench import common
from bench.link import MOBILE, Line, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.common import Options

_DOCS = Path("/usr/share/doc/apache2-doc/manual/en/mod")
_PLAIN = "https://plain.test"
_KNOWN = "https://known.test"
_STATIC = ("plain.test", "known.test", "docs.test")
_PAGE = b"<!doctype html><title>A page</title><body><h1 id=ready>Some words</h1>"
# In every frame: when the page's mark is there and seen.
_LOOK = """(() => {
  const look = () => {
    const root = document.documentElement;
    const one = root && document.querySelector(%s);
    if (one && one.getClientRects().length && getComputedStyle(root).opacity !== "0") self.benchReady = Date.now();
    else setTimeout(look, 5);
  };
  look();
})()"""
_TIMES = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return { painted: paint ? performance.timeOrigin + paint.startTime : 0, ready: self.benchReady ?? 0 };
}"""


@attrs.frozen
class Page:
    """An address, and what is there once the page can be used."""

    name: str
    url: str
    ready: str


@attrs.frozen
class Visit:
    """One visit, in milliseconds from its beginning, and what went over the line."""

    painted: float
    ready: float
    down: int
    up: int
    connections: int


class Ground:
    """The sites, the gateway, and the slow line before all of them."""

    def __init__(self, driver: Any, folder: Path) -> None:
        """Start everything that is there."""
        from tests.browser.harness import Stack  # noqa: PLC0415 (needed here alone)

        self._driver = driver
        self.link = Link()
        self.stack = Stack(folder)
        self.pages: list[Page] = []
        self._start()
        self.stack.start_gateway()
        self._ports = {name: self.link.before(port) for name, port in self.stack.hosts.items()}
        self._gateway_port = self.link.before(self.stack.port)

    def _start(self) -> None:
        from tests.browser.apps import wordpress  # noqa: PLC0415 (needed here alone)
        from tests.browser.apps.ground import serve  # noqa: PLC0415 (needed here alone)

        stack = self.stack
        stack.start_origins()
        if not _DOCS.is_dir():
            raise common.BenchError("apache2-doc is missing: make packages")
        files = stack.certificate("static", *_STATIC)
        for name in _STATIC:
            folder = _DOCS.parent.parent if name == "docs.test" else None
            stack.hosts[f"https://{name}"] = _static(files, folder)
        serve(stack, "spa", ["tasks.test", "api.backend.test"])
        wordpress.start(stack)
        _jupyter(stack)
        self.pages = [
            Page("Debian's manual of Apache", "https://docs.test/en/mod/core.html", "#footer"),
            Page("WordPress, front page", wordpress.SITE + "/", ".wp-block-post-title"),
            Page("single-page application", "https://tasks.test/", "#password"),
            Page("demo shop", "https://shop.demo.example/", "h1"),
            Page("JupyterLab", "https://jupyter.test/lab", ".jp-LauncherCard"),
        ]

    def _rules(self, *, through: bool) -> str:
        from tests.browser.harness import DOMAIN, OWN_SERVICES  # noqa: PLC0415 (needed here alone)

        rules = [*OWN_SERVICES]
        if through:
            there = f"{self.stack.port} 127.0.0.1:{self._gateway_port}"
            rules += [f"MAP *.{DOMAIN}:{there}", f"MAP {DOMAIN}:{there}"]
        else:
            rules += [f"MAP {name.split('/')[2]}:443 127.0.0.1:{port}" for name, port in self._ports.items()
                      if name.startswith("https:")]  # fmt: skip
        return "--host-resolver-rules=" + ", ".join([*rules, "MAP * 127.0.0.1:9"])

    @contextlib.contextmanager
    def browser(self, *, through: bool) -> Iterator[Any]:
        """A browser with one of the two ways; whom it may trust it is told."""
        from tests.browser.harness import launch  # noqa: PLC0415 (needed here alone)

        trust = self.stack.trust(*sorted(self.stack.issued))
        made = launch(self._driver, self._rules(through=through), trust)
        try:
            yield made
        finally:
            made.close()

    def visit(
        self, browser: Any, page: Page, line: Line, *, through: bool, known: bool = True
    ) -> Visit:
        """Open a page in a fresh profile; ``known``: another site was visited before."""
        context = browser.new_context(viewport={"width": 412, "height": 823})
        try:
            self.link.reshape(Line())
            tab = context.new_page()
            if known:
                tab.goto((self.stack.outer if through else "") + _KNOWN + "/")
                _times(tab, _KNOWN if not through else self.stack.collapsed(_KNOWN), "painted")
                tab.wait_for_timeout(300)  # the outer frame's own business
            context.add_init_script(_LOOK % json.dumps(page.ready))
            self.link.reshape(line)
            if through and known:
                began = tab.evaluate(
                    "url => { const now = Date.now(); location.hash = '#' + url; return now }",
                    page.url,
                )
            else:
                began = time.time() * 1000
                tab.goto((self.stack.outer if through else "") + page.url, wait_until="commit")
            origin = "/".join(page.url.split("/")[:3])
            found = _times(
                tab, self.stack.collapsed(origin) if through else origin, "ready", "painted"
            )
            traffic = self.link.traffic
            return Visit(
                found["painted"] - began,
                found["ready"] - began,
                traffic.down,
                traffic.up,
                traffic.connections,
            )
        finally:
            context.close()

    def stop(self) -> None:
        """End everything."""
        self.stack.stop()


def _times(tab: Any, origin: str, *wanted: str) -> dict[str, float]:
    from playwright.sync_api import Error  # noqa: PLC0415 (needed here alone)

    end = time.monotonic() + 90
    while time.monotonic() < end:
        for frame in tab.frames:
            if frame.url.startswith(origin + "/"):
                with contextlib.suppress(Error):  # it went on to another page
                    found: dict[str, float] = frame.evaluate(_TIMES)
                    if all(found[name] for name in wanted):
                        return found
        tab.wait_for_timeout(20)
    raise common.BenchError(f"{origin} did not become {wanted}")


def _static(files: tuple[str, str], folder: Path | None) -> int:
    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder or "/nonexistent"))

        def do_GET(self) -> None:
            if folder is not None:
                super().do_GET()
                return
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(_PAGE)))
            self.end_headers()
            self.wfile.write(_PAGE)

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *arguments: Any) -> None:
            pass  # browsers leave as they like

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def _jupyter(stack: Any) -> None:
    from tests.browser.harness import free_port, until  # noqa: PLC0415 (needed here alone)

    port = free_port()
    certificate, key = stack.certificate("jupyter", "jupyter.test")
    (stack.folder / "work").mkdir()
    process = stack.run(
        "jupyter",
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
         f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={stack.folder}/work",
         "--ServerApp.allow_remote_access=True", f"--certfile={certificate}", f"--keyfile={key}",
         "--IdentityProvider.token=", "--LabApp.news_url=None"],
        HOME=str(stack.folder),
    )  # fmt: skip
    until(lambda: "is running at" in process.text(), "JupyterLab runs: " + process.text(), 90)
    stack.hosts["https://jupyter.test"] = port


def _middle(visits: list[Visit]) -> Visit:
    return Visit(
        *(
            statistics.median(getattr(one, name.name) for one in visits)
            for name in attrs.fields(Visit)
        )
    )


def _pages(ground: Ground, times: int) -> None:
    print(f"\nPages on a line with {MOBILE.round_trip * 1000:.0f} ms there and back, 1.6 Mbit/s down:"
          f" the first visit to a site, median of {times}")  # fmt: skip
    print(f"{'':28}{'first paint, s':>22}{'usable, s':>22}{'KB over the line':>22}")
    print(f"{'':28}" + f"{'direct':>10}{'gateway':>12}" * 3)
    for page in ground.pages:
        rows = []
        for through in (False, True):
            with ground.browser(through=through) as browser:
                rows.append(
                    _middle(
                        [ground.visit(browser, page, MOBILE, through=through) for _ in range(times)]
                    )
                )
        direct, gateway = rows
        print(f"{page.name:28}{direct.painted / 1000:10.2f}{gateway.painted / 1000:12.2f}"
              f"{direct.ready / 1000:10.2f}{gateway.ready / 1000:12.2f}"
              f"{(direct.down + direct.up) / 1000:10.0f}{(gateway.down + gateway.up) / 1000:12.0f}")  # fmt: skip


def _first(ground: Ground, times: int) -> None:
    print(
        "\nWhat a first visit costs: a page of one file, on lines that differ in nothing but delay"
    )
    page = Page("", _PLAIN + "/", "#ready")
    near, far = Line(0.100), Line(0.500)
    rows: dict[str, tuple[float, float, Visit]] = {}
    for name, through, known in (
        ("direct", False, True),
        ("gateway, another site was visited", True, True),
        ("gateway, for the first time ever", True, False),
    ):
        with ground.browser(through=through) as browser:
            one, other = (
                _middle(
                    [
                        ground.visit(browser, page, line, through=through, known=known)
                        for _ in range(times)
                    ]
                )
                for line in (near, far)
            )
        paint, use = (
            (getattr(other, what) - getattr(one, what)) / 400 for what in ("painted", "ready")
        )
        rows[name] = paint, use, one
        print(f"  {name:36}{use:5.1f} round trips, {one.connections:.0f} connections,"
              f" {(one.down + one.up) / 1000:6.1f} KB")  # fmt: skip
    _, trips, base = rows["direct"]
    for name, (_, use, one) in list(rows.items())[1:]:
        more = (one.down + one.up - base.down - base.up) / 1000
        print(f"  {name}: {use - trips:+.1f} round trips, {more:+.1f} KB")


def run(options: Options) -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 (needed here alone)

    os.sched_setaffinity(0, common.PROXY_CORES | common.LOAD_CORES)  # a browser needs all of them
    times = options.count(5, 1)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, sync_playwright() as driver:
        ground = Ground(driver, Path(folder))
        try:
            _first(ground, times)
            _pages(ground, options.count(3, 1))
        finally:
            ground.stop()
