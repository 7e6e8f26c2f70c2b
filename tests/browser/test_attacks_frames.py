"""Attacks by framing, by leading the top elsewhere, and by clicks before a page is attested."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from tests.browser.attacks.site import AD, BANK, EVIL, STRANGER
from tests.browser.attacks.world import World, settle, stays

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("frames"), playwright)
    yield made
    made.stop()


def with_frame(url: str, attributes: str = "") -> str:
    """The query of a page that frames another."""
    return "/?" + urlencode({"extra": f'<iframe id=inner {attributes} src="{url}"></iframe>'})


def visible(frame) -> bool:
    """Whether a person sees the bank's form in this frame."""
    return frame.evaluate(
        "document.querySelector('#login input')?.getBoundingClientRect().width > 0"
    )


def loaded(page, url: str):
    """The frame that shows this address, once it does."""
    settle(page, lambda: any(one.url.startswith(url) for one in page.frames), f"{url} is there")
    return next(one for one in page.frames if one.url.startswith(url))


# --- framing --------------------------------------------------------------------------


def test_framed_by_a_stranger(world):
    """A web site outside the gateway frames a bank's page, and the outer frame: nothing shows."""
    with world.tab() as page:
        world.open(page, BANK + "/")
        since = world.since()
        for url in (world.collapsed(BANK) + "/", world.stack.outer + BANK + "/"):
            page.goto(STRANGER + with_frame(url))
            page.wait_for_timeout(2000)
            for frame in page.frames[1:]:
                assert frame.locator("#login").count() == 0
        sent = [one for one in world.site.log[since:] if one.host == "bank.test"]
        assert all("sid=" not in (one.fields.get("Cookie") or "") for one in sent)


FRAMING = {
    "nothing": ({}, True, True),
    "DENY": ({"X-Frame-Options": "DENY"}, False, False),
    "SAMEORIGIN": ({"X-Frame-Options": "SAMEORIGIN"}, False, True),
    "two options": ({"X-Frame-Options": "SAMEORIGIN, DENY"}, False, False),
    "ancestors none": ({"Content-Security-Policy": "frame-ancestors 'none'"}, False, False),
    "ancestors self": ({"Content-Security-Policy": "frame-ancestors 'self'"}, False, True),
    "ancestors evil": (
        {"Content-Security-Policy": "frame-ancestors https://evil.test"},
        True,
        False,
    ),
    "ancestors ad": ({"Content-Security-Policy": "frame-ancestors https://ad.test"}, False, False),
    "a policy wins": (
        {"Content-Security-Policy": "frame-ancestors 'self'", "X-Frame-Options": "DENY"},
        False,
        True,
    ),
}


@pytest.mark.parametrize("kind", FRAMING)
def test_framed_by_a_proxied_site(world, kind):
    """Who may frame a page is as the site says; the outer frame always may."""
    fields, by_evil, by_bank = FRAMING[kind]
    target = BANK + "/?" + urlencode(fields)
    with world.tab() as page:
        assert visible(world.open(page, target)), "at the top of the outer frame it is shown"
        for framer, allowed in ((EVIL, by_evil), (BANK, by_bank)):
            frame = world.open(page, framer + with_frame(target))
            if allowed:
                child = frame.child_frames[0]
                settle(page, lambda: visible(child), f"{framer} may")
            else:
                page.wait_for_timeout(1500)
                for child in frame.child_frames:
                    assert child.locator("#login").count() == 0, framer


def test_framed_three_deep(world):
    """Each frame between is an ancestor: one that is not allowed is enough."""
    target = (
        BANK + "/?" + urlencode({"Content-Security-Policy": "frame-ancestors https://evil.test"})
    )
    through = {
        EVIL + with_frame(EVIL + with_frame(target)): True,
        EVIL + with_frame(AD + with_frame(target)): False,
        AD + with_frame(EVIL + with_frame(target)): False,
    }
    with world.tab() as page:
        for url, allowed in through.items():
            world.open(page, url)
            settle(page, lambda: len(page.frames) == 4, "three deep")
            deep = page.frames[3]
            if allowed:
                settle(page, lambda: visible(deep), "each of them may")
            else:
                page.wait_for_timeout(1500)
                assert deep.locator("#login").count() == 0, url


