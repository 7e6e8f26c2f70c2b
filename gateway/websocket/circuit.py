"""Whether a backend that failed is dialled again: after a time that doubles, and not by all at once."""

from __future__ import annotations

import math

import attrs

_FIRST = 1.0


@attrs.frozen
class Circuit:
    """A backend as far as dials tell; ``until``: nobody dials it before.

    ``probing``: one dial is under way to find out whether it is back, and counts for all.
    ``reached``: somebody answers there again, and the next dial tells the rest.
    """

    failures: int = 0
    until: float = 0.0
    probing: bool = False
    reached: bool = False

    @property
    def is_up(self) -> bool:
        """Whether it answers, as far as anybody knows."""
        return not self.failures or self.reached

    def wait(self, now: float) -> float:
        """Seconds until it may be dialled; 0.0: now."""
        if self.probing:
            return max(self.until - now, _FIRST)
        return max(self.until - now, 0.0)

    def dialling(self) -> Circuit:
        """A dial begins."""
        return attrs.evolve(self, probing=not self.is_up)

    def found(self) -> Circuit:
        """Its port was reached, without anybody's handshake."""
        return attrs.evolve(self, until=0.0, probing=False, reached=bool(self.failures))

    def failed(self, now: float, most: float, noise: float) -> Circuit:
        """A dial failed; ``most``: the longest interval, ``noise``: from 0 to 1.

        Dials that began together are one failure.
        """
        if now < self.until:
            return self
        interval = min(most, _FIRST * 2.0 ** min(self.failures, 30))
        return Circuit(self.failures + 1, now + interval * (0.5 + noise / 2))

    def left(self) -> Circuit:
        """A dial was given up by whoever asked: it told nothing."""
        return attrs.evolve(self, probing=False)


UP = Circuit()


def retry_after(seconds: float) -> int:
    """Whole seconds for ``Retry-After``: at least one."""
    return max(1, math.ceil(seconds))
