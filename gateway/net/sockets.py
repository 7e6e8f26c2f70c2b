"""WebSockets from dial to ending: bounds, relays, drain and reload, whatever the legs are.

``net.websocket`` has the native legs; an emulated one is coupled in the same way.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any, Protocol

import attrs
from twisted.internet.defer import Deferred

from gateway import events
from gateway.errors import LocalFault
from gateway.net import websocket
from gateway.net.inspecting import Inspector
from gateway.net.ledger import SERVICE, Ledger, Place
from gateway.net.relay import Leg, Relay
from gateway.net.standing import Review, Standing
from gateway.policy.clients import block_of
from gateway.policy.rates import retry_after
from gateway.websocket import limits as bounds
from gateway.websocket.closing import Ending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.exchange.messages import Accept, Refuse
    from gateway.exchange.needs import ConnectSocket, SocketOpened, SocketRefused
    from gateway.net.client import Client
    from gateway.net.settings import Limits
    from gateway.net.standing import Judge
    from gateway.net.telemetry import Telemetry
    from gateway.net.upstream import Upstream

    Dial = Callable[[], Awaitable[tuple[SocketOpened | SocketRefused, "UpstreamLeg"]]]


class TooManySockets(LocalFault):
    """A bound on WebSockets was reached, before there is one."""

    event = events.LIMIT
    title = "There are too many WebSockets just now"

    def __init__(self, key: str, seconds: float = bounds.RETRY_SECONDS) -> None:
        """``key`` is the limit's; in so many seconds it is worth another try."""
        super().__init__(f"[limits] {key} was reached")
        self.rule = key
        self.status = bounds.STATUSES[key]  # type: ignore[misc]
        self.fields = ((b"Retry-After", retry_after(seconds)),)


class UpstreamLeg(Leg, Protocol):
    """A leg whose other end has an address."""

    transport: Any


@attrs.define(eq=False)
class DialledSocket:
    """An upstream leg that answered and waits for its counterpart.

    ``origin``: where it leads, ``service:`` and a name for a service; ``give_back``: it counts no
    more; ``release``: a service's own count.
    """

    answer: SocketOpened | SocketRefused
    leg: UpstreamLeg
    origin: str
    upstream: Upstream
    give_back: Callable[[], None] = attrs.field(default=lambda: None, repr=False)
    limits: Limits | None = None
    release: Callable[[], None] = lambda: None

    def discard(self) -> None:
        """Nobody wants it after all."""
        self.give_back()
        self.leg.end(Ending(1001))
        self.release()


