"""What slips past the runtime's hooks is stopped by the containment, and then shown after all.

An entity of a document type is what no hook sees through: its text is put in by the parser of
XML.  Each case is compared with a direct load: what the element told, what the page saw of
violations, and what came to the origin.
"""

from __future__ import annotations

import pytest

from tests.browser.harness import settle
from tests.browser.runtime.pages import A, B, html
from tests.browser.runtime.pages import answer as any_answer
from tests.browser.runtime.site import Answer, Asked
from tests.browser.runtime.world import World

pytestmark = pytest.mark.browser

SCRIPT = f"""<script>
const B = "{B}";
const seen = [];
const violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push([event.blockedURI, event.effectiveDirective, event.disposition]));
addEventListener("message", (event) => seen.push("message of " + event.data.data));
const spaces = {{ html: "http://www.w3.org/1999/xhtml", svg: "http://www.w3.org/2000/svg" }};
const slipped = (markup, address, space = "html") => {{
  const text = `<!DOCTYPE x [<!ENTITY h "${{address}}">]><x xmlns="${{spaces[space]}}">${{markup}}</x>`;
  return document.importNode(new DOMParser().parseFromString(text, "text/xml").documentElement.firstChild, true);
}};
const put = (markup, path, space, within = document.body) => {{
  const element = slipped(markup, path === "" ? "" : B + path, space);
  for (const one of [element, ...element.querySelectorAll("*")])
    for (const type of ["load", "error"]) one.addEventListener(type, () => seen.push(`${{type}} of ${{one.localName}}`));
  within.append(element);
  return element;
}};
</script>"""


def script(more: str, path: str) -> str:
    """One made by script whose address alone slips: what a parser of XML made never runs."""
    return f"""
    const made = Object.assign(document.createElement("script"), {{ {more} }});
    for (const type of ["load", "error"]) made.addEventListener(type, () => seen.push(type));
    made.setAttributeNode(slipped("<b src='&h;'/>", B + "{path}").attributes[0].cloneNode());
    document.head.append(made);
    """


SVG = "const box = document.body.appendChild(document.createElementNS(spaces.svg, 'svg'));"
# Name: what is put in.  Each asks for /pixel.png or the like, with its name as the case.
CASES = {
    "image": 'put("<img src=\'&h;\'/>", "/pixel.png?case=image")',
    "image set": 'put("<img srcset=\'&h; 1x\'/>", "/pixel.png?case=image+set")',
    "image with a fragment": 'put("<img src=\'&h;\'/>", "/pixel.png?case=image+with+a+fragment#x")',
    "picture": "put(\"<picture><source srcset='&h;'/><img src='/none'/></picture>\", \"/pixel.png?case=picture\")",
    "sheet": "put(\"<link rel='stylesheet' href='&h;'/>\", \"/sheet.css?case=sheet\")",
    "icon of nobody": "put(\"<link rel='preload' as='image' href='&h;'/>\", \"/pixel.png?case=icon+of+nobody\")",
    "script": script("", "/script.js?case=script"),
    "module": script("type: 'module'", "/module.js?case=module"),
    "object": 'put("<object data=\'&h;\'/>", "/pixel.png?case=object")',
    "embed": "put(\"<embed type='image/png' src='&h;'/>\", \"/pixel.png?case=embed\")",
    "svg image": SVG
    + "put(\"<image href='&h;' width='9' height='9'/>\", \"/pixel.png?case=svg+image\", \"svg\", box)",
    "missing": 'put("<img src=\'&h;\'/>", "/none.png?case=missing")',
    "two of one": 'for (let i = 0; i < 2; i++) put("<img src=\'&h;\'/>", "/pixel.png?case=two+of+one")',
}
# What a browser tells of an element, and a heal cannot take back: how often a frame loaded.
SILENT = {
    "input": "put(\"<input type='image' src='&h;'/>\", \"/pixel.png?case=input\")",
    "frame": "put(\"<iframe src='&h;' onload='this.contentWindow.postMessage(1, &quot;*&quot;)'/>\", \"/frame?case=frame\")",
    "audio": "put(\"<audio preload='auto' src='&h;'/>\", \"/pixel.png?case=audio\")",
    "audio source": "put(\"<audio preload='auto'><source src='&h;'/></audio>\", \"/pixel.png?case=audio+source\")",
    "poster": 'put("<video poster=\'&h;\'/>", "/pixel.png?case=poster")',
}
POLICIES = {
    "": "",
    "allows": f"img-src {B}; report-uri /none",
    "forbids": "img-src 'self'",
    "tells": "img-src 'self'",
}


