"""Documents that write themselves while they are read, and others after."""

from __future__ import annotations

from tests.browser.differential import agents
from tests.browser.differential.common import JS
from tests.browser.differential.server import Answer, Asked

HEAD = agents.HEAD
TITLE = "document.write and open"
_WRITE = "<script>document.write({!r})</script>"
_START = "<!doctype html><title>start</title><p>before"
PAGES = {
    "order": _START + _WRITE.format("<i>written</i>") + "<p>after",
    "nested": _START + _WRITE.format("<script>document.write('<b>deep</b>')<\\/script><i>x</i>") + "<p>after",
    "external": _START + _WRITE.format('<script src="/writing/say.js"><\\/script><i>x</i>') + "<script>seen = window.said</script><p>after",
    "in-external": _START + "<script src=/writing/write.js></script><p>after",
    "partial": _START + _WRITE.format("<div><b") + "<script>1</script><p class=in>after",
    "tags": _START + "<script>document.write('<ul>'); for (const one of [1, 2]) document.write('<li>' + one); document.write('</ul>')</script><p>after",
    "iframe": _START + _WRITE.format("<iframe src=/agents/page></iframe>") + "<script>seen = [frames.length]</script>",
    "head": "<!doctype html><head><script>document.write('<title>by script</title><meta name=x content=y>')</script></head><body><p>x",
    "attributes": _START + _WRITE.format("<p id=a class='b c' data-x=\"&quot;&amp;\" hidden>x</p>"),
    "svg": _START + _WRITE.format("<svg><a href=/x><text>y</text></a><script>seen = 'in svg'<\\/script></svg>"),
    "comment": _START + _WRITE.format("<!-- a --><!--[if IE]><p>ie<![endif]--><p>x"),
    "style": _START + _WRITE.format("<style>p { width: 41px }</style><p id=p>x") + "<script>seen = getComputedStyle(p).width</script>",
    "lines": _START + "<script>document.writeln('<pre>a'); document.writeln('b</pre>')</script>",
    "many": _START + "<script>document.write('<i>', 1, '</i>', null, undefined, {})</script>",
    "none": _START + "<script>document.write(); document.writeln()</script><p>after",
    "entities": _START + _WRITE.format("&lt;p&gt; &amp;amp; &eacute; &#x41;"),
    "textarea": _START + _WRITE.format("<textarea><p>x</textarea><title>no</title><noscript><p>n</noscript>"),
    "doctype": _WRITE.format("<!doctype html><p>standards"),
    "xmp": _START + _WRITE.format("<xmp><b>x</xmp><plaintext><i>"),
    "table": _START + "<table><tr><td>1<script>document.write('<td>2')</script></table>",
    "template": _START + _WRITE.format("<template><img src=/never><script>1<\\/script></template>"),
    "script-src": _START + "<script>document.write('<script>seen = document.currentScript.outerHTML.length<\\/script>')</script>",
    "foreign": _START + _WRITE.format("<a href='https://b.test/x?a=1&amp;b'>x</a><img src='//b.test/pixel.png'>") + "<script>seen = [document.links[0].href, document.images[0].src]</script>",
    "foreign-script": _START + _WRITE.format("<script src='https://b.test/script.js'><\\/script>") + "<script>seen = window.ran</script>",
    "foreign-sheet": _START + _WRITE.format("<link rel=stylesheet href='https://b.test/sheet.css'><p class=sheet id=p>x") + "<script>onload = () => (seen = getComputedStyle(p).width)</script>",
    "base": "<!doctype html><head><script>document.write('<base href=\"https://b.test/deep/\">')</script></head><a href=x>x</a><img src=../pixel.png><script>seen = [document.links[0].href, document.images[0].src]</script>",
    "pieces": _START + "<script>for (const one of '<a id=l href=/x title=\"y z\">link</a>') document.write(one); seen = l.title</script>",
    "pieces-in-address": _START + "<script>document.write('<a id=l href=\"https://b.'); document.write('test/x\">y</a>'); seen = l.href</script>",
    "defer": _START + "<script defer src=/writing/late.js></script><script>document.write('<i>in time</i>')</script>",
    "module": _START + "<script type=module>document.write('<i>ignored</i>')</script>",
    "later": _START + "<script>setTimeout(() => 1)</script><script async src=/writing/write.js></script><p>after",
    "onload": _START + "<script>onload = () => { document.write('<title>new</title><p>all new'); document.close() }</script>",
    "open": _START + "<script>document.open(); document.write('<i>ignored open</i>'); document.close()</script><p>after",
    "open-in-handler": _START + "<script>document.addEventListener('DOMContentLoaded', () => { document.open(); document.write('<title>handled</title><p>x'); document.close() })</script>",
    "close": _START + "<script>document.write('<p>a'); document.close(); document.write('<p>b')</script><p>after",
    "trusted": _START + "<script>const policy = trustedTypes.createPolicy('p', { createHTML: (text) => text }); document.write(policy.createHTML('<b>typed</b>')); try { document.write('<b>plain</b>') } catch (error) { seen = error.name }</script>",
    "replaced": _START + "<script>seen = document.scripts.length; document.currentScript.remove(); document.write('<i>x</i>')</script><p>after",
}  # fmt: skip
_FIELDS = {"trusted": (("Content-Security-Policy", "require-trusted-types-for 'script'"),)}
_SCRIPTS = {
    "say.js": "window.said = 'said'",
    "write.js": "document.write('<b>by another</b>')",
    "late.js": "window.seen = document.readyState",
}


def answer(asked: Asked, _site) -> Answer | None:
    """The documents."""
    name = asked.path.rpartition("/")[2]
    if name in _SCRIPTS:
        return Answer(_SCRIPTS[name].encode(), JS)
    if name in PAGES:
        return Answer(PAGES[name].encode(), "text/html; charset=utf-8", _FIELDS.get(name, ()))
    return None
