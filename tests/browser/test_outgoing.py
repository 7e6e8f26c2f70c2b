"""What pages say of themselves arrives as if they were loaded directly: queries, forms, JSON."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote

import pytest

from tests.browser.harness import settle
from tests.browser.runtime.pages import A, B
from tests.browser.runtime.site import Answer, Asked
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser

SEND = b"""<!doctype html><title>send</title><iframe name=into></iframe><script>
async function sendAll(to) {
  const here = location.href, form = new FormData();
  form.append("u", here);
  form.append("file", new File([here], "x.txt", { type: "text/plain" }));
  form.append("meta", new Blob([JSON.stringify({ u: here })], { type: "application/json" }));
  const json = JSON.stringify({ u: here, o: location.origin, h: location.host, "in": JSON.stringify({ here }) });
  const own = { "X-Own": here };
  const post = (n, body, headers) => fetch(`${to}/echo?case=${n}`, { method: "POST", body, headers });
  await fetch(`${to}/echo?case=query&u=${encodeURIComponent(here)}&h=${location.hostname}&b=${btoa(here)}&${here}`);
  await fetch(`${to}/echo?case=nested&c=${encodeURIComponent("/x?u=" + encodeURIComponent(here))}`, { headers: own });
  await post("json", json, { "Content-Type": "application/json" });
  await post("text", json);
  await post("urlencoded", new URLSearchParams({ u: here, j: json, p: "100%" }));
  await post("multipart", form);
  await post("binary", new Blob([here], { type: "application/octet-stream" }));
  await post("large", new URLSearchParams({ u: here, x: "y".repeat(400000), v: here }));
  await new Promise((done) => {
    const asking = new XMLHttpRequest();
    asking.onload = done;
    asking.open("POST", `${to}/echo?case=xhr&u=${encodeURIComponent(here)}`);
    asking.send(json);
  });
  navigator.sendBeacon(`${to}/echo?case=beacon`, json);
  await new Promise((done) => {
    const socket = new WebSocket(`${to.replace("https", "wss")}/socket?case=socket&u=${encodeURIComponent(here)}&h=${location.host}`);
    socket.onmessage = () => (socket.close(), done());
  });
  for (const [method, enctype] of [["GET", ""], ["POST", "application/x-www-form-urlencoded"], ["POST", "text/plain"]]) {
    const made = Object.assign(document.createElement("form"), { method, enctype, action: `${to}/landed?case=${method}${enctype}`, target: "into" });
    made.innerHTML = `<input name=case value="form ${method} ${enctype}"><input name=u>`;
    made.elements.u.value = here;
    document.body.append(made);
    const frame = document.querySelector("iframe");
    await new Promise((done) => { frame.onload = done; made.submit(); });
  }
}
function signIn(to) {
  const state = btoa(JSON.stringify({ back: location.href, n: 1 }));
  sessionStorage.state = state;
  const back = encodeURIComponent(location.origin + "/cb");
  location.href = `${to}/authorize?redirect_uri=${back}&state=${encodeURIComponent(state)}&client_id=${location.host}`;
}
</script>"""
BACK = b"""<!doctype html><title>back</title><script>
const found = new URLSearchParams(location.search);
const { state } = sessionStorage;
fetch("/token", { method: "POST", body: new URLSearchParams({ redirect_uri: location.origin + location.pathname, code: found.get("code") }) })
  .then((answer) => answer.text()).then((text) => { document.title = text + (found.get("state") === state ? " same" : " other"); });
</script>"""


def _answer(asked: Asked) -> Answer | None:
    if asked.path == "/send":
        return Answer(SEND)
    if asked.path == "/cb":
        return Answer(BACK)
    if asked.path == "/authorize":
        # As providers do: only a redirect that was registered.
        if asked.query["redirect_uri"] != A + "/cb":
            return Answer(b"redirect_uri is not registered", status=400)
        state = quote(asked.query["state"], safe="")
        return Answer(fields=(("Location", f"{A}/cb?code=7&state={state}"),), status=302)
    if asked.path == "/token":
        sound = asked.body == f"redirect_uri={quote(A + '/cb', safe='')}&code=7".encode()
        return Answer(b"signed in" if sound else b"refused", "text/plain")
    return None


@pytest.fixture(scope="module")
def world(tmp_path_factory, playwright):
    """A site that is told of itself."""
    found = World(
        tmp_path_factory.mktemp("outgoing"), playwright, {A: "secure", B: "secure"}, _answer
    )
    yield found
    found.stop()


def _seen(asked: Asked) -> tuple:
    body = asked.body
    kind = asked.fields.get("Content-Type", "")
    boundary = re.search(r"boundary=(\S+)", kind)
    if boundary is not None:
        body = body.replace(boundary.group(1).encode(), b"B")
        kind = "multipart"
    query = tuple(sorted(asked.query.items()))
    own = asked.fields.get("X-Own", "")
    return asked.method, asked.host, asked.path, query, own, kind, body


def _sent(world: World, to: str, *, through: bool) -> dict[str, tuple]:
    """Everything that arrived, by its case."""
    since = len(world.site.log)

    def cases() -> dict[str, tuple]:
        found = [one for one in world.site.log[since:] if one.case and one.method != "OPTIONS"]
        return {one.case + one.method: _seen(one) for one in found}

    with world.tab(through=through) as page:
        frame = world.open(page, f"{A}/send?from=%2Fa", through=through)
        frame.evaluate("(to) => sendAll(to)", to)
        settle(page, lambda: "beaconPOST" in cases(), "the beacon arrives", 5)
    return cases()


@pytest.mark.parametrize("to", [A, B])
def test_what_is_sent(world, to):
    """To its own origin and to another one; a file stays what the person chose."""
    directly, through = (_sent(world, to, through=way) for way in (False, True))
    assert len(directly) == 14
    assert through.keys() == directly.keys()
    ours = world.collapsed(A).encode()
    for case, wanted in directly.items():
        found = through[case]
        if case in {"multipartPOST", "binaryPOST"}:
            # What is a file in the page's eyes is left alone.
            assert found[-1].count(ours) == 1, case
            found = (*found[:-1], found[-1].replace(ours, A.encode()))
        assert found == wanted, case


def test_oauth(world):
    """A provider that knows its clients' addresses; the state comes back as it was made."""
    for through in (False, True):
        since = len(world.site.log)
        with world.tab(through=through) as page:
            frame = world.open(page, f"{A}/send", through=through)
            frame.evaluate("(to) => signIn(to)", B)
            settle(
                page, lambda: _title(page, through=through).startswith("signed"), "signed in", 10
            )
            assert _title(page, through=through) == "signed in same"
        asked = next(one for one in world.site.log[since:] if one.path == "/authorize")
        assert asked.query["client_id"] == "a.test"
        back = next(one for one in world.site.log[since:] if one.path == "/cb")
        # The origin that the state names reads its own name in it.
        assert f"{A}/send".encode() in base64.b64decode(back.query["state"])


def _title(page, *, through: bool) -> str:
    frames = page.frames[1:2] if through else page.frames[:1]
    return frames[0].title() if frames else ""
