"""Debian's WordPress, unchanged: log in, write a post in its editor, publish it, see it."""

from __future__ import annotations

import pytest

from tests.browser.apps import wordpress
from tests.browser.apps.ground import WAYS, Ground

pytestmark = pytest.mark.browser
SITE = wordpress.SITE
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8ffff3f"
    "0005fe02fea72d99600000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def ground(playwright, tmp_path_factory):
    """WordPress with PHP and MariaDB, and the gateway before it."""
    made = Ground(tmp_path_factory.mktemp("wordpress"), playwright, wordpress.start)
    yield made
    made.stop()


@pytest.mark.parametrize("through", WAYS.values(), ids=WAYS.keys())
def test_a_post_is_written(ground, through, shots):
    """A person's way from the login form to the published post, with a picture in it."""
    with ground.person(through=through) as person:
        person.context.set_default_timeout(40_000)
        page, frame = person.open(SITE + "/wp-login.php")
        frame.fill("#user_login", wordpress.USER)
        frame.fill("#user_pass", wordpress.PASSWORD)
        frame.click("#wp-submit")
        frame = person.shown(page, SITE + "/wp-admin/")
        frame.locator("#wpadminbar").wait_for()
        page, frame = person.open(SITE + "/wp-admin/post-new.php", page)
        title = f"Written {'through' if through else 'directly'}"
        frame.locator(".editor-post-title__input").click()
        page.keyboard.type(title)
        page.keyboard.press("Enter")
        page.keyboard.type("A paragraph, with an acute é.")
        page.keyboard.press("Enter")
        page.keyboard.type("/image")
        frame.get_by_role("option", name="Image").first.wait_for()
        page.keyboard.press("Enter")
        with page.expect_file_chooser() as chosen:
            frame.get_by_role("button", name="Upload", exact=True).click()
        chosen.value.set_files({"name": "dot.png", "mimeType": "image/png", "buffer": PIXEL})
        # First the editor shows a blob: URL of its own, then the uploaded file.
        frame.locator(".wp-block-image img[src^='https:']").wait_for()
        frame.locator(".editor-post-publish-button__button").click()
        frame.locator(".editor-post-publish-panel .editor-post-publish-button").click()
        frame.locator(".post-publish-panel__postpublish-header").wait_for()
        if through:
            page.screenshot(path=shots / "wordpress-editor.png")
        frame.locator(".post-publish-panel__postpublish-buttons a").first.click()
        path = f"/post/{title.lower().replace(' ', '-')}/"
        frame = person.shown(page, SITE + path)
        assert frame.locator("h1").first.text_content() == title
        frame.get_by_text("A paragraph, with an acute é.").wait_for()
        assert frame.evaluate("document.querySelector('.wp-block-image img').naturalWidth") == 1
        frame.fill("#comment", "well said")
        frame.click("#submit")
        frame = person.shown(page, SITE + path)
        frame.get_by_text("well said").wait_for()
        if through:
            page.screenshot(path=shots / "wordpress-post.png")
        assert person.complaints == []
