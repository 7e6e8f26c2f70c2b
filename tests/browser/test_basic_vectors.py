"""Mode ``basic`` in Chromium, script allowed: of no injection does anything run."""

from __future__ import annotations

import pytest

from gateway.origins import Codec, parse
from gateway.rewrite.basic_html import BasicRewriter
from gateway.rewrite.urls import UrlMap
from tests.browser.harness import launch
from tests.rewrite.injections import CORPUS, SEED_CODE, WAYS, documents

pytestmark = pytest.mark.browser

PAGE = "http://vectors.test/d/page"
OTHERS = len(CORPUS) + 5 * len(SEED_CODE) + len(WAYS)
# Violations are reported, and nothing is stopped: what would run is counted, also what a
# policy sees and the canary does not.
POLICY = "script-src 'none'; object-src 'none'; script-src-attr 'none'"
CANARY = """
for (const name of ["alert", "confirm", "prompt", "msgbox"]) {
  window[name] = (...args) => { window.top.ran = (window.top.ran || 0) + 1; };
}
document.addEventListener("securitypolicyviolation", (event) => {
  if (event.effectiveDirective.startsWith("script-src") || event.effectiveDirective === "object-src")
    window.top.ran = (window.top.ran || 0) + 1;
});
"""
# A second look, at the tree that this browser made of the document, and at its own URLs.
LOOK = """() => {
  const found = [];
  // Forms have properties named as their fields: the prototypes' own are asked.
  const get = (type, name) => {
    const getter = Object.getOwnPropertyDescriptor(type.prototype, name).get;
    return (one) => one instanceof type ? getter.call(one) : null;
  };
  const attributes = get(Element, "attributes"), nameOf = get(Element, "localName");
  const shadow = get(Element, "shadowRoot"), inside = get(HTMLTemplateElement, "content");
  const framed = get(HTMLIFrameElement, "contentDocument");
  const all = (root, what) =>
    (root instanceof Document ? Document : DocumentFragment).prototype.querySelectorAll.call(root, what);
  const walk = (root) => {
    if (!(root instanceof Node)) return;
    for (const one of all(root, "*")) {
      if (/^(script|object|embed|applet)$/i.test(nameOf(one))) found.push(nameOf(one));
      for (const attribute of attributes(one)) {
        if (/^on/i.test(attribute.name)) found.push(attribute.name);
        if (/^(href|src|action|formaction|data|to|from|xlink:href|base|poster)$/.test(attribute.name))
          for (const value of attribute.value.split(";")) {
            let url = null;
            try { url = new URL(value, "http://vectors.test/"); } catch { }
            if (url && url.protocol === "javascript:") found.push(attribute.value);
          }
      }
      walk(inside(one));
      walk(shadow(one));
      if (framed(one)) frames.push(framed(one));
    }
  };
  const frames = [];
  walk(document);
  // Another realm's nodes are of other classes: their markup is looked at in ours.
  while (frames.length) {
    const outer = frames.pop().documentElement;
    if (outer) walk(Document.parseHTMLUnsafe(outer.outerHTML));
  }
  for (const link of all(document, "a, area, button, input[type=submit], summary, [onclick]"))
    EventTarget.prototype.dispatchEvent.call(link, new MouseEvent("click", {bubbles: true, cancelable: true}));
  return [found, window.ran || 0];
}"""


def rewritten(markup: str) -> str:
    """The document as mode ``basic`` gives it."""
    made = BasicRewriter(UrlMap(Codec("gw.test"), PAGE), parse(PAGE)[0])
    return (made.feed(markup.encode("utf-8", "replace")) + made.close()).decode("utf-8", "replace")


@pytest.fixture(scope="module")
def own_browser(playwright):
    """A browser that reaches nothing at all."""
    made = launch(playwright, "--host-resolver-rules=MAP * ~NOTFOUND")
    yield made
    made.close()


class Shower:
    """Shows documents one after the other, from memory."""

    def __init__(self, browser) -> None:
        """Take a fresh profile."""
        self.markup = ""
        self.context = browser.new_context()
        self.context.add_init_script(CANARY)
        self.context.route("**/*", self._answer)

    def _answer(self, route) -> None:
        if route.request.url.split("?")[0] == PAGE and route.request.is_navigation_request():
            headers = {"Content-Security-Policy-Report-Only": POLICY}
            route.fulfill(body=self.markup, content_type="text/html;charset=utf-8", headers=headers)
        elif route.request.is_navigation_request():
            route.fulfill(status=204)
        else:
            route.fulfill(status=404, body="")

    def show(self, markup: str):
        """What this browser finds active in a document, and how much of it ran."""
        self.markup = "<!doctype html><meta charset=utf-8>" + markup
        # A page of its own: what the last one's links began would end this one's loading.
        page = self.context.new_page()
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.goto(PAGE, wait_until="load")
        found = page.evaluate(LOOK)
        page.close()
        return found


def test_the_canary(own_browser):
    """Without the rewriter much of this runs, or the test would show nothing."""
    shower = Shower(own_browser)
    active = 0
    for markup in (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<iframe src='javascript:alert(1)'></iframe>",
        "<a href='javascript:alert(1)'>x</a>", "<details open ontoggle=alert(1)>", "<svg><script>alert(1)</script>",
    ):  # fmt: skip
        found, ran = shower.show(markup)
        active += bool(found and ran)
    assert active >= 7
    shower.context.close()


def test_nothing_runs(own_browser):
    """Every injection, rewritten: no canary, no violation, nothing active in the tree."""
    shower = Shower(own_browser)
    given = documents()
    # All but the tables of places and spellings, and of those every fifth.
    given = [*given[:OTHERS], *given[OTHERS::5]]
    outputs = {rewritten(markup): markup for markup in given}
    wrong = []
    for output, markup in outputs.items():
        found, ran = shower.show(output)
        if found or ran:
            wrong.append((markup, output, found, ran))
    assert wrong[:5] == [], len(wrong)
    assert len(outputs) > 350
    shower.context.close()
