"""What stands behind services: dialled within each one's bounds, and known to be up or down."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred

from gateway import events
from gateway.errors import GatewayError, LocalFault, UpstreamFault
from gateway.exchange.needs import ConnectService, SocketOpened, SocketRefused
from gateway.net.drive import watch
from gateway.net.services.broadcast import BroadcastLeg, Hub, Source
from gateway.net.services.builtin import EchoLeg
from gateway.net.services.dialling import Reach, limits_of, open_stream, open_websocket, touch
from gateway.net.services.prepared import Prepared
from gateway.policy.clients import block_of
from gateway.policy.services import STREAMS, WEBSOCKETS
from gateway.websocket.circuit import UP, Circuit, retry_after
from gateway.websocket.limits import RETRY_SECONDS, Holder

if TYPE_CHECKING:
    from gateway.net.services.stream import StreamLeg
    from gateway.net.settings import Limits
    from gateway.net.sockets import DialledSocket, Sockets, UpstreamLeg
    from gateway.net.telemetry import Telemetry
    from gateway.net.upstream import Upstream
    from gateway.policy.services import Backend, Service, Services


class ServiceDown(UpstreamFault):
    """The backend does not answer, or did not when it was asked last."""

    status = 503
    title = "This service is not available just now"

    def __init__(self, detail: str, wait: float) -> None:
        """``wait``: seconds until it is dialled again."""
        super().__init__(detail)
        self.fields = ((b"Retry-After", b"%d" % retry_after(wait)),)


class ServiceFull(LocalFault):
    """The bound on a service's WebSockets was reached."""

    status = 503
    event = events.LIMIT
    title = "This service is busy"
    fields = ((b"Retry-After", b"%d" % RETRY_SECONDS),)


def _limits(service: Service, limits: Limits) -> dict[str, float]:
    """The bounds in force, by their keys in ``[[service]]``; 0: none but those of all."""
    return {
        "connections": service.bounds.connections or limits.websocket_connections,
        "message-bytes": limits.websocket_message_bytes,
        "idle-seconds": limits.websocket_idle_seconds,
        "connect-seconds": limits.upstream_connect_seconds,
        "handshakes-per-second": 0.0 if service.rate is None else service.rate.per_second,
        "handshakes-burst": 0.0 if service.rate is None else service.rate.burst,
        "recovery-seconds": service.recovery_seconds,
        "prepared": service.prepared,
        "pending-bytes": service.pending_bytes,
    }


def _words(service: Service, error: GatewayError) -> str:
    """A fault as the operator reads it: by what ``connect`` says."""
    backend = service.backend.source or service.backend
    return str(error).replace(str(backend.origin), backend.text.removeprefix("broadcast:"))


