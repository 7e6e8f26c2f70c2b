"""WebSocket peers of autobahn's for both sides of a gateway under test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.compress_deflate import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponseAccept,
)
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from tests.net.harness import SHOP, WS, GatewayCase, host_of
from tests.net.raw import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.net.harness import Gateway

CHUNK = b"m" * 65536
OFFERING: dict[str, Any] = {
    "perMessageCompressionOffers": [PerMessageDeflateOffer()],
    "perMessageCompressionAccept": PerMessageDeflateResponseAccept,
}
"""Options of a client that compresses."""
ACCEPTING: dict[str, Any] = {
    "perMessageCompressionAccept": lambda offers: PerMessageDeflateOfferAccept(offers[0])
}
"""Options of an origin that does, if it is asked to."""


@implementer(IPushProducer)
class _Peer:
    """What both sides remember, and a way to send as much as the transport takes."""

    def prepare(self) -> None:
        self.messages: list[tuple[bytes, bool]] = []
        self.received = 0
        self.sent = 0
        self.pings = 0
        self.congested = False
        self.opened = False
        self.ended: tuple[bool, int | None, str | None] | None = None
        self.left = 0

    def onOpen(self) -> None:
        self.opened = True

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.received += len(payload)
        if len(payload) < len(CHUNK):
            self.messages.append((payload, isBinary))

    def onPing(self, payload: bytes) -> None:
        self.pings += 1
        super().onPing(payload)  # type: ignore[misc]

    def connectionLost(self, reason: Any = None) -> None:
        self.lost_by = reason.type
        super().connectionLost(reason)  # type: ignore[misc]

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.ended = (wasClean, code, reason)

    @property
    def code(self) -> int | None:
        """The close code; None as long as the peer is open."""
        return self.ended[1] if self.ended else None

    def flood(self, count: int) -> None:
        """Send ``count`` messages of 64 KiB at the transport's pace."""
        self.left = count
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        self.congested = True

    def stopProducing(self) -> None:
        self.left = 0

    def resumeProducing(self) -> None:
        self.congested = False
        while self.left and not self.congested and self.state == self.STATE_OPEN:
            self.left -= 1
            self.sent += len(CHUNK)
            self.sendMessage(CHUNK, isBinary=True)
        if not self.left and self.transport is not None:
            self.transport.unregisterProducer()

    def stop_reading(self) -> None:
        """Read nothing from now on."""
        self.transport.pauseProducing()

    def read_on(self) -> None:
        """Read again."""
        self.transport.resumeProducing()

    def close(self, code: int | None, reason: bytes | None = None) -> None:
        """Send a close frame with any code."""
        self.sendCloseFrame(code=code, reasonUtf8=reason, isReply=False)

    def drop(self) -> None:
        """Vanish."""
        self.transport.abortConnection()

    def leave(self) -> None:
        """Vanish when all that was sent is out."""
        self.transport.loseConnection()


class ServerPeer(_Peer, WebSocketServerProtocol):
    """An origin's side; ``factory.choose`` decides on the request."""

    def onConnect(self, request: Any) -> Any:
        self.prepare()
        self.request = request
        self.factory.peers.append(self)
        return self.factory.choose(request)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        if self.factory.echoes:
            self.sendMessage(payload, isBinary)


class ClientPeer(_Peer, WebSocketClientProtocol):
    """A browser's side."""

    answers_pings = True

    def __init__(self) -> None:
        super().__init__()
        self.prepare()

    def onPing(self, payload: bytes) -> None:
        if self.answers_pings:
            super().onPing(payload)
        else:
            self.pings += 1


def websocket_origin(
    choose: Callable[[Any], Any] = lambda _: None, *, echoes: bool = False, **options: Any
) -> Any:
    """A factory of origins' sides: ``peers`` are the ones that were asked."""
    from twisted.internet import reactor

    factory = WebSocketServerFactory(reactor=reactor)
    factory.protocol = ServerPeer
    factory.noisy = False
    factory.peers = []
    factory.choose = choose
    factory.echoes = echoes
    factory.setProtocolOptions(
        **{"closeHandshakeTimeout": 0, "echoCloseCodeReason": True, **options}
    )
    return factory


class SocketCase(GatewayCase):
    """Base of the tests that need WebSockets through a gateway."""

    def setUp(self) -> None:
        self.addCleanup(self._timers)

    async def _timers(self) -> None:
        """Autobahn's timers of a closing handshake outlive a peer that drops: wait for them."""
        from twisted.internet import reactor

        def none() -> bool:
            return not any("_BatchedTimer" in str(call) for call in reactor.getDelayedCalls())

        await until(none)

    async def dial(
        self,
        gateway: Gateway,
        target: str = "/",
        *,
        origin: str | None = f"https://{host_of(SHOP)}",
        to: str = WS,
        protocols: tuple[str, ...] = (),
        answers_pings: bool = True,
        echoes_codes: bool = True,
        options: dict[str, Any] | None = None,
    ) -> ClientPeer:
        """Open a client's side with a page's token, or let it fail; wait for either."""
        from twisted.internet import reactor

        url = f"wss://{host_of(to)}{gateway.with_token(target)}"
        factory = WebSocketClientFactory(
            url,
            origin=origin,
            protocols=list(protocols),
            headers={"Cookie": gateway.cookie.decode()},
            reactor=reactor,
        )
        factory.noisy = False
        factory.protocol = ClientPeer
        factory.setProtocolOptions(
            openHandshakeTimeout=10,
            closeHandshakeTimeout=0,
            echoCloseCodeReason=echoes_codes,
            **(options or {}),
        )
        peer = await self.client(gateway.port, factory=factory)
        peer.answers_pings = answers_pings
        await until(lambda: peer.opened or peer.ended)
        return peer

    async def pair(
        self,
        options: dict[str, Any] | None = None,
        client_options: dict[str, Any] | None = None,
        **limits: float,
    ) -> tuple[Gateway, ClientPeer, ServerPeer]:
        """A gateway and both sides of one open WebSocket through it."""
        limits = {"websocket_close_seconds": 2, **limits}
        upstream = websocket_origin(**(options or {}))
        gateway = await self.gateway({WS: upstream}, **limits)
        client = await self.dial(gateway, **(client_options or {}))
        assert client.opened, client.ended
        await until(lambda: upstream.peers[0].opened)
        return gateway, client, upstream.peers[0]
