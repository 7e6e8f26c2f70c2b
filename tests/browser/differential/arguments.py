"""What script gives to a method or a property: how often it is read, in which order, and how it is refused."""

from __future__ import annotations

from tests.browser.differential import agents

HEAD = agents.HEAD
TITLE = "Arguments"


def answer(_asked, _site) -> None:
    """Nothing of its own."""