def answer(asked: Asked) -> Answer | None:
    """A page for each policy."""
    name = asked.path.removeprefix("/healing/")
    if name == asked.path:
        return any_answer(asked)
    policy = POLICIES[name]
    field = "Content_Security_Policy" + ("_Report_Only" if name == "tells" else "")
    return html("", SCRIPT, **({field: policy} if policy else {}))


@pytest.fixture(scope="module")
def world(playwright, tmp_path_factory):
    """One world for all tests."""
    origins = {A: "secure", B: "secure"}
    made = World(tmp_path_factory.mktemp("healing"), playwright, origins, answer)
    try:
        yield made
    finally:
        made.stop()


def run(world, page, code: str, *, through: bool, policy: str = "") -> dict:
    """What a piece of code brings about on a page of its own, once nothing more comes."""
    since = len(world.site.log)
    # An address of its own, so that the outer frame shows it anew.
    frame = world.open(page, f"{A}/healing/{policy}?{since}", through=through)
    frame.evaluate("code => void new Function(code)()", code)
    state = [None, 0]

    def quiet() -> bool:
        """Nothing new for a while: nobody tells that nothing more will come."""
        now = (frame.evaluate("[seen, violations].flat().length"), len(world.site.log))
        state[1] = state[1] + 1 if now == state[0] else 0
        state[0] = now
        return state[1] > 12

    settle(page, quiet, "all is told", 10)
    shown = "[...document.querySelectorAll('img,link,script[type=module],object,embed,input,image')].map((one) => [one.localName, one.getAttribute('src') ?? one.getAttribute('href') ?? one.getAttribute('srcset'), one.naturalWidth ?? 0])"
    return world.plainly(
        {
            "told": frame.evaluate("seen.sort()"),
            "violations": frame.evaluate("violations"),
            "shown": frame.evaluate(shown),
            "ran": frame.evaluate("globalThis.ran ?? ''"),
            "asked": sorted(
                (one.host, one.path) for one in world.site.log[since:] if one.host == "b.test"
            ),
        }
    )


def both(world, cases: dict[str, str], **more) -> dict[str, list[dict]]:
    """Every case both ways."""
    found: dict[str, list[dict]] = {}
    for through in (False, True):
        with world.tab(through=through) as page:
            for name, code in cases.items():
                result = run(world, page, code, through=through, **more)
                found.setdefault(name, []).append(result)
    return found


def test_healed(world, subtests):
    """What was stopped is shown, and tells what it tells directly: once."""
    for name, (directly, through) in both(world, CASES).items():
        with subtests.test(msg=name):
            assert directly["asked"], "the case asks"
            assert through == directly
    assert world.tripwire.touched == []


def test_asked(world, subtests):
    """Of frames and media the origin sees the same request."""
    for name, (directly, through) in both(world, SILENT).items():
        with subtests.test(msg=name):
            assert directly["asked"], "the case asks"
            assert set(map(tuple, through["asked"])) == set(map(tuple, directly["asked"]))
            assert (through["violations"], directly["violations"]) == ([], [])


@pytest.mark.parametrize("policy", [one for one in POLICIES if one])
def test_policies_of_the_site(world, policy):
    """What the site's policy forbids stays so, and the page is told of it as it is directly."""
    found = both(world, {"image": CASES["image"], "two of one": CASES["two of one"]}, policy=policy)
    for directly, through in found.values():
        assert through == directly
        assert bool(directly["asked"]) is (policy != "forbids")


def test_never_in_circles(world):
    """A page that puts the address back each time is stopped after a while, and asks no more."""
    code = """
    const other = slipped("<img src='&h;'/>", B + "/none.png");
    const image = put("<img src='&h;'/>", "/none.png");
    let left = 50;
    image.addEventListener("error", () => left-- > 0 && setTimeout(() => image.setAttributeNode(other.attributes[0].cloneNode())));
    """
    with world.tab(through=True) as page:
        result = run(world, page, code, through=True)
    assert len(result["asked"]) == 1
    assert world.tripwire.touched == []
