"""Two fake legs coupled."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.relay import Relay
from gateway.net.settings import Limits
from gateway.net.telemetry import Silent
from gateway.websocket.closing import Ending

LIMITS = Limits(websocket_stall_seconds=60)


class FakeLeg:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bool]] = []
        self.endings: list[Ending] = []
        self.reading = False
        self.relay: Any = None

    def send(self, payload: bytes, *, binary: bool) -> None:
        self.sent.append((payload, binary))

    def end(self, ending: Ending) -> None:
        self.endings.append(ending)

    def pause(self) -> None:
        self.reading = False

    def resume(self) -> None:
        self.reading = True

    def attach(self, relay: Relay) -> None:
        self.relay = relay
        self.reading = True


class Limiting(Silent):
    """Remembers limits."""

    def __init__(self) -> None:
        self.limits: list[Any] = []

    def event(self, code: str, *, detail: str = "", **fields: object) -> None:
        self.limits.append((fields["limit"], detail))

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        if name == "gateway_limit_reached_total":
            self.limits.append((labels["limit"], amount))


class PartLeg(FakeLeg):
    """Takes messages in parts, too."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[object] = []

    def begin(self, *, binary: bool) -> None:
        self.parts.append(binary)

    def write(self, payload: bytes) -> None:
        self.parts.append(payload)

    def finish(self) -> None:
        self.parts.append("end")


