"""An inspector at work: on two fake legs, and through a whole gateway."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.inspecting import Inspector
from gateway.net.relay import Relay
from gateway.net.settings import Limits
from gateway.websocket.closing import Ending
from gateway.websocket.inspection import Inspection, Message, Mode, Verdict
from tests.net.emulated import ALL, RECONNECT, Emulated, EmulatedCase, text
from tests.net.harness import WS
from tests.net.peers import SocketCase, websocket_origin
from tests.net.raw import until
from tests.net.test_relay import FakeLeg
from tests.websocket.subprotocols.streams import S

BAD = Verdict(1002, "order", "not now")
CONNECT = b"CONNECT\naccept-version:1.2\n\n\0"
CONNECTED = b"CONNECTED\nversion:1.2\n\n\0"


class Told:
    """Remembers what telemetry is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.counts: list[tuple[str, dict[str, str]]] = []

    def event(self, code: str, *, detail: str = "", **fields: Any) -> None:
        self.events.append({"code": code, "detail": detail, **fields})

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        self.counts.append((name, labels))


class Picky:
    """Finds fault with what says so; waits for a word within ten seconds."""

    def __init__(self) -> None:
        self.due: float | None = None

    def begin(self, now: float) -> None:
        self.due = now + 10

    def check(self, message: Message, now: float) -> Verdict | None:
        self.due = None if message.payload == b"rest" else now + 10
        return BAD if message.payload == b"bad" else None

    def deadline(self) -> float | None:
        return self.due

    def expired(self, now: float) -> Verdict | None:
        if self.due is None or self.due > now:
            return None
        self.due = None
        return Verdict(1008, "late", "nothing came", S)


