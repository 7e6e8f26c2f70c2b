"""A leg whose peer takes its time to go, or never does: the other side need not wait for it."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.net.frames import PING, TEXT, RawCase, closing, frame, raw_origin
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
