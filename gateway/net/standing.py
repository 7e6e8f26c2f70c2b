"""Relays after a reload: each destination is asked again, what is closed now ends with 1008.

A pass over thousands of relays gives way to the reactor every few milliseconds, and ends
early when another reload begins one of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from gateway import events
from gateway.exchange.standing import AskedService, Objection, objection, sign_in_objection
from gateway.net.drive import watch
from gateway.policy.clients import decide_client
from gateway.policy.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.exchange.messages import Accept, Context
    from gateway.exchange.standing import Accepted
    from gateway.net.client import Client
    from gateway.net.relay import Relay
    from gateway.net.telemetry import Telemetry
    from gateway.session.login import Login

_SLICE = 0.005


@attrs.frozen
class Standing:
    """What a relay was accepted on: the question, the address it leads to, and for whom.

    Equal ones are asked once: what an answer depends on is part of the comparison.
    """

    asked: Accepted | None
    address: str
    port: int
    host: str
    client: str
    request: str = attrs.field(eq=False)

    @classmethod
    def of(cls, ending: Accept, client: Client, leg: Any, request: str) -> Standing:
        """Of a handshake that is being accepted; ``leg`` is the upstream's."""
        peer = leg.transport.getPeer() if leg.transport is not None else None
        head = client.head
        address, port = getattr(peer, "host", ""), getattr(peer, "port", 0)
        return cls(ending.asked, address, port, head.host, head.client, request)


@attrs.frozen(eq=False)
class Judge:
    """What new requests are judged by.

    ``why_closed`` says it of an address and port; ``stands``: whether a login still does.
    """

    context: Context
    why_closed: Callable[[str, int], str | None]
    stands: Callable[[Login], bool]

    def objection(self, standing: Standing) -> Objection | None:
        """Why a relay may not go on; None: it may."""
        client = decide_client(standing.client, self.context.clients)
        if not client.allowed:
            return Objection(client.reason, Step.CLIENT, client.rule, client.event)
        if standing.asked is None:
            return None
        context = self.context.at(standing.host)
        found = sign_in_objection(standing.asked, context, self.stands)
        found = found or objection(standing.asked, context)
        # A service's backend is the operator's own word, whatever sites may not reach.
        if found is None and standing.address and not isinstance(standing.asked, AskedService):
            why = self.why_closed(standing.address, standing.port)
            if why is not None:
                found = Objection(
                    f"{standing.address}: {why}", Step.ADDRESS, event=events.SSRF_DENIED
                )
        return found


class Review:
    """Asks about relays, all of them after a reload, by whatever judge is the newest."""

    def __init__(self, reactor: Any, telemetry: Telemetry) -> None:
        """There is no judge before the first reload."""
        self._reactor = reactor
        self._telemetry = telemetry
        self._judge: Judge | None = None

    def begin(self, judge: Judge, relays: Iterable[Relay]) -> None:
        """Ask about all relays; a pass that another judge began ends."""
        self._judge = judge
        watch(Deferred.fromCoroutine(self._pass(judge, tuple(relays))))

    def one(self, relay: Relay) -> None:
        """Ask about a relay whose handshake was judged before a reload."""
        if self._judge is not None:
            self._ask(self._judge, relay, {})

    async def _pass(self, judge: Judge, relays: tuple[Relay, ...]) -> None:
        known: dict[Standing, Objection | None] = {}
        began = self._reactor.seconds()
        for relay in relays:
            if self._reactor.seconds() - began > _SLICE:
                await deferLater(self._reactor, 0)
                began = self._reactor.seconds()
            if judge is not self._judge:
                return
            self._ask(judge, relay, known)

    def _ask(self, judge: Judge, relay: Relay, known: dict[Standing, Objection | None]) -> None:
        standing = relay.standing
        if standing is None:
            return
        if standing not in known:
            known[standing] = judge.objection(standing)
        found = known[standing]
        if found is not None and relay.revoke():
            self._telemetry.event(
                found.event,
                detail=f"closed after a reload: {found.reason}",
                step=found.step or None,
                rule=found.rule or None,
                request=standing.request,
                client=standing.client,
                host=standing.host,
            )
