"""Arguments, modules, components, writing and watching, drawing, timing, what people do: as in a direct load."""

from __future__ import annotations

import pytest

from tests.browser.differential.suite import listed

pytestmark = pytest.mark.browser
AREAS = ("arguments", "components", "drawing", "modules", "people", "timing", "watching", "writing")


@pytest.mark.parametrize(("area", "case"), listed(*AREAS))
def test_case(differential, area, case):
    """What it shows, what it asks of origins and what the console says of it."""
    differential.hold(area, case)


@pytest.mark.parametrize("area", AREAS)
def test_whole(differential, area):
    """All cases are listed, and nothing went past the gateway."""
    differential.whole(area)
