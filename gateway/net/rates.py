"""Token buckets that processes share: chunks of tokens are taken from the store beforehand.

What a process holds of a bucket it may spend without asking.  Whoever comes for the first
time gets a chunk on credit, which the first asking pays: people who look at a page or two
cost the store nothing.  Several processes may so exceed a bucket by a chunk each.

A store that does not answer must not close the gateway: until it does, everybody passes.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from math import floor
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred

from gateway import events
from gateway.net.drive import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.exchange.messages import Spend
    from gateway.net.telemetry import Telemetry
    from gateway.policy.rates import Rate
    from gateway.store.interface import Store

MOST = 65_536
"""Buckets of which a process knows; the longest unused one is forgotten."""
_AWAY_SECONDS = 5
"""After a failure the store is left alone for so long."""
_PATIENCE = 0.2
"""An empty bucket is asked about again no sooner: a flood must not become the store's."""
_EPSILON = 1e-6


@attrs.define(eq=False)
class _Held:
    """What a process has of one bucket: tokens, debts, and when it is worth asking again."""

    tokens: float
    owed: float
    used: float
    until: float = 0.0
    asking: bool = False
    waiting: list[Deferred[None]] = attrs.field(factory=list)


class Rates:
    """The buckets as one process sees them."""

    def __init__(
        self,
        reactor: Any,
        store: Store,
        telemetry: Telemetry,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``clock`` tells the epoch seconds by which buckets fill, in all processes alike."""
        self._reactor = reactor
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self._held: OrderedDict[bytes, _Held] = OrderedDict()
        self._away_until = -1.0

    def _now(self) -> float:
        seconds: float = self._reactor.seconds()
        return seconds

    async def spend(self, need: Spend, store_seconds: float) -> float:
        """Take one token; the seconds to wait if there is none, else 0.0."""
        rate, now = need.rate, self._now()
        held = self._find(need, now)
        while held.tokens < 1:
            if now < held.until:
                self._telemetry.count("gateway_rate_limited_total", limit=need.kind)
                return held.until - now
            came: Deferred[None] = Deferred()
            held.waiting.append(came)
            self._ask(held, need, store_seconds)
            await came
            now = self._now()
        held.tokens -= 1
        if held.tokens < rate.chunk // 4 and now >= held.until:
            self._ask(held, need, store_seconds)  # so that nobody need wait for it
        return 0.0

    def _find(self, need: Spend, now: float) -> _Held:
        held = self._held.get(need.key)
        if held is None or (now - held.used > need.rate.fill_seconds and not held.asking):
            # The first chunk is on credit, where the bucket can ever hold debt and next chunk.
            chunk = need.rate.chunk
            credit = chunk if need.rate.burst >= 2 * chunk else 0
            held = self._held[need.key] = _Held(credit, credit, now)
            if len(self._held) > MOST:
                self._held.popitem(last=False)
        held.used = now
        self._held.move_to_end(need.key)
        return held

    def _ask(self, held: _Held, need: Spend, store_seconds: float) -> None:
        """Begin to ask the store, unless that is under way; everybody waits for one answer."""
        if held.asking:
            return
        held.asking = True

        def answered(_: object) -> None:
            held.asking = False
            waiting, held.waiting = held.waiting, []
            for one in waiting:
                one.callback(None)

        watch(Deferred.fromCoroutine(self._refill(held, need, store_seconds)).addBoth(answered))

    async def _refill(self, held: _Held, need: Spend, store_seconds: float) -> None:
        rate = need.rate
        if self._now() < self._away_until:
            held.tokens += rate.chunk
            return
        want = rate.chunk + held.owed
        try:
            wait = await self._take(need.key, want, rate, store_seconds)
            if wait > 0:
                # It holds less than that: take what there is.
                level = want - wait * rate.per_second
                part, want = float(floor(level + _EPSILON)), 0.0
                if part >= 1 and not await self._take(need.key, part, rate, store_seconds):
                    want, level = part, max(0.0, level - part)
                missing = 1 + max(0.0, held.owed - want) - level
                held.until = self._now() + max(missing / rate.per_second, _PATIENCE)
        except Exception:  # noqa: BLE001 (whatever became of it: nobody is kept out for it)
            self._failed()
            held.tokens += rate.chunk
            return
        self._telemetry.count(
            "gateway_rate_askings_total", outcome="granted" if want else "empty", limit=need.kind
        )
        paid = min(held.owed, want)
        held.owed -= paid
        held.tokens += want - paid

    def _take(self, key: bytes, cost: float, rate: Rate, seconds: float) -> Deferred[float]:
        taken = self._store.spend(key, cost, rate.burst, rate.per_second, self._clock())
        return taken.addTimeout(seconds, self._reactor)

    def _failed(self) -> None:
        now = self._now()
        if now >= self._away_until:
            self._telemetry.event(
                events.RATES_UNSHARED,
                detail=f"the store does not answer: no rate limits for {_AWAY_SECONDS} s",
            )
        self._telemetry.count("gateway_rate_askings_total", outcome="failed", limit="any")
        self._away_until = now + _AWAY_SECONDS
