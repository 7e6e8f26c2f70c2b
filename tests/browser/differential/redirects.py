"""Redirects: who is asked what, and what is read of it."""

from __future__ import annotations

from tests.browser.differential.common import JS, html
from tests.browser.differential.server import Answer, Asked, cors
from tests.browser.differential.suite import Case

TITLE = "Redirects"


def answer(asked: Asked, _site) -> Answer | None:
    """Odd redirects."""
    if asked.path == "/redirects/say":
        to = asked.query["to"].encode("latin-1").decode("latin-1")
        status = int(asked.query["status"])
        return Answer(b"said", "text/plain", (("Location", to), *cors(asked)), status)
    if asked.path == "/redirects/count":
        left = int(asked.query["n"]) - 1
        to = f"/redirects/count?case={asked.case}&n={left}" if left else f"/echo?case={asked.case}"
        return Answer(status=302, fields=(("Location", to),))
    if asked.path == "/redirects/refresh":
        return html("refreshing", Refresh=f"0; url={asked.query['to']}")
    if asked.path == "/redirects/worker.js":
        return Answer(b"postMessage(location.href.replace(/.*case/, ''))", JS, cors(asked))
    if asked.path == "/redirects/sheet.css":
        text = ".redirected { background: url(../pixel.png?case=a-stylesheet-s-base); height: 9px }"
        return Answer(text.encode(), "text/css", cors(asked))
    if asked.path == "/redirects/start":
        return html(f"<a id=go href='{asked.query['to']}'>go</a>")
    return None


def _follow(origin: str, path: str = "/landed"):
    def act(view):
        view.frame.click("#go")
        view.at(origin + path)
        return view.frame.evaluate("[location.hash, document.referrer, history.length > 0]")

    return act


_HOP = "/redirect?status={}%26case=x%26to={}"
CASES = tuple(
    Case(
        f"a page led away by {status}",
        "/redirects/start?to=" + _HOP.format(status, "https://b.test/landed"),
        act=_follow("https://b.test"),
    )
    for status in (301, 302, 303, 307, 308)
)
