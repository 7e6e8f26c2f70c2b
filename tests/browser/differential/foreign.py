"""Windows of other origins: what a page may do with them; its cases stand in the script beside it."""

from __future__ import annotations

from tests.browser.differential import agents

# As with frames.
CONSOLE = False
HEAD = agents.HEAD
TITLE = "Windows of other origins"


def answer(_asked, _site) -> None:
    """Nothing of its own."""
