"""Attacks by framing, by leading the top elsewhere, and by clicks before a page is attested."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, urlencode

import pytest

from tests.browser.attacks.site import AD, BANK, EVIL, STRANGER
from tests.browser.attacks.world import World
from tests.browser.harness import frame_at, frame_of, settle, stays

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
        " && getComputedStyle(document.documentElement).opacity !== '0'"
    )


def refused(page, frame) -> None:
    """The browser shows nothing of what stands in this frame, now and a while later."""
    settle(page, lambda: frame.url.startswith("chrome-error:"), "the browser refuses it")
    stays(page, lambda: frame.locator("#login").count() == 0, "nothing of it is there", 0.3)


# --- framing --------------------------------------------------------------------------


def test_framed_by_a_stranger(world):
    """A web site outside the gateway frames a bank's page, and the outer frame: nothing shows."""
    with world.tab() as page:
        world.sign_in(page)
        since = world.since()
        for url in (world.collapsed(BANK) + "/", world.stack.outer + BANK + "/"):
            page.goto(STRANGER + with_frame(url))
            assert len(page.frames) > 1
            refused(page, page.frames[1])
        sent = [one for one in world.site.log[since:] if one.host == "bank.test"]
        assert [world.sites.who(one) for one in sent if world.sites.who(one) != "nobody"] == []


INSIDE = "<img src={0}/seen.png><script src={0}/seen.js></script><iframe src={0}/seen></iframe>"


def test_a_sandboxed_frame_of_a_stranger(world):
    """What a sandboxed frame loads comes within the gateway, for nobody; elsewhere nothing does."""
    inside = urlencode({"extra": INSIDE.format(BANK)})
    with world.tab() as page:
        world.sign_in(page)
        since = world.since()
        world.open(page, EVIL + with_frame("/?" + inside, "sandbox=allow-scripts"))
        sent = {"/seen.png", "/seen.js", "/seen"}
        bank = [one for one in world.site.log[since:] if one.host == "bank.test"]
        assert {one.path for one in bank} == sent
        assert {world.sites.who(one) for one in bank} == {"nobody"}
        assert all(one.fields.get("Cookie") is None for one in bank)
        # The same browser, with the same cookies; the frame itself, and one that is in another.
        since = world.since()
        inside = INSIDE.format(world.collapsed(BANK))
        deep = quote(f"<iframe sandbox=allow-scripts srcdoc='{inside}'></iframe>")
        for attributes in (
            f'srcdoc="{inside}"',
            f'src="/?extra={deep}"',
            f'src="data:text/html,{quote(inside)}"',
        ):
            framed = f"<iframe sandbox=allow-scripts {attributes}></iframe>"
            page.goto(STRANGER + "/?" + urlencode({"extra": framed}))
        assert [one.path for one in world.site.log[since:] if one.host == "bank.test"] == []


def test_a_sandboxed_frame_goes_on(world):
    """A link within leads the frame itself; a document without a session is shown there, unasked."""
    with world.tab() as page:
        link = quote(f'<a id=on href="{AD}/">on</a>')
        shown = world.open(page, EVIL + with_frame("/?extra=" + link, "sandbox=allow-scripts"))
        shown.child_frames[0].locator("#on").click()
        there = frame_of(world.stack, page, AD)
        there.locator("#login").wait_for()
        settle(page, lambda: visible(there), "it is shown")
        stays(page, lambda: not page.locator("#notice").is_visible(), "nobody is told", 0.5)


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
                refused(page, frame.child_frames[0])


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
                refused(page, deep)


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


TOGETHER = 5
"""How many frames try at once."""


def at_the_top(world, page) -> bool:
    """Whether the browser's own window shows the outer frame."""
    return page.url.startswith(world.stack.codec.secure_origin + "/#")


@pytest.mark.parametrize("way", WAYS)
def test_the_top_stays(world, way):
    """A page that copies the address bar cannot lead the browser's own window elsewhere."""
    with world.tab() as page:
        frame = world.open(page, EVIL + "/")
        frame.evaluate(PHISH, [WAYS[way], STRANGER + "/"])
        stays(page, lambda: at_the_top(world, page), "the outer frame is at the top", 1)
        assert page.evaluate("document.body.dataset.ran") is None, "nothing runs in the outer frame"
        assert not page.is_closed()


