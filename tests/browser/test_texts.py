"""Playlists, XML, integrity and policies: what texts name is loaded as it is directly.

Every page is seen twice, directly and through the gateway; what it shows and what came to the
origins is compared.
"""

from __future__ import annotations

import contextlib

import pytest

from tests.browser.harness import KNOWN, settle
from tests.browser.runtime import policies
from tests.browser.runtime.pages import SHEET, A, B, answer, digest, html
from tests.browser.runtime.site import JS, Answer, Asked
from tests.browser.runtime.world import World, said

pytestmark = pytest.mark.browser

# --- playlists -------------------------------------------------------------------------
HLS = "application/vnd.apple.mpegurl"
_MASTER = f'#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.42e00a",RESOLUTION=16x16\n{B}/variant.m3u8?a=b\n'
_VARIANT = (
    "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    f'#EXT-X-KEY:METHOD=AES-128,URI="{A}/key"\n#EXTINF:4,\n{A}/one.ts?{B}/\n#EXTINF:4,\ntwo.ts\n#EXT-X-ENDLIST\n'
)
_MPD = f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{B}/dash/</BaseURL></MPD>'
_PLAYER = """<script>
const text = async (url) => (await fetch(url)).text();
const uris = (list) => list.split("\\n").filter((one) => one && one[0] !== "#");
(async () => {
  const master = await text("/master.m3u8");
  const [variant] = uris(master);
  const list = await text(variant);
  const loaded = [];
  for (const one of uris(list)) loaded.push((await fetch(new URL(one, variant))).status);
  const base = (await text("/main.mpd")).match(/<BaseURL>(.*?)</)[1];
  window.seen = [master, list, loaded, (await fetch(base + "x")).status, base];
})();
</script>"""

