"""Small documents over TLS."""

from __future__ import annotations

from typing import Any

from gateway.errors import GatewayError, UpstreamFault, UpstreamTooLarge
from gateway.net.fetch import Document, Fetcher
from gateway.policy.transport import Transport
from tests.net.harness import GatewayCase, origin_tls
from tests.net.raw import Origin, reply

ID = "https://id.site.example"


class FetchTests(GatewayCase):
    """Through the upstream client of a gateway."""

    async def make(self, answer: Any, **options: Any) -> Fetcher:
        """A fetcher, and an origin with this answer."""
        from twisted.internet import reactor

        self.origin = Origin(answer)
        made = await self.gateway({ID: self.origin}, **options)
        upstream = made.service._upstream
        return Fetcher(reactor, upstream, lambda _: Transport(), limit=1000, seconds=0.5)

    async def test_get_and_post(self) -> None:
        """Status and body; the request is as it should be."""
        fetcher = await self.make(reply(b"hello", status=b"404 No"))
        self.assertEqual(await fetcher.fetch(f"{ID}/a?b=c"), Document(404, b"hello"))
        sent = self.origin.requests[0]
        self.assertEqual(sent.line, b"GET /a?b=c HTTP/1.1")
        self.assertEqual(sent.all(b"host"), [b"id.site.example"])
        fields = ((b"Content-Type", b"text/x"),)
        self.assertEqual((await fetcher.fetch(f"{ID}/", fields, b"body")).status, 404)
        sent = self.origin.requests[1]
        self.assertEqual((sent.line, sent.body), (b"POST / HTTP/1.1", b"body"))
        self.assertEqual(sent.all(b"content-type"), [b"text/x"])

    async def test_bounds(self) -> None:
        """Octets, declared or not, and time."""
        for answer in (reply(b"x" * 1001), reply(b"x" * 1001, length=False)):
            fetcher = await self.make(answer)
            await self.assertFailure(self._fetch(fetcher), UpstreamTooLarge)
        fetcher = await self.make(reply(b"x" * 1000))
        self.assertEqual(len((await fetcher.fetch(f"{ID}/")).body), 1000)
        for late in (None, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx"):
            fetcher = await self.make(lambda _, late=late: late)
            await self.assertFailure(self._fetch(fetcher), UpstreamFault)

    async def test_tls(self) -> None:
        """Plain URLs, unknown authorities and addresses that are closed: nothing is fetched."""
        fetcher = await self.make(reply(b""))
        for url in ("http://id.site.example/", "ftp://id.site.example/", "no url"):
            await self.assertFailure(self._fetch(fetcher, url), UpstreamFault)
        fetcher = await self.make(reply(b""), tls=origin_tls(authority="untrusted"))
        await self.assertFailure(self._fetch(fetcher), UpstreamFault)
        fetcher = await self.make(reply(b""), private=())
        await self.assertFailure(self._fetch(fetcher), GatewayError)
        self.assertEqual(self.origin.requests, [])

    def _fetch(self, fetcher: Fetcher, url: str = f"{ID}/") -> Any:
        from twisted.internet.defer import Deferred

        return Deferred.fromCoroutine(fetcher.fetch(url))
