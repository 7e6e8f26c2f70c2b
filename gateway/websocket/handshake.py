"""Opening handshakes: the client's request and the upstream's answer (RFC 6455, section 4)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.rewrite.headers import get, get_all
from gateway.websocket.deflate import extensions

if TYPE_CHECKING:
    from gateway.rewrite.headers import Fields

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
MAX_OFFERS = 32
MAX_OFFER_LENGTH = 4096
"""Bokeh and Streamlit put secret tokens of a few KiB into the offer."""


@attrs.frozen
class Offer:
    """A sound opening request: the subprotocols offered, in order (values are secrets)."""

    subprotocols: tuple[str, ...] = attrs.field(default=(), repr=False)


@attrs.frozen
class Unsound:
    """Why a handshake is refused before anything is dialled; ``fields`` go with the answer."""

    status: int
    reason: str
    fields: tuple[tuple[bytes, bytes], ...] = ()
    event: str = events.HANDSHAKE_INVALID


def is_upgrade(fields: Fields) -> bool:
    """Whether a request asks for a WebSocket at all."""
    tokens = {
        token.strip().lower()
        for value in get_all(fields, b"upgrade")
        for token in value.split(b",")
    }
    return b"websocket" in tokens


def is_handshake(version: bytes, fields: Fields) -> bool:
    """Whether a request is meant as an opening handshake, well or badly made.

    HTTP/2 has no ``Upgrade``, and there is no WebSocket over it here (RFC 8441).
    """
    return is_upgrade(fields) or (
        version == b"HTTP/2" and bool(get_all(fields, b"sec-websocket-key"))
    )


def read_offer(method: bytes, version: bytes, fields: Fields) -> Offer | Unsound:
    """Judge a client's opening request (RFC 6455, section 4.2.1)."""
    connection = {
        token.strip().lower()
        for value in get_all(fields, b"connection")
        for token in value.split(b",")
    }
    if method != b"GET":
        return Unsound(405, "the method is not GET", ((b"Allow", b"GET"),))
    if version != b"HTTP/1.1" or b"upgrade" not in connection:
        return Unsound(
            426,
            "not an HTTP/1.1 upgrade",
            ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")),
        )
    versions = get_all(fields, b"sec-websocket-version")
    if versions != [b"13"]:
        return Unsound(426, "the version is not 13", ((b"Sec-WebSocket-Version", b"13"),))
    keys = get_all(fields, b"sec-websocket-key")
    if len(keys) != 1 or not _is_key(keys[0]):
        return Unsound(400, "there is not exactly one sound key")
    if extensions(fields) is None:
        return Unsound(400, "the extensions are not sound")
    offers = [
        one.strip()
        for value in get_all(fields, b"sec-websocket-protocol")
        for one in value.decode("latin-1").split(",")
    ]
    if len(offers) > MAX_OFFERS or any(len(one) > MAX_OFFER_LENGTH for one in offers):
        return Unsound(400, "too many or too long subprotocols", event=events.LIMIT)
    if len(set(offers)) != len(offers) or not all(map(_TOKEN.match, offers)):
        return Unsound(400, "subprotocols are not unique tokens")
    return Offer(tuple(offers))


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == 16
    except binascii.Error:
        return False


def origin_of(fields: Fields) -> str | Unsound:
    """The one ``Origin`` of a handshake; ``null``, none and several are refused."""
    values = get_all(fields, b"origin")
    if len(values) != 1:
        return Unsound(403, "there is not exactly one Origin", event=events.ORIGIN_DENIED)
    text = values[0].decode("latin-1")
    if text == "null":
        return Unsound(403, "Origin is null", event=events.ORIGIN_DENIED)
    return text


def judge_choice(offer: Offer, chosen: str | None) -> Unsound | None:
    """Whether the upstream's choice of subprotocol is one that was offered."""
    if chosen is None or chosen in offer.subprotocols:
        return None
    return Unsound(
        502,
        "the upstream chose a subprotocol that nobody offered",
        (),
        events.SUBPROTOCOL_VIOLATION,
    )


def upstream_extra_fields(fields: Fields) -> list[tuple[bytes, bytes]]:
    """The client's fields that an upstream handshake may carry besides its own.

    Extensions are negotiated hop by hop; everything of the handshake itself is made anew.
    """
    wanted = (b"user-agent", b"accept-language", b"authorization", b"pragma", b"cache-control")
    out = []
    for name in wanted:
        value = get(fields, name)
        if value is not None:
            out.append((name.title(), value.encode("latin-1")))
    return out