class Sockets:
    """Dials upstream legs, accepts client legs, and keeps the relays."""

    def __init__(self, reactor: Any, upstream: Upstream, telemetry: Telemetry) -> None:
        """``upstream`` gives endpoints and limits: one way to an origin for all."""
        self._reactor = reactor
        self._upstream = upstream
        self._review = Review(reactor, telemetry)
        self._telemetry = telemetry
        self._relays: set[Relay] = set()
        self.counts = bounds.Counts()
        self.ledger = Ledger(lambda: self.limits.websocket_places)
        self._handshakes: tuple[int, bounds.Bucket] | None = None
        self._is_draining = False
        self._when_quiet: list[Deferred[None]] = []
        self._turns: dict[Relay, Any] = {}
        """When a drain comes to each."""
        self.node = os.urandom(6).hex()
        """The process's name in ids of emulated ones; a process that starts again is another."""

    @property
    def limits(self) -> Limits:
        """The bounds of what begins now."""
        return self._upstream.limits

    @property
    def count(self) -> int:
        """How many relays are open."""
        return len(self._relays)

    def replace(self, upstream: Upstream, judge: Judge) -> None:
        """A reload: these from now on; relays that are not open any more end."""
        self._upstream = upstream
        self._review.begin(judge, self._relays)

    def hurry(self) -> TooManySockets | None:
        """Count a handshake, whoever made it: not None if there are too many in a second.

        Asked before anything else is: a flood of them costs no look-up and no dial.
        """
        rate, now = self.limits.websocket_handshakes_per_second, self._reactor.seconds()
        if not rate:
            return None
        if self._handshakes is None or self._handshakes[0] != rate:
            self._handshakes = rate, bounds.Bucket(rate, now)
        bucket = self._handshakes[1]
        wait = bucket.spend(1, now)
        if not wait:
            return None
        bucket.spend(-1, now)  # who is turned away takes nothing
        self._telemetry.count("gateway_limit_reached_total", limit=bounds.HANDSHAKES)
        return TooManySockets(bounds.HANDSHAKES, wait)

    def refused(self, place: Place, refuse: Refuse) -> None:
        """Count a handshake that came to nothing: by the rule that says so, or what it broke."""
        # A service's refusals have the service's own rule: what happened says more.
        own = place.kind == SERVICE and refuse.rule not in bounds.STATUSES
        self.ledger.refused(place, refuse.event if own else refuse.rule or refuse.event)

    def take(self, holder: bounds.Holder) -> Callable[[], None]:
        """Count a WebSocket from its dial on; what is returned counts it off, once.

        Raises ``TooManySockets`` where a bound is reached.
        """
        limits = self.limits
        found = bounds.Bounds(
            limits.websocket_connections,
            limits.websocket_connections_per_address,
            limits.websocket_connections_per_session,
            limits.websocket_connections_per_page,
            limits.websocket_connections_per_upstream,
        )
        key = self.counts.take(holder, found)
        if key:
            self._telemetry.count("gateway_limit_reached_total", limit=key)
            raise TooManySockets(key)
        held = [holder]

        def give_back() -> None:
            if held:
                self.counts.give(held.pop())

        return give_back

    async def dial(self, need: ConnectSocket, upstream: Upstream) -> DialledSocket:
        """Open the upstream's leg; raises ``GatewayError`` when nothing answered."""
        page = need.page_origin or ""
        client = block_of(need.client) if need.client else ""
        holder = bounds.Holder(client, need.session, page, str(need.origin))
        dialled = await self.open(
            lambda: websocket.dial(need, upstream, self._reactor), holder, upstream
        )
        idle = need.transport.websocket_idle_seconds
        if idle is not None:  # a rule's own
            dialled.limits = attrs.evolve(upstream.limits, websocket_idle_seconds=idle)
        return dialled

    async def open(self, dial: Dial, holder: bounds.Holder, upstream: Upstream) -> DialledSocket:
        """Let ``dial`` open the upstream's leg, within the bounds of all of them."""
        give_back = self.take(holder)
        try:
            answer, leg = await dial()
        except BaseException:
            give_back()
            raise
        return DialledSocket(answer, leg, holder.upstream, upstream, give_back)

    def accept(
        self, client: Client, dialled: DialledSocket, ending: Accept, request_id: str
    ) -> None:
        """Answer the client's handshake with 101 and couple the legs."""
        limits = dialled.limits or self.limits
        leg, begin = websocket.answer(client, ending, limits, self._reactor)
        relay = self.relay(leg, client, dialled, ending, request_id)
        begin()
        self.couple(relay, dialled)

    def relay(
        self,
        leg: Leg,
        client: Client,
        dialled: DialledSocket,
        ending: Accept,
        request_id: str,
    ) -> Relay:
        """A relay between a client's leg and an upstream's, counted from now on."""
        began = self._reactor.seconds()
        head = client.head

        def over(relay: Relay) -> None:
            self._relays.discard(relay)
            turn = self._turns.pop(relay, None)
            if turn is not None and turn.active():
                turn.cancel()
            self.ledger.over(relay)
            dialled.give_back()
            client.transport_lost()
            dialled.release()
            self._telemetry.count("gateway_websocket_connections", -1)
            seconds = self._reactor.seconds() - began
            self._telemetry.access(
                events.ACCESS_WEBSOCKET,
                request=request_id,
                client=head.client,
                host=head.host,
                path=head.logged_path,
                ending=relay.ending,
                rule=relay.rule or None,
                received=relay.octets["client"],
                sent=relay.octets["upstream"],
                messages_received=relay.messages["client"],
                messages_sent=relay.messages["upstream"],
                seconds=round(seconds, 3),
            )
            self._tell_if_quiet()

        limits = dialled.limits or self.limits
        relay = Relay(leg, dialled.leg, limits, self._reactor, self._telemetry, over)
        relay.standing = Standing.of(ending, client, dialled.leg, request_id)
        if ending.inspection is not None:
            about = {"request": request_id, "client": head.client, "host": head.host}
            relay.inspector = Inspector(ending.inspection, self._reactor, self._telemetry, about)
        self._relays.add(relay)
        place = Place.of(dialled.origin, emulated=getattr(leg, "emulated", False))
        self.ledger.opened(request_id, relay, place, head.client, ending.subprotocol)
        self._telemetry.count("gateway_websocket_connections")
        self._telemetry.count("gateway_websocket_accepted_total")
        return relay

    def couple(self, relay: Relay, dialled: DialledSocket) -> None:
        """Start a relay whose client has been answered."""
        relay.start()
        if self._is_draining:  # it was dialled when the drain began
            self._turns[relay] = self._reactor.callLater(0, relay.drain)
        if dialled.upstream is not self._upstream:  # a reload came between
            self._review.one(relay)

    def drain(self) -> Deferred[None]:
        """Close all relays with 1001, spread over a time; fires when all are over.

        Asked again, it fires when those are over, too, that were being dialled.
        """
        quiet: Deferred[None] = Deferred()
        self._when_quiet.append(quiet)
        for relay in () if self._is_draining else tuple(self._relays):
            delay = random.uniform(0, self.limits.drain_websocket_seconds)  # noqa: S311
            self._turns[relay] = self._reactor.callLater(delay, relay.drain)
        self._is_draining = True
        self._tell_if_quiet()
        return quiet

    def abort_all(self) -> None:
        """Cut what is left after the drain's time."""
        for relay in tuple(self._relays):
            relay.abort()

    def _tell_if_quiet(self) -> None:
        if self._when_quiet and not self._relays:
            waiting, self._when_quiet = self._when_quiet, []
            for quiet in waiting:
                quiet.callback(None)