# --- XML -------------------------------------------------------------------------------
_XSL = f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:import href="{A}/other.xsl"/><xsl:output method="html"/>
<xsl:template match="/"><html><head><title>made</title></head><body><p id="text"><xsl:value-of select="/a/b"/></p>
<xsl:call-template name="more"/><img id="image" src="{B}/pixel.png?result"/>
<a id="link" href="{B}/">x</a><b id="loaded"><xsl:value-of select="document('{A}/data.xml')/d"/></b>
<img><xsl:attribute name="src"><xsl:text>{B}/pixel.png?attribute</xsl:text></xsl:attribute></img></body></html></xsl:template></xsl:stylesheet>"""
_OTHER = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template name="more"><i id="more">imported</i></xsl:template></xsl:stylesheet>"""
# --- integrity -------------------------------------------------------------------------
_GOOD, _BAD = digest(SHEET), digest(b"")
_PLAIN = digest(".sheet { width: 7px }")
_OF_A, _OF_B = (digest(f'globalThis.ran = "{one}.test";') for one in "ab")
_SCRIPT = b"globalThis.ran = (globalThis.ran ?? 0) + 1; export default 1;"
_SRI = f"""<script>
const A = "{A}", B = "{B}", good = "{_GOOD}", bad = "{_BAD}", js = "{digest(_SCRIPT)}";
const told = (one, more) => new Promise((done) => {{
  const said = [];
  const tell = ({{ type }}) => {{
    said.push(type);
    setTimeout(() => done([...said, one.integrity, one.getAttribute("integrity"), one.getAttribute("href") ?? one.getAttribute("src"), more?.(one)]), 50);
  }};
  one.addEventListener("load", tell);
  one.onerror = tell;
}});
const rules = ({{ sheet }}) => sheet?.cssRules.length ?? 0; // one that is refused may be there, but empty
const link = (set, after) => {{
  const one = document.createElement("link");
  const said = told(one, rules);
  set(one);
  document.head.append(one);
  after?.(one);
  return said;
}};
const given = (more) => (one) => Object.assign(one, {{ rel: "stylesheet", ...more }});
const named = (more) => (one) => Object.entries(more).forEach(([name, value]) => one.setAttribute(name, value));
const markup = (text) => {{
  const box = document.createElement("div");
  box.innerHTML = text;
  const said = told(box.firstChild, rules);
  document.body.append(box);
  return said;
}};
const script = (more) => {{
  const one = Object.assign(document.createElement("script"), more);
  const said = told(one);
  document.head.append(one);
  return said;
}};
const TRIES = {{
  "a property": () => link(given({{ href: "/edited.css?1", integrity: good }})),
  "a property before the address": () => link(given({{ integrity: good, href: "/edited.css?2#x" }})),
  "attributes": () => link(named({{ rel: "stylesheet", href: "/edited.css?3", integrity: good }})),
  "odd attributes": () => link(named({{ REL: "StyleSheet", HREF: "edited.css?4", Integrity: ` sha256-none  ${{good}} ` }})),
  "markup": () => markup(`<link rel=stylesheet href=/edited.css?5 integrity="${{good}}">`),
  "another host": () => link(given({{ crossOrigin: "anonymous", href: B + "/edited.css?6", integrity: good }})),
  "another host's markup": () => markup(`<link rel=stylesheet crossorigin href=${{B}}/edited.css?7 integrity="${{good}}">`),
  "a wrong property": () => link(given({{ href: "/edited.css?8", integrity: bad }})),
  "wrong markup": () => markup(`<link rel=stylesheet href=/edited.css?9 integrity="${{bad}}">`),
  "several": () => link(given({{ href: "/edited.css?10", integrity: `${{bad}} ${{good}}` }})),
  "no digest that is known": () => link(given({{ href: "/edited.css?11", integrity: "sha1-x" }})),
  "nothing there": () => link(given({{ href: "/none.css", integrity: good }})),
  "a hint": () => link((one) => Object.assign(one, {{ rel: "preload", as: "style", href: "/edited.css?12", integrity: good }})),
  "a wrong hint": () => link((one) => Object.assign(one, {{ rel: "preload", as: "style", href: "/edited.css?13", integrity: bad }})),
  "a sheet that is not edited": () => link(given({{ href: "/sheet.css?14", integrity: "{_PLAIN}" }})),
  "script": () => script({{ src: "/sri.js", type: "module", integrity: js }}),
  "another host's script": () => script({{ src: B + "/sri.js?1", type: "module", integrity: js, crossOrigin: "" }}),
  "a wrong script": () => script({{ src: "/sri.js?2", type: "module", integrity: bad }}),
  "a module ahead": () => link((one) => Object.assign(one, {{ rel: "modulepreload", href: "/sri.js?3", integrity: js }})),
  "a wrong module ahead": () => link((one) => Object.assign(one, {{ rel: "modulepreload", href: "/sri.js?4", integrity: bad }})),
  "fetch": async () => (await fetch("/edited.css", {{ integrity: good }})).status,
  "a wrong fetch": () => fetch("/edited.css", {{ integrity: bad }}).then(() => 1, (error) => error.name),
  "another host's fetch": async () => (await fetch(B + "/edited.css", {{ integrity: good }})).status,
  "a request": async () => (await fetch(new Request("/edited.css", {{ integrity: good }}))).status,
}};
(async () => {{
  const entries = await Promise.all(Object.entries(TRIES).map(async ([name, make]) =>
    [name, await Promise.race([make(), new Promise((done) => setTimeout(done, 8000, "too late"))]).catch((error) => `${{error}}`)]));
  window.seen = Object.fromEntries(entries);
}})();
</script>"""
_MARKUP_SRI = f"""<link rel=preload as=style href=/edited.css?a integrity={_GOOD}><link rel=stylesheet href=/edited.css?a integrity={_GOOD} onload="l=1">
<link rel=stylesheet href={B}/edited.css?b crossorigin integrity={_BAD} onerror="e=1"><link rel=modulepreload href=/sri.js integrity={digest(_SCRIPT)}>
<script src=/sri.js type=module integrity={digest(_SCRIPT)}></script><script src=/sri.js?bad type=module integrity={_BAD} onerror="f=1"></script>
<script src={B}/script.js integrity={_OF_B} crossorigin onload="g=ran"></script><i id=edited>x</i>
<script>addEventListener("load", () => (window.seen = [window.l, window.e, window.f, window.g, window.ran, getComputedStyle(document.querySelector("#edited")).height]))</script>"""
_INTEGRITY_POLICY = f"""<script src=/script.js?bare onerror="b=1"></script><script src=/script.js?good integrity={_OF_A}></script>
<link rel=stylesheet href=/edited.css><i id=edited>x</i>
<script>addEventListener("load", () => (window.seen = [window.b, window.ran, getComputedStyle(document.querySelector("#edited")).height]))</script>"""
PAGES = {
    "/sri": html(_SRI),
    "/sri.js": Answer(_SCRIPT, JS),
    "/sri-markup": html(_MARKUP_SRI),
    "/sri-policy": html(_INTEGRITY_POLICY, Integrity_Policy="blocked-destinations=(script)"),
    "/native": html(f'<video muted autoplay src="{A}/master.m3u8"></video>'),
    "/native-untold": html(f'<video muted autoplay src="{B}/untold.m3u8"></video>'),
    "/player": html(_PLAYER),
    "/master.m3u8": Answer(_MASTER.encode(), HLS),
    "/untold.m3u8": Answer(_MASTER.encode(), "text/plain"),
    "/variant.m3u8": Answer(_VARIANT.encode(), "audio/mpegurl"),
    "/main.mpd": Answer(_MPD.encode(), "application/dash+xml"),
    "/dash/x": Answer(b"x", "text/plain"),
    "/key": Answer(b"k" * 16, "application/octet-stream"),
    "/one.ts": Answer(b"x", "video/mp2t"),
    "/two.ts": Answer(b"x", "video/mp2t"),
    "/feed.xml": Answer(
        f'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="{A}/feed.xsl"?><a><b>hi &amp; ho</b></a>'.encode(),
        "text/xml",
    ),
    "/feed.xsl": Answer(_XSL.encode(), "text/xsl"),
    "/other.xsl": Answer(_OTHER.encode(), "application/xml"),
    "/data.xml": Answer(b"<d>data</d>", "text/xml"),
    "/styled.xml": Answer(
        f'<?xml version="1.0"?><?xml-stylesheet href="{B}/sheet.css?styled"?><a class="sheet">x<h:img xmlns:h="http://www.w3.org/1999/xhtml" id="image" src="{B}/pixel.png?xml"/></a>'.encode(),
        "application/xml",
    ),
    "/entity.xml": Answer(
        f'<?xml version="1.0"?><!DOCTYPE a SYSTEM "{B}/x.dtd" [<!ENTITY e SYSTEM "{B}/e.xml"><!ENTITY f SYSTEM "{A}/e.xml">]><a>x&e;&f;</a>'.encode(),
        "text/xml",
    ),
    "/plain.xml": Answer(
        b"<a><script xmlns='http://www.w3.org/1999/xhtml'>window.ran = 1</script></a>", "text/xml"
    ),
    "/e.xml": Answer(b"entity", "text/xml"),
}


