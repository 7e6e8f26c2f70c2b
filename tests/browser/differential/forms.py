"""Forms, sent into frames and from whole pages."""

from __future__ import annotations

import json

from tests.browser.differential.common import A, B, html
from tests.browser.differential.server import Answer, Asked
from tests.browser.differential.suite import Case

TITLE = "Forms"
_INPUTS = (
    '<input name=x value="ä&b"><input type=hidden name=_charset_><button id=go name=b value=1>'
)
_PAGES = {
    "/forms/own": f"<form method=post action=/landed?case=own>{_INPUTS}</form>",
    "/forms/other": f'<form method=post action="{B}/landed?case=other">{_INPUTS}</form>',
    "/forms/get": f"<form action=/landed><input name=case value=get>{_INPUTS}</form>",
    "/forms/bare": f"<form action='{B}/landed'><input name=case value=bare><input name=u value='{A}/x'><input name=v id=v><button></form>",
}


def answer(asked: Asked, _site) -> Answer | None:
    """Pages with one form."""
    if asked.path in _PAGES:
        return html(_PAGES[asked.path])
    if asked.path == "/forms/latin":
        page = f"<!doctype html><meta charset=iso-8859-1><form method=post action=/landed?case=latin>{_INPUTS}</form>"
        return Answer(page.encode("latin-1"))
    return None


def _pressed(origin: str, *, key: bool = False):
    def act(view):
        if key:
            view.frame.focus("#v")
            view.page.keyboard.press("Enter")
        else:
            view.frame.click("#go")
        view.at(origin + "/landed")
        told = json.loads(view.frame.inner_text("pre"))
        del told["Sec-Fetch-Dest"]  # as compare has it of navigations
        return told

    return act


CASES = (
    Case("a whole page's form", "/forms/own", act=_pressed(A)),
    Case("a whole page's form to another origin", "/forms/other", act=_pressed(B)),
    Case("a whole page's form with GET", "/forms/get", act=_pressed(A)),
    Case("a whole page's form in Latin-1", "/forms/latin", act=_pressed(A)),
    Case("a whole page's form by the enter key", "/forms/bare", act=_pressed(B, key=True)),
)
