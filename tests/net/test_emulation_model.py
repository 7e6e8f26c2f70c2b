"""An emulated leg under any order of losses, retries, pauses and polls, against a model of it.

Requests come in parts, break off anywhere, known to the gateway or not, and come again.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.arriving import Arriving
from gateway.net.emulation import EmulatedLeg, Made
from gateway.net.settings import Limits
from gateway.net.telemetry import Silent
from gateway.websocket.closing import Ending
from gateway.websocket.emulation.extensions import Extensions
from gateway.websocket.emulation.frames import RECONNECT, Decoder, Kind, message
from gateway.websocket.emulation.request import Opening, Wishes
from tests.net.test_emulation_response import FakeClient

LIMITS = Limits(emulation_buffer_bytes=600, emulation_response_bytes=900, emulation_retry_bytes=500)


class Relay:
    """The site's side: what it got, and whether it may send."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.is_congested = False
        self.closings: list[tuple] = []

    def received(self, leg: Any, payload: bytes, *, binary: bool) -> None:
        self.got.append(payload)

    def congested(self, leg: Any) -> None:
        assert not self.is_congested
        self.is_congested = True

    def relieved(self, leg: Any) -> None:
        assert self.is_congested
        self.is_congested = False

    def coming(self, leg: Any) -> None:
        """Nobody judges times here."""

    def closed(self, leg: Any, code: Any, reason: Any, *, was_clean: bool) -> None:
        self.closings.append((code, reason, was_clean))


class Browser:
    """A client that loses connections and asks again."""

    def __init__(self) -> None:
        self.clock, self.relay = Clock(), Relay()
        self.over = False
        made = Made(Opening(0, False, False), Extensions(close=True, retry=True), True)
        self.leg = EmulatedLeg(made, LIMITS, self.clock, Silent(), self._over)
        self.leg.attach(self.relay)  # type: ignore[arg-type]
        self.sent: list[bytes] = []  # by the site
        self.said: list[bytes] = []  # by us
        self.octets = b""
        self.have = b""
        self.number = self.up_number = 0
        self.body = b""
        self.waiting: Any = None
        self.source: Any = None
        self.coming = b""  # what of the body is still under way
        self.down: FakeClient | None = None
        self.faults: list[int] = []
        self.abandoned: list[tuple[Arriving, bytes]] = []

    def _over(self) -> None:
        self.over = True

    # The site.

    def site(self, size: int) -> None:
        if not self.relay.is_congested:
            payload = bytes([len(self.sent) % 256]) * size
            self.sent.append(payload)
            self.leg.send(payload, binary=True)

    # Downstream.

    def written(self) -> bytes:
        assert self.down is not None
        return self.start + b"".join(one[1] for one in self.down.told if one[0] == "write")

    def ask(self, *, again: bool, poll: bool) -> None:
        self.number += not again
        self.start = self.have if again else b""
        self.have = self.start
        self.down = client = FakeClient()
        found = self.leg.receive(client, self.number, Wishes(poll, None, None, len(self.have)), ())
        if isinstance(found, int):
            self.faults.append(found)

    def read(self, part: float) -> None:
        """Read so much of what came; a response that was read to its end is followed by the next."""
        if self.down is None:
            self.ask(again=False, poll=part > 0.5)
            return
        there = self.written()
        self.have = there[: len(self.have) + round((len(there) - len(self.have)) * part)]
        if "finish" in self.down.names and self.have == there:
            assert there.endswith(RECONNECT), there
            self.octets += there.removesuffix(RECONNECT)
            self.have, self.down = b"", None

    def lose(self, poll: float) -> None:
        """The connection breaks, unnoticed by the gateway for one in three."""
        if self.down is not None:
            if poll < 0.66:
                self.down.is_gone = True
                for callback in self.down.callbacks:
                    callback()
            self.ask(again=True, poll=poll > 0.4)

    # Upstream.

    def up(self, given: tuple[int, float]) -> None:
        """A request whose body has come so far, if no other one is under way."""
        count, part = given
        if self.waiting is None and not self.coming:
            new = [b"%d" % (len(self.said) + one) for one in range(count)]
            self.said += new
            self.up_number += 1
            self.body = b"".join(message(one, binary=False) for one in new) + RECONNECT
            self._post(part)

    def more_up(self, part: float) -> None:
        """More of its body comes."""
        if self.coming:
            size = round(len(self.coming) * part)
            octets, self.coming = self.coming[:size], self.coming[size:]
            self.source.add(octets)
            if not self.coming:
                self.source.end()

    def lose_up(self, given: tuple[bool, float]) -> None:
        """Answer or body is lost, known to the gateway or not; it is sent again as it was."""
        known, part = given
        if not self.up_number:
            return
        if known and self.source is not None:
            self.source.lose()
            if isinstance(self.waiting, Deferred):
                self.waiting.addErrback(lambda _: None)
                self.waiting.cancel()
        elif self.coming:
            self.abandoned.append((self.source, self.coming))
        self._post(part)

    def late_up(self, part: float) -> None:
        """Of a request that was given up, more comes, its end perhaps."""
        if self.abandoned:
            source, coming = self.abandoned.pop()
            source.add(coming[: round(len(coming) * part)])
            if part == 1:
                source.end()
            else:
                source.lose()

    def _post(self, part: float) -> None:
        self.waiting = None
        self.source, self.coming = Arriving(BytesIO()), b""
        size = round(len(self.body) * part)
        self.source.add(self.body[:size])
        if size == len(self.body):
            self.source.end()
        else:
            self.coming = self.body[size:]
        found = self.leg.upward(self.up_number, self.source, 10**6)
        if isinstance(found, Deferred):
            mine = self.source
            found.addCallback(
                lambda status: self._answered(status) if mine is self.source else None
            )
            self.waiting = None if found.called else found
        else:
            self._answered(found)

    def _answered(self, status: int) -> None:
        self.waiting = None
        if status != 200:
            self.faults.append(status)

    def settle(self) -> None:
        """Everything that is under way arrives."""
        self.leg.resume()
        self.more_up(1.0)
        for _ in range(60):
            self.clock.advance(0)
            self.read(1.0)
        if self.down is not None:
            self.octets += self.written().removesuffix(RECONNECT)

    def messages(self) -> list[bytes]:
        decoder = Decoder(10**6)
        decoder.feed(self.octets)
        found = []
        while (frame := decoder.next()) is not None:
            if frame.kind is Kind.BINARY:
                found.append(frame.payload)
        assert decoder.is_between
        return found


