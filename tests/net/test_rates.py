"""Buckets that processes share: chunks, credit, floods, and a store that does not answer."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Spend
from gateway.net import rates as module
from gateway.net.rates import Rates
from gateway.policy.rates import CLIENT, Rate
from tests.net.harness import Remembering


class Buckets:
    """The store's side: one bucket for each key, as the contract has it."""

    def __init__(self) -> None:
        self.levels: dict[bytes, tuple[float, float]] = {}
        self.asked: list[float] = []
        self.held: list[Deferred[float]] | None = None
        self.error: Exception | None = None

    def spend(
        self, key: bytes, cost: float, capacity: float, per_second: float, now: float
    ) -> Deferred[float]:
        self.asked.append(cost)
        if self.error is not None:
            return fail(self.error)
        tokens, at = self.levels.get(key, (capacity, now))
        tokens = min(capacity, tokens + max(0.0, now - at) * per_second)
        wait = 0.0 if tokens >= cost else (cost - tokens) / per_second
        self.levels[key] = (tokens - (cost if not wait else 0.0), max(at, now))
        if self.held is None:
            return succeed(wait)
        made: Deferred[float] = Deferred()
        self.held.append(made)
        made.addCallback(lambda _: wait)
        return made


class RatesTests(SynchronousTestCase):
    """With a clock that the tests turn."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.store = Buckets()
        self.telemetry = Remembering()
        self.rates = self.process()

    def process(self) -> Rates:
        """One more process on the same store."""
        return Rates(self.clock, self.store, self.telemetry, self.clock.seconds)  # type: ignore[arg-type]

    def start(self, rate: Rate, key: bytes = b"k", rates: Rates | None = None) -> Deferred[float]:
        """One request, which may have to wait for the store."""
        need = Spend(CLIENT, key, rate)
        return Deferred.fromCoroutine((rates or self.rates).spend(need, 1.0))

    def ask(self, rate: Rate, key: bytes = b"k", rates: Rates | None = None) -> float:
        """One request; how long it has to wait."""
        return self.successResultOf(self.start(rate, key, rates))

    def passed(self, count: int, rate: Rate, *more: Any) -> int:
        """How many of so many requests at once pass."""
        return sum(not self.ask(rate, *more) for _ in range(count))

    def test_burst_is_exact(self) -> None:
        """One process lets exactly the burst through, whatever its chunk."""
        for burst in (1, 2, 7, 30, 59, 60, 300, 3000):
            with self.subTest(burst=burst):
                self.assertEqual(self.passed(burst + 50, Rate(burst, 1), b"%d" % burst), burst)

    def test_refill(self) -> None:
        """So many each second on the long run, and the wait that is told is enough."""
        for rate in (Rate(10, 2), Rate(300, 10), Rate(5, 0.1)):
            key = repr(rate).encode()
            self.assertEqual(self.passed(400, rate, key), rate.burst)
            wait = self.ask(rate, key)
            self.assertGreater(wait, 0)
            self.assertLessEqual(wait, max(1 / rate.per_second, module._PATIENCE) + 1e-6)
            self.clock.advance(wait + 1e-6)
            self.assertEqual(self.ask(rate, key), 0.0)
            before, seconds = self.passed(50, rate, key), 20 / rate.per_second
            for _ in range(100):
                self.clock.advance(seconds / 100)
                before += self.passed(50, rate, key)
            self.assertLessEqual(abs(before - 20), 2)

    def test_store_is_asked_rarely(self) -> None:
        """A page or two cost it nothing, a page of 300 parts a few questions."""
        rate = Rate(3000, 100)
        self.assertEqual(self.passed(70, rate), 70)
        self.assertEqual(self.store.asked, [])
        self.assertEqual(self.passed(230, rate), 230)
        self.assertLessEqual(len(self.store.asked), 3)
        self.assertEqual(self.store.asked[0], 200, "the first asking pays the credit")
        self.assertEqual(self.passed(2700, rate), 2700)
        self.assertLessEqual(len(self.store.asked), 33)

    def test_flood_does_not_become_the_stores(self) -> None:
        """Who is refused costs no question, and the bucket is asked a few times a second."""
        rate = Rate(100, 50)
        self.passed(500, rate)
        del self.store.asked[:]
        self.assertEqual(self.passed(1000, rate), 0)
        self.assertEqual(self.store.asked, [])
        passed = 0
        for _ in range(300):
            self.clock.advance(0.01)
            passed += self.passed(20, rate)
        self.assertLessEqual(abs(passed - 150), 11)
        # A chunk of three each time, and at the bottom twice in each fifth of a second.
        self.assertLessEqual(len(self.store.asked), 150 / 3 + 2 * 3 / module._PATIENCE)
        limited = self.telemetry.value("gateway_rate_limited_total", limit=CLIENT)
        self.assertEqual(limited, 400 + 1000 + 6000 - passed)

    def test_one_is_limited_and_another_is_not(self) -> None:
        """Buckets have nothing to do with each other."""
        rate = Rate(10, 1)
        self.assertEqual(self.passed(100, rate, b"flood"), 10)
        self.assertEqual(self.passed(10, rate, b"other"), 10)

    def test_two_processes(self) -> None:
        """They share the bucket; each may exceed it by its chunk."""
        for burst in (5, 300):
            rate, other, key = Rate(burst, 0.001), self.process(), b"%d" % burst
            passed = 0
            for _ in range(burst):
                passed += self.passed(1, rate, key) + self.passed(1, rate, key, other)
            self.assertGreaterEqual(passed, burst - rate.chunk)
            self.assertLessEqual(passed, burst + 2 * rate.chunk)

    def test_one_question_at_a_time(self) -> None:
        """Requests that come together wait for one answer, and each passes on its own merit."""
        rate = Rate(60, 1)
        self.store.held = []
        waiting = [self.start(rate) for _ in range(70)]
        answers = 0
        while self.store.held:
            self.assertEqual(len(self.store.held), 1)
            answers += 1
            self.store.held.pop().callback(None)
        results = [self.successResultOf(one) for one in waiting]
        self.assertEqual(sum(not one for one in results), 60)
        self.assertLessEqual(answers, 32)

    @given(
        st.sampled_from((1, 2, 10, 59, 90, 300)),
        st.sampled_from((0.1, 1, 7, 50)),
        st.lists(
            st.tuples(st.integers(0, 2), st.integers(1, 60), st.sampled_from((0, 0.01, 0.3, 2))),
            min_size=1,
            max_size=40,
        ),
    )
    def test_never_more_than_that(
        self, burst: int, per_second: float, turns: list[tuple[int, int, float]]
    ) -> None:
        """Whoever asks where and when: burst, what came since, and a chunk for each process."""
        self.setUp()
        rate, began = Rate(burst, per_second), self.clock.seconds()
        processes, passed, wait = [self.process() for _ in range(3)], 0, 0.0
        for number, count, pause in turns:
            self.clock.advance(pause)
            for _ in range(count):
                wait = self.ask(rate, rates=processes[number])
                passed += not wait
        more = (self.clock.seconds() - began) * per_second
        self.assertLessEqual(passed, burst + more + 3 * rate.chunk + 1e-6)
        self.assertGreaterEqual(
            passed, min(burst, sum(count for _, count, _ in turns)) - 2 * rate.chunk
        )
        # And who waits as long as they are told passes, unless others took it meanwhile.
        if wait and len({number for number, _, _ in turns}) == 1:
            self.clock.advance(wait + 1e-6)
            self.assertEqual(self.ask(rate, rates=processes[turns[-1][0]]), 0.0)

    def test_cancelled(self) -> None:
        """A client that leaves while it waits takes nobody with it."""
        rate = Rate(1, 1)
        self.ask(rate)
        self.store.held = []
        first, second = self.start(rate), self.start(rate)
        first.addErrback(lambda _: None)
        first.cancel()
        self.store.held = self.store.held[:1]
        while self.store.held:
            self.store.held.pop(0).callback(None)
        self.assertGreater(self.successResultOf(second), 0)

    def test_store_away(self) -> None:
        """Everybody passes, one event tells, the store is left alone for a while."""
        rate = Rate(10, 1)
        for error in (StoreUnavailable("away"), ValueError("a fault of ours")):
            self.store.error = error
            key = repr(error).encode()
            del self.telemetry.events[:], self.store.asked[:]
            self.assertEqual(self.passed(100, rate, key), 100)
            self.assertEqual(self.telemetry.codes(), [events.RATES_UNSHARED])
            self.assertEqual(len(self.store.asked), 1)
            self.clock.advance(module._AWAY_SECONDS - 0.1)
            self.assertEqual(self.passed(100, rate, key), 100)
            self.assertEqual(len(self.store.asked), 1)
            self.clock.advance(1)
            self.store.error = None
            self.assertLessEqual(self.passed(100, rate, key), 2 * rate.burst)
            self.assertGreater(self.ask(rate, key), 0)

    def test_store_slow(self) -> None:
        """A request waits for so long and no longer."""
        rate = Rate(1, 1)
        self.ask(rate)
        self.store.held = []
        waiting = self.start(rate)
        self.clock.advance(0.9)
        self.assertNoResult(waiting)
        self.clock.advance(0.2)
        self.assertEqual(self.successResultOf(waiting), 0.0)
        self.assertEqual(self.telemetry.codes(), [events.RATES_UNSHARED])

    def test_memory_is_bounded(self) -> None:
        """So many buckets are known, the longest unused one goes; idle ones begin anew."""
        self.patch(module, "MOST", 10)
        rate = Rate(2, 1)
        for number in range(30):
            self.ask(rate, b"%d" % number)
        self.assertEqual(len(self.rates._held), 10)
        self.assertIn(b"29", self.rates._held)
        self.assertEqual(self.passed(5, rate, b"idle"), 2)
        self.clock.advance(rate.fill_seconds + 0.1)
        self.assertEqual(self.passed(5, rate, b"idle"), 2)
