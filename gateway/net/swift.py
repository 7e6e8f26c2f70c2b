"""The short way of plain messages through a leg; whatever is odd goes autobahn's way.

A message in one frame that came whole is read out of what was read, and one that is sent is a
header and its octets.  Frames that break the protocol, fragments, control frames, compressed
and long messages are left where they are, for autobahn.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gateway.websocket.framing import BINARY, MASKED, TEXT, Utf8, header, mix

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.relay import Relay
    from gateway.net.settings import Limits

_SHORT = 384
"""Above, the library that masks with SIMD is faster than Python's integers."""
_POOL = 4096
_PLAIN = frozenset((TEXT, BINARY))


class Keys:
    """Masks that nobody can foresee (RFC 6455, section 10.3), drawn a thousand at a time."""

    def __init__(self, draw: Callable[[int], bytes] = os.urandom) -> None:
        """``draw`` gives random octets."""
        self._draw = draw
        self._pool = b""
        self._at = 0

    def next(self) -> bytes:
        """Four octets that were never given before."""
        if self._at >= len(self._pool):
            self._pool, self._at = self._draw(_POOL), 0
        at = self._at
        self._at = at + 4
        return self._pool[at : at + 4]


_KEYS = Keys()


class Swift:
    """Stands before autobahn's protocol among a leg's bases."""

    relay: Relay | None
    transport: Any
    factory: Any
    state: int
    data: bytes
    _limits: Limits
    _paused: bool

    def swift(self, masker: Callable[[bytes, int], Any]) -> None:
        """``masker`` makes what masks long payloads."""
        limits = self._limits
        self._masker = masker
        self._longest = min(
            limits.websocket_whole_bytes,
            limits.websocket_frame_bytes,
            limits.websocket_message_bytes,
        )

    def _connectionMade(self) -> None:
        super()._connectionMade()  # type: ignore[misc]
        self.utf8validator = Utf8()

    def take_plain(self, most: int) -> int:
        """Take plain messages from the front of what was read, at most so many; how many."""
        relay, data = self.relay, self.data
        if (
            relay is None
            or self.state != self.STATE_OPEN  # type: ignore[attr-defined]
            or self.current_frame is not None  # type: ignore[attr-defined]
            or self.inside_message  # type: ignore[attr-defined]
        ):
            return 0
        masked = MASKED if self.factory.isServer else 0
        at, end, taken = 0, len(data), 0
        while taken < most and end - at > 1:
            first, second = data[at], data[at + 1]
            size, start = second & 127, at + 2
            if size == 126 and end - at > 3:
                size, start = data[start] << 8 | data[start + 1], at + 4
                if size < 126:
                    break
            elif size > 125:
                break
            body = start + 4 if masked else start
            stop = body + size
            if (
                stop > end
                or size > self._longest
                or second & MASKED != masked
                or first not in _PLAIN
            ):
                break
            payload = data[body:stop]
            if masked:
                payload = self._mix(payload, data[start:body])
            if first == TEXT:
                try:
                    payload.decode()
                except UnicodeDecodeError:
                    break
            at, taken = stop, taken + 1
            relay.received(self, payload, binary=first == BINARY)  # type: ignore[arg-type]
            if self._paused or self.state != self.STATE_OPEN:  # type: ignore[attr-defined]
                break
        if at:
            self.data = self.data[at:]
        return taken

    def send_plain(self, payload: bytes, *, binary: bool) -> None:
        """Send a message in one frame."""
        first, size = BINARY if binary else TEXT, len(payload)
        if self.factory.isServer:
            self.transport.write(header(first, size, 0) + payload)
        else:
            key = _KEYS.next()
            self.transport.write(header(first, size, MASKED) + key + self._mix(payload, key))

    def _mix(self, payload: bytes, key: bytes) -> bytes:
        if len(payload) <= _SHORT:
            return mix(payload, key)
        mixed: bytes = self._masker(key, len(payload)).process(payload)
        return mixed
