"""The lists of the suite of WebSocket behaviour; no browser is needed to read them."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
LISTED = HERE / "differences.json"
TITLE = "The browser's own WebSocket"
DIRECT, NATIVE, FALLBACK = "direct", "native", "fallback"
WAYS = {
    NATIVE: "Natively through the gateway",
    FALLBACK: "Emulated, upgrades being taken away on the way",
}


def names() -> list[str]:
    """The cases, as they are listed."""
    listed = HERE / "cases.txt"
    return listed.read_text("utf-8").splitlines() if listed.is_file() else []


def reasons(way: str) -> dict[str, str]:
    """Which cases differ one way, and why."""
    return json.loads(LISTED.read_text("utf-8"))[way]
