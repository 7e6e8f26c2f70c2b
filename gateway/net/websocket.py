"""The legs of native WebSockets, dialled and answered; with ``legs`` it owns autobahn.

A client's handshake is judged and the upstream dialled before autobahn sees anything;
what it then gets is a handshake made anew from what was decided.
"""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING, Any

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.compress_deflate import (
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from twisted.internet.defer import CancelledError, Deferred

from gateway.errors import GatewayError, UpstreamFault, UpstreamTimeout
from gateway.exchange.needs import SocketOpened, SocketRefused
from gateway.net.legs import Deflate, LegMixin, configure
from gateway.net.upstream import describe, telling
from gateway.websocket import deflate
from gateway.websocket.closing import Ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from gateway.exchange.messages import Accept
    from gateway.exchange.needs import ConnectSocket
    from gateway.net.client import Client
    from gateway.net.services.dialling import Reach
    from gateway.net.settings import Limits
    from gateway.net.upstream import Upstream

_INTERIM = re.compile(rb"HTTP/1\.1 1(?!01)[0-9]{2}[ \r]")
"""What RFC 9110, section 15.2, lets a server say before its answer."""


class ServerLeg(LegMixin, WebSocketServerProtocol):  # type: ignore[misc]
    """The client's side."""

    def __init__(
        self,
        subprotocol: str | None,
        fields: dict[str, list[str]],
        limits: Limits,
        compression: Deflate | None,
    ) -> None:
        """The answer is decided: autobahn only writes it."""
        super().__init__()
        self.prepare(limits)
        self._subprotocol = subprotocol
        self._fields = fields
        self._compression = compression

    def onConnect(self, request: Any) -> Any:
        """Accept with what was decided."""
        del request
        return self._subprotocol, self._fields

    def onOpen(self) -> None:
        """The 101 is written; what it agreed on holds from the first frame."""
        self._perMessageCompress = self._compression

    def _connectionMade(self) -> None:
        super()._connectionMade()
        # What may stay in the log is decided elsewhere.
        self.logOctets = self.logFrames = False


class ClientLeg(LegMixin, WebSocketClientProtocol):  # type: ignore[misc]
    """The upstream's side; ``opened`` fires with the answer, or fails."""

    def __init__(self, need: ConnectSocket, limits: Limits) -> None:
        """Made for one dial."""
        super().__init__()
        self.prepare(limits)
        self._need = need
        self._head_limit = limits.response_header_bytes
        self._settings = compression(limits, limits.websocket_compression_upstream_window_bits)
        self._dialling = True
        self._is_odd = False
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
        extensions = deflate.offer(self._settings)
        if extensions:
            fields.append((b"Sec-WebSocket-Extensions", extensions.encode("ascii")))
        head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
        self.sendData(b"GET " + need.target + b" HTTP/1.1\r\n" + head + b"\r\n")

    def onOpen(self) -> None:
        """The upstream answered 101: read nothing until the relay is there."""
        self.transport.pauseProducing()
        self._dialling = False
        fields = tuple(self._answer_fields(b"sec-websocket-extensions"))
        agreed = deflate.judge_answer(fields, self._settings)
        if isinstance(agreed, str):
            self.transport.abortConnection()
            self.opened.errback(UpstreamFault(agreed))
            return
        self._perMessageCompress = (
            None if agreed is None else Deflate(agreed, self._settings, is_server=False)
        )
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
            why = "what it answered is no WebSocket handshake"
            self.opened.errback(UpstreamFault(f"{self._need.origin}: {why}"))

    def dataReceived(self, data: bytes) -> None:
        """Bound the answer's head, which autobahn would gather without end.

        What comes right behind it is no part of it.
        """
        if self._dialling and len(self.data or b"") + len(data) > self._head_limit:
            read: bytes = (self.data or b"") + data
            if b"\r\n\r\n" not in read[: max(self._head_limit, 0)]:
                self.failHandshake("the answer's head is too large")
                return
        super().dataReceived(data)

    def processHandshake(self) -> None:
        """Interim answers are passed over; fields that are not UTF-8 are no reason for a traceback."""
        while _INTERIM.match(self.data) and (end := self.data.find(b"\r\n\r\n")) >= 0:
            self._head_limit -= end + 4
            self.data = self.data[end + 4 :]
        try:
            super().processHandshake()
        except UnicodeDecodeError:
            self.failHandshake("the answer's head is not UTF-8")

    def failHandshake(self, reason: str) -> None:
        """End the dial without autobahn's own log line, which quotes the answer."""
        self.wasNotCleanReason = reason
        self._is_odd = True
        self.dropConnection(abort=True)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The transport is gone: TLS failures are known only here."""
        if self._dialling and not self._is_odd:  # else it was cut by us
            self.transport_reason = reason
        super().connectionLost(reason)


def compression(limits: Limits, window_bits: int) -> deflate.Settings:
    """What a leg agrees to, from what is configured."""
    return deflate.Settings(
        window_bits,
        limits.websocket_compression_memory_level,
        bool(limits.websocket_compression_takeover),
        limits.websocket_compression_from_bytes,
        limits.websocket_decompressed_bytes,
    )


def _taken(response: Any) -> Any:
    """Let autobahn take what it can read of permessage-deflate; ``onOpen`` judges it."""
    known = isinstance(response, PerMessageDeflateResponse)
    return PerMessageDeflateResponseAccept(response) if known else None


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
    leg = ClientLeg(need, limits)
    leg.factory = factory
    factory.buildProtocol = lambda addr: leg  # type: ignore[method-assign] # noqa: ARG005
    factory.setProtocolOptions(
        version=13, serverConnectionDropTimeout=0, perMessageCompressionAccept=_taken
    )
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
    settings = compression(limits, limits.websocket_compression_window_bits)
    agreed = deflate.accept_offer(client.head.fields, settings)
    if agreed is not None:
        fields["Sec-WebSocket-Extensions"] = [agreed.answer]
    factory = WebSocketServerFactory(None, server="", reactor=reactor)
    factory.noisy = False
    configure(factory, limits)
    factory.setProtocolOptions(
        versions=[13], allowNullOrigin=True, webStatus=False, requireMaskedClientFrames=True
    )
    compressed = None if agreed is None else Deflate(agreed, settings, is_server=True)
    leg = ServerLeg(ending.subprotocol, fields, limits, compressed)
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
