"""Addresses in every spelling."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import unquote

from tests.browser.differential.common import echo, html
from tests.browser.differential.server import Answer, Asked, cors
from tests.browser.runtime.site import PIXEL

TITLE = "URLs"


def answer(asked: Asked, _site) -> Answer | None:
    """An echo on whatever path."""
    if asked.path.startswith("/urls/any"):
        return Answer(json.dumps(echo(asked)).encode(), "application/json", cors(asked))
    if asked.path == "/urls/base":
        href = asked.query["href"]
        more = f"case={asked.case}&href={href}"
        return html(f"<a href='x?y'>x</a><img src='pixel.png?{more}'>", f"<base href='{href}'>")
    if asked.path == "/urls/markup":
        text = unquote(asked.target.rpartition("&src=")[2])
        at = escape(text)
        return html(f'<img src="{at}"><a href="{at}">x</a>')
    if asked.path.endswith("/pixel.png"):
        return Answer(PIXEL, "image/png")
    return None
