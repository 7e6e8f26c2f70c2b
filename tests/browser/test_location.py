"""Sites with ``rewrite-location``: whatever says where a page is says it as it does directly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.runtime import pages
from tests.browser.runtime.pages import A, B, html
from tests.browser.runtime.site import JS, Answer, Asked
from tests.browser.runtime.world import World
from tests.browser.test_runtime import ABSENT

pytestmark = pytest.mark.browser
HERE = Path(__file__).parent / "runtime"
RULES = "".join(
    f"""
[[allow-navigation]]
href = "{site}"
rewrite-location = true
"""
    for site in (A, B)
)
_LOOK = html(
    f"<p id=links><a href=/own>own</a><a href='{A}/there?x'>whole</a><a href='{B}/x'>other</a></p>"
    f"<form action='{A}/send'></form><i id=styled style='background-image: url({A}/pixel.png)'></i>",
    "<link rel=stylesheet href=/sheet.css><script src=/first.js></script>"
    "<script src=/identity.js></script>",
)
_PLACED = "postMessage([location.href, `${location}`, location.origin, location.host, location.pathname, self.origin, Object.prototype.toString.call(location)]);"
WHOLE = "told.whole = [location.host, (({location}) => location)({location: 1})];"
FOREIGN = "(told.foreign ??= []).push(location.host, document.currentScript.src);"
SCRIPTS = {
    "/whole.js": WHOLE,
    "/foreign.js": FOREIGN,
    "/lost.js": "told.lost = location.host; (",
    "/own.js": "export const location = 'mine', top = 1; export default 'own of ' + import.meta.url;",
    "/identity.js": (HERE / "identity.js").read_text(encoding="utf-8"),
    "/first.js": "window.loadedFrom = document.currentScript.src;",
    "/placed.js": _PLACED,
    "/placed-module.js": _PLACED.replace("]);", ", import.meta.url]);"),
    "/shared-placed.js": "onconnect = ({ ports: [port] }) => port.postMessage([location.href, self.origin]);",
    "/served-placed.js": "addEventListener('message', ({ ports: [port] }) => port.postMessage("
    "[location.href, self.origin, registration.scope, `${self.location}`]));",
    "/fetching.js": "(async () => { const one = await fetch(location.origin + '/echo'); importScripts(location.origin + '/imported.js');"
    " postMessage([one.url, one.type, new Request('/x').url, imported, self.location.host === new URL(one.url).host]); })();",
    "/imported.js": "self.imported = location.pathname;",
    "/failing.js": "try { null.x } catch (error) { postMessage(error.stack.split('\\n')[1].trim()) }",
    "/meta.js": "export const url = import.meta.url, resolved = import.meta.resolve('./x.js');",
    "/broken.js": "null.broken",
    "/leads.js": (HERE / "leads.js").read_text(encoding="utf-8"),
    "/arrived.js": "parent.postMessage([location.href, document.URL, document.referrer, top === parent], '*');",
    "/busting.js": "if (top !== self) top.location = self.location; const free = window.top === window.self && parent === window"
    " && self.parent === self && !frameElement; document.title = free ? 'free' : 'framed';",
    "/within.js": "window.told = [location.href, top === parent, parent === self, parent.location.pathname, document.referrer, [...location.ancestorOrigins]];",
}
# What the server sends as markup: the names of what it finds out, each in an element of its own.
SERVED = html(
    """<script>told = {inline: location.href, top: top === self, domain: document.domain}</script>
