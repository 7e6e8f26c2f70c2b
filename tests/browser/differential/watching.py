"""Documents whose scripts look at what is there and at what changes."""

from __future__ import annotations

from tests.browser.differential import agents
from tests.browser.differential.server import Answer, Asked

HEAD = agents.HEAD
TITLE = "MutationObserver users and other observers"
_EARLY = """<!doctype html><html><head><script>
records = [];
new MutationObserver((list) => list.forEach(({ type, target, addedNodes, removedNodes, attributeName }) =>
  records.push([type, target.nodeName, [...addedNodes].map((one) => one.nodeName), [...removedNodes].map((one) => one.nodeName), attributeName])))
  .observe(document, { childList: true, attributes: true, subtree: true });
</script><title>early</title><link rel=icon href=data:,></head><body class=x><p>one<a href="https://b.test/x">two</a></p><img alt="">
</body></html>"""
_FIRST = """<!doctype html><html lang=en><head><script>
first = [document.scripts.length, document.head.innerHTML.length, document.documentElement.getAttributeNames(), document.currentScript.previousSibling,
  document.readyState, document.body, document.childNodes.length, getComputedStyle(document.documentElement).display];
</script></head><body></body></html>"""
_SERVER = """<!doctype html><a href="https://b.test/x?a=1&amp;b=2">x</a><a href="/y">y</a><source srcset="//b.test/pixel.png 1x, /pixel.png 2x">
<p hidden style="background: url('https://b.test/pixel.png')">p</p><form action="https://b.test/f"></form>"""
PAGES = {"early": _EARLY, "first": _FIRST, "server": _SERVER}


def answer(asked: Asked, _site) -> Answer | None:
    """The documents."""
    found = PAGES.get(asked.path.rpartition("/")[2])
    return Answer(found.encode(), "text/html; charset=utf-8") if found else None
