"""What every host of the differential suite has, and whom it asks for the rest."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

from tests.browser.differential.server import Answer, Asked, Site, cors
from tests.browser.runtime.site import PIXEL

HERE = Path(__file__).parent
JS = "text/javascript"
A, B, C = "https://a.test", "https://b.test", "https://c.test"
SUB, PORT, PLAIN = "https://sub.a.test", "https://a.test:8443", "http://h.test"
IDN = "https://xn--bcher-kva.test"
ORIGINS = {
    **dict.fromkeys((A, B, C, SUB, PORT, IDN), "secure"),
    "https://h.test": "secure",
    "https://b.test:8443": "secure",
    PLAIN: "plain",
    "http://a.test": "plain",
    "http://h.test:8081": "plain",
}
_FRAME = """<!doctype html><title>frame</title><script>addEventListener("message", (event) =>
event.source.postMessage({ origin: event.origin, data: event.data, referrer: document.referrer }, "*"))
</script>"""
# What an echo tells: everything here is to be the same through the gateway and directly.
_TOLD = (
    *("Host", "Origin", "Referer", "Cookie", "Content-Type", "Range", "X-Own"),
    *("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"),
)


def echo(asked: Asked) -> dict[str, str]:
    """A request as its origin saw it."""
    told = {name: asked.fields.get(name, "") for name in _TOLD}
    body = asked.body.decode("latin-1")
    return {"method": asked.method, "target": asked.target, "body": body, **told}


def html(body: str, head: str = "", **fields: str) -> Answer:
    """A document with header fields, whose names have underscores for hyphens."""
    text = f"<!doctype html><html><head><meta charset=utf-8><title>page</title>{head}</head><body>{body}</body></html>"
    named = tuple((name.replace("_", "-"), value) for name, value in fields.items())
    return Answer(text.encode(), fields=named)


def area(name: str) -> ModuleType | None:
    """The module of an area, if it has one."""
    if not name.isidentifier() or not (HERE / f"{name}.py").is_file():
        return None
    return importlib.import_module(f"tests.browser.differential.{name}")


def _runner(name: str) -> Answer:
    """The page that an area's cases share."""
    head = getattr(area(name), "HEAD", "")
    body = getattr(area(name), "BODY", "")
    scripts = f"<script src=/runner.js></script><script src=/{name}-cases.js></script>"
    return html(body, head + scripts)


def _shared(asked: Asked) -> Answer | None:
    host = json.dumps(asked.host)
    told = json.dumps(echo(asked), sort_keys=True)
    kinds = {
        "/echo": (told, "application/json"),
        "/landed": (f"<!doctype html><title>landed</title><pre>{told}</pre>", "text/html"),
        "/text": ("text", "text/plain"),
        "/mark": ("", "text/plain"),
        "/script.js": (f"globalThis.ran = {host};", JS),
        "/module.js": (f"export default 'module of ' + {host};", JS),
        "/sheet.css": (".sheet { width: 7px }", "text/css"),
        "/blank": ("<!doctype html><title>blank</title>", "text/html"),
        "/frame": (
            _FRAME,
            "text/html",
        ),
    }
    if asked.path == "/pixel.png":
        return Answer(PIXEL, "image/png", cors(asked))
    if asked.path == "/redirect":
        status = int(asked.query.get("status", "302"))
        return Answer(status=status, fields=(("Location", asked.query["to"]), *cors(asked)))
    if asked.path in kinds:
        text, kind = kinds[asked.path]
        return Answer(text.encode(), kind, cors(asked))
    return None


def answer(asked: Asked, site: Site) -> Answer | None:
    """What a host says: shared things, the runner's pages, or what an area says."""
    path = asked.path
    if asked.path == "/open":
        site.gate(asked.query["gate"]).set()
        return Answer(b"", "text/plain", cors(asked))
    if path == "/runner.js":
        return Answer((HERE / "runner.js").read_bytes(), JS)
    if path.startswith("/run/"):
        return _runner(path[5:])
    if path.endswith("-cases.js"):
        return Answer((HERE / f"{path[1:-9]}.js").read_bytes(), JS)
    found = area(path[1:].partition("/")[0])
    if found is not None and (own := found.answer(asked, site)) is not None:
        return own
    if asked.method == "OPTIONS":
        wanted = asked.fields.get("Access-Control-Request-Headers", "")
        allowed = (
            ("Access-Control-Allow-Headers", wanted),
            ("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, QUERY"),
        )
        return Answer(status=204, fields=cors(asked, *allowed))
    return _shared(asked)
