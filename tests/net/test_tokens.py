"""Pages' tokens through a whole gateway: what a browser is given, and what it must bring back."""

from __future__ import annotations

import io
import json
import re
from typing import Any

from twisted.logger import globalLogPublisher

from gateway import wire
from gateway.ops.log import JsonLines
from gateway.rewrite.parameters import with_parameter
from tests.net.harness import SHOP, WS, Gateway, host_of
from tests.net.peers import SocketCase, websocket_origin
from tests.net.raw import Message, Origin, reply
from tests.net.test_websocket import handshake

FRAME = (b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Site: same-origin")
SCRIPT = (b"Sec-Fetch-Dest: empty", b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Site: same-origin")
PAYLOAD = re.compile(rb'<script type="application/json" id="__gw">([^<]*)</script>')


def _answer(seen: Message) -> bytes:
    if seen.target == b"/moved":
        return reply(b"", b"Location: /form", status=b"307 Moved")
    return reply(b"<p>page", b"Content-Type: text/html")


class TokenTests(SocketCase):
    """A page, its form, its WebSocket, and its questions."""

    async def _begin(self) -> tuple[Gateway, Origin, Any]:
        """A gateway, its origins, and an ear at its log."""
        self.log = io.StringIO()
        observer = JsonLines(self.log)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        origin, socket = Origin(_answer), websocket_origin()
        return await self.gateway({SHOP: origin, WS: socket}), origin, socket

    async def _page(self, gateway: Gateway) -> dict[str, Any]:
        page = await gateway.ask(SHOP, *FRAME)
        matched = PAYLOAD.search(page.body)
        assert matched is not None, page
        found: dict[str, Any] = json.loads(matched[1])
        return found

    async def test_there_and_back(self) -> None:
        """What the page was given lets its form through, also over a redirect, and is renewed."""
        gateway, origin, _ = await self._begin()
        payload = await self._page(gateway)
        for _ in range(2):
            url = with_parameter(f"{SHOP}/moved", wire.TOKEN_PARAMETER, payload["token"])
            moved = await gateway.ask(url, *FRAME, method=b"POST", body=b"a=1")
            location = (moved.get(b"location") or b"").decode()
            self.assertEqual((moved.status, location.partition("=")[0]), (307, "/form?__gw"))
            self.assertNotIn(payload["token"], location)
            done = await gateway.ask(SHOP + location, *FRAME, method=b"POST", body=b"a=1")
            self.assertEqual(done.status, 200)
            seen = [(one.target, one.body) for one in origin.requests[-2:]]
            self.assertEqual(seen, [(b"/moved", b"a=1"), (b"/form", b"a=1")])
            url = with_parameter(SHOP + wire.TOKEN_PATH, wire.TOKEN_PARAMETER, payload["token"])
            fresh = await gateway.ask(url, *SCRIPT)
            self.assertEqual(fresh.status, 200)
            self.assertNotEqual(fresh.body.decode(), payload["token"])
            payload["token"] = fresh.body.decode()
        url = f"{SHOP}{wire.ATTEST_PATH}?c=chall3nge&n={payload['nonce']}"
        answer = await gateway.ask(url, *SCRIPT)
        self.assertEqual((answer.status, len(answer.body)), (200, 43))

    async def test_refused(self) -> None:
        """Without one nothing reaches an origin; the event tells nothing of what was there."""
        gateway, origin, socket = await self._begin()
        token = gateway.with_token("").partition("=")[2]
        for one in ("", f"?__gw={token}A", f"?__gw={token[:-1]}", "?__gw="):
            answer = await gateway.ask(f"{SHOP}/form{one}", method=b"POST", body=b"passw0rd")
            self.assertEqual(answer.status, 403)
            client = await gateway.connect()
            client.write(handshake(f"/{one}", gateway.cookie))
            self.assertEqual((await client.response()).status, 403)
        self.assertEqual((origin.requests, socket.peers), ([], []))
        self.assertEqual(gateway.telemetry.codes().count("csrf.token"), 8)
        for secret in (token[:-1], "passw0rd"):
            self.assertNotIn(secret, self.log.getvalue() + str(gateway.telemetry.events))
        for part in gateway.cookie.split(b"; "):
            self.assertNotIn(part.partition(b"=")[2].decode(), self.log.getvalue())

    async def test_another_session(self) -> None:
        """A page of one session does not act in the jar of another."""
        gateway, origin, socket = await self._begin()
        url = gateway.with_token(f"{SHOP}/form")
        target = gateway.with_token("/")
        gateway.cookie = gateway.new_session()
        answer = await gateway.ask(url, method=b"POST", body=b"login")
        client = await gateway.connect()
        client.write(handshake(target, gateway.cookie))
        self.assertEqual((answer.status, (await client.response()).status), (403, 403))
        self.assertEqual((origin.requests, socket.peers), ([], []))
        self.assertEqual(gateway.telemetry.codes().count("csrf.token"), 2)

    async def test_other_pages(self) -> None:
        """Nor does a page of another origin than the token's."""
        gateway, origin, _ = await self._begin()
        url = gateway.with_token(f"{SHOP}/form")
        for page, status in ((SHOP, 200), (WS, 403)):
            field = f"Origin: https://{host_of(page)}".encode()
            answer = await gateway.ask(url, field, method=b"POST", body=b"")
            self.assertEqual(answer.status, status, page)
        self.assertEqual(len(origin.requests), 1)
