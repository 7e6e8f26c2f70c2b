"""Many small writes wait in a bounded number, and only as long as nobody takes them."""

from __future__ import annotations

from twisted.internet.abstract import FileDescriptor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import AccumulatingProtocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gateway.net.services.stream import StreamLeg
from gateway.net.writes import MOST, Writes
from tests.net.raw import until


class _Transport(FileDescriptor):
    """Writes nothing."""


class _Leg(Writes):
    def __init__(self, transport: object) -> None:
        self.transport = transport
        self.paused = 0

    def pauseProducing(self) -> None:
        self.paused += 1


class WritesTests(SynchronousTestCase):
    """By number."""

    def test_number(self) -> None:
        """At the bound the leg is told, and the transport that it did so; once while it waits."""
        transport = _Transport(Clock())
        leg = _Leg(transport)
        for _ in range(MOST - 1):
            leg.wrote()
        self.assertEqual((leg.paused, transport.producerPaused), (0, False))
        leg.wrote()
        self.assertEqual((leg.paused, transport.producerPaused), (1, True))
        for _ in range(3 * MOST):
            leg.wrote()
        self.assertEqual(leg.paused, 1)
        transport.producerPaused = False
        for _ in range(MOST):
            leg.wrote()
        self.assertEqual(leg.paused, 2)

    def test_others(self) -> None:
        """TLS says by itself when it is full."""
        leg = _Leg(object())
        for _ in range(2 * MOST):
            leg.wrote()
        self.assertEqual(leg.paused, 0)


class _Relay:
    def __init__(self) -> None:
        self.told: list[str] = []

    def congested(self, _: object) -> None:
        self.told.append("congested")

    def relieved(self, _: object) -> None:
        self.told.append("relieved")

    def closed(self, *_: object, **__: object) -> None:
        pass


class FloodTests(TestCase):
    """With a transport that is real."""

    async def test_messages_of_an_octet(self) -> None:
        """The other side is not read while many wait, and is read on when they are out."""
        from twisted.internet import reactor

        sink, relay, leg = AccumulatingProtocol(), _Relay(), StreamLeg(reactor, 1)
        factory = Factory.forProtocol(lambda: sink)
        factory.protocolConnectionMade = None
        sink.factory = factory
        port = reactor.listenTCP(0, sink.factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        await connectProtocol(endpoint, leg)
        leg.attach(relay)
        for _ in range(MOST):
            self.assertEqual(relay.told, [])
            leg.send(b"x", binary=True)
        self.assertEqual(relay.told, ["congested"])
        await until(lambda: len(sink.data) == MOST)
        self.assertEqual(relay.told, ["congested", "relieved"])
        leg.transport.abortConnection()
        await until(lambda: leg.is_lost and sink.closed)
