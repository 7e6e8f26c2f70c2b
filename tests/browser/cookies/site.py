"""What the origins answer: everything is said in the query."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from tests.browser.cookies.cases import RESPONSES
from tests.browser.runtime.site import JS, PIXEL, Answer, Asked

SCRIPT = (Path(__file__).parent / "page.js").read_bytes()
SECURE = ("a.site.test", "b.site.test", "c.a.site.test", "site.test", "other.test", "b.other.test")
PLAIN = ("plain.test", "b.plain.test", "a.site.test", "site.test")
ORIGINS = {
    **{f"https://{host}": "secure" for host in SECURE},
    **{f"http://{host}": "plain" for host in PLAIN},
}
_FRAME = """<!doctype html><title>frame</title><script>
const image = (to) => new Promise((done) => { const made = new Image(); made.onload = made.onerror = done; made.src = to; });
const inside = %s;
(async () => {
  if (inside) { await fetch(`/?case=${inside} fetch`); await image(`/?as=image&case=${inside} image`); }
  parent.postMessage(document.cookie, "*");
})();
</script>"""
_KINDS = {
    "page": Answer(b"<!doctype html><title>page</title><body><script src=/page.js></script>"),
    "image": Answer(PIXEL, "image/png"),
    "script": Answer(b"globalThis.ran = 1", JS),
    "style": Answer(b".sheet { width: 7px }", "text/css"),
    "missing": Answer(b"missing", "text/plain", status=404),
    "events": Answer(b"retry: 600000\ndata: x\n\n", "text/event-stream"),
}


def url(origin_and_path: str, case: str, **more: str) -> str:
    """An address whose answer is said in the query."""
    named = "".join(f"&{key}={quote(value, safe='')}" for key, value in more.items())
    return f"{origin_and_path}?case={quote(case, safe='')}{named}"


def answer(asked: Asked) -> Answer:
    """An answer of the kind that was asked for, with the cookies of the response named."""
    query = asked.query
    kind = query.get("as", "")
    fields = tuple(("Set-Cookie", one) for one in RESPONSES.get(query.get("set", ""), ()))
    if asked.path == "/page.js":
        return Answer(SCRIPT, JS)
    if kind == "redirect":
        return Answer(status=302, fields=(*fields, ("Location", query["to"])))
    if kind == "frame":
        inside = json.dumps(query.get("inside"))
        return Answer((_FRAME % inside).encode(), fields=fields)
    found = _KINDS.get(kind, Answer(b"ok", "text/plain"))
    return Answer(found.body, found.kind, fields, found.status)