class InspectorTests(SynchronousTestCase):
    """Between two fake legs."""

    def _start(self, mode: Mode) -> None:
        self.clock, self.told = Clock(), Told()
        self.client, self.upstream = FakeLeg(), FakeLeg()
        self.over: list[Relay] = []
        self.relay = Relay(
            self.client, self.upstream, Limits(), self.clock, self.told, self.over.append
        )
        self.relay.inspector = Inspector(
            Inspection("x.v1", mode, Picky()), self.clock, self.told, {"request": "r1"}
        )
        self.relay.start()

    def test_enforced(self) -> None:
        """The message stays here; who sent it is told the rule, the other one that it is over."""
        for index, (name, code) in enumerate((("client", 1001), ("upstream", 1008))):
            self._start(Mode.ENFORCE)
            legs = [self.client, self.upstream]
            leg, other = legs[index], legs[1 - index]
            self.relay.received(leg, b"good", binary=False)
            self.relay.received(leg, b"bad", binary=True)
            self.relay.received(leg, b"good", binary=True)
            self.relay.received(other, b"good", binary=True)
            self.assertEqual(other.sent, [(b"good", False)])
            self.assertEqual(leg.sent, [])
            self.assertEqual(leg.endings, [Ending(1002, "order")])
            self.assertEqual([one.code for one in other.endings], [code])
            self.assertEqual(self.relay.ending, f"{name} broke order")
            self.assertEqual(self.relay.rule, "subprotocol-order")
            (event,) = self.told.events
            wanted = {"subprotocol": "x.v1", "rule": "order", "mode": "enforce"}
            self.assertEqual(
                event,
                {"code": "subprotocol.message", "detail": "not now", "leg": name, "message": 2,
                 "request": "r1", **wanted},
            )  # fmt: skip
            name_of = "gateway_websocket_subprotocol_violations_total"
            self.assertEqual(self.told.counts, [(name_of, wanted)])
            self.relay.closed(leg, 1002, "", was_clean=True)
            self.relay.closed(other, code, "", was_clean=True)
            self.assertEqual(self.over, [self.relay])
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_observed(self) -> None:
        """Everything goes on; all of it is counted, and each rule told once."""
        self._start(Mode.OBSERVE)
        for _ in range(3):
            self.relay.received(self.client, b"bad", binary=False)
        self.assertEqual(len(self.upstream.sent), 3)
        self.assertEqual((len(self.told.counts), len(self.told.events)), (3, 1))
        self.assertEqual(self.client.endings, [])

    def test_late(self) -> None:
        """What does not come in time is told as the verdict says, and not twice."""
        self._start(Mode.ENFORCE)
        self.clock.advance(9)
        self.relay.received(self.client, b"good", binary=False)
        self.clock.advance(9)
        self.assertEqual(self.upstream.endings, [])
        self.clock.advance(1)
        self.assertEqual(self.upstream.endings, [Ending(1008, "late")])
        self.assertEqual(self.client.endings, [Ending(1008, "late")])
        self.clock.advance(100)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nobody_is_late_who_is_not_read(self) -> None:
        """While a leg waits for the other one, times wait with it."""
        self._start(Mode.ENFORCE)
        self.relay.congested(self.upstream)
        self.clock.pump([1] * 14)
        self.assertEqual(self.upstream.endings, [])
        self.relay.relieved(self.upstream)
        self.clock.pump([1] * 4)
        self.assertEqual(self.upstream.endings, [])
        self.clock.pump([1] * 5)
        self.assertEqual(self.upstream.endings, [Ending(1008, "late")])

    def test_what_was_sent_meanwhile_is_seen_first(self) -> None:
        """A pause that ended just before the time was up: what comes now was sent in time."""
        self._start(Mode.ENFORCE)
        self.clock.advance(1)
        self.relay.congested(self.upstream)
        self.clock.advance(8.9)
        self.relay.relieved(self.upstream)
        self.clock.advance(0.2)
        self.relay.received(self.client, b"good", binary=False)
        self.clock.pump([1] * 9)
        self.assertEqual(self.upstream.endings, [])
        self.clock.pump([1] * 5)
        self.assertEqual(self.upstream.endings, [Ending(1008, "late")])

    def test_nobody_is_late_amid_a_large_message(self) -> None:
        """It may take longer than a heart-beat may."""
        self._start(Mode.ENFORCE)
        self.clock.advance(9)
        self.assertFalse(self.relay.begun(self.client, binary=True))
        self.clock.pump([1] * 30)
        self.assertEqual(self.upstream.endings, [])
        self.relay.received(self.client, b"good", binary=True)
        self.clock.pump([1] * 9)
        self.assertEqual(self.upstream.endings, [])
        self.clock.pump([1] * 6)
        self.assertEqual(self.upstream.endings, [Ending(1008, "late")])

    def test_a_large_message_without_an_end(self) -> None:
        """It does not keep times from being kept for longer than a body may take to come."""
        self._start(Mode.ENFORCE)
        for _ in range(Limits().request_body_seconds - 1):
            self.relay.begun(self.client, binary=True)  # it trickles
            self.clock.advance(1)
        self.assertEqual(self.upstream.endings, [])
        for _ in range(10):
            self.relay.begun(self.client, binary=True)
            self.clock.advance(1)
        self.assertEqual(self.upstream.endings, [Ending(1008, "late")])

    def test_no_timer_is_left(self) -> None:
        """Not when a leg ends, and not when nothing is waited for any more."""
        for payload in (b"good", b"rest"):
            self._start(Mode.OBSERVE)
            self.relay.received(self.client, payload, binary=False)
            self.relay.closed(self.client, 1000, "", was_clean=True)
            self.assertEqual(self.clock.getDelayedCalls(), [])
        self._start(Mode.OBSERVE)
        self.relay.received(self.client, b"rest", binary=False)
        self.clock.advance(10)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.relay.received(self.client, b"good", binary=False)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.relay.closed(self.client, 1000, "", was_clean=True)


RULES = """
[[subprotocol-rule]]
subprotocols = ["v12.stomp"]
from = "https://shop.site.example"
to = "wss://ws.site.example"
required = {required}
validation = "{validation}"
publish = ["/queue/in"]
"""


EVERYWHERE = """
[subprotocols]
validation = "enforce"
[limits]
subprotocol-init-seconds = 1
"""


