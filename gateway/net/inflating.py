"""How compressed frames are read: in steps, each of which the other side has to take first.

A frame of some kilobytes may stand for megabytes (RFC 7692, section 8.2 on memory).  What it stands
for is taken out of it no faster than it can be passed on, so that a reader that is slow costs
what it costs without compression.
"""

from __future__ import annotations

from typing import Any, Final

STEP: Final = 64 * 1024
"""Octets that are inflated at one go."""
STEP_FRAMES: Final = 16
"""As many small frames take as long as one step."""


class Inflating:
    """Stands before autobahn's protocol among a leg's bases."""

    _perMessageCompress: Any
    data: bytes
    failedByMe: bool
    relay: Any
    current_frame: Any
    current_frame_masker: Any

    @property
    def is_inflating(self) -> bool:
        """Whether there is more of a frame of which all was read that has come."""
        deflate = self._perMessageCompress
        return deflate is not None and deflate.has_more and not self.failedByMe

    def may_grow(self) -> bool:
        """Whether what was read may be many times as large when it is inflated."""
        deflate = self._perMessageCompress
        if deflate is None or self.relay is None or self.failedByMe:
            return False
        return deflate.has_more or bool(self.data)

    def inflate(self) -> None:
        """Take one more step."""
        went_on = self.onFrameData(b"")  # type: ignore[attr-defined]
        frame, masker = self.current_frame, self.current_frame_masker
        if went_on is not False and not self.is_inflating and masker.pointer() == frame.length:
            self.onFrameEnd()

    def onFrameEnd(self) -> bool | None:
        """A frame ends when all that it stands for was taken."""
        if self.is_inflating:
            return None
        went_on: bool | None = super().onFrameEnd()  # type: ignore[misc]
        return went_on
