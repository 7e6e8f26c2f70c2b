"""What is saved instead of shown: names, octets, and where the page stays."""

from __future__ import annotations

import contextlib
import hashlib
import re
from urllib.parse import quote

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.differential.common import B, html
from tests.browser.differential.server import Answer, Asked
from tests.browser.differential.suite import Case

TITLE = "Downloads"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OCTETS = bytes(range(256)) * 40
_NAMES = {
    "plain": 'attachment; filename="report.pdf"',
    "bare": "attachment",
    "unquoted": "attachment; filename=report.txt",
    "encoded": "attachment; filename=\"x.txt\"; filename*=UTF-8''%e2%82%ac%20rates.txt",
    "latin": 'attachment; filename="\xe9t\xe9.txt"',
    "utf8": 'attachment; filename="' + "日本.txt".encode().decode("latin-1") + '"',
    "path": 'attachment; filename="../../etc/passwd"',
    "inline": 'inline; filename="shown.bin"',
    "upper": 'ATTACHMENT; FILENAME="upper.txt"',
    "html": 'attachment; filename="page.html"',
}
_KINDS = {"html": "text/html", "inline": "application/octet-stream"}
_LINKS = {
    "a link with a name": '<a id=go download="own name.txt" href="/downloads/octets?case=x">go</a>',
    "a link with an empty name": '<a id=go download href="/downloads/octets.bin?case=x">go</a>',
    "a link with a name that is not ASCII": '<a id=go download="ä日.txt" href="/downloads/octets?case=x">go</a>',
    "a link to another origin with a name": f'<a id=go download="n.txt" href="{B}/downloads/given?kind=plain">go</a>',
    "a link to a data address": '<a id=go download="d.txt" href="data:text/plain,data">go</a>',
    "a link to a blob": "<a id=go download=b.txt>go</a><script>document.getElementById('go').href ="
    " URL.createObjectURL(new Blob(['blob']))</script>",
    "a link to a blob without a name": "<a id=go download>go</a><script>document.getElementById('go').href ="
    " URL.createObjectURL(new Blob(['blob'], { type: 'text/csv' }))</script>",
    "script": "<button id=go onclick=\"const a = document.createElement('a'); a.href = '/downloads/octets?case=x';"
    " a.download = 'made.bin'; a.click()\">go</button>",
    "a form": "<form action=/downloads/given><input type=hidden name=kind value=plain><button id=go>go</button></form>",
    "a form with POST": "<form method=post action='/downloads/given?kind=encoded'><button id=go name=b value=1>go</button></form>",
    "a form with POST to another origin": f"<form method=post action='{B}/downloads/given?kind=plain'><button id=go>go</button></form>",
    "a frame": "<button id=go onclick=\"document.body.append(Object.assign(document.createElement('iframe'),"
    " { src: '/downloads/given?kind=plain' }))\">go</button>",
    "location": "<button id=go onclick=\"location = '/downloads/given?kind=plain'\">go</button>",
    "location to another origin": f"<button id=go onclick=\"location = '{B}/downloads/given?kind=plain'\">go</button>",
    "a redirect": f"<a id=go href='/redirect?case=x&to={quote(B + '/downloads/given?kind=plain', safe='')}'>go</a>",
    "a link that is coded": "<a id=go download=c.txt href='/downloads/given?kind=plain&coded=1'>go</a>",
}  # fmt: skip


def answer(asked: Asked, _site) -> Answer | None:
    """Octets with a name."""
    path = asked.path
    if path.startswith("/downloads/octets"):
        return Answer(OCTETS, "application/octet-stream")
    if path == "/downloads/given":
        kind = asked.query["kind"]
        body = b"<script src=https://b.test/x></script>" if kind == "html" else OCTETS
        fields = [("Content-Disposition", _NAMES[kind])]
        return Answer(body, _KINDS.get(kind, "application/pdf"), tuple(fields))
    if path == "/downloads/link":
        return html(_LINKS[asked.query["which"]], "<title>here</title>")
    if path == "/downloads/given-link":
        return html(f"<a id=go href='/downloads/given?kind={asked.query['kind']}'>go</a>")
    return None


def _saved(view):
    """The name under which it is saved, its octets, and that the page is still there."""
    try:
        with view.page.expect_download(timeout=4000) as saving:
            view.frame.click("#go")
    except PlaywrightTimeout:
        return "nothing is saved"
    told = saving.value
    with contextlib.suppress(Exception):
        octets = told.path().read_bytes()
        address = told.url if told.url.startswith(("blob:", "data:")) else ""
        blob = address.partition(":")[0]
        name = _UUID.sub("UUID", told.suggested_filename)
        return [name, hashlib.sha256(octets).hexdigest(), blob, _stays(view)]
    return [told.suggested_filename, told.failure(), _stays(view)]


def _stays(view) -> bool:
    return bool(view.frame.evaluate("!!document.querySelector('#go')"))


CASES = (
    *(Case(f"a name: {kind}", f"/downloads/given-link?kind={kind}", act=_saved) for kind in _NAMES),
    *(Case(name, f"/downloads/link?which={quote(name)}", act=_saved) for name in _LINKS),
)