<script type=module>import own from "https://a.test/own.js"; import other from "https://b.test/module.js";
Object.assign(told, {module: [own, other, import.meta.url, location.host, (await import("/own.js")).default]});</script>
<script type=text/template id=template>location.href</script>
<script type=application/json id=data>{"location": "top"}</script>
<b id=handler onclick="told.handler = [location.host, document.location.pathname, this.id, event.type]">x</b>
<a id=link href="javascript:void (told.link = location.hostname)">x</a>
<form id=form name=location onsubmit="told.form = [location.host, top === self]; return false"><input name=top></form>
<svg onload="told.svg = location.host"></svg>
<img src=data:, onerror="told.error = window.location.host">
<div id=shadow><template shadowrootmode=open><i onclick="told.shadow = location.host">x</i></template></div>
<iframe id=srcdoc srcdoc="<script>told = [location.href, parent.location.host, top === parent, document.baseURI]</script>"></iframe>
<script>document.write("<script>told.written = [location.host, document.currentScript.textContent.slice(0, 30)]<\\/script>")</script>
<script>Object.assign(told, {own: document.currentScript.textContent, top: window.top === window})</script>
<script>told.eval = eval("location.host + (0, 1)")</script>
<script src=/whole.js integrity="@DIGEST@"></script><script src=/whole.js integrity="@WRONG@" onerror="told.refused = location.host"></script>
<script src=https://b.test/foreign.js></script><script src=https://b.test/foreign.js crossorigin integrity="@FOREIGN@"></script>
<script src=/lost.js></script>""".replace("@DIGEST@", pages.digest(WHOLE))
    .replace("@WRONG@", pages.digest("other"))
    .replace("@FOREIGN@", pages.digest(FOREIGN))
)
SERVED_LOOK = """async () => {
  for (const id of ["handler", "link"]) document.getElementById(id).click();
  document.querySelector("#form").requestSubmit();
  document.querySelector("#shadow").shadowRoot.querySelector("i").click();
  while (!told.link || !told.module || !told.error) await new Promise((done) => setTimeout(done, 20));
  const inner = document.querySelector("#srcdoc").contentWindow;
  const texts = ["template", "data"].map((id) => document.getElementById(id).textContent);
  return {...told, srcdoc: inner.told, texts, handlerText: document.querySelector("#handler").getAttribute("onclick")};
}"""
PAGES = {
    "/look": _LOOK,
    "/blank": html("blank"),
    "/served": SERVED,
    "/leads": html("", "<script src=/leads.js></script>"),
    "/lead": html("", "<script src=/leads.js></script>"),
    "/arrived": html("<script src=/arrived.js></script>"),
    "/busting": html("", "<script src=/busting.js></script>"),
    "/within": html("", "<script src=/within.js></script>"),
}
KNOWN = {
    # The key is the browser's name, which no renaming reaches.
    "location destructured": "a pattern reads `location` of a window by its own name",
}


def answer(asked: Asked) -> Answer | None:
    """The site of these tests, before the others' pages."""
    if asked.path in SCRIPTS:
        return Answer(SCRIPTS[asked.path].encode(), JS)
    if asked.path in PAGES:
        return PAGES[asked.path]
    return pages.answer(asked)


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("location"), playwright, answer=answer, extra=RULES)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def observations(world):
    """What the page sees: directly and through the gateway."""
    out = []
    for through in (False, True):
        with world.tab(through=through) as page:
            page.goto("about:blank")
            frame = world.open(page, f"{A}/look?a=b#c", through=through)
            out.append(frame.evaluate("observed()"))
    return tuple(out)


def test_observations(observations, subtests):
    """All of them, of one piece: no name of the gateway's is seen anywhere."""
    directly, through = observations
    assert list(directly) == list(through)
    assert len(directly) >= 60
    for name, expected in directly.items():
        with subtests.test(msg=name):
            assert expected != "too late"
            assert (through[name] == expected) is (name not in KNOWN), through[name]


def compared(world, path: str, look: str) -> tuple:
    """What script sees on a page: directly and through the gateway."""
    out = []
    for through in (False, True):
        with world.tab(through=through) as page:
            out.append(world.open(page, A + path, through=through).evaluate(look))
    return tuple(out)


def test_leads(world, subtests):
    """Wherever the page goes by its own address, it arrives, and nothing else is asked."""
    world.tripwire.touched.clear()
    directly, through = compared(world, "/leads", "leads()")
    assert len(directly) >= 25
    for name, expected in directly.items():
        with subtests.test(msg=name):
            assert expected != "too late"
            assert through[name] == expected
    assert world.tripwire.touched == []


def test_frame_busters(world):
    """A page that runs at the top alone is at the top."""
    directly, through = compared(world, "/busting?x", "[document.title, location.pathname]")
    assert directly == through == ["free", "/busting"]


def test_what_the_server_sends(world, subtests):
    """Scripts in the page, handlers, links, frames, and files with digests."""
    directly, through = compared(world, "/served", SERVED_LOOK)
    assert len(directly) >= 15
    for name, expected in directly.items():
        with subtests.test(msg=name):
            assert through.get(name) == expected
    assert set(through) == set(directly)


SURVEY = "[survey(window), texts(window)]"
# What a page has that asks for it: the names that edited scripts use, V8's own form of stacks, and
# a method that is given out by who may call it.
ADDED = re.compile(
    r"__gw_|^(?:Object\.prototype|global \d)\.Symbol\(Symbol.unscopables\)"
    r"|^Error\.prepareStackTrace|^global\.postMessage$"
)


def test_hooks_look_native(world):
    """But for the added names every member is the browser's, in order, and reads as it."""
    (directly, texts), (through, own_texts) = compared(world, "/survey", SURVEY)
    differing = {}
    for name, now in through.items():
        before = directly.get(name)
        if ADDED.search(name) or "CSSStyleDeclaration.prototype" in name:
            continue
        if isinstance(now[0], list):
            there = [one for one in before[0] if one not in ABSENT]
            left = [one for one in now[0] if one in there or not ADDED.search(f"{name}.{one}")]
            now, before = [left, now[1]], [there, before[1]]
        if now != before:
            differing[name] = (now, before)
    assert differing == {}
    assert {
        name: (text, texts[name])
        for name, text in own_texts.items()
        if name in texts and text != texts[name] and "CSSStyleDeclaration.prototype" not in name
    } == {}
