"""The client for applications that are no proxied pages, with a service, over networks as they are."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

import pytest

from tests.browser.harness import DOMAIN, launch, settle, stays
from tests.browser.runtime.world import World
from tests.browser.websocket.between import Between
from tests.browser.websocket.server import Site
from tests.browser.websocket.suite import A, answer

pytestmark = pytest.mark.browser
SERVICE = f"""
[[service]]
name = "echo"
accept = "/services/echo"
connect = "echo:"
allow-origins = ["{A}"]
"""
OPEN = """async ([origin, protocols]) => {
  const { WebSocket: Mine } = await import(`${origin}/.gateway/assets/websocket.js`);
  const socket = new Mine(`${origin.replace("https", "wss")}/services/echo`, protocols);
  Object.assign(window, { Mine, socket, got: [], events: [] });
  for (const type of ["open", "error", "close"]) socket.addEventListener(type, (event) => events.push(type === "close" ? [type, event.code, event.reason, event.wasClean] : type));
  socket.onmessage = ({ data }) => got.push(data);
}"""
TALK = """() => {
  socket.binaryType = "arraybuffer";
  socket.send("text \\u00e9");
  socket.send(Uint8Array.of(1, 2, 3));
}"""
TOLD = """() => ({
  got: got.map((one) => (typeof one === "string" ? one : [...new Uint8Array(one)])),
  url: socket.url.replace(location.origin, ""), is: [socket instanceof WebSocket, socket instanceof Mine, Mine.OPEN, socket.constructor === Mine],
  own: WebSocket !== Mine && new WebSocket(socket.url).readyState,
})"""


LOSSY = """() => {
  const { fetch: real } = window;
  window.turn = 0;
  const lost = window.lost = { request: 0, answer: 0, stream: 0 };
  window.fetch = async (url, init) => {
    const kinds = /ubm/.test(url) ? ["request", "", "answer"] : /dbm/.test(url) && !lost.stream ? ["stream"] : [""];
    const kind = kinds[turn++ % kinds.length];
    if (kind) lost[kind]++;
    if (kind === "request" || kind === "stream") throw new TypeError("Failed to fetch");
    const answer = await real.call(window, url, init);
    if (kind === "answer") {
      await answer.arrayBuffer();
      throw new TypeError("Failed to fetch");
    }
    return answer;
  };
}"""
"""A network that loses requests, and answers to some that arrived."""


class Ground:
    """A gateway with a service, an application on an origin of its own, and ways between them."""

    def __init__(self, folder, driver) -> None:
        """Start everything."""
        self.world = World(
            folder, driver, origins={A: "secure"}, answer=answer, site=Site, extra=SERVICE
        )
        self.origin = self.world.stack.codec.portal_origin
        self.betweens: dict[str, Between] = {}
        self._driver = driver

    def between(self, kind: str) -> Between:
        """What stands there: it ``blocks`` upgrades, or ``holds`` answers back as well."""
        if kind not in self.betweens:
            self.betweens[kind] = Between(self.world.stack, holds=kind == "holds")
        return self.betweens[kind]

    @contextlib.contextmanager
    def page(self, kind: str = ""):
        """The application, unproxied, its gateway natively there or behind something."""
        stack = self.world.stack
        port = self.between(kind).port if kind else stack.port
        gateway = f"MAP {DOMAIN}:{stack.port} 127.0.0.1:{port}, "
        start, _, rest = self.world.rules(through=False).partition("=")
        rules = f"{start}={gateway}{rest}"
        with contextlib.closing(
            launch(self._driver, rules, stack.trust("site", "gateway"))
        ) as browser:
            page = browser.new_page()
            page.goto(f"{A}/blank")
            yield page

    def open(self, page, protocols=()) -> None:
        """A socket, open."""
        page.evaluate(OPEN, [self.origin, list(protocols)])
        settle(page, lambda: page.evaluate("events.length"), "the socket has opened or not")

    def close(self) -> None:
        """End everything."""
        for one in self.betweens.values():
            one.close()
        self.world.stop()


@pytest.fixture(scope="module")
def ground(playwright, tmp_path_factory):
    """One for all tests."""
    made = Ground(tmp_path_factory.mktemp("client"), playwright)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("kind", ["", "blocks", "holds"])
def test_five_lines(ground, kind):
    """An application talks natively, over streams, and where those are held back."""
    with ground.page(kind) as page:
        ground.open(page)
        assert page.evaluate("events") == ["open"]
        page.evaluate(TALK)
        settle(page, lambda: page.evaluate("got.length") == 2, "both are said again")
        told = page.evaluate(TOLD)
        assert told["got"] == ["text é", [1, 2, 3]]
        assert urlsplit(told["url"]).query == ""
        assert told["is"] == [True, True, 1, True]
        assert told["own"] == 0
        page.evaluate("socket.close(3001, 'done')")
        settle(page, lambda: page.evaluate("events.length") == 2, "it closes")
        assert page.evaluate("events")[1] == ["close", 3001, "done", True]
        if kind == "holds":
            assert ground.between(kind).held
            assert page.evaluate("sessionStorage.__gw_sockets.slice(-1)") == "p"


def test_types_are_served(ground):
    """What the module's users compile against is beside it."""
    with ground.page() as page:
        text = page.evaluate(
            "origin => fetch(`${origin}/.gateway/assets/websocket.d.ts`).then(one => one.text())",
            ground.origin,
        )
        assert "typeof globalThis.WebSocket" in text


