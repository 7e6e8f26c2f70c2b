"""An octet stream as messages: text is cut between characters, whatever chunks it came in."""

from __future__ import annotations

import codecs


class Cutter:
    """Turns chunks of a stream into text or binary messages.

    What a chunk ends with of a character waits for the next.  Octets that are no UTF-8 go out
    as one binary message, so that none is lost or changed; text goes on after them.
    """

    def __init__(self) -> None:
        """Nothing waits."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._held = b""

    def cut(self, chunk: bytes) -> tuple[bytes, bool] | None:
        """The message that can go out now, and whether it is binary; None: none yet."""
        whole = self._held + chunk
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError:
            self._decoder.reset()
            self._held = b""
            return whole, True
        waiting = self._decoder.getstate()[0]
        self._held = waiting
        ready = whole[: len(whole) - len(waiting)]
        return (ready, False) if ready else None

    def rest(self) -> bytes:
        """What waits at the stream's end: a character that never became whole."""
        held, self._held = self._held, b""
        self._decoder.reset()
        return held
