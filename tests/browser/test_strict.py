"""Strict mode: sites open no windows; what a person opens is shown where they are."""

from __future__ import annotations

import pytest

from tests.browser.harness import settle
from tests.browser.runtime.pages import A, B
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser
WAYS = {
    "link": "void 0",
    "script": "$('blank').onclick = () => { window.made = open(to); return false }",
    "opener": "$('blank').rel = 'opener'",
}


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    folder = tmp_path_factory.mktemp("strict")
    origins = {A: "secure", B: "secure"}
    made = World(folder, playwright, origins, windowed=True, extra="\n[content]\nstrict = true\n")
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("way", WAYS)
def test_one_window(world, way):
    """A click shows the other site in the same window, and no other opens."""
    with world.tab(through=True) as page:
        frame = world.open(page, f"{A}/start?case={way}", through=True)
        frame.evaluate(f"{WAYS[way]}; 0")  # a function would be called at once
        # Not the driver's click, which would wait for the frame that goes.
        where = frame.locator("#blank").bounding_box()
        page.mouse.click(where["x"] + 3, where["y"] + 3)
        shown = world.shown(page, f"{B}/landed")
        assert shown.title() == "landed"
        settle(page, lambda: f"#{B}/landed" in page.url, "the address is shown", 10)
        assert page.context.pages == [page]
    assert world.tripwire.touched == []


@pytest.mark.parametrize("to", [A, B])
def test_a_form_that_is_posted_into_a_new_window(world, to):
    """Its answer is shown in the same window."""
    with world.tab(through=True) as page:
        frame = world.open(page, f"{A}/start?case=posted", through=True)
        frame.evaluate(
            f"$('post').target = '_blank'; $('post').action = '{to}/landed?case=posted'; 0"
        )
        where = frame.locator("#post button").bounding_box()
        page.mouse.click(where["x"] + 3, where["y"] + 3)
        shown = world.shown(page, f"{to}/landed")
        settle(page, lambda: shown.title() == "landed", "it is shown", 10)
        settle(page, lambda: f"#{to}/landed" in page.url, "the address is shown", 10)
        assert page.context.pages == [page]
        assert "POST" in shown.locator("pre").inner_text()
        assert shown.evaluate("name") == ""
    assert world.tripwire.touched == []
