"""Whose request a balancer passes on: ``Forwarded`` (RFC 7239) or ``X-Forwarded-For``.

Each hop writes at the right end whom it spoke with, so the fields are read from there: what
a client sent itself stands to the left of what a trusted hop wrote, and is never looked at,
whatever quotes and commas it holds.  Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import attrs

from gateway.policy.addresses import Address
from gateway.policy.clients import Ranges, address_of

FORWARDED = "forwarded"
X_FORWARDED_FOR = "x-forwarded-for"
FIELDS = (X_FORWARDED_FOR, FORWARDED)
_LONGEST = 4096
"""So much is read from the right end."""
_HOPS = 32

_PAIR = re.compile(r'[ \t]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s";,]*)[ \t]*')
_NODE = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")


@attrs.frozen
class ForwardedSettings:
    """``[http] forwarded-from`` and ``forwarded-field``: whose word counts, and where it stands.

    Only one field is believed: a balancer that writes one passes the other on as it came.
    ``tells``: sites are told the client's address (``[upstream] forwarded``).
    """

    trusted: Ranges = attrs.field(factory=Ranges)
    field: str = X_FORWARDED_FOR
    tells: bool = False


@attrs.frozen
class Told:
    """The client's address; ``note`` says why a trusted hop's word could not be taken."""

    address: str
    note: str = ""


def told(client: str) -> bytes | None:
    """The field that tells a site of its client: the address, and none of our own names."""
    address = address_of(client)
    if address is None:
        return None
    return b'for="[%s]"' % client.encode() if ":" in client else b"for=" + client.encode()


def client_of(peer: str, values: Sequence[bytes], settings: ForwardedSettings) -> Told:
    """The client behind ``peer``: the right-most address that is in no trusted range.

    ``values`` are those of ``settings.field``.  Where all are trusted it is the left-most,
    a trusted machine of its own.  What cannot be read leaves ``peer`` itself.
    """
    hop = address_of(peer)
    if hop is None or settings.trusted.find(hop) is None or not values:
        return Told(peer)
    text = b",".join(values).decode("latin-1")
    cut = len(text) > _LONGEST
    elements = _elements(text[-_LONGEST:], whole=not cut)
    found: Address | None = None
    for count, element in enumerate(elements):
        if not element:
            continue  # an empty list element says nothing (RFC 9110 section 5.6.1)
        if count >= _HOPS:
            return Told(peer, f"{settings.field}: too many hops")
        address = _address(element, settings.field)
        if address is None:
            return Told(peer, f"{settings.field}: a trusted hop names no address")
        found = address
        if settings.trusted.find(address) is None:
            return Told(str(address))
    if cut:
        return Told(peer, f"{settings.field}: too long")
    return Told(peer if found is None else str(found))


def _elements(text: str, *, whole: bool) -> Iterator[str]:
    """The elements of a list, the last one first; commas within quotes belong to an element.

    The first one is left out where the text is not ``whole``: it may be half an address.
    """
    end, quoted = len(text), False
    for at in range(len(text) - 1, -1, -1):
        if text[at] == '"' and not _is_escaped(text, at):
            quoted = not quoted
        elif text[at] == "," and not quoted:
            yield text[at + 1 : end].strip(" \t")
            end = at
    if whole:
        yield text[:end].strip(" \t")


def _is_escaped(text: str, at: int) -> bool:
    before = at
    while before and text[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1


def _address(element: str, field: str) -> Address | None:
    if field == X_FORWARDED_FOR:
        return _node(element)
    values: list[str] = []
    at = 0
    while True:
        pair = _PAIR.match(element, at)
        if pair is None:
            return None
        if pair[1].lower() == "for":
            values.append(pair[2])
        at = pair.end()
        if at == len(element):
            break
        if element[at] != ";":
            return None
        at += 1
    if len(values) != 1:
        return None
    value = values[0]
    if value[:1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return _node(value)


def _node(text: str) -> Address | None:
    """An address that may have a port; bare IPv6, which many write, has none."""
    found = _NODE.fullmatch(text)
    return address_of((found[1] or found[2]) if found is not None else text.partition("%")[0])
