"""The suite of WebSocket behaviour: one page of cases, seen three ways.

Directly; natively through the gateway; and through it with something in between that takes
the upgrade away, so that the gateway's client has to emulate.
"""

from __future__ import annotations

import contextlib
import os

import attrs
from playwright.sync_api import Error

from tests.browser.differential.server import Answer, Asked, cors
from tests.browser.harness import fresh_context, launch
from tests.browser.runtime.world import World
from tests.browser.websocket.between import Between
from tests.browser.websocket.differing import DIRECT, FALLBACK, HERE
from tests.browser.websocket.server import Site, json_answer

A, B = "https://a.test", "https://b.test"
ORIGINS = {A: "secure", B: "secure", "https://a.test:8443": "secure"}
GROUPS = ("constructor", "shape", "send", "close", "events", "places")
JS = "text/javascript"
SIDE_BY_SIDE = 2
"""How many groups run at once: most of the time each of them waits for something."""
VERBOSE = bool(os.environ.get("VERBOSE"))


def _page(scripts: str, *fields: tuple[str, str]) -> Answer:
    text = f"<!doctype html><html><head><meta charset=utf-8><title>page</title></head><body>{scripts}</body></html>"
    return Answer(text.encode(), fields=fields)


_TALK = """
const talk = (url) => new Promise((done) => {
  const log = [];
  const s = new WebSocket(url);
  log.push(s.readyState, s instanceof WebSocket);
  s.onopen = () => { log.push("open"); s.send("x"); };
  s.onmessage = ({ data }) => { log.push(data); s.close(3000, "done"); };
  s.onerror = () => log.push("error");
  s.onclose = ({ code, reason, wasClean }) => done([...log, code, reason, wasClean]);
});
"""
_SCRIPTS = {
    "/small.js": _TALK + "onmessage = async ({ data }) => postMessage(await talk(data));",
    "/shared.js": _TALK
    + "onconnect = ({ ports: [port] }) => { port.onmessage = async ({ data }) => port.postMessage(await talk(data)); };",
    "/service.js": _TALK
    + "onmessage = ({ data, ports: [port], waitUntil }) => talk(data).then((told) => port.postMessage(told));",
    "/watching.js": """
const seen = [];
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => seen.push(`${event.request.method} ${new URL(event.request.url).pathname}`));
addEventListener("message", ({ ports: [port] }) => port.postMessage(seen.filter((one) => !one.includes("heard"))));
""",
}
_BEGIN = """([group, part]) => {
  const inWorker = new Promise((done, fail) => {
    if (group === "places") return done({});
    const worker = new Worker(`/worker.js?group=${group}`);
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = ({ message }) => fail(new Error(message));
    worker.postMessage(part);
  });
  const named = (found) => Object.fromEntries(Object.entries(found).map(([name, value]) => [`worker: ${name}`, value]));
  const all = Promise.all([runAll(part), inWorker.then(named)]).then((found) => Object.assign(...found));
  all.catch(() => {}).then(() => (globalThis.outcome = all));
}"""
_SANDBOXED = """<script>onmessage = ({ data, source }) => {
  const log = [];
  let told = null;
  try {
    const s = new WebSocket(data);
    s.onopen = () => log.push("open");
    s.onmessage = ({ data }) => (told = data);
    s.onerror = () => log.push("error");
    s.onclose = ({ code }) => source.postMessage([[...log, code], told], "*");
  } catch (error) {
    source.postMessage([[error.name], null], "*");
  }
};</script>"""


def answer(asked: Asked, site: Site) -> Answer | None:
    """What the origins say besides their WebSockets."""
    path, query = asked.path, asked.query
    if path.startswith("/run/"):
        scripts = "".join(f"<script src=/{name}.js></script>" for name in ("base", path[5:]))
        return _page(scripts)
    if path == "/worker.js":
        names = ", ".join(f'"/{name}.js"' for name in ("base", query["group"]))
        more = "onmessage = async ({ data }) => postMessage(await runAll(data));"
        return Answer(f"importScripts({names}); {more}".encode(), JS)
    if path in _SCRIPTS:
        return Answer(_SCRIPTS[path].encode(), JS)
    if path.endswith(".js") and (HERE / path[1:]).is_file():
        return Answer((HERE / path[1:]).read_bytes(), JS)
    if path == "/heard":
        return json_answer(asked, site.heard(query["id"]))
    if path == "/handshakes":
        return json_answer(asked, site.handshakes(query["id"]))
    if path == "/cookie":
        return Answer(b"", "text/plain", (("Set-Cookie", query["set"]), *cors(asked)))
    if path == "/strict":
        policy = "connect-src wss://a.test; script-src 'unsafe-inline' 'self'"
        return _page("strict", ("Content-Security-Policy", policy))
    if path == "/sandboxed":
        return _page(_SANDBOXED)
    if path in {"/blank", "/watched/page", "/watched/asked"}:
        return _page("")
    return None


