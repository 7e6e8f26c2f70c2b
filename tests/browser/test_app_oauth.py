"""A login with OAuth in a popup: authorization code with PKCE, between two origins."""

from __future__ import annotations

import json

import pytest

from tests.browser.apps.ground import WAYS, Ground, serve

pytestmark = pytest.mark.browser
CLIENT = "https://app.client.test"
PROVIDER = "https://login.provider.test"


@pytest.fixture(scope="module")
def ground(playwright, tmp_path_factory):
    """The provider (oidc-provider) and a page with oidc-client-ts, each at an origin of its own."""
    made = Ground(
        tmp_path_factory.mktemp("oauth"),
        playwright,
        lambda stack: serve(stack, "oauth", ["app.client.test", "login.provider.test"]),
        windowed=True,
    )
    yield made
    made.stop()


@pytest.mark.parametrize("computed", [False, True], ids=["written down", "of where it is"])
@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS.keys())
def test_somebody_signs_in_by_a_popup(ground, through, computed, shots):
    """The popup goes to the provider and back; its opener gets the code, and tokens for it.

    ``computed``: the client makes its ``redirect_uri`` of its ``location``; the provider knows one.
    """
    with ground.person(through=through) as person:
        page, frame = person.open(CLIENT + "/")
        if computed:
            frame.evaluate("sessionStorage.computed = 'yes'")
            page, frame = person.open(CLIENT + "/", page)
        with person.context.expect_page() as opened:
            frame.click("#popup")
        popup = opened.value
        login = person.shown(popup, PROVIDER + "/interaction/")
        login.fill("input[name=login]", "ada")
        login.fill("input[name=password]", "whatever")
        if through:
            popup.screenshot(path=shots / "oauth-popup.png")
        login.click("button[type=submit]")
        person.shown(popup, PROVIDER + "/interaction/")
        popup.frames[1 if through else 0].get_by_role("button", name="Continue").wait_for()
        with popup.expect_event("close"):
            popup.frames[1 if through else 0].get_by_role("button", name="Continue").click()
        name = f"Ada of {PROVIDER}"
        frame.locator("#user", has_text=name).wait_for()
        frame.click("#info")
        frame.locator("#said", has_text="sub").wait_for()
        assert json.loads(frame.text_content("#said")) == {"sub": "ada", "name": name}
        frame.click("#refresh")
        frame.locator("#said", has_text="another token").wait_for()
        # What was signed in stays so for the next visit.
        _, frame = person.open(CLIENT + "/", page)
        frame.locator("#user", has_text=name).wait_for()
        assert person.complaints == []
