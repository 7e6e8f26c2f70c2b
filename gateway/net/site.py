"""The module that owns twisted.web's server side: HTTP in, values out.

A request becomes a ``Client`` (``net.client``) when it is whole, or by its head where its body
is taken while it comes (``net.requests``).  Limits are enforced as early as the octets tell:
header sizes while they arrive, a declared body before it is read, a chunked one while it is
counted, and time for both, so that a slow-loris costs one timer.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IProtocolNegotiationFactory
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure
from twisted.web import http
from zope.interface import implementer

from gateway import events
from gateway.net import http2
from gateway.net.drive import watch
from gateway.net.requests import GatewayRequest
from gateway.net.telemetry import where
from gateway.rewrite.headers import own_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from twisted.internet.interfaces import IAddress

    from gateway.exchange.messages import RequestHead
    from gateway.net.client import Client
    from gateway.net.settings import Limits
    from gateway.net.telemetry import Telemetry

    _Serve = Callable[[Client], Coroutine[Any, Any, None]]
    _Early = Callable[[RequestHead], bool]

_OWN_FIELDS = b"".join(name + b": " + value + b"\r\n" for name, value in own_fields())
_DRAIN_SECONDS = 5
_STATUS_TEXT = {
    400: b"Bad Request",
    408: b"Request Timeout",
    413: b"Content Too Large",
    414: b"URI Too Long",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}


class Channel(http.HTTPChannel):
    """HTTP/1.1 with bounds in octets and seconds, and an orderly drain."""

    site: Site
    requestFactory = GatewayRequest  # type: ignore[assignment]
    _deadline: Any = None
    _refused = False
    _lines = 0
    _lost = False
    _in_body = False
    _is_new = True
    peer_host = ""

    def connectionMade(self) -> None:
        """Start the clock for the first request, TLS handshake included."""
        super().connectionMade()
        self.site.opened(self)
        self._start_deadline(self.site.limits.request_head_seconds)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop the clock and tell the site."""
        self._lost = True
        self._stop_deadline()
        super().connectionLost(reason)
        self.site.closed(self)

    def dataReceived(self, data: bytes) -> None:
        """A new request's clock starts with its first octet."""
        if self._refused:
            return
        if self._is_new:
            self._is_new = False
            if getattr(self.transport, "negotiatedProtocol", None) == http2.PROTOCOL:
                http2.take_over(self, data)
                return
        if self._deadline is None and not self._handlingRequest:
            self._start_deadline(self.site.limits.request_head_seconds)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Bound a request's head by octets and by fields."""
        if self._refused:
            return
        limits = self.site.limits
        self._lines += 1
        if self._receivedHeaderSize + len(line) > limits.header_bytes:
            self.refuse(431, "header-bytes")
        elif line and self._lines > limits.header_count + 1:
            self.refuse(431, "header-count")
        else:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line that is longer than all of a head may be."""
        del line
        self.refuse(431, "header-bytes")

    def allHeadersReceived(self) -> None:
        """Give the body its own time."""
        self._stop_deadline()
        self._lines = 0
        super().allHeadersReceived()
        if self.length != 0 and not self._refused:
            self._in_body = True
            self._start_deadline(self.site.limits.request_body_seconds)
            request: Any = self.requests[-1]
            request.headReceived(self._command, self._path, self._version)

    def allContentReceived(self) -> None:
        """The request is whole."""
        self._stop_deadline()
        self._in_body = False
        super().allContentReceived()

    def requestDone(self, request: http.Request) -> None:
        """After a response: close when draining."""
        if self.site.is_draining:
            self.persistent = 0
        super().requestDone(request)

    def _send100Continue(self) -> None:
        if not self._refused:
            super()._send100Continue()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(400, "")

    def _start_deadline(self, seconds: float) -> None:
        self._stop_deadline()
        self._deadline = self.site.reactor.callLater(seconds, self._out_of_time)

    def _stop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _out_of_time(self) -> None:
        self._deadline = None
        limit = "request-body-seconds" if self._in_body else "request-head-seconds"
        if self._received_nothing():
            self.forceAbortClient()  # no request began: there is nothing to answer
        else:
            self.refuse(408, limit)

    def _received_nothing(self) -> bool:
        return not self.requests and not self._buffer

    def refuse(self, status: int, limit: str) -> None:
        """Answer before the request is whole, then close; ``limit`` is its key."""
        if self._refused:
            return
        self._refused = True
        self._stop_deadline()
        for request in self.requests:
            request.break_off()
        transport: Any = self.transport
        self.site.refused(status, limit, self.peer_host)
        transport.write(
            b"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n%s\r\n"
            % (status, _STATUS_TEXT[status], _OWN_FIELDS)
        )
        self.loseConnection()
        self._abort_after(self.abortTimeout)

    def timeoutConnection(self) -> None:
        """A kept-alive connection was idle for too long."""
        self.loseConnection()
        self._abort_after(self.abortTimeout)

    def forceAbortClient(self) -> None:
        """Cut the connection without another word."""
        if self._abortingCall is not None and self._abortingCall.active():
            self._abortingCall.cancel()
        self._abortingCall = None
        transport: Any = self.transport
        if transport is not None and not self._lost:
            transport.abortConnection()

    def close_if_idle(self) -> None:
        """Close when no request is being handled: for the drain."""
        self.persistent = 0
        if not self.requests and self.transport is not None:
            self.loseConnection()
            self._abort_after(_DRAIN_SECONDS)

    def loseConnection(self) -> None:
        """Close when all is sent; a peer that neither reads nor closes is cut in the end."""
        super().loseConnection()
        self._abort_after(self.site.limits.client_stall_seconds)

    def _abort_after(self, seconds: float) -> None:
        if self._lost:
            return
        if self._abortingCall is not None:
            self._abortingCall.cancel()
        self._abortingCall = self.callLater(seconds, self.forceAbortClient)

    def hand_over(self, protocol: Protocol) -> bytes:
        """Give the transport to another protocol; the octets that were read too far."""
        self._stop_deadline()
        self.setTimeout(None)
        rest = b"".join(self._dataBuffer)
        self._dataBuffer = []
        transport: Any = self.transport
        self.transport = None
        self.site.upgraded(self)
        transport.unregisterProducer()
        wrapper = transport if hasattr(transport, "wrappedProtocol") else None
        if wrapper is not None:
            wrapper.wrappedProtocol = protocol  # TLS is a protocol around ours
        else:
            transport.protocol = protocol
        protocol.makeConnection(transport)
        transport.resumeProducing()
        return rest


class Closing(Protocol):
    """Closes its connection; TLS cannot wrap no protocol at all."""

    def __init__(self, reactor: Any) -> None:
        """``reactor`` lets TLS finish its own beginning first."""
        self._reactor = reactor

    def connectionMade(self) -> None:
        """Close without a word."""
        transport: Any = self.transport
        self._reactor.callLater(0, transport.abortConnection)


Connection = Channel | http2.Http2Channel


def _never(_: RequestHead) -> bool:
    return False


@implementer(IProtocolNegotiationFactory)
class Site(ServerFactory):
    """Makes channels within the bounds of connections, and keeps count of them."""

    noisy = False

    def __init__(
        self,
        reactor: Any,
        limits: Limits,
        telemetry: Telemetry,
        handler: _Serve,
        *,
        early: _Early = _never,
        h2: bool = False,
    ) -> None:
        """``handler`` serves one client to its end; ``h2`` is offered in ALPN.

        ``early``: whether a request is served by its head, its body while it comes.
        """
        self.replace(limits, handler, early=early, h2=h2)
        self.reactor = reactor
        self.is_draining = False
        self._telemetry = telemetry
        self._channels: set[Connection] = set()
        self._upgraded: set[Connection] = set()
        self.spooled = 0
        self._by_address: dict[str, int] = {}
        self._serving: set[Deferred[None]] = set()
        self._when_quiet: list[Deferred[None]] = []

    def replace(
        self, limits: Limits, handler: _Serve, *, early: _Early = _never, h2: bool = False
    ) -> None:
        """A reload: what begins from now on is served by these."""
        self.limits, self._handler, self.early = limits, handler, early
        self._protocols = [b"h2", b"http/1.1"] if h2 else [b"http/1.1"]

    def acceptableProtocols(self) -> list[bytes]:
        """ALPN: what is spoken, the better one first."""
        return self._protocols

    @staticmethod
    def http2_request(stream: http2.Stream, *, queued: bool) -> GatewayRequest:
        """Make a stream's request; nothing is ever queued."""
        del queued
        return GatewayRequest(stream)

    def adopt(self, channel: Channel, connection: http2.Http2Channel) -> None:
        """A channel's connection goes on as HTTP/2: one connection still."""
        self._upgraded.discard(channel)
        self._channels.add(connection)

    def log(self, request: http.Request) -> None:
        """twisted.web's access log; ours is made where the ending is known."""

    def buildProtocol(self, addr: IAddress | None) -> Channel | Closing:
        """A channel, or what closes at once when too many connections are open."""
        host = getattr(addr, "host", "")
        limit = ""
        if len(self._channels) + len(self._upgraded) >= self.limits.connections:
            limit = "connections"
        elif self._by_address.get(host, 0) >= self.limits.connections_per_address:
            limit = "connections-per-address"
        if limit or self.is_draining:
            if limit:
                self._telemetry.event(events.LIMIT, limit=limit, client=host)
            return Closing(self.reactor)
        channel = Channel()
        channel.factory = self
        channel.site = self
        channel.callLater = self.reactor.callLater  # type: ignore[method-assign]
        channel.timeOut = self.limits.keep_alive_seconds
        channel.MAX_LENGTH = self.limits.header_bytes
        channel.totalHeadersSize = self.limits.header_bytes
        channel.maxHeaders = self.limits.header_count + 2
        return channel

    def opened(self, channel: Channel) -> None:
        """A channel is connected."""
        transport: Any = channel.transport
        host = getattr(transport.getPeer(), "host", "")
        channel.peer_host = host
        self._channels.add(channel)
        self._by_address[host] = self._by_address.get(host, 0) + 1
        self._telemetry.count("gateway_connections")

    def may_spool(self, more: int) -> bool:
        """Whether bodies of requests may take so much more of the disk."""
        return self.spooled + more <= self.limits.spool_bytes

    def upgraded(self, channel: Channel) -> None:
        """A channel's connection became a WebSocket's: it counts on, but is not ours to close."""
        if channel in self._channels:
            self._channels.discard(channel)
            self._upgraded.add(channel)
            self._tell_if_quiet()

    def closed(self, channel: Connection) -> None:
        """A channel's connection is lost; says so once."""
        if channel not in self._channels and channel not in self._upgraded:
            return
        self._channels.discard(channel)
        self._upgraded.discard(channel)
        host = channel.peer_host
        self._by_address[host] -= 1
        if not self._by_address[host]:
            del self._by_address[host]
        self._telemetry.count("gateway_connections", -1)
        self._tell_if_quiet()

    def refused(self, status: int, limit: str, client: str) -> None:
        """A channel refused a request before it was whole."""
        self._telemetry.count("gateway_http_requests_total", kind="none", status=str(status))
        code = events.LIMIT if limit else events.MALFORMED
        self._telemetry.event(code, limit=limit or None, client=client, status=status)

    def serve(self, client: Client, finished: Deferred[None]) -> None:
        """Run the handler; a disconnect cancels it and what it waits for."""
        running = Deferred.fromCoroutine(self._handler(client))
        self._serving.add(running)

        def lost(_: Failure) -> None:
            client.gone()
            running.cancel()

        def done(result: object) -> None:
            self._serving.discard(running)
            if isinstance(result, Failure) and not result.check(CancelledError):
                self._telemetry.event(events.INTERNAL, detail=where(result))
                if client.status:
                    client.abort()
                else:
                    client.start(500, b"", ((b"Content-Length", b"0"), *own_fields()))
                    client.finish()
            self._tell_if_quiet()

        watch(finished.addErrback(lost))
        watch(running.addBoth(done))

    def drain(self) -> Deferred[None]:
        """Accept nothing new, finish what runs; fires when all is quiet."""
        self.is_draining = True
        quiet: Deferred[None] = Deferred()
        self._when_quiet.append(quiet)
        for channel in list(self._channels):
            with contextlib.suppress(AttributeError):
                channel.close_if_idle()
        self._tell_if_quiet()
        return quiet

    def abort_all(self) -> None:
        """Cut what is left after the drain's time."""
        for channel in list(self._channels):
            channel.forceAbortClient()

    def _tell_if_quiet(self) -> None:
        if self._when_quiet and not self._channels and not self._serving:
            waiting, self._when_quiet = self._when_quiet, []
            for quiet in waiting:
                quiet.callback(None)
