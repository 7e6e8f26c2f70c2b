"""Tests of services, and a case with what they need: backends on loopback, clients of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autobahn.twisted.websocket import WebSocketClientFactory
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol
from zope.interface import implementer

from tests.net.harness import DOMAIN, Gateway
from tests.net.peers import CHUNK, ClientPeer, SocketCase
from tests.net.raw import Message, until
from tests.websocket.test_handshake import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

APP = "https://app.example"
"""The origin of pages that the services of these tests are for."""


class Stream(Protocol):
    """A backend's side of a stream; ``factory.streams`` are all that were opened."""

    transport: Any
    factory: Any

    def connectionMade(self) -> None:
        self.received = b""
        self.chunks = 0
        self.ended = False
        self.factory.streams.append(self)
        if self.factory.greeting:
            self.transport.write(self.factory.greeting)

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self.chunks += 1
        if self.factory.answer is not None:
            self.factory.answer(self, data)

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = True


@implementer(IPushProducer)
class Pump:
    """Writes as much as a transport takes."""

    def __init__(self, transport: Any) -> None:
        self.sent = 0
        self.paused = False
        self._transport = transport
        self._over = False
        transport.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False
        while not self.paused and not self._over:
            self.sent += len(CHUNK)
            self._transport.write(CHUNK)

    def stopProducing(self) -> None:
        if not self._over:
            self._over = True
            self._transport.unregisterProducer()


def stream_backend(
    answer: Callable[[Stream, bytes], object] | None = None, greeting: bytes = b""
) -> Any:
    """A factory of backends' sides of streams."""
    factory: Any = Factory.forProtocol(Stream)
    factory.noisy = False
    factory.streams = []
    factory.answer = answer
    factory.greeting = greeting
    return factory


def say_again(stream: Stream, data: bytes) -> None:
    """A backend that echoes."""
    stream.transport.write(data)


class ServiceCase(SocketCase):
    """Base of the tests of services through a whole gateway."""

    async def with_service(self, backend: str, *lines: str, **limits: Any) -> Gateway:
        """A gateway with a service at ``/service`` for pages of ``APP``."""
        rules = service("main", "/service", backend, f'allow-origins = ["{APP}"]', *lines)
        return await self.gateway(rules=rules, **{"websocket_close_seconds": 2, **limits})

    async def open(
        self,
        gateway: Gateway,
        path: str = "/service",
        *,
        origin: str | None = APP,
        protocols: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
        host: str = DOMAIN,
    ) -> ClientPeer:
        """Open a client's side, or let it fail; wait for either."""
        from twisted.internet import reactor

        factory = WebSocketClientFactory(
            f"wss://{host}{path}",
            origin=origin,
            protocols=list(protocols),
            headers=headers or {},
            reactor=reactor,
        )
        factory.noisy = False
        factory.protocol = ClientPeer
        factory.setProtocolOptions(
            openHandshakeTimeout=10, closeHandshakeTimeout=0, echoCloseCodeReason=True
        )
        peer = await self.client(gateway.port, DOMAIN, factory=factory)
        await until(lambda: peer.opened or peer.ended)
        return peer

    @staticmethod
    def request(*fields: bytes, path: bytes = b"/service") -> bytes:
        """A handshake's octets."""
        lines = (
            b"GET " + path + b" HTTP/1.1",
            b"Host: " + DOMAIN.encode(),
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: " + KEY,
            b"Origin: " + APP.encode(),
            *fields,
        )
        return b"\r\n".join(lines) + b"\r\n\r\n"

    async def handshake(self, gateway: Gateway, *fields: bytes) -> Message:
        """What a handshake is answered with; the connection ends with that."""
        connection = await gateway.connect()
        connection.write(self.request(*fields))
        answer = await connection.response(bodyless=False)
        if not connection.ended:
            connection.transport.abortConnection()
            await connection.closed()
        return answer


def service(name: str, accept: str, connect: str, *lines: str) -> str:
    """The text of one ``[[service]]``."""
    head = (f'name = "{name}"', f'accept = "{accept}"', f'connect = "{connect}"')
    return "\n".join(("[[service]]", *head, *lines)) + "\n"
