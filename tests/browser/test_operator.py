"""The operator's page in a browser: WebSockets on a small screen, and one closed from there."""

from __future__ import annotations

import pytest

from tests.browser.harness import launch, open_site, settle
from tests.browser.test_accessibility import OUTSIDE, SMALL, serious

pytestmark = pytest.mark.browser
CHAT = "https://chat.demo.example/"
OPEN = """() => new Promise((resolve) => {
  window.one = new WebSocket("wss://chat.demo.example/ws", ["v1.chat.demo"]);
  window.ended = null;
  one.onclose = ({ code, reason, wasClean }) => { window.ended = [code, reason, wasClean]; };
  one.onopen = () => { one.send("said by a person"); resolve(one.protocol); };
})"""


def test_websockets(stack, playwright, browser, shots):
    """It is listed without anything to scroll to sideways, and a button ends it for the page."""
    person = browser.new_context(ignore_https_errors=True)
    plain = launch(playwright, "--no-pings")
    operator = plain.new_context(viewport={"width": SMALL[0], "height": SMALL[1]})
    for context in (person, operator):
        context.set_default_timeout(20_000)
    frame = open_site(stack, person.new_page(), CHAT)
    assert frame.evaluate(OPEN) == "v1.chat.demo"
    page = operator.new_page()
    page.goto(f"http://127.0.0.1:{stack.admin_port}/")
    rows = page.locator("#websockets ~ .wide .cards").nth(1).locator("tbody tr")
    mine = rows.filter(has_text="https://chat.demo.example").first
    assert "said by a person" not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL[0], page.evaluate(OUTSIDE)
    inside = [one for one in page.evaluate(OUTSIDE) if "data-name" in one or "<button" in one]
    assert inside == []
    page.screenshot(path=shots / "operator-websockets-240.png", full_page=True)
    assert [one for one in serious(page) if "scrollable" not in one] == []
    mine.get_by_role("button", name="all there").click()
    page.wait_for_url("**/#websockets")
    settle(page, lambda: frame.evaluate("window.ended"), "the page was told")
    assert frame.evaluate("window.ended") == [1008, "closed by the operator", True]
    assert rows.filter(has_text="https://chat.demo.example").count() == 0
    person.close()
    plain.close()
