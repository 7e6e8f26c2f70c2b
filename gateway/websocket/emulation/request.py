"""What the head of an emulation request asks: leg, id, sequence number, parameters."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

import attrs

from gateway.rewrite.headers import get_all

if TYPE_CHECKING:
    from gateway.rewrite.headers import Fields

VERSION: Final = b"wseb-1.0"
MARK: Final = b"/;e/"
MAX_SEQUENCE: Final = 2**53 - 1
_LEG = re.compile(rb"([ud])(bm?)/([A-Za-z0-9_.-]{1,128})\Z")
_DIGITS = re.compile(r"[0-9]{1,16}\Z")
_SEQUENCE_PARAMETER = ".ksn="
_OWN_FIELDS = frozenset(
    (b"x-websocket-version", b"x-websocket-protocol", b"x-websocket-extensions",
     b"x-accept-commands", b"x-sequence-no")
)  # fmt: skip
_MARKS_OURS = frozenset((b"x-websocket-version", b"x-sequence-no"))
# What a handshake has of its own, and what describes a body that is ignored.
_NOT_OF_A_HANDSHAKE = frozenset(
    (b"upgrade", b"connection", b"content-length", b"content-type", b"transfer-encoding")
)
_SYNTHETIC_KEY = b"AAAAAAAAAAAAAAAAAAAAAA=="


class What(Enum):
    """Which of the three kinds of requests."""

    CREATE = "create"
    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    OTHER = "other"
    """An encoding that nobody speaks any more, or nothing."""


@attrs.frozen
class Asked:
    """A target below ``/;e/``; ``prefix`` is the path before it, without query.

    ``mixed``: text and binary; else binary alone.
    """

    what: What
    prefix: bytes
    query: bytes = attrs.field(repr=False)
    mixed: bool = True
    id: str = attrs.field(default="", repr=False)

    def url(self, host: str, leg: str, text: str) -> str:
        """The URL of a leg of a connection that this create made."""
        prefix = self.prefix.decode("latin-1")
        return f"https://{host}{prefix}/;e/{leg}{'bm' if self.mixed else 'b'}/{text}"

    def native_target(self, *, by_parameter: bool) -> bytes:
        """The target of the handshake that a create stands for.

        ``by_parameter``: the sequence number is a parameter, which is none of the site's.
        """
        query = self.query
        if by_parameter:
            given = query.decode("latin-1").split("&")
            kept = [one for one in given if not one.startswith(_SEQUENCE_PARAMETER)]
            query = "&".join(kept).encode("latin-1")
        return (self.prefix or b"/") + (b"?" + query if query else b"")


def read_target(target: bytes) -> Asked | None:
    """What a target asks; None: it has nothing to do with emulation."""
    path, _, query = target.partition(b"?")
    prefix, mark, rest = path.rpartition(MARK)
    if not mark or path[:1] != b"/":
        return None
    if rest in {b"cb", b"cbm"}:
        return Asked(What.CREATE, prefix, query, mixed=rest == b"cbm")
    found = _LEG.match(rest)
    if found is None:
        return Asked(What.OTHER, prefix, query)
    what = What.UPSTREAM if found[1] == b"u" else What.DOWNSTREAM
    return Asked(what, prefix, query, mixed=found[2] == b"bm", id=found[3].decode("ascii"))


def without_id(path: bytes) -> bytes:
    """A path as a log may show it: an id lets in."""
    before, mark, rest = path.rpartition(MARK)
    return before + mark + rest.partition(b"/")[0] if mark else path


def carries_marks(fields: Fields) -> bool:
    """Whether a request says by a field that it is one of emulation."""
    return any(name.lower() in _MARKS_OURS for name, _ in fields)


def is_create(target: bytes, fields: Fields) -> bool:
    """Whether a request counts as a handshake, well or badly made."""
    return MARK in target and any(name.lower() == b"x-websocket-version" for name, _ in fields)


def is_preflight(method: bytes, fields: Fields) -> bool:
    """Whether a browser asks if a request may be sent."""
    return method == b"OPTIONS" and bool(get_all(fields, b"access-control-request-method"))


def preflights_marks(fields: Fields) -> bool:
    """Whether a preflight is for a request that would carry them."""
    names = b",".join(get_all(fields, b"access-control-request-headers")).split(b",")
    return any(name.strip().lower() in _MARKS_OURS for name in names)


def sequence(fields: Fields, query: bytes) -> tuple[int | None, bool]:
    """The sequence number, None if there is no sound one; and whether a parameter says it."""
    values = [value.decode("latin-1") for value in get_all(fields, b"x-sequence-no")]
    by_parameter = not values
    if by_parameter:
        values = _values(query, _SEQUENCE_PARAMETER)
    if len(values) != 1 or not _DIGITS.match(values[0]) or int(values[0]) > MAX_SEQUENCE:
        return None, by_parameter
    return int(values[0]), by_parameter


def _values(query: bytes, start: str) -> list[str]:
    parts = query.decode("latin-1").split("&")
    return [part[len(start) :] for part in parts if part.startswith(start)]


def _number(query: bytes, name: str) -> int | None:
    values = _values(query, f"{name}=")
    return int(values[0]) if len(values) == 1 and _DIGITS.match(values[0]) else None


@attrs.frozen
class Wishes:
    """What a downstream request asks of its response; None: it does not say.

    ``offset``: how many octets of this response the client has, when it asks again.
    """

    poll: bool = False
    octets: int | None = None
    heartbeat: int | None = None
    offset: int = 0


def wishes(query: bytes) -> Wishes:
    """The parameters of a downstream request; what is malformed was not said."""
    kilobytes = _number(query, ".kb")
    return Wishes(
        _values(query, ".ki=") == ["p"],
        kilobytes * 1024 if kilobytes else None,
        _number(query, ".kkt") or None,
        _number(query, ".gwr") or 0,
    )


@attrs.frozen
class Opening:
    """What a create says besides the handshake in it."""

    number: int
    ping: bool
    by_parameter: bool


def read_opening(fields: Fields, query: bytes) -> Opening | str:
    """Judge a create; a text: why it is refused (400)."""
    if get_all(fields, b"x-websocket-version") != [VERSION]:
        return "X-WebSocket-Version is not wseb-1.0"
    number, by_parameter = sequence(fields, query)
    if number is None:
        return "there is not exactly one sound sequence number"
    commands = get_all(fields, b"x-accept-commands")
    if commands not in ([], [b"ping"]):
        return "X-Accept-Commands is not ping"
    return Opening(number, bool(commands), by_parameter)


def native_fields(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """The fields of the handshake that a create stands for; the key is never used."""
    # What a script that fetches says of itself is what it would say of its handshake.
    instead = {b"sec-fetch-mode": b"websocket"}
    kept = [
        (name, instead.get(name.lower(), value))
        for name, value in fields
        if name.lower() not in _OWN_FIELDS | _NOT_OF_A_HANDSHAKE
        and not name.lower().startswith(b"sec-websocket-")
    ]
    offers = get_all(fields, b"x-websocket-protocol")
    return (
        *kept,
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Key", _SYNTHETIC_KEY),
        *((b"Sec-WebSocket-Protocol", offer) for offer in offers),
    )
