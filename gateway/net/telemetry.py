"""What the shells tell the operator's side: events, accesses, counts.

The implementation is ``ops.metrics``; a test passes one that remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from twisted.python.failure import Failure


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


def where(failure: Failure) -> str:
    """The type and place of an unexpected failure; its text may quote secrets and stays out."""
    frames = [f"{frame[1]}:{frame[2]} {frame[0]}" for frame in failure.frames[-6:]]
    return f"{type(failure.value).__name__} at {' < '.join(reversed(frames))}"
