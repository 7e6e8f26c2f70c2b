"""Pages that are special themselves show through the gateway what they show directly."""

from __future__ import annotations

import contextlib

import pytest

from tests.browser.harness import KNOWN, settle
from tests.browser.runtime.pages import CODINGS, POLICIES, A
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser
RAN = "document.documentElement.dataset.ran"
SEEN = "window.seen"
SNAPSHOT = """() => ({
  set: document.characterSet, kind: document.contentType, mode: document.compatMode, title: document.title,
  text: document.querySelector("#text")?.textContent, metas: document.querySelectorAll("meta").length,
  scripts: document.scripts.length, head: document.head?.children.length, all: document.querySelectorAll("*").length,
  data: {...document.documentElement.dataset}, image: document.querySelector("img")?.naturalWidth,
  height: document.querySelector("#edited")?.offsetHeight, seen: window.seen, root: document.documentElement.localName,
})"""
PAGES = {
    "/sjis": "1",
    "/sjis-late": "1",
    "/sjis-header": "1",
    "/latin": "1",
    "/bom": "1",
    "/utf16": RAN,
    "/utf16-header": RAN,
    "/xhtml": RAN,
    "/svg": RAN,
    "/imports": SEEN,
    "/static-imports": SEEN,
    "/integrity": "1",
    "/integrity-wrong": "1",
    "/integrity-foreign": "1",
    "/integrity-script": "document.querySelector('#edited').offsetHeight === 5",
    "/violation": SEEN,
    "/blob-worker": SEEN,
    "/meta-policy": SEEN,
    **{f"/policy/{name}": RAN for name in POLICIES},
    **{f"/coded/{name}": RAN for name in CODINGS},
}
STRUCTURES = ("/structure", "/bare", "/quirks", "/head-script", "/commented")


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("rewriting"), playwright)
    try:
        yield made
    finally:
        made.stop()


def look(world, path: str, ready: str, script: str, *, through: bool):
    """What a script says of a page that is ready, and what was asked of the other site."""
    since = len(world.site.log)
    with world.tab(through=through) as page:
        frame = world.open(page, A + path, through=through)

        def complete() -> bool:
            return frame.evaluate(f"document.readyState === 'complete' && !!({ready})")

        # What is missing in the end, the comparison tells.
        with contextlib.suppress(AssertionError):
            settle(page, complete, f"{path} is ready", 5)
        said = frame.evaluate(script)
    asked = {(one.host, one.path) for one in world.site.log[since:] if one.host != "a.test"}
    return (world.plainly(said) if through else said), asked


@pytest.mark.parametrize("path", [one for one in PAGES if one not in KNOWN["pages"]])
def test_page(world, path):
    """Encoding, text, elements, script and style are those of a direct load."""
    directly = look(world, path, PAGES[path], SNAPSHOT, through=False)
    through = look(world, path, PAGES[path], SNAPSHOT, through=True)
    assert through == directly


@pytest.mark.parametrize("path", STRUCTURES)
def test_structure(world, path):
    """Nothing of the gateway's is left in the document, whatever begins it."""
    # Until it is attested a page's root is marked, which its own script may see.
    shown = """(window.first ?? [0]).map((one) => `${one}`.replace(' aria-disabled="true"', ''))"""
    script = f"[document.documentElement.outerHTML, document.scripts.length, document.head.children.length, document.childNodes.length, {shown}]"
    ready = "!document.documentElement.hasAttribute('aria-disabled')"
    directly = look(world, path, ready, script, through=False)
    assert look(world, path, ready, script, through=True) == directly


@pytest.mark.parametrize("path", ["/trusted", "/trusted-any"])
def test_trusted_types(world, subtests, path):
    """A page's own policy works, what is trusted stays so, and what is not is refused."""
    directly, _ = look(world, path, SEEN, SEEN, through=False)
    through, _ = look(world, path, SEEN, SEEN, through=True)
    for name, expected in directly.items():
        if name in KNOWN["trusted"]:
            continue
        with subtests.test(msg=name):
            assert (through or {}).get(name) == expected


def test_frames_under_a_strict_policy(world):
    """Documents in a ``srcdoc`` inherit the policy; their scripts run all the same."""
    ran = "['f', 'g'].map((id) => document.getElementById(id)?.contentDocument.documentElement.dataset.ran)"
    ready = f"{ran}.every(Boolean)"
    directly = look(world, "/strict-srcdoc", ready, ran, through=False)
    assert look(world, "/strict-srcdoc", ready, ran, through=True) == directly


def test_reloading_revalidates(world):
    """The second load of a page with an entity tag is a 304 of the origin's, and shows the same."""
    for through in (False, True):
        since = len(world.site.log)
        with world.tab(through=through) as page:
            frame = world.open(page, f"{A}/tagged", through=through)
            frame.wait_for_function(RAN)
            frame.evaluate("window.old = true")
            frame.evaluate("void setTimeout(() => location.reload())")
            frame.wait_for_function(f"!window.old && {RAN}")
            assert frame.inner_text("#text") == "tagged"
            assert frame.evaluate("document.querySelector('#image').naturalWidth") == 3
        tagged = [one.status for one in world.site.log[since:] if one.path == "/tagged"]
        assert tagged == [200, 304], through
