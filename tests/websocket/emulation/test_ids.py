"""Ids: ours or not, and bound to who made them."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.emulation import ids
from gateway.websocket.emulation.ids import Bond

KEYS = {1: b"k" * 32, 2: b"l" * 32}
BOND = Bond(b"p" * 32, "https://a.example", "b.example")
TEXT = ids.make("n1-0", 2, KEYS[2], bytes(16), BOND)


class IdsTests(SynchronousTestCase):
    """Made, read, bound."""

    def test_round_trip(self) -> None:
        """An id tells its process, and who shows it."""
        found = ids.read(TEXT, KEYS.get)
        assert found is not None
        self.assertEqual((found.node, found.generation), ("n1-0", 2))
        self.assertTrue(found.is_bound_to(BOND, KEYS[2]))
        self.assertLessEqual(len(TEXT), 128)
        self.assertRegex(TEXT, r"\A[A-Za-z0-9_.-]+\Z")
        self.assertNotIn(TEXT.rpartition(".")[2], repr(found))

    def test_others(self) -> None:
        """Another session, none, another origin, another host: not bound."""
        found = ids.read(TEXT, KEYS.get)
        assert found is not None
        for change in (
            {"person": b"q" * 32}, {"person": b""}, {"origin": ""}, {"origin": "https://a.example:1"},
            {"host": "c.example"}, {"origin": "https://a.exampleb", "host": ".example"},
        ):  # fmt: skip
            self.assertFalse(found.is_bound_to(attrs.evolve(BOND, **change), KEYS[2]), change)
        self.assertFalse(found.is_bound_to(BOND, KEYS[1]))

    def test_not_ours(self) -> None:
        """A part of another id, another key, a retired one, a guess."""
        parts = TEXT.split(".")
        other = ids.make("n1-0", 2, KEYS[2], b"\1" * 16, BOND).split(".")
        for text in (
            "", "a", TEXT + "a", TEXT[:-1], TEXT.upper(), ".".join(parts[:4]), TEXT + "\n",
            ".".join([*parts[:2], other[2], *parts[3:]]),
            ".".join(["n2-0", *parts[1:]]),
            ".".join([parts[0], "1", *parts[2:]]),
            ".".join([parts[0], "3", *parts[2:]]),
        ):  # fmt: skip
            self.assertIsNone(ids.read(text, KEYS.get), text)
        swapped = ids.read(".".join([*parts[:4], other[4]]), KEYS.get)
        assert swapped is not None
        self.assertFalse(swapped.is_bound_to(BOND, KEYS[2]))

    @given(st.integers(0, len(TEXT) - 1), st.characters(codec="ascii"))
    def test_each_character_counts(self, at: int, instead: str) -> None:
        """One character changed: another id, which nobody may show."""
        text = TEXT[:at] + instead + TEXT[at + 1 :]
        found = ids.read(text, KEYS.get)
        allowed = found is not None and found.is_bound_to(BOND, KEYS[2])
        self.assertEqual(allowed, text == TEXT)

    def test_randomness(self) -> None:
        """Fewer octets than 128 bits make none."""
        self.assertRaises(ValueError, ids.make, "n", 2, KEYS[2], b"short", BOND)
