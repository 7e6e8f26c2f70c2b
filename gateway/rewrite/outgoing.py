"""Collapsed addresses in what pages send, expanded to what they stand for.

A page reads its own address as the gateway shows it, and puts it into queries, forms and
JSON: ``redirect_uri``, ``returnTo``, the links of a text that is edited in a page.  No origin
knows those hosts.  What is searched is the one text that nobody else has, the suffix of
rewrite hosts; from there scheme, label and port are read to both sides, as they are or
percent-encoded up to three times (``https%3A%2F%2F``), or with JSON's escapes.  Every other
octet stays, and nothing is decoded as a whole, so that it does not matter how a text is
wrapped; ``outgoing_forms`` knows the fields of forms.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote

import attrs

from gateway import wire
from gateway.errors import LabelError
from gateway.origins import collapse, is_long, parse_origin

if TYPE_CHECKING:
    from gateway.origins import Codec, Origin

_HEAD = re.compile(
    rb"(?:(?:(?P<scheme>https?|wss?)(?P<colon>:|%(?:25){0,2}3a|\\{1,4}u003a))?"
    rb"(?P<slashes>//|(?:%2f){2}|(?:%252f){2}|(?:%25252f){2}|(?:\\{1,4}/){2}|(?:\\{1,4}u002f){2})"
    # Without these a name must begin here: after what is no part of one, or after an escape.
    rb"|(?:(?<![a-z0-9_.-])|(?<=%[0-9a-f]{2})|(?<=%25[0-9a-f]{2})|(?<=%2525[0-9a-f]{2})"
    rb"|(?<=\\[nrtbf])|(?<=\\u[0-9a-f]{4})))"
    rb"(?P<label>x-[a-z2-7]{32}|https?[0-9]{0,5}-[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?)\Z",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rb"(?:(?P<colon>:|%(?:25){0,2}3a)(?P<port>[0-9]{1,5})(?![0-9]))?(?![a-z0-9_-]|\.[a-z0-9_-])",
    re.IGNORECASE,
)
_CONTEXT = 144
"""More than ``_HEAD`` can match, and what it looks at before."""
_AHEAD = 20
"""More than ``_AFTER`` looks at."""
_TAIL = 2048
"""How much of a URL behind its host may hold parameters of ours."""
_MARK = b"__gw"
"""What all parameters of ours begin with."""
_PATIENCE = 8
"""So many times a text's size is spent on tails at most: a hostile one is all hosts."""
_TAILS = (
    re.compile(rb"(?>(?:[^\s\"'<>\\]+|\\+/)*)"),
    *[re.compile(rb"(?>(?:[\w.~!*'()-]+|%(?!22|20|0[adAD]|3[cCeE])[0-9A-Fa-f]{2})*)")] * 3,
)
_OF_NAMES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
_BEFORE = 48
"""More than can stand before a label, and be part of it: scheme, colon, slashes, an escape."""
_NAMES = b"(?:%s)" % b"|".join(
    one.encode("ascii")
    for one in (
        wire.ORIGIN_PARAMETER,
        wire.INTEGRITY_PARAMETER,
        wire.PROOF_PARAMETER,
        wire.LED_PARAMETER,
        wire.TOKEN_PARAMETER,
    )
)


def _ours(level: int) -> re.Pattern[bytes]:
    """Parameters of ours in the query of a URL that is percent-encoded so many times."""
    percent = b"%" + b"25" * level
    sign = {one: one if not level else b"%" + b"25" * (level - 1) + b"%02X" % one[0] for one in
            (b"?", b"&", b"=")}  # fmt: skip
    mark, joint, equals = (re.escape(sign[one]) for one in (b"?", b"&", b"="))
    value = rb"(?>(?:[A-Za-z0-9_.~-]|%s[0-9A-Fa-f]{2})*)" % percent
    one = _NAMES + equals + value
    return re.compile(
        rb"(?P<lead>%s|%s)%s(?:%s%s)*(?P<more>%s)?" % (mark, joint, one, joint, one, joint)
    )


_OURS = tuple(map(_ours, range(4)))
_PROOF = re.compile(
    wire.ORIGIN_PARAMETER.encode("ascii") + rb"(?:=|%(?:25){0,2}3D)([A-Za-z0-9_.~%-]+)"
)


