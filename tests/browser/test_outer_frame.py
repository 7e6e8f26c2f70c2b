"""A person's way: portal, outer frame, a site, its form, its chat; and what must not be."""

from __future__ import annotations

import json

import pytest

from gateway import wire
from tests.browser.harness import DOMAIN, NATIVELY, frame_of, open_site, settle

pytestmark = pytest.mark.browser
SHOP = "https://shop.demo.example"


def test_from_the_portal_to_a_site(stack, page, shots):
    """The portal's form leads to the outer frame, which shows site, address and title."""
    page.goto(stack.codec.portal_origin + "/")
    page.screenshot(path=shots / "portal.png")
    page.get_by_label("Web address").fill("shop.demo.example")
    page.get_by_role("button", name="Open").click()
    frame = frame_of(stack, page, SHOP)
    assert frame.locator("h1").inner_text().split() == ["Hello", "from", "shop.demo.example"]
    assert page.url == stack.outer + SHOP + "/"
    settle(page, lambda: page.title() == "The demo shop", "the title follows")
    assert page.locator("#origin").inner_text() == "shop.demo.example"
    page.screenshot(path=shots / "shop.png")


def test_cookies_live_in_the_jar_alone(stack, page):
    """The site counts visits by a cookie; the browser holds the session's two,
    and for a minute what changed for scripts."""
    frame = open_site(stack, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "1"
    frame.locator("input[name=name]").fill("Ada")
    frame.get_by_role("button", name="Remember me").click()
    frame.locator("h1", has_text="Ada").wait_for()
    assert frame.locator("#visits").inner_text() == "2"
    assert frame.locator("#cookie").inner_text() == "name=Ada"
    held = [one for one in page.context.cookies() if not one["name"].startswith("__Host-gw-sync-")]
    own = {"__Http-ick", "__Http-datr", "__Http-gw-within"}
    assert {cookie["name"] for cookie in held} == own
    assert all(cookie["httpOnly"] and cookie["secure"] for cookie in held)
    frame = open_site(stack, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "3"


def test_as_directly(stack, page, direct_page):
    """The shop's page says the same through the gateway as directly."""
    direct_page.goto(SHOP + "/")
    direct_page.locator("#api", has_text="other origin").wait_for()
    frame = open_site(stack, page, SHOP + "/")
    frame.locator("#api", has_text="other origin").wait_for()
    assert frame.locator("body").inner_text() == direct_page.locator("body").inner_text()
    nodes = "document.documentElement.outerHTML"
    assert frame.evaluate(nodes) == direct_page.evaluate(nodes)


def test_chat_on_a_second_origin(stack, page, shots):
    """A redirect leads to another origin, whose absolute wss URL reaches its own server."""
    frame = open_site(stack, page, SHOP + "/")
    frame.get_by_text("The chat, on another origin").click()
    chat = frame_of(stack, page, "https://chat.demo.example")
    chat.locator("#state", has_text="connected, subprotocol v1.chat.demo").wait_for()
    chat.locator("#text").fill("grüß dich")
    chat.get_by_role("button", name="Send").click()
    chat.locator("#said li", has_text="grüß dich").wait_for()
    assert page.locator("#origin").inner_text() == "chat.demo.example"
    page.screenshot(path=shots / "chat.png")


def test_history_and_address_bar(stack, page):
    """Links, back, forward, reload and a typed address do what they do in a browser."""
    frame = open_site(stack, page, SHOP + "/")
    frame.get_by_text("A relative link").click()
    frame.locator("h1", has_text="About").wait_for()
    settle(page, lambda: page.url.endswith("/about"), "the address follows")
    page.get_by_role("button", name="Back").click()
    frame_of(stack, page, SHOP).locator("h1", has_text="Hello").wait_for()
    page.get_by_role("button", name="Forward").click()
    frame_of(stack, page, SHOP).locator("h1", has_text="About").wait_for()
    page.get_by_role("button", name="Reload").click()
    frame_of(stack, page, SHOP).locator("h1", has_text="About").wait_for()
    page.get_by_label("Web address").fill("chat.demo.example")
    page.get_by_role("button", name="Go").click()
    frame_of(stack, page, "https://chat.demo.example").locator("h1", has_text="Chat").wait_for()


def test_reload_of_the_outer_page_stays(stack, page):
    """Reloading the browser's own page comes back to where the person was."""
    frame = open_site(stack, page, SHOP + "/")
    frame.get_by_text("A relative link").click()
    settle(page, lambda: page.url.endswith("/about"), "the address follows")
    page.reload()
    frame_of(stack, page, SHOP).locator("h1", has_text="About").wait_for()


def test_a_closed_site_says_so(stack, page, shots):
    """A destination that no rule opens is an Oops page with a request id, inside the frame."""
    page.goto(stack.outer + "https://closed.test/")
    frame = page.frame_locator("#page")
    frame.get_by_role("heading", name="This address is not open here").wait_for()
    assert "request" in frame.locator("body").inner_text()
    page.screenshot(path=shots / "oops.png")


def test_a_page_that_does_not_come(stack, page):
    """There is progress, then words and a way to ask again; the page takes them away."""
    held = []
    page.context.route(stack.collapsed(SHOP) + "/about", lambda route: held.append(route))
    progress, notice, again = (page.locator(f"#{one}") for one in ("progress", "notice", "popup"))
    page.clock.install()
    page.goto(stack.outer + SHOP + "/about")
    for number in (1, 2):
        settle(page, lambda number=number: len(held) == number, "it is asked for")
        assert progress.is_visible()
        assert not notice.is_visible()
        assert not again.is_visible()
        page.clock.fast_forward(31_000)
        notice.get_by_text("This page takes very long").wait_for()
        assert not progress.is_visible()
        assert again.inner_text() == "Reload"
        if number == 1:
            again.click()
    held[1].continue_()
    frame_of(stack, page, SHOP).locator("h1", has_text="About").wait_for()
    notice.wait_for(state="hidden")
    assert not again.is_visible()
    assert not progress.is_visible()


def test_a_site_at_the_top_is_bounced(stack, page):
    """A rewrite host loaded outside the outer frame comes back inside it, URL kept."""
    page.goto(stack.collapsed(SHOP) + "/about")
    frame_of(stack, page, SHOP).locator("h1", has_text="About").wait_for()
    assert page.url == stack.outer + SHOP + "/about"


def test_lost_cookies_are_restored(stack, page):
    """When the session's cookies go, the outer frame sets them again, and the jar is there."""
    frame = open_site(stack, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "1"
    before = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    page.context.clear_cookies()
    page.goto("about:blank")
    page.goto(stack.outer + SHOP + "/")

    def restored() -> bool:
        return {cookie["name"]: cookie["value"] for cookie in page.context.cookies()} == before

    settle(page, restored, "the same cookies are back")
    # The visit without a session counted as a first one; then the frame was loaded again.
    frame_of(stack, page, SHOP).locator("#visits", has_text="2").wait_for()


def test_a_strict_policy_still_admits_the_runtime(stack, page):
    """default-src 'none' with a nonce: the site's script runs, and so does ours."""
    frame = open_site(stack, page, "https://strict.test/")
    frame.locator("#out", has_text="ran").wait_for()
    settle(page, lambda: page.title() == "Strict", "the title follows")
    assert frame.evaluate("document.scripts.length") == 1


def test_framing_denied_to_sites_is_open_to_the_outer_frame(stack, page):
    """X-Frame-Options: DENY shows at the top of the outer frame and in no site's frame."""
    frame = open_site(stack, page, "https://strict.test/deny")
    frame.locator("#out").wait_for()


def test_nothing_leaves(stack, page, tripwire):
    """A page that tries to reach a foreign host in many ways reaches the gateway or nobody."""
    before = list(tripwire.touched)
    frame = open_site(stack, page, "https://strict.test/leaky")
    frame.wait_for_function("document.title.startsWith('done')")
    assert tripwire.touched == before


def test_what_the_origin_sees(stack, page, direct_page):
    """Host, Origin, Referer and fetch metadata are the real sites', as directly."""
    ask = "() => fetch('https://strict.test/echo', {credentials: 'include'}).then(r => r.json())"
    direct_page.goto(SHOP + "/about")
    directly = direct_page.evaluate(ask)["fields"]
    frame = open_site(stack, page, SHOP + "/about")
    through = frame.evaluate(ask)["fields"]
    for name in ("host", "origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"):
        assert through.get(name) == directly.get(name), name
    text = json.dumps(through)
    assert DOMAIN not in text
    assert "__Http" not in text


def test_xhr_to_an_absolute_url(stack, page):
    """XMLHttpRequest.open with an absolute URL reaches the other origin through the gateway."""
    frame = open_site(stack, page, SHOP + "/about")
    answer = frame.evaluate(
        """() => new Promise((done, fail) => {
          const x = new XMLHttpRequest();
          x.open("GET", "https://strict.test/echo");
          x.onload = () => done(JSON.parse(x.responseText));
          x.onerror = () => fail(new Error("failed"));
          x.send();
        })"""
    )
    assert answer["fields"]["host"] == ["strict.test"]


def test_scripts_cannot_write_the_session(stack, page):
    """Neither the page's own realm nor a fresh one can toss a session cookie in Chromium."""
    frame = open_site(stack, page, SHOP + "/")
    before = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    forged, levels = "1" + "A" * 43, ("", f"; Domain=0.{DOMAIN}", f"; Domain={DOMAIN}")
    names = (wire.ICK_COOKIE.decode(), wire.DATR_COOKIE.decode(), "harmless")
    texts = [
        f"{name}={forged}; Secure; Path={path}{level}"
        for name in names
        for path in ("/", "/about")
        for level in levels
    ]
    frame.evaluate("(texts) => { for (const one of texts) document.cookie = one }", texts)
    frame.evaluate(NATIVELY, texts)
    found = page.context.cookies()
    harmless = [one for one in found if one["name"] == "harmless"]
    assert len(harmless) == 2 * len(levels), "the tries reach the browser's own store"
    now = {one["name"]: one["value"] for one in found if one["name"] in before}
    session = [one for one in found if one["name"] in names and one["name"] != "harmless"]
    assert len(session) == 2, "at each place there is none but the gateway's own"
    assert now == before
    frame = open_site(stack, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "2"


def test_no_page_stands_under_another_name(stack, page):
    """A document that cannot say where it is has no name in the address bar, and no script."""
    for path, name in (("utf16", "strict.test"), ("svg", "strict.test"), ("xml", "")):
        frame = open_site(stack, page, SHOP + "/about")
        settle(page, lambda: page.locator("#origin").inner_text() == "shop.demo.example", "named")
        forged = stack.codec.collapse_url(f"https://strict.test/{path}")
        frame.evaluate("url => { location.href = url }", forged)
        strict = frame_of(stack, page, "https://strict.test")
        settle(page, lambda: page.locator("#origin").inner_text() == name, f"{path}: {name!r}")
        ran = strict.evaluate("document.title")
        if name:
            assert ran in {"Bank", "ran"}
        else:
            assert page.title() == "Gateway"
            assert ran != "ran"


def test_sandboxed_frames_run_the_runtime(stack, page):
    """A frame with an opaque origin takes its payload out like any other."""
    frame = open_site(stack, page, "https://strict.test/boxed")

    def inside() -> bool:
        return any(child.locator("body").inner_text() == "true" for child in frame.child_frames)

    settle(page, inside, "the payload is gone before the page's script runs")


def test_pages_cannot_meet_through_document_domain(stack, page):
    """Every document of a rewrite host is keyed by its origin, framed ones too."""
    for url in (SHOP + "/", "https://chat.demo.example/", "https://strict.test/boxed"):
        frame = open_site(stack, page, url)
        for one in (frame, *frame.child_frames):
            assert one.evaluate("window.originAgentCluster") is True, one.url


def test_hooks_look_native(stack, page):
    """What script sees of fetch, XMLHttpRequest and WebSocket is what the browser shows."""
    frame = open_site(stack, page, SHOP + "/about")
    look = """() => [fetch, XMLHttpRequest.prototype.open, WebSocket, Request].map(f =>
      [f.name, f.length, /\\[native code\\]/.test(Function.prototype.toString.call(f))])"""
    assert frame.evaluate(look) == [
        ["fetch", 1, True],
        ["open", 2, True],
        ["WebSocket", 1, True],
        ["Request", 1, True],
    ]
    assert frame.evaluate(
        "() => { const s = new WebSocket('wss://chat.demo.example/ws', ['v1.chat.demo']);"
        " return s instanceof WebSocket && s.constructor === WebSocket && WebSocket.OPEN === 1 }"
    )


def test_plain_http_is_marked(stack, page):
    """A site whose last leg is not encrypted is shown with its scheme."""
    open_site(stack, page, "http://plain.test:8081/")
    page.locator("#origin.plain", has_text="http://plain.test:8081").wait_for()


@pytest.mark.parametrize("width", [240, 360])
def test_narrow_screens(stack, page, width, shots):
    """Portal and outer frame need no sideways scrolling on a small screen."""
    page.set_viewport_size({"width": width, "height": 400})
    page.goto(stack.codec.portal_origin + "/")
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= width
    open_site(stack, page, SHOP + "/")
    assert page.evaluate(wide) <= width
    page.screenshot(path=shots / f"narrow-{width}.png")