def test_at_the_top(world):
    """A page loaded outside the outer frame comes back inside it, its URL kept."""
    with world.tab() as page:
        world.open(page, BANK + "/")
        page.goto(STRANGER + "/")
        wanted = "/deep/login?a=%2F&b=1%202"
        page.evaluate("url => { location.href = url }", world.collapsed(BANK) + wanted)
        world.shown(page, BANK + "/")
        settle(page, lambda: page.url == world.stack.outer + BANK + wanted, "the URL is kept")


# --- leading the top elsewhere -----------------------------------------------------------

WAYS = {
    "location": "top.location = url",
    "href": "top.location.href = url",
    "replace": "top.location.replace(url)",
    "open": "window.open(url, '_top')",
    "script": "top.location = 'javascript:document.body.dataset.ran=1'",
    "open script": "window.open('javascript:document.body.dataset.ran=1', '_top')",
    "link": "link('_top')",
    "link script": "link('_top', 'javascript:top.document.body.dataset.ran=1')",
    "form": "form('_top', 'get')",
    "post": "form('_top', 'post')",
    "parent": "parent.location = url",
    "named": "top.name = 'outer'; link('outer')",
    "refresh": "frame(`<meta http-equiv=refresh content='0; url=${url}'>`)",
    "base": "frame(`<base target=_top><a href='${url}'>x</a><script>document.links[0].click()</script>`)",
    "allowed": "frame(`<script>top.location = '${url}'</script>`, 'allow-scripts allow-top-navigation')",
    "allowed twice": "frame(`<script>top.location = '${url}'</script>`,"
    " 'allow-scripts allow-top-navigation allow-top-navigation-to-custom-protocols')",
    "history": "top.history.pushState(0, '', '/x')",
    "close": "top.close()",
    "word": "top.postMessage({gw: 1, type: 'go', url}, '*')",
    "outer's word": "top.postMessage({gw: 2, type: 'go', url}, '*')",
    "outer's form": "top.postMessage({gw: 2, type: 'form', url, form: {entries: []}}, '*')",
}
PHISH = """async ([way, url]) => {
  const link = (target, href = url) => {
    const made = Object.assign(document.createElement("a"), { target, href });
    document.body.append(made);
    made.click();
  };
  const form = (target, method) => {
    const made = Object.assign(document.createElement("form"), { target, method, action: url });
    document.body.append(made);
    made.submit();
  };
  const frame = (srcdoc, sandbox) => {
    const made = document.createElement("iframe");
    if (sandbox) made.setAttribute("sandbox", sandbox);
    made.srcdoc = srcdoc;
    document.body.append(made);
  };
  try {
    new Function("url", "link", "form", "frame", way)(url, link, form, frame);
  } catch (error) {
    return String(error);
  }
}"""


def at_the_top(world, page) -> bool:
    """Whether the browser's own window shows the outer frame."""
    return page.url.startswith(world.stack.codec.secure_origin + "/#")


@pytest.mark.parametrize("way", WAYS)
def test_the_top_stays(world, way):
    """A page that copies the address bar cannot lead the browser's own window elsewhere."""
    with world.tab() as page:
        frame = world.open(page, EVIL + "/")
        frame.evaluate(PHISH, [WAYS[way], STRANGER + "/"])
        stays(page, lambda: at_the_top(world, page), "the outer frame is at the top", 1.5)
        assert page.evaluate("document.body.dataset.ran") is None, "nothing runs in the outer frame"
        assert not page.is_closed()


@pytest.mark.parametrize("way", WAYS)
def test_the_page_around_stays(world, way):
    """A frame that nobody has touched leads neither the window nor the page away.

    The driver's own scripts count as a person's touch: the frame does all by itself.
    """
    words = json.dumps([WAYS[way], STRANGER + "/"]).replace("</", "<\\/")
    script = f"<script>setTimeout(() => ({PHISH})({words}), 500)</script>"
    inner = EVIL + "/?" + urlencode({"extra": script})
    with world.tab() as page:
        page.goto(world.stack.outer + BANK + with_frame(inner))
        loaded(page, world.collapsed(EVIL))
        stays(page, lambda: at_the_top(world, page), "the outer frame is at the top", 3)
        assert page.frames[1].url.startswith(world.collapsed(BANK)), "the page stays"
        assert world.name(page) == "bank.test"
        assert len(page.context.pages) == 1