def reply(asked: Asked) -> Answer | None:
    """The pages of this module, then those that others have."""
    return PAGES.get(asked.path) or policies.answer(asked) or answer(asked)


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    made = World(tmp_path_factory.mktemp("texts"), playwright, answer=reply)
    try:
        yield made
    finally:
        made.stop()


def look(world, path: str, script: str, ready: str = "1", *, through: bool, arrives=None):
    """What a script says of a page, and what was asked of the sites for it."""
    since = len(world.site.log)

    def arrived() -> set[str]:
        return {said(one) for one in world.site.log[since:] if "favicon" not in one.path}

    with world.tab(through=through) as page:
        frame = world.open(page, A + path, through=through)

        def complete() -> bool:
            loaded = frame.evaluate(f"document.readyState === 'complete' && !!({ready})")
            return loaded and (arrives is None or arrived() >= arrives)

        # What is missing in the end, the comparison tells.
        with contextlib.suppress(AssertionError):
            settle(page, complete, f"{path} is ready", 5)
        if arrives is None and ready == "1":
            page.wait_for_timeout(300)
        told = frame.evaluate(script)
    return (world.plainly(told) if through else told), arrived()


def both(world, path: str, script: str, ready: str = "1", *, arrives=None):
    """The same directly and through the gateway."""
    directly = look(world, path, script, ready, through=False, arrives=arrives)
    return directly, look(world, path, script, ready, through=True, arrives=directly[1])


@pytest.mark.parametrize("path", ["/native", "/native-untold"])
def test_the_browser_plays_lists(world, path):
    """Chromium's own player finds variants, keys and segments on the hosts that the lists name."""
    wanted = {f"GET {B}/variant.m3u8", f"GET {A}/key"}
    directly, through = both(world, path, "!!document.querySelector('video').error", arrives=wanted)
    assert directly[1] >= wanted
    assert through == directly


def test_script_plays_lists(world):
    """A player of the page's own reads lists to the octet, and loads what they name."""
    directly, through = both(world, "/player", "window.seen", "window.seen")
    assert directly[0][2:4] == [[200, 200], 200]
    assert through == directly


