"""The shell of the report collector: counts, the operator's ring, and what is sent on.

All of it is bounded: bodies from one client, what waits for sites' endpoints, what goes to
one of them, and what is kept.  What does not fit is counted and forgotten; no page waits
for any of it.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred

from gateway.errors import GatewayError
from gateway.net.client import producer_of
from gateway.net.drive import watch
from gateway.net.leaks import Leaks
from gateway.policy.clients import block_of
from gateway.rewrite.reports import VIOLATION
from gateway.session.endpoints import Layer

if TYPE_CHECKING:
    from gateway.exchange.needs import Forward, Reported
    from gateway.net.settings import Limits
    from gateway.net.telemetry import Telemetry
    from gateway.net.upstream import Upstream

AT_ONCE = 4
"""Bodies under way to sites' endpoints at a time: they must not crowd out pages."""
_KNOWN = 4096
_MINUTE = 60.0


class Buckets:
    """A token bucket for each of a bounded number of keys; the least recent are forgotten.

    Each holds what may come in a minute, and fills within one: who is forgotten later than
    that was full anyhow.
    """

    def __init__(self, per_minute: int, most: int = _KNOWN) -> None:
        """``per_minute`` for each key."""
        self._size = per_minute
        self._most = most
        self._filled: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def spend(self, key: object, now: float) -> bool:
        """Take one; whether there was one.  ``now`` in seconds of any steady clock."""
        tokens, then = self._filled.pop(key, (float(self._size), now))
        tokens = min(self._size, tokens + max(0.0, now - then) * self._size / _MINUTE)
        enough = tokens >= 1
        self._filled[key] = (tokens - 1 if enough else tokens, now)
        if len(self._filled) > self._most:
            self._filled.popitem(last=False)
        return enough


@attrs.define
class Line:
    """What the operator is shown: a report, how often it came, and when it last did."""

    report: Reported
    count: int = 0
    last: float = 0

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "layer": self.report.layer.value,
            **attrs.asdict(self.report.seen),
            "told": self.report.told,
            "count": self.count,
            "last": int(self.last),
        }


class Collector:
    """Takes what exchanges say of reports; one for the process."""

    def __init__(
        self, reactor: Any, limits: Limits, upstream: Upstream, telemetry: Telemetry
    ) -> None:
        """``upstream`` sends to sites' endpoints as it does for pages."""
        self._reactor = reactor
        self._telemetry = telemetry
        self.use(limits, upstream)
        self._ring: OrderedDict[Reported, Line] = OrderedDict()
        self.leaks = Leaks()
        self._waiting: deque[Forward] = deque()
        self._running: set[Deferred[None]] = set()

    def use(self, limits: Limits, upstream: Upstream) -> None:
        """Keep to these bounds and ways from now on; what is kept and under way stays."""
        self._limits = limits
        self._upstream = upstream
        self._clients = Buckets(limits.report_rate)
        self._endpoints = Buckets(limits.report_forward_rate)

    def may_report(self, client: str) -> bool:
        """Whether a client may send another body now."""
        allowed = self._clients.spend(block_of(client), self._reactor.seconds())
        if not allowed:
            self._reached("report-rate")
        return allowed

    def take(self, reported: Reported) -> None:
        """Count a report and keep it in the ring, where the same one has one line."""
        seen = reported.seen
        kind = seen.directive or seen.kind
        self._telemetry.count("gateway_reports_total", layer=reported.layer.value, kind=kind)
        if reported.layer is Layer.CONTAINMENT and seen.kind in {VIOLATION, "other"}:
            self._telemetry.count("gateway_leaks_total", directive=kind)
            if reported.foreign:
                self._leaked(reported, kind)
        line = self._ring.pop(reported, None) or Line(reported)
        line.count += 1
        line.last = time.time()
        self._ring[reported] = line
        while len(self._ring) > self._limits.report_ring:
            self._ring.popitem(last=False)

    def _leaked(self, reported: Reported, kind: str) -> None:
        limits = self._limits
        fitted = self.leaks.take(
            reported.site,
            kind,
            reported.foreign,
            time.time(),
            sites=limits.leak_sites,
            hosts=limits.leak_hosts,
        )
        if not fitted:
            self._reached("leak-sites")

    def shown(self) -> list[dict[str, Any]]:
        """What is kept, the latest first."""
        return [line.as_dict() for line in reversed(self._ring.values())]

    def forward(self, forward: Forward) -> None:
        """Send a body to a site's endpoint some time."""
        origin = forward.request.origin
        if not self._endpoints.spend(origin, self._reactor.seconds()):
            self._reached("report-forward-rate")
            self._count("dropped")
        elif len(self._waiting) >= self._limits.report_queue:
            self._reached("report-queue")
            self._count("dropped")
        else:
            self._waiting.append(forward)
            self._go_on()

    def _go_on(self) -> None:
        while self._waiting and len(self._running) < AT_ONCE:
            running = Deferred.fromCoroutine(self._send(self._waiting.popleft()))
            self._running.add(running)
            watch(running.addBoth(self._done, running))

    def _done(self, _: object, running: Deferred[None]) -> None:
        self._running.discard(running)
        # A new turn: endpoints that fail at once must not nest.
        if self._waiting:
            self._reactor.callLater(0, self._go_on)

    async def _send(self, forward: Forward) -> None:
        try:
            response = await self._upstream.request(forward.request, producer_of(forward.body))
        except GatewayError:
            self._count("failed")
        else:
            response.discard()
            self._count("sent" if 200 <= response.head.status <= 299 else "refused")

    def stop(self) -> None:
        """Forget what waits, and end what is under way."""
        self._waiting.clear()
        for running in tuple(self._running):
            running.cancel()

    def _count(self, outcome: str) -> None:
        self._telemetry.count("gateway_reports_forwarded_total", outcome=outcome)

    def _reached(self, limit: str) -> None:
        self._telemetry.count("gateway_limit_reached_total", limit=limit)
