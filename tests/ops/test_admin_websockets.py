"""The operator's view of WebSockets, over HTTP."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.trial.unittest import TestCase

from gateway.net.ledger import SITE, Ledger, Place
from gateway.net.relay import Relay
from gateway.net.settings import Limits
from gateway.net.telemetry import Silent
from gateway.ops.admin import Admin
from gateway.ops.metrics import Telemetry
from tests.net.test_relay import FakeLeg
from tests.ops import Reply, fetch

NASTY = '<script>alert("1")</script>&\'$facts'
FORM = "application/x-www-form-urlencoded"


class ViewTests(TestCase):
    """The listener with a ledger of fake relays."""

    timeout = 60

    def setUp(self) -> None:
        """Listen."""
        self.ledger = Ledger(lambda: 10, lambda: 0.0)
        admin = Admin(Telemetry(), lambda: succeed(None), dict, sockets=self.ledger)
        listening = reactor.listenTCP(0, admin.site(reactor), interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.port = listening.getHost().port

    def open(self, name: str, place: str = "https://a.test", client: str = "10.0.0.1") -> FakeLeg:
        """A relay; its client's leg."""
        leg = FakeLeg()
        relay = Relay(leg, FakeLeg(), Limits(), reactor, Silent(), lambda _: None)
        self.ledger.opened(name, relay, Place(SITE, place), client, "mqtt")
        return leg

    async def post(self, body: str, kind: str = "application/json", **fields: str) -> Reply:
        """Ask for a close."""
        fields = {"content_type": kind, **fields}
        target = "/websockets/close"
        return await fetch(self.port, target, method="POST", body=body.encode(), **fields)

    async def text(self) -> str:
        """What only the page's own form has."""
        page = (await fetch(self.port, "/")).body.decode()
        found = re.search(r'name="text" value="([0-9a-f]{32})"', page)
        assert found is not None
        return found[1]

    async def test_json(self) -> None:
        """Both lists, as the ledger has them."""
        for target in ("/websockets", "/websockets/"):
            self.open("1")
            reply = await fetch(self.port, target)
            self.assertEqual(reply.get("content-type"), "application/json")
            found = json.loads(reply.body)
            self.assertEqual(found["connections"], self.ledger.shown())
            self.assertEqual(found["places"], self.ledger.shown_places())

    async def test_page(self) -> None:
        """What is open is on the page, as text; and that there is none."""
        page = (await fetch(self.port, "/")).body
        self.assertIn(b"No WebSocket is open.", page)
        self.assertIn(b"There was no WebSocket since the start.", page)
        self.open("1", NASTY, NASTY)
        self.ledger.refused(Place(SITE, NASTY), NASTY)
        page = (await fetch(self.port, "/")).body
        self.assertNotIn(b"<script", page)
        self.assertIn(b"mqtt", page)
        for number in range(250):
            self.open(str(number))
        page = (await fetch(self.port, "/")).body
        self.assertIn(b"and 51 more", page)

    async def test_close(self) -> None:
        """One, all to a place, all of a client, by a program."""
        legs = [
            self.open("1"),
            self.open("2"),
            self.open("3", "https://b.test"),
            self.open("4", "https://c.test", "10.0.0.2"),
        ]
        for asked, closed in (
            ({"id": "1"}, 1),
            ({"id": "1"}, 0),
            ({"name": "https://a.test"}, 1),
            ({"client": "10.0.0.2"}, 1),
        ):
            reply = await self.post(json.dumps(asked))
            self.assertEqual((reply.status, json.loads(reply.body)), (200, {"closed": closed}))
        self.assertEqual([len(leg.endings) for leg in legs], [1, 1, 0, 1])

    async def test_form(self) -> None:
        """The page's own form closes, and leads back to the page."""
        leg = self.open("1")
        body = urlencode({"text": await self.text(), "id": "1"})
        origin = "http://localhost"
        reply = await self.post(body, FORM, origin=origin, sec_fetch_site="same-origin")
        self.assertEqual((reply.status, reply.get("location")), (303, "../#websockets"))
        self.assertEqual([one.code for one in leg.endings], [1008])

    async def test_form_by_a_proxy(self) -> None:
        """Behind a proxy that ends TLS the browser's word counts, not the Origin's scheme."""
        leg = self.open("1")
        body = urlencode({"text": await self.text(), "id": "1"})
        origin = "https://admin.example"
        self.assertEqual((await self.post(body, FORM, origin=origin)).status, 403)
        reply = await self.post(body, FORM, origin=origin, sec_fetch_site="same-origin")
        self.assertEqual((reply.status, len(leg.endings)), (303, 1))

    async def test_other_sites(self) -> None:
        """No page of another site closes anything, whatever it sends."""
        leg = self.open("1")
        text = await self.text()
        right = urlencode({"text": text, "id": "1"})
        said = json.dumps({"id": "1"})
        for status, body, kind, fields in (
            (403, right, FORM, {"origin": "https://evil.example"}),
            (403, right, FORM, {"origin": "null"}),
            (403, right, FORM, {"sec_fetch_site": "cross-site"}),
            (403, right, FORM, {"sec_fetch_site": "same-site"}),
            (403, right, FORM, {"sec_fetch_site": "none"}),
            (403, said, "application/json", {"origin": "https://evil.example"}),
            (403, urlencode({"id": "1"}), FORM, {}),
            (403, urlencode({"id": "1", "text": "0" * 32}), FORM, {}),
            (415, said, "text/plain", {}),
            (415, said, "", {}),
        ):
            reply = await self.post(body, kind, **fields)
            self.assertEqual(reply.status, status, (kind, fields))
        rebound = await fetch(
            self.port, "/websockets/close", "evil.example", method="POST", body=said.encode(),
            content_type="application/json",
        )  # fmt: skip
        self.assertEqual(rebound.status, 421)
        self.assertEqual(leg.endings, [])
        asked = await fetch(self.port, "/websockets/close", method="OPTIONS")
        self.assertNotIn("access-control-allow-origin", dict(asked.fields))

    async def test_nonsense(self) -> None:
        """What names nothing closes nothing."""
        leg = self.open("1")
        for body in ("", "[]", "{}", '{"id": 1}', '{"id": ""}', '{"path": "1"}', "{", '"1"',
                     '{"id": "1", "x": "2"}', "\xff", '{"id": "' + "1" * 5000 + '"}', "[" * 4000):  # fmt: skip
            self.assertEqual((await self.post(body)).status, 400, body[:20])
        self.assertEqual(leg.endings, [])
        self.assertEqual((await fetch(self.port, "/websockets/close")).status, 405)
