"""Client ranges: what an address is, which range decides, and that nothing raises."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.policy import clients
from gateway.policy.clients import (
    ClientRange,
    ClientSettings,
    Ranges,
    address_of,
    block_of,
    decide_client,
    network_of,
)


def ranges(*texts: str) -> Ranges:
    """Ranges, each with a place of its own."""
    return Ranges(
        tuple(ClientRange(network_of(text), f"g.toml:{at}") for at, text in enumerate(texts, 1))
    )


class ClientTests(SynchronousTestCase):
    """Tables of ranges and addresses."""

    def test_ranges(self) -> None:
        """A denied range wins, no allowed range is everybody, a mapped address is IPv4."""
        for allow, deny, client, allowed, rule in (
            ((), (), "203.0.113.9", True, ""),
            ((), (), "", True, ""),
            ((), (), "nonsense", True, ""),
            (("203.0.113.0/24",), (), "203.0.113.9", True, "clients.allow '203.0.113.0/24' g.toml:1"),
            (("203.0.113.0/24",), (), "203.0.114.0", False, ""),
            (("203.0.113.0/24",), (), "203.0.112.255", False, ""),
            (("203.0.113.0/24",), (), "::ffff:203.0.113.9", True, "clients.allow '203.0.113.0/24' g.toml:1"),
            (("::ffff:203.0.113.0/120",), (), "203.0.113.9", True, "clients.allow '203.0.113.0/24' g.toml:1"),
            (("203.0.113.0/24",), (), "2001:db8::1", False, ""),
            (("203.0.113.0/24",), (), "", False, ""),
            (("0.0.0.0/0",), (), "::1", False, ""),
            (("0.0.0.0/0",), (), "127.0.0.1", True, "clients.allow '0.0.0.0/0' g.toml:1"),
            (("::/0",), (), "127.0.0.1", False, ""),
            (("::/0",), (), "::ffff:127.0.0.1", False, ""),
            (("10.0.0.0/8", "10.1.0.0/16"), (), "10.1.2.3", True, "clients.allow '10.0.0.0/8' g.toml:1"),
            (("10.0.0.0/8",), ("10.1.0.0/16",), "10.1.2.3", False, "clients.deny '10.1.0.0/16' g.toml:1"),
            (("10.1.2.3",), ("10.0.0.0/8",), "10.1.2.3", False, "clients.deny '10.0.0.0/8' g.toml:1"),
            (("10.0.0.0/8",), ("10.1.0.0/16",), "10.2.0.0", True, "clients.allow '10.0.0.0/8' g.toml:1"),
            ((), ("10.1.0.0/16",), "10.2.0.0", True, ""),
            ((), ("10.1.0.0/16",), "10.1.255.255", False, "clients.deny '10.1.0.0/16' g.toml:1"),
            ((), ("10.1.0.0/16",), "", False, ""),
            ((), ("2001:db8::/32",), "2001:db8:ffff::1", False, "clients.deny '2001:db8::/32' g.toml:1"),
            ((), ("2001:db8::/32",), "2001:db9::1", True, ""),
            ((), ("fe80::/10",), "fe80::1%eth0", False, "clients.deny 'fe80::/10' g.toml:1"),
            ((), ("203.0.113.9",), "203.0.113.9", False, "clients.deny '203.0.113.9/32' g.toml:1"),
            ((), ("203.0.113.9",), "203.0.113.8", True, ""),
        ):  # fmt: skip
            with self.subTest(allow=allow, deny=deny, client=client):
                settings = ClientSettings(ranges(*allow), ranges(*deny))
                decision = decide_client(client, settings)
                self.assertEqual((decision.allowed, decision.rule), (allowed, rule))
                self.assertTrue(decision.reason)
                self.assertEqual(decision.event, events.CLIENT_DENIED)

    @given(st.text(max_size=50), st.booleans())
    def test_never_raises(self, client: str, deny: bool) -> None:
        """Whatever stands where an address should."""
        some = ranges("10.0.0.0/8", "2001:db8::/32")
        settings = ClientSettings(Ranges() if deny else some, some if deny else Ranges())
        self.assertIs(decide_client(client, settings).allowed, False)

    @given(
        st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), min_size=1, max_size=20),
        st.integers(0, 2**32 - 1),
    )
    def test_index(self, given: list[tuple[int, int]], number: int) -> None:
        """The index finds what a walk over all ranges finds."""
        networks = [ip_network((one >> (32 - bits) << (32 - bits), bits)) for one, bits in given]
        address = ip_address(number)
        found = Ranges(tuple(map(ClientRange, networks))).find(address)
        walked = [one for one in networks if address in one]
        self.assertEqual(found is not None, bool(walked))
        if found is not None:
            self.assertIn(found.network, walked)

    def test_addresses(self) -> None:
        """What has no address has none; zones and mappings go."""
        for text, wanted in (
            ("203.0.113.9", "203.0.113.9"), ("::FFFF:203.0.113.9", "203.0.113.9"),
            ("2001:DB8::0001", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("", None),
            ("203.0.113.09", None), ("203.0.113", None), ("localhost", None), (" ::1", None),
            ("/run/socket", None), ("203.0.113.9:80", None), ("[::1]", None),
        ):  # fmt: skip
            found = address_of(text)
            self.assertEqual(found if found is None else str(found), wanted, text)

    def test_blocks(self) -> None:
        """What counts as one client."""
        table = {
            "192.0.2.7": "192.0.2.7",
            "::ffff:192.0.2.7": "192.0.2.7",
            "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
            "2001:db8:1:2::": "2001:db8:1:2::/64",
            "fe80::1%eth0": "fe80::/64",
            "": "",
            "unix": "unix",
        }
        self.assertEqual({one: block_of(one) for one in table}, table)

    def test_what_is_remembered(self) -> None:
        """Addresses as they come; not what a balancer tells at whatever length."""
        long = "fe80::1%" + "x" * 1000
        self.assertEqual(address_of(long), address_of("fe80::1"))
        before = clients._address.cache_info().currsize
        self.assertEqual(address_of(long + "y"), address_of("fe80::1"))
        self.assertEqual(clients._address.cache_info().currsize, before)
        self.assertIs(address_of("192.0.2.99"), address_of("192.0.2.99"))
        self.assertIsNotNone(clients._address.cache_info().maxsize)

    def test_networks(self) -> None:
        """Bits to the right of a range are a mistake."""
        for text in ("10.0.0.1/8", "2001:db8::1/32", "::ffff:10.0.0.1/104", "", "10.0.0.0/33", "x"):
            self.assertRaises(ValueError, network_of, text)
        self.assertEqual(str(network_of("::ffff:0:0/96")), "0.0.0.0/0")
        self.assertEqual(str(network_of("::/0")), "::/0")
