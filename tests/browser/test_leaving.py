"""Links that leave the gateway: asked about by the outer frame, in its own words, or refused."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error

from tests.browser.harness import Stack, launch, resolver_rules
from tests.browser.test_accessibility import narrow, serious
from tests.browser.test_outer_frame import SHOP, frame_of, open_site, settle

pytestmark = pytest.mark.browser
CHAT = "https://chat.demo.example"
OUTSIDE = "https://outside.test"
RULES = "".join(
    f'[[allow-intent]]\nhref = "{href}"\n'
    for href in ("tel:*", "mailto:*", "sms:*", f"{OUTSIDE}/*", "app:*")
)
OPEN = "tel:+45123"
CLOSED = "market:shop"
SHOWN = "document.getElementById('leave').open"
PLACE = "JSON.stringify(document.querySelector('iframe').getBoundingClientRect())"
NOTICE = "document.getElementById('notice').textContent"
# What a page does after a person's click; `@` is the address.
ADD = (
    "document.querySelector('#n')?.remove(); "
    "document.body.insertAdjacentHTML('beforeend', `{}`); document.querySelector('#n').click()"
)
WAYS = {
    "link": ADD.format("<a id=n href='@'>x</a>"),
    "link in a new window": ADD.format("<a id=n target=_blank href='@'>x</a>"),
    "link to the top": ADD.format("<a id=n target=_top href='@'>x</a>"),
    "window.open": "open('@')",
    "window.open with a name": "open('@', 'its', 'noopener')",
    "window.open here": "open('@', '_self')",
    "location": "location = '@'",
    "location.replace": "location.replace('@')",
    "form": ADD.format("<form action='@'><input name=a><button id=n>x</button></form>"),
    "form with POST": ADD.format(
        "<form method=post action='@'><input name=a><button id=n>x</button></form>"
    ),
    "form in a new window": ADD.format(
        "<form target=_blank method=post action='@'><button id=n>x</button></form>"
    ),
    "meta refresh": "document.querySelector('meta[http-equiv]')?.remove(); "
    "document.head.insertAdjacentHTML('beforeend', "
    "`<meta http-equiv=refresh content='0;url=@'>`)",
    "popup, then led": "(self.made ??= open('about:blank')).location = '@'",
}


@pytest.fixture(scope="module")
def leaving(tmp_path_factory):
    """A gateway that opens some links to the device."""
    made = Stack(tmp_path_factory.mktemp("leaving"))
    made.start_origins()
    made.start_gateway(RULES)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser(playwright, leaving, tripwire):
    """A whole browser: windows are what is looked at."""
    made = launch(playwright, resolver_rules(leaving, tripwire), windowed=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def kept(browser):
    """A profile for many pages."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(10_000)
    yield context
    context.close()


def opened(leaving, context):
    """A window that shows a page, and its frame."""
    page = context.new_page()
    frame = open_site(leaving, page, SHOP + "/about")
    page.locator("#origin:not(:empty)").wait_for()
    return page, frame


def do(frame, code: str, url: str = "") -> None:
    """Run code in a click of a person's."""
    frame.evaluate(
        "(code) => { document.body.onclick = (event) => { if (event.isTrusted) "
        "{ document.body.onclick = null; setTimeout(code) } } }",
        code.replace("@", url),
    )
    # What was said moves the frame: a click on its way would touch the outer page instead.
    # (Not by animation frames: a window that the browser takes for hidden has none.)
    seen = [""]

    def still() -> bool:
        seen.append(frame.page.evaluate(PLACE))
        return seen[-1] == seen[-2]

    settle(frame.page, still, "the frame stands still")
    frame.locator("h1").click()


def asks(page) -> str:
    """What the question says, once it is asked."""
    page.locator("#leave").wait_for()
    return page.locator("#leave").inner_text()


def stays(page) -> None:
    """The person decides to stay."""
    page.get_by_role("button", name="Stay here").click()
    assert not page.evaluate(SHOWN)


