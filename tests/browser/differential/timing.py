"""What pages are told of time, of errors and of the scripts that run."""

from __future__ import annotations

from tests.browser.differential import agents
from tests.browser.differential.common import JS, A, C
from tests.browser.differential.server import Answer, Asked, cors

HEAD = agents.HEAD
TITLE = "Performance and timing"
_FIELDS = {
    "open": ("Timing-Allow-Origin", A),
    "other": ("Timing-Allow-Origin", C),
    "server": ("Server-Timing", 'db;dur=53.2;desc="a database", cache'),
}
_CURRENT = (
    "window.current = [document.currentScript.src, document.currentScript.getAttribute('src')];"
)


def answer(asked: Asked, _site) -> Answer | None:
    """Answers that tell of their time, or not."""
    name = asked.path.rpartition("/")[2]
    if name == "current.js":
        return Answer(_CURRENT.encode(), JS)
    if name in _FIELDS:
        return Answer(b"timed", "text/plain", cors(asked, _FIELDS[name]))
    return None
