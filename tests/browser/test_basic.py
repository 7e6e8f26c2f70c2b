"""Mode ``basic`` as its users have it, in lynx, w3m and Chromium; and tossed at who has script."""

from __future__ import annotations

import json
import os
import re
import sys
import time

import pytest

from gateway.ops import keyfile
from gateway.session import bootstrap
from gateway.session.attestation import Mode
from tests.browser.basic_site import BANK, ELSEWHERE
from tests.browser.harness import (
    DOMAIN,
    Lasting,
    Stack,
    frame_of,
    launch,
    resolver_rules,
    settle,
    until,
)
from tests.browser.text_browsers import Lynx, Proxy, W3m
from tests.rewrite.injections import documents

pytestmark = pytest.mark.browser
ODD = ("display:", ":root", "{", "__gw", "revert", "undefined", "CANARY", "written by script")
"""Words of markup that nobody is to read."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A gateway before the bank."""
    made = Stack(tmp_path_factory.mktemp("basic"))
    files = made.certificate("sites", "bank.test", "elsewhere.test")
    site = made.run("sites", [sys.executable, "-m", "tests.browser.basic_site", *files])
    until(lambda: "}\n" in site.text(), "the sites listen: " + site.text())
    made.hosts.update(json.loads(site.text().splitlines()[0]))
    made.start_gateway()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def proxy(stack):
    """The way to the gateway's names alone."""
    made = Proxy(DOMAIN, stack.port)
    yield made
    assert made.refused == []
    made.close()


@pytest.fixture(params=(Lynx, W3m), ids=("lynx", "w3m"))
def reader(request, tmp_path, stack, proxy):
    """A text browser that nobody used yet."""
    return request.param(tmp_path, stack.ca.certificate_file, proxy)


def at(stack, url: str) -> str:
    """Where the gateway shows a URL."""
    return stack.codec.collapse_url(url)


def begin(stack, reader, url: str = BANK) -> str:
    """Accept on the outer page to go on without script."""
    return reader.submit(stack.codec.secure_origin + "/", 0, url=url)


def test_the_way_in(stack, reader):
    """Portal, its form, the outer page's form, the site; from then on, straight there."""
    portal = stack.codec.portal_origin + "/"
    text = reader.text(portal)
    assert "Where would you like to go?" in text
    assert "forgotten you" not in text
    text = reader.submit(portal, 0, url="bank.test")
    assert "JavaScript is off in this browser" in text
    assert text.index("Continue without JavaScript") < text.index("Go")
    assert "another window" not in text
    text = begin(stack, reader, "bank.test")
    assert "Not signed in" in text
    assert "This bank works without script" in text
    assert "Next" in text
    assert not [word for word in ODD if word in text]
    kept = reader.cookies()
    assert kept.count("__Http-ick") == kept.count("__Http-datr") == 1
    assert ".basic." in kept
    text = reader.submit(portal, 0, url="elsewhere.test/next")
    assert text.strip().splitlines()[0].strip() == "Elsewhere"
    assert reader.cookies().count("__Http-") == 2


def test_a_site(stack, reader):
    """Links, a form with GET, and signing in by one with POST, whose answer is a redirect."""
    begin(stack, reader)
    bank = at(stack, BANK + "/")
    assert "About the bank" in reader.text(at(stack, BANK + "/about"))
    assert at(stack, ELSEWHERE + "/next") in reader.source(bank)
    assert "You look for gold & more" in reader.submit(bank, 1, q="gold & more")
    assert "Not signed in" in reader.submit(bank, 0, user="ada", secret="wrong")
    text = reader.submit(bank, 0, user="ada", secret="sesame")
    assert "Signed in as ada" in text
    assert "Signed in as ada" in reader.text(bank)
    # The site's cookie is in the jar; the browser holds the session's two.
    assert "ada" not in reader.cookies()
    assert reader.cookies().count("\n") == 2
    # Without the page's token nobody signs anybody in.
    text = reader.post(at(stack, BANK + "/login"), {"user": "eve", "secret": "sesame"})
    assert "Load it again" in text
    assert "Signed in as ada" in reader.text(bank)
    asked = json.loads(reader.source(at(stack, BANK + "/asked")))
    assert not [path for path in asked if "__gw" in path]