XML_SEEN = """[document.contentType, document.documentElement.localName, document.title, window.ran,
  ...["text", "more", "loaded"].map((id) => document.getElementById(id)?.textContent),
  Array.from(document.querySelectorAll("[src]"), (one) => one.naturalWidth), document.querySelector(".sheet") &&
  getComputedStyle(document.querySelector(".sheet")).width, document.documentElement.textContent.length]"""


@pytest.mark.parametrize("path", ["/feed.xml", "/styled.xml"])
def test_xml(world, path):
    """Sheets, what they import and load, images and entities: of the hosts that are named."""
    directly, through = both(world, path, XML_SEEN)
    assert through == directly


def test_entities(world):
    """No browser loads external entities or types: there is nothing to be mapped."""
    directly, through = both(world, "/entity.xml", "document.contentType")
    assert through == directly
    assert directly[1] == {f"GET {A}/entity.xml"}


def test_the_result_of_a_sheet_is_contained(world):
    """Its links lead to the gateway; what the sheet made up at run time reaches nobody."""
    touched = len(world.tripwire.touched)
    with world.tab(through=True) as page:
        frame = world.open(page, A + "/feed.xml", through=True)
        assert frame.locator("#text").inner_text() == "hi & ho"
        assert frame.get_attribute("#link", "href") == world.collapsed(B) + "/"
    assert len(world.tripwire.touched) == touched


def test_xml_without_the_runtime_runs_no_script(world):
    """It is shown, but whose it is nobody could tell: it may not act."""
    directly, through = both(world, "/plain.xml", "window.ran ?? 0")
    assert directly[0] == 1
    assert through == (0, directly[1])


def test_integrity_that_script_demands(world, subtests):
    """A right digest loads, a wrong one fails once; elements read as they were set."""
    directly, through = both(world, "/sri", "window.seen", "window.seen")
    assert list(through[0]) == list(directly[0])
    for case, expected in directly[0].items():
        with subtests.test(msg=case):
            assert expected != "too late"
            assert through[0][case] == expected
    assert through[1] == directly[1]


@pytest.mark.parametrize("path", ["/sri-markup", "/sri-policy"])
def test_integrity_in_markup(world, path):
    """Sheets, scripts and modules; a policy that wants a digest of every script admits ours."""
    directly, through = both(world, path, "window.seen", "window.seen")
    assert directly[0] is not None
    assert through == directly


def judged(world, where: str, numbers: range, *, through: bool) -> dict[int, dict]:
    """What each policy of a range allows and tells of, all in frames of one page."""
    found: dict[int, dict] = {}
    with world.tab(through=through) as page:
        page.context.add_init_script(policies.LISTEN)
        address = f"{A}/policy-pages?where={where}&first={numbers[0]}&last={numbers[-1] + 1}"
        world.open(page, address, through=through)
        for one in page.frames:
            path = one.url.partition("/policy-page/")[2]
            if path:
                told = one.evaluate(policies.DRIVER)
                told = world.plainly(told) if through else told
                # A sample begins with what was given, which is mapped already.
                said = sorted(one.partition("|")[0] for one in told["told"])
                found[int(path.partition("/")[2])] = {**told, "told": said}
    return found


@pytest.mark.parametrize("first", range(0, len(policies.POLICIES), 16))
def test_policies(world, subtests, first):
    """What a site's policy stops is stopped, what it allows is not, and as much is told."""
    numbers = range(first, min(first + 16, len(policies.POLICIES)))
    directly = judged(world, "header", numbers, through=False)
    through = judged(world, "header", numbers, through=True)
    assert list(directly) == list(numbers)
    for number, expected in directly.items():
        if policies.POLICIES[number] in KNOWN["policies"]:
            continue
        with subtests.test(msg=policies.POLICIES[number]):
            assert through[number] == expected


def test_policies_in_markup(world, subtests):
    """Those in ``meta`` elements, and those that only report."""
    nonced = policies.POLICIES.index("script-src 'nonce-abc'")
    for where in ("meta", "report"):
        directly = judged(world, where, range(nonced, nonced + 3), through=False)
        through = judged(world, where, range(nonced, nonced + 3), through=True)
        for number, expected in directly.items():
            with subtests.test(msg=f"{where}: {policies.POLICIES[number]}"):
                assert through[number] == expected