@attrs.frozen
class Told:
    """What every case gave, one way."""

    results: dict[str, object]
    touched: int
    upgrades: int = 0
    """How many handshakes the one in between took away."""


class Suite:
    """The three ways, each run once."""

    def __init__(self, folder, driver) -> None:
        """Start everything."""
        self.world = World(folder, driver, origins=ORIGINS, answer=answer, site=Site)
        self.between = Between(self.world.stack)
        self._driver = driver
        self._behind = None
        self.slow: list[str] = []
        self._told: dict[tuple[str, str, str], Told] = {}

    def stop(self) -> None:
        """End everything."""
        if self._behind is not None:
            self._behind.close()
        self.between.close()
        self.world.stop()

    def context(self, way: str):
        """A fresh profile for one of the ways."""
        if way != FALLBACK:
            return self.world.context(through=way != DIRECT)
        browser = self._behind or self._launch()
        self._behind, made = fresh_context(browser, self._launch)
        return made

    def _launch(self):
        stack = self.world.stack
        rules = self.world.rules(through=True).replace(
            f"127.0.0.1:{stack.port}", f"127.0.0.1:{self.between.port}"
        )
        return launch(self._driver, rules, stack.trust("site", "gateway"))

    def told(self, way: str, group: str = "", part: str = "") -> Told:
        """All cases one way; only those of a group, or with ``part`` in their names."""
        key = (way, group, part)
        if key not in self._told:
            self._told[key] = self._run(way, group, part)
        return self._told[key]

    def _run(self, way: str, only: str, part: str) -> Told:
        world = self.world
        world.site.forget()
        before, upgrades = len(world.tripwire.touched), self.between.taken
        waiting = [group for group in reversed(GROUPS) if only in {"", group}]
        running: dict[str, Running] = {}
        found: dict[str, dict[str, object]] = {}
        try:
            while waiting or running:
                while waiting and len(running) < SIDE_BY_SIDE:
                    group = waiting.pop(0)
                    running[group] = Running(world, self.context(way), way, group, part)
                for group, one in tuple(running.items()):
                    if one.is_done():
                        found[group] = one.results()
                        self.slow += one.slow
                        running.pop(group).close()
        finally:
            for one in running.values():
                one.close()
        results = {
            f"{group}: {name}": value
            for group in GROUPS
            for name, value in found.get(group, {}).items()
        }
        return Told(results, len(world.tripwire.touched) - before, self.between.taken - upgrades)


class Running:
    """A page with a group of cases, which runs them, and a worker that does so beside it.

    Each has a profile of its own, and with it a process: browsers make those wait for long whose
    WebSockets failed before, by process.
    """

    def __init__(self, world: World, context, way: str, group: str, part: str) -> None:
        """Begin."""
        self._world, self._through = world, way != DIRECT
        self.slow: list[str] = []
        self._context = context
        try:
            self._context.set_default_timeout(30_000)
            self._page = self._context.new_page()
            self._page.on("console", lambda one: self._hear(way, one.text))
            self._frame = world.open(self._page, f"{A}/run/{group}", through=self._through)
            self._frame.evaluate(_BEGIN, [group, part])
        except BaseException:
            self.close()
            raise

    def _hear(self, way: str, text: str) -> None:
        if "slow:" in text or VERBOSE:
            self.slow.append(f"{way} {text}")

    def is_done(self) -> bool:
        """Whether all cases have come to their ends; takes in what the browser says meanwhile."""
        self._page.wait_for_timeout(50)
        return self._frame.evaluate("!!globalThis.outcome")

    def results(self) -> dict[str, object]:
        """What each case gave, by its name."""
        found = self._frame.evaluate("outcome")
        return self._world.plainly(found) if self._through else found

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(Error):  # its browser may be gone
            self._context.close()
