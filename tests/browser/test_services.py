"""Services as browsers use them: from an application of one's own, which nobody rewrites."""

from __future__ import annotations

import contextlib
import socketserver
import threading

import pytest

from tests.browser.harness import DOMAIN, Stack, launch, resolver_rules

pytestmark = pytest.mark.browser
APP = "https://app.test"
LOCAL = ("LocalNetworkAccessChecks", "LocalNetworkAccessChecksWebSockets")
"""What keeps pages from elsewhere from servers on this machine, where the gateway of a test is."""
TALK = """async ({ url, protocols, say, code }) => {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";
  const heard = [];
  const ended = new Promise((done) => {
    socket.onclose = (event) => done([event.wasClean, event.code, event.reason]);
  });
  const opened = await new Promise((done) => {
    socket.onopen = () => done(true);
    ended.then(() => done(false));
    setTimeout(() => done("late"), 15000);
  });
  if (opened !== true) return { opened, ended: opened === "late" ? null : await ended };
  const enough = new Promise((done) => {
    setTimeout(done, 15000);
    socket.onmessage = ({ data }) => {
      heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
      if (heard.length === say.length) done();
    };
  });
  for (const one of say) socket.send(typeof one === "string" ? one : new Uint8Array(one));
  await enough;
  if (code) socket.close(code, "done");
  return { opened, protocol: socket.protocol, heard, ended: code ? await ended : null };
}"""


class _Echo(socketserver.BaseRequestHandler):
    """A server of octets that says what it hears."""

    def handle(self) -> None:
        """Until the other side ends."""
        with contextlib.suppress(OSError):
            while data := self.request.recv(4096):
                self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """A gateway with an echo, and a stream of octets behind STOMP's name."""
    server = _Server(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Stack(tmp_path_factory.mktemp("services"))
    text = ""
    for name, connect in (
        ("echo", "echo:"),
        ("queue", f"tcp://127.0.0.1:{server.server_address[1]}"),
    ):
        text += f'[[service]]\nname = "{name}"\naccept = "/services/{name}"\n'
        text += f'connect = "{connect}"\nallow-origins = ["{APP}"]\n'
    made.start_gateway(text)
    yield made
    made.stop()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser(playwright, services, tripwire):
    """One for all."""
    made = launch(playwright, resolver_rules(services, tripwire), without=LOCAL)
    yield made
    made.close()


def _talk(where, services, name: str, protocols=(), say=(), code: int = 0):
    url = f"wss://{DOMAIN}:{services.port}/services/{name}"
    return where.evaluate(
        TALK, {"url": url, "protocols": list(protocols), "say": list(say), "code": code}
    )


def _application(page, origin: str):
    """A page of an application that nobody rewrites."""
    page.route(
        f"{origin}/**", lambda route: route.fulfill(body="<p>app</p>", content_type="text/html")
    )
    page.goto(f"{origin}/")
    return page


def test_application(page, services):
    """Text and octets come back, a close code is what it was, and the subprotocol is told."""
    app = _application(page, APP)
    found = _talk(app, services, "echo", ["a", "b"], ["héllo 👋", [0, 255], ""], 4001)
    assert found == {
        "opened": True,
        "protocol": "a",
        "heard": ["héllo 👋", [0, 255], ""],
        "ended": [True, 4001, "done"],
    }


def test_stream(page, services):
    """STOMP's clients hear text, others octets."""
    app = _application(page, APP)
    found = _talk(app, services, "queue", ["v12.stomp"], ["SEND\n\nh€llo\0"], 1000)
    assert (found["protocol"], found["heard"]) == ("v12.stomp", ["SEND\n\nh€llo\0"])
    assert found["ended"] == [True, 1000, "done"]
    found = _talk(app, services, "queue", ["mqtt"], [[16, 2]])
    assert (found["protocol"], found["heard"]) == ("mqtt", [[16, 2]])


def test_another_origin(page, services):
    """A page that is not allowed sees what it sees of any refusal: 1006."""
    app = _application(page, "https://evil.test")
    found = _talk(app, services, "echo")
    assert found == {"opened": False, "ended": [False, 1006, ""]}
