"""What browsers keep: validators as the origin sees them, pages from the history."""

from __future__ import annotations

from tests.browser.differential.common import B, html
from tests.browser.differential.server import Answer, Asked, cors
from tests.browser.differential.suite import Case

TITLE = "Caching"
_FIELDS = {
    "etag": (("ETag", '"v1"'), ("Cache-Control", "no-cache")),
    "weak": (("ETag", 'W/"v1"'), ("Cache-Control", "no-cache")),
    "modified": (("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"), ("Cache-Control", "no-cache")),
    "fresh": (("Cache-Control", "max-age=600"), ("ETag", '"v1"')),
    "no-store": (("Cache-Control", "no-store"), ("ETag", '"v1"')),
    "immutable": (("Cache-Control", "max-age=600, immutable"),),
    "vary": (("Cache-Control", "max-age=600"), ("Vary", "X-Own")),
    "expires": (("Expires", "Fri, 01 Jan 2100 00:00:00 GMT"),),
    "private": (("Cache-Control", "private, max-age=600"),),
    "nothing": (),
    "stale": (("Cache-Control", "max-age=0, must-revalidate"), ("ETag", '"v1"')),
}
_BODIES = {
    "text": ("text/plain", "counted {n}"),
    "script": ("text/javascript", "globalThis.counted = {n};"),
    "sheet": ("text/css", ".counted {{ width: {n}px }} .u {{ background: url(" + B + "/pixel.png) }}"),
    "page": ("text/html", "<!doctype html><title>{n}</title><p id=n>{n}</p><a href='" + B + "/x'>x</a>"),
}  # fmt: skip


def answer(asked: Asked, site) -> Answer | None:
    """What is counted, with fields."""
    parts = asked.path.split("/")
    if asked.path.startswith("/caching/counted/"):
        body, fields = parts[3], _FIELDS[parts[4]]
        number = site.count(asked.case + asked.path)
        tag = dict(fields).get("ETag", "none")
        given = asked.fields.get("If-None-Match", "")
        same = tag.removeprefix("W/") in given and tag != "none"
        same = same or asked.fields.get("If-Modified-Since") is not None
        if same:
            return Answer(status=304, fields=(*fields, *cors(asked)))
        kind, text = _BODIES[body]
        return Answer(text.format(n=number).encode(), kind, (*fields, *cors(asked)))
    if asked.path == "/caching/page":
        mark = site.count("/caching/page" + asked.query["kind"])
        body = f"<p id=n>{mark}</p><a id=go href='/blank'>go</a><script>window.seen = 1; addEventListener('pageshow', (event) => window.persisted = event.persisted)</script>"
        named = {key.replace("-", "_"): value for key, value in _FIELDS[asked.query["kind"]]}
        etag = named.get("ETag")
        if etag and etag in asked.fields.get("If-None-Match", ""):
            return Answer(status=304, fields=_FIELDS[asked.query["kind"]])
        return html(body, **named)
    return None


def _again(view):
    """Reload, go on and come back: what is shown each time."""
    seen = [view.frame.inner_text("#n")]
    view.frame.evaluate("void setTimeout(() => { window.seen = 0; location.reload() })")
    view.ready("window.seen")
    seen.append(view.frame.inner_text("#n"))
    view.frame.click("#go")
    view.at("https://a.test/blank")
    view.frame.evaluate("void setTimeout(() => history.back())")
    view.at("https://a.test/caching/page")
    view.ready("document.readyState === 'complete'")
    seen.append(view.frame.inner_text("#n"))
    return seen


CASES = tuple(
    Case(f"a page, reloaded and gone back to: {kind}", f"/caching/page?kind={kind}", act=_again)
    for kind in ("etag", "fresh", "no-store", "nothing", "modified")
)
