"""The one module that owns autobahn: the legs of native WebSockets, dialled and answered.

A client's handshake is judged and the upstream dialled before autobahn sees anything;
what it then gets is a handshake made anew from what was decided.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import autobahn.twisted.websocket
import autobahn.websocket.protocol
from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from gateway.errors import GatewayError, UpstreamFault, UpstreamTimeout
from gateway.exchange.needs import SocketOpened, SocketRefused
from gateway.net.parting import Parting
from gateway.net.relay import Relay
from gateway.net.upstream import describe, telling
from gateway.websocket.closing import Ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from gateway.exchange.messages import (
        Accept,
    )
    from gateway.exchange.needs import ConnectSocket
    from gateway.net.client import Client
    from gateway.net.services.dialling import Reach
    from gateway.net.settings import Limits
    from gateway.net.upstream import Upstream


def _plain(value: object, **_: object) -> object:
    return value


# autobahn colours the values of debug messages before it knows that nobody logs them: five
# times a message, a quarter of the cost of relaying a small one (62 against 48 µs measured).
for _module in (autobahn.websocket.protocol, autobahn.twisted.websocket):
    _module.hltype = _module.hlval = _plain  # type: ignore[attr-defined]

# "Bad gateway" was registered after autobahn's list was made.
WebSocketServerProtocol.CLOSE_STATUS_CODES_ALLOWED.append(1014)


@implementer(IPushProducer)
class _LegMixin(Parting):
    """What both legs share: a ``Leg`` over an autobahn protocol."""

    relay: Relay | None = None
    transport: Any
    state: int

    def _prepare(self) -> None:
        self._early: list[tuple[bytes, bool]] = []
        self._ended: tuple[int | None, str | None, bool] | None = None
        self._gone = False

    def attach(self, relay: Relay) -> None:
        """Report to ``relay``; what came before it first."""
        self.relay = relay
        early, self._early = self._early, []
        for payload, binary in early:
            relay.received(self, payload, binary=binary)
        if self._ended is not None:
            code, reason, was_clean = self._ended
            relay.closed(self, code, reason, was_clean=was_clean)
        elif not self._gone:
            self.transport.registerProducer(self, streaming=True)
            self.transport.resumeProducing()

    # Callbacks of autobahn.

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001
        """A whole message."""
        if self.relay is None:
            self._early.append((payload, isBinary))
        else:
            self.relay.received(self, payload, binary=isBinary)

    def onClose(
        self,
        wasClean: bool,  # noqa: FBT001
        code: int | None,
        reason: str | None,
    ) -> None:
        """The leg has ended.

        autobahn says 1006 for every unclean end; where our own limit or the peer's fault
        closed the leg, the code that was sent is what the other side is to know.
        """
        if not wasClean or getattr(self, "closedByMe", False):
            code, reason = getattr(self, "localCloseCode", None), ""
        if self.relay is None:
            self._ended = (code, reason, wasClean)
        else:
            self.relay.closed(self, code, reason, was_clean=wasClean)

    def connectionLost(self, reason: Failure) -> None:
        """The transport is gone: nothing may be asked of it any more."""
        self._gone = True
        super().connectionLost(reason)

    # IPushProducer: the transport says how fast this leg can be written to.

    def pauseProducing(self) -> None:
        """This leg's transport is full."""
        if self.relay is not None:
            self.relay.congested(self)

    def resumeProducing(self) -> None:
        """This leg's transport can take more."""
        if self.relay is not None:
            self.relay.relieved(self)

    def stopProducing(self) -> None:
        """The transport is gone; ``onClose`` says so too."""

    # Leg: what the relay asks.

    def send(self, payload: bytes, *, binary: bool) -> None:
        """Send one message; one that is under way to a leg that is closing is dropped."""
        if self.state == WebSocketServerProtocol.STATE_OPEN:
            self.sendMessage(payload, isBinary=binary)  # type: ignore[attr-defined]

    def pause(self) -> None:
        """Read nothing until ``resume``."""
        if self.transport is not None and not self._gone:
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        if self.transport is not None and not self._gone:
            self.transport.resumeProducing()

    def end(self, ending: Ending) -> None:
        """Close with a code, without one, or by dropping the connection."""
        if self._gone:
            return
        if ending.drop or self.state in {
            WebSocketServerProtocol.STATE_CONNECTING,
            WebSocketServerProtocol.STATE_CLOSED,
        }:
            if self.transport is not None:
                self.transport.abortConnection()
            return
        reason = ending.reason.encode("utf-8") if ending.code is not None else None
        self.part(ending.code, reason)


