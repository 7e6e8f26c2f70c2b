"""The gateway's own pages over the wire: their language, the way back, forget me."""

from __future__ import annotations

import json

from gateway import wire
from gateway.ops import keyfile
from gateway.session.reading import read_session
from tests.net.harness import DOMAIN, SHOP, Gateway, GatewayCase
from tests.net.raw import Message, Origin, reply

SECURE = f"www.0.{DOMAIN}"
OWN = b"Sec-Fetch-Site: same-origin"


async def ask(
    gateway: Gateway,
    host: str,
    path: str,
    *fields: bytes,
    method: bytes = b"GET",
    body: bytes = b"",
) -> Message:
    """One request to a host of the gateway's own."""
    connection = await gateway.connect()
    lines = [
        method + b" " + path.encode() + b" HTTP/1.1",
        b"Host: " + host.encode(),
        b"Content-Length: %d" % len(body),
        *fields,
    ]
    connection.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    answer = await connection.response()
    connection.transport.abortConnection()
    await connection.closed()
    return answer


class LanguageTests(GatewayCase):
    """Accept-Language, as browsers send it."""

    async def test_pages(self) -> None:
        """The page is in the reader's language, and caches are told."""
        gateway = await self.gateway()
        for field, language, said in (
            (b"da-DK,da;q=0.9,en;q=0.8", b"da", "Hvor vil du hen?"),
            (b"fr", b"en", "Where would you like to go?"),
            (b"\xff\xfe, ar", b"ar", "إلى أين تريد الذهاب؟"),
        ):
            answer = await ask(gateway, DOMAIN, "/", b"Accept-Language: " + field)
            self.assertEqual(answer.get(b"content-language"), language)
            self.assertEqual(answer.get(b"vary"), b"Accept-Language, Accept-Encoding")
            self.assertIn(said, answer.body.decode())

    async def test_settings(self) -> None:
        """On the secure host, without a session."""
        gateway = await self.gateway()
        answer = await ask(gateway, SECURE, wire.SETTINGS_PATH, b"Accept-Language: es")
        self.assertEqual(answer.status, 200)
        self.assertIn("Olvídame", answer.body.decode())

    async def test_refusals(self) -> None:
        """An Oops page in that language; inside a frame it has no link that leads nowhere."""
        gateway = await self.gateway()
        fields = (b"Accept: text/html", b"Accept-Language: es")
        for destination, framed in ((b"iframe", True), (b"frame", True), (b"document", False)):
            answer = await ask(
                gateway, DOMAIN, "/nothing", *fields, b"Sec-Fetch-Dest: " + destination
            )
            self.assertEqual((answer.status, answer.get(b"content-language")), (404, b"es"))
            self.assertIn("No existe esa página", answer.body.decode())
            self.assertEqual(b'<a class="button"' not in answer.body, framed)
            self.assertNotIn(b"hidden", answer.body, "text browsers would show it")


class ForgetTests(GatewayCase):
    """The jar of a real store."""

    async def test_rows_are_gone(self) -> None:
        """A site's cookies are in the store, then gone; another person's stay."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x", b"Set-Cookie: a=b; Path=/"))})
        keys = keyfile.load_or_create(gateway.service.config.key_file)
        store = gateway.service.store
        mine, theirs = gateway.cookie, gateway.new_session()
        owners = []
        for cookie in (theirs, mine):
            gateway.cookie = cookie
            await gateway.ask(SHOP + "/", OWN)
            session = read_session([cookie], keys).session
            assert session is not None
            owners.append(session.user_keys(keys).owner)
            (bucket,) = (await store.owned(owners[-1])).values()
            self.assertEqual(len(bucket.rows), 1)
        origin = b"Origin: https://" + SECURE.encode()
        answer = await ask(
            gateway, SECURE, wire.FORGET_PATH, b"Cookie: " + mine, origin + b".evil", method=b"POST"
        )
        self.assertEqual(answer.status, 403)
        self.assertTrue(any(rows.rows for rows in (await store.owned(owners[1])).values()))
        answer = await ask(
            gateway,
            SECURE,
            wire.FORGET_PATH,
            b"Cookie: " + mine,
            origin,
            b"Content-Type: application/json",
            method=b"POST",
            body=b"{}",
        )
        self.assertEqual(json.loads(answer.body), {"ok": True, "erased": True})
        self.assertFalse(any(rows.rows for rows in (await store.owned(owners[1])).values()))
        self.assertTrue(any(rows.rows for rows in (await store.owned(owners[0])).values()))
