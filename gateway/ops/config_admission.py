"""``[clients]``, ``[rates]`` and the balancers of ``[http]``: who is let in, and how often."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from gateway.ops import schema
from gateway.ops.schema import Fault, Key, Reader, Table
from gateway.policy import rates
from gateway.policy.addresses import Network
from gateway.policy.clients import ClientRange, ClientSettings, Ranges, network_of
from gateway.policy.forwarded import FIELDS, X_FORWARDED_FOR, ForwardedSettings
from gateway.policy.rates import Rate, RateSettings

DEFAULTS = RateSettings(
    client=Rate(3000, 100), session=Rate(1500, 50), destination=Rate(30_000, 2000)
)
"""Ten people of one network open a page of 300 parts in the same instant, and 20 go on to one
each minute; one person opens five such pages at once; a site gets what several processes can
ask it for.  docs/operating.md has the reasons."""
PAGE = 300
"""So many parts of one page must never meet a limit."""
_MOST = 1_000_000_000
_WIDE = {4: 8, 6: 16}
"""A range of balancers that is wider than this is somebody's mistake."""


def network(value: Any) -> Network:
    """A range of addresses; a mapped one is the IPv4 range that it is."""
    try:
        return network_of(value if isinstance(value, str) else "")
    except ValueError as error:
        why = " without bits to the right" if "host bits" in str(error) else ""
        raise Fault(f'an address range such as "10.1.0.0/16" or "2001:db8::/32"{why}') from None


def amount(low: float) -> Callable[[Any], float]:
    """A number, whole or not, from ``low`` on; 0 is for the caller to allow."""

    def check(value: Any) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= _MOST:
            raise Fault(f"a number from {low:g} to {_MOST}")
        return float(value)

    return check


def _burst(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == 0:
        return 0.0
    try:
        return amount(1)(value)
    except Fault as fault:
        raise Fault(f"0 (no limit) or {fault}") from None


def _default(kind: str) -> Rate:
    rate = DEFAULTS.of(kind)
    if rate is None:
        raise KeyError(kind)
    return rate


_TELLS = "upstream.forwarded: every site is told the addresses of the people who use this gateway"
HTTP: dict[str, Key | Table | schema.Tables] = {
    "proxy-from": Key(schema.list_of(network), ()),
    "forwarded-from": Key(schema.list_of(network), ()),
    "forwarded-field": Key(schema.choice(*FIELDS), X_FORWARDED_FOR),
}
UPSTREAM: dict[str, Key | Table | schema.Tables] = {"forwarded": Key(schema.flag, default=False)}
CLIENTS = Table(
    {"allow": Key(schema.list_of(network), ()), "deny": Key(schema.list_of(network), ())}
)
RATES = Table(
    {
        **{
            f"{kind}-{what}": Key(check, getattr(_default(kind), what.replace("-", "_")))
            for kind in rates.KINDS
            for what, check in (("burst", _burst), ("per-second", amount(0.001)))
        },
        "store-seconds": Key(amount(0.01), DEFAULTS.store_seconds),
    }
)


@attrs.frozen
class Admission:
    """What this area's keys say; ``warnings`` name dangerous settings."""

    balancers: Ranges = attrs.field(factory=Ranges)
    clients: ClientSettings = attrs.field(factory=ClientSettings)
    forwarded: ForwardedSettings = attrs.field(factory=ForwardedSettings)
    rates: RateSettings = DEFAULTS
    warnings: tuple[str, ...] = ()


def read(values: dict[str, Any], reader: Reader) -> Admission:
    """The area's settings out of a document that was checked against the schema."""
    http, clients, limits = values["http"], values["clients"], values["rates"]
    balancers = _ranges("http", "proxy-from", http["proxy_from"], reader)
    forwarded = ForwardedSettings(
        _ranges("http", "forwarded-from", http["forwarded_from"], reader),
        http["forwarded_field"],
        tells=values["upstream"]["forwarded"],
    )
    ranges = ClientSettings(
        _ranges("clients", "allow", clients["allow"], reader),
        _ranges("clients", "deny", clients["deny"], reader),
    )
    found = {kind: _rate(kind, limits) for kind in rates.KINDS}
    settings = RateSettings(**found, store_seconds=limits["store_seconds"])
    warnings = (
        *_wide("http.proxy-from", balancers),
        *_wide("http.forwarded-from", forwarded.trusted),
        *_tight(settings),
        *([_TELLS] if forwarded.tells else []),
    )
    return Admission(balancers, ranges, forwarded, settings, warnings)


def _rate(kind: str, limits: dict[str, Any]) -> Rate | None:
    burst, per_second = limits[f"{kind}_burst"], limits[f"{kind}_per_second"]
    return Rate(burst, per_second) if burst else None


def _ranges(table: str, key: str, networks: tuple[Network, ...], reader: Reader) -> Ranges:
    lines = _lines(reader.text, table, key)
    return Ranges(
        tuple(
            ClientRange(one, f"{reader.name}:{lines[at]}" if at < len(lines) else reader.name)
            for at, one in enumerate(networks)
        )
    )


_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")


def _lines(text: str, table: str, key: str) -> list[int]:
    """The lines on which the strings of an array of ``table`` stand, in their order."""
    found: list[int] = []
    inside = reading = False
    starts = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=\s*\[")
    for number, line in enumerate(text.splitlines(), 1):
        rest = line
        if not reading:
            header = _HEADER.match(line)
            if header is not None:
                inside = header[1] == table
                continue
            begins = starts.match(line) if inside else None
            if begins is None:
                continue
            rest, reading = line[begins.end() :], True
        bare = _STRING.sub('""', rest)
        code = bare.partition("#")[0]
        found += [number] * code.partition("]")[0].count('""')
        if "]" in code:
            return found
    return found


def _wide(key: str, ranges: Ranges) -> list[str]:
    return [
        f"{one.where}: {key}: who is anywhere in {one.network} may claim any address"
        for one in ranges.ranges
        if one.network.prefixlen < _WIDE[one.network.version]
    ]


def _tight(settings: RateSettings) -> list[str]:
    found = []
    for kind in rates.KINDS:
        rate = settings.of(kind)
        if rate is None:
            found.append(f"rates.{kind}-burst: 0: nothing bounds the requests of a {kind}")
        elif rate.burst < PAGE:
            found.append(f"rates.{kind}-burst: a page of {PAGE} parts does not load whole")
    return found
