"""Sequence numbers of upstream requests: one in flight, in order, repeated where agreed."""

from __future__ import annotations

from enum import Enum

import attrs


class Turn(Enum):
    """What is to be done with an upstream request."""

    APPLY = "apply"
    AGAIN = "again"
    """It was applied or is being applied: it is answered as the first one is."""
    FAULT = "fault"
    """Out of order, or one is in flight: the connection fails."""


@attrs.define
class Upstream:
    """``number``: of the newest request; at first the create's, which cannot be repeated."""

    number: int
    retry: bool = False
    in_flight: bool = False
    _begun: bool = False

    def begin(self, number: int | None) -> Turn:
        """A request came."""
        if number is None:
            return Turn.FAULT
        if self.retry and self._begun and number == self.number:
            return Turn.AGAIN
        if self.in_flight or number != self.number + 1:
            return Turn.FAULT
        self.number, self.in_flight, self._begun = number, True, True
        return Turn.APPLY

    def done(self) -> None:
        """All of it was applied."""
        self.in_flight = False
