"""Tallies of failed tries in the store."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import StoreUnavailable
from gateway.exchange import locks
from gateway.exchange.messages import Commit, NeedNow
from gateway.policy.lockout import Lockout
from tests.exchange import Shell, context
from tests.session import NOW

RULES = Lockout()


class LocksTests(SynchronousTestCase):
    """Charged before, cleared after; by name and address."""

    def setUp(self) -> None:
        """One store for all tries of a test."""
        self.shell = Shell()
        self.time = NOW
        self.shell.replies[NeedNow] = lambda _: self.time

    def charge(self, user: str = "ada", block: str = "192.0.2.1") -> int:
        """The wait."""
        return self.shell.run(locks.charge(self.place(user, block), RULES))  # type: ignore[arg-type, return-value]

    def place(self, user: str = "ada", block: str = "192.0.2.1") -> locks.Place:
        """Where the tallies are."""
        return locks.place(user, block, context())

    def test_growing(self) -> None:
        """Five tries, then waits that double; another address and name are not concerned."""
        waits = []
        for _ in range(12):
            while wait := self.charge():
                waits.append(wait)
                self.time += wait
        self.assertEqual(waits, [1, 2, 4, 8, 16, 32, 64])
        self.assertEqual(self.charge(block="192.0.2.2"), 0)
        self.assertEqual(self.charge(user="bob"), 0)

    def test_cleared(self) -> None:
        """A success leaves nothing."""
        for _ in range(5):
            self.charge()
        self.assertEqual(self.charge(), 1)
        self.shell.run(locks.clear(self.place(), RULES))  # type: ignore[arg-type]
        self.assertEqual(self.charge(), 0)

    def test_address_and_name(self) -> None:
        """Failures count for the address and the name, too."""
        for number in range(50):
            place = self.place(f"user{number}")
            self.assertEqual(self.shell.run(locks.charge(place, RULES)), 0)  # type: ignore[arg-type, return-value]
        self.assertEqual(self.charge(), 1)
        self.assertEqual(self.charge(block="192.0.2.2"), 0)

    def test_taken_back(self) -> None:
        """A success, and a try whose password nobody looked at, count for nobody."""
        for undo in (locks.clear, locks.take_back):
            for number in range(120):
                self.shell.random = 0  # it has 256
                place = self.place(f"user{number}")
                self.assertEqual(self.shell.run(locks.charge(place, RULES)), 0)  # type: ignore[arg-type, return-value]
                self.shell.run(undo(place, RULES))  # type: ignore[arg-type]
        for _ in range(8):
            self.assertEqual(self.charge(), 0)
            self.shell.run(locks.take_back(self.place(), RULES))  # type: ignore[arg-type]

    def test_the_store_learns_nothing(self) -> None:
        """Neither names nor addresses, nor which tally is whose."""
        self.charge("the-user")
        text = repr(self.shell.rows) + repr(
            [row.sealed for rows in self.shell.rows.values() for row in rows.values()]
        )
        self.assertNotIn("the-user", text)
        self.assertNotIn("192.0.2.1", text)
        self.assertNotIn("the-user", repr(self.place("the-user")))

    def test_faster_others(self) -> None:
        """A tally that somebody else changed is read again, and not for ever."""
        self.shell.replies[Commit] = lambda _: False
        with self.assertRaises(StoreUnavailable):
            self.charge()

    def test_odd_names(self) -> None:
        """As long and strange as a request can make them."""
        for user in ("", "x" * 5000, "\U0001f600", "a b"):
            self.assertEqual(self.charge(user, "2001:db8::/64"), 0)
        self.assertEqual(attrs.asdict(self.place())["attempts"], 3)