def test_ways(leaving, kept):
    """Each way is refused in plain sight where no rule opens it, else leads to the question."""
    page, frame = opened(leaving, kept)
    wrong = []
    for way, code in WAYS.items():
        # Not by a click, which would be a touch of the outer page's own.
        page.evaluate("document.getElementById('leave').close()")
        page.evaluate("document.getElementById('notice').textContent = ''")
        try:
            do(frame, code, CLOSED)
            page.locator("#notice", has_text="market:").wait_for()
            assert not page.evaluate(SHOWN)
            do(frame, code, OPEN)
            told = asks(page)
            assert "Call this number?" in told
            assert OPEN in told.replace("\n", "")
            assert SHOP in told
            assert frame.url.endswith("/about")
        except (AssertionError, Error) as error:
            wrong.append(f"{way}: {error}")
    assert wrong == []
    for one in kept.pages:
        one.close()


@pytest.mark.parametrize("site", [SHOP, CHAT])
def test_nested_frames(leaving, kept, site):
    """A page in a frame asks under its own name, by each target."""
    page, frame = opened(leaving, kept)
    url = leaving.codec.collapse_url(f"{site}/")
    frame.evaluate(
        "(url) => new Promise((done) => { const one = document.createElement('iframe'); "
        "one.onload = done; one.src = url; document.body.append(one) })",
        url,
    )
    inner = frame.child_frames[0]
    inner.locator("h1").wait_for()
    do(inner, WAYS["link to the top"], CLOSED)
    page.locator("#notice", has_text="market:").wait_for()
    do(inner, WAYS["link"], OPEN)
    assert site in asks(page)
    page.close()


def test_a_frame_without_a_document(leaving, kept):
    """The browser's own sandbox stops it: there is nobody to ask by."""
    page, frame = opened(leaving, kept)
    do(
        frame,
        "const one = document.createElement('iframe'); one.src = '@'; document.body.append(one); "
        "setTimeout(() => { document.title = 'done' }, 300)",
        OPEN,
    )
    settle(page, lambda: page.title() == "done", "it was tried")
    assert not page.evaluate(SHOWN)
    page.close()


def test_untouched(leaving, kept):
    """A page that nobody touched gets a small offer, not a question, however often it asks.

    The driver's own looks count as touches: here the page tells by its console alone.
    """
    page = kept.new_page()
    page.add_init_script(
        """const host = location.host;
        if (host.includes('shop')) setInterval(() => { location = 'tel:+45123' }, 20);
        if (host.startsWith('www.')) addEventListener('DOMContentLoaded', () => {
          for (const id of ['leave', 'popup']) new MutationObserver(() => console.log('seen ' + id))
            .observe(document.getElementById(id), { attributeFilter: ['open', 'hidden'] });
        })"""
    )
    seen = []
    page.on("console", lambda message: seen.append(message.text))
    with page.expect_console_message(lambda message: message.text == "seen popup"):
        page.goto(leaving.outer + SHOP + "/about")
    page.wait_for_timeout(1500)  # a question would come within one of the page's tries
    assert "seen leave" not in seen
    page.close()


def test_no_loop(leaving, kept):
    """While a question is open no other replaces it, and after it the page waits for a touch."""
    page, frame = opened(leaving, kept)
    code = "let n = 0; location = '@'; setInterval(() => { location = '@' + ++n }, 20)"
    do(frame, code, OPEN)
    first = asks(page)
    page.wait_for_timeout(300)
    assert page.locator("#leave").inner_text() == first
    stays(page)
    page.locator("#popup", has_text="A page wants to leave").wait_for()
    assert not page.evaluate(SHOWN)
    page.close()


