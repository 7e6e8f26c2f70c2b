"""Every hook of the runtime: pages do through the gateway what they do directly.

The cases stand in ``runtime/*.js``.  Each gives back something that is compared with a direct
load of the same page, and so is what came to the origins meanwhile.
"""

from __future__ import annotations

import pytest

from tests.browser.harness import KNOWN
from tests.browser.runtime.pages import GROUPS, A
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser
ABSENT = {"RTCPeerConnection", "webkitRTCPeerConnection", "WebTransport"}
WORKER = """() => new Promise((done) => {
  const worker = new Worker("/survey-worker.js");
  worker.onmessage = (event) => done(event.data);
})"""
SURVEYS = {
    "page": "() => [survey(window), texts(window)]",
    "blank frame": "() => [survey, texts].map((of) => of(document.querySelector('#blank').contentWindow))",
    "worker": WORKER,
}


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("runtime"), playwright)
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("group", GROUPS)
def test_cases(world, subtests, group):
    """Each case of a group gives what it gives directly, and asks what it asks directly."""
    directly = world.cases(group)
    through = world.cases(group, directly.arrivals)
    assert list(through.results) == list(directly.results)
    for case, expected in directly.results.items():
        if case in KNOWN["cases"]:
            continue
        with subtests.test(msg=case):
            assert expected != "too late"
            assert through.results[case] == expected
            assert through.arrivals.get(case, set()) == directly.arrivals.get(case, set())


def surveyed(world, where: str, *, through: bool) -> tuple[dict, dict]:
    """A survey of one kind of global object, and the texts of its functions."""
    with world.tab(through=through) as page:
        return world.open(page, f"{A}/survey", through=through).evaluate(SURVEYS[where])


@pytest.fixture(scope="module")
def surveys(world):
    """Surveys of all kinds: directly and through the gateway."""
    return {
        where: tuple(surveyed(world, where, through=through) for through in (False, True))
        for where in SURVEYS
    }


@pytest.mark.parametrize("where", SURVEYS)
def test_hooks_look_native(surveys, where):
    """Names, lengths, attributes and order of every native member are the browser's."""
    (directly, _), (through, _) = surveys[where]
    missing = {
        name.replace("global.", "").split(".")[0].split()[0]
        for name in directly
        if name not in through
    }
    assert missing <= ABSENT
    # Chromium keeps the properties of style on each declaration, other browsers here.
    added = [one for one in through if one.startswith("CSSStyleDeclaration.prototype")]
    expected = {
        **directly,
        **{one: through[one] for one in added if one not in directly or one.endswith("prototype")},
        "global": [
            [one for one in directly["global"][0] if one not in ABSENT],
            directly["global"][1],
        ],
    }
    assert {
        name: (now, expected.get(name))
        for name, now in through.items()
        if now != expected.get(name)
    } == {}


@pytest.mark.parametrize("where", SURVEYS)
def test_hooks_have_native_texts(surveys, where):
    """What a function reads as is what the browser's own reads as."""
    (_, directly), (_, through) = surveys[where]
    differing = {
        name: (text, directly[name])
        for name, text in through.items()
        if name in directly and text != directly[name]
    }
    assert differing == {}


@pytest.mark.parametrize("where", SURVEYS)
def test_what_cannot_be_carried_is_absent(surveys, where):
    """Applications take their other way where WebRTC and WebTransport are missing."""
    _, (through, _) = surveys[where]
    assert ABSENT.isdisjoint(through["global"][0])
