"""A request's body while it comes: read from its front before its end is there."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from collections.abc import Callable


class Arriving:
    """Octets that wait in a file for who reads them, who is told of more, and of the end.

    A body is ``is_whole`` at its end, or ``is_lost`` where no more of it will come.
    """

    def __init__(self, content: IO[bytes], declared: int | None = None) -> None:
        """``content`` is an empty file; ``declared`` what the head says of the length."""
        self._content = content
        self._kept = self._at = 0
        self._listener: Callable[[], None] | None = None
        self._is_wanted = True
        self._waiting: list[Deferred[None]] = []
        self._let_go: Callable[[], None] | None = None
        self.declared = declared
        self.size = 0
        self.is_whole = self.is_lost = False

    @property
    def most(self) -> int:
        """How large it is at least, as far as is known."""
        return max(self.size, self.declared or 0)

    @property
    def waits(self) -> bool:
        """Whether something has come that was not read."""
        return self._at < self._kept

    # --- who has it -------------------------------------------------------------------

    def add(self, data: bytes) -> None:
        """More has come."""
        self.size += len(data)
        if self._is_wanted:
            self._content.write(data)
            self._kept += len(data)
            self._tell()

    def end(self) -> None:
        """All has come."""
        self.is_whole = True
        self._tell()
        self._end()

    def lose(self, let_go: Callable[[], None] | None = None) -> bool:
        """The client is gone: what is not read yet is kept.

        True: in its file, which somebody still reads and which is closed when all was read or
        nobody wants more; ``let_go`` is called then.  Without it the caller closes the file.
        """
        if let_go is not None and self._listener is not None and self.waits:
            self._let_go = let_go
        elif self._let_go is None:
            rest = b"" if self._content.closed else self.read(self._kept)
            self._content, self._at, self._kept = io.BytesIO(rest), 0, len(rest)
        if not self.is_whole and not self.is_lost:
            self.is_lost = True
            self._tell()
            self._end()
        return self._let_go is not None

    # --- who reads it -----------------------------------------------------------------

    def listen(self, listener: Callable[[], None]) -> None:
        """Call back whenever there is more to read, or to know."""
        self._listener = listener

    def stop(self) -> None:
        """Nobody reads it any more: what comes yet is counted, and not kept."""
        self._listener, self._is_wanted = None, False
        self._at = self._kept
        self._leave()

    def read(self, octets: int) -> bytes:
        """At most so much of what is there and was not read."""
        data = b""
        if self.waits:
            self._content.seek(self._at)
            data = self._content.read(octets)
            self._content.seek(0, io.SEEK_END)
            self._at += len(data)
            if not self.waits:
                self._leave()
        return data

    def _leave(self) -> None:
        let_go, self._let_go = self._let_go, None
        if let_go is not None:
            self._content.close()
            let_go()

    def ended(self) -> Deferred[None]:
        """Fires when it is whole or lost."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        if self.is_whole or self.is_lost:
            self._end()
        return waiting

    def _tell(self) -> None:
        if self._listener is not None:
            self._listener()

    def _end(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.called:  # by being cancelled
                one.callback(None)


def whole(content: IO[bytes] | None, size: int) -> Arriving:
    """A body that is there already."""
    found = Arriving(io.BytesIO() if content is None else content, size)
    found.size = found._kept = size
    found.is_whole = True
    return found
