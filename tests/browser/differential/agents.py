"""Pages and scripts that do what cases ask of them, on every host; no area of its own."""

from __future__ import annotations

import base64
import hashlib

from tests.browser.differential.common import HERE, JS, A, B, html
from tests.browser.differential.server import Answer, Asked, cors
from tests.browser.runtime.site import PIXEL

HEAD = "<script src=/agents/asking.js></script>"
PAGE = "<script src=/agents/agent.js></script>"
_EFFECT = "globalThis.effect = (globalThis.effect ?? 0) + 1;"
# (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
WASM = bytes.fromhex(
    "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b"
)
_LATIN = "postMessage('é'.length);".encode("latin-1")
_ORDER = """<!doctype html><script>order = ["start"]</script><script defer src=/agents/say.js?n=defer></script>
<script type=module>order.push("module")</script><script type=module src=/agents/say.js?n=module-src></script>
<script>order.push("inline"); document.addEventListener("DOMContentLoaded", () => order.push("parsed"))</script>
<script nomodule>order.push("nomodule")</script><script src=/agents/say.js?n=classic></script>"""
_LOADS = """<!doctype html><script>loads = []; onload = () => loads.push("load")</script>
<script type=module>import "/agents/slow.js"; loads.push("module")</script>"""
_WHOLE = f"""<!doctype html><script type=module>import one from "{A}/agents/values.js"; import {{ named }} from "{B}/agents/values.js?whole";
whole = [one, named, (await import("{B}/agents/live.js")).live]</script>"""
_VALUES = """export default "values"; export const named = "named"; export const address = import.meta.url;
export const meta = import.meta.url.replace(/[?].*/, "");"""
SCRIPTS = {
    "ran.js": "(self.runs ??= []).push(1);",
    "values.js": _VALUES,
    "broken.js": "const = broken",
    "throwing.js": "\n  throw new RangeError('thrown')",
    "hello.js": "postMessage('hello')",
    "effect.js": _EFFECT,
    "counting.js": "export const count = (globalThis.counted = (globalThis.counted ?? 0) + 1);",
    "circle-one.js": "import { value } from './circle-two.js'; export const base = 'base'; export function one() { return value() } export function two() { return base + value() }",
    "circle-two.js": "import { base } from './circle-one.js'; export function value() { return 'of ' + base }",
    "live.js": "export let live = 1; export const grow = () => { live++ };",
    "slow.js": "export const order = ['slow']; await new Promise((done) => setTimeout(done, 20)); order.push('waited');",
    "meta.js": "globalThis.foreign = [import.meta.url.replace(/[?].*/, ''), import.meta.resolve('./x'), (await import('./values.js')).default];",
    "importing.js": f"import one from './values.js'; import {{ live }} from '{B}/agents/live.js'; globalThis.importing = [one, live];",
    "nested.js": "import './values.js?nested'",
    "module-agent.js": "import './agent.js'; import early from './values.js'; self.early = early; self.meta = new URL(import.meta.url).pathname;",
    "worklet.js": "registerProcessor('own', class extends AudioWorkletProcessor { process() {} });",
    "stack.js": "(function named() { window.stack = new Error('x').stack })()",
    "policed.js": "importScripts('/agents/agent.js')",
}  # fmt: skip
_POLICED = (("Content-Security-Policy", "connect-src 'self'; script-src 'self'"),)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def answer(asked: Asked, _site) -> Answer | None:
    """What is under ``/agents/``."""
    name = asked.path.rpartition("/")[2]
    query = asked.query
    if name in {"agent.js", "asking.js"}:
        real = f'const REAL = "{asked.origin}";\n' if name == "agent.js" else ""
        return Answer(real.encode() + (HERE / name).read_bytes(), JS, cors(asked))
    if name == "inline":
        text = f'const REAL = "{asked.origin}";\n' + (HERE / "agent.js").read_text("utf-8")
        return html("", f"<title>inline</title><script>{text}</script>")
    if name == "policed.js":
        return Answer(SCRIPTS[name].encode(), JS, _POLICED)
    if name in SCRIPTS:
        return Answer(SCRIPTS[name].encode(), JS, cors(asked))
    if name == "say.js":
        return Answer(f"order.push({query['n']!r})".encode(), JS)
    if name == "digest":
        return Answer(_digest(SCRIPTS[query["of"] + ".js"]).encode(), "text/plain", cors(asked))
    if name == "status":
        return Answer(b"<!doctype html><p>said", status=int(query["code"]))
    if name == "denied":
        return html(PAGE, "<title>not denied</title>", X_Frame_Options=query["by"])
    if name == "ancestors":
        policy = f"frame-ancestors {query['of']}"
        return html(PAGE, "<title>shown</title>", Content_Security_Policy=policy)
    if name == "sandboxed":
        text = f'const REAL = "{asked.origin}";\n' + (HERE / "agent.js").read_text("utf-8")
        return html(f"<script>{text}</script>", Content_Security_Policy="sandbox allow-scripts")
    if name in {"set", "clear"}:
        field = ("Set-Cookie", "cookie") if name == "set" else ("Clear-Site-Data", "what")
        return Answer(b"", "text/plain", ((field[0], query[field[1]]),))
    plain = {
        "page": (f"<!doctype html><title>agent</title><body>{PAGE}".encode(), "text/html"),
        "order.html": (_ORDER.encode(), "text/html"),
        "loads.html": (_LOADS.encode(), "text/html"),
        "latin-worker.js": (_LATIN, JS + "; charset=iso-8859-1"),
        "add.wasm": (WASM, "application/wasm"),
        "wrong.wasm": (WASM, "text/plain"),
        "data.json": (b'{"data": [1, "https://b.test/x"]}', "application/json"),
        "sheet-module.css": (b"i { width: 51px }", "text/css"),
        "foreign-module.css": (
            f".foreign {{ display: block; width: 52px; background: url({B}/pixel.png?css-module) }}".encode(),
            "text/css",
        ),
        "events": (b"retry: 600000\ndata: hello\n\n", "text/event-stream"),
        "whole.html": (_WHOLE.encode(), "text/html"),
        "map.json": (b"{}", "application/importmap+json"),
        "opaque.png": (PIXEL, "image/png"),
        "opaque.css": (f"@import '{A}/sheet.css'; b {{ width: 1px }}".encode(), "text/css"),
    }
    return (
        Answer(*plain[name], cors(asked) if "opaque" not in name else ()) if name in plain else None
    )