class Mapper(Protocol):
    """Chunks of a body in, chunks of the mapped one out."""

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what is certain."""
        ...

    def close(self) -> bytes:
        """Give the rest."""
        ...


@functools.lru_cache(maxsize=8)
def _suffix(suffix: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(suffix.encode("ascii")), re.IGNORECASE)


@attrs.frozen
class _Region:
    start: int
    end: int
    text: bytes
    origin: Origin


_WAIT = object()


class TextMapper:
    """Maps a text of any size; at most some kilobytes of it are held back."""

    def __init__(self, codec: Codec) -> None:
        """``codec`` knows which hosts are collapsed ones."""
        self.origins: set[Origin] = set()
        self._codec = codec
        self._suffix = _suffix(codec.suffix)
        self._size = len(codec.suffix)
        self._rest = b""
        self._from = 0
        self._passed = 0
        self._spent = 0

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what is certain."""
        return self._pass(self._rest + data, final=False)

    def close(self) -> bytes:
        """Give the rest."""
        return self._pass(self._rest, final=True)

    def _pass(self, data: bytes, *, final: bool) -> bytes:
        out, done, size = [], 0, len(data)
        cut, resume = size, size
        for found in self._suffix.finditer(data, self._from):
            start, end = found.span()
            region: object = _WAIT
            if final or end + _AHEAD <= size:
                region = self._region(data, max(done, start - _CONTEXT), start, end, final=final)
            if region is _WAIT:
                cut, resume = max(done, start - _CONTEXT), start
                break
            if isinstance(region, _Region) and region.start >= done:
                out += [data[done : region.start], region.text]
                done = region.end
                self.origins.add(region.origin)
        else:
            if not final:
                resume = max(self._from, done, size - self._size + 1)
                cut = max(done, min(resume, size) - _CONTEXT)
        out.append(data[done:cut])
        self._rest, self._from = data[cut:], resume - cut
        self._passed += cut
        return b"".join(out)

    def _region(
        self, data: bytes, floor: int, start: int, end: int, *, final: bool
    ) -> _Region | object | None:
        # From where the name can begin at the earliest: the expression looks everywhere else in vain.
        name = len(data[floor:start].rstrip(_OF_NAMES))
        floor += max(0, name - _BEFORE)
        head = _HEAD.search(data[floor:start])
        after = _AFTER.match(data, end)
        if head is None or after is None:
            return None
        label = head["label"].decode("ascii").lower()
        slashes: bytes | None = head["slashes"]
        level = _level(slashes or after["colon"] or b"/")
        tail, whole = b"", after.end()
        if slashes is not None and self._spent <= _PATIENCE * (self._passed + start) + 65536:
            # Only this needs to see further than the port.
            enough = final or len(data) >= whole + _TAIL + _AHEAD
            if not enough or data.find(_MARK, whole, whole + _TAIL) >= 0:
                matched = _TAILS[level].match(data[whole : whole + _TAIL])
                tail = matched.group() if matched is not None else b""
            if not enough and whole + len(tail) + _AHEAD > len(data):
                return _WAIT
            self._spent += len(tail)
        origin = self._origin(label, tail, level)
        if origin is None:
            return None
        text = _authority(head, after, origin, level, self._codec.public_port)
        stripped = _OURS[level].sub(_without, tail)
        if stripped != tail:
            inner = TextMapper(self._codec)
            text += inner.feed(stripped) + inner.close()
            self.origins |= inner.origins
            whole += len(tail)
        return _Region(floor + head.start(), whole, text, origin)

    def _origin(self, label: str, tail: bytes, level: int) -> Origin | None:
        if len(label) > 63:
            return None
        try:
            return self._codec.expand_label(label)
        except LabelError:
            proof = _PROOF.search(tail) if is_long(label) else None
        if proof is None:
            return None
        text = proof.group(1).decode("ascii")
        for _ in range(level + 1):
            text = unquote(text)
        origin = parse_origin(text)
        return origin if origin is not None and collapse(origin) == label else None


def _level(sign: bytes) -> int:
    """How often a sign is percent-encoded."""
    if sign[:1] != b"%":
        return 0
    return 3 if sign[:5] == b"%2525" else 2 if sign[:3] == b"%25" else 1


def _without(found: re.Match[bytes]) -> bytes:
    return bytes(found["lead"]) if found["more"] else b""


def _authority(
    head: re.Match[bytes], after: re.Match[bytes], origin: Origin, level: int, public_port: int
) -> bytes:
    """What stands for scheme, host and port.

    A port that is not the gateway's is the page's own arithmetic, "that host, this port"; a
    host without one, where the gateway's URLs have one, is a host name alone.
    """
    port = after["port"]
    if port is not None and int(port) != public_port:
        netloc = f"{origin.host}:{int(port)}"
    elif port is None and public_port != 443:
        netloc = origin.host
    else:
        netloc = origin.netloc
    for _ in range(level):
        netloc = quote(netloc, safe="")
    slashes: bytes = head["slashes"] or b""
    scheme: bytes = head["scheme"] or b""
    if scheme:
        socket = scheme.lower().startswith(b"ws")
        name = ("wss" if origin.secure else "ws") if socket else origin.scheme
        # What is spelled right stays as it is spelled.
        scheme = scheme if scheme.lower() == name.encode() else name.encode()
        scheme += head["colon"]
    return scheme + slashes + netloc.encode("ascii")


def map_text(text: bytes, codec: Codec) -> tuple[bytes, set[Origin]]:
    """A whole text mapped, and which origins it named."""
    if _suffix(codec.suffix).search(text) is None:
        return text, set()
    mapper = TextMapper(codec)
    return mapper.feed(text) + mapper.close(), mapper.origins


def names_any(data: bytes, codec: Codec) -> bool:
    """Whether a body can name a collapsed host, as a text or in base64."""
    return codec.suffix.encode("ascii") in data.lower() or names_coded(data, codec)


def places(data: bytes, codec: Codec) -> Iterator[int]:
    """Where a body may name a collapsed host, as a text or in base64, in order."""
    return (found.start() for found in _anywhere(codec.suffix).finditer(data))


@functools.lru_cache(maxsize=8)
def _anywhere(suffix: str) -> re.Pattern[bytes]:
    plain = rb"(?i:%s)" % re.escape(suffix.encode("ascii"))
    return re.compile(b"|".join((plain, *_coded(suffix))))


def names_coded(data: bytes, codec: Codec) -> bool:
    """Whether what base64 makes of a collapsed host is there."""
    return any(one in data for one in _coded(codec.suffix))


@functools.lru_cache(maxsize=8)
def _coded(suffix: str) -> tuple[bytes, ...]:
    """What base64 makes of a suffix, at each of the three places it can begin.

    Names of hosts have no letter of which it makes one that differs between its alphabets.
    """
    found = []
    for skipped, first in ((0, 0), (1, 2), (2, 3)):
        octets = b"\0" * skipped + suffix.encode("ascii")
        whole = len(octets) // 3 * 3  # what follows is mixed with what comes next
        found.append(base64.b64encode(octets[:whole])[first:])
    return tuple(found)
