"""The catalogue on the portal: found, searched and opened, with and without script; curated gateways."""

from __future__ import annotations

import pytest

from tests.browser.harness import ROOT, Stack, launch, resolver_rules
from tests.browser.test_accessibility import FOCUSABLE, FOCUSED, narrow, serious
from tests.browser.test_outer_frame import SHOP, frame_of, open_site, settle

pytestmark = pytest.mark.browser
SITES = (
    ("The demo shop", f"{SHOP}/", "Shopping", "Things to buy.", ["en"]),
    ("متجر", "https://strict.test/", "Shopping", "متجر صغير للتجربة.", ["ar"]),
    ("Café Ærø", "https://chat.demo.example/", "Talk", "A place to chat.", ["da"]),
    ("Plain", "http://plain.test:8081/", "Talk", "Nothing is encrypted there.", []),
)


def catalogue(folder, sites=SITES) -> str:
    """A file of these sites, with icons; its name."""
    path = folder / "sites.toml"
    (folder / "book.svg").write_bytes((ROOT / "etc" / "icons" / "book.svg").read_bytes())
    rows = [
        f'[[site]]\ntitle = "{title}"\nurl = "{url}"\ncategory = "{category}"\n'
        f'description = "{about}"\nlanguages = {languages}\nicon = "book.svg"\n'
        for title, url, category, about, languages in sites
    ]
    path.write_text("\n".join(rows))
    return str(path)


def started(folder, only: bool, sites=SITES):
    """A gateway with a catalogue."""
    made = Stack(folder)
    made.start_origins()
    name = catalogue(folder, sites)
    made.start_gateway(f'[catalogue]\nfile = "{name}"\nonly = {"true" if only else "false"}\n')
    return made


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """One with a catalogue beside its rules."""
    made = started(tmp_path_factory.mktemp("catalogue"), only=False)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    """One that shows the catalogue's first sites and no others."""
    made = started(tmp_path_factory.mktemp("curated"), True, SITES[:1])
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browsers(playwright, stack, curated, tripwire):
    """A browser for each."""
    made = [launch(playwright, resolver_rules(one, tripwire)) for one in (stack, curated)]
    yield made
    for one in made:
        one.close()


def profile(browser, width=1000, height=700, **more):
    """A page in a fresh profile."""
    context = browser.new_context(
        ignore_https_errors=True, viewport={"width": width, "height": height}, **more
    )
    context.set_default_timeout(10_000)
    return context.new_page()


def titles(page) -> list[str]:
    """The sites that are shown, in their order."""
    return page.locator(".sites b").all_inner_texts()


@pytest.mark.parametrize("script", [False, True])
def test_search(stack, browsers, script):
    """By the server, without case and accents; no log tells what was searched for."""
    page = profile(browsers[0], java_script_enabled=script)
    page.goto(stack.codec.portal_origin + "/")
    assert len(titles(page)) == len(SITES)
    page.get_by_label("Search the reviewed sites").fill("CAFE aero")
    page.get_by_role("button", name="Search").click()
    page.locator("#found").wait_for()
    assert titles(page) == ["Café Ærø"]
    assert page.get_by_label("Search the reviewed sites").input_value() == "CAFE aero"
    page.goto(stack.codec.portal_origin + "/?q=xylophone")
    assert "No site was found" in page.locator("#found").inner_text()
    assert titles(page) == []
    page.get_by_role("link", name="Shopping").click()
    page.locator(".tags [aria-current]", has_text="Shopping").wait_for()
    assert titles(page) == ["The demo shop", "متجر"]
    page.get_by_role("link", name="The demo shop").click()
    if script:
        frame_of(stack, page, SHOP).locator("h1", has_text="Hello").wait_for()
    else:
        page.get_by_role("button", name="Continue without JavaScript").wait_for()
    page.context.close()
    text = stack.gateway.text()
    assert '"path": "/"' in text
    for word in ("aero", "xylophone", "Shopping"):
        assert word not in text


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("size", [(240, 320), (1000, 700)], ids=["small", "large"])
def test_everybody(stack, browsers, size, language, shots):
    """Axe-core, no sideways scrolling, the keyboard; the person's language first."""
    dark = "dark" if language == "ar" else "light"
    page = profile(browsers[0], *size, locale=language, color_scheme=dark)
    for name, query in (("portal", ""), ("category", "?c=Talk"), ("nothing", "?q=zebra")):
        page.goto(f"{stack.codec.portal_origin}/{query}")
        assert serious(page) == [], name
        narrow(page, size[0])
        page.screenshot(path=shots / f"catalogue-{name}-{language}-{size[0]}.png")
    page.goto(stack.codec.portal_origin + "/")
    assert titles(page)[0] == ("متجر" if language == "ar" else "The demo shop")
    wanted = page.evaluate(FOCUSABLE)
    reached = []
    for _ in wanted:
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        assert found["seen"], found
        assert found["outline"] >= 2, found
        reached.append(found["at"])
    assert reached == wanted
    page.context.close()


