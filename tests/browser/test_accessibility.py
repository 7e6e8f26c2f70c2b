"""The gateway's own pages for everybody: axe-core, a small screen, keyboard, dark, right to left.

Their policies stay in force: axe-core comes in through the browser's debugger.
"""

from __future__ import annotations

import pytest

from tests.browser.harness import ROOT, frame_of, open_site, settle
from tests.browser.test_outer_frame import SHOP

pytestmark = pytest.mark.browser
AXE = ROOT / "gateway" / "runtime" / "node_modules" / "axe-core" / "axe.min.js"
SMALL, LARGE = (240, 320), (1000, 700)
# Whatever stands out at a side; what a person has to scroll to, down, does not.
OUTSIDE = """() => [...document.body.querySelectorAll("*")].filter((one) => {
  if (one.closest("#origin > *, #progress > *, iframe > *") || !one.checkVisibility()) return false;
  const box = one.getBoundingClientRect();
  return box.width && (box.left < -0.5 || box.right > innerWidth + 0.5);
}).map((one) => one.outerHTML.slice(0, 120))"""
FOCUSABLE = """() => [...document.querySelectorAll("a[href], button, input, iframe")]
  .filter((one) => one.checkVisibility() && !one.disabled)
  .map((one, at) => (one.dataset.at = `${at} ${one.outerHTML.slice(0, 90)}`))"""
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one?.dataset.at) return null;
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  const seen = document.elementFromPoint(x, y);
  return {
    at: one.dataset.at,
    frame: one.localName === "iframe",
    seen: one === seen || one.contains(seen) || seen?.contains(one) || false,
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
  };
}"""


def portal(stack, page):
    """The first page."""
    page.goto(stack.codec.portal_origin + "/")


def forgotten(stack, page):
    """The portal after a form without script."""
    page.goto(stack.codec.portal_origin + "/forgotten")
    page.locator("#forgotten").wait_for()


def outer(stack, page):
    """The outer frame before an address."""
    page.goto(stack.codec.secure_origin + "/")
    ready = "localStorage.getItem('gw.ickt') && document.activeElement.id === 'address'"
    settle(page, lambda: page.evaluate(ready), "there is a session")


def notice(stack, page):
    """The outer frame with something to say, and something to ask."""
    outer(stack, page)
    page.locator("#address").fill("http://")
    page.locator("#go button:not([type])").click()
    page.locator("#notice").wait_for()
    page.evaluate(
        "() => { const one = document.getElementById('popup'); one.hidden = false;"
        " one.textContent = document.getElementById('notice').dataset.popup }"
    )


def site(stack, page):
    """The outer frame with a site."""
    open_site(stack, page, SHOP + "/")
    page.locator("#origin:not(:empty)").wait_for()


def framed_oops(stack, page):
    """A refusal where a site would be."""
    page.goto(stack.outer + "https://closed.test/")
    frame_of(stack, page, "https://closed.test").locator("h1").wait_for()
    page.locator("#progress").wait_for(state="hidden")


def oops(stack, page):
    """A refusal at the top."""
    page.goto(stack.codec.portal_origin + "/nothing")


def settings(stack, page):
    """What is private, and forget me."""
    page.goto(stack.codec.secure_origin + "/settings")


def settings_done(stack, page):
    """After that."""
    settings(stack, page)
    page.locator("[name=sure]").check()
    page.locator("#forget button").click()
    page.locator("#state").wait_for()
    page.locator("#forget").wait_for(state="hidden")


SCENES = (portal, forgotten, outer, notice, site, framed_oops, oops, settings, settings_done)


# The person's colours, a language for each direction, and a screen: each beside each other.
SCREENS = {
    "light-en-large": ("light", "en", LARGE),
    "light-ar-small": ("light", "ar", SMALL),
    "dark-en-small": ("dark", "en", SMALL),
    "dark-ar-large": ("dark", "ar", LARGE),
}


@pytest.fixture(params=SCREENS.values(), ids=SCREENS)
def person(request):
    """Whose screen it is."""
    return request.param


@pytest.fixture
def screen(browser, person):
    """A page in a fresh profile with these."""
    scheme, language, size = person
    context = browser.new_context(
        ignore_https_errors=True,
        viewport={"width": size[0], "height": size[1]},
        locale=language,
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def serious(page_or_frame) -> list[str]:
    """What axe-core finds serious or worse in one document."""
    if not AXE.is_file():
        raise AssertionError("axe-core is missing: run npm ci in gateway/runtime")
    page_or_frame.evaluate(AXE.read_text("utf-8"))
    found = page_or_frame.evaluate("axe.run(document, { iframes: false })")
    assert found["passes"], "axe-core looked at nothing"
    return [
        f"{one['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def narrow(page_or_frame, width: int) -> None:
    """Nothing has to be scrolled to sideways, and nothing is cut off there."""
    wide = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
    assert page_or_frame.evaluate(wide) <= width
    assert page_or_frame.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_axe(stack, screen, scene, person, shots):
    """No serious finding, no sideways scrolling, the language and direction it should have."""
    scheme, language, size = person
    scene(stack, screen)
    screen.screenshot(path=shots / f"a11y-{scene.__name__}-{language}-{size[0]}-{scheme}.png")
    assert serious(screen) == []
    narrow(screen, size[0])
    root = screen.evaluate(
        "[document.documentElement.lang, getComputedStyle(document.body).direction]"
    )
    assert root == [language, "rtl" if language == "ar" else "ltr"]
    if scene is framed_oops:
        frame = frame_of(stack, screen, "https://closed.test")
        assert serious(frame) == []
        narrow(frame, size[0])
        assert frame.evaluate("document.documentElement.lang") == language


@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_keyboard(stack, screen, scene):
    """Tab reaches everything there is to use, in view, and shows where it is."""
    scene(stack, screen)
    wanted = screen.evaluate(FOCUSABLE)
    if scene is framed_oops:
        wanted = [one for one in wanted if "<iframe" not in one]  # there is nothing to use in it
    reached = []
    for _ in range(3 * len(wanted) + 30):
        screen.keyboard.press("Tab")
        found = screen.evaluate(FOCUSED)
        if found is None or found["at"] in reached:
            continue
        reached.append(found["at"])
        assert found["seen"], f"out of view: {found['at']}"
        assert found["frame"] or found["outline"] >= 2, f"no sign of the focus: {found['at']}"
        if len(reached) == len(wanted):
            break
    assert sorted(reached) == sorted(wanted)
