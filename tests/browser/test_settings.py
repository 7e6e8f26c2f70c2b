"""Forget me as a person does it: by keyboard, without script, with the gateway out of reach."""

from __future__ import annotations

import os
import time

import pytest

from gateway import wire
from gateway.ops import keyfile
from gateway.session import bootstrap
from gateway.session.attestation import Mode
from tests.browser.harness import DOMAIN, open_site
from tests.browser.test_accessibility import narrow
from tests.browser.test_outer_frame import SHOP

pytestmark = pytest.mark.browser
KEPT = "JSON.stringify(localStorage)"


def names(page) -> set[str]:
    """The cookies that the browser holds, but for the one that is of nobody's session."""
    found = {cookie["name"] for cookie in page.context.cookies()}
    return found - {wire.WITHIN_COOKIE.decode()}


@pytest.fixture
def bare(browser, stack):
    """A browser without script in the middle of a session of mode basic."""
    context = browser.new_context(
        ignore_https_errors=True, java_script_enabled=False, viewport={"width": 240, "height": 500}
    )
    context.set_default_timeout(20_000)
    keys = keyfile.load_or_create(stack.folder / "gateway.keys")
    noise = os.urandom(bootstrap.RANDOM_NEEDED)
    minted = bootstrap.mint(keys, noise, int(time.time()), DOMAIN, Mode.BASIC)
    for field, domain in zip(minted.set_cookies, (f".0.{DOMAIN}", f".{DOMAIN}"), strict=True):
        name, _, value = field.decode().partition(";")[0].partition("=")
        cookie = {"name": name, "value": value, "domain": domain, "path": "/"}
        context.add_cookies([{**cookie, "secure": True, "httpOnly": True, "sameSite": "Lax"}])
    yield context.new_page()
    context.close()


def test_forget_me_by_keyboard(stack, page, shots):
    """Cookies, key and what the outer frame kept are gone; the site meets a stranger."""
    frame = open_site(stack, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "1"
    frame = open_site(stack, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "2"
    page.get_by_role("link", name="Settings").click()
    page.locator("h1", has_text="Settings").wait_for()
    assert names(page) == {"__Http-ick", "__Http-datr"}
    assert "gw.restore" in page.evaluate(KEPT)
    page.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#state", has_text="has deleted your cookies").wait_for()
    page.screenshot(path=shots / "forgotten.png")
    assert page.evaluate("document.activeElement.id") == "state"
    assert names(page) == set()
    assert page.evaluate(KEPT) == "{}"
    page.get_by_role("link", name="To the start page").click()
    page.locator("h1", has_text="Where would you like to go?").wait_for()
    frame = open_site(stack, page, SHOP + "/")
    assert frame.locator("#visits").inner_text() == "1"


def test_not_by_accident(stack, page):
    """Nothing is sent before the box is ticked."""
    open_site(stack, page, SHOP + "/")
    page.goto(stack.codec.secure_origin + "/settings")
    asked = []
    page.on("request", lambda request: asked.append(request.method))
    page.get_by_role("button", name="Forget me").click()
    assert page.evaluate("document.activeElement.name") == "sure"
    assert "POST" not in asked
    assert names(page) == {"__Http-ick", "__Http-datr"}


def test_out_of_reach(stack, page):
    """If the gateway does not do it the browser keeps its part, says so, and lets one try again."""
    open_site(stack, page, SHOP + "/")
    page.goto(stack.codec.secure_origin + "/settings")
    before = page.evaluate(KEPT)
    busy = {"title": "The gateway is busy", "status": 503}
    for answer in (
        lambda route: route.abort(),
        lambda route: route.fulfill(status=503, json=busy),
    ):
        page.unroute_all()
        page.route("**/.gateway/forget", answer)
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Forget me").click()
        page.locator("#state", has_text="nothing was deleted").wait_for()
        assert page.evaluate(KEPT) == before
    page.unroute_all()
    page.get_by_role("button", name="Forget me").click()
    page.locator("#state", has_text="has deleted your cookies").wait_for()


def test_without_script(stack, bare, shots):
    """The same form ends the session and comes out at the portal, which says so."""
    assert names(bare) == {"__Http-ick", "__Http-datr"}
    bare.goto(stack.codec.secure_origin + "/settings")
    bare.locator("[name=sure]").check()
    bare.get_by_role("button", name="Forget me").click()
    bare.locator("#forgotten", has_text="has forgotten you").wait_for()
    bare.screenshot(path=shots / "forgotten-bare.png")
    assert bare.url.startswith(stack.codec.portal_origin)
    assert names(bare) == set()


def test_the_outer_frame_without_script(stack, bare, shots):
    """A way on, and nothing that does nothing."""
    bare.goto(stack.codec.secure_origin + "/")
    bare.screenshot(path=shots / "outer-bare.png")
    assert bare.get_by_role("button").all_inner_texts() == ["Continue without JavaScript"]
    assert bare.get_by_role("textbox").count() == 1
    assert bare.get_by_role("link").count() == 2
    narrow(bare, 240)
