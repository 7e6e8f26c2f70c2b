"""The plainest WebSocket server and client: whatever comes is sent back.

``python -m tests.conformance.echo server PORT`` echoes until it is ended; ``... client PORT
HOST CA AGENT`` goes through the gateway at ``PORT`` to a fuzzing server behind it and plays the
client under test for each of its cases (``/getCaseCount``, ``/runCase``, ``/updateReports``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from twisted.internet import endpoints, ssl
from twisted.internet.defer import Deferred
from twisted.internet.task import react

OFFERS = [PerMessageDeflateOffer()]


def take_offer(offers: list[Any]) -> Any:
    """Deflate where it is offered."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)
    return None


def take_answer(answer: Any) -> Any:
    """Deflate where it was taken."""
    if isinstance(answer, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(answer)
    return None


class EchoServer(WebSocketServerProtocol):
    """Sends each message back."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.sendMessage(payload, isBinary)


class EchoClient(WebSocketClientProtocol):
    """Sends each message back and remembers the last one."""

    def __init__(self, echoes: bool) -> None:
        super().__init__()
        self.echoes = echoes
        self.over: Deferred[bytes] = Deferred()
        self.last = b""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.last = payload
        if self.echoes:
            self.sendMessage(payload, isBinary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.over.callback(self.last)


async def serve(reactor: Any, port: str) -> None:
    """Echo on a port of loopback."""
    factory = WebSocketServerFactory(reactor=reactor)
    factory.protocol = EchoServer
    factory.noisy = False
    factory.setProtocolOptions(tcpNoDelay=True, perMessageCompressionAccept=take_offer)
    await endpoints.TCP4ServerEndpoint(reactor, int(port), 1024, "127.0.0.1").listen(factory)
    await Deferred()


async def play(reactor: Any, port: str, host: str, authority: str, agent: str) -> None:
    """Be the client of each case, one after the other."""
    trust = ssl.Certificate.loadPEM(Path(authority).read_bytes())

    async def go(target: str, *, echoes: bool) -> bytes:
        factory = WebSocketClientFactory(f"wss://{host}{target}", reactor=reactor)
        factory.noisy = False
        factory.setProtocolOptions(
            tcpNoDelay=True,
            perMessageCompressionOffers=OFFERS,
            perMessageCompressionAccept=take_answer,
        )
        leg = EchoClient(echoes)
        leg.factory = factory
        factory.buildProtocol = lambda _: leg
        options = ssl.optionsForClientTLS(host.partition(":")[0], trust)
        plain = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))
        await endpoints.wrapClientTLS(options, plain).connect(factory)
        return await leg.over

    count = int(await go("/getCaseCount", echoes=False))
    for case in range(1, count + 1):
        await go(f"/runCase?case={case}&agent={agent}", echoes=True)
    await go(f"/updateReports?agent={agent}", echoes=False)


def main(mode: str, *given: str) -> None:
    """Be one of both."""
    action = {"server": serve, "client": play}[mode]
    react(lambda reactor: Deferred.fromCoroutine(action(reactor, *given)))


if __name__ == "__main__":
    main(*sys.argv[1:])
