"""What somebody else does with an emulated WebSocket: nothing."""

from __future__ import annotations

from io import BytesIO

from gateway.websocket.emulation.frames import message
from gateway.websocket.emulation.request import MARK
from tests.net.emulated import CLOSE, PAGE, RECONNECT, Emulated, EmulatedCase, text
from tests.net.harness import SHOP, WS, host_of
from tests.net.peers import websocket_origin
from tests.net.raw import Origin, reply, until

EVIL = b"https://evil.example"


class TheftTests(EmulatedCase):
    """A stolen URL is useless."""

    async def test_stolen(self) -> None:
        """Another session, none, another origin, none, another host: 404, and the owner goes on."""
        gateway, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        other_page = f"https://{host_of('https://www.site.example')}".encode()
        other_host = host_of("https://www.site.example")
        table = (
            {"cookie": gateway.new_session()},
            {"cookie": None},
            {"cookie": gateway.cookie + b"; " + gateway.new_session()},
            {"origin": EVIL},
            {"origin": b"null"},
            {"origin": None},
            {"origin": other_page},
            {"host": other_host},
        )
        for change in table:
            for number in (8, 9, 10**9):
                connection = await client.up_later(text("x") + RECONNECT, number=number, **change)
                self.assertEqual((await connection.response()).status, 404, (change, number))
                stolen = await client.down(number=number, **change)
                self.assertEqual((await stolen.begun()).status, 404, (change, number))
        self.assertFalse(down.connection.ended)
        self.assertEqual(await client.up(text("mine") + RECONNECT), 200)
        await until(lambda: server.messages)
        self.assertEqual(server.messages, [(b"mine", False)])

    async def test_same_origin_get(self) -> None:
        """A GET without Origin is the page's own if the browser says so, and only for its own."""
        host = f"https://{host_of(WS)}".encode()
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream})
        for origin, wanted in ((host, 200), (PAGE, 404)):
            client = Emulated(gateway, origin=origin)
            target = gateway.with_token("/ws/;e/cbm", WS if origin == host else SHOP)
            created = await client.create(target.partition("?")[2] and "/ws", token=False,
                                          query=target.partition("?")[2])  # fmt: skip
            self.assertEqual(created.status, 201)
            connection = await client.ask(
                client.down_target, b"X-Sequence-No: 8", b"Sec-Fetch-Site: same-origin",
                method=b"GET", body=None, origin=None,
            )  # fmt: skip
            await until(lambda connection=connection: b"\r\n\r\n" in connection.buffer)
            self.assertIn(b"HTTP/1.1 %d " % wanted, connection.buffer)

    async def test_guessed(self) -> None:
        """An id that was never given, one that has ended, parts of two."""
        gateway, client, server = await self.emulated()
        other = Emulated(gateway)
        other.cookie = gateway.cookie
        await other.create()
        mine, theirs = client.up_target.split("."), other.up_target.split(".")
        for target in (
            client.up_target[:-1], client.up_target + "x", ".".join([*mine[:3], *theirs[3:]]),
            ".".join([*mine[:4], theirs[4]]), client.up_target.replace("/ubm/", "/ubm/x"),
        ):  # fmt: skip
            connection = await client.ask(target, b"X-Sequence-No: 8", body=RECONNECT)
            self.assertEqual((await connection.response()).status, 404, target)
        server.drop()
        await until(lambda: gateway.service._handler.emulations.count == 1)
        self.assertEqual(await client.up(RECONNECT), 404)

    async def test_replayed(self) -> None:
        """What was sent once and is sent again, without retry: the connection fails."""
        _, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        self.assertEqual(await client.up(text("pay") + RECONNECT), 200)
        self.assertEqual(await client.up(text("pay") + RECONNECT, number=8), 400)
        await until(lambda: server.ended)
        self.assertEqual(server.messages, [(b"pay", False)])

    async def test_two_at_once(self) -> None:
        """Two upstream requests at once, or two of one number: one fails, and all with it."""
        _, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        server.stop_reading()
        from gateway.websocket.emulation.frames import message

        body = message(b"m" * 65536, binary=True) * 200 + RECONNECT
        first = await client.up_later(body)
        (leg,) = self.made.service._handler.emulations._legs.values()
        await until(lambda: leg._is_held)
        self.assertEqual(await client.up(RECONNECT), 400)
        self.assertEqual((await first.response()).status, 400)
        self.assertEqual(await down.whole(), "close reconnect")


