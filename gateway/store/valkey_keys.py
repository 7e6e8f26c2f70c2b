"""How a Valkey's keys are named, and rows as fields of a hash (see ``valkey_scripts``).

All keys of an owner have one hash tag, so that one machine of a Cluster has them all.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from gateway.cookies.seal import Row

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROW = struct.Struct(">q")
BUCKETS = "gw:{*}:*"
OWNERS = f"gw:{{{'?' * 32}}}"
"""What SCAN finds buckets and owners by; what else it finds has no place, or no owner."""
ORIGIN_KEYS = (b"gw:{origins}:days", b"gw:{origins}:names")
ORIGIN_DAYS = 400
"""Long labels' origins, and for how long one is remembered that nobody asks for."""


def owner_key(owner: bytes) -> bytes:
    """The key of an owner."""
    return b"gw:{%s}" % owner.hex().encode("ascii")


def moment(key: str) -> bytes:
    """The key of what is kept for a moment."""
    return b"gw:moment:" + key.encode("utf-8")


def bucket_keys(owner: bytes, bucket: bytes) -> tuple[bytes, bytes]:
    """The keys of a bucket and of its owner."""
    key = owner_key(owner)
    return key + b":" + bucket.hex().encode("ascii"), key


def place_of(key: bytes) -> tuple[bytes, bytes] | None:
    """Owner and bucket of a bucket's key; None for other keys."""
    head, _, last = key.rpartition(b":")
    try:
        owner, bucket = (
            bytes.fromhex(head[4:-1].decode("ascii")),
            bytes.fromhex(last.decode("ascii")),
        )
    except ValueError:
        return None
    return (owner, bucket) if bucket_keys(owner, bucket)[0] == key else None


def owner_of(key: bytes) -> bytes | None:
    """The owner of an owner's key; None for other keys."""
    try:
        owner = bytes.fromhex(key[4:-1].decode("ascii"))
    except ValueError:
        return None
    return owner if owner_key(owner) == key else None


def fields_of(rows: Iterable[Row]) -> list[bytes]:
    """Rows as fields and values in turn."""
    return [part for row in rows for part in (row.index, _ROW.pack(row.expires_day) + row.sealed)]


def rows_of(found: dict[bytes, bytes]) -> tuple[int, tuple[Row, ...]]:
    """Version and rows of a bucket's hash; 0 where there is none.  Takes from ``found``."""
    version = int(found.pop(b"v", b"0"))
    found.pop(b"c", None)
    rows = (Row(index, _ROW.unpack_from(row)[0], row[8:]) for index, row in found.items())
    return version, tuple(rows)


def pairs_of(found: Any) -> list[tuple[bytes, Any]]:
    """Members and scores, as a client gives them or as they come on the wire."""
    if found and isinstance(found[0], tuple | list):
        return [(one[0], one[1]) for one in found]
    return list(zip(found[::2], found[1::2], strict=True))