def test_a_second_beginning(stack, reader):
    """Who begins again keeps session and jar; what is no address leads to the portal."""
    begin(stack, reader)
    reader.submit(at(stack, BANK + "/"), 0, user="ada", secret="sesame")
    before = reader.cookies()
    assert "Signed in as ada" in begin(stack, reader)
    assert "Where would you like to go?" in begin(stack, reader, "javascript:alert(1)")
    assert reader.cookies() == before


def test_forget_me(stack, reader):
    """Settings are read, and the form there ends the session; the portal says so."""
    begin(stack, reader)
    bank = at(stack, BANK + "/")
    assert "Signed in as ada" in reader.submit(bank, 0, user="ada", secret="sesame")
    settings = stack.codec.secure_origin + "/settings"
    text = reader.text(settings)
    assert "What is private" in text
    assert not [word for word in (*ODD, "did not work", "One moment") if word in text]
    text = reader.submit(settings, 0)
    assert "the gateway has forgotten you" in text
    assert not re.search(r"__Http-(ick|datr)\t\S", reader.cookies())
    then = int(time.time())
    # w3m counts in whole seconds, and sends what ended in this one.
    until(lambda: int(time.time()) > then, "a second is over")
    assert "JavaScript is off" in reader.text(bank)
    assert "Not signed in" in begin(stack, reader)


def test_kinds(stack, reader):
    """Text and documents of other kinds are read as what they are."""
    begin(stack, reader)
    assert "plain words" in reader.text(at(stack, BANK + "/words.txt"))
    assert "xhtml text" in reader.text(at(stack, BANK + "/page.xhtml"))
    assert "display" not in reader.text(at(stack, BANK + "/page.xhtml"))


# --- Chromium ---------------------------------------------------------------------------

# The canary, and whether a site's page is visible at the top.
SEEN = """
for (const name of ["alert", "confirm", "prompt", "msgbox"])
  window[name] = (said) => console.log("CANARY", said, location.href);
if (top === window) (function look() {
  // What a person could see of a site's page that nobody attests.
  if (document.body && location.host.startsWith("http") && getComputedStyle(document.documentElement).display !== "none")
    console.log("SHOWN", location.href);
  requestAnimationFrame(look);
})();
"""


class Visitor:
    """A browser profile, and what its pages were seen to do."""

    def __init__(self, browser) -> None:
        """Start with no cookies."""
        self.context = browser.new_context(
            ignore_https_errors=True, viewport={"width": 800, "height": 600}
        )
        self.context.set_default_timeout(20_000)
        self.context.add_init_script(SEEN)
        self.said: list[str] = []
        self.context.on("console", lambda message: self.said.append(message.text))
        self.page = self.context.new_page()

    def names(self) -> list[str]:
        """The session's cookies that the browser holds."""
        found = sorted(cookie["name"] for cookie in self.context.cookies())
        return [name for name in found if name in {"__Http-ick", "__Http-datr"}]

    def saw(self, what: str) -> list[str]:
        """What the pages were seen to do."""
        return [line for line in self.said if line.startswith(what)]


@pytest.fixture(scope="module")
def own_browser(playwright, stack, tripwire):
    """A browser that reaches this stack's gateway alone."""
    made = Lasting(lambda: launch(playwright, resolver_rules(stack, tripwire)))
    yield made
    made.close()


@pytest.fixture(scope="module")
def bare_browser(playwright, stack, tripwire):
    """The same, without script in any frame, which the driver's own switch is late for."""
    made = launch(
        playwright, resolver_rules(stack, tripwire), "--blink-settings=scriptEnabled=false"
    )
    yield made
    made.close()


