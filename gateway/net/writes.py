"""Small writes, of which many wait for a peer that reads nothing: their number has a bound, too."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.abstract import FileDescriptor

MOST: Final = 1024
"""So many may wait at once: an object of a few octets takes dozens, twenty times its octets."""


class Writes:
    """Stands among the bases of a leg that is the producer of a plain transport.

    The transport says that it is full by octets (64 KiB), which a flood of messages of an octet
    reaches late.  It says that it can take more when nothing waits, which is soon if its peer
    reads.  TLS gathers small writes by itself.
    """

    transport: Any
    _writes = 0

    def wrote(self) -> None:
        """Something small was written."""
        self._writes += 1
        if self._writes < MOST:
            return
        self._writes = 0
        transport = self.transport
        if isinstance(transport, FileDescriptor) and not transport.producerPaused:
            transport.producerPaused = True
            self.pauseProducing()

    def pauseProducing(self) -> None:
        """Of the leg: its transport is full."""
        raise NotImplementedError