def test_icons_are_images(stack, browsers):
    """An SVG opened by itself is nothing but a picture."""
    page = profile(browsers[0])
    page.goto(stack.codec.portal_origin + "/")
    source = page.locator("img.icon").first.get_attribute("src")
    assert page.evaluate("[...document.images].every((one) => one.naturalWidth)")
    answer = page.goto(stack.codec.portal_origin + source)
    assert "sandbox" in answer.headers["content-security-policy"]
    assert page.evaluate("origin") == "null"
    page.context.close()


def test_not_encrypted(stack, browsers, shots):
    """The address bar says in words that a site's last leg is not encrypted, and what that means."""
    page = profile(browsers[0], 240, 320)
    open_site(stack, page, "http://plain.test:8081/")
    page.locator("#origin.plain", has_text="http://plain.test:8081").wait_for()
    button = page.get_by_role("button", name="Not encrypted")
    button.wait_for()
    assert page.locator("#plain-text").is_hidden()
    button.click()
    assert "nothing is encrypted" in page.locator("#plain-text").inner_text()
    assert button.get_attribute("aria-expanded") == "true"
    assert serious(page) == []
    narrow(page, 240)
    page.screenshot(path=shots / "not-encrypted.png")
    open_site(stack, page, SHOP + "/about")
    page.locator("#origin", has_text="shop").wait_for()
    assert button.is_hidden()
    assert page.locator("#plain-text").is_hidden()
    page.context.close()


def test_curated(curated, browsers, shots):
    """No address is asked for, the catalogue's sites open, and no other does."""
    page = profile(browsers[1])
    page.goto(curated.codec.portal_origin + "/")
    assert page.get_by_label("Web address").count() == 0
    assert serious(page) == []
    page.get_by_role("link", name="The demo shop").click()
    frame = frame_of(curated, page, SHOP)
    frame.locator("h1", has_text="Hello").wait_for()
    page.locator("#origin", has_text="shop").wait_for()
    assert page.locator("#address").is_hidden()
    assert page.get_by_role("button", name="Go").count() == 0
    assert serious(page) == []
    # What the file's rules open counts no more: the harness opens the chat by one.
    frame.get_by_text("The chat, on another origin").click()
    refused = frame_of(curated, page, "https://chat.demo.example")
    refused.get_by_role("heading", name="This address is not open here").wait_for()
    assert "https://chat.demo.example" in refused.locator("main").inner_text()
    assert serious(refused) == []
    page.screenshot(path=shots / "curated-denied.png")
    settle(page, lambda: "no allow-navigation rule opens" in curated.gateway.text(), "it is logged")
    refused.get_by_role("button", name="To the start page").click()
    page.wait_for_url(curated.codec.portal_origin + "/")
    page.context.close()
