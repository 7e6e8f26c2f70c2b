"""Frames and postMessage: its cases stand in the script beside it."""

from __future__ import annotations

from tests.browser.differential import agents

# What the console says of frames in other processes comes late, and again with each new one.
CONSOLE = False
HEAD = agents.HEAD
TITLE = "Frames and postMessage"


def answer(_asked, _site) -> None:
    """Nothing of its own."""
