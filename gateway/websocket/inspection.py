"""The inspection of one connection's messages: a validator, a mode, and what is counted.

The relay asks ``inspect`` for every message and ``expire`` at ``deadline``; an ``Action``
says whether both legs are to be closed, and what goes into log and metrics.  Nothing of a
payload is in any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.websocket.rules import Mode, ValidationRules
from gateway.websocket.subprotocols.base import BAD_DATA, Direction, Message, Validator, Verdict
from gateway.websocket.subprotocols.registry import KNOWN, validator_for

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = [
    "PASS",
    "Action",
    "Direction",
    "Inspection",
    "Message",
    "Mode",
    "ValidationRules",
    "Validator",
    "Verdict",
    "inspection_for",
]


@attrs.frozen
class Action:
    """What is to be done about a message.

    ``verdict`` None: pass it on, and that is all.  ``closes``: it does not travel, the side
    ``by`` is closed with ``code`` and ``reason``, the other one, too.  ``news``: this
    connection broke the rule for the first time, which is what goes into a log.
    """

    verdict: Verdict | None = None
    closes: bool = False
    by: Direction | None = None
    index: int = 0
    news: bool = False

    @property
    def code(self) -> int:
        """The close code for the side that is to blame."""
        return self.verdict.close_code if self.verdict is not None else 0

    @property
    def reason(self) -> str:
        """The reason in its close frame: the rule's name and nothing else."""
        return self.verdict.rule if self.verdict is not None else ""


PASS = Action()
_MOST_RULES = 64
"""Rules have fixed names, fewer than these."""


class Inspection:
    """Judges one connection; not shared."""

    def __init__(self, subprotocol: str, mode: Mode, validator: Validator) -> None:
        """``subprotocol`` is a name of ours or the operator's: it may be shown."""
        self.subprotocol = subprotocol
        self.mode = mode
        self.violations = 0
        self._validator = validator
        self._counts = {Direction.FROM_CLIENT: 0, Direction.TO_CLIENT: 0}
        self._told: set[tuple[str, Direction]] = set()
        self._over = False

    def __repr__(self) -> str:
        """Nothing of what was seen."""
        return f"<Inspection {self.subprotocol} {self.mode.value}>"

    @property
    def messages(self) -> Mapping[Direction, int]:
        """How many messages each side sent; the next verdict's index counts from one."""
        return self._counts

    def begin(self, now: float) -> None:
        """The connection is open; ``now`` is of any clock that does not go back."""
        self._validator.begin(now)

    def inspect(self, message: Message, now: float) -> Action:
        """Judge one message."""
        self._counts[message.direction] += 1
        if self._over:
            return PASS
        try:
            verdict = self._validator.check(message, now)
        except Exception as error:  # noqa: BLE001 (a library's; its text may quote the message)
            verdict = Verdict(BAD_DATA, "unreadable", type(error).__name__, final=True)
        return PASS if verdict is None else self._judged(verdict, message.direction)

    def deadline(self) -> float | None:
        """When ``expire`` is to be asked; None: nothing is waited for."""
        return None if self._over else self._validator.deadline()

    def expire(self, now: float) -> Action:
        """Judge what has not come."""
        verdict = None if self._over else self._validator.expired(now)
        return PASS if verdict is None else self._judged(verdict, Direction.FROM_CLIENT)

    def _judged(self, verdict: Verdict, sender: Direction) -> Action:
        by = verdict.by or sender
        key = (verdict.rule, by)
        news = key not in self._told and len(self._told) < _MOST_RULES
        if news:
            self._told.add(key)
        self.violations += 1
        closes = self.mode is Mode.ENFORCE
        self._over = closes or verdict.final
        return Action(verdict, closes, by, self._counts[by], news)


def inspection_for(subprotocol: str | None, rules: ValidationRules) -> Inspection | None:
    """The inspection of a connection; None where nobody is to look at its messages."""
    if rules.mode is Mode.OFF:
        return None
    validator = validator_for(subprotocol, rules)
    if validator is None:
        return None
    shown = subprotocol is not None and (subprotocol in KNOWN or subprotocol in rules.names)
    return Inspection((shown and subprotocol) or "-", rules.mode, validator)
