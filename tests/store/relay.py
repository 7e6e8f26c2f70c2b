"""A port of loopback in front of a server, on which answers can get lost."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory
from twisted.protocols.portforward import ProxyClient, ProxyClientFactory, ProxyServer


class _Far(ProxyClient):
    def dataReceived(self, data: bytes) -> None:
        near = self.peer
        if near.doomed:
            near.relay.lost += 1
            near.transport.abortConnection()
            self.transport.abortConnection()
        else:
            super().dataReceived(data)


class _FarFactory(ProxyClientFactory):
    protocol = _Far


class _Near(ProxyServer):
    clientProtocolFactory = _FarFactory
    doomed = False

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    def connectionMade(self) -> None:
        self.relay.open.add(self)
        self.relay.connections += 1
        super().connectionMade()

    def connectionLost(self, reason: Any) -> None:
        self.relay.open.discard(self)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        if self.relay.armed and self.peer is not None:
            self.relay.armed, self.doomed = False, True
        super().dataReceived(data)


class Relay:
    """Hands everything on, but for the answer to the request after ``armed`` was set."""

    def __init__(self, case: Any, port: int) -> None:
        """Listen until the test is over."""
        from twisted.internet import reactor

        self.armed = False
        self.lost = self.connections = 0
        self.open: set[_Near] = set()
        factory = Factory()
        factory.noisy = _FarFactory.noisy = False
        factory.buildProtocol = lambda _: self._connection(factory)
        factory.host, factory.port = "127.0.0.1", port
        listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.port = listening.getHost().port
        case.addCleanup(self._drop)
        case.addCleanup(listening.stopListening)

    def _connection(self, factory: Factory) -> _Near:
        near = _Near(self)
        near.factory = factory
        return near

    async def _drop(self) -> None:
        from tests.ops import until

        for near in list(self.open):
            near.transport.abortConnection()
            if near.peer is not None:
                near.peer.transport.abortConnection()
        await until(lambda: not self.open)
