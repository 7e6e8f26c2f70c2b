"""The demo's sites."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from gateway.demo.origins import API, CHAT, SHOP, sites
from tests.ops import Reply, fetch


class SitesTests(TestCase):
    """Each on a free port, without TLS."""

    timeout = 60

    def setUp(self) -> None:
        """Listen."""
        self.ports = {}
        for origin, site in sites(reactor).items():
            port = reactor.listenTCP(0, site, interface="127.0.0.1")
            self.addCleanup(port.stopListening)
            self.ports[origin] = port.getHost().port

    async def _get(self, origin: str, target: str, **more: str) -> Reply:
        return await fetch(self.ports[origin], target, **more)

    async def test_pages(self) -> None:
        """Pages are whole, and their links are of the sites' own names."""
        for origin, target in ((SHOP, "/"), (SHOP, "/about"), (CHAT, "/")):
            reply = await self._get(origin, target)
            self.assertEqual(reply.status, 200)
            self.assertNotIn(b"$", reply.body)
            self.assertNotIn(b".0.", reply.body)

    async def test_visits(self) -> None:
        """The shop counts in an HttpOnly cookie."""
        reply = await self._get(SHOP, "/", Cookie="visits=4")
        self.assertIn(b">5</strong>", reply.body)
        self.assertRegex(reply.get("set-cookie"), r"^visits=5;.*HttpOnly")

    async def test_name(self) -> None:
        """The form's name is kept in a cookie that scripts see, and shown as text."""
        form = b"name=Ann%3B<b>"
        reply = await fetch(
            self.ports[SHOP], "/", method="POST", body=form,
            Content_Type="application/x-www-form-urlencoded",
        )  # fmt: skip
        self.assertEqual((reply.status, reply.get("location")), (303, f"{SHOP}/"))
        cookie = reply.get("set-cookie")
        self.assertTrue(cookie.startswith("name=Ann<b>;"), cookie)
        self.assertNotIn("httponly", cookie.lower())
        reply = await self._get(SHOP, "/", Cookie="name=Ann<b>")
        self.assertIn(b"Ann&lt;b&gt;", reply.body)

    async def test_across(self) -> None:
        """The chat is one redirect away; the API answers to the shop alone."""
        reply = await self._get(SHOP, "/to-chat")
        self.assertEqual((reply.status, reply.get("location")), (302, f"{CHAT}/"))
        reply = await self._get(API, "/time", Origin=SHOP)
        self.assertEqual(reply.get("access-control-allow-origin"), SHOP)
        reply = await self._get(API, "/time", Origin=CHAT)
        self.assertEqual(reply.get("access-control-allow-origin"), "")

    async def test_elsewhere(self) -> None:
        """Other paths are not found."""
        for origin in (SHOP, CHAT, API):
            self.assertEqual((await self._get(origin, "/nothing")).status, 404)