class ServerLeg(_LegMixin, WebSocketServerProtocol):  # type: ignore[misc]
    """The client's side."""

    def __init__(self, subprotocol: str | None, fields: dict[str, list[str]]) -> None:
        """The answer is decided: autobahn only writes it."""
        super().__init__()
        self._prepare()
        self._subprotocol = subprotocol
        self._fields = fields

    def onConnect(self, request: Any) -> Any:
        """Accept with what was decided."""
        del request
        return self._subprotocol, self._fields

    def _connectionMade(self) -> None:
        super()._connectionMade()
        # What may stay in the log is decided elsewhere.
        self.logOctets = self.logFrames = False


class ClientLeg(_LegMixin, WebSocketClientProtocol):  # type: ignore[misc]
    """The upstream's side; ``opened`` fires with the answer, or fails."""

    def __init__(self, need: ConnectSocket, head_limit: int) -> None:
        """Made for one dial."""
        super().__init__()
        self._prepare()
        self._need = need
        self._head_limit = head_limit
        self._dialling = True
        self.transport_reason: Failure | None = None
        self.opened: Deferred[SocketOpened | SocketRefused] = Deferred()

    def _actuallyStartHandshake(self, request_options: Any) -> None:
        # autobahn would name the port in Host even where it is the scheme's default, which
        # servers that compare Host with Origin refuse; and it would write UTF-8.
        del request_options
        need = self._need
        self.websocket_key = base64.b64encode(os.urandom(16))
        fields = [
            (b"Host", need.origin.netloc.encode("ascii")),
            (b"Connection", b"Upgrade"),
            (b"Upgrade", b"websocket"),
            *need.fields,
            (b"Sec-WebSocket-Version", b"13"),
            (b"Sec-WebSocket-Key", self.websocket_key),
        ]
        if need.page_origin is not None:
            fields.append((b"Origin", need.page_origin.encode("latin-1")))
        if need.subprotocols:
            offer = ", ".join(need.subprotocols).encode("latin-1")
            fields.append((b"Sec-WebSocket-Protocol", offer))
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        self.sendData(b"GET " + need.target + b" HTTP/1.1\r\n" + head + b"\r\n")

    def onOpen(self) -> None:
        """The upstream answered 101: read nothing until the relay is there."""
        self.transport.pauseProducing()
        self._dialling = False
        self.opened.callback(SocketOpened(self.websocket_protocol_in_use, self._set_cookies()))

    def _answer_fields(self, *names: bytes) -> list[tuple[bytes, bytes]]:
        # From the raw octets: autobahn folds repeated fields into one.
        lines = getattr(self, "http_response_data", b"").split(b"\r\n")[1:]
        split = (line.partition(b":") for line in lines)
        fields = ((name.strip().lower(), value.strip()) for name, _, value in split)
        return [(name, value) for name, value in fields if name in names]

    def _set_cookies(self) -> tuple[bytes, ...]:
        return tuple(value for _, value in self._answer_fields(b"set-cookie"))

    def onClose(
        self,
        wasClean: bool,  # noqa: FBT001
        code: int | None,
        reason: str | None,
    ) -> None:
        """The leg has ended; before it was open, that is the dial's result."""
        if self._dialling:
            self._dialling = False
            self._dial_failed()
        super().onClose(wasClean, code, reason)

    def _dial_failed(self) -> None:
        status_line = getattr(self, "http_status_line", "").split()
        if len(status_line) > 1 and status_line[1].isdigit() and status_line[1] != "101":
            status = int(status_line[1])
            # A redirect or an oddity cannot be followed here: the browser sees a failure.
            passed = status if 400 <= status <= 599 else 502
            told = self._answer_fields(b"www-authenticate", b"retry-after")
            self.opened.callback(SocketRefused(passed, self._set_cookies(), tuple(told)))
        else:
            self.opened.errback(UpstreamFault("the upstream's handshake failed"))

    def dataReceived(self, data: bytes) -> None:
        """Bound the answer's head, which autobahn would gather without end."""
        if self._dialling and len(self.data or b"") + len(data) > self._head_limit:
            self.failHandshake("the answer's head is too large")
            return
        super().dataReceived(data)

    def processHandshake(self) -> None:
        """Fields that are not UTF-8 are no reason for a traceback."""
        try:
            super().processHandshake()
        except UnicodeDecodeError:
            self.failHandshake("the answer's head is not UTF-8")

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The transport is gone: TLS failures are known only here."""
        if self._dialling:
            self.transport_reason = reason
        super().connectionLost(reason)


def configure(factory: Any, limits: Limits) -> None:
    """Set what both kinds of legs share: bounds, pings, and closings that say why."""
    options = {
        "maxFramePayloadSize": limits.websocket_frame_bytes,
        "maxMessagePayloadSize": limits.websocket_message_bytes,
        "autoPingInterval": limits.websocket_ping_seconds,
        "autoPingTimeout": limits.websocket_pong_seconds,
        "autoPingSize": 12,
        "openHandshakeTimeout": 0,  # the dial has a timer of its own
        "closeHandshakeTimeout": 0,  # and so has the end
        "failByDrop": False,
        "tcpNoDelay": True,
        "echoCloseCodeReason": True,
    }
    factory.setProtocolOptions(**options)
    factory.parting_seconds = limits.websocket_close_seconds


async def dial(
    need: ConnectSocket, upstream: Upstream | Reach, reactor: Any
) -> tuple[SocketOpened | SocketRefused, ClientLeg]:
    """Open an upstream's leg: its answer; raises ``GatewayError`` when nothing answered."""
    limits = upstream.limits
    origin = need.origin
    scheme = "wss" if origin.secure else "ws"
    factory = WebSocketClientFactory(
        f"{scheme}://upstream/", protocols=list(need.subprotocols), reactor=reactor
    )
    factory.noisy = False
    configure(factory, limits)
    leg = ClientLeg(need, limits.response_header_bytes)
    leg.factory = factory
    factory.buildProtocol = lambda addr: leg  # type: ignore[method-assign] # noqa: ARG005
    factory.setProtocolOptions(version=13, serverConnectionDropTimeout=0)
    left: list[bool] = []
    waiting: Deferred[Any] | None = None
    timed_out = False

    def out_of_time() -> None:
        nonlocal timed_out
        timed_out = True
        if waiting is not None:
            waiting.cancel()

    timer = reactor.callLater(limits.upstream_connect_seconds, out_of_time)
    try:
        endpoint = upstream.endpoint(origin, need.transport)
        waiting = telling(endpoint.connect(factory), left)
        await waiting
        timer.reset(limits.upstream_first_byte_seconds)
        waiting = telling(leg.opened, left)
        answer = await waiting
    except GatewayError:
        reason = leg.transport_reason
        cause = reason.value if reason is not None else None
        if cause is None:
            raise
        raise describe(origin, cause, need.transport) from None
    except Exception as error:  # noqa: BLE001 (Twisted has no common base for them)
        if leg.transport is not None:
            leg.end(Ending(drop=True))
        if timed_out:
            raise UpstreamTimeout(f"{origin}: the WebSocket handshake took too long") from None
        if left:
            raise CancelledError from None
        raise describe(origin, error, need.transport) from None
    finally:
        if timer.active():
            timer.cancel()
    return answer, leg


