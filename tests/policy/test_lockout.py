"""Waits after failed tries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.lockout import (
    Lockout,
    Rule,
    Tally,
    current,
    delay,
    failed,
    lives,
    load,
    succeeded,
    wait,
    wait_for,
)

NOW = 1_800_000_000
ALL = Lockout()
TALLIES = st.builds(Tally, st.integers(0, 2**31), st.integers(0, 2**40), st.integers(0, 2**40))


class LockoutTests(SynchronousTestCase):
    """Tables and properties."""

    def test_delays(self) -> None:
        """Free ones first, then doubling, then the bound."""
        rule = Rule(free=3, first=2, bound=100)
        table = {0: 0, 2: 0, 3: 2, 4: 4, 5: 8, 8: 64, 9: 100, 10: 100, 2**31: 100}
        self.assertEqual({n: delay(n, rule) for n in table}, table)

    def test_time_goes_by(self) -> None:
        """A wait ends; failures are forgotten; a clock that was set back locks no longer."""
        tally = Tally(10, NOW)
        self.assertEqual(wait(tally, ALL.pair, NOW, ALL), 32)
        self.assertEqual(wait(tally, ALL.pair, NOW + 31, ALL), 1)
        self.assertEqual(wait(tally, ALL.pair, NOW + 32, ALL), 0)
        self.assertEqual(wait(tally, ALL.pair, NOW - 99999, ALL), 32)
        long = ALL.forget + ALL.pair.bound
        self.assertEqual(current(tally, NOW + long, ALL).failures, 10)
        self.assertEqual(current(tally, NOW + long + 1, ALL).failures, 0)
        self.assertEqual(failed(tally, NOW + long + 1, ALL), Tally(1, NOW + long + 1))

    def test_decision(self) -> None:
        """Pair, user and address together."""
        none, many = Tally(), Tally(1000, NOW)
        known = Tally(0, 0, NOW - 100)
        table = (
            # pair, user, address, wait
            (none, none, none, 0),
            (Tally(4, NOW), none, none, 0),
            (Tally(5, NOW), none, none, 1),
            (none, many, none, 0),  # failures from elsewhere lock nobody out ...
            (Tally(1, NOW), many, none, 1),  # ... but leave one free try
            (Tally(3, NOW), many, none, 4),
            (none, none, many, 900),
            (known, none, many, 0),  # who signed in from there is not locked by others
            (Tally(5, NOW, NOW - 100), none, many, 1),
            (Tally(0, 0, NOW - ALL.known), none, many, 900),
        )
        for number, (pair, user, address, wanted) in enumerate(table):
            self.assertEqual(wait_for(pair, user, address, NOW, ALL), wanted, number)

    @given(TALLIES, TALLIES, TALLIES, st.integers(1, 2**40))
    def test_bounded(self, pair: Tally, user: Tally, address: Tally, now: int) -> None:
        """No wait is longer than the bound, whatever anybody did; a success ends the pair's."""
        self.assertIn(wait_for(pair, user, address, now, ALL), range(901))
        self.assertEqual(wait(succeeded(now), ALL.pair, now, ALL), 0)
        self.assertEqual(wait_for(succeeded(now), user, address, now, ALL), 0)
        self.assertGreaterEqual(lives(pair, ALL), pair.at)

    @given(TALLIES)
    def test_dumped(self, tally: Tally) -> None:
        """Octets and back."""
        self.assertEqual(load(tally.dump()), tally)

    def test_no_dump(self) -> None:
        """Anything else is a fresh one."""
        for text in (None, b"", b"x" * 19, b"x" * 21):
            self.assertEqual(load(text), Tally())
