"""A response body's way from the origin to the client, at the client's pace.

Backpressure: the client's transport pauses the origin's.  Bounded: in octets, in idle
time of the origin, and in the time for which a client may refuse to read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.errors import GatewayError, UpstreamFault, UpstreamTimeout, UpstreamTooLarge
from gateway.net.upstream import ended_well

if TYPE_CHECKING:
    from gateway.net.client import Client
    from gateway.net.settings import Limits
    from gateway.rewrite.pipeline import Pipeline


class ClientStalled(GatewayError):
    """The client read nothing for as long as it may."""


@implementer(IPushProducer)
class BodyPipe(Protocol):
    """Pipes one body; ``done`` fires at its end, or fails with why it is not whole."""

    def __init__(
        self, client: Client, pipeline: Pipeline | None, limits: Limits, reactor: Any
    ) -> None:
        """``pipeline`` None: the octets pass as they are."""
        self.transport: Any = None
        self.done: Deferred[None] = Deferred(lambda _: self._fail(ConnectionAborted()))
        self._client = client
        self._pipeline = pipeline
        self._limits = limits
        self._reactor = reactor
        self._received = 0
        self._timer: Any = None
        self._finished = False
        self._paused = False

    def connectionMade(self) -> None:
        """The body begins: the client's pace is the origin's from here on."""
        if self._finished:
            self._drop()
            return
        self._client.register_producer(self)
        self._watch_origin()

    def dataReceived(self, data: bytes) -> None:
        """A chunk of the origin's."""
        if self._finished:
            return
        self._received += len(data)
        if self._received > self._limits.response_body_bytes:
            self._fail(UpstreamTooLarge("[limits] response-body-bytes was reached"))
            return
        if self._timer is not None and not self._paused:
            self._timer.reset(self._limits.upstream_idle_seconds)
        if self._pipeline is not None:
            try:
                data = self._pipeline.feed(data)
            except GatewayError as error:
                self._fail(error)
                return
        self._client.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body ended, well or not."""
        if self._finished:
            return
        if not ended_well(reason):
            self._fail(UpstreamFault(f"the body broke off: {type(reason.value).__name__}"))
            return
        try:
            if self._pipeline is not None:
                self._client.write(self._pipeline.close())
        except GatewayError as error:
            self._fail(error)
            return
        self._end()
        self.done.callback(None)

    def pauseProducing(self) -> None:
        """The client does not keep up: stop reading, and do not wait for ever."""
        if self.transport is not None and not self._finished:
            self._paused = True
            self.transport.pauseProducing()
            self._watch(self._limits.client_stall_seconds, self._client_stalled)

    def resumeProducing(self) -> None:
        """The client has read."""
        if self.transport is not None and not self._finished:
            self._paused = False
            self._watch_origin()
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._fail(ConnectionAborted())

    def _watch_origin(self) -> None:
        self._watch(self._limits.upstream_idle_seconds, self._origin_idle)

    def _watch(self, seconds: float, callback: Any) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(seconds, callback)

    def _origin_idle(self) -> None:
        self._timer = None
        self._fail(UpstreamTimeout("[limits] upstream-idle-seconds was reached"))

    def _client_stalled(self) -> None:
        self._timer = None
        self._fail(ClientStalled("[limits] client-stall-seconds was reached"))

    def _end(self) -> None:
        self._finished = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._client.unregister_producer()

    def _fail(self, error: BaseException) -> None:
        if self._finished:
            return
        self._end()
        self._drop()
        if not self.done.called:
            self.done.errback(Failure(error))

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
