"""Frames of the binary encodings: octets to frames and back, bounded, at any chunk's boundary."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from gateway.websocket.closing import Ending, is_sent, shorten


class Kind(Enum):
    """What a frame is."""

    TEXT = "text"
    BINARY = "binary"
    NOP = "nop"
    RECONNECT = "reconnect"
    CLOSE = "close"
    PING = "ping"
    PONG = "pong"


@attrs.frozen
class Frame:
    """One frame; a CLOSE's payload is that of RFC 6455's close frame."""

    kind: Kind
    payload: bytes = attrs.field(default=b"", repr=False)


class Malformed(Exception):
    """Octets that are no frame; the text says which rule they break, never what they were."""


class TooLarge(Malformed):
    """A message that is larger than may be."""


_TEXT, _BINARY, _PING, _PONG = 0x81, 0x80, 0x89, 0x8A
_DELIMITED, _COMMAND, _END = 0x00, 0x01, 0xFF
_MOST_LENGTH_OCTETS = 9
_MOST_COMMAND = 2 * (1 + 125)
_COMPACT = 64 * 1024
NOP: Final = b"\x01\x30\x30\xff"
RECONNECT: Final = b"\x01\x30\x31\xff"
CLOSE_PLAIN: Final = b"\x01\x30\x32\xff"
PING: Final = b"\x89\x00"
PONG: Final = b"\x8a\x00"
_SOLE = {_PING: Frame(Kind.PING), _PONG: Frame(Kind.PONG)}


def message(payload: bytes, *, binary: bool) -> bytes:
    """A message's frame."""
    size = len(payload)
    length = [size & 0x7F]
    while size := size >> 7:
        length.append(0x80 | size & 0x7F)
    return bytes((_BINARY if binary else _TEXT, *reversed(length))) + payload


def close(ending: Ending, *, tells: bool) -> bytes:
    """A CLOSE; ``tells``: with code and reason, where there are any."""
    body = b""
    if tells and ending.code is not None:
        body = ending.code.to_bytes(2, "big") + shorten(ending.reason).encode("utf-8")
    return b"\x01" + (b"\x02" + body).hex().encode("ascii") + b"\xff"


def read_close(payload: bytes) -> tuple[int | None, str]:
    """Code and reason of a CLOSE; raises ``Malformed``."""
    if not payload:
        return None, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not is_sent(code):
        raise Malformed("a close code that is never sent")
    return code, _utf8(payload[2:]).decode("utf-8")


def _utf8(payload: bytes) -> bytes:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("text that is not UTF-8") from None
    return payload


class Decoder:
    """Takes octets as they come; ``next`` gives one whole frame at a time."""

    def __init__(self, message_bytes: int) -> None:
        """``message_bytes``: what a message's payload may have."""
        self._most = message_bytes
        self._octets = bytearray()
        self._at = 0
        self._searched = 0  # octets of a frame that has no end yet

    def feed(self, octets: bytes) -> None:
        """More octets."""
        if self._at > _COMPACT:
            del self._octets[: self._at]
            self._at = 0
        self._octets += octets

    @property
    def is_between(self) -> bool:
        """Whether no frame has begun that is not whole."""
        return self._at == len(self._octets)

    def next(self) -> Frame | None:
        """The next frame; None: more octets are needed.  Raises ``Malformed``."""
        octets, start = self._octets, self._at
        if start == len(octets):
            return None
        first = octets[start]
        if first in {_TEXT, _BINARY, _PING, _PONG}:
            return self._with_length(first)
        if first in {_DELIMITED, _COMMAND}:
            return self._delimited(first)
        raise Malformed("an unknown type of frame")

    def _with_length(self, first: int) -> Frame | None:
        octets, at, size = self._octets, self._at + 1, 0
        begin = at
        while True:
            if at == len(octets):
                return None
            octet = octets[at]
            at += 1
            size = size << 7 | octet & 0x7F
            if first in _SOLE and octet:
                raise Malformed("a ping or pong with a length")
            if (at - begin > 1 and not size) or at - begin > _MOST_LENGTH_OCTETS:
                raise Malformed("a padded length")
            if size > self._most:
                raise TooLarge("a message is too large")
            if not octet & 0x80:
                break
        if first in _SOLE:
            self._at = at
            return _SOLE[first]
        if len(octets) - at < size:
            return None
        self._at = at + size
        payload = bytes(memoryview(octets)[at : at + size])
        return Frame(Kind.BINARY, payload) if first == _BINARY else Frame(Kind.TEXT, _utf8(payload))

    def _delimited(self, first: int) -> Frame | None:
        octets, start = self._octets, self._at + 1
        most = _MOST_COMMAND if first == _COMMAND else self._most
        # What trickles in is not searched again with every octet.
        end = octets.find(_END, start + self._searched, start + most + 1)
        if end < 0:
            if len(octets) - start <= most:
                self._searched = len(octets) - start
                return None
            if first == _COMMAND:
                raise Malformed("a command without an end")
            raise TooLarge("a message is too large")
        self._at, self._searched = end + 1, 0
        payload = bytes(memoryview(octets)[start:end])
        return _command(payload) if first == _COMMAND else Frame(Kind.TEXT, _utf8(payload))


def _command(digits: bytes) -> Frame:
    try:
        octets = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise Malformed("a command that is not hexadecimal") from None
    if len(octets) * 2 != len(digits) or not octets:
        raise Malformed("a command that is not hexadecimal")
    if not any(octets):
        return Frame(Kind.NOP)
    if octets == b"\x01":
        return Frame(Kind.RECONNECT)
    if octets[0] == 2:
        return Frame(Kind.CLOSE, octets[1:])
    raise Malformed("an unknown command")
