"""Edited bodies that hold nothing of anybody's, kept by the digest of what they were made from.

A stylesheet is the same for everybody who gets the same octets from its origin: reading,
rewriting and coding it again takes a hundred times as long as telling that it is the same
one.  Each body still comes from its origin, for each person; only the work on it is spared.  A
sheet takes effect when it is whole, so nothing waits for it longer by its being collected;
one above ``_MOST`` streams all the same.
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import attrs

from gateway.rewrite.media import Kind
from gateway.rewrite.pipeline import BodyPlan, Pipeline, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.net.telemetry import Telemetry

_KINDS = frozenset({Kind.CSS})
"""What holds no token, no payload, and nothing else of a session's."""
_MOST = 256 * 1024
"""The most that is collected of one body, as it comes."""
_EACH = 16
"""One body takes at most this part of the room."""
_OVERHEAD = 512


class Edits:
    """Least recently used goes first; used in the reactor's thread and in those that edit."""

    def __init__(self, room: int, telemetry: Telemetry) -> None:
        """``room`` in octets of edited bodies."""
        self._room = room
        self._telemetry = telemetry
        self._known: dict[tuple[object, ...], bytes] = {}
        self._taken = 0
        self._lock = threading.Lock()

    def resize(self, room: int) -> None:
        """A reload: so much from now on."""
        self._room = room
        self._make_room(0)

    def pipeline(self, plan: BodyPlan) -> Pipeline | Kept | None:
        """The way of a body; None where it passes as it is."""
        if not plan.edits:
            return None
        key = _key(plan)
        made = Pipeline(plan)
        most = min(_MOST, self._room // _EACH)
        return made if key is None or most < _OVERHEAD else Kept(self, key, made, most)

    def get(self, key: tuple[object, ...]) -> bytes | None:
        """What a body became before; it stays a while longer then."""
        with self._lock:
            found = self._known.pop(key, None)
            if found is not None:
                self._known[key] = found
        return found

    def put(self, key: tuple[object, ...], body: bytes) -> None:
        """Keep what a body became, unless it grew out of proportion."""
        size = len(body) + _OVERHEAD
        if size > self._room // _EACH:
            return
        self._make_room(size)
        with self._lock:
            fresh = key not in self._known
            if fresh:
                self._known[key] = body
                self._taken += size
        self._grown(size if fresh else 0)

    def told(self, outcome: str) -> None:
        """Count how one body was met."""
        self._telemetry.count("gateway_edit_cache_total", outcome=outcome)

    def _make_room(self, size: int) -> None:
        with self._lock:
            before = self._taken
            while self._known and self._taken + size > self._room:
                gone = self._known.pop(next(iter(self._known)))
                self._taken -= len(gone) + _OVERHEAD
            freed = before - self._taken
        self._grown(-freed)

    def _grown(self, size: int) -> None:
        if size:
            self._telemetry.count("gateway_edit_cache_bytes", size)


def _key(plan: BodyPlan) -> tuple[object, ...] | None:
    """All that decides what a body becomes, but for the body; None: it is not to be kept."""
    if plan.kind not in _KINDS or plan.opens is not None or plan.form_token:
        return None
    found: list[object] = []
    for field in attrs.fields(BodyPlan):
        value = getattr(plan, field.name)
        if field.name == "scripts":
            continue  # there is none in a sheet
        if isinstance(value, Place):
            codec = value.codec
            value = (codec.suffix, codec.public_port, str(value.origin), value.url, value.runtime)
        found.append(value)
    return tuple(found)


class Kept:
    """A pipeline that collects a body and looks whether its like was edited before."""

    def __init__(
        self, edits: Edits, key: tuple[object, ...], pipeline: Pipeline, most: int
    ) -> None:
        """``most``: what is larger streams through ``pipeline`` as if nothing were kept."""
        self._edits = edits
        self._key = key
        self._pipeline = pipeline
        self._most = most
        self._chunks: list[bytes] | None = []
        self._size = 0

    @property
    def weight(self) -> int:
        """What an octet costs: nothing while it is collected."""
        return 0 if self._chunks is not None else self._pipeline.weight

    @property
    def held(self) -> int:
        """What waits to be edited at the end."""
        return self._size if self._chunks is not None else self._pipeline.held

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a chunk of the upstream's body, give pieces for the client."""
        if self._chunks is None:
            yield from self._pipeline.feed(data)
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > self._most:
            self._edits.told("large")
            chunks, self._chunks = self._chunks, None
            for chunk in chunks:
                yield from self._pipeline.feed(chunk)

    def close(self) -> Iterator[bytes]:
        """Give the rest; raises ``UpstreamFault`` for a body that ended wrongly."""
        if self._chunks is None:
            yield from self._pipeline.close()
            return
        body = b"".join(self._chunks)
        key = (*self._key, hashlib.sha256(body).digest())
        found = self._edits.get(key)
        self._edits.told("miss" if found is None else "hit")
        if found is not None:
            yield found
            return
        pieces = []
        for step in (self._pipeline.feed(body), self._pipeline.close()):
            for piece in step:
                pieces.append(piece)
                yield piece
        self._edits.put(key, b"".join(pieces))
