"""Requests to origins: the one module that owns twisted.web's client side.

Connections are pooled by origin and TLS policy, idle ones in a bounded number;
concurrent requests are bounded in all and for each origin.  The request target goes out
as it came: ``Agent`` parses and reassembles it, so its pool and protocol are used below
it.  Nothing is redirected, decoded or retried beyond what the pool does for a connection
that died while idle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from OpenSSL import SSL
from service_identity.exceptions import CertificateError, VerificationError
from twisted.internet import endpoints
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore, maybeDeferred
from twisted.internet.defer import TimeoutError as WaitedTooLong
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import (
    HTTP11ClientProtocol,
    Request,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)
from twisted.web.client import HTTPConnectionPool, ResponseDone, _HTTP11ClientFactory
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH

from gateway.errors import (
    GatewayError,
    LocalFault,
    TransportRefused,
    UpstreamFault,
    UpstreamTimeout,
)
from gateway.exchange.messages import Connect, UpstreamHead
from gateway.net.drive import watch
from gateway.net.early import watch_parser
from gateway.net.peer import CertificateRefused, VerifiedPeer
from gateway.net.resolver import NamedEndpoint, lookup_static
from gateway.net.sloppy import forgive
from gateway.net.uploads import Watched
from gateway.policy.steps import Step
from gateway.policy.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.interfaces import IStreamClientEndpoint
    from twisted.web.iweb import IBodyProducer, IResponse

    from gateway.net.peer import Contexts
    from gateway.net.settings import Limits, Settings
    from gateway.net.telemetry import Telemetry
    from gateway.origins import Origin
    from gateway.policy.transport import TlsPolicy
    from gateway.rewrite.headers import Fields

    _Tell = Callable[[Fields], None]

_ENDPOINTS = 1024


class Overloaded(LocalFault):
    """No place for another upstream request within the time that one may wait."""

    status = 503
    title = "The gateway is busy"


class _Connection(HTTP11ClientProtocol):
    """Bounds the head of a response, which twisted.web reads without one."""

    head_limit = 256 * 1024
    _head_size = 0

    def request(self, request: Request) -> Deferred[IResponse]:
        self._head_size = 0
        result = super().request(request)
        if self._parser is not None:
            self._parser.MAX_LENGTH = self.head_limit
            forgive(self._parser)
            if (tell := getattr(request, "tell", None)) is not None:
                watch_parser(self._parser, tell)
        return result

    def dataReceived(self, data: bytes) -> None:
        if self._parser is not None and self._parser.state != "BODY":
            self._head_size += len(data)
            if self._head_size > self.head_limit + 64 * 1024:  # one read may hold body as well
                self._giveUp(Failure(UpstreamFault("the response's head is too large")))
                return
        super().dataReceived(data)


class _ConnectionFactory(_HTTP11ClientFactory):
    noisy = False
    head_limit = 256 * 1024

    def buildProtocol(self, addr: object) -> HTTP11ClientProtocol:
        del addr
        connection = _Connection(self._quiescentCallback)
        connection.head_limit = self.head_limit
        return connection


class _Pool(HTTPConnectionPool):
    """Bounds the idle connections of all origins together."""

    max_idle = 256

    def _putConnection(self, key: object, connection: Any) -> None:
        if len(self._timeouts) >= self.max_idle:
            connection.transport.abortConnection()
            return
        super()._putConnection(key, connection)


@attrs.define(eq=False)
class UpstreamResponse:
    """A response whose head is here and whose body is still to be read or dropped."""

    head: UpstreamHead
    _response: IResponse
    _delivered: bool = False

    def deliver(self, reader: Protocol) -> None:
        """Give the body to ``reader``."""
        self._delivered = True
        self._response.deliverBody(_Body(reader))

    def discard(self) -> None:
        """Drop the body and its connection."""
        if not self._delivered:
            self.deliver(_Discard())


class _Discard(Protocol):
    def connectionMade(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


class _BodyTransport:
    """What a body's reader may do to its connection; losing it means at once.

    twisted.web would ask TLS to close in good order, which a paused or hostile origin can
    put off for ever.
    """

    def __init__(self, proxy: Any) -> None:
        self._proxy = proxy

    def pauseProducing(self) -> None:
        self._proxy.pauseProducing()

    def resumeProducing(self) -> None:
        self._proxy.resumeProducing()

    def loseConnection(self) -> None:
        transport = getattr(self._proxy, "_producer", None)
        if transport is not None:
            transport.abortConnection()


class _Body(Protocol):
    """Passes a body on, with a transport that can be cut."""

    def __init__(self, reader: Protocol) -> None:
        self._reader = reader

    def connectionMade(self) -> None:
        transport: Any = _BodyTransport(self.transport)
        self._reader.makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        self._reader.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._reader.connectionLost(reason)


def ended_well(reason: Failure) -> bool:
    """Whether a body ended as a body may (``PotentialDataLoss``: by the connection's end)."""
    return reason.check(ResponseDone, PotentialDataLoss) is not None


class Upstream:
    """Sends requests to origins within bounds, over checked addresses and verified TLS."""

    def __init__(
        self,
        reactor: Any,
        connect_reactor: Any,
        settings: Settings,
        contexts: Contexts,
        telemetry: Telemetry,
    ) -> None:
        """``connect_reactor`` is the one whose resolver filters addresses."""
        self._reactor = reactor
        self._connect_reactor = connect_reactor
        self._settings = settings
        self._contexts = contexts
        self._telemetry = telemetry
        limits = settings.limits
        self._places = DeferredSemaphore(limits.upstream_requests)
        self._places_by_origin: dict[Origin, DeferredSemaphore] = {}
        self._endpoints: dict[tuple[Origin, TlsPolicy], IStreamClientEndpoint] = {}
        self._pool = _Pool(reactor, persistent=True)
        self._pool.max_idle = limits.upstream_idle_connections
        # Fewer than run at once would close and open them with every burst (+21 % measured).
        self._pool.maxPersistentPerHost = 128
        self._pool.cachedConnectionTimeout = 60

        class Factory(_ConnectionFactory):
            head_limit = limits.response_header_bytes

        self._pool._factory = Factory

    @property
    def limits(self) -> Limits:
        """The bounds in force."""
        return self._settings.limits

    def endpoint(self, origin: Origin, transport: Transport) -> IStreamClientEndpoint:
        """How to connect to an origin: host table, address filter, TLS by policy.

        Kept for the next request.  Raises ``ValueError`` for a host that no name service and
        no certificate can name.
        """
        key = (origin, transport.tls)
        known = self._endpoints.get(key)
        if known is None:
            if len(self._endpoints) >= _ENDPOINTS:
                self._endpoints.clear()
            known = self._endpoints[key] = self._make_endpoint(origin, transport)
        return known

    def _make_endpoint(self, origin: Origin, transport: Transport) -> IStreamClientEndpoint:
        host, port = lookup_static(self._settings.hosts, origin.host, origin.port)
        plain = NamedEndpoint(
            self._connect_reactor,
            host.strip("[]"),
            port,
            timeout=self.limits.upstream_connect_seconds,
        )
        if not origin.secure:
            return plain
        peer = VerifiedPeer(
            self._contexts.context(transport.tls),
            origin.hostname,
            certificate_strength=transport.tls.certificate_strength,
        )
        return endpoints.wrapClientTLS(peer, plain)

    async def request(
        self, connect: Connect, body: IBodyProducer | None, tell: _Tell | None = None
    ) -> UpstreamResponse:
        """Send one request; the response's head, its body undelivered; a 103 is told before.

        Raises ``UpstreamFault``, ``UpstreamTimeout`` or ``Overloaded``; cancelling the
        awaiting Deferred closes the connection.
        """
        # The place is for waiting on the origin: a stream that is under way is bounded by its
        # client's connection, and must not shut the origin for everybody else.
        release = await self._take_place(connect.origin)
        try:
            response = await self._send(connect, body, tell)
        finally:
            release()
        length = None if response.length == UNKNOWN_LENGTH else int(response.length)
        if connect.method == b"HEAD":  # what a GET would bring; twisted.web calls it 0
            declared = response.headers.getRawHeaders(b"Content-Length", [b""])[0]
            length = int(declared) if declared.isdigit() else None
        fields = tuple(
            (name, value)
            for name, values in response.headers.getAllRawHeaders()
            for value in values
        )
        head = UpstreamHead(response.code, response.phrase, fields, length)
        return UpstreamResponse(head, response)

    async def _take_place(self, origin: Origin) -> Callable[[], None]:
        limits = self.limits
        mine = self._places_by_origin.get(origin)
        if mine is None:
            mine = self._places_by_origin[origin] = DeferredSemaphore(
                limits.upstream_requests_per_origin
            )
        await self._acquire(mine, "upstream-requests-per-origin")
        try:
            await self._acquire(self._places, "upstream-requests")
        except BaseException:
            mine.release()
            raise
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self._places.release()
                mine.release()
                if mine.tokens == mine.limit and not mine.waiting:
                    self._places_by_origin.pop(origin, None)

        return release

    async def _acquire(self, semaphore: DeferredSemaphore, limit: str) -> None:
        waiting = semaphore.acquire()
        if waiting.called:
            await waiting
            return
        try:
            await waiting.addTimeout(self.limits.upstream_wait_seconds, self._reactor)
        except WaitedTooLong:
            self._telemetry.count("gateway_limit_reached_total", limit=limit)
            raise Overloaded(f"[limits] {limit} was reached") from None

    async def _send(
        self, connect: Connect, body: IBodyProducer | None, tell: _Tell | None
    ) -> IResponse:
        origin = connect.origin
        headers = Headers()
        for name, value in connect.fields:
            headers.addRawHeader(name, value)
        key = (origin, connect.transport.tls)
        timeout: Any = None
        waiting: Deferred[Any] | None = None
        timed_out = False
        left: list[bool] = []

        def out_of_time() -> None:
            nonlocal timed_out
            timed_out = True
            if waiting is not None:
                waiting.cancel()

        try:
            # Look-up and connection together: a resolver that hangs is no excuse.
            timeout = self._reactor.callLater(self.limits.upstream_connect_seconds, out_of_time)
            endpoint: Any = self.endpoint(origin, connect.transport)
            waiting = telling(self._pool.getConnection(key, endpoint), left)
            connection = await waiting
            seconds = self.limits.upstream_first_byte_seconds
            timeout.reset(seconds)
            if body is not None:
                body = Watched(body, lambda: timeout.active() and timeout.reset(seconds))
            request = Request._construct(
                connect.method, connect.target, headers, body, persistent=True, parsedURI=None
            )
            request.tell = tell
            waiting = telling(connection.request(request), left)
            response: IResponse = await waiting
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001 (Twisted has no common base for them)
            if timed_out:
                raise UpstreamTimeout(f"{origin} did not answer in time") from None
            if left:
                raise CancelledError from None
            raise describe(origin, error, connect.transport) from None
        finally:
            if timeout is not None and timeout.active():
                timeout.cancel()
        return response

    def follow(self, old: Upstream) -> None:
        """Take the place of ``old`` after a reload: its bounds go on, its connections do not.

        They were made under other rules of addresses, trust and TLS.  Those that are in use
        are closed when their exchanges have ended.
        """
        mine, its = self.limits, old.limits
        if (mine.upstream_requests, mine.upstream_requests_per_origin) == (
            its.upstream_requests,
            its.upstream_requests_per_origin,
        ):
            self._places, self._places_by_origin = old._places, old._places_by_origin
        old._pool.max_idle = 0
        # What cannot be closed is reused by nobody, and gone in a minute.
        closing = maybeDeferred(old._pool.closeCachedConnections)
        watch(closing.addErrback(lambda _: None))

    async def stop(self) -> None:
        """Close what is idle."""
        await self._pool.closeCachedConnections()


def _causes(error: BaseException) -> list[BaseException]:
    """What is inside twisted.web's wrappers; the error itself if it is none."""
    inner = getattr(error, "reasons", None)
    wrappers = (
        ResponseNeverReceived,
        ResponseFailed,
        RequestTransmissionFailed,
        RequestGenerationFailed,
    )
    if not isinstance(error, wrappers) or not inner:
        return [error]
    return [cause for failure in inner for cause in _causes(failure.value)]


def telling(inner: Deferred[Any], cancelled: list[bool]) -> Deferred[Any]:
    """A Deferred like ``inner`` that notes in ``cancelled`` when somebody cancels it.

    What Twisted makes of a cancellation depends on how far it was: a look-up then fails like
    any other, and a client that left would be counted as an origin that is down.
    """

    def cancel(_: Deferred[Any]) -> None:
        cancelled.append(True)
        inner.cancel()

    outer: Deferred[Any] = Deferred(cancel)
    watch(inner.chainDeferred(outer))
    return outer


# What OpenSSL says when two sides have no version or cipher in common, or one is too weak.
_NO_COMMON_TLS = (
    "protocol version",
    "unsupported protocol",
    "handshake failure",
    "insufficient security",
    "no shared cipher",
    "no ciphers available",
    "wrong cipher returned",
    "unknown cipher returned",
    "wrong ssl version",
    "key too small",
    "legacy sigalg disallowed",
    "wrong signature type",
)


def describe(origin: Origin, error: BaseException, transport: Transport) -> GatewayError:
    """Turn what Twisted says into one of our faults, with reason and rule for the log."""
    cause = _causes(error)[0]
    if isinstance(cause, GatewayError):
        return cause
    if isinstance(cause, ConnectTimeout):
        return UpstreamTimeout(f"{origin}: connecting took too long")
    if isinstance(cause, DNSLookupError):
        # The same words for a name that does not exist and an address that is closed.
        return UpstreamFault(f"{origin}: no address to connect to")
    if isinstance(cause, VerificationError | CertificateError):
        words = f"{origin}: the certificate is for another name"
        return TransportRefused(words, step=Step.TRANSPORT, rule="service identity: no exception")
    if isinstance(cause, CertificateRefused):
        rule = "chain verification: no exception"
        if cause.attribute:
            rule = f"{cause.attribute}: {transport.rule(cause.attribute)}"
        return TransportRefused(f"{origin}: {cause.reason}", step=Step.TRANSPORT, rule=rule)
    if isinstance(cause, SSL.Error):
        words = "; ".join(part for entry in cause.args for one in entry for part in one if part)
        if any(known in words for known in _NO_COMMON_TLS):
            return _no_common_tls(origin, words, transport)
        return UpstreamFault(f"{origin}: TLS: {words or 'connection closed'}")
    if isinstance(cause, ConnectError):
        return UpstreamFault(f"{origin}: {type(cause).__name__}")
    return UpstreamFault(f"{origin}: {type(cause).__name__}")


def _no_common_tls(origin: Origin, words: str, transport: Transport) -> TransportRefused:
    rule = "; ".join(
        f"{name}: {transport.rule(name)}" for name in ("minimum-tls", "forward-secrecy")
    )
    detail = f"{origin}: no {transport.tls.words} in common ({words})"
    return TransportRefused(detail, step=Step.TRANSPORT, rule=rule)
