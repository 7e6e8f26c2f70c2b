"""Dials what stands behind a service, within its bounds, and knows which backends are down."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Factory

from gateway import events
from gateway.errors import GatewayError, LocalFault, UpstreamFault, UpstreamTimeout
from gateway.exchange.needs import ConnectSocket, SocketOpened
from gateway.net import websocket
from gateway.net.services.builtin import EchoLeg
from gateway.net.services.stream import StreamLeg
from gateway.net.upstream import describe, telling
from gateway.policy.services import STREAMS, WEBSOCKETS
from gateway.websocket.circuit import UP, Circuit, retry_after

if TYPE_CHECKING:
    from twisted.internet.interfaces import IStreamClientEndpoint

    from gateway.exchange.needs import ConnectService, SocketRefused
    from gateway.net.settings import Limits
    from gateway.net.sockets import DialledSocket, Sockets, UpstreamLeg
    from gateway.net.telemetry import Telemetry
    from gateway.net.upstream import Upstream
    from gateway.origins import Origin
    from gateway.policy.services import Backend, Service, Services
    from gateway.policy.transport import Transport


class ServiceDown(UpstreamFault):
    """The backend does not answer, or did not when it was asked last."""

    status = 503
    title = "This service is not available just now"

    def __init__(self, detail: str, wait: float) -> None:
        """``wait``: seconds until it is dialled again."""
        super().__init__(detail)
        self.retry_after = retry_after(wait)


class ServiceFull(LocalFault):
    """The bound on a service's WebSockets was reached."""

    status = 503
    event = events.LIMIT
    title = "This service is busy"


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
        changed["websocket_frame_bytes"] = min(bounds.message_bytes, limits.websocket_frame_bytes)
    if bounds.connect_seconds is not None:
        changed["upstream_connect_seconds"] = bounds.connect_seconds
        changed["upstream_first_byte_seconds"] = bounds.connect_seconds
    return attrs.evolve(limits, **changed)


@attrs.define(eq=False)
class State:
    """What is known of one service as long as its backend stays the same."""

    backend: Backend
    open: int = 0
    circuit: Circuit = UP


class Backends:
    """The backends of all services of one configuration."""

    def __init__(
        self, reactor: Any, services: Services, upstream: Upstream, telemetry: Telemetry
    ) -> None:
        """``upstream``: the way to what the operator named, whatever is closed to sites."""
        self._reactor = reactor
        self._services = services
        self._upstream = upstream
        self._telemetry = telemetry
        self._states: dict[str, State] = {}

    def follow(self, old: Backends) -> None:
        """A reload: what is known of backends that are still the same goes on."""
        for service in self._services.all:
            state = old._states.get(service.name)
            if state is not None and state.backend == service.backend:
                self._states[service.name] = state

    def _state(self, service: Service) -> State:
        state = self._states.get(service.name)
        if state is None:
            state = self._states[service.name] = State(service.backend)
        return state

    async def dial(
        self, need: ConnectService, sockets: Sockets, upstream: Upstream
    ) -> DialledSocket:
        """The backend's leg; raises ``GatewayError`` when nothing answered.

        ``upstream`` is the configuration's that the handshake was judged by.
        """
        service = need.service
        state = self._state(service)
        limits = limits_of(service, self._upstream.limits)
        most = service.bounds.connections
        if most is not None and state.open >= most:
            self._telemetry.count("gateway_limit_reached_total", limit="service.connections")
            raise ServiceFull(f"[[service]] connections ({most}) was reached")
        now = self._reactor.seconds()
        wait = state.circuit.wait(now)
        if wait:
            raise ServiceDown("its backend was down when it was asked last", wait)
        state.circuit = state.circuit.dialling()
        self._count(service, state, 1)
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                self._count(service, state, -1)

        try:
            socket = await sockets.open(
                lambda: self._open(need, Reach(self._upstream, limits)),
                f"service:{service.name}",
                upstream,
            )
        except UpstreamFault as error:
            release()
            self._failed(service, state)
            wait = state.circuit.wait(self._reactor.seconds())
            raise ServiceDown(str(error), wait) from None
        except BaseException:
            release()
            state.circuit = state.circuit.left()
            raise
        state.circuit = UP
        socket.limits, socket.release = limits, release
        return socket

    def _count(self, service: Service, state: State, by: int) -> None:
        state.open += by
        self._telemetry.count("gateway_service_connections", by, service=service.name)

    def _failed(self, service: Service, state: State) -> None:
        noise = random.uniform(0, 1)  # noqa: S311
        now = self._reactor.seconds()
        state.circuit = state.circuit.failed(now, service.recovery_seconds, noise)
        self._telemetry.count("gateway_service_failures_total", service=service.name)

    async def _open(
        self, need: ConnectService, reach: Reach
    ) -> tuple[SocketOpened | SocketRefused, UpstreamLeg]:
        service = need.service
        backend = service.backend
        chosen = need.subprotocols[0] if need.subprotocols else None
        if backend.kind in WEBSOCKETS and backend.origin is not None:
            asked = ConnectSocket(
                backend.origin,
                service.transport,
                backend.target if b"?" in backend.target else backend.target + need.query,
                need.page_origin,
                need.subprotocols,
                need.fields,
            )
            return await websocket.dial(asked, reach, self._reactor)
        if backend.kind in STREAMS:
            leg = await self._stream(service, backend, reach)
            if service.sends_text(chosen):
                leg.sends_text()
            return SocketOpened(chosen), leg
        return SocketOpened(chosen), EchoLeg(self._reactor)

    async def _stream(self, service: Service, backend: Backend, reach: Reach) -> StreamLeg:
        """A stream to a backend, connected and, over TLS, verified."""
        limits = reach.limits
        endpoint: IStreamClientEndpoint
        if backend.origin is None:
            endpoint = UNIXClientEndpoint(
                self._reactor, backend.path, limits.upstream_connect_seconds
            )
        else:
            endpoint = reach.endpoint(backend.origin, service.transport)
        leg = StreamLeg(self._reactor, limits.websocket_close_seconds)
        factory = Factory.forProtocol(lambda: leg)
        factory.noisy = False
        left: list[bool] = []
        connecting: Deferred[Any] = endpoint.connect(factory)
        waiting = telling(connecting, left)
        timed_out: list[bool] = []

        def out_of_time() -> None:
            timed_out.append(True)
            waiting.cancel()

        timer = self._reactor.callLater(limits.upstream_connect_seconds, out_of_time)
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
        return leg
