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
from tests.browser.harness import launch, settle
from tests.browser.runtime.world import World
from tests.browser.websocket.between import Between
from tests.browser.websocket.differing import DIRECT, FALLBACK, HERE
from tests.browser.websocket.server import Site, json_answer

A, B = "https://a.test", "https://b.test"
ORIGINS = {A: "secure", B: "secure", "https://a.test:8443": "secure"}
GROUPS = ("constructor", "shape", "send", "close", "events", "places")
JS = "text/javascript"
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
        self._told: dict[tuple[str, str, str], Told] = {}

    def stop(self) -> None:
        """End everything."""
        self.between.close()
        self.world.stop()

    def browser(self, way: str):
        """A browser of its own for one of the ways."""
        if way != FALLBACK:
            return contextlib.nullcontext(
                self.world.directly if way == DIRECT else self.world.through
            )
        stack = self.world.stack
        rules = self.world.rules(through=True).replace(
            f"127.0.0.1:{stack.port}", f"127.0.0.1:{self.between.port}"
        )
        return contextlib.closing(launch(self._driver, rules, stack.trust("site", "gateway")))

    def told(self, way: str, group: str = "", part: str = "") -> Told:
        """All cases one way; only those of a group, or with ``part`` in their names."""
        key = (way, group, part)
        if key not in self._told:
            with self.browser(way) as browser:
                self._told[key] = self._run(browser, way, group, part)
        return self._told[key]

    def _run(self, browser, way: str, only: str, part: str) -> Told:
        world = self.world
        world.site.forget()
        before, upgrades = len(world.tripwire.touched), self.between.taken
        results: dict[str, object] = {}
        context = browser.new_context()
        context.set_default_timeout(15_000)
        try:
            for group in GROUPS:
                if only in {"", group}:
                    results |= self._group(context, way, group, part)
        finally:
            with contextlib.suppress(Error):
                context.close()
        return Told(results, len(world.tripwire.touched) - before, self.between.taken - upgrades)

    def _group(self, context, way: str, group: str, part: str) -> dict[str, object]:
        page = context.new_page()
        slow: list[str] = []
        page.on(
            "console", lambda one: slow.append(one.text) if "slow:" in one.text or VERBOSE else None
        )
        through = way != DIRECT
        frame = self.world.open(page, f"{A}/run/{group}", through=through)
        found, worker = frame.evaluate(
            """([group, part]) => Promise.all([runAll(part), group === "places" ? {} : new Promise((done, fail) => {
              const worker = new Worker(`/worker.js?group=${group}`);
              worker.onmessage = ({ data }) => done(data);
              worker.onerror = ({ message }) => fail(new Error(message));
              worker.postMessage(part);
            })])""",
            [group, part],
        )
        found |= {f"worker: {name}": value for name, value in worker.items()}
        settle(page, lambda: True, "the console has been heard")
        page.close()
        self.slow = [*getattr(self, "slow", ()), *(f"{way} {one}" for one in slow)]
        if through:
            found = self.world.plainly(found)
        return {f"{group}: {name}": value for name, value in found.items()}
