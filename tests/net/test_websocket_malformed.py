"""Frames that break the protocol, from both legs: what each side is told.

Octets are made by hand at both ends.  Each row: what is sent, and the close code that both
sides get; 0 stands for a close frame without a code, ``dropped`` for a connection that ends
without one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import Deferred, gatherResults

from tests.net.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawCase,
    closing,
    frame,
    raw_origin,
)
from tests.net.harness import WS
from tests.net.raw import until

AT_ONCE = 12
"""How many rows are under way together: what they cost is waiting."""


@attrs.frozen
class Row:
    """``parts`` are sent one after the other, each in a write of its own."""

    name: str
    parts: tuple[Callable[..., bytes], ...]
    code: int | str
    other: int | str | None = None
    """What the other side is told; None: the same."""
    arrives: tuple[bytes, ...] = ()
    """The messages that the other side gets before."""


def one(name: str, code: int | str, *args: Any, **more: Any) -> Row:
    """A row of one frame."""
    return Row(name, (partial(frame, *args, **more),), code)


def text(name: str, code: int, *payloads: bytes) -> Row:
    """A row of one text message in fragments."""
    last = len(payloads) - 1
    parts = tuple(
        partial(frame, CONTINUATION if at else TEXT, payload, fin=at == last)
        for at, payload in enumerate(payloads)
    )
    return Row(name, parts, code)


_EURO = "€".encode()
_FACE = "😀".encode()
_BAD_TEXT = {
    "an octet that is none": b"\xff",
    "a continuation octet alone": b"\x80",
    "overlong, of two": b"\xc0\xaf",
    "overlong, of three": b"\xe0\x80\xaf",
    "overlong, of four": b"\xf0\x80\x80\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "beyond the last": b"\xf4\x90\x80\x80",
    "a sequence of five": b"\xf8\x88\x80\x80\x80",
    "cut short, of two": b"\xc3",
    "cut short, of three": _EURO[:2],
    "cut short, of four": _FACE[:3],
    "interrupted": b"\xe2\x82a",
}
_CODES_NOBODY_SENDS = (
    0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65535,
)  # fmt: skip
_CODES_THAT_TRAVEL = (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999)


def rows() -> list[Row]:
    """All of them."""
    table = [
        one(f"reserved bits {rsv}, opcode {opcode}", 1002, opcode, b"a", rsv=rsv)
        for rsv in range(1, 8)
        for opcode in (TEXT, PING)
    ]
    table += [
        one(f"reserved opcode {opcode}, {len(payload)} octets", 1002, opcode, payload)
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        for payload in (b"", b"a")
    ]
    for opcode in (CLOSE, PING, PONG):
        body = struct.pack("!H", 1000) if opcode == CLOSE else b"a"
        table += [
            one(f"control {opcode} in fragments", 1002, opcode, body, fin=False),
            one(f"control {opcode} of 126 octets", 1002, opcode, body.ljust(126, b"a")),
            one(f"control {opcode}, long form", 1002, opcode, body, form=16),
            one(f"control {opcode}, longest form", 1002, opcode, body, form=64),
            one(f"control {opcode} of 2^62 octets", 1002, opcode, b"a", form=64, length=1 << 62),
        ]
    for opcode in (TEXT, BINARY):
        table += [
            one(f"16 bits for 5, opcode {opcode}", 1002, opcode, b"hello", form=16),
            one(f"16 bits for 125, opcode {opcode}", 1002, opcode, b"a" * 125, form=16),
            one(f"64 bits for 5, opcode {opcode}", 1002, opcode, b"hello", form=64),
            one(f"64 bits for 300, opcode {opcode}", 1002, opcode, b"a" * 300, form=64),
            one(f"the 64th bit, opcode {opcode}", 1002, opcode, b"a", form=64, length=1 << 63),
            one(f"2^63-1 octets, opcode {opcode}", 1009, opcode, b"a", form=64, length=2**63 - 1),
            one(f"one octet too many, opcode {opcode}", 1009, opcode, b"a" * 1001),
        ]
    for name, payload in _BAD_TEXT.items():
        table.append(text(f"text: {name}", 1007, payload))
        table.append(text(f"text: {name}, inside", 1007, "häß€😀".encode() + payload))
        table += [
            text(f"text: {name}, apart at {at}", 1007, b"a" + payload[:at], payload[at:] + b"a")
            for at in range(1, len(payload))
        ]
        body = struct.pack("!H", 1000) + payload
        table.append(one(f"reason: {name}", 1007, CLOSE, body))
    table += [
        text("text: the rest never comes", 1007, _FACE[:2], b""),
        one("a close body of one octet", 1002, CLOSE, b"\x03"),
        one("a continuation of nothing", 1002, CONTINUATION, b"a"),
        one("an unfinished continuation of nothing", 1002, CONTINUATION, b"a", fin=False),
        Row(
            "a message inside of a message",
            (partial(frame, TEXT, b"a", fin=False), partial(frame, TEXT, b"b")),
            1002,
        ),
        Row(
            "a continuation of a finished message",
            (partial(frame, TEXT, b"a"), partial(frame, CONTINUATION, b"b")),
            1002,
            arrives=(b"a",),
        ),
        Row(
            "too many octets in fragments",
            (
                partial(frame, BINARY, b"a" * 600, fin=False),
                partial(frame, CONTINUATION, b"a" * 401, fin=False),
            ),
            1009,
        ),
        Row(
            "a close inside of a message",
            (partial(frame, TEXT, b"a", fin=False), partial(closing, 3001, b"enough")),
            3001,
        ),
        Row("no code", (closing,), 0),
    ]
    table += [Row(f"code {code}", (partial(closing, code),), 1002) for code in _CODES_NOBODY_SENDS]
    table += [
        Row(f"code {code} with a reason", (partial(closing, code, b"x" * 123),), code)
        for code in _CODES_THAT_TRAVEL
    ]
    return table


class MalformedTests(RawCase):
    """One gateway for a table; each row has a WebSocket of its own."""

    timeout = 120

    async def _check(self, row: Row, gateway: Any, origin: Any, by_client: bool) -> list[Any]:
        client, server = await self.raw_pair(gateway, origin)
        offender, other = (client, server) if by_client else (server, client)
        for part in row.parts:
            offender.write(part(masked=by_client))
        await until(lambda: client.told is not None and server.told is not None)
        seen = (offender.told, other.told, tuple(other.messages))
        wanted = (row.code, row.code if row.other is None else row.other, row.arrives)
        await until(lambda: client.ended and server.ended)
        return [] if seen == wanted else [(row.name, by_client, seen, wanted)]

    async def test_table(self) -> None:
        """Every row, from the client and from the origin."""
        origin = raw_origin()
        gateway = await self.gateway(
            {WS: origin}, websocket_message_bytes=1000, websocket_close_seconds=2
        )
        work = (
            Deferred.fromCoroutine(self._check(row, gateway, origin, by_client))
            for row in rows()
            for by_client in (True, False)
        )
        wrong: list[Any] = []

        async def some() -> None:
            for check in work:
                wrong.extend(await check)

        await gatherResults([Deferred.fromCoroutine(some()) for _ in range(AT_ONCE)])
        self.assertFalse(wrong, "\n".join(map(str, wrong)))
