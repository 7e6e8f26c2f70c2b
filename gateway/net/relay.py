"""Two legs coupled: messages, closings and the pace of each go to the other.

A leg is anything that can send messages and be paused: a native WebSocket, an emulated one,
a service's.  The relay owns no socket and no framing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs

from gateway import events
from gateway.websocket import limits as bounds
from gateway.websocket.closing import GOING_AWAY, POLICY, TRY_AGAIN, Ending, pass_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.inspecting import Inspector
    from gateway.net.settings import Limits
    from gateway.net.standing import Standing
    from gateway.net.telemetry import Telemetry


CATCH_UP_SECONDS = 5.0
"""For so long after a pause what a side sent meanwhile may be on its way."""


class Leg(Protocol):
    """One side of a relay.  The leg calls back what the relay's methods are named for.

    A leg that also has ``begin``, ``write`` and ``finish`` takes a message in parts; one whose
    own close frame waits for the counterpart's has ``release``.
    """

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


@attrs.define
class RoundTrips:
    """What the pings of one leg found."""

    last: float = 0.0
    total: float = 0.0
    count: int = 0


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
        self._held: dict[Leg, set[str]] = {client: set(), upstream: set()}
        self._slowed: dict[Leg, Any] = {}
        self._idle: Any = None
        self._coming: dict[Leg, float] = {}  # large messages, and since when
        self._resumed: float | None = None
        now = reactor.seconds()
        self._meters = {
            leg: bounds.meter(
                limits.websocket_messages_per_second,
                limits.websocket_bytes_per_second,
                limits.websocket_rate_grace_seconds,
                now,
            )
            for leg in self._legs
        }
        self.messages = {"client": 0, "upstream": 0}
        self.octets = {"client": 0, "upstream": 0}
        self.round_trips = {"client": RoundTrips(), "upstream": RoundTrips()}
        self.ending = ""
        self.rule = ""  # what demanded its end, if it was no peer's wish
        self.standing: Standing | None = None
        self.inspector: Inspector | None = None

    def start(self) -> None:
        """Couple the legs."""
        if self.inspector is not None:
            self.inspector.begin(self)
        for leg in tuple(self._legs):
            leg.attach(self)
        if self._limits.websocket_idle_seconds and self._open:
            self._watch_idle((0, 0), self._reactor.seconds())

    # --- messages -----------------------------------------------------------------

    def received(self, leg: Leg, payload: bytes, *, binary: bool) -> None:
        """A whole message came from ``leg``."""
        self._count(leg, 1, len(payload))
        self._coming.pop(leg, None)
        name = self._names[leg]
        if self.inspector is not None and not self.inspector.passes(name, payload, binary=binary):
            return
        other = self._legs[leg]
        if other in self._open:
            other.send(payload, binary=binary)

    def begun(self, leg: Leg, *, binary: bool) -> bool:
        """A large message comes from ``leg``: whether it may pass in parts."""
        other: Any = self._legs[leg]
        if self.inspector is not None:
            self.coming(leg)
            return False
        if not hasattr(other, "begin"):
            return False
        self._count(leg, 1, 0)
        if other in self._open:
            other.begin(binary=binary)
        return True

    def coming(self, leg: Leg) -> None:
        """A message that is not whole yet comes from ``leg``."""
        self._coming.setdefault(leg, self._reactor.seconds())

    def part(self, leg: Leg, payload: bytes) -> None:
        """More of it."""
        self._count(leg, 0, len(payload))
        other: Any = self._legs[leg]
        if other in self._open:
            other.write(payload)

    def finished(self, leg: Leg) -> None:
        """It was whole."""
        other: Any = self._legs[leg]
        if other in self._open:
            other.finish()

    def pinged(self, leg: Leg) -> None:
        """``leg`` was pinged by its peer, and has answered: the other leg hears nothing of it."""
        self._measure(leg, 1, 0)

    def answered(self, leg: Leg, seconds: float) -> None:
        """The peer of ``leg`` has answered a ping after so long."""
        name = self._names[leg]
        trips = self.round_trips[name]
        trips.last, trips.total, trips.count = seconds, trips.total + seconds, trips.count + 1
        self._telemetry.observe("gateway_websocket_round_trip_seconds", seconds, leg=name)

    def exceeded(self, leg: Leg, key: str) -> None:
        """``leg`` is closed by itself: its peer sent more than a limit lets it."""
        self.rule = self.rule or key
        self._telemetry.event(events.LIMIT, limit=key, detail=f"the {self._names[leg]} leg")

    def _count(self, leg: Leg, messages: int, octets: int) -> None:
        name = self._names[leg]
        self.messages[name] += messages
        self.octets[name] += octets
        self._measure(leg, messages, octets)

    # --- pace ---------------------------------------------------------------------

    def _measure(self, leg: Leg, messages: int, octets: int) -> None:
        meter = self._meters[leg]
        if meter is None:
            return
        strained, now = meter.is_strained, self._reactor.seconds()
        wait = meter.spend(messages, octets, now)
        if not wait or leg not in self._open or leg in self._told:
            return
        if meter.is_over(now):
            self.exceeded(leg, meter.key)
            self._end_both("too fast", Ending(bounds.CODES[meter.key], "too fast"))
            return
        if not strained:
            self._telemetry.count("gateway_limit_reached_total", limit=meter.key)
        # What was read already comes all the same: the newest wait is the longest.
        if leg in self._slowed:
            self._slowed[leg].cancel()
        self._hold(leg, "rate")
        self._slowed[leg] = self._reactor.callLater(wait, self._may_go_on, leg)

    def _may_go_on(self, leg: Leg) -> None:
        del self._slowed[leg]
        self._let_go(leg, "rate")

    def _hold(self, leg: Leg, why: str) -> None:
        if not self._held[leg]:
            leg.pause()
        self._held[leg].add(why)

    def _let_go(self, leg: Leg, why: str) -> None:
        self._held[leg].discard(why)
        if not self._held[leg]:
            self._resumed = self._reactor.seconds()
            leg.resume()

    @property
    def is_stalled(self) -> bool:
        """Whether what a side sent may not have been seen yet.

        It is not read at the moment (the other is slow, or it is too fast), or was not until
        just now, or is amid a large message, which has as much time as a request's body.
        """
        now = self._reactor.seconds()
        allowed = self._limits.request_body_seconds
        if any(self._held.values()) or any(now - at < allowed for at in self._coming.values()):
            return True
        return self._resumed is not None and now - self._resumed < CATCH_UP_SECONDS

    def break_off(self, why: str, rule: str, endings: dict[str, Ending]) -> None:
        """End both legs, each by its name as ``endings`` says; ``rule`` demands it."""
        self.ending = self.ending or why
        self.rule = self.rule or rule
        for leg in tuple(self._open):
            if leg not in self._told:
                self._tell(leg, endings[self._names[leg]])

    def congested(self, leg: Leg) -> None:
        """``leg`` does not keep up: its counterpart is not read until it does."""
        if leg in self._stalls or leg not in self._open:
            return
        self._hold(self._legs[leg], "pace")
        self._stalls[leg] = self._reactor.callLater(
            self._limits.websocket_stall_seconds, self._stalled, leg
        )

    def relieved(self, leg: Leg) -> None:
        """``leg`` has caught up."""
        timer = self._stalls.pop(leg, None)
        if timer is not None:
            if timer.active():
                timer.cancel()
            self._let_go(self._legs[leg], "pace")

    def _stalled(self, leg: Leg) -> None:
        self.exceeded(leg, "websocket-stall-seconds")
        self._end_both("stalled", Ending(TRY_AGAIN, "too slow"), first=leg)
        # A peer that reads nothing reads no close frame either.
        leg.end(Ending(drop=True))

    def closing(self, leg: Leg, code: int | None, reason: str | None, *, was_clean: bool) -> bool:
        """``leg`` is about to end: its counterpart is told now, ``closed`` comes later.

        Whether the counterpart has still something to say: ``leg.release`` is called then.  A leg
        that does not keep up is to end at once, for its counterpart does not wait any more.
        """
        other = self._legs[leg]
        self._told.add(leg)  # whatever the other says to it now comes too late
        if not was_clean and code is not None:
            self.rule = self.rule or f"{self._names[leg]} {code}"  # it broke the protocol
        if not self.ending:
            self.ending = f"{self._names[leg]} {code}"
        if {leg, other} <= self._open and other not in self._told:
            self._tell(other, pass_on(code, reason, was_clean=was_clean))
        return other in self._open and leg not in self._stalls

    def answered_close(self, leg: Leg, code: int | None, reason: str | None) -> None:
        """``leg`` was told to end, and its peer's close frame has come: nothing will follow it."""
        self._release(self._legs[leg], pass_on(code, reason, was_clean=True))

    def _release(self, leg: Leg, ending: Ending | None) -> None:
        waiting: Any = leg
        if leg in self._open and hasattr(waiting, "release"):
            waiting.release(ending)

    def _watch_idle(self, seen: tuple[int, int], since: float) -> None:
        """Look now and then whether anything was sent: no message pays for it."""
        now = self._reactor.seconds()
        counted = (sum(self.messages.values()), sum(self.octets.values()))
        if counted != seen:
            seen, since = counted, now
        allowed = self._limits.websocket_idle_seconds
        if now - since >= allowed:
            self.rule = "websocket-idle-seconds"
            self._telemetry.count("gateway_limit_reached_total", limit=self.rule)
            self._end_both("idle", Ending(GOING_AWAY, "idle"))
            return
        wait = min(allowed / 4, since + allowed - now)
        self._idle = self._reactor.callLater(wait, self._watch_idle, seen, since)

    # --- endings ------------------------------------------------------------------

    def closed(self, leg: Leg, code: int | None, reason: str | None, *, was_clean: bool) -> None:
        """``leg`` has ended; its counterpart is told how."""
        if leg not in self._open:
            return
        self._open.discard(leg)
        self._forget(leg)
        if self.inspector is not None:
            self.inspector.stop()
        other = self._legs[leg]
        if not self.ending:
            self.ending = f"{self._names[leg]} {code if was_clean else 'dropped'}"
        if other not in self._open:
            self._when_over(self)
        elif other not in self._told:
            self._tell(other, pass_on(code, reason, was_clean=was_clean))
        else:
            if "pace" in self._held[other]:
                self._let_go(other, "pace")  # nobody is left who was too slow for it
            # A WebSocket that was not ended in order is passed on as that.
            orderly = was_clean or not hasattr(leg, "release")
            self._release(other, None if orderly else Ending(drop=True))

    def _forget(self, leg: Leg) -> None:
        """No timer of its own is left; what it held back is read again."""
        for timer in (self._stalls.pop(leg, None), self._slowed.pop(leg, None), self._idle):
            if timer is not None and timer.active():
                timer.cancel()
        self._held[leg].clear()

    def drain(self) -> None:
        """The gateway goes away: tell both sides (1001)."""
        self._end_both("drained", Ending(GOING_AWAY, "the gateway is restarting"))

    def revoke(self) -> bool:
        """What it leads to is not open any more: the client is told so (1008), the origin 1001.

        False if it was about to end anyhow.
        """
        return self._send_away("revoked", "not open any more")

    def dismiss(self) -> bool:
        """The operator closes it; told as when it is revoked."""
        return self._send_away("dismissed", "closed by the operator")

    def _send_away(self, why: str, reason: str) -> bool:
        if self.ending or not self._open:
            return False
        self.ending = why
        for leg in [one for one in self._legs if one in self._open]:
            code = POLICY if self._names[leg] == "client" else GOING_AWAY
            self._tell(leg, Ending(code, reason if code == POLICY else ""))
        return True

    def _end_both(self, why: str, ending: Ending, first: Leg | None = None) -> None:
        self.ending = self.ending or why
        legs = sorted(self._open, key=lambda leg: leg is not first)
        for leg in legs:
            if leg in self._open:  # what was read of the first may have ended the other
                self._tell(leg, ending)

    def _tell(self, leg: Leg, ending: Ending) -> None:
        self._told.add(leg)
        self._forget(leg)
        leg.resume()
        leg.end(ending)

    def abort(self) -> None:
        """Cut both legs."""
        for leg in tuple(self._open):
            leg.end(Ending(drop=True))
