"""Sites with ``rewrite-location``: whatever says where a page is says it as it does directly."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

import pytest

from tests.browser.harness import ROOT
from tests.browser.runtime import pages
from tests.browser.runtime.pages import A, B, html
from tests.browser.runtime.site import JS, Answer, Asked
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent / "runtime"
EDIT = (ROOT / "gateway/runtime/src/identity/edit.js").as_uri()
RULES = f"""
[[allow-navigation]]
href = "{A}"
rewrite-location = true
"""
_LOOK = html(
    f"<p id=links><a href=/own>own</a><a href='{A}/there?x'>whole</a><a href='{B}/x'>other</a></p>"
    f"<form action='{A}/send'></form><i id=styled style='background-image: url({A}/pixel.png)'></i>",
    "<link rel=stylesheet href=/sheet.css><script src=/first.js></script>"
    "<script src=/identity.js></script>",
)
_PLACED = "postMessage([location.href, `${location}`, location.origin, location.host, location.pathname, self.origin, Object.prototype.toString.call(location)]);"
SCRIPTS = {
    "/identity.js": (HERE / "identity.js").read_text(encoding="utf-8"),
    "/first.js": "window.loadedFrom = document.currentScript.src;",
    "/placed.js": _PLACED,
    "/placed-module.js": _PLACED.replace("]);", ", import.meta.url]);"),
    "/meta.js": "export const url = import.meta.url, resolved = import.meta.resolve('./x.js');",
    "/broken.js": "null.broken",
    "/within.js": "window.told = [location.href, top === parent, parent === self, parent.location.pathname, document.referrer, [...location.ancestorOrigins]];",
}
PAGES = {
    "/look": _LOOK,
    "/blank": html("blank"),
    "/within": html("", "<script src=/within.js></script>"),
}
EDITED = {"by hand": False}
KNOWN = {
    # The key is the browser's name, which no renaming reaches.
    "location destructured": "a pattern reads `location` of a window by its own name",
}


@functools.cache
def _by_hand(text: str) -> str:
    """What the browser's own copy of the edit makes of it."""
    program = f'import {{ edit }} from "{EDIT}"; process.stdout.write(edit(process.argv[1]))'
    command = ["node", "--input-type=module", "-e", program, text]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout


def edited(text: str) -> str:
    """What the server makes of these scripts."""
    return _by_hand(text) if EDITED["by hand"] else text


def answer(asked: Asked) -> Answer | None:
    """The site of these tests, before the others' pages."""
    if asked.path in SCRIPTS:
        return Answer(edited(SCRIPTS[asked.path]).encode(), JS)
    if asked.path in PAGES:
        return PAGES[asked.path]
    return pages.answer(asked)


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("location"), playwright, answer=answer, extra=RULES)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def observations(world):
    """What the page sees: directly and through the gateway."""
    out = []
    for through in (False, True):
        EDITED["by hand"] = through
        with world.tab(through=through) as page:
            page.goto("about:blank")
            frame = world.open(page, f"{A}/look?a=b#c", through=through)
            out.append(frame.evaluate("observed()"))
    EDITED["by hand"] = False
    return tuple(out)


def test_observations(observations, subtests):
    """All of them, of one piece: no name of the gateway's is seen anywhere."""
    directly, through = observations
    assert list(directly) == list(through)
    assert len(directly) >= 60
    for name, expected in directly.items():
        with subtests.test(msg=name):
            assert expected != "too late"
            assert (through[name] == expected) is (name not in KNOWN), through[name]
