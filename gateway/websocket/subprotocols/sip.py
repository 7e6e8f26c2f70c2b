"""SIP over WebSocket (RFC 7118): one request or response in each message, text or binary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.websocket.subprotocols.base import POLICY, Base, Message, broken, utf8

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD_BYTES, _FIELDS = 64 * 1024, 256
_TOKEN = r"[!%'*+.0-9A-Z_`a-z~-]+"
_REQUEST = re.compile(rf"({_TOKEN}) ([^ \x00-\x20]+) SIP/2\.0\Z", re.IGNORECASE)
_STATUS = re.compile(r"SIP/2\.0 [1-6][0-9][0-9] [^\x00-\x08\x0a-\x1f]*\Z", re.IGNORECASE)
_FIELD = re.compile(rf"({_TOKEN})[ \t]*:[ \t]*(.*)\Z", re.DOTALL)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"\x7f]+\Z")
_SEQUENCE = re.compile(rf"([0-9]{{1,10}})[ \t\r\n]+({_TOKEN})\Z")
_VIA = re.compile(r"SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*WSS?[ \t]", re.IGNORECASE)
_FOLDED = re.compile(r"\r\n[ \t]+")
_SHORT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
    "c": "content-type", "k": "supported", "s": "subject", "e": "content-encoding",
}  # fmt: skip
_ONCE = ("from", "to", "call-id", "cseq", "content-length", "max-forwards")
_NEEDED = ("via", "from", "to", "call-id", "cseq")


class Sip(Base):
    """Messages stand for themselves; dialogs are the peers' business."""

    def read(self, message: Message, now: float) -> None:
        """Judge one message."""
        del now
        octets = message.payload
        if not octets.strip(b"\r\n"):
            if octets and len(octets) <= 4:
                return  # RFC 5626's keep-alive, which clients send although there are pings
            raise broken("sip-start", "an empty message")
        head, end, body = octets.partition(b"\r\n\r\n")
        if not end:
            raise broken("sip-head", "no empty line behind the header fields")
        if len(head) > _HEAD_BYTES:
            raise broken("sip-head", "too long", POLICY)
        start, *lines = _FOLDED.sub(" ", utf8(head)).split("\r\n")
        fields = _read(lines)
        request = _REQUEST.match(start)
        if request is None and not _STATUS.match(start):
            raise broken("sip-start", "neither a request's line nor a status line")
        if request is not None and not _URI.match(request[2]):
            raise broken("sip-start", "a request without a URI")
        method = request[1] if request is not None else None
        _check(fields, method, len(body))


def _read(lines: Iterable[str]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for count, line in enumerate(lines):
        found = _FIELD.match(line)
        if found is None or count >= _FIELDS or "\n" in line or "\r" in line or "\0" in line:
            raise broken("sip-field", "a line that is no header field, or too many")
        name = found[1].lower()
        fields.setdefault(_SHORT.get(name, name), []).append(found[2].strip(" \t"))
    return fields


def _check(fields: dict[str, list[str]], method: str | None, size: int) -> None:
    for name in _NEEDED:
        if name not in fields:
            raise broken("sip-field", f"no {name}")
    for name in _ONCE:
        if len(fields.get(name, ())) > 1:
            raise broken("sip-field", f"{name} more than once")
    sequence = _SEQUENCE.match(fields["cseq"][0])
    if sequence is None or int(sequence[1]) >= 2**31:
        raise broken("sip-cseq", "a CSeq that is none")
    if method is not None and sequence[2] != method:
        raise broken("sip-cseq", "the CSeq of another method")
    if method is not None and not _is_number(fields.get("max-forwards", [""])[0], 255):
        raise broken("sip-field", "no max-forwards")
    if method is not None and not _VIA.match(fields["via"][0]):
        raise broken("sip-via", "a request whose topmost Via is not over WebSocket")
    length = fields.get("content-length")
    if length is not None and not (_is_number(length[0], size) and int(length[0]) == size):
        raise broken("sip-length", "another Content-Length than the body has")
    if size and "content-type" not in fields:
        raise broken("sip-field", "a body without content-type")


def _is_number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= most
