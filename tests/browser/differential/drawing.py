"""Canvases, fonts, sheets and WebAssembly: what one origin may read of another."""

from __future__ import annotations

import struct

from tests.browser.differential import agents
from tests.browser.differential.server import Answer, Asked, cors

HEAD = agents.HEAD
TITLE = "Canvases, fonts, WebAssembly"


def _font() -> bytes:
    """A font whose only letter is an A, as wide as it is high."""
    head = struct.pack(
        ">IIIIHHqqhhhhHHhhh",
        *(0x10000, 0x10000, 0, 0x5F0F3CF5, 11, 1000, 0, 0, 0, 0, 1000, 1000, 0, 8, 2, 0, 0),
    )
    hhea = struct.pack(">IhhhHhhhhhhhhhhhH", 0x10000, 1000, 0, 0, 1000, 0, 0, 1000, *(0,) * 8, 2)
    hmtx = struct.pack(">HhHh", 1000, 0, 1000, 0)
    square = struct.pack(">hhhhhHH", 1, 0, 0, 1000, 1000, 3, 0) + bytes((1, 1, 1, 1))
    square += struct.pack(">hhhhhhhh", 0, 1000, 0, -1000, 0, 0, 1000, 0)
    maxp = struct.pack(">IHHHHHHHHHHHHHH", 0x10000, 2, 4, 1, *(0,) * 2, 2, *(0,) * 8)
    table = struct.pack(">HHHHHHH", 4, 32, 0, 4, 4, 1, 0)
    table += struct.pack(">HHHHHhhHH", 65, 0xFFFF, 0, 65, 0xFFFF, 1 - 65, 1, 0, 0)
    cmap = struct.pack(">HHHHI", 0, 1, 3, 1, 12) + table
    text = "x".encode("utf-16-be")
    records = b"".join(struct.pack(">HHHHHH", 3, 1, 0x409, at, len(text), 0) for at in (1, 2, 4, 6))
    name = struct.pack(">HHH", 0, 4, 6 + len(records)) + records + text
    os2 = (
        struct.pack(">HhHHH", 4, 1000, 400, 5, 0)
        + struct.pack(">10h", *(0,) * 10)
        + struct.pack(">h", 0)
    )
    os2 += bytes(10) + bytes(16) + b"none" + struct.pack(">HHH", 64, 65, 65)
    os2 += (
        struct.pack(">hhhHH", 1000, 0, 0, 1000, 0)
        + bytes(8)
        + struct.pack(">hhHHH", 500, 700, 0, 32, 0)
    )
    post = struct.pack(">IIhhIIIII", 0x30000, 0, 0, 0, 0, 0, 0, 0, 0)
    tables = {
        b"OS/2": os2,
        b"cmap": cmap,
        b"glyf": square,
        b"head": head,
        b"hhea": hhea,
        b"hmtx": hmtx,
        b"loca": struct.pack(">HHH", 0, 0, len(square) // 2),
        b"maxp": maxp,
        b"name": name,
        b"post": post,
    }
    start, body = b"", b""
    at = 12 + 16 * len(tables)
    for tag, octets in tables.items():
        padded = octets + bytes(-len(octets) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        start += tag + struct.pack(">III", total, at + len(body), len(octets))
        body += padded
    return struct.pack(">IHHHH", 0x10000, len(tables), 128, 3, 32) + start + body


def answer(asked: Asked, _site) -> Answer | None:
    """Fonts."""
    name = asked.path.rpartition("/")[2]
    if name == "font":
        return Answer(b"no font", "font/ttf", cors(asked))
    if name.endswith(".ttf"):
        return Answer(_font(), "font/ttf", () if name == "closed.ttf" else cors(asked))
    return None
