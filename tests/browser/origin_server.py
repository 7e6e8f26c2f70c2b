"""A process with the origins that browser tests visit: the demo's, and pages of the tests' own.

``python -m tests.browser.origin_server CERTIFICATE KEY`` prints a JSON line that maps each
public origin to the loopback port where it listens, and serves until it is ended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate
from twisted.web.resource import Resource
from twisted.web.server import Site

from gateway.demo.origins import sites

PLAIN = "http://plain.test:8081"
STRICT = "https://strict.test"


class Fixed(Resource):
    """One body with its fields; says what it was asked, for comparisons."""

    isLeaf = True

    def __init__(self, body: bytes, **fields: str) -> None:
        """``fields`` with underscores for hyphens."""
        super().__init__()
        self._body = body
        self._fields = fields

    def render_GET(self, request):
        """Answer."""
        for name, value in self._fields.items():
            request.setHeader(name.replace("_", "-"), value)
        return self._body


class Echo(Resource):
    """Tells the request's own header fields back."""

    isLeaf = True

    def render_GET(self, request):
        """Answer with JSON, to every origin."""
        request.setHeader(b"Content-Type", b"application/json")
        origin = request.getHeader(b"Origin")
        if origin:
            request.setHeader(b"Access-Control-Allow-Origin", origin)
            request.setHeader(b"Access-Control-Allow-Credentials", b"true")
        fields = {
            name.decode().lower(): [value.decode("latin-1") for value in values]
            for name, values in request.requestHeaders.getAllRawHeaders()
        }
        return json.dumps({"method": request.method.decode(), "fields": fields}).encode()

    render_POST = render_GET


PAGE = b"""<!doctype html><html><head><title>Strict</title></head><body>
<p id=out>ready</p><script nonce=abc>document.getElementById("out").textContent = "ran"</script>
</body></html>"""
LEAKY = b"""<!doctype html><title>Leaky</title><body><script>
const seen = [];
const note = n => () => seen.push(n);
new Image().src = "https://tripwire.test/img";
fetch("https://tripwire.test/fetch", {mode: "no-cors"}).then(note("fetch"), note("fetch!"));
const x = new XMLHttpRequest(); x.open("GET", "https://tripwire.test/xhr"); x.onloadend = note("xhr"); x.send();
const w = new WebSocket("wss://tripwire.test/ws"); w.onclose = note("ws");
const s = document.createElement("script"); s.src = "https://tripwire.test/script.js"; s.onerror = note("script"); document.head.append(s);
const l = document.createElement("link"); l.rel = "stylesheet"; l.href = "https://tripwire.test/a.css"; l.onerror = note("css"); document.head.append(l);
navigator.sendBeacon("https://tripwire.test/beacon", "x");
try { top.location = "https://tripwire.test/top"; } catch (e) { seen.push("top!"); }
setTimeout(() => { document.title = "done " + seen.length; }, 1500);
</script>"""


def main() -> None:
    """Listen and serve."""
    certificate, key = (Path(name).read_bytes() for name in sys.argv[1:3])
    tls = PrivateCertificate.loadPEM(key + certificate).options()
    made = sites(reactor)
    root = Resource()
    csp = "default-src 'none'; script-src 'nonce-abc'; frame-ancestors 'self'"
    root.putChild(b"", Fixed(PAGE, Content_Type="text/html", Content_Security_Policy=csp))
    root.putChild(b"leaky", Fixed(LEAKY, Content_Type="text/html"))
    root.putChild(b"echo", Echo())
    utf16 = "<title>Bank</title><p id=out>Your password, please</p>".encode("utf-16")
    root.putChild(b"utf16", Fixed(utf16, Content_Type="text/html; charset=utf-16"))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>document.title="ran"</script></svg>'
    root.putChild(b"svg", Fixed(svg, Content_Type="image/svg+xml"))
    # XML that is no document of ours to edit; its script would run in a browser.
    xml = b'<a><script xmlns="http://www.w3.org/1999/xhtml">document.title="ran"</script></a>'
    root.putChild(b"xml", Fixed(xml, Content_Type="application/xml"))
    boxed = b'<!doctype html><iframe sandbox="allow-scripts" src="/inside"></iframe>'
    root.putChild(b"boxed", Fixed(boxed, Content_Type="text/html"))
    inside = b"<!doctype html><script>document.write(!document.getElementById('__gw'))</script>"
    root.putChild(b"inside", Fixed(inside, Content_Type="text/html"))
    root.putChild(b"deny", Fixed(PAGE, Content_Type="text/html", X_Frame_Options="DENY"))
    made[STRICT] = Site(root)
    ports = {}
    for origin, site in made.items():
        port = reactor.listenSSL(0, site, tls, interface="127.0.0.1")
        ports[origin] = port.getHost().port
    plain = Resource()
    plain.putChild(
        b"",
        Fixed(b"<!doctype html><title>Plain</title><p>plain http</p>", Content_Type="text/html"),
    )
    plain.putChild(b"echo", Echo())
    ports[PLAIN] = reactor.listenTCP(0, Site(plain), interface="127.0.0.1").getHost().port
    print(json.dumps(ports), flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
