"""A single-page application with a router, and its API on another site (CORS with credentials)."""

from __future__ import annotations

import re

import pytest

from tests.browser.apps.ground import WAYS, Ground, serve

pytestmark = pytest.mark.browser
APP = "https://tasks.test"
API = "https://api.backend.test"


@pytest.fixture(scope="module")
def ground(playwright, tmp_path_factory):
    """Vue and its router at one origin, Express at the other."""
    made = Ground(
        tmp_path_factory.mktemp("spa"),
        playwright,
        lambda stack: serve(stack, "spa", ["tasks.test", "api.backend.test"]),
    )
    yield made
    made.stop()


@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS.keys())
def test_tasks_are_kept_by_an_api_on_another_site(ground, through, shots):
    """Log in, add, page, finish and remove tasks; back, reload and a deep link keep working."""
    with ground.person(through=through) as person:
        page, frame = person.open(APP + "/tasks")
        # Without a session the router leads to the form, and remembers where it was to go.
        frame.wait_for_selector("#user[type=text]")
        assert person.typed(frame) == APP + "/login?next=/tasks"
        frame.fill("#user[type=text]", "ada")
        frame.fill("#password", "wrong")
        frame.click("button")
        frame.get_by_text("wrong password").wait_for()
        frame.fill("#password", "s3cret pass")
        frame.click("button")
        frame.get_by_text("0 tasks").wait_for()
        for number in range(1, 4):
            frame.fill("#text", f"task {number}")
            frame.click("#add")
            frame.get_by_text(f"{number} tasks").wait_for()
        assert frame.locator("#tasks li").count() == 2
        # The next page's address is the API's own, from an exposed Link field.
        frame.click("#more")
        frame.locator("#tasks li").nth(2).wait_for()
        frame.get_by_text("task 2").click()
        frame.click("#done")
        frame.locator("h1.done", has_text="task 2").wait_for()
        assert person.typed(frame) == APP + "/tasks/2"
        assert frame.text_content("#url") == API + "/tasks/2"
        if through:
            page.screenshot(path=shots / "spa.png")
        frame.evaluate("history.back()")
        frame.locator("#tasks li.done").wait_for()
        frame.get_by_text("task 1").click()
        frame.click("#remove")
        frame.get_by_text("2 tasks").wait_for()
        assert person.typed(frame) == APP + "/tasks"
        # The session is the browser's: a deep link in another tab asks for no password.
        _, other = person.open(APP + "/tasks/3")
        other.get_by_text("task 3").wait_for()
        assert re.search(r"^ada$", other.text_content("#user"))
        other.evaluate("location.reload()")
        other.get_by_text("task 3").wait_for()
        cookies = [one["name"] for one in person.context.cookies()]
        assert ("session" in cookies) is not through
        assert person.complaints == []