def test_continue(leaving, kept, tripwire):
    """Only a click on Continue performs it, and not one that was on its way before."""
    page, frame = opened(leaving, kept)
    page.evaluate(
        "navigation.addEventListener('navigate', (event) => { if (!event.hashChange) "
        "{ self.followed = event.destination.url; event.preventDefault() } })"
    )
    do(frame, WAYS["link"], OPEN)
    page.locator("#leave").wait_for()
    page.evaluate("document.getElementById('leave-on').click()")
    assert page.evaluate("self.followed ?? null") is None
    assert page.evaluate("document.activeElement.id") == "leave-stay"
    page.wait_for_timeout(750)  # what a person takes to read at the least
    page.get_by_text("Continue", exact=True).click()
    settle(page, lambda: page.evaluate("self.followed") == OPEN, "it is followed")
    settle(page, lambda: not page.evaluate(SHOWN), "the question is gone")
    page.close()


def test_a_page_outside(leaving, kept, tripwire):
    """A page that only an intent rule opens says so, asks, and is opened in a tab of its own."""
    page, frame = opened(leaving, kept)
    before = len(tripwire.touched)
    do(frame, WAYS["link"], f"{OUTSIDE}/a?b#c")
    told = asks(page)
    assert "Open this page outside the gateway?" in told
    assert f"{OUTSIDE}/a?b#c" in told.replace("\n", "")
    stays(page)
    refused = frame_of(leaving, page, OUTSIDE)
    assert "This page is outside the gateway" in refused.locator("h1").inner_text()
    assert serious(refused) == []
    assert len(tripwire.touched) == before
    # So soon after the person's own click nobody knows whose the next one is.
    refused.get_by_role("button", name="Open it outside the gateway").click()
    page.locator("#popup", has_text="A page wants to leave").click()
    asks(page)
    page.wait_for_timeout(750)
    with kept.expect_page() as found:
        page.get_by_text("Continue", exact=True).click()
    settle(page, lambda: len(tripwire.touched) > before, "the browser asks the site itself")
    assert found.value.evaluate("opener") is None
    found.value.close()
    page.locator("#leave").wait_for(state="hidden")
    refused.get_by_role("button", name="To the start page").click()
    page.wait_for_url(leaving.codec.portal_origin + "/")
    page.close()


def test_never(leaving, kept):
    """What shows a document in the frame still does; what is local is refused."""
    page, frame = opened(leaving, kept)
    do(frame, "document.title = 'x'; location = 'javascript:document.title=`ran`;void 0'")
    settle(page, lambda: page.title() == "ran", "script of the page's own runs")
    do(frame, WAYS["location"], "vbscript:x")
    page.locator("#notice", has_text="vbscript:").wait_for()
    assert not page.evaluate(SHOWN)
    page.close()


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [240, 1000])
def test_understandable(leaving, browser, width, language, shots):
    """The question and the refusal for everybody: axe-core, a small screen, both directions."""
    context = browser.new_context(
        ignore_https_errors=True,
        viewport={"width": width, "height": 320 if width == 240 else 700},
        locale=language,
        color_scheme="dark" if language == "ar" else "light",
    )
    context.set_default_timeout(10_000)
    page, frame = opened(leaving, context)
    do(frame, WAYS["link"], CLOSED)
    page.locator("#notice", has_text="market:").wait_for()
    assert serious(page) == []
    narrow(page, width)
    page.screenshot(path=shots / f"leave-refused-{width}-{language}.png")
    do(
        frame,
        WAYS["link"],
        "mailto:orders@shop.demo.example?subject=A%20long%20subject&body=" + "x" * 300,
    )
    page.locator("#leave").wait_for()
    assert serious(page) == []
    narrow(page, width)
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert {"leave-what", "leave-stay", "leave-on"} <= set(reached)
    assert set(reached) <= {"leave-what", "leave-stay", "leave-on", "leave", ""}
    page.screenshot(path=shots / f"leave-{width}-{language}.png")
    page.keyboard.press("Escape")
    page.locator("#leave").wait_for(state="hidden")
    context.close()
