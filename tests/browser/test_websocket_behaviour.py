"""The browser's own WebSocket, natively and emulated, as in a direct load."""

from __future__ import annotations

import json

import pytest

from tests.browser.websocket.differing import DIRECT, FALLBACK, LISTED, WAYS, names, reasons
from tests.browser.websocket.suite import Suite

pytestmark = pytest.mark.browser
MOST_DIFFERING = 0.02


@pytest.fixture(scope="module")
def suite(playwright, tmp_path_factory):
    """The ways, each run once for all tests."""
    made = Suite(tmp_path_factory.mktemp("websocket"), playwright)
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("way", WAYS)
def test_behaviour(suite, way):
    """Every case gives what it gives directly, or is listed with its reason."""
    direct = suite.told(DIRECT).results
    through = suite.told(way).results
    known = reasons(way)
    differing = {name for name, value in direct.items() if through.get(name) != value}
    for name in sorted(differing - set(known)):
        # A busy machine may have been too slow for it: again, by itself.
        group, _, part = name.partition(": ")
        part = part.removeprefix("worker: ")
        again = [suite.told(one, group, part).results.get(name) for one in (DIRECT, way)]
        assert again[0] == again[1], f"{name}: {json.dumps(again)}"
    sometimes = {name for name, reason in known.items() if reason.startswith("now and then")}
    stale = set(known) - differing - sometimes
    assert not stale, f"they differ no more: take them out of differences.json: {sorted(stale)}"


def test_whole(suite):
    """The list names what there is; nothing went past the gateway; emulation was needed."""
    assert list(suite.told(DIRECT).results) == names(), "renew the list: --write"
    for way in WAYS:
        assert suite.told(way).touched == 0
        assert set(reasons(way)) <= set(names())
    assert suite.told(FALLBACK).upgrades > 0


def test_nearly_all_is_equal():
    """So many at least, each way, and every difference has its reason."""
    assert len(names()) >= 150
    for way in WAYS:
        assert len(reasons(way)) <= MOST_DIFFERING * len(names()), way
        assert all(len(reason) > 20 for reason in reasons(way).values())
    assert set(json.loads(LISTED.read_text("utf-8"))) == {"about", *WAYS}
