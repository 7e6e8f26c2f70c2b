"""No secret leaves: everything that a browser sees, the log, the store and the error pages.

Sites set cookies with values that no page prints; what the browser got, what the gateway
wrote and what its store holds is searched for them and for every ``ick``.
"""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from playwright.sync_api import Error

from gateway import events, wire
from tests.browser.attacks.site import AD, BANK, EVIL
from tests.browser.attacks.world import World
from tests.browser.harness import SECRETS, betrayed, remember_secrets, settle

pytestmark = pytest.mark.browser
SETTING = (wire.BOOTSTRAP_PATH, wire.RESTORE_PATH, wire.CHECK_PATH)


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("secrets"), playwright)
    yield made
    made.stop()


def forms_of(secret: str) -> list[bytes]:
    """A secret as it stands, and in the codings in which it might slip out."""
    raw = secret.encode()
    forms = [raw, quote(secret, safe="").encode(), raw[::-1], raw.hex().encode()]
    # base64 of a text has three shapes; their inner part is the same wherever it stands.
    forms += [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [*forms, *_octets(raw)]


def _octets(raw: bytes) -> list[bytes]:
    """The key itself, where the secret is an ``ick``."""
    try:
        octets = base64.urlsafe_b64decode(raw[1:] + b"=")
    except ValueError:
        return []
    return [octets, octets.hex().encode()] if len(raw) == 44 and len(octets) == 32 else []


def found(text: bytes, secrets: set[str]) -> list[str]:
    """Which secrets a text holds; told by number alone, for this is a log too."""
    return [
        f"secret {number}, form {at}"
        for number, secret in enumerate(sorted(secrets))
        for at, form in enumerate(forms_of(secret))
        if form in text
    ]


def test_the_search_finds(world):
    """What would leak is found in each of its forms."""
    ick = next(iter(world.outsider().cookies.values()))
    for text in forms_of(ick):
        assert found(b"before " + text + b" after", {ick}), text
    assert not found(b"nothing", {ick})


def test_each_run_is_searched(stack, page):
    """What ends a stack of whatever test knows this profile's secrets, and would find them."""
    page.goto(stack.outer)
    settle(page, lambda: page.evaluate("localStorage.getItem('gw.ickt')"), "a session")
    remember_secrets(page.context)
    kept = {one["name"]: one["value"] for one in page.context.cookies()}
    told = {kept["__Http-ick"], page.evaluate("localStorage.getItem('gw.ickt')")}
    assert told <= SECRETS
    for secret in told:
        assert betrayed([b"a line", b"before " + secret.encode() + b" after"], SECRETS)
    assert not betrayed([b"a line"], SECRETS)


def visits(world, page, got) -> None:
    """A day: sign in, pay, sockets, hostile pages, refusals and error pages, all with cookies."""

    def open_(url: str):
        got.calm(page)
        return world.open(page, url)

    frame = world.sign_in(page)
    got.calm(page)
    frame.locator("#pay button").click()
    settle(page, lambda: world.changes(0)[-1:] == ["POST /pay"], "it is paid")
    frame = open_(BANK + "/?extra=" + quote(f'<iframe src="{AD}/"></iframe>'))
    frame.evaluate(
        "() => new Promise((done) => { const w = new WebSocket('wss://bank.test/ws');"
        " w.onclose = done; w.onmessage = () => w.close(); })"
    )
    open_(EVIL + "/")
    frame = open_(EVIL + "/?2")
    frame.evaluate(
        """(bank) => Promise.allSettled([
          fetch("/"), fetch(bank + "/", { credentials: "include" }), fetch("/nothing"),
          fetch("/pay?__gw=x", { method: "POST" }),
          fetch(bank + "/pay?__gw=x", { method: "POST", mode: "no-cors", credentials: "include" }),
          fetch("/.gateway/attest?c=x&n=y"), fetch("/.gateway/token", { method: "POST" }),
          fetch("/.gateway/nothing"), fetch("https://closed.test/", { credentials: "include" }),
        ].map((asked) => asked.then((answer) => answer.text())))""",
        world.collapsed(BANK),
    )
    for url in ("https://closed.test/", BANK + "/nothing", BANK + "/%zz"):
        got.calm(page)
        page.goto("about:blank")
        page.goto(world.stack.outer + url)
        settle(page, lambda: len(page.frames) > 1, url)
        page.frames[1].wait_for_load_state("load")
    secure = world.stack.codec.secure_origin
    portal = world.stack.codec.portal_origin + "/"
    # What script of any page can read is looked at last, in the outer frame.
    oops = world.collapsed(BANK) + "/.gateway/oops"
    for url in (secure + wire.SETTINGS_PATH, portal, oops, secure + "/"):
        got.calm(page)
        page.goto(url)
    got.calm(page)


class Seen:
    """What a browser got: every response, with its body while it is there, and every word."""

    def __init__(self, page) -> None:
        """Look on from now."""
        self.texts: list[tuple[str, bytes]] = []
        """Addresses, and what came from there."""
        self.kept: list[bytes] = []
        """What sets the session, where alone its values may stand."""
        self.lost: list[str] = []
        """Whose bodies had gone when they were asked for."""
        self.under_way = 0
        page.context.on("request", lambda _: self._count(1))
        page.context.on("requestfailed", lambda _: self._count(-1))
        page.context.on("requestfinished", self._finished)
        page.on("websocket", self._socket)

    def calm(self, page) -> None:
        """Wait until every body is here; with its page it goes."""
        settle(page, lambda: self.under_way == 0, "every body is here")

    def _count(self, more: int) -> None:
        self.under_way += more

    def _finished(self, request) -> None:
        """Take in a response, its Set-Cookie apart where a session is to be set."""
        response = request.response()
        fields, setting = [], any(path in request.url for path in SETTING)
        for one in response.headers_array():
            line = f"{one['name']}: {one['value']}"
            if setting and one["name"].lower() == "set-cookie":
                self.kept.append(line.encode())
            else:
                fields.append(line)
        try:
            body = response.body()
        except Error:  # a redirect has none
            body = b""
            # What all pages load alike may come while the page is left already.
            alike = any(path in request.url for path in (wire.ASSET_PATH, wire.WITHIN_PATH))
            if not 300 <= response.status < 400 and not alike:
                self.lost.append(request.url)
        text = "\n".join([request.url, *fields]).encode() + b"\n\n" + body
        self.texts.append((request.url, text))
        self._count(-1)

    def _socket(self, socket) -> None:
        def take_in(said) -> None:
            self.texts.append((socket.url, said if isinstance(said, bytes) else said.encode()))

        socket.on("framereceived", take_in)


# What a visit must have shown, or the search was of nothing: a text, and whose it is.
KNOWN = {
    "a page": b"<form id=login method=post action=/login>",
    "a page that knows the person": b"<p id=who>Ada</p>",
    "a hostile page": b"<title>evil.test</title>",
    "a frame in a page": b"<title>ad.test</title>",
    "what a page's runtime gets": b'<script type="application/json" id="__gw">',
    "the runtime": b"/.gateway/attest?c=",
    "what attests a session": b'"restore":',
    "a socket's word": b'"host": "bank.test"',
    "a refusal": b"too old",
    "a closed address": b"This address is not open here",
    "the settings": b"Forget me",
    "fields": b"content-security-policy: ",
}


def test_no_secret_leaves(world, subtests):
    """Nothing of a whole run holds an ``ick`` or a site's cookie."""
    with world.tab() as page:
        got = Seen(page)
        visits(world, page, got)
        kept = page.evaluate("JSON.stringify([{...localStorage}, document.cookie, location.href])")
        assert len(world.cookies(page, "ick")) == 1
    seen = [*got.texts, ("storage", kept.encode())]
    secrets = world.icks | world.sites.secrets
    assert len(world.icks) >= 1
    assert len(world.sites.secrets) >= 2
    # The search could find something: the session was set before its eyes, and it saw these.
    assert found(b"\n".join(got.kept), world.icks)
    for what, text in KNOWN.items():
        assert any(text in one for _, one in seen), what
    assert got.lost == []
    assert any(f"sid={one}" in str(asked.fields) for one in world.sites.secrets for asked in world.site.log)  # fmt: skip
    folder = world.stack.folder
    files = sorted(folder.glob("gateway.db*")) + sorted(folder.glob("*.log"))
    stored = {one.name: one.read_bytes() for one in files}
    assert stored["gateway.db"].startswith(b"SQLite format 3")
    assert events.CSRF_TOKEN.encode() in stored["gateway.log"]
    seen += stored.items()
    for where, text in seen:
        with subtests.test(msg=where.partition("?")[0]):
            assert found(text, secrets) == []
