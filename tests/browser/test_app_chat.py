"""A Socket.IO chat between two people, over WebSocket and over polling."""

from __future__ import annotations

import pytest

from tests.browser.apps.ground import WAYS, Ground, serve

pytestmark = pytest.mark.browser
PAGES = "https://talk.test"
SUM = sum(index % 251 for index in range(100_000))


@pytest.fixture(scope="module")
def ground(playwright, tmp_path_factory):
    """The pages at one origin, Socket.IO at another on a port of its own."""
    made = Ground(
        tmp_path_factory.mktemp("chat"),
        playwright,
        lambda stack: serve(stack, "chat", ["talk.test", "rooms.test"]),
    )
    yield made
    made.stop()


@pytest.mark.parametrize("transports", ["polling,websocket", "websocket", "polling"])
@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS.keys())
def test_two_people_talk(ground, through, transports, shots):
    """Messages, acknowledgements, octets; a lost connection comes back; one leaves."""
    last = transports.rpartition(",")[2]
    with ground.person(through=through) as ada, ground.person(through=through) as bob:
        frames = {}
        for name, person in (("ada", ada), ("bob", bob)):
            page, frame = person.open(f"{PAGES}/?name={name}&by={transports}")
            frame.locator("#state", has_text="online 1").wait_for()
            frame.locator("#transport", has_text=last).wait_for()
            frames[name] = page, frame
        ada_page, at_ada = frames["ada"]
        _, at_bob = frames["bob"]
        at_ada.locator("#log li", has_text="bob is here").wait_for()
        at_ada.fill("#text", "hello, Bøb 👋")
        at_ada.click("text=Say")
        at_bob.locator("#log li", has_text=f"ada: hello, Bøb 👋 ({last})").wait_for()
        at_ada.locator("#ack", has_text="13 characters").wait_for()
        at_bob.click("#picture")
        at_ada.get_by_text(f"bob: picture of 100000 octets, sum {SUM}").wait_for()
        at_bob.locator("#ack", has_text="100000 octets").wait_for()
        at_bob.click("#drop")
        at_bob.locator("#state", has_text="online 2").wait_for()
        at_ada.locator("#log li", has_text="bob is here").nth(1).wait_for()
        at_bob.fill("#text", "back")
        at_bob.click("text=Say")
        at_ada.locator("#log li", has_text="bob: back").wait_for()
        if through and last == "websocket":
            ada_page.screenshot(path=shots / "chat.png")
        bob.context.pages[0].close()
        at_ada.locator("#log li", has_text="bob has gone").nth(1).wait_for()
        assert at_ada.locator("#log li", has_text="error").count() == 0
        assert ada.complaints == bob.complaints == []