def answer(
    client: Client, ending: Accept, limits: Limits, reactor: Any
) -> tuple[ServerLeg, Callable[[], None]]:
    """A client's leg, and what writes its 101 and reads on: when the leg has its relay."""
    fields: dict[str, list[str]] = {}
    for name, value in ending.fields:
        fields.setdefault(name.decode("ascii"), []).append(value.decode("latin-1"))
    factory = WebSocketServerFactory(None, server="", reactor=reactor)
    factory.noisy = False
    configure(factory, limits)
    factory.setProtocolOptions(
        versions=[13], allowNullOrigin=True, webStatus=False, requireMaskedClientFrames=True
    )
    leg = ServerLeg(ending.subprotocol, fields)
    leg.factory = factory

    def begin() -> None:
        rest = client.take_transport(leg)
        leg.dataReceived(_opening(client, ending.subprotocol) + rest)

    return leg, begin


def _opening(client: Client, subprotocol: str | None) -> bytes:
    """The client's handshake made anew: only what was judged, and the choice alone."""
    key = next(value for name, value in client.head.fields if name.lower() == b"sec-websocket-key")
    lines = [
        b"GET / HTTP/1.1",
        b"Host: gateway",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + key,
    ]
    if subprotocol is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("latin-1"))
    return b"\r\n".join(lines) + b"\r\n\r\n"
