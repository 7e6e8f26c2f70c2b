"""Which addresses may be connected to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import parse
from gateway.policy.addresses import BAD_PORTS, AddressSettings, forms, why_closed

STRICT = AddressSettings()

# (first address, last address, the neighbour before, the neighbour after); "-": no open one.
CLOSED_V4 = (
    ("0.0.0.0", "0.255.255.255", "-", "1.0.0.0"),
    ("10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"),
    ("100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"),
    ("127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"),
    ("169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"),
    ("172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"),
    ("192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"),
    ("192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"),
    ("192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"),
    ("192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"),
    ("198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"),
    ("198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"),
    ("203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"),
    ("224.0.0.0", "239.255.255.255", "223.255.255.255", "-"),
    ("240.0.0.0", "255.255.255.255", "-", "-"),
)
CLOSED_V6 = (
    ("::", "::1", "-", "-"),
    ("::2", "::ffff", "-", "-"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "-", "-"),
    ("100::", "100::ffff:ffff:ffff:ffff", "-", "-"),
    ("1fff::", "1fff:ffff::", "-", "-"),
    ("2001::", "2001:1ff:ffff::", "2000:ffff::", "2001:200::"),
    ("2001:2::", "2001:2:0:ffff::", "-", "-"),
    ("2001:10::", "2001:2f:ffff::", "-", "-"),
    ("2001:db8::", "2001:db8:ffff::", "2001:db7:ffff::", "2001:db9::"),
    ("3fff::", "3fff:fff:ffff::", "3ffe:ffff::", "3fff:1000::"),
    ("4000::", "5eff:ffff::", "-", "-"),
    ("5f00::", "5f00:ffff::", "-", "-"),
    ("6000::", "fbff:ffff::", "-", "-"),
    ("fc00::", "fdff:ffff::", "-", "-"),
    ("fe80::", "febf:ffff::", "-", "-"),
    ("fec0::", "feff:ffff::", "-", "-"),
    ("ff00::", "ffff:ffff::", "-", "-"),
)
OPEN = "1.1.1.1 8.8.8.8 93.184.216.34 2606:4700::1111 2a00:1450:4001::200e 2620:4f:8000::1"

# Hosts as a URL may spell them; each reaches the machine itself or its network.
SPELLINGS = (
    "127.0.0.1 127.1 127.0.1 0x7f.1 0X7F.0.0.1 0x7f000001 0177.1 0177.0.0.01 017700000001 "
    "2130706433 127.0.0.1. 127.00.0.1 %31%32%37.1 127\u30020\uff0e0.1 \uff11\uff12\uff17.1 "
    "0 0x0 0.0.0.0 00 10.1 0xa.1 3232235521 0xc0.0xa8.1 192.168.257 169.254.169.254 2852039166 "
    "0xA9FEA9FE 100.64.1 4294967295 [::] [::1] [0:0:0:0:0:0:0:1] [::0:1] [::127.0.0.1] [::7f00:1] "
    "[::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1] "
    "[::ffff:0:127.0.0.1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [64:ff9b::127.0.0.1] "
    "[64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::a00:1] [2002:7f00:1::] [2002:7f00:0001::1] "
    "[2002:a00:1::1] [2002:c0a8:101::1] [2002:a9fe:a9fe::] [fe80::1] [fd00::1] [2001::7f00:1] "
    "0x7f.1. 127.1. 127.0.0.0x 0300.0250.1.1 0x 0x0.0.0.0 127。0。0。1 ①②⑦.0.0.1 １２７.1 %30x7f.1 "
    "[fe80::5efe:8.8.8.8] [2606:4700::5efe:127.0.0.1] [2606:4700::200:5efe:a9fe:a9fe]"
)

# What no URL may say; a browser refuses these as well.
UNSPEAKABLE = (
    "[::1%lo] [fe80::1%25eth0] [::ffff:127.0.0.1%25lo] 127.0.0.1%00 08.1 256.1.1.1 "
    "1.1.1.1.1 4294967296 [::127.1] [::1]. ٠.0.0.0 0x7f.0x1.0x0.0x100"
)


def _inside(first: int, prefix: str) -> str:
    """Write the IPv4 address in an IPv6 form."""
    if prefix == "6to4":
        return str(IPv6Address((0x2002 << 112) | (first << 80) | 1))
    return str(IPv6Address(int(IPv6Address(prefix)) | first))


FORMS = ("::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "6to4")


class TableTests(SynchronousTestCase):
    """The table of closed networks, at its edges."""

    def test_closed_networks(self) -> None:
        """First and last address of each network are closed, its neighbours are not."""
        for first, last, before, after in CLOSED_V4 + CLOSED_V6:
            for text in (first, last):
                self.assertIsNotNone(why_closed(text, 443, STRICT), text)
            for text in (before, after):
                if text != "-":
                    self.assertIsNone(why_closed(text, 443, STRICT), text)

    def test_open(self) -> None:
        """Ordinary public addresses."""
        for text in OPEN.split():
            self.assertIsNone(why_closed(text, 443, STRICT), text)

    def test_embedded(self) -> None:
        """Mapped, translated, NAT64 and 6to4 forms are as closed as what they hold."""
        for first, last, before, after in CLOSED_V4:
            for form in FORMS:
                for text in (first, last):
                    shown = _inside(int(IPv4Address(text)), form)
                    self.assertIsNotNone(why_closed(shown, 443, STRICT), f"{text} in {shown}")
                for text in (before, after):
                    if text != "-":
                        shown = _inside(int(IPv4Address(text)), form)
                        self.assertIsNone(why_closed(shown, 443, STRICT), f"{text} in {shown}")

    def test_tunnels(self) -> None:
        """An ISATAP address is as closed as what it leads to, and as its own network."""
        for first, last, before, after in CLOSED_V4:
            for network in ("2606:4700::", "2606:4700::200:0:0:0"):
                for marked, is_closed in (
                    (first, True),
                    (last, True),
                    (before, False),
                    (after, False),
                ):
                    if marked == "-":
                        continue
                    number = int(IPv6Address(network)) | 0x5EFE << 32 | int(IPv4Address(marked))
                    why = why_closed(str(IPv6Address(number)), 443, STRICT)
                    self.assertEqual(why is not None, is_closed, marked)
        for text in ("fe80::5efe:8.8.8.8", "fd00::200:5efe:8.8.8.8", "2001::5efe:8.8.8.8"):
            self.assertIsNotNone(why_closed(text, 443, STRICT), text)
        self.assertIsNone(why_closed("2606:4700::100:5efe:10.0.0.1", 443, STRICT))

    def test_forms(self) -> None:
        """An address and what is inside it; anything else stays what it is."""
        for text, inside in (
            ("10.0.0.1", ()),
            ("2606:4700::1", ()),
            ("::ffff:10.0.0.1", ("10.0.0.1",)),
            ("64:ff9b::10.0.0.1", ("10.0.0.1",)),
            ("2002:a00:1::", ("10.0.0.1",)),
            ("fe80::5efe:10.0.0.1%eth0", ("10.0.0.1",)),
            ("localhost", ()),
            ("", ()),
        ):
            self.assertEqual(forms(text), (text, *inside))

    def test_zones(self) -> None:
        """A zone does not open what it belongs to."""
        for text in ("fe80::1%eth0", "::1%lo", "ff02::1%1"):
            self.assertIsNotNone(why_closed(text, 443, STRICT), text)

    def test_not_addresses(self) -> None:
        """Anything else is closed, the lax spellings above all."""
        for text in ("", "localhost", "127.1", "0x7f.1", "2130706433", "[2606:4700::1]", "8.8.8"):
            self.assertEqual(why_closed(text, 443, STRICT), "not an IP address", text)

    def test_reasons(self) -> None:
        """The reason names the network."""
        table = (
            ("127.0.0.1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("ff02::1", "multicast"),
        )
        for text, reason in table:
            self.assertEqual(why_closed(text, 443, STRICT), reason, text)

    @settings(deadline=None)
    @given(st.ip_addresses(v=4), st.sampled_from(FORMS))
    def test_forms_are_equal(self, address: IPv4Address, form: str) -> None:
        """A form is closed exactly if the address inside is."""
        plain = why_closed(str(address), 443, STRICT)
        self.assertEqual(why_closed(_inside(int(address), form), 443, STRICT), plain)

    @settings(deadline=None)
    @given(st.ip_addresses(v=6))
    def test_only_global_unicast(self, address: IPv6Address) -> None:
        """Outside 2000::/3 only the IPv4 forms can be open."""
        if why_closed(str(address), 443, STRICT) is None and int(address) >> 125 != 1:
            forms = (int(IPv6Address(form)) >> 32 for form in FORMS[:3])
            self.assertIn(int(address) >> 32, list(forms))


class SpellingTests(SynchronousTestCase):
    """From the URL to the verdict."""

    def test_every_spelling(self) -> None:
        """Whatever a browser takes for an address is judged by its number."""
        for host in SPELLINGS.split():
            found = parse(f"http://{host}/")
            if found is None:
                self.fail(f"{host} does not parse")
            why = why_closed(found[0].hostname, 80, STRICT)
            self.assertIsNotNone(why, host)
            self.assertNotEqual(why, "not an IP address", host)

    def test_unspeakable(self) -> None:
        """What is nearly an address is no URL."""
        for host in UNSPEAKABLE.split():
            self.assertIsNone(parse(f"http://{host}/"), host)

    def test_public_spellings(self) -> None:
        """The same spellings of public addresses are open."""
        for host in ("0x8.8.8.8", "134744072", "[::ffff:8.8.8.8]", "[64:ff9b::808:808]"):
            found = parse(f"http://{host}/")
            self.assertIsNone(why_closed(found[0].hostname if found else "", 80, STRICT), host)


class SettingsTests(SynchronousTestCase):
    """Ranges opened on purpose, and the gateway's own addresses."""

    def test_allow_private(self) -> None:
        """An opened range opens itself in all its forms, and nothing beside it."""
        opened = AddressSettings(
            allow_private=(ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))
        )
        for text in (
            "10.1.0.0",
            "10.1.255.255",
            "::ffff:10.1.2.3",
            "64:ff9b::a01:203",
            "fd00:1::1",
        ):
            self.assertIsNone(why_closed(text, 443, opened), text)
            self.assertIsNone(why_closed(text, 443, opened, is_local=True), text)
        for text in (
            "10.0.255.255",
            "10.2.0.0",
            "::ffff:10.2.0.0",
            "127.0.0.1",
            "fd00:2::1",
            "::1",
        ):
            self.assertIsNotNone(why_closed(text, 443, opened), text)

    def test_opened_form(self) -> None:
        """The range of a form itself can be opened."""
        opened = AddressSettings(allow_private=(ip_network("64:ff9b::/96"),))
        self.assertIsNone(why_closed("64:ff9b::a00:1", 443, opened))
        self.assertIsNotNone(why_closed("::ffff:10.0.0.1", 443, opened))
        self.assertIsNotNone(why_closed("10.0.0.1", 443, opened))

    def test_own_endpoints(self) -> None:
        """The gateway is never its own upstream, however the address is written."""
        settings = AddressSettings(
            allow_private=(ip_network("0.0.0.0/0"), ip_network("::/0")),
            own=frozenset({("127.0.0.1", 8080), ("8.8.8.8", 443), ("::1", 8080)}),
        )
        for text in ("127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::1"):
            self.assertEqual(why_closed(text, 8080, settings), "the gateway itself", text)
            self.assertIsNone(why_closed(text, 8081, settings), text)
        linked = AddressSettings((ip_network("fe80::/10"),), frozenset({("fe80::1", 8080)}))
        self.assertEqual(why_closed("fe80::1%eth0", 8080, linked), "the gateway itself")
        self.assertEqual(why_closed("8.8.8.8", 443, settings), "the gateway itself")
        self.assertIsNone(why_closed("8.8.8.9", 443, settings))

    def test_wildcard_endpoint(self) -> None:
        """A listener on all addresses closes its port on every local one."""
        for wildcard in ("0.0.0.0", "::"):
            settings = AddressSettings(
                allow_private=(ip_network("10.0.0.0/8"),), own=frozenset({(wildcard, 8080)})
            )
            for text in ("10.0.0.5", "8.8.8.8"):
                why = why_closed(text, 8080, settings, is_local=True)
                self.assertEqual(why, "the gateway itself", text)
            self.assertIsNone(why_closed("10.0.0.6", 8080, settings))
            self.assertIsNone(why_closed("10.0.0.5", 8081, settings, is_local=True))

    def test_local_addresses(self) -> None:
        """An address of this machine is closed though it be public, unless opened."""
        for text in ("8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8"):
            self.assertEqual(
                why_closed(text, 443, STRICT, is_local=True), "an address of this machine", text
            )
        opened = AddressSettings(allow_private=(ip_network("8.8.8.8/32"),))
        self.assertIsNone(why_closed("8.8.8.8", 443, opened, is_local=True))

    def test_bad_ports(self) -> None:
        """The list of the Fetch standard, by samples and size; web ports are not on it."""
        for port in (0, 1, 22, 25, 53, 110, 143, 465, 587, 993, 2049, 5060, 6000, 6667, 10080):
            self.assertIn(port, BAD_PORTS)
        for port in (80, 443, 8000, 8080, 8443, 3000, 5432, 65535):
            self.assertNotIn(port, BAD_PORTS)
        self.assertEqual(len(BAD_PORTS), 83)
