"""Where a site wants its reports sent, kept in the address that its pages report to.

A page's policy names the gateway's own endpoint; the site's stands in its address, with a
MAC under a key of the server's for the page's origin and the layer.  So nothing is stored,
and nobody can make the gateway send a report to an address that the origin did not name.
The same endpoints give the same text: a page that did not change keeps its header fields.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from gateway.session.keys import decode, encode

if TYPE_CHECKING:
    from gateway.origins import Origin
    from gateway.session.keys import ServerKeys

MAX_ENDPOINTS = 4
MAX_URL = 2048
_VERSION = 1
_MAC_SIZE = 16
_START = 5 + _MAC_SIZE
_MAX_TEXT = 2 * MAX_ENDPOINTS * MAX_URL
_LABEL = "report endpoint"


class Layer(Enum):
    """Whose policy a report is about."""

    SITE = "site"
    OPERATOR = "operator"
    CONTAINMENT = "containment"


@attrs.frozen
class Endpoints:
    """Whose policy asked for a report, and to which URLs it is to go; maybe to none."""

    layer: Layer
    urls: tuple[str, ...] = attrs.field(default=(), repr=False)


def seal_endpoints(keys: ServerKeys, origin: Origin, endpoints: Endpoints) -> str:
    """The text for pages of ``origin``; the URLs are serialised ones, in ASCII."""
    generation = keys.newest
    urls = [url for url in endpoints.urls if len(url) <= MAX_URL][:MAX_ENDPOINTS]
    plain = " ".join([endpoints.layer.value, *urls]).encode("ascii")
    head = bytes((_VERSION,)) + generation.to_bytes(4, "big")
    return encode(head + _mac(keys, generation, origin, plain) + plain).decode("ascii")


def open_endpoints(keys: ServerKeys, origin: Origin, text: str) -> Endpoints | None:
    """What was sealed for ``origin``; None if it was not, or its generation is retired."""
    octets = decode(text.encode("ascii", "replace")) if len(text) <= _MAX_TEXT else None
    if octets is None or len(octets) <= _START or octets[0] != _VERSION:
        return None
    generation = int.from_bytes(octets[1:5], "big")
    plain = octets[_START:]
    if not keys.has(generation):
        return None
    if not hmac.compare_digest(octets[5:_START], _mac(keys, generation, origin, plain)):
        return None
    layer, *urls = plain.decode("ascii").split(" ")
    return Endpoints(Layer(layer), tuple(urls))


def _mac(keys: ServerKeys, generation: int, origin: Origin, plain: bytes) -> bytes:
    # An origin holds no space, so that no two pairs make one text.
    text = str(origin).encode("ascii") + b" " + plain
    return hmac.digest(keys.key(_LABEL, generation), text, hashlib.sha256)[:_MAC_SIZE]
