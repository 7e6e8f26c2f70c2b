"""Who may use the gateway, by the client's address: ranges that are allowed and denied.

A denied range wins over an allowed one; no allowed range means everybody.  An IPv4 address
that IPv6 maps is that IPv4 address, in ranges and in addresses alike.
"""

from __future__ import annotations

import functools
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import attrs

from gateway import events
from gateway.policy.addresses import Address, Network

_MAPPED = 96
"""The octets before a mapped address, in bits."""
SITE_BITS = 64
"""What one subscriber has of IPv6 at the least: addresses below it cost nothing."""
_MAX_TEXT = 128
"""No address is longer but by its zone: what balancers tell is not kept however long it is."""
_REMEMBERED = 4096


def address_of(text: str) -> Address | None:
    """A client's address, mapped ones as IPv4 and without zone; None where there is none."""
    return _address(text) if len(text) <= _MAX_TEXT else _read_address(text)


@functools.lru_cache(maxsize=_REMEMBERED)
def _address(text: str) -> Address | None:
    """``address_of`` remembered: a connection and its requests ask about the same client."""
    return _read_address(text)


def _read_address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return found
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return IPv6Address(int(found)) if found.scope_id else found


def network_of(text: str) -> Network:
    """A range as it is configured; raises ``ValueError`` with what is wrong."""
    found = ip_network(text)
    if isinstance(found, IPv6Network) and found.prefixlen >= _MAPPED:
        inside = found.network_address.ipv4_mapped
        if inside is not None:
            return IPv4Network((int(inside), found.prefixlen - _MAPPED))
    return found


def block_of(client: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one; else the text."""
    address = address_of(client)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), SITE_BITS), strict=False))
    return client if address is None else str(address)


@attrs.frozen
class ClientRange:
    """One range; ``where`` is file and line for explanations."""

    network: Network
    where: str = ""


@attrs.frozen
class Ranges:
    """Several ranges, asked by their lengths: ten thousand cost no more than ten."""

    ranges: tuple[ClientRange, ...] = ()
    _index: dict[tuple[int, int], dict[int, ClientRange]] = attrs.field(
        init=False, repr=False, eq=False
    )

    @_index.default
    def _indexed(self) -> dict[tuple[int, int], dict[int, ClientRange]]:
        index: dict[tuple[int, int], dict[int, ClientRange]] = {}
        for one in self.ranges:
            network = one.network
            shift = network.max_prefixlen - network.prefixlen
            same = index.setdefault((network.version, shift), {})
            same.setdefault(int(network.network_address) >> shift, one)
        return index

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.ranges)

    def find(self, address: Address) -> ClientRange | None:
        """A range that holds the address."""
        number = int(address)
        for (version, shift), same in self._index.items():
            if version == address.version:
                found = same.get(number >> shift)
                if found is not None:
                    return found
        return None


@attrs.frozen
class ClientSettings:
    """``[clients]``."""

    allow: Ranges = attrs.field(factory=Ranges)
    deny: Ranges = attrs.field(factory=Ranges)


@attrs.frozen
class ClientDecision:
    """Whether a client may use the gateway at all; ``rule`` is the range with its place."""

    allowed: bool
    reason: str = ""
    rule: str = ""
    event: str = events.CLIENT_DENIED


_OPEN = ClientDecision(allowed=True, reason="no [clients] range is configured")


def decide_client(client: str, settings: ClientSettings) -> ClientDecision:
    """Whether the client at this address may use the gateway; never raises.

    Where ranges are configured, a client whose address nobody knows (a Unix socket) is refused.
    """
    if not settings.allow and not settings.deny:
        return _OPEN
    address = address_of(client)
    if address is None:
        return ClientDecision(allowed=False, reason="the client has no address to compare")
    found = settings.deny.find(address)
    if found is not None:
        reason = f"{address} is in a denied range"
        return ClientDecision(allowed=False, reason=reason, rule=_rule("deny", found))
    if not settings.allow:
        return ClientDecision(allowed=True, reason=f"{address} is in no denied range")
    found = settings.allow.find(address)
    if found is None:
        return ClientDecision(allowed=False, reason=f"{address} is in no allowed range")
    reason = f"{address} is in an allowed range"
    return ClientDecision(allowed=True, reason=reason, rule=_rule("allow", found))


def _rule(kind: str, found: ClientRange) -> str:
    return f"clients.{kind} '{found.network}' {found.where}".strip()
