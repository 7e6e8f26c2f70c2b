"""Counts, buckets and codes; no clock but the tables'."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.limits import (
    BURST_SECONDS,
    CODES,
    STATUSES,
    Bounds,
    Bucket,
    Counts,
    Holder,
    Meter,
    meter,
)

ONE = Holder("10.0.0.1", b"s", "https://page.example", "https://up.example")


class CountsTests(SynchronousTestCase):
    """How many for whom."""

    def test_each_bound(self) -> None:
        """The limit that is reached is named, and nothing is counted then."""
        others = {
            "connections": Holder(),
            "per_address": Holder(address=ONE.address),
            "per_session": Holder(session=ONE.session),
            "per_page": Holder(page=ONE.page),
            "per_upstream": Holder(upstream=ONE.upstream),
        }
        for name, second in others.items():
            counts, bounds = Counts(), Bounds(**{name: 1})
            key = "websocket-connections" + name.removeprefix("connections").replace("per", "-per")
            key = key.replace("_", "-")
            self.assertEqual(counts.take(ONE, bounds), "", name)
            self.assertEqual(counts.take(second, bounds), key)
            self.assertEqual(counts.total, 1)
            self.assertIn(key, STATUSES)
            counts.give(ONE)
            self.assertEqual(counts.take(second, bounds), "", name)

    def test_somebody_else(self) -> None:
        """Bounds are for each; what is empty is nobody's."""
        counts = Counts()
        bounds = Bounds(9, 1, 1, 1, 1)
        other = Holder("10.0.0.2", b"t", "https://other.example", "https://another.example")
        for holder in (ONE, other, Holder(), Holder()):
            self.assertEqual(counts.take(holder, bounds), "", holder)

    def test_no_bounds(self) -> None:
        """0 is none."""
        counts = Counts()
        for _ in range(100):
            self.assertEqual(counts.take(ONE, Bounds()), "")

    @settings(deadline=None)
    @given(st.lists(st.sampled_from((ONE, Holder(), Holder("10.0.0.1"), Holder("", b"s")))))
    def test_all_given_back(self, holders: list[Holder]) -> None:
        """Nothing is left of anybody."""
        counts = Counts()
        for holder in holders:
            counts.take(holder, Bounds())
        for holder in reversed(holders):
            counts.give(holder)
        self.assertEqual((counts.total, len(counts)), (0, 0))

    def test_names(self) -> None:
        """Sessions are secrets: no repr shows one."""
        self.assertNotIn("s3cret", repr(Holder(session=b"s3cret")))


class BucketTests(SynchronousTestCase):
    """Tokens and times."""

    def test_table(self) -> None:
        """A burst passes, then what flows in; the wait is exact."""
        bucket = Bucket(10, 0)
        table = [
            (0.0, 10 * BURST_SECONDS, 0.0),
            (0.0, 1, 0.1),
            (0.1, 0, 0.0),
            (0.1, 5, 0.5),
            (0.6, 0, 0.0),
            (1000.0, 10 * BURST_SECONDS, 0.0),
            (1000.0, 20, 2.0),
        ]
        for now, amount, wait in table:
            self.assertAlmostEqual(bucket.spend(amount, now), wait, 6, str((now, amount)))

    def test_clock_put_back(self) -> None:
        """Nobody waits for a clock to come to where it was."""
        bucket = Bucket(10, 5000.0)
        self.assertEqual(bucket.spend(1, 1000.0), 0.0)
        self.assertEqual(bucket.spend(10 * BURST_SECONDS - 1, 1000.0), 0.0)
        self.assertAlmostEqual(bucket.spend(1, 1000.0), 0.1)
        self.assertEqual(bucket.spend(0, 1000.1), 0.0)

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 50)), max_size=60))
    def test_never_more_than_the_rate(self, steps: list[tuple[float, int]]) -> None:
        """Who waits as told gets a burst and the rate, and one message more at most."""
        now, spent, bucket = 0.0, 0, Bucket(10, 0.0)
        for pause, amount in steps:
            now += pause
            spent += amount
            now += bucket.spend(amount, now)
            self.assertLessEqual(spent, 10 * BURST_SECONDS + 10 * now + 1e-6)


class MeterTests(SynchronousTestCase):
    """What one leg may send."""

    def test_messages_and_octets(self) -> None:
        """Each by itself; the longer wait counts, and names its key."""
        one = Meter(10, 1000, 30, 0)
        self.assertEqual(one.spend(50, 0, 0), 0)
        self.assertFalse(one.is_strained)
        self.assertAlmostEqual(one.spend(1, 0, 0), 0.1)
        self.assertEqual((one.key, one.is_strained), ("websocket-messages-per-second", True))
        self.assertAlmostEqual(one.spend(1, 10_000, 0), 5.0)
        self.assertEqual(one.key, "websocket-bytes-per-second")

    def test_grace(self) -> None:
        """Who goes on at the rate is over after the grace; who was slow for a while is not."""
        one = Meter(10, 0, 30, 0)
        now = 0.0
        while not one.is_over(now):
            now += one.spend(5, 0, now)
            self.assertLess(now, 60)
        self.assertGreater(now, 30)
        one = Meter(10, 0, 30, 0)
        now = 0.0
        for _ in range(20):
            while not one.is_strained:
                now += one.spend(5, 0, now)
            now += 10
            one.spend(1, 0, now)
            self.assertFalse(one.is_over(now))

    def test_no_grace(self) -> None:
        """0: it is read slowly for as long as it likes."""
        one = Meter(10, 0, 0, 0)
        one.spend(1000, 0, 0)
        self.assertTrue(one.is_strained)
        self.assertFalse(one.is_over(1e9))

    def test_none(self) -> None:
        """Nothing to measure: no meter at all."""
        self.assertIsNone(meter(0, 0, 30, 0))
        found = meter(0, 10, 30, 0)
        assert found is not None
        self.assertEqual(found.spend(1_000_000, 0, 0), 0)
        self.assertGreater(found.spend(0, 1000, 0), 0)

    def test_codes(self) -> None:
        """Every limit of an open WebSocket has a code that may be written."""
        for key, code in CODES.items():
            self.assertIn(code, {1001, 1008, 1009, 1013}, key)
