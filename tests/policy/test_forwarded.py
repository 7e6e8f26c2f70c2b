"""Forwarded fields: read from the right, believed from listed hops, harmless otherwise."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.clients import address_of
from gateway.policy.forwarded import FORWARDED, X_FORWARDED_FOR, ForwardedSettings, client_of
from tests.policy.test_clients import ranges

TRUSTED = ranges("10.0.0.0/8", "2001:db8:ffff::/48")
PEER = "10.0.0.1"
REAL = "203.0.113.9"
SIX = "2001:db8::7"


class ForwardedTests(SynchronousTestCase):
    """Tables for both fields."""

    def told(self, field: str, *values: bytes, peer: str = PEER) -> tuple[str, bool]:
        """The client, and whether there is a note."""
        found = client_of(peer, values, ForwardedSettings(TRUSTED, field))
        return found.address, bool(found.note)

    def test_x_forwarded_for(self) -> None:
        """Addresses one after another, with ports where somebody writes them."""
        for values, wanted, noted in (
            ((), PEER, False),
            ((b"203.0.113.9",), REAL, False),
            ((b"6.6.6.6, 203.0.113.9",), REAL, False),
            ((b"6.6.6.6", b"203.0.113.9"), REAL, False),
            ((b"203.0.113.9, 10.0.0.7",), REAL, False),
            ((b"203.0.113.9", b"10.0.0.7,10.0.0.8"), REAL, False),
            ((b"203.0.113.9, 10.0.0.7, 6.6.6.6",), "6.6.6.6", False),
            ((b"10.0.0.9, 10.0.0.7",), "10.0.0.9", False),
            ((b"garbage, 203.0.113.9",), REAL, False),
            ((b"203.0.113.9:4711",), REAL, False),
            ((b"2001:db8::7",), SIX, False),
            ((b"[2001:db8::7]",), SIX, False),
            ((b"[2001:db8::7]:443",), SIX, False),
            ((b"2001:db8:ffff::1",), "2001:db8:ffff::1", False),
            ((b"203.0.113.9, 2001:db8:ffff::1",), REAL, False),
            ((b"::ffff:203.0.113.9",), REAL, False),
            ((b"203.0.113.9,, ,",), REAL, False),
            ((b" \t203.0.113.9\t ",), REAL, False),
            ((b"",), PEER, False),
            ((b"203.0.113.9, garbage",), PEER, True),
            ((b"garbage, 10.0.0.7",), PEER, True),
            ((b"unknown",), PEER, True),
            ((b"203.0.113.09",), PEER, True),
            ((b"203.0.113.9:",), PEER, True),
            ((b"203.0.113.9:999999",), PEER, True),
            ((b"[203.0.113.9",), PEER, True),
            ((b"203.0.113.9;x",), PEER, True),
            ((b'"203.0.113.9"',), PEER, True),
            ((b"\xff\xfe",), PEER, True),
            ((b"203.0.113.9," + b"10.0.0.7," * 40,), PEER, True),
            ((b"203.0.113.9," + b" " * 5000,), PEER, True),
            ((b"1" * 5000 + b"1.2.3.4",), PEER, True),
        ):
            with self.subTest(values=values):
                self.assertEqual(self.told(X_FORWARDED_FOR, *values), (wanted, noted))

    def test_forwarded(self) -> None:
        """RFC 7239: parameters in any order, quoted strings, ports, names of no address."""
        for values, wanted, noted in (
            ((), PEER, False),
            ((b"for=203.0.113.9",), REAL, False),
            ((b"FOR=203.0.113.9;Proto=https;by=10.0.0.1",), REAL, False),
            ((b"proto=https ; for=203.0.113.9",), REAL, False),
            ((b'for="203.0.113.9:4711"',), REAL, False),
            ((b'for="[2001:db8::7]"',), SIX, False),
            ((b'for="[2001:db8::7]:443";proto=https',), SIX, False),
            ((b'for="[2001:db8::7]:_port"',), SIX, False),
            ((b"for=6.6.6.6, for=203.0.113.9",), REAL, False),
            ((b"for=203.0.113.9", b"for=10.0.0.7;by=_x"), REAL, False),
            ((b'host="a, for=6.6.6.6";for=203.0.113.9',), REAL, False),
            ((b'for=203.0.113.9;host="a, for=6.6.6.6"',), REAL, False),
            # A client's open quote does not swallow what the balancer writes behind it.
            ((b'for="6.6.6.6', b"for=203.0.113.9"), REAL, False),
            ((b'for="6.6.6.6', b'for="[2001:db8::7]"'), SIX, False),
            ((b'for="6.6.6.6\\', b'for="203.0.113.9"'), REAL, False),
            # Nor does an escaped one begin an element inside the balancer's own.
            ((b'for=203.0.113.9;host="\\", for=6.6.6.6;a=\\""',), REAL, False),
            ((b"for=unknown",), PEER, True),
            ((b"for=_hidden",), PEER, True),
            ((b"for=203.0.113.9, for=unknown",), PEER, True),
            ((b"proto=https",), PEER, True),
            ((b"for=203.0.113.9;for=6.6.6.6",), PEER, True),
            ((b"for=203.0.113.9 x",), PEER, True),
            ((b"for",), PEER, True),
            ((b"for=",), PEER, True),
            ((b"for=203.0.113.9;",), PEER, True),
            ((b'for="203.0.113.9',), PEER, True),
            ((b"203.0.113.9",), PEER, True),
        ):
            with self.subTest(values=values):
                self.assertEqual(self.told(FORWARDED, *values), (wanted, noted))

    def test_only_from_listed_hops(self) -> None:
        """Whoever is not listed counts for themselves, whatever they say."""
        for peer in ("203.0.113.1", "11.0.0.1", "2001:db8::1", "", "/run/socket"):
            for field in (FORWARDED, X_FORWARDED_FOR):
                self.assertEqual(self.told(field, b"6.6.6.6", peer=peer), (peer, False))
        mapped = self.told(X_FORWARDED_FOR, b"203.0.113.9", peer="::ffff:10.0.0.1")
        self.assertEqual(mapped, (REAL, False))

    @given(st.sampled_from((FORWARDED, X_FORWARDED_FOR)), st.lists(st.binary(max_size=80)))
    @example(FORWARDED, [b'for="\\'])
    @example(FORWARDED, [b"="])
    def test_never_raises(self, field: str, values: list[bytes]) -> None:
        """Whatever comes, somebody is the client: an address, or the peer."""
        address, _ = self.told(field, *values)
        self.assertIsNotNone(address_of(address))

    @given(st.text(st.sampled_from('for=,;"\\ 10.6:[]unkow'), max_size=60))
    def test_what_clients_write_is_never_read(self, text: str) -> None:
        """The balancer's own element decides, whatever stands to its left."""
        sent = text.encode("latin-1")
        self.assertEqual(self.told(FORWARDED, sent, b"for=203.0.113.9;proto=https"), (REAL, False))
        self.assertEqual(self.told(FORWARDED, sent, b'for="[2001:db8::7]:1"'), (SIX, False))
        self.assertEqual(self.told(X_FORWARDED_FOR, sent, b"203.0.113.9"), (REAL, False))
        self.assertEqual(self.told(X_FORWARDED_FOR, sent + b", 203.0.113.9"), (REAL, False))