def test_lost_requests_and_answers(ground):
    """A request that never arrives, and one whose answer never does: nothing lost, nothing twice."""
    with ground.page("blocks") as page:
        page.evaluate(LOSSY)
        ground.open(page)
        for start in range(0, 200, 10):
            before = page.evaluate(
                "start => { for (let at = 0; at < 10; at++) socket.send(`${start + at}`); return turn; }",
                start,
            )
            # So that there are many requests.
            page.wait_for_function("before => turn > before", arg=before)
        settle(page, lambda: page.evaluate("got.length") >= 200, "all are said again", 60)
        stays(page, lambda: page.evaluate("got.length") == 200, "nothing comes twice", 0.3)
        assert page.evaluate("got") == [str(one) for one in range(200)]
        lost = page.evaluate("lost")
        assert min(lost.values()) > 0, lost
        assert page.evaluate("events") == ["open"]


def test_network_changes(ground):
    """Every connection is cut while messages go both ways: nothing is lost, nothing comes twice."""
    with ground.page("blocks") as page:
        ground.open(page)
        for at in range(60):
            page.evaluate("at => socket.send(`${at} ${'x'.repeat(3000)}`)", at)
            if at % 20 == 10:
                ground.between("blocks").cut()
            # Some are always on their way.
            page.wait_for_function("at => got.length >= at - 8", arg=at)
        settle(page, lambda: page.evaluate("got.length") >= 60, "all are said again", 60)
        stays(page, lambda: page.evaluate("got.length") == 60, "nothing comes twice", 0.3)
        assert page.evaluate("got.map((one) => +one.split(' ')[0])") == list(range(60))
        assert page.evaluate("[socket.bufferedAmount, socket.readyState]") == [0, 1]
        assert page.evaluate("events") == ["open"]


def test_server_gone(ground):
    """Where the gateway knows nothing of it any more the connection is lost: 1006, not clean."""
    with ground.page("blocks") as page:
        ground.open(page)
        page.route(
            "**/;e/ubm/**",
            lambda route: route.fulfill(
                status=404,
                headers={
                    "Access-Control-Allow-Origin": A,
                    "Access-Control-Allow-Credentials": "true",
                },
            ),
        )
        page.evaluate("socket.send('x')")
        settle(page, lambda: page.evaluate("events.length") == 2, "it ends")
        assert page.evaluate("events")[1] == ["close", 1006, "", False]
        assert page.evaluate("socket.bufferedAmount") == 1
