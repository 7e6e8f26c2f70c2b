"""A process with two sites for mode ``basic``: a bank full of script, and what it loads.

``python -m tests.browser.basic_site CERTIFICATE KEY`` prints a JSON line that maps each
public origin to the loopback port where it listens, and serves until it is ended.

What their script does is told on the console and not by a dialog: one that opens while its page
is left can be closed by nobody any more, and until then the browser shows no frame in that tab.
"""

from __future__ import annotations

import html
import json
import struct
import sys
import zlib
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate
from twisted.web.resource import Resource
from twisted.web.server import Site

from tests.rewrite.injections import documents

BANK = "https://bank.test"
ELSEWHERE = "https://elsewhere.test"
PAGE = """<!doctype html>
<html lang="en"><head><title>Bank</title>
<link rel="stylesheet" href="https://elsewhere.test/style.css">
<script>console.log(`CANARY inline`); document.title = "ran";</script>
<script src="/script.js"></script>
</head><body onload="console.log(`CANARY load`)">
<h1>Bank</h1><p id="who">{who}</p>
<noscript><p id="none">This bank works without script</p></noscript>
<script>document.write("<p>written by script")</script>
<p><img id="dot" src="/dot.png" alt="dot"> <img id="logo" src="/logo.svg" alt="logo" onload="console.log(`CANARY img`)"></p>
<form method="post" action="/login"><input name="user"> <input name="secret" type="password">
<button>Sign in</button></form>
<form action="/search"><input name="q"><button>Search</button></form>
<p><a href="/about">About us</a> <a href="https://elsewhere.test/next" onclick="console.log(`CANARY click`)">Next</a>
<a href="javascript:console.log(`CANARY link`)">Script</a></p>
<iframe src="https://elsewhere.test/framed" width="300" height="60"></iframe>
</body></html>"""
XHTML = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>X</title><script>console.log(`CANARY xhtml`)</script>'
    '</head><body onload="console.log(`CANARY 1`)"><p id="x">xhtml text</p></body></html>'
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="console.log(`CANARY 2`)">'
    '<script>console.log(`CANARY svg`)</script><rect id="x" width="40" height="40" fill="green"/></svg>'
)
FEED = (
    '<rss version="2.0"><channel><title>Feed</title><x:script xmlns:x="http://www.w3.org/1999/xhtml">'
    "console.log(`CANARY feed`)</x:script></channel></rss>"
)


def png() -> bytes:
    """Four red pixels."""
    rows = b"".join(b"\0" + b"\xff\0\0" * 2 for _ in range(2))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def plain(title: str) -> str:
    """A small page."""
    return f'<!doctype html><title>{title}</title><body onload="console.log(`CANARY body`)"><p id=x>{title}</p>'


FIXED = {
    b"/about": ("text/html", plain("About the bank")),
    b"/next": ("text/html", plain("Elsewhere")),
    b"/framed": ("text/html", plain("I am in a frame")),
    b"/boxed": ("text/html", plain("In a box")),
    b"/style.css": ("text/css", "h1{color:rgb(1, 2, 3)}"),
    b"/script.js": ("text/javascript", "console.log(`CANARY file`)"),
    b"/dot.png": ("image/png", png()),
    b"/logo.svg": ("image/svg+xml", SVG),
    b"/page.svg": ("image/svg+xml", SVG),
    b"/page.xhtml": ("application/xhtml+xml", XHTML),
    b"/page.xml": ("text/xml", XHTML),
    b"/feed.rss": ("application/rss+xml", FEED),
    b"/words.txt": ("text/plain", "plain words"),
}


class Pages(Resource):
    """Everything at once; who signed in is known by a cookie."""

    isLeaf = True

    def __init__(self) -> None:
        """Remember what was asked."""
        super().__init__()
        self._documents = documents()
        self.asked: list[str] = []

    def render_GET(self, request):
        """Answer."""
        path, query = request.path, {key: one[0] for key, one in request.args.items()}
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        if path == b"/asked":
            request.setHeader("Content-Type", "application/json")
            return json.dumps(self.asked).encode()
        self.asked.append(path.decode())
        if path == b"/inject":
            return self._documents[int(query[b"n"])].encode("utf-8", "replace")
        if path == b"/frames":
            numbers = range(int(query[b"from"]), int(query[b"to"]), int(query[b"step"]))
            frames = "".join(f"<iframe src='/inject?n={n}'></iframe>" for n in numbers)
            return f"<!doctype html><title>Frames</title>{frames}".encode()
        if path == b"/search":
            return plain(f"You look for {html.escape(query[b'q'].decode())}").encode()
        if path == b"/boxed":
            request.setHeader("Content-Security-Policy", "sandbox")
        if path in FIXED:
            kind, body = FIXED[path]
            request.setHeader("Content-Type", kind)
            return body if isinstance(body, bytes) else body.encode()
        user = (request.getCookie(b"user") or b"").decode()
        said = f"Signed in as {html.escape(user)}" if user else "Not signed in"
        return PAGE.format(who=said).encode()

    def render_POST(self, request):
        """Sign in, where the secret is right."""
        self.asked.append("POST " + request.uri.decode())
        if request.args.get(b"secret") == [b"sesame"]:
            request.addCookie(b"user", request.args[b"user"][0], path=b"/", secure=True)
        request.setResponseCode(303)
        request.setHeader("Location", "/")
        return b""


def main() -> None:
    """Listen and serve."""
    certificate, key = (Path(name).read_bytes() for name in sys.argv[1:3])
    tls = PrivateCertificate.loadPEM(key + certificate).options()
    ports = {
        origin: reactor.listenSSL(0, Site(Pages()), tls, interface="127.0.0.1").getHost().port
        for origin in (BANK, ELSEWHERE)
    }
    print(json.dumps(ports), flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
