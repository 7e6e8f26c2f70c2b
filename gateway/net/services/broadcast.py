"""Broadcast: what anybody says, or a source says, is told to everybody who is there."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from gateway.net.services.builtin import BuiltinLeg
from gateway.websocket.closing import GOING_AWAY, NORMAL, TRY_AGAIN, Ending, pass_on

if TYPE_CHECKING:
    from gateway.net.relay import Leg


class Hub:
    """Who is there; ``source`` if messages come from a backend and not from clients."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._legs: dict[BroadcastLeg, None] = {}
        self.source: Source | None = None

    def join(self, leg: BroadcastLeg) -> None:
        """One more."""
        self._legs[leg] = None

    def leave(self, leg: BroadcastLeg) -> None:
        """One less; a source without anybody to hear it ends."""
        self._legs.pop(leg, None)
        if not self._legs and self.source is not None:
            source, self.source = self.source, None
            source.end()

    def publish(self, payload: bytes, *, binary: bool) -> None:
        """Tell everybody."""
        for leg in tuple(self._legs):
            leg.deliver(payload, binary=binary)

    def over(self, ending: Ending) -> None:
        """The source is gone, and with it what everybody came for."""
        self.source = None
        for leg in tuple(self._legs):
            leg.vanish(ending)


class BroadcastLeg(BuiltinLeg):
    """One client's place in a broadcast; what it is too slow for waits, up to a bound."""

    def __init__(self, reactor: Any, hub: Hub, pending_bytes: int, *, listens: bool) -> None:
        """``listens``: to what its client says, too."""
        super().__init__(reactor)
        self._hub = hub
        self._bound = pending_bytes
        self._listens = listens
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._size = 0
        self._paused = False

    def attach(self, relay: Any) -> None:
        """It is there."""
        super().attach(relay)
        if self._ended:
            return
        if self._listens or self._hub.source is not None:
            self._hub.join(self)
        else:
            self.vanish(Ending(GOING_AWAY))  # the source ended before it was there

    def send(self, payload: bytes, *, binary: bool) -> None:
        """What the client says is for all, itself among them."""
        if self._listens and not self._ended:
            self._hub.publish(payload, binary=binary)

    def deliver(self, payload: bytes, *, binary: bool) -> None:
        """Tell the client, or keep it for when the client can take it."""
        if self._ended or self._relay is None:
            return
        if not self._paused and not self._waiting:
            self._relay.received(self, payload, binary=binary)
            return
        self._waiting.append((payload, binary))
        self._size += len(payload) + 1
        if self._size > self._bound:
            self._relay.exceeded(self, "service.pending-bytes")
            self.vanish(Ending(TRY_AGAIN, "too slow"))

    def vanish(self, ending: Ending) -> None:
        """End it from this side."""
        if not self._ended:
            self._leave()
            self._ended = True
            relay = self._relay
            if relay is not None:
                self._reactor.callLater(0, self._over, relay, ending)

    def _leave(self) -> None:
        self._waiting.clear()
        self._size = 0
        self._hub.leave(self)

    def pause(self) -> None:
        """The client takes no more just now."""
        self._paused = True

    def resume(self) -> None:
        """Tell it what waits, as long as it takes it."""
        self._paused = False
        while self._waiting and not self._paused and not self._ended and self._relay is not None:
            payload, binary = self._waiting.popleft()
            self._size -= len(payload) + 1
            self._relay.received(self, payload, binary=binary)

    def end(self, ending: Ending) -> None:
        """The client has left, or is sent away."""
        if not self._ended:
            self._leave()
        super().end(ending)


class Source:
    """Stands where a relay would, at the leg of a broadcast's own backend."""

    def __init__(self, hub: Hub, leg: Leg) -> None:
        """``leg`` is open."""
        self._hub = hub
        self._leg = leg
        self.is_over = False

    def start(self) -> None:
        """Hear it."""
        where: Any = self
        self._leg.attach(where)

    def end(self) -> None:
        """Nobody hears it any more."""
        if not self.is_over:
            self._leg.end(Ending(NORMAL))

    def received(self, leg: Leg, payload: bytes, *, binary: bool) -> None:
        """A message for all."""
        del leg
        self._hub.publish(payload, binary=binary)

    def begun(self, leg: Leg, *, binary: bool) -> bool:
        """Messages are told whole."""
        del leg, binary
        return False

    def pinged(self, leg: Leg) -> None:
        """Its leg has answered."""

    def answered(self, leg: Leg, seconds: float) -> None:
        """A ping of ours was answered."""

    def congested(self, leg: Leg) -> None:
        """Nothing is said to it."""

    def relieved(self, leg: Leg) -> None:
        """See ``congested``."""

    def closing(self, leg: Leg, code: int | None, reason: str | None, *, was_clean: bool) -> bool:
        """It is about to end: nothing waits for that, and nobody has anything to say to it."""
        del leg, code, reason, was_clean
        return False

    def answered_close(self, leg: Leg, code: int | None, reason: str | None) -> None:
        """It was told to end, and has answered: see ``closed``."""

    def closed(self, leg: Leg, code: int | None, reason: str | None, *, was_clean: bool) -> None:
        """It has ended: so has everything that hangs on it."""
        del leg
        self.is_over = True
        if self._hub.source is self:
            self._hub.over(pass_on(code, reason, was_clean=was_clean))
