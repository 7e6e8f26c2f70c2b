"""A whole gateway with a domain apart: its two steps, its pages, and what it logs of them."""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred, gatherResults

from gateway import events, wire
from tests.net.harness import DOMAIN, SHOP, Gateway, GatewayCase
from tests.net.raw import Message, Origin, reply

APART = "i.test"
SECURE, SETTLE = f"www.0.{DOMAIN}", f"www.0.{APART}"
FAR_SHOP = f"https-shop-site-example.0.{APART}"
HTML = b'<!doctype html><title>x</title><a href="https://chat.site.example/a">chat</a>'
FRAME = (b"Sec-Fetch-Dest: iframe", b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Site: cross-site")


class ApartTests(GatewayCase):
    """Octets in, octets out."""

    async def _ask(
        self, gateway: Gateway, host: str, target: str, *fields: bytes, body: bytes | None = None
    ) -> Message:
        connection = await gateway.connect()
        method = b"GET" if body is None else b"POST"
        lines = [method + b" " + target.encode() + b" HTTP/1.1", b"Host: " + host.encode(), *fields]
        if body is not None:
            lines += [b"Content-Length: %d" % len(body), b"Origin: https://" + host.encode()]
        connection.write(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))
        answer = await connection.response()
        connection.transport.abortConnection()
        await connection.closed()
        return answer

    async def test_session(self) -> None:
        """Of two connections that bring one offer, one gets the session; it opens the jar."""
        origin = Origin(
            lambda seen: reply(HTML, b"Content-Type: text/html", b"Set-Cookie: a=b; Path=/")
        )
        gateway = await self.gateway({SHOP: origin}, apart=APART)
        offer = await self._ask(gateway, SECURE, wire.BOOTSTRAP_PATH, body=b'{"apart": true}')
        self.assertEqual((offer.status, offer.get(b"cache-control")), (200, b"no-store"))
        answers = await gatherResults(
            [
                Deferred.fromCoroutine(
                    self._ask(gateway, SETTLE, wire.SETTLE_PATH, body=offer.body)
                )
                for _ in range(2)
            ]
        )
        self.assertEqual(sorted(answer.status for answer in answers), [200, 409])
        (given,) = [answer for answer in answers if answer.status == 200]
        (refused,) = [answer for answer in answers if answer.status == 409]
        self.assertEqual(refused.all(b"set-cookie"), [])
        cookie = b"; ".join(one.partition(b";")[0] for one in given.all(b"set-cookie"))
        self.assertEqual(gateway.telemetry.codes().count(events.SESSION_SETTLE), 1)

        fields = (b"Referer: https://" + SECURE.encode() + b"/", b"Cookie: " + cookie, *FRAME)
        for wanted in (None, b"a=b"):
            page = await self._ask(gateway, FAR_SHOP, "/p", *fields)
            self.assertEqual(page.status, 200)
            self.assertEqual(origin.requests[-1].get(b"cookie"), wanted)
        self.assertIn(f"https://https-chat-site-example.0.{APART}/a".encode(), page.body)
        self.assertIn(f'"suffix": ".0.{APART}"'.encode().replace(b": ", b":"), page.body)
        policies = b" ".join(page.all(b"content-security-policy"))
        self.assertIn(f"https://*.0.{APART}".encode(), policies)
        self.assertNotIn(f"*.0.{DOMAIN}".encode(), policies + page.body)

        secrets = [*json.loads(offer.body).values()][1:]
        secrets += [one.partition(b"=")[2].decode() for one in cookie.split(b"; ")]
        secrets += [
            one.partition(b";")[0].partition(b"=")[2].decode() for one in offer.all(b"set-cookie")
        ]
        told = repr(gateway.telemetry.events) + repr(gateway.telemetry.accesses)
        self.assertEqual(len(secrets), 6)
        for secret in secrets:
            self.assertNotIn(secret, told)

    async def test_page(self) -> None:
        """The settle page is served there and on no other host."""
        gateway = await self.gateway(apart=APART)
        page = await self._ask(gateway, SETTLE, wire.SETTLE_PATH)
        self.assertEqual(
            (page.status, page.get(b"content-type")), (200, b"text/html; charset=utf-8")
        )
        self.assertIn(
            b"frame-ancestors https://" + SECURE.encode() + b";",
            page.all(b"content-security-policy")[0],
        )
        for host in (SECURE, DOMAIN, FAR_SHOP, APART):
            answer = await self._ask(gateway, host, wire.SETTLE_PATH)
            self.assertIn(answer.status, {404, 421}, host)

    async def test_outside_the_frame(self) -> None:
        """A page of the domain apart that stands alone goes into the one outer frame."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))}, apart=APART)
        answer = await self._ask(gateway, FAR_SHOP, "/p?q", b"Sec-Fetch-Dest: document")
        self.assertEqual(answer.status, 302)
        self.assertEqual(answer.get(b"location"), f"https://{SECURE}/#{SHOP}/p?q".encode())