PARTS = st.one_of(st.just(1.0), st.floats(0, 1))
"""How much of something comes; all of it, as often as not."""
STEPS = st.one_of(
    st.tuples(st.just("site"), st.integers(0, 300)),
    st.tuples(st.just("read"), st.floats(0, 1)),
    st.tuples(st.just("lose"), st.floats(0, 1)),
    st.tuples(st.just("up"), st.tuples(st.integers(1, 4), PARTS)),
    st.tuples(st.just("more_up"), PARTS),
    st.tuples(st.just("lose_up"), st.tuples(st.booleans(), PARTS)),
    st.tuples(st.just("late_up"), PARTS),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("tick"), st.floats(0, 8)),
)


class ModelTests(SynchronousTestCase):
    """Nothing is lost, nothing comes twice, nothing is out of order."""

    @settings(max_examples=300, deadline=None)
    @given(st.lists(STEPS, max_size=60))
    @example([("pause", None), ("up", (2, 1.0)), ("lose_up", (True, 1.0)), ("resume", None)])
    @example([("up", (4, 0.6)), ("lose_up", (True, 0.3)), ("lose_up", (False, 0.9))])
    @example([("up", (4, 0.9)), ("lose_up", (False, 0.5)), ("late_up", 1.0), ("more_up", 1.0)])
    def test_anything(self, steps: list[tuple[str, Any]]) -> None:
        """Whatever happens in whatever order, as long as the client comes back in time."""
        browser, held = Browser(), None
        for what, more in steps:
            if what == "pause":
                browser.leg.pause()
                held = len(browser.relay.got)
            elif what == "resume":
                browser.leg.resume()
                held = None
            elif what == "tick":
                browser.clock.advance(more)
                if browser.down is None:
                    browser.ask(again=False, poll=more > 4)
            else:
                getattr(browser, what)(more)
            self.assertIn(held, {None, len(browser.relay.got)})
            queued = browser.leg._down.queued
            self.assertLessEqual(queued, LIMITS.emulation_buffer_bytes + 64 + 310)
        browser.settle()
        self.assertEqual((browser.faults, browser.relay.closings), ([], []))
        self.assertEqual(browser.messages(), browser.sent)
        self.assertEqual(browser.relay.got, browser.said)
        self.assertFalse(browser.relay.is_congested)
        browser.leg.end(Ending(drop=True))
        self.assertTrue(browser.over)
        self.assertEqual(browser.clock.getDelayedCalls(), [])