class RelayTests(SynchronousTestCase):
    """Messages, closings and pace."""

    timeout = 20

    def setUp(self) -> None:
        self.begin(LIMITS)

    def begin(self, limits: Limits, leg: type[FakeLeg] = FakeLeg) -> None:
        """Two new legs coupled."""
        self.clock, self.telemetry = Clock(), Limiting()
        self.client, self.upstream = leg(), leg()
        self.over: list[Relay] = []
        self.relay = Relay(
            self.client, self.upstream, limits, self.clock, self.telemetry, self.over.append
        )
        self.relay.start()

    def pairs(self) -> list[tuple[FakeLeg, FakeLeg, str]]:
        """Each leg, its counterpart, and its name; everything new for each."""
        return [(self.client, self.upstream, "client"), (self.upstream, self.client, "upstream")]

    def test_told_before_it_is_gone(self) -> None:
        """The other leg is told before the one that goes is gone; nothing is said to that one."""
        for clean, wanted in ((True, Ending(3000, "bye")), (False, Ending(3000, "bye"))):
            self.setUp()
            self.relay.closing(self.client, 3000, "bye", was_clean=clean)
            self.assertEqual((self.upstream.endings, self.over), ([wanted], []))
            self.relay.closed(self.upstream, 3000, "bye", was_clean=True)
            self.assertEqual((self.client.endings, self.over), ([], []))
            self.relay.closed(self.client, 3000, "bye", was_clean=clean)
            self.assertEqual((self.over, self.relay.ending), ([self.relay], "client 3000"))

    def test_revoke(self) -> None:
        """The client is told 1008, the origin 1001; both are read on, and nothing passes."""
        self.client.reading = self.upstream.reading = False
        self.assertTrue(self.relay.revoke())
        self.assertEqual([one.code for one in self.client.endings], [1008])
        self.assertEqual([one.code for one in self.upstream.endings], [1001])
        self.assertTrue(self.client.reading and self.upstream.reading)
        self.assertFalse(self.relay.revoke())
        self.relay.closed(self.client, 1008, "", was_clean=True)
        self.relay.closed(self.upstream, 1001, "", was_clean=True)
        self.assertEqual([len(self.client.endings), len(self.upstream.endings)], [1, 1])
        self.assertEqual((self.over, self.relay.ending), ([self.relay], "revoked"))

    def test_messages(self) -> None:
        """Each message goes to the other leg as it is, and is counted where it came from."""
        for leg, other, name in self.pairs():
            for payload, binary in ((b"", False), (b"text", False), (b"\0", True)):
                self.relay.received(leg, payload, binary=binary)
            self.assertEqual(other.sent, [(b"", False), (b"text", False), (b"\0", True)])
            self.assertEqual((self.relay.messages[name], self.relay.octets[name]), (3, 5))
        self.assertEqual((self.client.endings, self.upstream.endings), ([], []))

    def test_closing(self) -> None:
        """How one leg ended is told to the other; it is over when both have."""
        cases = (
            (1000, "bye", True, Ending(1000, "bye")),
            (4999, None, True, Ending(4999)),
            (1005, None, True, Ending()),
            (None, None, True, Ending()),
            (1006, "x", False, Ending(drop=True)),
            (None, "", False, Ending(drop=True)),
            (1009, "", False, Ending(1009)),
            (2999, "x", True, Ending(1002)),
        )
        for code, reason, clean, expected in cases:
            for index in range(2):
                self.setUp()
                leg, other, name = self.pairs()[index]
                self.relay.closed(leg, code, reason, was_clean=clean)
                self.assertEqual((other.endings, leg.endings, self.over), ([expected], [], []))
                self.relay.closed(leg, code, reason, was_clean=clean)
                self.relay.closed(other, 1000, "", was_clean=True)
                self.relay.closed(other, 1000, "", was_clean=True)
                self.assertEqual(self.over, [self.relay])
                self.assertEqual(len(other.endings), 1)
                self.assertEqual(self.relay.ending, f"{name} {code if clean else 'dropped'}")

    def test_nothing_is_sent_to_a_leg_that_ended(self) -> None:
        """Messages that are still under way are dropped."""
        self.relay.closed(self.client, 1000, "", was_clean=True)
        self.relay.received(self.upstream, b"late", binary=False)
        self.assertEqual(self.client.sent, [])

    def test_pace(self) -> None:
        """While a leg is congested its counterpart is not read, and it itself is."""
        for leg, other, _ in self.pairs():
            self.relay.congested(leg)
            self.relay.congested(leg)
            self.assertEqual((leg.reading, other.reading), (True, False))
            self.relay.relieved(leg)
            self.assertEqual((leg.reading, other.reading), (True, True))
            self.relay.relieved(leg)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stall(self) -> None:
        """A leg that stays congested is dropped, and the other told 1013."""
        for index in range(2):
            self.setUp()
            leg, other, name = self.pairs()[index]
            self.relay.congested(leg)
            self.clock.advance(59)
            self.assertEqual(leg.endings + other.endings, [])
            self.clock.advance(1)
            self.assertEqual(other.endings, [Ending(1013, "too slow")])
            self.assertEqual(leg.endings[-1], Ending(drop=True))
            self.assertTrue(other.reading)
            limit = [("websocket-stall-seconds", f"the {name} leg")]
            self.assertEqual(self.telemetry.limits, limit)
            self.assertEqual(self.relay.ending, "stalled")

    def test_relief_in_time(self) -> None:
        """Congestions that end do not add up."""
        for _ in range(3):
            self.relay.congested(self.client)
            self.clock.advance(59)
            self.relay.relieved(self.client)
        self.clock.advance(60)
        self.assertEqual(self.client.endings, [])

    def test_no_timer_is_left(self) -> None:
        """Whatever ends it, both timers end too, and a paused leg reads its close frame."""
        for end in (
            lambda: self.relay.closed(self.client, 1000, "", was_clean=True),
            lambda: self.relay.closed(self.upstream, 1000, "", was_clean=True),
            lambda: self.relay.drain(),
        ):
            self.setUp()
            self.relay.congested(self.client)
            self.relay.congested(self.upstream)
            end()
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.assertTrue(self.client.reading or self.upstream.reading)

    def test_closed_leg_is_not_congested(self) -> None:
        """A leg that has ended cannot pause the other one."""
        self.relay.closed(self.client, 1000, "", was_clean=True)
        self.relay.congested(self.client)
        self.assertTrue(self.upstream.reading)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_last_words_for_who_does_not_read(self) -> None:
        """They would be kept without end: a leg that does not keep up ends at once."""
        for at in (0, 1):
            for behind in (True, False):
                self.setUp()
                leg, other, _ = self.pairs()[at]
                if behind:
                    self.relay.congested(leg)
                waits = self.relay.closing(leg, 1000, "", was_clean=True)
                self.assertEqual((waits, other.endings), (not behind, [Ending(1000)]))

    def test_last_words_too_fast(self) -> None:
        """A leg that was told to end is read to its own end, though who was too slow for it is gone."""
        for at in (0, 1):
            self.setUp()
            leg, other, _ = self.pairs()[at]
            self.relay.closing(leg, 1000, "", was_clean=True)
            self.relay.congested(leg)
            self.assertFalse(other.reading)
            self.relay.closed(leg, 1000, "", was_clean=True)
            self.assertTrue(other.reading)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_drain(self) -> None:
        """Both are told 1001; what they answer is not passed on again as something new."""
        self.relay.drain()
        expected = [Ending(1001, "the gateway is restarting")]
        self.assertEqual((self.client.endings, self.upstream.endings), (expected, expected))
        self.relay.closed(self.client, 1001, "", was_clean=True)
        self.relay.closed(self.upstream, 1001, "", was_clean=True)
        self.assertEqual((self.over, self.relay.ending), ([self.relay], "drained"))

    def test_abort(self) -> None:
        """Both are cut; one that has ended is left alone."""
        self.relay.closed(self.client, 1000, "", was_clean=True)
        self.relay.abort()
        self.assertEqual(self.client.endings, [])
        self.assertEqual(self.upstream.endings[-1], Ending(drop=True))

    def test_parts(self) -> None:
        """What a leg takes in parts is one message of so many octets."""
        for index in range(2):
            self.begin(LIMITS, PartLeg)
            leg, other, name = self.pairs()[index]
            self.assertTrue(self.relay.begun(leg, binary=True))
            for payload in (b"ab", b"", b"c"):
                self.relay.part(leg, payload)
            self.relay.finished(leg)
            assert isinstance(other, PartLeg)
            self.assertEqual(other.parts, [True, b"ab", b"", b"c", "end"])
            self.assertEqual((self.relay.messages[name], self.relay.octets[name]), (1, 3))
            self.relay.closed(other, 1000, "", was_clean=True)
            self.assertTrue(self.relay.begun(leg, binary=True))
            self.relay.part(leg, b"late")
            self.relay.finished(leg)
            self.assertEqual(len(other.parts), 5)

    def test_no_parts(self) -> None:
        """A leg that takes whole messages gets such, and so does whoever inspects them."""
        self.assertFalse(self.relay.begun(self.client, binary=True))
        self.begin(LIMITS, PartLeg)
        inspector: Any = object()
        self.relay.inspector = inspector
        self.assertFalse(self.relay.begun(self.client, binary=True))
        self.assertEqual(self.relay.messages["client"], 0)

    def test_rate(self) -> None:
        """Whoever sends too fast is not read for a while; the other side is."""
        for index in range(2):
            for limits, octets in (
                (Limits(websocket_messages_per_second=10), 1),
                (Limits(websocket_bytes_per_second=1000), 100),
            ):
                self.begin(limits)
                leg, other, _ = self.pairs()[index]
                for _ in range(50):
                    self.relay.received(leg, b"x" * octets, binary=True)
                self.assertTrue(leg.reading)
                self.relay.received(leg, b"x" * octets, binary=True)
                self.relay.received(leg, b"x" * octets, binary=True)
                self.assertEqual((leg.reading, other.reading), (False, True))
                self.clock.advance(0.15)
                self.assertFalse(leg.reading)
                self.clock.advance(0.06)
                self.assertTrue(leg.reading)
                self.assertEqual(len(other.sent), 52)
                key = "websocket-messages-per-second" if octets == 1 else None
                key = key or "websocket-bytes-per-second"
                self.assertEqual(self.telemetry.limits, [(key, 1)])
                self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_pings_are_counted(self) -> None:
        """A flood of them is read slowly; nothing of it goes to the other side."""
        self.begin(Limits(websocket_messages_per_second=10))
        for _ in range(51):
            self.relay.pinged(self.client)
        self.assertFalse(self.client.reading)
        self.assertEqual((self.upstream.sent, self.relay.messages["client"]), ([], 0))

    def test_rate_for_too_long(self) -> None:
        """After the grace both are told 1008; without grace nobody ever is."""
        for grace, codes in ((5, [1008]), (0, [])):
            self.begin(Limits(websocket_messages_per_second=10, websocket_rate_grace_seconds=grace))
            for _ in range(1000):
                while self.client.reading and not self.client.endings:
                    self.relay.received(self.client, b"", binary=False)
                self.clock.advance(0.1)
            self.assertEqual([one.code for one in self.client.endings], codes)
            self.assertEqual([one.code for one in self.upstream.endings], codes)
            self.assertEqual(self.relay.ending, "too fast" if codes else "")

    def test_rate_and_pace(self) -> None:
        """A side that is held back for two reasons is read when there is none left."""
        self.begin(Limits(websocket_messages_per_second=10))
        for _ in range(51):
            self.relay.received(self.client, b"", binary=False)
        self.relay.congested(self.upstream)
        self.clock.advance(0.2)
        self.assertFalse(self.client.reading)
        self.relay.relieved(self.upstream)
        self.assertTrue(self.client.reading)
        self.relay.congested(self.upstream)
        for _ in range(100):
            self.relay.received(self.client, b"", binary=False)
        self.relay.relieved(self.upstream)
        self.assertFalse(self.client.reading)
        self.relay.closed(self.upstream, 1000, "", was_clean=True)
        self.assertTrue(self.client.reading)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_rules(self) -> None:
        """What demanded the end is known: the first of it."""
        both = {"client": Ending(1008), "upstream": Ending(1001)}
        for end, rule in (
            (lambda: self.relay.closing(self.client, 1002, "", was_clean=False), "client 1002"),
            (lambda: self.relay.closing(self.upstream, 1000, "", was_clean=True), ""),
            (lambda: self.relay.closed(self.client, None, "", was_clean=False), ""),
            (lambda: self.relay.exceeded(self.client, "a-limit"), "a-limit"),
            (lambda: self.relay.break_off("client broke x", "x", both), "x"),
        ):
            self.setUp()
            end()
            self.assertEqual(self.relay.rule, rule)
            self.relay.exceeded(self.upstream, "another")
            self.assertEqual(self.relay.rule, rule or "another")

    def test_idle(self) -> None:
        """Without any message both are told 1001, not before the time and not long after."""
        self.begin(Limits(websocket_idle_seconds=100))
        self.clock.pump([1] * 90)
        self.relay.received(self.upstream, b"", binary=False)
        self.clock.pump([1] * 99)
        self.assertEqual(self.client.endings, [])
        self.clock.pump([1] * 27)
        expected = [Ending(1001, "idle")]
        self.assertEqual((self.client.endings, self.upstream.endings), (expected, expected))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.telemetry.limits, [("websocket-idle-seconds", 1)])

    def test_idle_and_over(self) -> None:
        """No timer outlives the relay."""
        self.begin(Limits(websocket_idle_seconds=100))
        self.relay.closed(self.client, 1000, "", was_clean=True)
        self.assertEqual(self.clock.getDelayedCalls(), [])
