"""Storage: its cases stand in the script beside it."""

from __future__ import annotations

from tests.browser.differential import agents

HEAD = agents.HEAD
TITLE = "Storage"


def answer(_asked, _site) -> None:
    """Nothing of its own."""