@pytest.fixture
def bare(bare_browser):
    """Somebody whose browser runs no script."""
    made = Visitor(bare_browser)
    yield made
    assert made.saw("CANARY") == []
    made.context.close()


@pytest.fixture
def visitor(own_browser):
    """Somebody whose browser runs script."""
    made = Visitor(own_browser)
    yield made
    made.context.close()


def basic_session(stack) -> bootstrap.Minted:
    """A session of mode basic that somebody else has begun."""
    keys = keyfile.load_or_create(stack.folder / "gateway.keys")
    noise = os.urandom(bootstrap.RANDOM_NEEDED)
    return bootstrap.mint(keys, noise, int(time.time()), DOMAIN, Mode.BASIC)


def toss(context, minted, *places: tuple[str, str]) -> None:
    """Put a session's cookies into a browser: at their own places, or at each of these."""
    for field in minted.set_cookies:
        name, _, value = field.decode().partition(";")[0].partition("=")
        own = f".{DOMAIN}" if name.endswith("datr") else f".0.{DOMAIN}"
        for domain, path in places or ((own, "/"),):
            cookie = {"name": name, "value": value, "domain": domain, "path": path}
            context.add_cookies([{**cookie, "secure": True, "httpOnly": True, "sameSite": "Lax"}])


def begin_bare(stack, bare, url: str = "bank.test"):
    """Accept on the outer page to go on without script."""
    bare.page.goto(stack.codec.secure_origin + "/")
    bare.page.get_by_role("textbox").fill(url)
    bare.page.get_by_role("button", name="Continue without JavaScript").click()


def test_chromium_without_script(stack, bare, shots):
    """Portal, outer page, site: visible at the top with images, styles and frames."""
    page = bare.page
    page.goto(stack.codec.portal_origin + "/")
    page.get_by_label("Web address").fill("bank.test")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("button", name="Continue without JavaScript").wait_for()
    page.screenshot(path=shots / "basic-outer.png")
    assert page.get_by_role("button").all_inner_texts() == ["Continue without JavaScript"]
    begin_bare(stack, bare)
    bank = at(stack, BANK + "/")
    page.wait_for_url(bank)
    page.locator("#none").wait_for()
    page.screenshot(path=shots / "basic-bank.png")
    assert page.locator("#who").inner_text() == "Not signed in"
    color = "one => getComputedStyle(one).color"
    assert page.locator("h1").evaluate(color) == "rgb(1, 2, 3)"
    for image in ("#dot", "#logo"):
        assert page.locator(image).evaluate("one => one.complete && one.naturalWidth > 0"), image
    framed = page.frame_locator("iframe").locator("#x")
    framed.wait_for()
    assert framed.inner_text() == "I am in a frame"
    assert page.title() == "Bank"
    assert bare.names() == ["__Http-datr", "__Http-ick"]
    page.locator("[name=user]").fill("ada")
    page.locator("[name=secret]").fill("sesame")
    page.get_by_role("button", name="Sign in").click()
    page.locator("#who", has_text="Signed in as ada").wait_for()
    page.locator("[name=q]").fill("gold")
    page.get_by_role("button", name="Search").click()
    page.locator("#x", has_text="You look for gold").wait_for()
    page.goto(stack.codec.portal_origin + "/")
    page.get_by_label("Web address").fill("elsewhere.test/next")
    page.get_by_role("button", name="Open").click()
    page.wait_for_url(at(stack, ELSEWHERE + "/next"))
    assert page.locator("#x").is_visible()
    assert bare.names() == ["__Http-datr", "__Http-ick"]
    begin_bare(stack, bare, "nothing like an address")
    page.locator("h1", has_text="Where would you like to go?").wait_for()
    page.goto(stack.codec.secure_origin + "/settings")
    page.locator("[name=sure]").check()
    page.get_by_role("button", name="Forget me").click()
    page.locator("#forgotten").wait_for()
    page.goto(bank)
    assert page.url == stack.outer + BANK + "/"


