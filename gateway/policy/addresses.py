"""Which resolved addresses may be connected to (server-side request forgery).

Asked after resolution, at connect time, about each address that the connection could
use; what is asked about is what is connected to, so that rebinding has no gap.  The
table is the project's own (IANA special-purpose registries for IPv4 and IPv6):
``ipaddress.is_global`` calls several of these global.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import attrs

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_CLOSED = tuple(
    (ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared address space (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard-only"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        ("2001:db8::/32", "documentation"),
        ("2001:10::/28", "ORCHID"),
        ("2001:20::/28", "ORCHIDv2"),
        ("2001::/23", "protocol assignments"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_CLOSED_V4 = tuple((net, why) for net, why in _CLOSED if isinstance(net, IPv4Network))
_CLOSED_V6 = tuple((net, why) for net, why in _CLOSED if isinstance(net, IPv6Network))
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_6TO4 = IPv6Network("2002::/16")

# "Port blocking" of the Fetch standard: ports on which an HTTP request could be
# mistaken for another protocol's commands.
BAD_PORTS = frozenset(
    int(port)
    for port in [
        "0",
        "1",
        "7",
        "9",
        "11",
        "13",
        "15",
        "17",
        "19",
        "20",
        "21",
        "22",
        "23",
        "25",
        "37",
        "42",
        "43",
        "53",
        "69",
        "77",
        "79",
        "87",
        "95",
        "101",
        "102",
        "103",
        "104",
        "109",
        "110",
        "111",
        "113",
        "115",
        "117",
        "119",
        "123",
        "135",
        "137",
        "139",
        "143",
        "161",
        "179",
        "389",
        "427",
        "465",
        "512",
        "513",
        "514",
        "515",
        "526",
        "530",
        "531",
        "532",
        "540",
        "548",
        "554",
        "556",
        "563",
        "587",
        "601",
        "636",
        "989",
        "990",
        "993",
        "995",
        "1719",
        "1720",
        "1723",
        "2049",
        "3659",
        "4045",
        "4190",
        "5060",
        "5061",
        "6000",
        "6566",
        "6665",
        "6666",
        "6667",
        "6668",
        "6669",
        "6679",
        "6697",
        "10080",
    ]
)


@attrs.frozen
class AddressSettings:
    """``allow_private``: ranges opened on purpose (``[upstream] allow-private``).

    ``own``: (address, port) pairs that the gateway itself listens on; never opened.
    A wildcard address there stands for every local one.
    """

    allow_private: tuple[Network, ...] = ()
    own: frozenset[tuple[str, int]] = frozenset()


def _embedded(address: Address) -> Address | None:
    """The IPv4 address inside a mapped, translated, NAT64 or 6to4 form."""
    if isinstance(address, IPv4Address):
        return None
    number = int(address)
    if address in _MAPPED or address in _TRANSLATED or address in _NAT64:
        return IPv4Address(number & 0xFFFFFFFF)
    if address in _6TO4:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    return None


def _tunnelled(address: Address) -> IPv4Address | None:
    """The IPv4 address to which an ISATAP interface would send what is for this one."""
    number = int(address)
    if isinstance(address, IPv6Address) and (number >> 32) & 0xFDFFFFFF == 0x00005EFE:
        return IPv4Address(number & 0xFFFFFFFF)
    return None


def forms(text: str) -> tuple[str, ...]:
    """An address and the IPv4 address inside it: either may be this machine's own."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return (text,)
    inner = _embedded(address) or _tunnelled(address)
    return (text,) if inner is None else (text, str(inner))


def why_closed(
    text: str, port: int, settings: AddressSettings, *, is_local: bool = False
) -> str | None:
    """The reason why ``text`` (an IP address, maybe with a zone) is closed; None: open.

    ``is_local`` says that one of its ``forms`` is this machine's own.  An IPv6 form of
    an IPv4 address is closed whenever the address inside is, unless the range of the
    form itself was opened.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return "not an IP address"
    inner = _embedded(address)
    plain = inner or address
    if (str(plain), port) in settings.own or (
        is_local and any(listening == port for _, listening in settings.own)
    ):
        return "the gateway itself"
    if any(plain in net or address in net for net in settings.allow_private):
        return None
    if is_local:
        return "an address of this machine"
    if inner is not None:
        return why_closed(str(inner), port, settings)
    table = _CLOSED_V4 if isinstance(address, IPv4Address) else _CLOSED_V6
    for network, why in table:
        if address in network:
            return why
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "not global unicast"
    tunnelled = _tunnelled(address)
    return None if tunnelled is None else why_closed(str(tunnelled), port, settings)
