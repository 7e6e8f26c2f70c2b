"""Streams of one HTTP/2 connection beside each other, and the pace that their windows set."""

from __future__ import annotations

from typing import Any

from h2.settings import SettingCodes
from hyperframe.frame import SettingsFrame

from gateway.net.http2 import Http2Channel
from tests.net.h2client import LARGE_WINDOW, Http2Case, channel_of, head, turns
from tests.net.harness import SHOP, Gateway
from tests.net.raw import Message, Origin, reply, until

BIG = bytes(range(256)) * 4096


class Endless:
    """A producer of an origin: a body of ``total`` octets as fast as they are taken."""

    def __init__(self, connection: Any, total: int) -> None:
        self._transport, self.total = connection.transport, total
        self.given = 0
        self.paused = False
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        self._transport.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        while self.given < self.total and not self.paused:
            self.given += 65_536
            self._transport.write(bytes(65_536))
        if self.given >= self.total:
            self._transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.paused = True


def held(gateway: Gateway) -> int:
    """How much of responses waits in the one HTTP/2 connection."""
    queues = channel_of(gateway)._outboundStreamQueues.values()
    return sum(len(chunk) for queue in queues for chunk in queue if isinstance(chunk, bytes))


class FlowTests(Http2Case):
    """Streams beside each other, and their pace."""

    timeout = 60  # many octets, for a busy machine

    async def test_many_at_once(self) -> None:
        """As many requests as are allowed run at once; answers come in any order."""
        waiting: list[Message] = []
        origin = Origin(lambda seen: waiting.append(seen))
        gateway = await self.gateway({SHOP: origin}, http2_streams=60)
        client = await self.open(gateway)
        await until(lambda: client.conn.remote_settings.max_concurrent_streams == 60)
        answers = {b"/%d" % number: client.ask(f"{SHOP}/{number}") for number in range(60)}
        await until(lambda: len(waiting) == 60)
        for seen in reversed(waiting):
            seen.connection.write(reply(seen.target * 20_000))
        for target, answer in answers.items():
            self.assertEqual((await answer.done()).body, target * 20_000)
        self.assertEqual(gateway.telemetry.value("gateway_connections"), 1)
        self.assertEqual(channel_of(gateway).streams, {})

    async def test_slow_client(self) -> None:
        """The origin is not read ahead of a client whose window is small, however large the body."""
        bodies: list[Endless] = []
        total = 32 * 1024 * 1024
        origin = Origin(lambda seen: bodies.append(Endless(seen.connection, total)))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway, acknowledging=False, keep=False)
        answer = client.ask(f"{SHOP}/a")
        await until(lambda: answer.received == 65_535 and bodies[0].paused)
        self.assertLess(held(gateway), 512 * 1024)
        self.assertLess(bodies[0].given, total // 2)  # what sockets take, and no more
        for _ in range(40):
            before = answer.received
            answer.acknowledge()
            await until(lambda: answer.received == before + 65_535)
            self.assertLess(held(gateway), 512 * 1024)
        client.acknowledging = True
        answer.acknowledge()
        await answer.done(30)  # it is much on a busy machine
        self.assertEqual(answer.received, total)

    async def test_client_that_does_not_read(self) -> None:
        """The same when the windows are wide open and the socket is full."""
        bodies: list[Endless] = []
        total = 32 * 1024 * 1024
        origin = Origin(lambda seen: bodies.append(Endless(seen.connection, total)))
        gateway = await self.gateway({SHOP: origin})
        wide = {"window": LARGE_WINDOW, "connection_window": LARGE_WINDOW, "keep": False}
        client = await self.open(gateway, acknowledging=False, **wide)
        answers = [client.ask(f"{SHOP}/a") for _ in range(2)]
        await until(lambda: answers[0].received)
        client.transport.pauseProducing()
        await until(lambda: len(bodies) == 2 and all(one.paused for one in bodies))
        self.assertLess(held(gateway), 2 * 512 * 1024)
        client.transport.resumeProducing()
        for answer in answers:
            await answer.done(30)  # it is much on a busy machine
            self.assertEqual(answer.received, total)

    async def test_exhausted_window(self) -> None:
        """The gateway rests while a window is exhausted, and goes on when it opens."""
        sendings: list[int] = []
        send = Http2Channel._sendPrioritisedData
        self.patch(
            Http2Channel,
            "_sendPrioritisedData",
            lambda *args: (sendings.append(1), send(*args))[1],
        )
        gateway = await self.gateway({SHOP: Origin(reply(BIG))})
        for windows in ({"window": 1000}, {"window": LARGE_WINDOW}):
            client = await self.open(gateway, acknowledging=False, **windows)
            answer = client.ask(f"{SHOP}/a")
            await until(lambda: answer.received == min(65_535, windows["window"]))
            await turns(20)
            sendings.clear()
            await turns(100)
            self.assertLess(len(sendings), 10, "it polls a closed window")
            client.acknowledging = True
            answer.acknowledge()
            self.assertEqual((await answer.done()).body, BIG)
            client.transport.abortConnection()
            await client.closed()

    async def test_a_stream_does_not_wait_for_another(self) -> None:
        """While one stream's window is exhausted others are served."""
        origin = Origin(lambda seen: reply(BIG if seen.target == b"/big" else b"ok"))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway, connection_window=LARGE_WINDOW, acknowledging=False)
        big = client.ask(f"{SHOP}/big")
        await until(lambda: big.received == 65_535)
        for _ in range(5):
            self.assertEqual((await client.ask(f"{SHOP}/a").done()).body, b"ok")
        big.acknowledge()
        client.acknowledging = True
        self.assertEqual((await big.done()).body, BIG)

    async def test_window_that_shrinks(self) -> None:
        """A client may make its windows smaller than what is under way; nothing is lost."""
        gateway = await self.gateway({SHOP: Origin(reply(BIG))})
        client = await self.open(gateway, acknowledging=False, connection_window=LARGE_WINDOW)
        answer = client.ask(f"{SHOP}/a")
        await until(lambda: answer.received == 65_535)
        for size in (65_525, 10, 0, 200_000, 100, LARGE_WINDOW):
            client.conn.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: size})
            client.flush()
            await until(lambda: client.conn.local_settings.initial_window_size == size)
            await turns(30)
        client.acknowledging = True
        answer.acknowledge()
        self.assertEqual((await answer.done()).body, BIG)

    async def test_window_that_shrinks_while_sending(self) -> None:
        """Nor when the smaller window comes between two frames of an answer."""
        send, sent = Http2Channel._sendPrioritisedData, []

        def send_later(channel: Http2Channel, *args: Any) -> None:
            window = channel.conn.local_flow_control_window(1) if held(gateway) else 0
            if not sent and 0 < window < 30_000:
                sent.append(65_535 - window)
                smaller = {SettingsFrame.INITIAL_WINDOW_SIZE: sent[0] - 100}
                channel.dataReceived(SettingsFrame(0, smaller).serialize())
            send(channel, *args)

        gateway = await self.gateway({SHOP: Origin(reply(BIG))})
        client = await self.open(gateway, acknowledging=False, connection_window=LARGE_WINDOW)
        self.patch(Http2Channel, "_sendPrioritisedData", send_later)
        answer = client.ask(f"{SHOP}/a")
        await until(lambda: sent and answer.received == sent[0])
        await turns(30)
        client.conn.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: LARGE_WINDOW})
        client.flush()
        self.assertEqual((await answer.done()).body, BIG)

    async def test_reset_with_more(self) -> None:
        """A stream that is closed by what came with more stops none of the others."""
        bodies: list[Endless] = []
        total = 8 * 1024 * 1024

        def answer(seen: Message) -> bytes | None:
            if seen.target != b"/big":
                return reply(b"ok")
            bodies.append(Endless(seen.connection, total))
            return None

        gateway = await self.gateway({SHOP: Origin(answer)})
        client = await self.open(gateway, connection_window=1 << 24, acknowledging=False)
        for window in ("the stream's", "the connection's"):
            big = client.ask(f"{SHOP}/big")
            await until(lambda big=big: big.received == 65_535 and bodies[-1].paused)
            # What the gateway does for the first frame is done when h2 has read them all.
            where = big.stream if window == "the stream's" else None
            client.conn.increment_flow_control_window(60_000, where)
            client.conn.reset_stream(big.stream)
            self.assertEqual((await client.ask(f"{SHOP}/a").done()).body, b"ok")
            self.assertEqual(channel_of(gateway).streams, {})

    async def test_reset_at_once(self) -> None:
        """A request that is given up with its own fields is nobody else's business."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))}, header_count=50)
        client = await self.open(gateway)
        for fields, method in (
            ([(b"x", b"y")] * 60, b"GET"),
            ([(b"expect", b"100-continue")], b"POST"),
            ([], b"GET"),
        ):
            stream = client.conn.get_next_available_stream_id()
            client.conn.send_headers(stream, [*head(f"{SHOP}/", method), *fields])
            client.conn.reset_stream(stream)
            self.assertEqual((await client.ask(f"{SHOP}/a").done()).body, b"ok")
            self.assertEqual(channel_of(gateway).streams, {})

    async def test_priorities_of_streams_that_ended(self) -> None:
        """What somebody made to wait for streams that are gone is not kept."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))})
        client = await self.open(gateway)
        for number in range(20):
            client.conn.prioritize(2 * number + 1, depends_on=2 * number + 1001)
            answer = client.ask(f"{SHOP}/{number}")
            client.conn.prioritize(answer.stream, depends_on=answer.stream + 2000)
            client.flush()
            await answer.done()
        self.assertEqual(len(channel_of(gateway).priority._streams), 1)  # the root

    async def test_priorities_turned_round(self) -> None:
        """A stream that is to wait for what waits for it: all are served all the same."""
        waiting: dict[bytes, Message] = {}
        origin = Origin(lambda seen: waiting.update({seen.target: seen}))
        gateway = await self.gateway({SHOP: origin})
        client = await self.open(gateway)
        first, second, third = (client.ask(f"{SHOP}/{number}") for number in range(3))
        for one, other in ((first, second), (second, third), (third, second)):
            client.conn.prioritize(one.stream, depends_on=other.stream)
        client.flush()
        await until(lambda: len(waiting) == 3)
        for number, answer in enumerate((first, second, third)):
            waiting[b"/%d" % number].connection.write(reply(b"ok"))
            self.assertEqual((await answer.done()).body, b"ok")
