"""Who changes a bucket in this process: one exchange after another, once they collided."""

from __future__ import annotations

from twisted.internet.defer import DeferredLock

Key = tuple[bytes, bytes]


class Holds:
    """A lock for each key that somebody holds or waits for, and none for others."""

    def __init__(self) -> None:
        """Nobody holds anything."""
        self._locks: dict[Key, DeferredLock] = {}

    async def take(self, key: Key) -> None:
        """Wait for one's turn; who is cancelled meanwhile holds nothing."""
        await self._locks.setdefault(key, DeferredLock()).acquire()

    def give(self, key: Key) -> None:
        """Let the next have it."""
        lock = self._locks[key]
        if not lock.waiting:
            del self._locks[key]
        lock.release()

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self._locks)
