"""Content Security Policy, integrity, Trusted Types, and the other policies that headers set."""

from __future__ import annotations

import json
from urllib.parse import unquote

from tests.browser.differential.common import JS, A, B, html
from tests.browser.differential.server import Answer, Asked, cors
from tests.browser.runtime.pages import digest

TITLE = "Content Security Policy, integrity, Trusted Types"
INLINE = "window.seen.push('inline')"
SCRIPT = "window.seen.push('external')"
SHEET = ".edited { background: url(https://b.test/pixel.png); width: 9px }"
# Each page tries everything, and says what worked.
_TRIES = f"""
<script nonce=abc>window.seen = []; window.blocked = [];
addEventListener("securitypolicyviolation", (event) => blocked.push([event.effectiveDirective, event.blockedURI.replaceAll(location.origin, "{A}").replace(/blob:.*/, "blob:"), event.disposition]));
const due = [];
const note = (name) => {{ let done; due.push(new Promise((end) => (done = end))); return (event) => {{ seen.push(name + " " + event.type); done(); }}; }};
const put = (kind, more, name) => {{ const made = Object.assign(document.createElement(kind), more); made.onload = made.onerror = note(name); document.body.append(made); return made; }};
</script>
<script>{INLINE}</script>
<script nonce=abc>window.seen.push("nonce")</script>
<style>.s {{ width: 5px }}</style><style nonce=abc>.n {{ width: 6px }}</style>
<p class=s style="height: 7px">x</p><p class=n>x</p>
<button onclick="seen.push('handler')">x</button>
<script nonce=abc>addEventListener("load", async () => {{
  document.querySelector("button").click();
  try {{ seen.push("eval " + (0, eval)("1+1")) }} catch (error) {{ seen.push("eval " + error.name) }}
  try {{ seen.push("Function " + new Function("return 2")()) }} catch (error) {{ seen.push("Function " + error.name) }}
  try {{ setTimeout("seen.push('timer')") }} catch (error) {{ seen.push("timer " + error.name) }}
  put("img", {{ src: "/pixel.png?case=" + slug }}, "own image");
  put("img", {{ src: "{B}/pixel.png?case=" + slug }}, "other image");
  put("img", {{ src: "data:image/gif;base64,R0lGODlhAQABAAAAACw=" }}, "data image");
  put("script", {{ src: "/policies/script.js?case=" + slug }}, "own script");
  put("script", {{ src: "{B}/policies/script.js?case=" + slug }}, "other script");
  put("script", {{ src: "data:text/javascript,seen.push('data script')" }}, "data script");
  put("link", {{ rel: "stylesheet", href: "{B}/sheet.css?case=" + slug }}, "other sheet");
  put("iframe", {{ src: "{B}/blank?case=" + slug }}, "other frame");
  const inline = document.createElement("script"); inline.textContent = "seen.push('made inline')"; document.body.append(inline);
  document.body.append(Object.assign(document.createElement("base"), {{ href: "{B}/dir/" }}));
  seen.push("base " + new URL(document.baseURI).pathname.slice(0, 5));
  document.querySelector("base").remove();
  await fetch("/echo?case=" + slug).then(() => seen.push("own fetch"), (error) => seen.push("own fetch " + error.name));
  await fetch("{B}/echo?case=" + slug).then(() => seen.push("other fetch"), (error) => seen.push("other fetch " + error.name));
  try {{ const worker = new Worker(URL.createObjectURL(new Blob(["postMessage(1)"]))); worker.onmessage = worker.onerror = note("worker") }} catch (error) {{ seen.push("worker " + error.name) }}
  try {{ new EventSource("{B}/policies/none?case=" + slug).onerror = note("events") }} catch (error) {{ seen.push("events " + error.name) }}
  await Promise.race([Promise.all(due), new Promise((done) => setTimeout(done, 2500))]);
  await new Promise((done) => setTimeout(done, 40));
  parent.postMessage([seen.sort(), blocked.sort(), getComputedStyle(document.querySelector(".s")).width, getComputedStyle(document.querySelector(".n")).width, getComputedStyle(document.querySelector(".s")).height], "*");
}})</script>"""
_ODD = {
    "/policies/script.js": (SCRIPT, JS),
    "/policies/edited.css": (SHEET, "text/css"),
    "/policies/plain.css": (".plain { width: 8px }", "text/css"),
    "/policies/module.js": ("export default 'module'; window.seen?.push('module')", JS),
    "/policies/importing.js": (f"import '{A}/policies/module.js'; window.seen.push('importing')", JS),
}  # fmt: skip


def answer(asked: Asked, _site) -> Answer | None:
    """A page under a policy, and what it loads."""
    path, query = asked.path, asked.query
    if path in _ODD:
        text, kind = _ODD[path]
        return Answer(text.encode(), kind, cors(asked))
    if path == "/policies/digests":
        found = {name: digest(text) for name, (text, _) in _ODD.items()} | {
            "inline": digest(INLINE)
        }
        return Answer(json.dumps(found).encode(), "application/json")
    if path == "/policies/tries":
        fields = [
            (
                "Content-Security-Policy" + ("-Report-Only" if one.startswith("?") else ""),
                one.lstrip("?"),
            )
            for one in filter(None, unquote(query["policy"]).split("|"))
        ]
        meta = query.get("meta", "")
        head = f'<meta http-equiv=Content-Security-Policy content="{meta}">' if meta else ""
        page = html(f"<script nonce=abc>const slug = '{asked.case}'</script>" + _TRIES, head)
        return Answer(page.body, fields=tuple(fields))
    if path == "/policies/header":
        return Answer(html("<p>page</p>").body, fields=((query["name"], query["value"]),))
    if path == "/policies/none":
        return Answer(b"", "text/plain", cors(asked))
    return None
