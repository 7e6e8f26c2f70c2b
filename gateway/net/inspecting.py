"""A relay's inspection at work: messages are judged, violations counted and told, times kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gateway import events
from gateway.websocket.closing import GOING_AWAY, POLICY, Ending, shorten
from gateway.websocket.inspection import Direction, Message

if TYPE_CHECKING:
    from gateway.net.telemetry import Telemetry
    from gateway.websocket.inspection import Action, Inspection

_AGAIN = 5.0
"""While a leg waits for the other, and shortly after, nobody is late; then it is asked again."""


class Inspected(Protocol):
    """What an inspector asks of its relay."""

    @property
    def is_stalled(self) -> bool:
        """Whether what a side sent may not have been seen yet."""
        ...

    def break_off(self, why: str, rule: str, endings: dict[str, Ending]) -> None:
        """End both legs, each by its name as ``endings`` says; ``rule`` demands it."""
        ...


class Inspector:
    """One relay's; ``about``: the fields of its events (request, client, host)."""

    def __init__(
        self, inspection: Inspection, reactor: Any, telemetry: Telemetry, about: dict[str, str]
    ) -> None:
        """Nothing is judged before ``begin``."""
        self._inspection = inspection
        self._reactor = reactor
        self._telemetry = telemetry
        self._about = about
        self._relay: Inspected | None = None
        self._timer: Any = None
        self._due = 0.0
        self._over = False

    def begin(self, relay: Inspected) -> None:
        """The legs are coupled; times are counted from here."""
        self._relay = relay
        self._inspection.begin(self._reactor.seconds())
        self._arm()

    def passes(self, name: str, payload: bytes, *, binary: bool) -> bool:
        """Judge a message of the leg ``name``: whether it goes on to the other."""
        if self._over:
            return False
        message = Message(Direction(name), payload, binary)
        action = self._inspection.inspect(message, self._reactor.seconds())
        if action.verdict is not None:
            self._act(action)
        if not self._over:
            self._arm()
        return not action.closes

    def stop(self) -> None:
        """The relay ends."""
        self._over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _arm(self) -> None:
        due = self._inspection.deadline()
        if due is None or (self._timer is not None and self._due <= due):
            return  # a timer that is early looks again
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._reactor.callLater(max(due - self._reactor.seconds(), 0), self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._reactor.seconds()
        if self._relay is not None and self._relay.is_stalled:
            self._due = now + _AGAIN
            self._timer = self._reactor.callLater(_AGAIN, self._look)
            return
        action = self._inspection.expire(now)
        if action.verdict is not None:
            self._act(action)
        if not self._over:
            self._arm()

    def _act(self, action: Action) -> None:
        inspection, verdict = self._inspection, action.verdict
        if verdict is None or action.by is None:
            return
        self._telemetry.count(
            "gateway_websocket_subprotocol_violations_total",
            subprotocol=inspection.subprotocol,
            rule=verdict.rule,
            mode=inspection.mode.value,
        )
        if action.news:
            self._telemetry.event(
                events.SUBPROTOCOL_MESSAGE,
                detail=verdict.detail,
                subprotocol=inspection.subprotocol,
                rule=verdict.rule,
                mode=inspection.mode.value,
                leg=action.by.value,
                message=action.index,
                **self._about,
            )
        if not action.closes or self._relay is None:
            return
        self.stop()
        # Whoever is to blame is told the rule; the client in either case, since it is the page
        # that wonders, and an origin only that it is over.
        endings = {
            "client": Ending(POLICY, action.reason),
            "upstream": Ending(GOING_AWAY),
        }
        endings[action.by.value] = Ending(action.code, shorten(action.reason))
        why = f"{action.by.value} broke {verdict.rule}"
        self._relay.break_off(why, f"subprotocol-{verdict.rule}", endings)