GO = """([url]) => {
  const entries = [["to", "evil"]];
  const words = { gw: 1, type: "go", url, entries, coding: "", path: [], name: "_self" };
  for (const to of [parent, frames[0]]) to?.postMessage(words, "*");
}"""


@pytest.mark.parametrize("inside", [True, False])
def test_no_frame_sends_as_another_page(world, inside):
    """What a page does for its own frames it does for no stranger: a form would have its token."""
    with world.tab() as page:
        inner, outer = (EVIL, BANK) if inside else (BANK, EVIL)
        world.open(page, outer + with_frame(inner + "/"))
        settle(page, lambda: visible(loaded(page, world.collapsed(inner))), "both are attested")
        since = world.since()
        for url in (BANK + "/pay", world.collapsed(BANK) + "/pay"):
            loaded(page, world.collapsed(EVIL)).evaluate(GO, [url])
        page.wait_for_timeout(2000)
        assert world.changes(since) == []
        assert world.name(page) == outer.removeprefix("https://")


# --- clicks before it is attested -------------------------------------------------------


def test_no_input_before_it_is_attested(world):
    """Mouse, keyboard, touch and paste reach nothing meanwhile, and everything afterwards."""
    with world.tab(has_touch=True, permissions=["clipboard-read", "clipboard-write"]) as page:
        world.open(page, EVIL + "/")
        page.add_init_script(
            """if (location.hostname.includes("bank")) {
              globalThis.felt = [];
              const types = ["click", "mousedown", "pointerdown", "keydown", "keypress", "input",
                "beforeinput", "paste", "touchstart", "touchend", "submit", "focusin"];
              document.addEventListener("DOMContentLoaded", () => {
                for (const type of types) document.addEventListener(type, (e) => felt.push(e.type), true);
                document.querySelector("#login input").focus();
                const frame = () => {
                  globalThis.drawn ||= document.querySelector("#login").getBoundingClientRect().width;
                  requestAnimationFrame(frame);
                };
                frame();
              });
            }"""
        )
        held = []
        page.route("**/.gateway/attest?*", lambda route: held.append(route))
        since = world.since()
        page.frames[1].evaluate("url => { location.href = url }", world.collapsed(BANK) + "/")
        settle(page, lambda: bool(held), "the page is asked for its answer")
        bank = page.frames[1]
        bank.wait_for_selector("#login", state="attached")
        bank.evaluate("document.documentElement.focus(); document.querySelector('input').focus()")
        for y in range(70, 400, 30):
            page.mouse.click(60, y)
            page.touchscreen.tap(120, y)
        page.keyboard.type("x")
        page.keyboard.press("Enter")
        page.keyboard.press("Control+V")
        page.wait_for_timeout(300)
        assert bank.evaluate("felt") == []
        assert not bank.evaluate("globalThis.drawn")
        assert world.name(page) == ""
        assert world.changes(since) == []
        held[0].continue_()
        page.unroute("**/.gateway/attest?*")
        settle(page, lambda: world.name(page) == "bank.test", "now it is attested")
        settle(page, lambda: visible(bank), "and shown")
        bank.locator("#login input").click()
        page.keyboard.type("Ada")
        bank.evaluate("navigator.clipboard?.writeText?.('').catch(() => {})")
        bank.locator("#login input").tap()
        felt = set(bank.evaluate("felt"))
        assert {"click", "mousedown", "keydown", "input", "touchstart"} <= felt
        page.keyboard.press("Enter")
        page.frames[1].locator("#who", has_text="Ada").wait_for()
        assert world.changes(since) == ["POST /login"]