def test_kinds_in_chromium(stack, bare, shots):
    """XHTML, SVG and text are visible at the top, too."""
    begin_bare(stack, bare)
    for path in ("/page.xhtml", "/page.svg", "/page.xml", "/boxed"):
        bare.page.goto(at(stack, BANK + path))
        bare.page.screenshot(path=shots / f"basic{path.replace('/', '-')}.png")
        assert bare.page.locator("#x").is_visible(), path
    bare.page.goto(at(stack, BANK + "/feed.rss"))
    assert "__gw" not in bare.page.content()
    bare.page.goto(at(stack, BANK + "/words.txt"))
    assert bare.page.locator("pre").inner_text() == "plain words"


def values(context) -> dict[str, str]:
    """The session cookies of a browser where only one each is left."""
    found = [one for one in context.cookies() if one["name"] in {"__Http-ick", "__Http-datr"}]
    assert len(found) == 2, [(one["name"], one["domain"], one["path"]) for one in found]
    return {one["name"]: one["value"] for one in found}


def signed_in(stack, visitor):
    """Somebody signed in at the bank, in the outer frame; the frame."""
    visitor.page.goto(stack.outer + BANK + "/")
    frame = frame_of(stack, visitor.page, BANK)
    frame.locator("[name=user]").fill("ada")
    frame.locator("[name=secret]").fill("sesame")
    frame.get_by_role("button", name="Sign in").click()
    frame.locator("#who", has_text="Signed in as ada").wait_for()
    return frame


HOST = f"https-bank-test.0.{DOMAIN}"
PLACES = (
    (),
    ((f".0.{DOMAIN}", "/about"), (f".{DOMAIN}", "/about")),
    ((HOST, "/"),),
    (("." + HOST, "/about"), (f".0.{DOMAIN}", "/")),
    ((f".{DOMAIN}", "/"), (f".0.{DOMAIN}", "/"), (HOST, "/"), (HOST, "/about")),
)


@pytest.mark.parametrize("places", PLACES, ids=range(len(PLACES)))
def test_a_tossed_session(stack, visitor, places):
    """The page at the top is never seen; in the outer frame the true session is back."""
    signed_in(stack, visitor)
    true = values(visitor.context)
    visitor.page.goto("about:blank")
    toss(visitor.context, basic_session(stack), *places)
    visitor.said.clear()
    visitor.page.goto(at(stack, BANK + "/about"), wait_until="commit")
    # Frames come and go while the session is put back: only what stays is looked at.
    visitor.page.wait_for_url(stack.outer + BANK + "/about", wait_until="commit")
    shown = visitor.page.frame_locator("#stage iframe").locator("#x")
    # (Counting has no bound of its own, and waits for ever where a frame is just being replaced.)
    shown.wait_for(timeout=30_000)
    assert visitor.saw("SHOWN") == []
    settle(visitor.page, lambda: len(visitor.names()) == 2, "one session is left")
    assert values(visitor.context) == true
    visitor.page.goto(stack.outer + BANK + "/")
    framed = visitor.page.frame_locator("#stage iframe")
    framed.locator("#who", has_text="Signed in as ada").wait_for()


def test_what_is_typed_under_a_tossed_session(stack, visitor, bare):
    """A form that was open meanwhile is not sent for the other session, whose jar stays empty."""
    visitor.page.goto(stack.outer + BANK + "/")
    frame = frame_of(stack, visitor.page, BANK)
    frame.locator("[name=user]").wait_for()
    minted = basic_session(stack)
    toss(visitor.context, minted)
    frame.locator("[name=user]").fill("ada")
    frame.locator("[name=secret]").fill("sesame")
    frame.get_by_role("button", name="Sign in").click()
    frame.locator("h1", has_text="too old, or it is not yours").wait_for()
    toss(bare.context, minted)
    bare.page.goto(at(stack, BANK + "/"))
    assert bare.page.locator("#who").inner_text() == "Not signed in"


