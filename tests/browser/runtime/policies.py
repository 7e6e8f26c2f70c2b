"""Pages under many policies: what each allows, and what it stops and tells of."""

from __future__ import annotations

from tests.browser.runtime.pages import A, B, digest, html
from tests.browser.runtime.site import JS, Answer, Asked

_HASHED, _HASHED_STYLE, _HANDLER = "hashed=1", "#t{top:4px}", "handled=1"
_EXTERNAL = b"(self.ext ??= []).push(document.currentScript?.src.split('?')[1] ?? 0);"
_DATA = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
_BODY = f"""<script>bare=1</script><script nonce=abc>nonced=1</script><script nonce=other>wrong=1</script><script>{_HASHED}</script>
<script src=/s.js?own></script><script src={B}/s.js?other></script><script nonce=abc src={B}/s.js?nonced></script>
<script src={B}/s.js?digest crossorigin integrity={digest(_EXTERNAL)}></script>
<style>#t{{left:1px}}</style><style nonce=abc>#t{{right:2px}}</style><style>{_HASHED_STYLE}</style>
<link rel=stylesheet href=/c.css?own><link rel=stylesheet href={B}/c.css?other><p id=t style="bottom:3px">x</p>
<img id=own src=/pixel.png><img id=other src={B}/pixel.png><img id=data src="{_DATA}"><svg onload="svg=1"></svg>
<img id=handler src="{_DATA}" onload="{_HANDLER}"><a id=js href="javascript:void(linked=1)">x</a>
<object id=o data=/pixel.png type=image/png></object>
<form id=form action={B}/landed target=none></form><iframe name=none></iframe>"""
DRIVER = f"""async () => {{
  const A = "{A}", B = "{B}", results = {{}};
  const flags = "bare nonced wrong hashed svg handled linked".split(" ");
  const soon = (promise, ms = 6000) => Promise.race([promise, new Promise((done) => setTimeout(done, ms, "nothing"))]);
  const event = (one) => soon(new Promise((done) => {{ one.onload = one.onerror = one.onmessage = one.onopen = ({{ type }}) => done(type); }}));
  const tried = async (make) => {{ try {{ return await make(); }} catch (error) {{ return error.name; }} }};
  const added = (name, more) => {{
    const one = Object.assign(document.createElement(name), more);
    const said = event(one);
    document.head.append(one);
    return said;
  }};
  const t = document.querySelector("#t");
  t.style.position = "relative";
  for (const one of flags) results[one] = self[one] ?? 0;
  results.external = [...(self.ext ?? [])].sort();
  const drawn = getComputedStyle(t);
  results.styles = ["left", "right", "top", "bottom", "zIndex", "outlineWidth"].map((one) => drawn[one]);
  results.images = ["own", "other", "data", "handler"].map((id) => document.getElementById(id).naturalWidth);
  results.sheets = Array.from(document.styleSheets, ({{ disabled }}) => disabled);
  results.base = document.baseURI === location.href;
  const tries = {{
    eval: () => (0, eval)("1"),
    function: () => new Function("return 1")(),
    timer: () => soon(new Promise((done) => {{ self.timed = done; setTimeout("timed(1)"); }}), 300),
    wasm: () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(() => 1),
    fetch: () => fetch("/echo").then((one) => one.status),
    other: () => fetch(B + "/echo").then((one) => one.status),
    xhr: () => new Promise((done) => {{
      const one = new XMLHttpRequest();
      one.onload = one.onerror = ({{ type }}) => done(type);
      one.open("GET", B + "/echo");
      one.send();
    }}),
    events: () => event(new EventSource(B + "/events")),
    socket: () => event(new WebSocket(B.replace("https", "wss") + "/socket")),
    worker: () => event(new Worker("/policy-worker.js")),
    blob: () => event(new Worker(URL.createObjectURL(new Blob(["postMessage(1)"])))),
    script: () => added("script", {{ src: "/s.js?made" }}),
    "other script": () => added("script", {{ src: B + "/s.js?made-other" }}),
    "nonced script": () => added("script", {{ src: B + "/s.js?made-nonced", nonce: "abc" }}),
    text: () => {{ added("script", {{ text: "self.texted = 1" }}); return self.texted ?? 0; }},
    module: () => added("script", {{ type: "module", src: B + "/module.js" }}),
    image: () => added("img", {{ src: B + "/pixel.png?made" }}),
    sheet: () => added("link", {{ rel: "stylesheet", href: B + "/sheet.css" }}),
    style: () => {{ const one = document.createElement("style"); one.append("#t{{top:9px}}"); document.head.append(one); return getComputedStyle(t).top; }},
    attribute: () => {{ t.setAttribute("style", "position:relative;bottom:8px"); return getComputedStyle(t).bottom; }},
    cssom: () => {{ t.style.bottom = "7px"; return getComputedStyle(t).bottom; }},
    markup: async () => {{
      const one = document.createElement("div");
      one.innerHTML = `<img src="{_DATA}" onload="made = 1"><img src="${{B}}/pixel.png?markup">`;
      document.body.append(one);
      await event(one.lastChild);
      return [self.made ?? 0, one.lastChild.naturalWidth];
    }},
    font: () => new FontFace("f", `url(${{B}}/font.ttf)`).load().catch((error) => error.name),
    media: () => soon(new Promise((done) => {{ const one = new Audio(B + "/none.ogg"); one.onerror = () => done(one.error.code); one.load(); }})),
    frame: async () => {{ const [one] = [document.createElement("iframe")]; const said = event(one); one.src = B + "/frame?made"; document.body.append(one); return said; }},
    link: () => {{ document.querySelector("#js").click(); return soon(new Promise(() => {{}}), 100).then(() => self.linked ?? 0); }},
    form: () => {{ document.querySelector("#form").submit(); return soon(new Promise(() => {{}}), 300); }},
    trusted: () => trustedTypes.createPolicy("mine", {{ createHTML: (one) => one }}).createHTML("x").toString(),
    named: () => trustedTypes.createPolicy("other", {{ createHTML: (one) => one }}).createHTML("x").toString(),
    storage: () => {{ localStorage.x = 1; return localStorage.x; }},
  }};
  await Promise.all(Object.entries(tries).map(async ([name, make]) => {{ results[name] = await soon(tried(make), 8000); }}));
  results.told = self.violations ?? [];
  return results;
}}"""
LISTEN = """addEventListener("securitypolicyviolation", (event) => {
  (self.violations ??= []).push([event.effectiveDirective, event.blockedURI, event.disposition, event.statusCode, event.sample].join(" "));
});"""
POLICIES = (
    "",
    "default-src 'self'",
    "default-src 'none'",
    f"default-src 'self' {B}",
    "default-src https: 'unsafe-inline' 'unsafe-eval' data: blob:",
    "default-src *",
    "default-src * data: blob: 'unsafe-inline'",
    "script-src 'self'",
    "script-src 'none'",
    f"script-src {B}",
    f"script-src {B}/s.js",
    f"script-src {B}/other/",
    "script-src b.test",
    "script-src https://*.test",
    "script-src http://b.test",
    "script-src *",
    "script-src 'unsafe-inline'",
    "script-src 'unsafe-eval' 'self'",
    "script-src 'wasm-unsafe-eval' 'self'",
    "script-src 'nonce-abc'",
    "script-src 'nonce-abc' 'strict-dynamic'",
    "script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline' https:",
    "script-src 'nonce-abc' 'unsafe-hashes' 'unsafe-eval'",
    f"script-src '{digest(_HASHED)}'",
    f"script-src '{digest(_HASHED)}' 'strict-dynamic'",
    f"script-src '{digest(_EXTERNAL)}' 'self'",
    f"script-src 'unsafe-hashes' '{digest(_HANDLER)}'",
    "script-src 'self'; script-src-elem 'nonce-abc'; script-src-attr 'unsafe-inline'",
    "script-src-attr 'none'",
    "script-src 'self' 'report-sample'",
    "style-src 'self'",
    "style-src 'nonce-abc'",
    f"style-src '{digest(_HASHED_STYLE)}' {B}",
    "style-src 'unsafe-inline'",
    "style-src-elem 'unsafe-inline' 'self'; style-src-attr 'none'",
    "img-src 'self'",
    f"img-src {B} data:",
    "img-src https:",
    "img-src http: data:",
    "connect-src 'self'",
    f"connect-src {B}",
    "connect-src wss:",
    f"connect-src wss://b.test {A}",
    "frame-src 'self'",
    f"frame-src {B}",
    "child-src 'none'",
    "worker-src 'self'",
    "worker-src blob:",
    "object-src 'none'; media-src 'none'; font-src 'none'",
    f"font-src {B}; media-src {B}; manifest-src {B}",
    "form-action 'none'",
    f"form-action {B}",
    "base-uri 'none'",
    "upgrade-insecure-requests; block-all-mixed-content",
    "require-trusted-types-for 'script'",
    "require-trusted-types-for 'script'; trusted-types mine",
    "trusted-types 'none'; require-trusted-types-for 'script'",
    "trusted-types mine other 'allow-duplicates'",
    "sandbox allow-scripts",
    "sandbox allow-scripts allow-same-origin",
    "require-sri-for script style",
    "script-src 'self', img-src 'none'",
    "img-src 'self'; img-src *",
    "unknown-src 'self'; script-src  'SELF' ",
)
SHEET = b"#t { z-index: 5 } "


def answer(asked: Asked) -> Answer | None:
    """The frames, what they load, and the page around them."""
    if asked.path.startswith("/policy-page/"):
        where, number = asked.path.split("/")[2:4]
        policy = POLICIES[int(number)]
        if where == "meta":
            return html(_BODY, f'<meta http-equiv=Content-Security-Policy content="{policy}">')
        name = "Content_Security_Policy" + ("_Report_Only" if where == "report" else "")
        return html(_BODY, **({name: policy} if policy else {}))
    if asked.path == "/policy-pages":
        where = asked.query["where"]
        first, last = int(asked.query["first"]), int(asked.query["last"])
        return html(
            "".join(f"<iframe src=/policy-page/{where}/{n}></iframe>" for n in range(first, last))
        )
    if asked.path == "/s.js":
        return Answer(_EXTERNAL, JS)
    if asked.path == "/c.css":
        return Answer(SHEET if asked.host == "a.test" else b"#t { outline: 6px solid }", "text/css")
    if asked.path == "/policy-worker.js":
        return Answer(b"postMessage(1)", JS)
    return None
