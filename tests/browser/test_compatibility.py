"""The document of what differs from a direct load says what the tests hold."""

from __future__ import annotations

import json

from tests.browser import compatibility
from tests.browser.differential.compare import DIFFERENCES, HERE, names

HELPERS = {"runner", "agent", "asking", "served"}
"""Scripts beside the areas' own."""
MOST_DIFFERING = 0.02
"""The share of cases that may differ."""


def test_the_document_is_fresh():
    """It is what its command makes of the lists."""
    found = compatibility.DOCUMENT.read_text("utf-8")
    assert found == compatibility.text(), "run python -m tests.browser.compatibility"


def test_every_difference_has_its_reason():
    """No entry is bare, and none is of a case that is not there."""
    listed = json.loads(DIFFERENCES.read_text("utf-8"))
    for area, differing in listed["areas"].items():
        assert set(differing) <= set(names(area)), area
        assert all(len(reason) > 20 for reason in differing.values()), area


def test_nearly_all_is_equal():
    """So many at least, and no area is without a list of its cases."""
    listed = json.loads(DIFFERENCES.read_text("utf-8"))["areas"]
    areas = [one.stem for one in (HERE / "cases").glob("*.txt")]
    cases = sum(len(names(area)) for area in areas)
    differing = sum(len(listed.get(area, {})) for area in areas)
    assert cases < 100 or differing <= MOST_DIFFERING * cases
    written = {one.stem for one in HERE.glob("*.js")} - HELPERS
    assert written <= set(areas)
