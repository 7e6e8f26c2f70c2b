"""Scripts' cookies through a whole gateway and its store."""

from __future__ import annotations

import json
from urllib.parse import quote

from gateway import wire
from tests.net.harness import SHOP, Gateway, GatewayCase
from tests.net.raw import Message, Origin, reply, until

OWN = b"Sec-Fetch-Site: same-origin"


class ScriptCookieTests(GatewayCase):
    """Carriers of several requests at once, on a real store."""

    async def _carrier(self, gateway: Gateway, number: int, text: str) -> bytes:
        answer = await gateway.ask(f"{SHOP}{wire.COOKIES_PATH}", OWN)
        token = json.loads(answer.body)["write"][SHOP.partition("://")[2]]
        value = f"{token}.{quote(text, safe='')}".encode()
        return wire.CARRIER_PREFIX + b"%d=" % number + value

    async def test_parallel(self) -> None:
        """One carrier with eight requests: each takes it along, and what came after it stays."""
        waiting: list[Message] = []

        def answer(seen: Message) -> bytes | None:
            if seen.target == b"/":
                return reply(b"")
            waiting.append(seen)
            return None

        origin = Origin(answer)
        gateway = await self.gateway({SHOP: origin})
        plain = gateway.cookie
        gateway.cookie += b"; " + await self._carrier(gateway, 5, "a=1; Path=/")
        asked = self.together(*(gateway.ask(f"{SHOP}/{at}", OWN) for at in range(8)))
        await until(lambda: len(waiting) == 8)
        self.assertEqual([seen.all(b"cookie") for seen in waiting], [[b"a=1"]] * 8)
        waiting[0].connection.write(reply(b"", b"Set-Cookie: a=2; Path=/"))
        for seen in waiting[1:]:
            seen.connection.write(reply(b""))
        for told in await asked:
            self.assertEqual(told.status, 200)
            fields = told.all(b"set-cookie")
            self.assertEqual(sum(one.startswith(wire.CARRIER_PREFIX) for one in fields), 1)
            self.assertEqual(sum(one.startswith(wire.SYNC_PREFIX) for one in fields), 1)
        await gateway.ask(f"{SHOP}/", OWN)
        gateway.cookie = plain
        await gateway.ask(f"{SHOP}/", OWN)
        self.assertEqual([seen.get(b"cookie") for seen in origin.requests[-2:]], [b"a=2"] * 2)

    async def test_flush(self) -> None:
        """Lines of a body; of one that is too large nothing is taken."""
        origin = Origin(reply(b""))
        gateway = await self.gateway({SHOP: origin})
        made = await self._carrier(gateway, 5, "a=1; Path=/")
        token, _, text = made.partition(b"=")[2].partition(b".")
        url = f"{SHOP}{wire.COOKIES_PATH}"
        answer = await gateway.ask(url, OWN, method=b"POST", body=b"6 %s %s\n" % (token, text))
        self.assertEqual([row[:2] for row in json.loads(answer.body)["cookies"]], [["a", "1"]])
        large = b"7 %s %s\n" % (token, text.replace(b"1", b"2")) + b"x" * 20_000
        refused = await gateway.ask(url, OWN, method=b"POST", body=large)
        self.assertEqual(refused.status, 413)
        self.assertIn(b"What was sent is too large", refused.body)
        answer = await gateway.ask(url, OWN)
        self.assertEqual([row[:2] for row in json.loads(answer.body)["cookies"]], [["a", "1"]])
        self.assertEqual(origin.requests, [])