def test_a_page_written_anew_before_it_is_attested(world):
    """document.open() in the middle of the handshake shows nothing either."""
    with world.tab() as page:
        world.open(page, EVIL + "/")
        held = []
        page.route("**/.gateway/attest?*", lambda route: held.append(route))
        page.frames[1].evaluate("url => { location.href = url }", world.collapsed(BANK) + "/")
        settle(page, lambda: bool(held), "the page is asked for its answer")
        bank = page.frames[1]
        bank.wait_for_load_state("load")
        bank.evaluate(
            """() => {
              globalThis.felt = [];
              document.open();
              document.write("<html style='color: red'><form id=login><input autofocus></form>");
              document.close();
              document.querySelector("input").onkeydown = (e) => felt.push(e.type);
            }"""
        )
        page.wait_for_timeout(300)
        assert not visible(bank)
        page.mouse.click(60, 90)
        page.keyboard.type("x")
        assert bank.evaluate("felt") == []
        held[0].continue_()
        settle(page, lambda: visible(bank), "it is shown once it is attested")
        assert bank.evaluate("document.documentElement.getAttribute('style')") == "color: red;"
        bank.locator("input").press("x")
        assert bank.evaluate("felt") == ["keydown"]


# --- what else could end a session -----------------------------------------------------------


@pytest.mark.parametrize("what", ['"cookies"', '"*"', '"cache", "cookies", "storage"', '"storage"'])
def test_a_site_cannot_clear_the_session(world, what):
    """Clear-Site-Data of a site reaches neither the session's cookies nor what attests them."""
    with world.tab() as page:
        frame = world.open(page, BANK + "/")
        frame.locator("#login input").fill("Ada")
        frame.locator("#login button").click()
        frame.locator("#who", has_text="Ada").wait_for()
        before = world.session(page)
        kept = page.evaluate("JSON.stringify(localStorage)")
        frame = world.open(page, EVIL + "/?" + urlencode({"Clear-Site-Data": what}))
        frame.evaluate("url => fetch(url)", "/?" + urlencode({"Clear-Site-Data": what}))
        assert world.session(page) == before
        assert page.evaluate("JSON.stringify(localStorage)") == kept
        world.open(page, BANK + "/").locator("#who", has_text="Ada").wait_for()


LIES = {
    "hello": "{gw: 1, type: 'hello', nonce: 'x', proof: 'y', own: location.origin}",
    "for the page": "{gw: 1, type: 'hello', nonce: 'x', proof: 'y', own: document.referrer}",
    "answer": "{gw: 1, type: 'answer', nonce: 'x', answer: 'y'}",
    "odd types": "{gw: 1, type: 'hello', nonce: {}, proof: [], own: null}",
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("sandbox", ["", "sandbox=allow-scripts"])
def test_an_advertisement_that_lies(world, lie, sandbox):
    """The session stays, the page stays, and the frame that lied goes."""
    with world.tab() as page:
        frame = world.open(page, BANK + "/")
        frame.locator("#login input").fill("Ada")
        frame.locator("#login button").click()
        frame.locator("#who", has_text="Ada").wait_for()
        before = world.session(page)
        frame = world.open(page, BANK + with_frame(AD + "/", sandbox))
        ad = loaded(page, world.collapsed(AD))
        ad.wait_for_load_state("load")
        frame.evaluate("globalThis.mark = 1")
        ad.evaluate(f"() => {{ for (let i = 0; i < 5; i++) top.postMessage({LIES[lie]}, '*'); }}")
        if "hello" in LIES[lie]:
            gone = {world.collapsed(AD) + "/.gateway/oops", "about:blank"}
            settle(page, lambda: frame.child_frames[0].url in gone, "the frame goes")
        page.wait_for_timeout(1000)
        assert world.session(page) == before
        assert frame.evaluate("globalThis.mark") == 1
        assert world.name(page) == "bank.test"
        world.open(page, BANK + "/").locator("#who", has_text="Ada").wait_for()


def test_an_advertisement_cannot_speak_for_the_page(world):
    """Its proof is its own: the page around it keeps its name, and its port."""
    with world.tab() as page:
        frame = world.open(page, BANK + with_frame(AD + "/"))
        ad = loaded(page, world.collapsed(AD))
        settle(page, lambda: visible(ad), "the advertisement is attested itself")
        ad.evaluate(
            """() => {
              history.replaceState(null, "", "/https://bank.test/");
              document.title = "bank.test";
              dispatchEvent(new Event("pagehide"));
            }"""
        )
        stays(page, lambda: world.name(page) == "bank.test", "the page keeps its name", 1.5)
        assert quote("ad.test") not in page.url.partition("?")[0]
        frame.evaluate("() => document.querySelector('#inner').remove()")
        stays(page, lambda: world.name(page) == "bank.test", "without it too", 1)
