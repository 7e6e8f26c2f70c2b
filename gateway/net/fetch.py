"""Small documents that the gateway itself needs of others: key sets, what a provider says.

By the same client, addresses and TLS rules as everything upstream; bounded in octets and time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone

from gateway.errors import GatewayError, UpstreamFault, UpstreamTooLarge
from gateway.exchange.messages import Connect
from gateway.net.client import producer_of
from gateway.net.upstream import ended_well
from gateway.origins import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from gateway.net.upstream import Upstream
    from gateway.origins import Origin
    from gateway.policy.transport import Transport


@attrs.frozen
class Document:
    """An answer, whole."""

    status: int
    body: bytes = attrs.field(repr=False)


class _Collector(Protocol):
    def __init__(self, limit: int) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._limit:
            self._parts.append(data)
        elif self.transport is not None:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if self._size > self._limit:
            self.done.errback(UpstreamTooLarge("a document is larger than it may be"))
        elif not ended_well(reason):
            self.done.errback(UpstreamFault("a document broke off"))
        else:
            self.done.callback(b"".join(self._parts))


class Fetcher:
    """Fetches documents by https; ``transport`` tells the rules for an origin."""

    def __init__(
        self,
        reactor: Any,
        upstream: Upstream,
        transport: Callable[[Origin], Transport],
        *,
        limit: int = 256 * 1024,
        seconds: float = 15,
    ) -> None:
        """Bounds for each document."""
        self._reactor = reactor
        self._upstream = upstream
        self._transport = transport
        self._limit = limit
        self._seconds = seconds

    async def fetch(
        self,
        url: str,
        fields: tuple[tuple[bytes, bytes], ...] = (),
        body: bytes | None = None,
    ) -> Document:
        """GET a document, or POST for it; raises ``GatewayError``.  Redirects are not followed."""
        found = parse(url)
        if found is None or not found[0].secure:
            raise UpstreamFault("a document's URL is not https")
        origin, parsed = found
        own = [
            (b"Host", origin.netloc.encode("ascii")),
            (b"Accept", b"application/json"),
            (b"User-Agent", b"gateway"),
            *fields,
        ]
        target = f"{parsed.pathname}{parsed.search}".encode("ascii")
        method = b"GET" if body is None else b"POST"
        need = Connect(origin, self._transport(origin), method, target, tuple(own))
        waiting = Deferred.fromCoroutine(self._whole(need, body))
        return await waiting.addTimeout(self._seconds, self._reactor, _out_of_time)

    async def _whole(self, need: Connect, body: bytes | None) -> Document:
        producer = None if body is None else producer_of(body)
        response = await self._upstream.request(need, producer)
        collector = _Collector(self._limit)
        response.deliver(collector)
        return Document(response.head.status, await collector.done)


def _out_of_time(result: Any, seconds: float) -> Any:
    value = getattr(result, "value", None)
    if isinstance(value, GatewayError):
        return result
    raise UpstreamFault(f"a document did not come within {seconds:.0f} seconds")
