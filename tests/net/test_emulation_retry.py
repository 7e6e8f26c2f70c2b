"""A request or an answer that is lost: asked again, nothing is lost and nothing comes twice."""

from __future__ import annotations

from gateway.websocket.emulation.frames import message
from tests.net.emulated import ALL, CLOSE, RECONNECT, Down, Emulated, EmulatedCase, text
from tests.net.raw import Connection, until

RETRY = b"X-WebSocket-Extensions: " + ALL


class RetryTests(EmulatedCase):
    """Over real connections that break."""

    async def test_lost_response(self) -> None:
        """A stream that breaks goes on from any octet; the site notices nothing."""
        for poll in ("", ".ki=p"):
            _, client, server = await self.emulated(RETRY)
            down = await client.down()
            for number in range(5):
                server.sendMessage(b"%d" % number * 50, True)
            await until(lambda down=down: len(down.payloads) == 5)
            whole = down.octets
            down.abort()
            for number in range(5, 8):
                server.sendMessage(b"%d" % number * 50, True)
            query = f".gwr=120&{poll}"
            again = await client.down(query, number=client.down_number)
            await until(lambda again=again, w=whole: len(again.octets) >= 8 * 52 - 120)
            octets = whole[:120] + again.octets
            payloads = [octets[at + 2 : at + 52] for at in range(0, 8 * 52, 52)]
            self.assertEqual(payloads, [b"%d" % number * 50 for number in range(8)])
            if poll:
                self.assertTrue(again.octets.endswith(RECONNECT))
            self.assertIsNone(server.ended)

    async def test_response_still_open(self) -> None:
        """Asked again while the gateway thinks that the old one is open: that is cut."""
        _, client, server = await self.emulated(RETRY)
        down = await client.down()
        server.sendMessage(b"1", True)
        await until(lambda: down.payloads)
        again = await client.down(".gwr=3", number=client.down_number)
        await until(lambda: down.connection.ended)
        self.assertFalse(down.is_whole)
        server.sendMessage(b"2", True)
        await until(lambda: again.payloads)
        self.assertEqual(again.payloads, [b"2"])

    async def test_lost_poll(self) -> None:
        """A whole long-poll's answer that was lost is the same again, until the next number."""
        _, client, server = await self.emulated(RETRY)
        server.sendMessage(b"1", True)
        down = await client.down(".ki=p")
        await down.whole()
        server.sendMessage(b"2", True)
        again = await client.down(".ki=p", number=client.down_number)
        await again.whole()
        self.assertEqual(again.octets, down.octets)
        following = await client.down(".ki=p")
        await following.whole()
        self.assertEqual(following.payloads, [b"2"])
        stale = await client.down(".ki=p", number=client.down_number - 1)
        self.assertEqual((await stale.begun()).status, 400)

    async def test_waiting_poll(self) -> None:
        """A long-poll that is lost before it was answered, as a stream next."""
        _, client, server = await self.emulated(RETRY)
        down = await client.down(".ki=p")
        leg = self.leg()
        await until(lambda: leg._response is not None)
        down.abort()
        await until(lambda: leg._response is None)
        again = await client.down(number=client.down_number)
        server.sendMessage(b"1", True)
        await until(lambda: again.payloads)
        self.assertEqual(again.payloads, [b"1"])

    def leg(self) -> object:
        """The one leg there is."""
        (leg,) = self.made.service._handler.emulations._legs.values()
        return leg

    async def test_lost_request(self) -> None:
        """An upstream request twice is applied once, answered both times."""
        _, client, server = await self.emulated(RETRY)
        down = await client.down()
        await down.begun()
        for _ in range(3):
            self.assertEqual(await client.up(text("once") + RECONNECT, number=8), 200)
        self.assertEqual(await client.up(text("then") + RECONNECT, number=9), 200)
        await until(lambda: len(server.messages) >= 2)
        self.assertEqual(server.messages, [(b"once", False), (b"then", False)])
        self.assertEqual(await client.up(text("x") + RECONNECT, number=8), 400)

    async def test_request_in_flight(self) -> None:
        """One that is held back is answered to who asks again, when it is applied."""
        _, client, server = await self.emulated(RETRY)
        down = await client.down()
        await down.begun()
        server.stop_reading()
        body = message(b"m" * 65536, binary=True) * 200 + RECONNECT
        first = await client.up_later(body)
        await until(lambda: self.leg()._is_held)
        first.transport.abortConnection()
        await until(lambda: not self.leg()._up._waiting)  # the first one is known to be gone
        again = await client.up_later(body, number=client.up_number)
        await until(lambda: self.leg()._up._waiting)
        self.assertEqual(again.buffer, b"")
        server.read_on()
        self.assertEqual((await again.response()).status, 200)
        await until(lambda: server.received == 200 * 65536)
        self.assertEqual(await client.up(CLOSE + RECONNECT), 200)
        await until(lambda: server.ended)
        self.assertEqual(server.received, 200 * 65536)

    async def test_broken_request(self) -> None:
        """What came of one that broke off is with the site, and comes once, however often it is sent."""
        _, client, server = await self.emulated(RETRY)
        down = await client.down()
        await down.begun()
        body = text("one") + text("two") + text("three") + RECONNECT
        for part, messages in ((7, 1), (12, 2), (3, 2)):
            broken = await self.begins(client, body[:part], len(body))
            await until(lambda part=part: self.arrived() == part)
            broken.transport.abortConnection()
            await until(lambda: self.arrived() < 0)
            await until(lambda messages=messages: len(server.messages) == messages)
        self.assertEqual(await client.up(text("x") + RECONNECT, number=8), 400)
        self.assertEqual(server.messages, [(b"one", False), (b"two", False)])
        await until(lambda: server.ended)
        _, client, server = await self.emulated(RETRY)
        for part in (7, 12):
            broken = await self.begins(client, body[:part], len(body))
            await until(lambda part=part: self.arrived() == part)
            broken.transport.abortConnection()
            await until(lambda: self.arrived() < 0)
        self.assertEqual(await client.up(body, number=8), 200)
        self.assertEqual(await client.up(text("four") + RECONNECT, number=9), 200)
        await until(lambda: len(server.messages) == 4)
        self.assertEqual([one for one, _ in server.messages], [b"one", b"two", b"three", b"four"])

    async def test_unnoticed(self) -> None:
        """One that is given up, but not known to be lost, gives way to its repetition."""
        _, client, server = await self.emulated(RETRY)
        body = text("one") + text("two") + RECONNECT
        silent = await self.begins(client, body[:7], len(body))
        await until(lambda: server.messages)
        self.assertEqual(await client.up(body, number=8), 200)
        silent.write(body[7:])
        self.assertEqual((await silent.response()).status, 200)
        self.assertEqual(await client.up(RECONNECT, number=9), 200)
        await until(lambda: len(server.messages) > 1)
        self.assertEqual(server.messages, [(b"one", False), (b"two", False)])

    def arrived(self) -> int:
        """How much of the request in flight is there."""
        source = self.leg()._up._source
        return -1 if source is None or source.is_lost else source.size

    async def begins(self, client: Emulated, part: bytes, size: int) -> Connection:
        """A request of which so much comes."""
        fields = (b"X-Sequence-No: 8", b"Content-Length: %d" % size)
        connection = await client.ask(client.up_target, *fields, body=None)
        connection.write(part)
        return connection

    async def test_too_late(self) -> None:
        """After its time the connection is gone."""
        _, client, server = await self.emulated(
            RETRY, emulation_retry_seconds=0.1, emulation_gap_seconds=0.1
        )
        down = await client.down()
        await down.begun()
        down.abort()
        await until(lambda: server.ended)
        again = await client.down(number=client.down_number)
        self.assertEqual((await again.begun()).status, 404)

    async def test_large(self) -> None:
        """Responses end before they are too large to keep; one larger message is not kept."""
        _, client, server = await self.emulated(RETRY, emulation_retry_bytes=1000)
        for size in (300, 300, 300, 300, 5000):
            server.sendMessage(b"m" * size, True)
        down = await client.down()
        self.assertEqual(await down.whole(), "binary binary binary reconnect")
        down = await client.down()
        self.assertEqual(await down.whole(), "binary reconnect")
        down = await client.down()
        self.assertEqual(await down.whole(), "binary reconnect")
        again = await client.down(number=client.down_number)
        self.assertEqual((await again.begun()).status, 404)
        await until(lambda: server.ended)

    async def test_the_end_again(self) -> None:
        """The response that carried CLOSE can be asked for again, too."""
        _, client, server = await self.emulated(RETRY)
        down = await client.down()
        server.close(4000, b"x")
        await down.whole()
        again = await client.down(number=client.down_number)
        await again.whole()
        self.assertEqual(again.octets, down.octets)
        self.assertIn("close", again.kinds)

    async def test_many_losses(self) -> None:
        """Every second connection breaks in both directions: all messages, each once, in order."""
        _, client, _ = await self.emulated(RETRY, options={"echoes": True})
        number = client.down_number + 1
        down = Down((await client.down("", number=number)).connection)
        have = b""
        for turn in range(30):
            body = text(f"{turn:02}") + RECONNECT
            client.up_number += 1
            request = await client.up_later(body, number=client.up_number)
            if turn % 2:
                request.transport.abortConnection()
                self.assertEqual(await client.up(body, number=client.up_number), 200)
            else:
                self.assertEqual((await request.response()).status, 200)
            if turn % 3 == 0:
                have += down.octets
                down.abort()
                down = await client.down(f".gwr={len(have)}", number=number)
        await until(lambda: len(have + down.octets) >= 30 * 4)
        seen = have + down.octets
        self.assertEqual(seen, b"".join(text(f"{turn:02}") for turn in range(30)))
