"""The demo's web sites.

A page with links, a form and cookies; a chat over WebSocket with a subprotocol; a second
origin that is asked across origins.
They know nothing of the gateway: what they say are their own public names.
"""

from __future__ import annotations

import html
import json
from importlib import resources
from string import Template
from typing import Any

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.web.pages import notFound
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

SHOP = "https://shop.demo.example"
CHAT = "https://chat.demo.example"
API = "https://api.demo.example"
SUBPROTOCOL = "v1.chat.demo"


def _page(file: str, /, **values: str) -> bytes:
    text = (resources.files("gateway.demo") / file).read_text("utf-8")
    places = {"shop": SHOP, "chat": CHAT, "api": API, "subprotocol": SUBPROTOCOL}
    return Template(text).substitute(places, **values).encode("utf-8")


class _Html(Resource):
    isLeaf = True

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def values(self, request: Request) -> dict[str, str]:
        """What the page's places hold for this request."""
        del request
        return {}

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
        return _page(self._name, **self.values(request))


class _Shop(_Html):
    """Counts visits in an HttpOnly cookie and remembers a name given in a form."""

    def values(self, request: Request) -> dict[str, str]:
        visits = request.getCookie(b"visits") or b"0"
        count = int(visits) + 1 if visits.isdigit() else 1
        request.addCookie(b"visits", b"%d" % count, path=b"/", secure=True, httpOnly=True)
        name = (request.getCookie(b"name") or b"").decode("utf-8", "replace")
        return {"visits": str(count), "name": html.escape(name)}

    def render_POST(self, request: Request) -> bytes:
        name = (request.args or {}).get(b"name", [b""])[0]
        kept = bytes(octet for octet in name if octet not in b'";,\\ ' and octet > 0x20)[:40]
        request.addCookie(b"name", kept, path=b"/", secure=True)
        request.setResponseCode(303)
        request.setHeader(b"Location", f"{SHOP}/".encode("ascii"))
        return b""


class _ToChat(Resource):
    """Redirects to another origin."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setResponseCode(302)
        request.setHeader(b"Location", f"{CHAT}/".encode("ascii"))
        return b""


class _Time(Resource):
    """Answers across origins, to the shop alone."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader(b"Content-Type", b"application/json")
        if request.getHeader(b"Origin") == SHOP.encode("ascii"):
            request.setHeader(b"Access-Control-Allow-Origin", SHOP.encode("ascii"))
        return json.dumps({"answer": "from the other origin"}).encode("ascii")


class ChatFactory(WebSocketServerFactory):
    """Knows who is in the room."""

    def __init__(self, reactor: Any) -> None:
        """Begin with nobody."""
        super().__init__(reactor=reactor)
        self.people: set[ChatProtocol] = set()


class ChatProtocol(WebSocketServerProtocol):
    """Tells everybody what anybody said."""

    def onConnect(self, request: Any) -> str | None:
        """Take the one subprotocol that is spoken here."""
        return SUBPROTOCOL if SUBPROTOCOL in request.protocols else None

    def onOpen(self) -> None:
        """Join."""
        self.factory.people.add(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001
        """Pass on."""
        for person in self.factory.people:
            person.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: FBT001
        """Leave."""
        del wasClean, code, reason
        self.factory.people.discard(self)


def sites(reactor: Any) -> dict[str, Site]:
    """Each origin's site, by its public origin."""
    chat = ChatFactory(reactor=reactor)
    chat.protocol = ChatProtocol
    chat.setProtocolOptions(allowedOrigins=[CHAT, f"{CHAT}:443"])
    made = {}
    for origin, children in (
        (SHOP, {b"": _Shop("shop.html"), b"about": _Html("about.html"), b"to-chat": _ToChat()}),
        (CHAT, {b"": _Html("chat.html"), b"ws": WebSocketResource(chat)}),
        (API, {b"time": _Time()}),
    ):
        root = Resource()
        for path, child in children.items():
            root.putChild(path, child)
        root.getChild = lambda *_: notFound()  # type: ignore[method-assign]
        site = Site(root, reactor=reactor)
        site.noisy = False
        site.displayTracebacks = False
        site.log = lambda request: None  # type: ignore[method-assign] # noqa: ARG005
        site.acceptableProtocols = lambda: [b"http/1.1"]  # type: ignore[method-assign]
        made[origin] = site
    return made
