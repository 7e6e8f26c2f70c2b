"""Ranges, forwarded fields and limits through a whole gateway; a flood beside other people."""

from __future__ import annotations

from typing import Any

from gateway import events
from tests.net.harness import DOMAIN, SHOP, WS, Gateway, GatewayCase, request
from tests.net.raw import Message, Origin, reply, until
from tests.net.test_websocket import accept, handshake

FETCHED = (b"Sec-Fetch-Dest: empty", b"Sec-Fetch-Mode: cors", b"Sec-Fetch-Site: same-origin")
TRUSTED = 'forwarded-from = ["127.0.0.0/8"]'
RATES = "[rates]\nclient-burst = 20\nclient-per-second = 0.01\n"


def client(address: str) -> bytes:
    """What a balancer says of a client."""
    return b"X-Forwarded-For: " + address.encode()


class AdmissionTests(GatewayCase):
    """Clients are told apart by the field of a balancer that is this test."""

    async def several(
        self, gateway: Gateway, count: int, *fields: bytes, path: str = "/"
    ) -> list[Message]:
        """So many requests of one client, all on one connection."""
        connection = await gateway.connect()
        answers = []
        for _ in range(count):
            connection.write(request(SHOP + path, b"Cookie: " + gateway.cookie, *FETCHED, *fields))
            answers.append(await connection.response())
        connection.transport.abortConnection()
        return answers

    async def test_flood(self) -> None:
        """One client is slowed down; another, a session in another /64, is not."""
        origin = Origin(reply(b"x"))
        gateway = await self.gateway({SHOP: origin}, http=TRUSTED, rules=RATES)
        html = b"Accept: text/html"
        flood, other = client("2001:db8:6:6::1"), client("203.0.113.9")
        answers = await self.several(gateway, 15, flood)
        answers += await self.several(gateway, 25, client("2001:db8:6:6:ffff::2"), html)
        statuses = [one.status for one in answers]
        self.assertEqual(statuses, [200] * 20 + [429] * 20)
        self.assertEqual(len(origin.requests), 20)
        for one in answers[20:]:
            self.assertLessEqual(abs(int(one.get(b"retry-after") or 0) - 100), 1)
            self.assertIn(b"There were too many requests from your network", one.body)
            self.assertIn(b"Wait a little and try again", one.body)
            self.assertNotIn(b"2001:db8", one.body)
            self.assertEqual(one.get(b"cache-control"), b"no-store")
        self.assertEqual([one.status for one in await self.several(gateway, 20, other)], [200] * 20)
        telemetry = gateway.telemetry
        self.assertEqual(telemetry.value("gateway_rate_limited_total", limit="client"), 20)
        limited = [one for one in telemetry.events if one["code"] == events.RATE_LIMITED]
        self.assertEqual(len(limited), 20)
        self.assertTrue(all(one["client"].startswith("2001:db8:6:6:") for one in limited))

    async def test_each_kind(self) -> None:
        """Session and destination have limits of their own; WebSockets meet them too."""
        for rates, title in (
            ("session-burst = 3\nsession-per-second = 0.01\n", b"from this browser"),
            ("destination-burst = 3\ndestination-per-second = 0.01\n", b"This site is asked for"),
        ):
            origin = Origin(reply(b"x"))
            sockets = Origin(accept)
            gateway = await self.gateway(
                {SHOP: origin, WS: sockets}, http=TRUSTED, rules="[rates]\n" + rates
            )
            for number in range(3):
                (answer,) = await self.several(gateway, 1, client(f"203.0.113.{number}"))
                self.assertEqual(answer.status, 200)
            (answer,) = await self.several(gateway, 1, client("203.0.113.77"))
            self.assertEqual(answer.status, 429)
            self.assertIn(title, answer.body)
            shaken = await self.shake(gateway, client("203.0.113.78"))
            self.assertEqual(shaken.status, 429)
            self.assertIsNotNone(shaken.get(b"retry-after"))
            self.assertIn(title, shaken.body)
            self.assertEqual((len(origin.requests), len(sockets.requests)), (3, 0))
            answer = await self.portal(gateway)
            self.assertEqual(answer.status, 200)

    async def shake(self, gateway: Gateway, *fields: bytes) -> Message:
        """A handshake of a page of ours."""
        connection = await gateway.connect()
        connection.write(handshake(gateway.with_token("/ws"), gateway.cookie, *fields))
        return await connection.response()

    async def portal(self, gateway: Gateway, *fields: bytes, host: str = DOMAIN) -> Message:
        """A page of the gateway's own."""
        connection = await gateway.connect()
        lines = (b"GET / HTTP/1.1", b"Host: " + host.encode(), *fields)
        connection.write(b"\r\n".join(lines) + b"\r\n\r\n")
        answer = await connection.response()
        connection.transport.abortConnection()
        return answer

    async def test_ranges(self) -> None:
        """A closed range gets 403 from every host, and the log has the rule with its line."""
        origin, sockets = Origin(reply(b"x")), Origin(accept)
        rules = '[clients]\nallow = ["203.0.113.0/24"]\ndeny = [\n"203.0.113.128/25",\n]\n'
        gateway = await self.gateway({SHOP: origin, WS: sockets}, http=TRUSTED, rules=rules)
        for address, status in (
            ("203.0.113.9", 200), ("::ffff:203.0.113.9", 200), ("203.0.113.200", 403),
            ("198.51.100.1", 403), ("2001:db8::1", 403),
        ):  # fmt: skip
            told = client(address)
            answers: list[Any] = await self.several(gateway, 1, told)
            answers.append(await self.portal(gateway, told))
            answers.append(await self.portal(gateway, told, host=f"www.0.{DOMAIN}"))
            self.assertEqual([one.status for one in answers], [status] * 3, address)
            shaken = await self.shake(gateway, told)
            self.assertEqual(shaken.status, 101 if status == 200 else 403)
        denied = [one for one in gateway.telemetry.events if one["code"] == events.CLIENT_DENIED]
        self.assertEqual(len(denied), 12)
        rule = r"clients.deny '203.0.113.128/25' test.toml:[0-9]+\Z"
        self.assertRegex(denied[0]["rule"], rule)
        self.assertEqual((await self.portal(gateway)).status, 403, "nobody named: the balancer")

    async def test_forwarded(self) -> None:
        """The log has the client; a field that cannot be read leaves the balancer, and is told."""
        origin = Origin(reply(b"x"))
        text = TRUSTED + '\nforwarded-field = "forwarded"'
        gateway = await self.gateway({SHOP: origin}, http=text)
        for fields, address in (
            ((b"Forwarded: for=6.6.6.6, for=203.0.113.9;proto=https",), "203.0.113.9"),
            ((b'Forwarded: for="[2001:db8::7]:4711"', client("6.6.6.6")), "2001:db8::7"),
            ((client("6.6.6.6"),), "127.0.0.1"),
            ((b"Forwarded: for=_hidden",), "127.0.0.1"),
        ):
            count = len(gateway.telemetry.accesses)
            await self.several(gateway, 1, *fields, b"X-Real-IP: 6.6.6.6")
            await until(lambda: len(gateway.telemetry.accesses) > count)
            self.assertEqual(gateway.telemetry.accesses[-1]["client"], address)
            sent = {name.lower() for name, _ in origin.requests[-1].fields}
            self.assertEqual(sent & {b"forwarded", b"x-forwarded-for", b"x-real-ip"}, set())
        told = [one for one in gateway.telemetry.events if one["code"] == events.FORWARDED]
        self.assertEqual(len(told), 1)

    async def test_not_listed(self) -> None:
        """Nobody takes a client's own word for its address."""
        gateway = await self.gateway(
            {SHOP: Origin(reply(b"x"))}, http='forwarded-from = ["10.0.0.0/8"]'
        )
        await self.several(gateway, 1, client("203.0.113.9"))
        await until(lambda: gateway.telemetry.accesses)
        self.assertEqual(gateway.telemetry.accesses[-1]["client"], "127.0.0.1")

    async def test_a_large_page(self) -> None:
        """300 parts at once meet no limit, and ask the store a few times in all."""
        gateway = await self.gateway({SHOP: Origin(reply(b"x"))})
        store = gateway.service.store
        asked: list[bytes] = []
        spend = store.spend

        def counted(key: bytes, *rest: Any) -> Any:
            asked.append(key)
            return spend(key, *rest)

        self.patch(store, "spend", counted)
        lanes = [self.several(gateway, 50, path=f"/{lane}") for lane in range(6)]
        answers = [one for lane in await self.gathered(lanes) for one in lane]
        self.assertEqual([one.status for one in answers], [200] * 300)
        self.assertLessEqual(len(asked), 3 + 6 + 3)

    async def gathered(self, lanes: list[Any]) -> list[list[Message]]:
        """All of them at the same time."""
        return await self.together(*lanes)  # type: ignore[return-value]

    async def test_store_away(self) -> None:
        """A store that does not answer closes the gateway to nobody; one event says so."""
        from twisted.internet.defer import fail

        from gateway.errors import StoreUnavailable

        gateway = await self.gateway({SHOP: Origin(reply(b"x"))}, rules=RATES)
        self.patch(gateway.service.store, "spend", lambda *_: fail(StoreUnavailable("away")))
        answers = [await self.portal(gateway) for _ in range(30)]
        self.assertEqual({one.status for one in answers}, {200})
        self.assertEqual(gateway.telemetry.codes().count(events.RATES_UNSHARED), 1)
