"""The operator's view of WebSockets: what is open, where it leads, and how to close it.

A close is a POST, and no other site's page can make one: it is either JSON, which browsers send
to another origin only after asking, or the page's own form with a text that only the page has.
"""

from __future__ import annotations

import hmac
import html
import json
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from twisted.web.resource import Resource

from gateway.ops.moments import moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.web.server import Request

    from gateway.net.ledger import Ledger

_SHOWN = 200
"""So many are on the page; the JSON has all."""
_BODY = 4096
_WHAT = ("id", "name", "client")


class SocketsView:
    """What is shown, and the one thing that can be done."""

    def __init__(self, ledger: Ledger) -> None:
        """``ledger`` is the process's."""
        self._ledger = ledger
        self._text = os.urandom(16).hex()

    @property
    def summary(self) -> str:
        """One line."""
        return self._ledger.summary()

    def json(self, request: Request) -> bytes:
        """Everything."""
        request.setHeader(b"Content-Type", b"application/json")
        found = {"places": self._ledger.shown_places(), "connections": self._ledger.shown()}
        return json.dumps(found).encode("ascii")

    # --- the page -----------------------------------------------------------------

    def places(self) -> str:
        """Rows of the table by place."""
        rows = [
            _row(
                ("to", f"{one['name']} ({one['kind']}, {one['transport']})"),
                ("open", one["current"]),
                ("in all", one["total"]),
                ("messages in, out", _both(one["messages"])),
                ("bytes in, out", _both(one["bytes"])),
                ("round trip", _trips(one["round_trip_seconds"])),
                ("refused", ", ".join(f"{rule} ({n})" for rule, n in one["refused"].items())),
            )
            for one in self._ledger.shown_places()
        ]
        return (
            "".join(rows) or "<tr><td colspan=7>There was no WebSocket since the start.</td></tr>"
        )

    def connections(self) -> str:
        """Rows of the table of what is open, the newest first."""
        found = self._ledger.shown()[::-1]
        rows = [
            _row(
                ("to", f"{one['name']} ({one['kind']}, {one['transport']})"),
                ("client", one["client"]),
                ("since", moment(one["since"])),
                ("messages in, out", _both(one["messages"])),
                ("bytes in, out", _both(one["bytes"])),
                ("subprotocol", one["subprotocol"]),
                ("round trip", _trips(one["round_trip_seconds"])),
                close=self._forms(one),
            )
            for one in found[:_SHOWN]
        ]
        if len(found) > _SHOWN:
            rows.append(f"<tr><td colspan=8>and {len(found) - _SHOWN} more</td></tr>")
        return "".join(rows) or "<tr><td colspan=8>No WebSocket is open.</td></tr>"

    def _forms(self, one: dict[str, Any]) -> str:
        texts = {"id": "this", "name": "all there", "client": "all of the client"}
        buttons = "".join(
            f'<button name="{what}" value="{html.escape(str(one[what]))}">{texts[what]}</button> '
            for what in _WHAT
        )
        hidden = f'<input type="hidden" name="text" value="{self._text}">'
        return f'<form method="post" action="websockets/close">{hidden}{buttons}</form>'

    # --- closing ------------------------------------------------------------------

    def close(self, request: Request) -> bytes:
        """Close what a POST names; answers with how many."""
        if not _is_same_page(request):
            return _say(request, 403, "another site's page may not do this")
        kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
        content = request.content
        body = b"" if content is None else content.read(_BODY)
        if kind == b"application/json":
            return self._close_json(request, body)
        if kind != b"application/x-www-form-urlencoded":
            return _say(request, 415, "expected application/json")
        given = {
            name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()
        }
        if not hmac.compare_digest(given.get("text", "").encode(), self._text.encode()):
            return _say(request, 403, "this form is from another start: load the page again")
        self._end(given)
        request.setHeader(b"Location", b"../#websockets")
        return _say(request, 303, "closed")

    def _close_json(self, request: Request, body: bytes) -> bytes:
        try:
            given = json.loads(body)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict) or not set(given) <= set(_WHAT) or not given:
            return _say(request, 400, 'expected {"id": …}, {"name": …} or {"client": …}')
        if not all(isinstance(value, str) and value for value in given.values()):
            return _say(request, 400, "expected texts")
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps({"closed": self._end(given)}).encode("ascii")

    def _end(self, given: dict[str, str]) -> int:
        return self._ledger.close(
            name=given.get("id", ""), place=given.get("name", ""), client=given.get("client", "")
        )


class Closing(Resource):
    """Where the POST goes."""

    isLeaf = True

    def __init__(self, close: Callable[[Request], bytes]) -> None:
        """``close`` answers it."""
        super().__init__()
        self._close = close

    def render_POST(self, request: Request) -> bytes:
        """See ``IResource``."""
        return self._close(request)


def _is_same_page(request: Request) -> bool:
    """Whether what browsers say of where a request comes from is this listener, or nothing.

    Where a proxy with TLS stands before it, the Origin is the proxy's: Sec-Fetch-Site, which no
    script can set, says more.
    """
    site = request.getHeader(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    host = request.getHeader(b"host") or b""
    return request.getHeader(b"origin") in {None, b"http://" + host}


def _say(request: Request, status: int, text: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
    return f"{text}\n".encode()


def _row(*cells: tuple[str, object], close: str = "") -> str:
    found = "".join(
        f'<td data-name="{name}">{html.escape(str(value))}</td>' for name, value in cells
    )
    last = f'<td data-name="close">{close}</td>' if close else ""
    return f"<tr>{found}{last}</tr>"


def _both(by_leg: dict[str, int]) -> str:
    return f"{by_leg.get('client', 0):,}, {by_leg.get('upstream', 0):,}"


def _trips(by_leg: dict[str, float]) -> str:
    return ", ".join(f"{leg} {seconds * 1000:.1f} ms" for leg, seconds in by_leg.items())
