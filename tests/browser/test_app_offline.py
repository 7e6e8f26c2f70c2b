"""A site with a service worker of its own (Workbox): it works while its origin, or all, is down."""

from __future__ import annotations

import pytest

from tests.browser.apps.ground import WAYS, Ground, serve

pytestmark = pytest.mark.browser
SITE = "https://notes.test"


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def ground(request, playwright, tmp_path_factory):
    """Each way ends with an origin that is down: one for each."""
    made = Ground(
        tmp_path_factory.mktemp("offline"),
        playwright,
        lambda stack: serve(stack, "offline", ["notes.test"]),
    )
    made.through = request.param
    yield made
    made.stop()


def test_notes_are_read_without_a_network(ground, shots):
    """Shell and data come from the worker: origin down, then the whole network."""
    through = ground.through
    with ground.person(through=through) as person:
        page, frame = person.open(SITE + "/")
        frame.locator("#worker", has_text="controlling").wait_for()
        frame.locator("#notes li", has_text="first note").wait_for()
        frame.fill("#text", "second note")
        frame.click("text=Add")
        frame.locator("#notes li", has_text="second note").wait_for()
        # A visit under the worker's control: its shell answers an address that no file has.
        page, frame = person.open(SITE + "/any/address")
        frame.locator("#notes li", has_text="second note").wait_for()
        assert frame.text_content("#source") == "network"
        frame.fill("#text", "a note from the shell")
        frame.click("text=Add")
        frame.locator("#notes li", has_text="a note from the shell").wait_for()

        ground.application.stop()
        page, frame = person.open(SITE + "/other/address")
        frame.locator("#source", has_text="cache").wait_for()
        frame.locator("#notes li", has_text="second note").wait_for()
        assert frame.evaluate("getComputedStyle(document.body).color") == "rgb(0, 64, 128)"
        frame.fill("#text", "third note")
        frame.click("text=Add")
        if through:
            page.screenshot(path=shots / "offline.png")

        person.context.set_offline(True)
        frame.evaluate("location.reload()")
        frame = person.shown(page, SITE + "/other/address")
        frame.locator("#source", has_text="cache").wait_for()
        frame.click("text=About")
        frame.locator("h1", has_text="About these notes").wait_for()
        frame.click("text=Back")
        frame.locator("#notes li", has_text="second note").wait_for()
        assert person.complaints == []
