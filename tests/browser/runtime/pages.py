"""The site's own pages: those of the cases, and those that are special themselves."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import brotli
from backports import zstd

from tests.browser.runtime.site import JS, Answer, Asked

HERE = Path(__file__).parent
A, B, H = "https://a.test", "https://b.test", "http://h.test"
ORIGINS = {
    A: "secure",
    B: "secure",
    H: "plain",
    "https://h.test": "secure",
    "https://a.test:8443": "secure",
    "https://b.test:8443": "secure",
    "http://h.test:8081": "plain",
}
GROUPS = ("network", "elements", "markup", "styles", "frames", "workers", "plain")
_TRIES = (HERE / "tries.js").read_text(encoding="utf-8")
_RUN = "{ const to = places(data); post([%s...await tries(to), self.__gw]); }"
_CLASSIC, _MODULE = _RUN % "imported(to), ", _RUN % ""
_PORT = "onconnect = ({ ports: [port] }) => { const post = (said) => port.postMessage(said); port.onmessage = async ({ data }) => "
_SELF = "const post = (said) => postMessage(said); onmessage = async ({ data }) => "
_SERVED = """
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.waitUntil((async () => {
  const { data, source } = event;
  if (data === "navigate") {
    const [inner] = (await clients.matchAll()).filter((one) => one.url.endsWith("/scope/page"));
    const { url } = await inner.navigate("https://a.test/scope/page?there");
    return source.postMessage([new URL(url).origin === location.origin, new URL(url).search]);
  }
  const to = places(data);
  const cache = await caches.open("own");
  await cache.addAll([to("text"), new Request(to("other"))]);
  await cache.add(to("script.js"));
  await cache.put(to("put"), new Response("put"));
  const keys = (await cache.keys()).map((one) => one.url);
  const found = [await cache.match(to("text")), await caches.match(to("other")), ...(await cache.matchAll(to("text")))].map((one) => one && one.url);
  const gone = await cache.delete(to("put"));
  const [client] = await clients.matchAll({ includeUncontrolled: true, type: "window" });
  source.postMessage([keys.sort(), found, gone, new URL(client.url).origin === location.origin, ...(await tries(to)).slice(0, 3)]);
})()));
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/scope/page") {
    event.respondWith(new Response("<!doctype html><p>made</p>", { headers: { "Content-Type": "text/html" } }));
  } else if (pathname === "/scope/pass") event.respondWith(fetch(event.request));
  else if (pathname === "/made") event.respondWith(new Response("made", { status: 203 }));
});
"""
_NESTING = """
onmessage = async ({ data }) => {
  const text = location.search ? await (await fetch("/classic.js")).text() : "";
  const inner = new Worker(text ? URL.createObjectURL(new Blob([text])) : "https://a.test/classic.js");
  inner.onmessage = (event) => postMessage(event.data);
  inner.onerror = () => postMessage("error");
  inner.postMessage(data);
};
"""
SCRIPTS = {
    "/classic.js": _TRIES + _SELF + _CLASSIC,
    "/module-worker.js": _TRIES + _SELF + _MODULE,
    "/shared.js": _TRIES + _PORT + _CLASSIC + "}",
    "/shared-module.js": _TRIES + _PORT + _MODULE + "}",
    "/sw.js": _TRIES + _SERVED,
    "/sw-module.js": _TRIES + _SERVED,
    "/nesting.js": _NESTING,
    "/importing.js": "import one from '/own.js'; onmessage = () => postMessage([one, import.meta.url.endsWith('/importing.js')]);",
    "/own.js": "export default 'own';",
    "/survey.js": (HERE / "survey.js").read_text(encoding="utf-8"),
    "/survey-worker.js": "importScripts('/survey.js'); postMessage([survey(self), texts(self)]);",
    "/place.js": "postMessage([location.href === self.origin + '/place.js', location.protocol, location.pathname]);",
}
_BODY = {
    "elements": f'<p id=links><a id=link href="{B}/link?x&amp;y" title="{B}">link</a></p>',
    "markup": "<div id=written><script>document.write(`<img src='https://b.test/pixel.png?case=the%20page%27s"
    "%20own%20document.write'><b title='https://b.test/'>x</b>`)</script></div>",
    "frames": "<iframe id=blank></iframe><script>early = (async () => (await (await window[0].fetch("
    f"'{B}/echo?case=a%20page%27s%20own%20frame%20by%20its%20index%2C%20from%20the%20start'))"
    ".json()).Host)()</script><iframe id=srcdoc srcdoc=\"<!doctype html><img src='"
    f"{B}/pixel.png?case=srcdoc%20made%20by%20the%20server'><script>fetch('{B}/echo').then((one) =>"
    ' one.json()).then((one) => (result = one.Host))</script>"></iframe>',
}


def _cases(name: str) -> Answer:
    # Scripts and image are of the page's own; what follows is there to be compared.
    text = (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{name}</title>"
        f"<script src=/common.js></script><script src=/{name}-cases.js></script></head>"
        f"<body>{_BODY.get(name, '')}</body></html>"
    )
    return Answer(
        text.encode(),
        fields=(("Set-Cookie", "shown=1; Secure"), ("Set-Cookie", "hidden=1; HttpOnly; Secure")),
    )


def digest(text: str | bytes) -> str:
    """A digest as policies and integrity attributes have it."""
    octets = text.encode() if isinstance(text, str) else text
    return "sha256-" + base64.b64encode(hashlib.sha256(octets).digest()).decode()


def html(body: str, head: str = "", **fields: str) -> Answer:
    """A document with header fields, whose names have underscores for hyphens."""
    text = f"<!doctype html><html><head><meta charset=utf-8><title>page</title>{head}</head><body>{body}</body></html>"
    named = tuple((name.replace("_", "-"), value) for name, value in fields.items())
    return Answer(text.encode(), fields=named)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}
IMAGE = f'<img id=image src="{B}/pixel.png">'
SHEET = f"@import '{B}/sheet.css'; #edited {{ background: url({B}/pixel.png?edited); display: block; height: 5px }}".encode()
# What a page shows once its script has run: where its fetch came to.
FETCH = f"fetch('{B}/echo').then((one) => one.json()).then((one) => (document.documentElement.dataset.ran = one.Host))"
_POLICIES = {
    "nonce": "script-src 'nonce-abc'",
    "hash": f"script-src '{digest(FETCH)}'",
    "dynamic": "script-src 'nonce-abc' 'strict-dynamic'; object-src 'none'; base-uri 'none'",
    "legacy": "script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline' https:; base-uri 'self'",
    "inline": f"script-src 'unsafe-inline' {B}",
    "none": f"default-src 'none'; script-src 'nonce-abc'; connect-src {B}; img-src {B}",
    "elem": f"script-src 'none'; script-src-elem 'nonce-abc' {B}",
    "meta": "",
}
_LOADER = f"const s = document.createElement('script'); s.src = '{B}/script.js'; s.onload = s.onerror = (e) => (document.documentElement.dataset.more = e.type); document.head.append(s);"


def _policy(name: str) -> Answer:
    nonce = "" if name == "hash" else " nonce=abc"
    more = "" if name == "hash" else f"<script{nonce}>{_LOADER}</script>"
    body = f"{IMAGE}<script{nonce}>{FETCH}</script>{more}<script>document.documentElement.dataset.wrong = 1</script>"
    if name == "meta":
        return html(
            body, "<meta http-equiv=Content-Security-Policy content=\"script-src 'nonce-abc'\">"
        )
    return html(body, Content_Security_Policy=_POLICIES[name])


POLICIES = tuple(_POLICIES)
TRUSTED = (HERE / "trusted.html").read_text(encoding="utf-8")
SJIS = "日本語の文書：ソ能表ポ"
_BOUNDED = "<!doctype html><meta charset=shift_jis><title>文書</title><p id=text>" + SJIS + "</p>"
_XHTML = (
    '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head>'
    f'<title>page</title></head><body><img id="image" src="{B}/pixel.png"/><script>{FETCH.replace(">", "&gt;")}'
    '</script><p id="text">ä&amp;b</p></body></html>'
)
_SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image id="image" href="{B}/pixel.png"/>'
    f'<script>{FETCH.replace(">", "&gt;")}</script><text id="text">ä&amp;b</text></svg>'
)
_MODULE_TEXT = "export default 'module of ' + \"b.test\";"
_IMPORT_MAP = f"""<script type=importmap>{{"imports": {{"one": "{B}/module.js?one", "{B}/named.js": "{B}/module.js?two",
"{B}/folder/": "{B}/", "own": "/own.js", "scoped": "/none.js", "wrong": "{B}/module.js?wrong"}}, "scopes": {{"{A}/": {{"scoped": "{B}/module.js?scoped"}},
"/other/": {{"scoped": "/none.js"}}}}, "integrity": {{"{B}/module.js?one": "{digest(_MODULE_TEXT)}",
"{B}/module.js?wrong": "{digest("wrong")}"}}}}</script>"""
_IMPORTS = f"""{_IMPORT_MAP}<script type=module>
const seen = {{}};
for (const one of ["one", "{B}/named.js", "{B}/folder/module.js", "own", "scoped", "wrong"])
  seen[one] = await import(one).then((found) => found.default, (error) => error.name);