@attrs.define(eq=False)
class State:
    """What is known of one service, as long as its backend stays the same.

    ``keeper``: who asks again, the backends of the configuration that holds now.
    """

    service: Service
    keeper: Backends
    open: int = 0
    total: int = 0
    failures: int = 0
    last_fault: str = ""
    circuit: Circuit = UP
    prepared: Prepared | None = None
    hub: Hub = attrs.field(factory=Hub)
    _probe: Any = None
    _probing: Deferred[None] | None = None

    def stop(self) -> None:
        """No timer and no idle stream is left."""
        if self.prepared is not None:
            self.prepared.stop()
            self.prepared = None
        if self._probe is not None and self._probe.active():
            self._probe.cancel()
        self._probe = None
        if self._probing is not None:
            self._probing.cancel()


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
        self._states = {one.name: State(one, self) for one in services.all}
        self._begun = False

    # --- a configuration's life ---------------------------------------------------

    def begin(self) -> None:
        """Open what is to be open before anybody asks."""
        self._begun = True
        for state in self._states.values():
            self._begin(state)

    def _begin(self, state: State) -> None:
        service = state.service
        if service.prepared and service.backend.kind in STREAMS:
            state.prepared = Prepared(
                self._reactor,
                service.prepared,
                lambda: self._ahead(state),
                lambda: self._failed(state, "a prepared connection"),
            )
            state.prepared.begin()
        elif not state.circuit.is_up:
            self._probe_later(state)

    def follow(self, old: Backends) -> None:
        """A reload: what is known of backends that are still the same goes on."""
        for name, state in old._states.items():
            service = self._services.named(name)
            state.stop()
            if service is not None and service.backend == state.service.backend:
                state.service, state.keeper = service, self
                self._states[name] = state
        if old._begun:
            old._begun = False  # of what it still dials and is gone nobody asks again
            self.begin()

    def stop(self) -> None:
        """The gateway ends."""
        self._begun = False
        for state in self._states.values():
            state.stop()

    def shown(self) -> list[dict[str, Any]]:
        """All services with what is known of each, for the operator."""
        now = self._reactor.seconds()
        return [
            {
                "name": name,
                "accept": f"{state.service.host}{state.service.path}",
                "connect": state.service.backend.text,
                "up": state.circuit.is_up,
                "retry_seconds": round(state.circuit.wait(now), 1),
                "last_fault": "" if state.circuit.is_up else state.last_fault,
                "open": state.open,
                "total": state.total,
                "failures": state.failures,
                "prepared": 0 if state.prepared is None else len(state.prepared),
                "limits": _limits(state.service, limits_of(state.service, self._upstream.limits)),
            }
            for name, state in self._states.items()
        ]

    # --- dialling -----------------------------------------------------------------

    async def dial(
        self, need: ConnectService, sockets: Sockets, upstream: Upstream
    ) -> DialledSocket:
        """The backend's leg; raises ``GatewayError`` when nothing answered.

        ``upstream`` is the configuration's that the handshake was judged by.
        """
        service = need.service
        state = self._states.get(service.name)
        if state is None:
            raise LocalFault(f"service {service.name} is none of this configuration's")
        most = service.bounds.connections
        if most is not None and state.open >= most:
            self._telemetry.count("gateway_limit_reached_total", limit="service.connections")
            raise ServiceFull(f"[[service]] connections ({most}) was reached")
        wait = state.circuit.wait(self._reactor.seconds())
        if wait and not state.prepared:
            why = f"not dialled for {wait:.1f} s more: {state.last_fault}"
            raise ServiceDown(why, wait)
        state.circuit = state.circuit.dialling()
        state.open += 1
        held = [state]

        def release() -> None:
            if held:
                held.pop().open -= 1

        address = block_of(need.client) if need.client else ""
        holder = Holder(address, b"", need.page_origin or "", f"service:{service.name}")
        try:
            socket = await sockets.open(
                lambda: self._open(need, state),
                holder,
                upstream,
            )
        except UpstreamFault as error:
            release()
            why = _words(service, error)
            raise ServiceDown(why, self._failed(state, why)) from None
        except BaseException:
            release()
            state.circuit = state.circuit.left()
            raise
        self._came_back(state)
        state.circuit = UP
        state.total += 1
        socket.limits, socket.release = limits_of(service, self._upstream.limits), release
        return socket

    async def _open(
        self, need: ConnectService, state: State
    ) -> tuple[SocketOpened | SocketRefused, UpstreamLeg]:
        service = need.service
        kind = service.backend.kind
        if kind in WEBSOCKETS:
            return await open_websocket(need, service.backend, self._reach(service), self._reactor)
        chosen = SocketOpened(need.subprotocols[0] if need.subprotocols else None)
        if kind in STREAMS:
            leg = state.prepared.take() if state.prepared is not None else None
            leg = leg or await self._stream(service, service.backend)
            if service.sends_text(chosen.subprotocol):
                leg.sends_text()
            return chosen, leg
        if kind == "echo":
            return chosen, EchoLeg(self._reactor)
        source = service.backend.source
        if source is not None and state.hub.source is None:
            await self._hear(service, source, state.hub)
        bound = service.pending_bytes
        return chosen, BroadcastLeg(self._reactor, state.hub, bound, listens=source is None)

    def _reach(self, service: Service) -> Reach:
        return Reach(self._upstream, limits_of(service, self._upstream.limits))

    async def _stream(self, service: Service, backend: Backend) -> StreamLeg:
        return await open_stream(service, backend, self._reach(service), self._reactor)

    async def _ahead(self, state: State) -> StreamLeg:
        leg = await self._stream(state.service, state.service.backend)
        self._came_back(state)
        return leg

    async def _hear(self, service: Service, backend: Backend, hub: Hub) -> None:
        """Open the source of a broadcast for the first who came."""
        if backend.kind in WEBSOCKETS:
            asked = ConnectService(service, b"", None, service.subprotocols)
            reach = self._reach(service)
            answer, leg = await open_websocket(asked, backend, reach, self._reactor)
            if isinstance(answer, SocketRefused):
                raise UpstreamFault(f"{backend.text}: the source answered {answer.status}")
        else:
            leg = await self._stream(service, backend)
            if service.messages == "text":
                leg.sends_text()
        source = Source(hub, leg)
        if hub.source is not None:
            source.end()  # two who came together opened it twice
            return
        hub.source = source
        source.start()

    # --- up or down ---------------------------------------------------------------

    def _failed(self, state: State, why: str) -> float:
        """A backend did not answer: the seconds until it is asked again."""
        now = self._reactor.seconds()
        was_up = state.circuit.is_up
        noise = random.uniform(0, 1)  # noqa: S311
        state.circuit = state.circuit.failed(now, state.service.recovery_seconds, noise)
        state.failures += 1
        state.last_fault = why
        if was_up:
            detail = f"service {state.service.name} is down: {why}"
            self._telemetry.event(events.SERVICE_DOWN, detail=detail, rule=state.service.rule)
        if state.prepared is None:
            state.keeper._probe_later(state)
        return state.circuit.wait(now)

    def _probe_later(self, state: State) -> None:
        """Ask it again when its time comes, so that it is known to be back before anybody asks."""
        if not self._begun or state._probe is not None:
            return
        wait = state.circuit.wait(self._reactor.seconds())
        state._probe = self._reactor.callLater(max(wait, 0.1), self._probe, state)

    def _probe(self, state: State) -> None:
        state._probe = None
        if state.circuit.is_up or state._probing is not None:
            return
        if state.circuit.wait(self._reactor.seconds()):
            self._probe_later(state)  # somebody's handshake asked meanwhile
            return

        def over(_: object) -> None:
            state._probing = None

        state._probing = Deferred.fromCoroutine(self._touch(state))
        watch(state._probing.addBoth(over))

    async def _touch(self, state: State) -> None:
        service = state.service
        backend = service.backend.source or service.backend
        try:
            await touch(service, backend, self._reach(service), self._reactor)
        except GatewayError as error:
            if self._begun:
                self._failed(state, _words(service, error))
        else:
            self._came_back(state)

    def _came_back(self, state: State) -> None:
        if not state.circuit.is_up:
            state.circuit = state.circuit.found()
            detail = f"service {state.service.name} can be reached again"
            self._telemetry.event(events.SERVICE_UP, detail=detail, rule=state.service.rule)
