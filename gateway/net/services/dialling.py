"""Opens what one service leads to: a WebSocket, or a stream over TCP, TLS or a Unix socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Factory, Protocol

from gateway.errors import GatewayError, UpstreamFault, UpstreamTimeout
from gateway.exchange.needs import ConnectSocket
from gateway.net import websocket
from gateway.net.services.stream import SecureLeg, StreamLeg
from gateway.net.upstream import describe, telling

if TYPE_CHECKING:
    from twisted.internet.interfaces import IStreamClientEndpoint

    from gateway.exchange.needs import ConnectService, SocketOpened, SocketRefused
    from gateway.net.settings import Limits
    from gateway.net.sockets import UpstreamLeg
    from gateway.net.upstream import Upstream
    from gateway.origins import Origin
    from gateway.policy.services import Backend, Service
    from gateway.policy.transport import Transport


@attrs.frozen(eq=False)
class Reach:
    """How one service's backend is reached: the way to origins, with the service's own bounds."""

    upstream: Upstream
    limits: Limits

    def endpoint(self, origin: Origin, transport: Transport) -> IStreamClientEndpoint:
        """How to connect to it."""
        return self.upstream.endpoint(origin, transport)


def limits_of(service: Service, limits: Limits) -> Limits:
    """The limits of a service's legs: its own, or those of all."""
    bounds = service.bounds
    changed: dict[str, int] = {}
    if bounds.message_bytes is not None:
        changed["websocket_message_bytes"] = bounds.message_bytes
        changed["websocket_decompressed_bytes"] = bounds.message_bytes
        changed["websocket_frame_bytes"] = min(bounds.message_bytes, limits.websocket_frame_bytes)
    if bounds.idle_seconds is not None:
        changed["websocket_idle_seconds"] = bounds.idle_seconds
    if bounds.connect_seconds is not None:
        changed["upstream_connect_seconds"] = bounds.connect_seconds
        changed["upstream_first_byte_seconds"] = bounds.connect_seconds
    return attrs.evolve(limits, **changed)


async def open_websocket(
    need: ConnectService, backend: Backend, reach: Reach, reactor: Any
) -> tuple[SocketOpened | SocketRefused, UpstreamLeg]:
    """A WebSocket to a backend that answers a handshake of its own."""
    if backend.origin is None:
        raise UpstreamFault(f"{backend.text}: names no host")
    target = backend.target if b"?" in backend.target else backend.target + need.query
    asked = ConnectSocket(
        backend.origin,
        need.service.transport,
        target,
        need.page_origin,
        need.subprotocols,
        need.fields,
    )
    return await websocket.dial(asked, reach, reactor)


async def open_stream(service: Service, backend: Backend, reach: Reach, reactor: Any) -> StreamLeg:
    """A stream to a backend, connected and, over TLS, verified; raises ``GatewayError``."""
    kind = SecureLeg if backend.origin is not None and backend.origin.secure else StreamLeg
    leg = kind(reactor, reach.limits.websocket_close_seconds)

    async def opened() -> None:
        endpoint = _endpoint(service, backend, reach, reactor)
        await endpoint.connect(_factory(leg))
        await leg.opened

    try:
        await _in_time(Deferred.fromCoroutine(opened()), service, backend, reach, reactor)
    except BaseException:
        if leg.transport is not None and not leg.is_lost:
            leg.transport.abortConnection()
        raise
    return leg


async def touch(service: Service, backend: Backend, reach: Reach, reactor: Any) -> None:
    """Find out whether anybody listens there; raises ``GatewayError`` if not."""
    endpoint = _endpoint(service, backend, reach, reactor)
    probe = Protocol()
    await _in_time(endpoint.connect(_factory(probe)), service, backend, reach, reactor)
    transport: Any = probe.transport
    if transport is not None:
        transport.abortConnection()


def _factory(protocol: Protocol) -> Any:
    factory: Any = Factory.forProtocol(lambda: protocol)
    factory.noisy = False
    return factory


def _endpoint(
    service: Service, backend: Backend, reach: Reach, reactor: Any
) -> IStreamClientEndpoint:
    if backend.origin is not None:
        return reach.endpoint(backend.origin, service.transport)
    return UNIXClientEndpoint(reactor, backend.path, reach.limits.upstream_connect_seconds)


async def _in_time(
    running: Deferred[Any], service: Service, backend: Backend, reach: Reach, reactor: Any
) -> None:
    """Wait for a connection; what Twisted says of it becomes one of our faults."""
    left: list[bool] = []
    timed_out: list[bool] = []
    waiting = telling(running, left)

    def out_of_time() -> None:
        timed_out.append(True)
        waiting.cancel()

    timer = reactor.callLater(reach.limits.upstream_connect_seconds, out_of_time)
    try:
        await waiting
    except GatewayError:
        raise
    except Exception as error:  # noqa: BLE001 (Twisted has no common base for them)
        if timed_out:
            raise UpstreamTimeout(f"{backend.text}: connecting took too long") from None
        if left:
            raise CancelledError from None
        if backend.origin is None:
            raise UpstreamFault(f"{backend.text}: {type(error).__name__}") from None
        raise describe(backend.origin, error, service.transport) from None
    finally:
        if timer.active():
            timer.cancel()