@pytest.mark.parametrize("first", range(0, len(WAYS), TOGETHER))
def test_the_page_around_stays(world, first):
    """A frame that nobody has touched leads neither the window nor the page away.

    The driver's own scripts count as a person's touch: the frame does all by itself.
    """
    frames = ""
    for way in list(WAYS.values())[first : first + TOGETHER]:
        words = json.dumps([way, STRANGER + "/"]).replace("</", "<\\/")
        script = f"<script>setTimeout(() => ({PHISH})({words}).then(tried), 500)</script>"
        told = "<script>const tried = () => { fetch('/?tried=1') }</script>"
        inner = EVIL + "/?" + urlencode({"extra": told + script})
        frames += f'<iframe src="{inner}"></iframe>'
    since = world.since()

    def tried() -> int:
        return sum("tried" in one.query for one in world.site.log[since:])

    with world.tab() as page:
        page.goto(world.stack.outer + BANK + "/?" + urlencode({"extra": frames}))
        settle(page, lambda: tried() == frames.count("<iframe"), "each frame has tried")
        stays(page, lambda: at_the_top(world, page), "the outer frame is at the top", 1.5)
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
        framed = frame_of(world.stack, page, inner)
        settle(page, lambda: visible(framed), "both are attested")
        since = world.since()
        for url in (BANK + "/pay", world.collapsed(BANK) + "/pay"):
            frame_of(world.stack, page, EVIL).evaluate(GO, [url])
        stays(page, lambda: world.changes(since) == [], "nothing is sent", 1.5)
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
                "beforeinput", "paste", "touchstart", "touchend", "submit"];
              document.addEventListener("DOMContentLoaded", () => {
                for (const type of types) document.addEventListener(type, (e) => felt.push(e.type), true);
                document.querySelector("#login input").focus();
                const frame = () => {
                  // Laid out it is at once, for its own script to measure.
                  globalThis.drawn ||= getComputedStyle(document.documentElement).opacity !== "0";
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
        unseen = "felt.length === 0 && !globalThis.drawn"
        stays(page, lambda: bank.evaluate(unseen), "nothing is felt or drawn", 0.3)
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
        stays(page, lambda: not visible(bank), "nothing of it is seen", 0.3)
        page.mouse.click(60, 90)
        page.keyboard.type("x")
        stays(page, lambda: bank.evaluate("felt") == [], "nothing is felt", 0.2)
        held[0].continue_()
        settle(page, lambda: visible(bank), "it is shown once it is attested")
        assert bank.evaluate("document.documentElement.getAttribute('style')") == "color: red"
        assert bank.evaluate("document.adoptedStyleSheets.length") == 0
        bank.locator("input").press("x")
        assert bank.evaluate("felt") == ["keydown"]


def test_the_top_layer_before_it_is_attested(world):
    """Dialogs and popovers, which no root covers, are not seen either, and are seen afterwards."""
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
              document.body.insertAdjacentHTML("beforeend", "<dialog>Pay?</dialog><p popover>Pay!</p>");
              document.querySelector("dialog").showModal();
              document.querySelector("[popover]").showPopover();
            }"""
        )
        drawn = """() => ["dialog", "[popover]"].flatMap((one) => ["", "::backdrop"].map((part) =>
          getComputedStyle(document.querySelector(one), part).opacity))"""
        stays(page, lambda: bank.evaluate(drawn) == ["0"] * 4, "nothing of it is seen", 0.3)
        held[0].continue_()
        settle(page, lambda: bank.evaluate(drawn) == ["1"] * 4, "it is shown once it is attested")
        assert bank.evaluate("document.adoptedStyleSheets.length") == 0


CHILD = """(times) => {
  for (let i = 0; i < times; i++) frames[0].postMessage({ gw: 1, type: "child" }, "*");
}"""


def test_a_framing_page_answers_for_itself_alone(world):
    """Said twice, the parent's word still is not the outer frame's: the guard stays."""
    with world.tab() as page:
        held = []
        mine = world.collapsed(BANK) + "/.gateway/attest?*"
        page.route(mine, lambda route: held.append(route))
        frame = world.open(page, EVIL + with_frame(BANK + "/"))
        settle(page, lambda: bool(held), "the framed page is asked for its answer")
        framed = frame_of(world.stack, page, BANK)
        framed.wait_for_selector("#login", state="attached")
        frame.evaluate(CHILD, 5)
        stays(page, lambda: not visible(framed), "the guard stays", 0.7)
        held[0].continue_()
        settle(page, lambda: visible(framed), "it goes once both have answered")


def test_a_parent_without_an_origin_answers_once(world):
    """What a sandboxed page frames is shown; the parent's word alone shows nothing of it.

    Such a page is no ancestor that a policy could allow: it frames where the browser knows no
    frame-ancestors, as if the page in its frame had come without.
    """
    here = world.collapsed(AD) + "/"
    with world.tab() as page:
        with page.expect_response(here) as one:
            world.open(page, BANK + with_frame(AD + "/"))
        texts = [one.value.text()]

        def without_policy(route) -> None:
            route.fulfill(body=texts[-1], content_type="text/html")

        page.route(lambda url: url.startswith(here), without_policy)
        deep = with_frame(EVIL + with_frame(AD + "/"), "sandbox=allow-scripts")
        world.open(page, BANK + deep)
        framed, sandboxed = (frame_of(world.stack, page, one) for one in (AD, EVIL))
        assert [one.evaluate("origin") for one in (framed, sandboxed)] == ["null", "null"]
        settle(page, lambda: visible(framed), "it is shown")
        # One whose proof is forged waits while the outer frame asks for its own session, and has
        # only the parent's word meanwhile.
        forged, count = re.subn(r'"proof": ?"[^"]*"', f'"proof":"{"A" * 43}"', texts[0])
        assert count == 1
        texts.append(forged)
        held = []
        page.route("**/.gateway/check", lambda route: held.append(route))
        sandboxed.evaluate("() => { document.querySelector('iframe').src += '?2' }")
        settle(page, lambda: bool(held), "the outer frame asks")
        framed = frame_at(page, here + "?2")
        framed.wait_for_selector("#login", state="attached")
        sandboxed.evaluate(CHILD, 5)
        stays(page, lambda: not visible(framed), "the guard stays", 0.7)
        for one in held:
            one.continue_()
        settle(page, lambda: framed.url == "about:blank", "it goes, for it lied")


# --- what else could end a session -----------------------------------------------------------


@pytest.mark.parametrize("what", ['"cookies"', '"*"', '"cache", "cookies", "storage"', '"storage"'])
def test_a_site_cannot_clear_the_session(world, what):
    """Clear-Site-Data of a site reaches neither the session's cookies nor what attests them."""
    with world.tab() as page:
        world.sign_in(page)
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
        world.sign_in(page)
        before = world.session(page)
        frame = world.open(page, BANK + with_frame(AD + "/", sandbox))
        ad = frame_of(world.stack, page, AD)
        frame.evaluate("globalThis.mark = 1")
        ad.evaluate(f"() => {{ for (let i = 0; i < 5; i++) top.postMessage({LIES[lie]}, '*'); }}")
        if "hello" in LIES[lie]:
            gone = {world.collapsed(AD) + "/.gateway/oops", "about:blank"}
            settle(page, lambda: frame.child_frames[0].url in gone, "the frame goes")
        stays(page, lambda: world.session(page) == before, "the session stays", 0.7)
        assert frame.evaluate("globalThis.mark") == 1
        assert world.name(page) == "bank.test"
        world.open(page, BANK + "/").locator("#who", has_text="Ada").wait_for()


def test_an_advertisement_cannot_speak_for_the_page(world):
    """Its proof is its own: the page around it keeps its name, and its port."""
    with world.tab() as page:
        frame = world.open(page, BANK + with_frame(AD + "/"))
        ad = frame_of(world.stack, page, AD)
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
