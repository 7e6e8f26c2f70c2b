"""permessage-deflate of a leg whose bound on what a message becomes is exact.

A match that reaches beyond the bound may have been read whole by zlib while some of what it
stands for waits inside: autobahn sees nothing left over, and would pass the message on without
its last octets, up to 258 of them.
"""

from __future__ import annotations

from typing import Any

from autobahn.exception import PayloadExceededError

from gateway.net.legs import Deflate


class ExactDeflate(Deflate):
    """Refuses a message by its first octet too many."""

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """More of a message; raises ``PayloadExceededError`` if it is larger than may be."""
        found: bytes = super().decompress_message_data(data, max_output_len)
        left = self.max_message_size - self._decompress_message_size
        if max_output_len is not None:
            left = min(left, max_output_len - len(found))
        inflating: Any = self._decompressor
        if left <= 0 and inflating.decompress(b"", 1):
            raise PayloadExceededError("the message is larger than may be when it is inflated")
        return found