@pytest.mark.parametrize("path", ["/", "/boxed", "/page.xhtml", "/page.svg", "/page.xml"])
def test_every_kind_at_the_top(stack, visitor, path):
    """Whatever a site calls its page, it is never seen there, and none of its script runs."""
    toss(visitor.context, basic_session(stack))
    visitor.page.goto(at(stack, BANK + path), wait_until="commit")
    settle(visitor.page, lambda: visitor.page.url.startswith(stack.outer), "it is led away")
    assert visitor.saw("SHOWN") == []
    assert visitor.saw("CANARY") == []


def choose_basic(stack, visitor) -> None:
    """Have the outer frame keep a session of mode basic for its own."""
    minted = basic_session(stack)
    kept = json.dumps({"gw.ickt": minted.ickt, "gw.restore": minted.restore_text})
    visitor.context.route(
        stack.codec.secure_origin + "/nothing", lambda route: route.fulfill(body="nothing")
    )
    visitor.page.goto(stack.codec.secure_origin + "/nothing")
    visitor.page.evaluate(f"Object.assign(localStorage, {kept})")
    toss(visitor.context, minted)


def test_basic_by_choice(stack, visitor, shots):
    """In the outer frame a session of mode basic shows sites without their script."""
    choose_basic(stack, visitor)
    visitor.page.goto(stack.outer + BANK + "/")
    framed = visitor.page.frame_locator("#stage iframe")
    framed.locator("#none").wait_for()
    inner = framed.frame_locator("iframe").locator("#x")
    inner.wait_for()
    framed.get_by_text("Next").click()
    framed.locator("#x", has_text="Elsewhere").wait_for()
    visitor.page.screenshot(path=shots / "basic-framed.png")
    assert visitor.saw("CANARY") == []
    # The same page in a session of the other mode: the canary is one.
    visitor.context.clear_cookies()
    visitor.page.evaluate("localStorage.clear()")
    visitor.page.goto("about:blank")
    visitor.page.goto(stack.outer + BANK + "/")
    settle(visitor.page, lambda: len(visitor.saw("CANARY")) >= 3, "script runs")


INJECTIONS = len(documents())
BATCH = 30


def test_injections_in_the_frame(stack, visitor):
    """Every seventh injection, as pages of a site in the outer frame: no script of theirs runs."""
    choose_basic(stack, visitor)
    step = 7
    for start in range(0, INJECTIONS, BATCH * step):
        end = min(INJECTIONS, start + BATCH * step)
        visitor.page.goto("about:blank")
        url = f"{BANK}/frames?from={start}&to={end}&step={step}"
        visitor.page.goto(stack.outer + url)
        wanted = len(range(start, end, step))
        settle(visitor.page, lambda: loaded(visitor.page) >= wanted, f"{url} is loaded")
    assert visitor.saw("CANARY") == []


def loaded(page) -> int:
    """How many frames show an injection."""
    return sum("/inject?" in frame.url for frame in page.frames)


def test_injections_at_the_top(stack, visitor):
    """Others at the top: led away before anything is seen, and no script of theirs runs."""
    toss(visitor.context, basic_session(stack))
    outer = stack.codec.secure_origin + "/"
    visitor.context.route(outer, lambda route: route.fulfill(body="<title>outer</title>"))
    for number in range(2, INJECTIONS, 61):
        visitor.page.goto("about:blank")
        visitor.page.goto(at(stack, f"{BANK}/inject?n={number}"), wait_until="commit")
        visitor.page.wait_for_url(outer + "**", wait_until="commit")
    assert visitor.saw("SHOWN") == []
    assert visitor.saw("CANARY") == []