class AdmissionTests(EmulatedCase):
    """Emulation is admitted as everything is, and seen as what it is."""

    async def test_create(self) -> None:
        """No token, another site's, no Origin, a foreign one: nothing is dialled."""
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream})
        for more in (
            {"token": False}, {"origin": EVIL}, {"origin": None}, {"origin": b"null"},
            {"cookie": gateway.new_session()},
        ):  # fmt: skip
            answer = await Emulated(gateway).create(**more)
            self.assertEqual(answer.status, 403, more)
            own = more.get("origin", PAGE) == PAGE
            self.assertEqual(answer.get(b"access-control-allow-origin"), PAGE if own else None)
        self.assertEqual(upstream.peers, [])

    async def test_rates(self) -> None:
        """Each request takes a token of the client's; without one it is a 429, and goes on."""
        rules = "[rates]\nclient-burst = 8\nclient-per-second = 0.01\n"
        upstream = websocket_origin()
        gateway = await self.gateway({WS: upstream}, rules=rules)
        client = Emulated(gateway)
        await client.create()
        down = await client.down()
        await down.begun()
        statuses = []
        for _ in range(8):
            statuses.append(await client.up(text("a") + RECONNECT))
            if statuses[-1] == 429:
                client.up_number -= 1
        self.assertEqual(set(statuses), {200, 429}, statuses)
        self.assertFalse(down.connection.ended)

    async def test_log(self) -> None:
        """Ids are not in the log."""
        gateway, client, _ = await self.emulated()
        down = await client.down()
        await client.up(CLOSE + RECONNECT)
        await down.whole()
        await client.up(RECONNECT, cookie=None)
        await until(lambda: len(gateway.telemetry.accesses) >= 5)
        told = repr(gateway.telemetry.accesses) + repr(gateway.telemetry.events)
        self.assertIn("/ws/;e/ubm", told)
        self.assertNotIn(client.up_target.rpartition("/")[2], told)
        for part in client.up_target.split(".")[2:]:
            self.assertNotIn(part, told)

    async def test_bound(self) -> None:
        """Emulated ones count with the native ones."""
        gateway, _, _ = await self.emulated(websocket_connections=1)
        self.assertEqual((await Emulated(gateway).create()).status, 503)

    async def test_paths(self) -> None:
        """What is not ours goes to the site, whatever its path looks like."""
        site = Origin(reply(b"the site"))
        gateway = await self.gateway({WS: site})
        for target in ("/ws/;e/cbm", "/ws/;e/dbm/x", "/a/;e/other"):
            answer = await gateway.ask(f"{WS}{target}", b"Sec-Fetch-Site: same-origin",
                                       b"Sec-Fetch-Dest: empty", b"Sec-Fetch-Mode: cors")  # fmt: skip
            self.assertEqual((answer.status, answer.body), (200, b"the site"), target)
        self.assertTrue(all(MARK in seen.target for seen in site.requests))

    async def test_preflight(self) -> None:
        """A page of another origin may ask; the site hears nothing of it."""
        site = Origin(reply(b"the site"))
        gateway = await self.gateway({WS: site})
        client = Emulated(gateway)
        asks = (
            b"Access-Control-Request-Method: POST",
            b"Access-Control-Request-Headers: x-sequence-no,x-websocket-version",
        )
        connection = await client.ask(
            "/ws/;e/cbm", *asks, method=b"OPTIONS", body=None, cookie=None
        )
        answer = await connection.response()
        self.assertEqual((answer.status, answer.get(b"access-control-allow-origin")), (204, PAGE))
        for name in (b"content-length", b"transfer-encoding"):
            self.assertIsNone(answer.get(name))
        self.assertEqual(site.requests, [])


class LeftTests(EmulatedCase):
    """Who sends much to a site that is slow, and leaves."""

    async def test_left(self) -> None:
        """What it said waits in its file, counted, and arrives; no memory is taken for it."""
        gateway, client, server = await self.emulated()
        down = await client.down()
        await down.begun()
        server.stop_reading()
        body = message(b"m" * 65_535, binary=True) * 250 + RECONNECT
        connection = await client.up_later(body)
        site = gateway.service.site
        (leg,) = gateway.service._handler.emulations._legs.values()
        await until(lambda: site.spooled == len(body) and leg._is_held)
        source = leg._up._source
        connection.transport.abortConnection()
        await until(lambda: source._let_go is not None)
        self.assertEqual((site.spooled, source.waits), (len(body), True))
        self.assertNotIsInstance(source._content, BytesIO)
        server.read_on()
        await until(lambda: server.received == 250 * 65_535)
        await until(lambda: site.spooled == 0)
        self.assertTrue(source._content.closed)
