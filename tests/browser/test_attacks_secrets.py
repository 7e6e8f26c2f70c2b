"""No secret leaves: everything that a browser sees, the log, the store and the error pages.

Sites set cookies with values that no page prints; what the browser got, what the gateway
wrote and what its store holds is searched for them and for every ``ick``.
"""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from playwright.sync_api import Error

from gateway import wire
from tests.browser.attacks.site import AD, BANK, EVIL
from tests.browser.attacks.world import World, settle

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


def visits(world, page) -> None:
    """A day: sign in, pay, sockets, hostile pages, refusals and error pages, all with cookies."""
    frame = world.open(page, BANK + "/")
    frame.locator("#login input").fill("Ada")
    frame.locator("#login button").click()
    frame.locator("#who", has_text="Ada").wait_for()
    frame.locator("#pay button").click()
    settle(page, lambda: world.changes(0)[-1:] == ["POST /pay"], "it is paid")
    frame = world.open(page, BANK + "/?extra=" + quote(f'<iframe src="{AD}/"></iframe>'))
    frame.evaluate(
        "() => new Promise((done) => { const w = new WebSocket('wss://bank.test/ws');"
        " w.onclose = done; w.onmessage = () => w.close(); })"
    )
    frame = world.open(page, EVIL + "/")
    frame = world.open(page, EVIL + "/?2")
    frame.evaluate(
        """(bank) => Promise.allSettled([
          fetch("/"), fetch(bank + "/", { credentials: "include" }), fetch("/nothing"),
          fetch(bank + "/pay?__gw=x", { method: "POST", mode: "no-cors", credentials: "include" }),
          fetch("/.gateway/attest?c=x&n=y"), fetch("/.gateway/token", { method: "POST" }),
          fetch("/.gateway/nothing"), fetch("https://closed.test/", { credentials: "include" }),
        ])""",
        world.collapsed(BANK),
    )
    for url in ("https://closed.test/", BANK + "/nothing", BANK + "/%zz"):
        page.goto("about:blank")
        page.goto(world.stack.outer + url)
        settle(page, lambda: len(page.frames) > 1, url)
        page.frames[1].wait_for_load_state("load")
    page.goto(world.stack.codec.secure_origin + wire.SETTINGS_PATH)
    page.goto(world.stack.codec.portal_origin + "/")
    page.goto(world.collapsed(BANK) + "/.gateway/oops")


def told(response) -> bytes:
    """A response as the browser saw it; Set-Cookie only where no session is to be set."""
    sets = any(path in response.url for path in SETTING)
    fields = [
        f"{one['name']}: {one['value']}"
        for one in response.headers_array()
        if not (sets and one["name"].lower() == "set-cookie")
    ]
    try:
        body = response.body()
    except Error:  # a redirect has none, nor has what went with its page
        body = b""
    return "\n".join([response.url, *fields]).encode() + b"\n\n" + body


def test_no_secret_leaves(world, subtests):
    """Nothing of a whole run holds an ``ick`` or a site's cookie."""
    seen: list[tuple[str, bytes]] = []
    with world.tab() as page:
        responses = []
        page.on("response", lambda one: responses.append(one))
        visits(world, page)
        seen += [(one.url, told(one)) for one in responses]
        # What script of any page can read, of the outer frame too.
        page.goto(world.stack.codec.secure_origin + "/")
        kept = page.evaluate("JSON.stringify([{...localStorage}, document.cookie, location.href])")
        seen.append(("storage", kept.encode()))
        assert len(world.cookies(page, "ick")) == 1
    secrets = world.icks | world.sites.secrets
    assert len(world.icks) >= 1
    assert len(world.sites.secrets) >= 2
    assert len(seen) > 40
    assert any(f"sid={one}" in str(asked.fields) for one in world.sites.secrets for asked in world.site.log)  # fmt: skip
    folder = world.stack.folder
    files = sorted(folder.glob("gateway.db*")) + sorted(folder.glob("*.log"))
    assert len(files) >= 2
    seen += [(one.name, one.read_bytes()) for one in files]
    for where, text in seen:
        with subtests.test(msg=where.partition("?")[0]):
            assert found(text, secrets) == []
