"""Addresses in every spelling."""

from __future__ import annotations

import json

from tests.browser.differential.common import echo
from tests.browser.differential.server import Answer, Asked, cors

TITLE = "URLs"


def answer(asked: Asked, _site) -> Answer | None:
    """An echo on whatever path."""
    if asked.path.startswith("/urls/any"):
        return Answer(json.dumps(echo(asked)).encode(), "application/json", cors(asked))
    return None
