"""WAMP's serialisations, each bounded: what an octet of a message may cost is little.

UBJSON is read here, since its libraries believe nine octets that announce two thousand
million nulls.  Under its name two formats travel: draft 12, and what autobahn writes since
2026 (BJData: other integers, the least octet first).
"""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Any

import cbor2
import msgpack

from gateway.websocket.subprotocols.base import (
    BAD_DATA,
    POLICY,
    Broken,
    Message,
    broken,
    octets_of,
    text_of,
)
from gateway.websocket.subprotocols.json_text import DEEPEST, check_depth, load, unique

if TYPE_CHECKING:
    from collections.abc import Callable

_SEPARATORS = str.maketrans({"\x1e": "\x18"})
_BATCH = 4096
_VALUES = 200_000
MOST_BYTES = 2 * 1024 * 1024
"""Of binary messages: an octet can stand for an object of a hundred."""


def _unreadable() -> Broken:
    return broken("wamp-serialisation", "not of the serialisation agreed on", BAD_DATA)


def read_json(message: Message, *, batched: bool) -> list[Any]:
    """JSON; of a batch each ends with U+0018, which others write as U+001E."""
    text = text_of(message)
    if not batched:
        return [load(text)]
    *parts, rest = text.translate(_SEPARATORS).split("\x18")
    if rest or not parts or len(parts) > _BATCH:
        raise broken("wamp-batch", "a batch that does not end, or is too long")
    return [load(part) for part in parts]


def read_binary(decode: Callable[[bytes], Any]) -> Callable[..., list[Any]]:
    """A reader of what is binary; of a batch each has its length in front."""

    def one(octets: bytes) -> Any:
        try:
            found = decode(octets)
        except Broken:
            raise
        except Exception:  # noqa: BLE001 (libraries raise many kinds, quoting what they read)
            raise _unreadable() from None
        check_depth(found, len(octets))
        return found

    def read(message: Message, *, batched: bool) -> list[Any]:
        octets = octets_of(message)
        if len(octets) > MOST_BYTES:
            raise broken("wamp-size", "larger than what is looked into", POLICY)
        if not batched:
            return [one(octets)]
        found: list[Any] = []
        at = 0
        while at < len(octets):
            size = int.from_bytes(octets[at : at + 4], "big")
            at += 4 + size
            if at > len(octets) or len(found) >= _BATCH:
                break
            found.append(one(octets[at - size : at]))
        else:
            if found:
                return found
        raise broken("wamp-batch", "a batch that does not end, or is too long")

    return read


_KEYS = (str, bytes, int, float, type(None))
_COSTLY = (4, 5, 30, 35, 36, 258)
"""Tags of decimal and big floats, fractions, regular expressions, MIME and sets: to make one of
its content can take long, and nothing here is decided by them.
"""


def _msgpack(octets: bytes) -> Any:
    return msgpack.unpackb(octets, raw=False, strict_map_key=False, object_pairs_hook=_plain_keys)


def _plain_keys(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    if not all(isinstance(name, _KEYS) for name, _ in pairs):
        raise _unreadable()
    return unique(pairs)


def _content(value: object, _: object) -> object:
    return value


_UNTAGGED = dict.fromkeys(_COSTLY, _content)


def _cbor(octets: bytes) -> Any:
    # Keys are texts in WAMP; numbers can be chosen so that all have the same hash.
    return cbor2.loads(
        octets,
        semantic_decoders=_UNTAGGED,
        max_depth=DEEPEST,
        allow_duplicate_keys=False,
        strict_hashable_types=True,
    )


_NUMBERS = {"i": "b", "U": "B", "I": "h", "l": "i", "L": "q", "d": "f", "D": "d"}
_LATER_NUMBERS = {**_NUMBERS, "u": "H", "m": "I", "M": "Q", "h": "e"}
_CONSTANTS = {"Z": None, "T": True, "F": False}
_WHOLE = frozenset("iUIlLumM")


class _Ubjson:
    """Reads one value, of draft 12 (``>``) or of BJData (``<``)."""

    def __init__(self, octets: bytes, order: str) -> None:
        self._octets = octets
        self._order = order
        self._numbers = _NUMBERS if order == ">" else _LATER_NUMBERS
        self._at = 0
        # As many values as there are octets: more only repeat a type that has no octets.
        self._left = min(len(octets) + 1, _VALUES)

    def value(self) -> Any:
        """The one value of the octets."""
        found = self._value(self._marker(), 0)
        if self._at != len(self._octets):
            raise _unreadable()
        return found

    def _take(self, count: int) -> bytes:
        self._at += count
        if count < 0 or self._at > len(self._octets):
            raise _unreadable()
        return self._octets[self._at - count : self._at]

    def _marker(self) -> str:
        while True:
            marker = chr(self._take(1)[0])
            if marker != "N":
                return marker

    def _number(self, marker: str) -> Any:
        layout = self._order + self._numbers[marker]
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _length(self) -> int:
        marker = self._marker()
        if marker not in _WHOLE or marker not in self._numbers:
            raise _unreadable()
        return int(self._number(marker))

    def _value(self, marker: str, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise broken("wamp-serialisation", "too many values, or nested too deep", POLICY)
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in self._numbers:
            return self._number(marker)
        if marker == "C":
            return self._take(1).decode("ascii")
        if marker in {"S", "H"}:
            text = self._take(self._length()).decode("utf-8")
            return text if marker == "S" else float(text)
        if marker == "[":
            return self._array(depth + 1)
        if marker == "{":
            return self._object(depth + 1)
        raise _unreadable()

    def _shape(self) -> tuple[str, int | None]:
        """A container's type and count, where it tells them."""
        kind, count = "", None
        if self._octets[self._at : self._at + 1] == b"$":
            kind = chr(self._take(2)[1])
            if self._octets[self._at : self._at + 1] != b"#":
                raise _unreadable()
        if self._octets[self._at : self._at + 1] == b"#":
            self._take(1)
            count = self._length()
            if count < 0:
                raise _unreadable()
        return kind, count

    def _array(self, depth: int) -> Any:
        kind, count = self._shape()
        if kind == "U" and count is not None:
            return self._take(count)
        found: list[Any] = []
        while count is None or len(found) < count:
            marker = kind or self._marker()
            if marker == "]" and count is None:
                break
            found.append(self._value(marker, depth))
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._shape()
        found: list[tuple[str, Any]] = []
        while count is None or len(found) < count:
            if count is None and self._octets[self._at : self._at + 1] == b"}":
                self._take(1)
                break
            name = self._take(self._length()).decode("utf-8")
            found.append((name, self._value(kind or self._marker(), depth)))
        return unique(found)


def _ubjson(octets: bytes) -> Any:
    """By whichever format it can be read; what both read, and differently, is refused."""
    found = []
    for order in "><":
        with contextlib.suppress(Broken, ValueError, LookupError, struct.error, OverflowError):
            found.append(_Ubjson(octets, order).value())
    if not found or (len(found) == 2 and _shape(found[0]) != _shape(found[1])):
        raise _unreadable()
    return found[0]


def _shape(value: Any) -> Any:
    """A value without its numbers, which have octets in either order."""
    if isinstance(value, dict):
        return {key: _shape(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_shape(below) for below in value]
    return 0 if type(value) in {int, float} else value


READERS: dict[str, Callable[..., list[Any]]] = {
    "json": read_json,
    "msgpack": read_binary(_msgpack),
    "cbor": read_binary(_cbor),
    "ubjson": read_binary(_ubjson),
}
"""What reads a message into the raw messages that are in it, by the serialisation's name."""
