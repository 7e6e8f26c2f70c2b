"""What the shells tell the operator's side: events, accesses, counts.

The implementation is ``ops.metrics``; a test passes one that remembers.
"""

from __future__ import annotations

from typing import Protocol


class Telemetry(Protocol):
    """Sinks; none of them raises or blocks."""

    def event(self, code: str, *, detail: str = "", **fields: object) -> None:
        """A security event or fault, by its stable code."""
        ...

    def access(self, code: str, **fields: object) -> None:
        """One finished request or WebSocket; ``code`` is an event code."""
        ...

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter, or to a gauge when the name is one."""
        ...

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put a value into a histogram."""
        ...


class Silent:
    """Tells nobody."""

    def event(self, code: str, *, detail: str = "", **fields: object) -> None:
        """Ignore it."""

    def access(self, code: str, **fields: object) -> None:
        """Ignore it."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Ignore it."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Ignore it."""