class ThroughTests(SocketCase):
    """Rules of a configuration, a handshake, messages, the log."""

    async def _pair(self, validation: str, required: str = "false", name: str = "v12.stomp") -> Any:
        upstream = websocket_origin(lambda _: name or None)
        rules = RULES.format(validation=validation, required=required)
        gateway = await self.gateway({WS: upstream}, rules=rules, websocket_close_seconds=2)
        client = await self.dial(gateway, protocols=("v12.stomp", "other"))
        if client.opened:
            await until(lambda: upstream.peers[0].opened)
        return gateway, client, upstream

    async def test_enforced(self) -> None:
        """A destination that is closed to the page: the frame does not arrive, both sides end."""
        gateway, client, upstream = await self._pair("enforce")
        server = upstream.peers[0]
        client.sendMessage(CONNECT)
        client.sendMessage(b"SEND\ndestination:/queue/in\n\nfine\0")
        await until(lambda: len(server.messages) == 2)
        server.sendMessage(CONNECTED)
        await until(lambda: client.messages)
        client.sendMessage(b"SEND\ndestination:/queue/s3cret\n\nno\0")
        await until(lambda: client.ended and server.ended)
        self.assertEqual(client.ended, (True, 1008, "publish"))
        self.assertEqual(server.code, 1001)
        self.assertEqual(len(server.messages), 2)
        labels = {"subprotocol": "v12.stomp", "rule": "publish", "mode": "enforce"}
        value = gateway.telemetry.value("gateway_websocket_subprotocol_violations_total", **labels)
        self.assertEqual(value, 1)
        self.assertNotIn("s3cret", repr(gateway.telemetry.recent))
        await until(lambda: gateway.service.sockets.count == 0)
        self.assertEqual(gateway.telemetry.accesses[0]["ending"], "client broke publish")

    async def test_observed(self) -> None:
        """It arrives, and is told."""
        gateway, client, upstream = await self._pair("observe")
        client.sendMessage(b"SEND\ndestination:/queue/other\n\nno\0")
        await until(lambda: upstream.peers[0].messages)
        self.assertIn("subprotocol.message", gateway.telemetry.codes())
        client.close(1000)
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_required(self) -> None:
        """A connection without a subprotocol of the rule: 403, and opaque where none is asked."""
        for required, status in (("true", "403"), ("false", "101")):
            gateway, client, _ = await self._pair("enforce", required, name="other")
            self.assertIn(status, client.http_status_line)
            if client.opened:
                client.sendMessage(b"anything")
                client.close(1000)
            await until(lambda: gateway.service.sockets.count == 0)

    async def test_late(self) -> None:
        """Codes of a subprotocol's own reach the client: nothing was said in time."""
        upstream = websocket_origin(lambda _: "graphql-transport-ws")
        gateway = await self.gateway({WS: upstream}, rules=EVERYWHERE, websocket_close_seconds=2)
        client = await self.dial(gateway, protocols=("graphql-transport-ws",))
        await until(lambda: client.ended and upstream.peers[0].ended)
        self.assertEqual(client.ended, (True, 4408, "graphql-init-time"))
        self.assertEqual(upstream.peers[0].code, 1001)
        await until(lambda: gateway.service.sockets.count == 0)

    async def test_large_messages(self) -> None:
        """They are collected while somebody looks, and pass whole."""
        upstream = websocket_origin(lambda _: "jsonrpc")
        gateway = await self.gateway(
            {WS: upstream}, rules=EVERYWHERE, websocket_whole_bytes=1000, websocket_close_seconds=2
        )
        client = await self.dial(gateway, protocols=("jsonrpc",))
        await until(lambda: upstream.peers[0].opened)
        server = upstream.peers[0]
        large = b'{"jsonrpc": "2.0", "method": "m", "params": ["' + b"x" * 50_000 + b'"]}'
        client.sendMessage(large, fragmentSize=5000)
        await until(lambda: server.messages)
        self.assertEqual(server.messages, [(large, False)])
        client.sendMessage(large[:-1], fragmentSize=5000)
        await until(lambda: client.ended and server.ended)
        self.assertEqual((client.ended[1:], len(server.messages)), ((1007, "json"), 1))
        await until(lambda: gateway.service.sockets.count == 0)


class EmulatedTests(EmulatedCase):
    """Over the fallback the same is looked into: its messages come to the same relay."""

    async def test_enforced(self) -> None:
        """What breaks a rule does not arrive; the code is the verdict's."""
        upstream = websocket_origin(lambda _: "jsonrpc")
        gateway = await self.gateway({WS: upstream}, rules=EVERYWHERE, websocket_close_seconds=2)
        client = Emulated(gateway)
        answer = await client.create(
            "/ws", b"X-WebSocket-Protocol: jsonrpc", b"X-WebSocket-Extensions: " + ALL
        )
        self.assertEqual(answer.status, 201)
        server = upstream.peers[0]
        down = await client.down()
        fine = '{"jsonrpc": "2.0", "method": "m"}'
        self.assertEqual(await client.up(text(fine) + RECONNECT), 200)
        await until(lambda: server.messages == [(fine.encode(), False)])
        await client.up_later(text("[]") + RECONNECT)
        await until(lambda: server.ended)
        self.assertEqual((server.code, len(server.messages)), (1001, 1))
        await down.whole()
        self.assertIn(b"jsonrpc-batch".hex().encode(), down.octets.lower())
        self.assertIn("subprotocol.message", gateway.telemetry.codes())
