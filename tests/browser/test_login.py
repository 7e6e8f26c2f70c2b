"""Signing in as a person does it: with a password, and by way of an OpenID provider."""

from __future__ import annotations

import json
import ssl
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from argon2 import PasswordHasher
from joserfc import jwt
from joserfc.jwk import ECKey
from playwright.sync_api import Error

from tests.browser.harness import DOMAIN, Stack, launch, resolver_rules
from tests.browser.test_outer_frame import SHOP, frame_of, open_site
from tests.browser.text_browsers import Lynx, Proxy, W3m

pytestmark = pytest.mark.browser
ISSUER = "https://id.test"
PASSWORD = "a-password-of-ada"
KEY = ECKey.generate_key("P-256")


class Provider(BaseHTTPRequestHandler):
    """Signs everybody in as ada, without a question; ``seen`` are the addresses it was asked for."""

    seen: list[str] = []
    nonces: dict[str, str] = {}

    def do_GET(self) -> None:
        """Discovery, keys, and where people come by."""
        self.seen.append(self.path)
        url = urlsplit(self.path)
        if url.path == "/authorize":
            asked = {name: one[0] for name, one in parse_qs(url.query).items()}
            code = f"code{len(self.nonces)}"
            self.nonces[code] = asked["nonce"]
            back = urlencode({"code": code, "state": asked["state"], "iss": ISSUER})
            self.send_response(303)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        elif url.path == "/keys":
            self.say({"keys": [{**KEY.as_dict(private=False), "kid": "k"}]})
        else:
            ends = {
                "authorization_endpoint": "authorize",
                "token_endpoint": "token",
                "jwks_uri": "keys",
            }
            self.say({"issuer": ISSUER, **{name: f"{ISSUER}/{end}" for name, end in ends.items()}})

    def do_POST(self) -> None:
        """A token for a code."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": "gateway", "sub": "ada", "iat": now, "exp": now + 60,
            "nonce": self.nonces.pop(form["code"][0]),
        }  # fmt: skip
        self.say({"id_token": jwt.encode({"alg": "ES256", "kid": "k"}, claims, KEY)})

    def say(self, content) -> None:
        """Answer."""
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def provider(stack):
    """The provider's port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*stack.certificate("id", "id.test"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def asking(stack, provider, tmp_path):
    """Start a gateway with this table."""
    began = []

    def begin(extra: str) -> Stack:
        made = Stack(tmp_path)
        made.ca = stack.ca
        made.hosts = {**stack.hosts, ISSUER: provider}
        began.append(made)
        made.start_gateway(extra)
        return made

    yield begin
    for made in began:
        made.stop()


@pytest.fixture
def page_of(playwright, tripwire, provider):
    """A page of a browser that reaches a gateway and the provider."""
    began = []

    def begin(made: Stack, **options):
        to_provider = f"MAP id.test:443 127.0.0.1:{provider}, MAP * "
        rules = resolver_rules(made, tripwire).replace("MAP * ", to_provider)
        browser = launch(playwright, rules)
        began.append(browser)
        context = browser.new_context(
            ignore_https_errors=True, viewport={"width": 600, "height": 500}, **options
        )
        context.set_default_timeout(20_000)
        return context.new_page()

    yield begin
    for browser in began:
        browser.close()


def passwords(folder) -> str:
    """The table for a password file with ada in it."""
    file = folder / "passwords"
    line = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    file.write_text(f"ada:{line}\n")
    file.chmod(0o600)
    return f'[authentication]\npassword-file = "{file}"\n'


def test_password(asking, page_of, tmp_path):
    """The browser asks, the site is shown; a browser without the password sees nothing of it."""
    made = asking(passwords(tmp_path))
    page = page_of(made, http_credentials={"username": "ada", "password": PASSWORD})
    page.goto(made.codec.portal_origin + "/")
    page.get_by_label("Web address").fill("shop.demo.example")
    page.keyboard.press("Enter")
    frame = frame_of(made, page, SHOP)
    assert frame.locator("#visits").inner_text() == "1"
    # A second start: what the page itself does comes before the site is asked for.
    frame = open_site(made, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "2"
    stranger = page.context.browser.new_context(ignore_https_errors=True)
    other = stranger.new_page()
    try:  # nobody types any: the whole browser shows an error of its own, its shell the answer
        answer = other.goto(made.codec.portal_origin + "/")
    except Error as error:
        assert "INVALID_AUTH_CREDENTIALS" in str(error)
    else:
        assert answer.status == 401
    assert not other.get_by_label("Web address").count()
    stranger.close()


@pytest.mark.parametrize("kind", [Lynx, W3m])
def test_text_browsers(asking, tmp_path, kind):
    """They ask for the password by themselves; the session that a form begins is signed in."""
    made = asking(passwords(tmp_path))
    proxy = Proxy(DOMAIN, made.port)
    portal = made.codec.portal_origin + "/"
    try:
        folder = tmp_path / "reader"
        folder.mkdir()
        reader = kind(folder, made.ca.certificate_file, proxy)
        site = made.codec.collapse_url(SHOP + "/")
        assert "Where would you like" not in reader.text(portal)
        if kind is Lynx:
            reader._options += (f"-auth=ada:{PASSWORD}",)
        else:
            # Asked on standard input where there is no terminal.
            reader._run = partial(reader._run, given=f"ada\n{PASSWORD}\n")
        assert "Where would you like to go?" in reader.text(portal)
        assert "shop.demo.example" not in reader.text(site)
        text = reader.submit(made.codec.secure_origin + "/", 0, url="shop.demo.example")
        assert "shop.demo.example" in text
        assert "shop.demo.example" in reader.text(site)
    finally:
        proxy.close()


def test_password_beside_a_provider(asking, page_of, tmp_path):
    """Whoever has a password signs in with it, from the page that leads to the provider."""
    both = (
        f'{passwords(tmp_path)}[authentication.oidc]\nissuer = "{ISSUER}"\nclient-id = "gateway"\n'
    )
    made = asking(both)
    page = page_of(made, http_credentials={"username": "ada", "password": PASSWORD})
    wanted = made.outer + SHOP + "/"
    page.goto(wanted)
    page.get_by_role("link", name="Sign in with a password instead").click()
    frame = frame_of(made, page, SHOP)
    assert frame.locator("#visits").inner_text() == "1"
    page.wait_for_url(wanted)


def test_provider(asking, page_of, shots):
    """The page that asks, the provider, and on to the site that was wanted from the beginning."""
    made = asking(f'[authentication.oidc]\nissuer = "{ISSUER}"\nclient-id = "gateway"\n')
    page = page_of(made)
    wanted = made.outer + SHOP + "/"
    page.goto(wanted)
    page.get_by_role("heading", name="Please sign in").wait_for()
    assert not page.locator("#password").is_visible()
    page.screenshot(path=shots / "login.png")
    page.get_by_role("link", name="Sign in").click()
    frame = frame_of(made, page, SHOP)
    assert frame.locator("#visits").inner_text() == "1"
    page.wait_for_url(wanted)
    # The address of the site is nothing to the provider.
    asked = [one for one in Provider.seen if one.startswith("/authorize")]
    assert len(asked) == 1
    assert "shop" not in asked[0]
    # The portal signs in for itself.
    page.goto(made.codec.portal_origin + "/")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("heading", name="Where would you like to go?").wait_for()
    assert len([one for one in Provider.seen if one.startswith("/authorize")]) == 2
