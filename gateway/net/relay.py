"""Two legs coupled: messages, closings and the pace of each go to the other.

A leg is anything that can send messages and be paused; a native WebSocket is one, an
emulated one will be another.  The relay owns no socket and no framing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gateway import events
from gateway.websocket.closing import GOING_AWAY, POLICY, TRY_AGAIN, Ending, pass_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.inspecting import Inspector
    from gateway.net.settings import Limits
    from gateway.net.standing import Standing
    from gateway.net.telemetry import Telemetry


class Leg(Protocol):
    """One side of a relay.  The leg calls back what the relay's methods are named for."""

    def send(self, payload: bytes, *, binary: bool) -> None:
        """Send one message."""
        ...

    def end(self, ending: Ending) -> None:
        """Close with what ``ending`` says, or drop."""
        ...

    def pause(self) -> None:
        """Read nothing until ``resume``."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    def attach(self, relay: Relay) -> None:
        """Report to ``relay`` from now on, first what arrived before."""
        ...


class Relay:
    """Couples a client's leg and an upstream's leg until both have ended."""

    def __init__(
        self,
        client: Leg,
        upstream: Leg,
        limits: Limits,
        reactor: Any,
        telemetry: Telemetry,
        when_over: Callable[[Relay], None],
    ) -> None:
        """``when_over`` is told once, when both legs have ended."""
        self._legs: dict[Leg, Leg] = {client: upstream, upstream: client}
        self._names = {client: "client", upstream: "upstream"}
        self._limits = limits
        self._reactor = reactor
        self._telemetry = telemetry
        self._when_over = when_over
        self._open = {client, upstream}
        self._told: set[Leg] = set()
        self._stalls: dict[Leg, Any] = {}
        self.messages = {"client": 0, "upstream": 0}
        self.octets = {"client": 0, "upstream": 0}
        self.ending = ""
        self.standing: Standing | None = None
        self.inspector: Inspector | None = None

    def start(self) -> None:
        """Couple the legs."""
        if self.inspector is not None:
            self.inspector.begin(self)
        for leg in tuple(self._legs):
            leg.attach(self)

    def received(self, leg: Leg, payload: bytes, *, binary: bool) -> None:
        """A whole message came from ``leg``."""
        name = self._names[leg]
        self.messages[name] += 1
        self.octets[name] += len(payload)
        if self.inspector is not None and not self.inspector.passes(name, payload, binary=binary):
            return
        other = self._legs[leg]
        if other in self._open:
            other.send(payload, binary=binary)

    @property
    def is_stalled(self) -> bool:
        """Whether a side is not read at the moment, since the other does not keep up."""
        return bool(self._stalls)

    def break_off(self, why: str, endings: dict[str, Ending]) -> None:
        """End both legs, each by its name as ``endings`` says."""
        self.ending = self.ending or why
        for leg in tuple(self._open):
            if leg not in self._told:
                self._tell(leg, endings[self._names[leg]])

    def congested(self, leg: Leg) -> None:
        """``leg`` does not keep up: its counterpart is not read until it does."""
        if leg in self._stalls or leg not in self._open:
            return
        self._legs[leg].pause()
        self._stalls[leg] = self._reactor.callLater(
            self._limits.websocket_stall_seconds, self._stalled, leg
        )

    def relieved(self, leg: Leg) -> None:
        """``leg`` has caught up."""
        timer = self._stalls.pop(leg, None)
        if timer is not None:
            if timer.active():
                timer.cancel()
            self._legs[leg].resume()

    def _stalled(self, leg: Leg) -> None:
        self._telemetry.event(
            events.LIMIT, limit="websocket-stall-seconds", detail=f"the {self._names[leg]} leg"
        )
        self._end_both("stalled", Ending(TRY_AGAIN, "too slow"), first=leg)
        # A peer that reads nothing reads no close frame either.
        leg.end(Ending(drop=True))

    def closing(self, leg: Leg, code: int | None, reason: str | None, *, was_clean: bool) -> None:
        """``leg`` is about to end: its counterpart is told now, ``closed`` comes later."""
        other = self._legs[leg]
        self._told.add(leg)  # whatever the other says to it now comes too late
        if not self.ending:
            self.ending = f"{self._names[leg]} {code}"
        if {leg, other} <= self._open and other not in self._told:
            self._tell(other, pass_on(code, reason, was_clean=was_clean))

    def closed(self, leg: Leg, code: int | None, reason: str | None, *, was_clean: bool) -> None:
        """``leg`` has ended; its counterpart is told how."""
        if leg not in self._open:
            return
        self._open.discard(leg)
        self._forget_stall(leg)
        if self.inspector is not None:
            self.inspector.stop()
        other = self._legs[leg]
        if not self.ending:
            self.ending = f"{self._names[leg]} {code if was_clean else 'dropped'}"
        if other in self._open:
            if other not in self._told:
                self._tell(other, pass_on(code, reason, was_clean=was_clean))
        else:
            self._when_over(self)

    def _forget_stall(self, leg: Leg) -> None:
        timer = self._stalls.pop(leg, None)
        if timer is not None and timer.active():
            timer.cancel()

    def drain(self) -> None:
        """The gateway goes away: tell both sides (1001)."""
        self._end_both("drained", Ending(GOING_AWAY, "the gateway is restarting"))

    def revoke(self) -> bool:
        """What it leads to is not open any more: the client is told so (1008), the origin 1001.

        False if it was about to end anyhow.
        """
        if self.ending or not self._open:
            return False
        self.ending = "revoked"
        for leg in tuple(self._open):
            code = POLICY if self._names[leg] == "client" else GOING_AWAY
            self._tell(leg, Ending(code, "not open any more" if code == POLICY else ""))
        return True

    def _end_both(self, why: str, ending: Ending, first: Leg | None = None) -> None:
        self.ending = self.ending or why
        legs = sorted(self._open, key=lambda leg: leg is not first)
        for leg in legs:
            self._tell(leg, ending)

    def _tell(self, leg: Leg, ending: Ending) -> None:
        self._told.add(leg)
        self._forget_stall(leg)
        leg.resume()
        leg.end(ending)

    def abort(self) -> None:
        """Cut both legs."""
        for leg in tuple(self._open):
            leg.end(Ending(drop=True))