window.seen = seen;
</script>"""
_STATIC = f"""<script type=module>import one from "{B}/module.js"; import "{B}/module.js?2"; export * from "{B}/module.js?3"; window.seen = one;</script>"""
PAGES: dict[str, Answer] = {
    "/inner": html("inner"),
    "/frameset": Answer(
        b"<script>addEventListener('DOMContentLoaded', () => { early = Promise.all(Array.from(document.querySelectorAll('frame'), async (one, at) =>"
        b" (await (await [one.contentWindow, one.contentDocument.defaultView][at].fetch('https://b.test/echo?case=frames%20of%20a%20frameset')).json())"
        b".Host)) })</script><frameset cols=*,*><frame><frame></frameset>"
    ),
    "/survey": html("<iframe id=blank></iframe>", "<script src=/survey.js></script>"),
    "/scope/pass": html("passed on"),
    "/structure": html('<p id=x class="a  b">text &amp; more</p><script>1</script><!-- note -->', "<link rel=icon href=data:,><script>2</script>"),
    "/bare": Answer(b"<p>no head at all<script>3</script>"),
    "/quirks": Answer(b"<html><body bgcolor=white>old<script>4</script>"),
    "/head-script": Answer(b"<script>first = [document.scripts.length, document.currentScript === document.scripts[0], document.documentElement.outerHTML]</script><p>x"),
    "/commented": Answer(b"\xef\xbb\xbf<!-- a --><!doctype html><!-- b --><html a=b><!-- c --><head c=d><title>x</title></head></html>"),
    "/trusted": html(TRUSTED, Content_Security_Policy="require-trusted-types-for 'script'; trusted-types mine"),
    "/trusted-any": html(TRUSTED, Content_Security_Policy="require-trusted-types-for 'script'"),
    "/sjis": Answer(_BOUNDED.encode("shift_jis")),
    "/sjis-late": Answer(_BOUNDED.replace("<meta charset=shift_jis>", "<meta name=x content=y><meta http-equiv=content-type content='text/html; charset=shift_jis'><meta name=z>").encode("shift_jis")),
    "/sjis-header": Answer(_BOUNDED.replace("<meta charset=shift_jis>", "").encode("shift_jis"), "text/html; charset=Shift_JIS"),
    "/latin": Answer("<title>é</title><p id=text>é</p>".encode("latin-1")),
    "/bom": Answer("\ufeff<!doctype html><title>é</title><p id=text>é</p>".encode()),
    "/utf16": Answer(f"\ufeff<!doctype html><title>page</title><p id=text>ä日</p>{IMAGE}<script>{FETCH}</script>".encode("utf-16-le"), "text/html"),
    "/utf16-header": Answer(f"<!doctype html><title>page</title><p id=text>ä日</p>{IMAGE}<script>{FETCH}</script>".encode("utf-16-be"), "text/html; charset=utf-16be"),
    "/xhtml": Answer(_XHTML.encode(), "application/xhtml+xml"),
    "/svg": Answer(_SVG.encode(), "image/svg+xml"),
    "/imports": html("", _IMPORTS),
    "/static-imports": html(_STATIC),
    "/edited.css": Answer(SHEET, "text/css"),
    "/integrity": html("<i id=edited>x</i>", f"<link rel=stylesheet href=/edited.css integrity={digest(SHEET)}>"),
    "/integrity-wrong": html("<i id=edited>x</i>", f"<link rel=stylesheet href=/edited.css integrity={digest(b'')}>"),
    "/integrity-foreign": html("<i id=edited>x</i>", f"<link rel=stylesheet crossorigin href={B}/edited.css integrity={digest(SHEET)}>"),
    "/integrity-script": html("<i id=edited>x</i>", "<script>document.head.append(Object.assign(document.createElement('link'), "
        f"{{rel: 'stylesheet', href: '/edited.css', integrity: '{digest(SHEET)}'}}))</script>"),
    "/violation": html(f"<script>addEventListener('securitypolicyviolation', (event) => (window.seen = [event.blockedURI, event.violatedDirective,"
        f" event.disposition, event.statusCode, new URL(event.documentURI).origin === location.origin]))</script><img src={B}/pixel.png>",
        Content_Security_Policy="img-src 'self'"),
    "/blob-worker": html("<script nonce=abc>const w = new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))); w.onmessage = ({ data }) =>"
        " (window.seen = data); w.onerror = () => (window.seen = 'error')</script>", Content_Security_Policy="script-src 'nonce-abc'; worker-src blob:"),
    "/meta-policy": html(f"<p id=text>x</p><script nonce=abc>document.querySelector('#text').innerHTML = '<img src={B}/pixel.png>';"
        " const one = document.querySelector('img'); one.onload = one.onerror = () => (window.seen = one.naturalWidth)</script>",
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; script-src 'nonce-abc'; img-src https:\">"),
    "/strict-srcdoc": html(f'<iframe id=f srcdoc="<script nonce=abc>{FETCH}</script>"></iframe><script nonce=abc>document.body.append(Object.assign('
        f"document.createElement('iframe'), {{ id: 'g', srcdoc: `<script nonce=abc>{FETCH}</scr` + 'ipt>' }}))</script>",
        Content_Security_Policy="script-src 'nonce-abc'"),
}  # fmt: skip


def answer(asked: Asked) -> Answer | None:
    """Everything that is not of every host."""
    path = asked.path
    if path in SCRIPTS:
        return Answer(SCRIPTS[path].encode(), JS)
    if path in {"/text", "/other"}:
        return Answer(path.encode(), "text/plain")
    if path.startswith("/cases/"):
        return _cases(path.removeprefix("/cases/"))
    if path == "/common.js" or path.endswith("-cases.js"):
        return Answer((HERE / path[1:].replace("-cases", "")).read_bytes(), JS)
    if path.startswith("/policy/"):
        return _policy(path.removeprefix("/policy/"))
    if path.startswith("/coded/"):
        coding = path.removeprefix("/coded/")
        accepted = coding in asked.fields.get("Accept-Encoding", "")
        page = html(
            f"<p id=text>{coding}</p>{IMAGE}<script>{FETCH}</script>" + "<!-- padding -->" * 999
        )
        fields = (("Content-Encoding", coding), ("Vary", "Accept-Encoding"))
        return Answer(CODINGS[coding](page.body), fields=fields) if accepted else page
    if path == "/tagged":
        fields = (("ETag", '"one"'), ("Cache-Control", "no-cache"))
        same = '"one"' in asked.fields.get("If-None-Match", "")
        page = html(f"<p id=text>tagged</p>{IMAGE}<script>{FETCH}</script>")
        return Answer(b"" if same else page.body, fields=fields, status=304 if same else 200)
    if path.startswith("/start"):
        return html(START.replace("@CASE@", asked.query.get("case", "")))
    if path in PAGES:
        return PAGES[path]
    return None


START = f"""<a id=link href="{B}/landed?case=@CASE@">link</a> <a id=top target=_top href="{B}/landed?case=@CASE@">top</a>
<a id=blank target=_blank href="{B}/landed?case=@CASE@">blank</a> <map name=m><area id=area shape=default href="{B}/landed?case=@CASE@"></map>
<form id=get action="{B}/landed"><input name=case value="@CASE@"><input name=q value="ä b"><button id=send formaction="{B}/landed">send</button></form>
<form id=post method=post action="{B}/landed?case=@CASE@"><input name=q value="ä b"><button name=b value=1>send</button></form>
<form id=topform target=_top action="{B}/landed"><input name=case value="@CASE@"></form>
<svg width=9 height=9><a id=svg href="{B}/landed?case=@CASE@"><rect width=9 height=9 /></a></svg>
<script>const B = "{B}", to = "{B}/landed?case=@CASE@", $ = (id) => document.getElementById(id);
const link = (more) => document.body.appendChild(Object.assign(document.createElement("a"), {{ href: to, textContent: "made" }}, more));</script>"""
