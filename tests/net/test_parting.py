"""A leg whose peer takes its time to go, or never does: the other side need not wait for it."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.net.frames import PING, TEXT, RawCase, RawSocket, closing, frame, raw_origin
from tests.net.harness import WS
from tests.net.raw import until

PATIENT = 30
"""Seconds for a peer to go; no test waits for them."""


class PartingTests(RawCase):
    """Octets by hand at both ends."""

    timeout = 100

    async def test_told_at_once(self) -> None:
        """A close, or a broken frame, is told to the other side before the one that sent it is gone."""
        origin = raw_origin()
        gateway = await self.gateway({WS: origin}, websocket_close_seconds=PATIENT)
        for by_client in (True, False):
            for sent, code in ((closing(4000, masked=by_client), 4000), (b"\xff\0", 1002)):
                client, server = await self.raw_pair(gateway, origin)
                client.answers_close = server.answers_close = False
                leaving, other = (client, server) if by_client else (server, client)
                leaving.write(sent)
                await until(lambda: leaving.told and other.told)
                self.assertEqual((leaving.told, other.told), (code, code), by_client)

    async def test_peers_that_stay(self) -> None:
        """Who neither answers, reads nor goes is cut, and its place is free again."""
        origin = raw_origin()
        gateway = await self.gateway({WS: origin}, websocket_close_seconds=1)
        for by_client in (True, False):
            for sent in (closing(1000, masked=by_client), b"\xff\0"):
                client, server = await self.raw_pair(gateway, origin)
                client.answers_close = server.answers_close = False
                leaving = client if by_client else server
                leaving.transport.pauseProducing()
                leaving.write(sent)
                await until(lambda: gateway.service.sockets.count == 0, 5)
                self.assertEqual(gateway.telemetry.value("gateway_connections"), 0)

    async def test_ends_in_order(self) -> None:
        """To a browser a closing handshake is clean if its connection then ends as TCP has it.

        And who vanishes takes nothing along that was sent before.
        """
        origin = raw_origin()
        gateway = await self.gateway({WS: origin}, websocket_close_seconds=PATIENT)
        for vanishes in (False, True):
            client, server = await self.raw_pair(gateway, origin)
            lost: list[Failure] = []
            whole = client.connectionLost

            def gone(reason: Failure, whole=whole, lost=lost) -> None:
                lost.append(reason)
                whole(reason)

            client.connectionLost = gone  # type: ignore[method-assign]
            server.write(frame(TEXT, b"last"))
            if vanishes:
                server.transport.loseConnection()
            else:
                server.write(closing(4000))
            await until(lambda client=client: client.ended)
            self.assertEqual(client.messages, [b"last"])
            self.assertEqual(client.told, "dropped" if vanishes else 4000)
            self.assertIsNotNone(lost[0].check(ConnectionDone), str(lost[0]))

    async def test_nothing_after_a_close(self) -> None:
        """Messages behind a close frame, in the same write or later, reach nobody."""
        origin = raw_origin()
        gateway = await self.gateway({WS: origin}, websocket_close_seconds=1)
        for by_client in (True, False):
            for sent, code in ((closing(3000, masked=by_client), 3000), (b"\xff\0", 1002)):
                client, server = await self.raw_pair(gateway, origin)
                leaving, other = (client, server) if by_client else (server, client)
                late = frame(TEXT, b"late", masked=by_client)
                leaving.write(frame(TEXT, b"in time", masked=by_client) + sent + late)
                leaving.write(late)
                await until(lambda: client.ended and server.ended)
                self.assertEqual((other.messages, other.told), ([b"in time"], code), by_client)

    async def test_last_words(self) -> None:
        """What the other side answers to what came before arrives before the connection ends.

        And a closing handshake ends with the code that the other side answers it with.
        """
        origin = raw_origin()
        gateway = await self.gateway(
            {WS: origin}, websocket_close_seconds=PATIENT, websocket_farewell_seconds=PATIENT
        )
        fault = b"\xff\0"
        for by_client in (True, False):
            for answer, told in ((4001, 4001), (None, 0), ("vanishes", "dropped")):
                for sent in (closing(4000, masked=by_client), fault):
                    client, server = await self.raw_pair(gateway, origin)
                    leaving, other = (client, server) if by_client else (server, client)
                    other.answers_close = False
                    leaving.write(frame(TEXT, b"question", masked=by_client) + sent)
                    await until(lambda other=other: other.told)
                    self.assertEqual(other.messages, [b"question"])
                    self.assertIsNone(leaving.told)
                    other.write(frame(TEXT, b"answer", masked=not by_client))
                    if answer == "vanishes":
                        other.transport.loseConnection()
                    else:
                        other.write(closing(answer, masked=not by_client))
                    await until(lambda leaving=leaving: leaving.told is not None)
                    self.assertEqual(leaving.messages, [b"answer"], (by_client, answer))
                    expected = 1002 if sent is fault else told
                    self.assertEqual(leaving.told, expected, (by_client, answer, sent))
                    await self._gone(client, server)
                    await until(lambda: gateway.service.sockets.count == 0)

    async def test_no_last_words_for_who_does_not_read(self) -> None:
        """They would be kept without end: of who has not taken what was said, no more is kept."""
        origin = raw_origin()
        gateway = await self.gateway(
            {WS: origin}, websocket_close_seconds=PATIENT, websocket_farewell_seconds=PATIENT
        )
        for by_client in (True, False):
            client, server = await self.raw_pair(gateway, origin)
            leaving, other = (client, server) if by_client else (server, client)
            other.answers_close = False
            (relay,) = gateway.service.sockets._relays
            (leg,) = (one for one, name in relay._names.items() if (name == "client") is by_client)
            leg.pauseProducing()  # as its transport says when it is full  # type: ignore[attr-defined]
            leaving.write(closing(4000, masked=by_client))
            await until(lambda leaving=leaving: leaving.told)
            before = len(leaving.messages)
            other.write(frame(TEXT, b"x" * 60000, masked=not by_client) * 9)
            other.write(closing(4001, masked=not by_client))
            await self._gone(client, server)
            self.assertEqual((leaving.told, len(leaving.messages)), (4000, before))
            await until(lambda: gateway.service.sockets.count == 0)

    async def test_farewell_is_bounded(self) -> None:
        """Where nothing is answered the leg ends as its peer wished, after its time or at once."""
        for seconds in (1, 0):
            origin = raw_origin()
            gateway = await self.gateway(
                {WS: origin}, websocket_close_seconds=PATIENT, websocket_farewell_seconds=seconds
            )
            for by_client in (True, False):
                for sent, code in ((closing(4000, masked=by_client), 4000), (b"\xff\0", 1002)):
                    client, server = await self.raw_pair(gateway, origin)
                    leaving, other = (client, server) if by_client else (server, client)
                    other.answers_close = False
                    leaving.write(sent + frame(TEXT, b"late", masked=by_client))
                    await until(lambda leaving=leaving: leaving.told is not None)
                    self.assertEqual(leaving.told, code, by_client)
                    self.assertEqual(other.messages, [])
                    await self._gone(client, server)
                    await until(lambda: gateway.service.sockets.count == 0)

    async def test_gone_while_waiting(self) -> None:
        """Who leaves without hearing the rest leaves no timer behind (the test would say so)."""
        origin = raw_origin()
        gateway = await self.gateway(
            {WS: origin}, websocket_close_seconds=PATIENT, websocket_farewell_seconds=PATIENT
        )
        for by_client in (True, False):
            client, server = await self.raw_pair(gateway, origin)
            leaving, other = (client, server) if by_client else (server, client)
            other.answers_close = False
            leaving.write(b"\xff\0")
            await until(lambda other=other: other.told)
            leaving.transport.abortConnection()
            other.write(frame(TEXT, b"too late", masked=not by_client))
            other.write(closing(1000, masked=not by_client))
            other.transport.loseConnection()
            await until(lambda: client.ended and server.ended)
            await until(lambda: gateway.service.sockets.count == 0)

    async def test_drained_while_waiting(self) -> None:
        """A close frame that waits goes out at once when the gateway itself goes."""
        origin = raw_origin()
        gateway = await self.gateway(
            {WS: origin}, websocket_close_seconds=1, websocket_farewell_seconds=PATIENT
        )
        client, server = await self.raw_pair(gateway, origin)
        server.answers_close = False
        client.write(closing(4000, masked=True))
        await until(lambda: server.told)
        (relay,) = gateway.service.sockets._relays
        relay.drain()
        await until(lambda: client.told is not None)
        self.assertEqual(client.told, 4000)
        await until(lambda: gateway.service.sockets.count == 0)

    async def _gone(self, *sockets: RawSocket) -> None:
        for one in sockets:
            if not one.ended:
                one.transport.abortConnection()
        await until(lambda: all(one.ended for one in sockets))

    async def test_endless_control(self) -> None:
        """A ping that says it is endless is not gathered while its sender is awaited."""
        origin = raw_origin()
        gateway = await self.gateway({WS: origin}, websocket_close_seconds=PATIENT)
        for by_client in (True, False):
            client, server = await self.raw_pair(gateway, origin)
            client.answers_close = server.answers_close = False
            sender = client if by_client else server
            sender.write(frame(PING, b"a" * 10_000, masked=by_client, form=64, length=1 << 40))
            await until(lambda: client.told and server.told)
            (relay,) = gateway.service.sockets._relays
            names = {name: leg for leg, name in relay._names.items()}
            leg = names["client" if by_client else "upstream"]
            await until(lambda: leg.current_frame_masker.pointer() == 10_000)
            self.assertEqual(leg.control_frame_data, [])
            for one in (client, server):
                if not one.ended:
                    one.transport.abortConnection()
            await until(lambda: gateway.service.sockets.count == 0)
