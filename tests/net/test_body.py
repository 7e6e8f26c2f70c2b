"""The pipe of one body, its bounds and its two timers, on fakes."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import PotentialDataLoss, ResponseDone, ResponseFailed

from gateway.errors import UpstreamFault, UpstreamTimeout, UpstreamTooLarge
from gateway.net.body import BodyPipe, ClientStalled
from gateway.net.settings import Limits

LIMITS = Limits(response_body_bytes=100, upstream_idle_seconds=300, client_stall_seconds=120)


class FakeClient:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.body = b""
        self.producer: Any = None
        self.unregistered = 0

    def write(self, data: bytes) -> None:
        self.body += data

    def register_producer(self, producer: Any) -> None:
        self.producer = producer

    def unregister_producer(self) -> None:
        self.producer = None
        self.unregistered += 1


class FakeTransport:
    """Remembers whether it is read, and whether it was closed."""

    reading = True
    closed = False

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def loseConnection(self) -> None:
        self.closed = True

    abortConnection = stopProducing = loseConnection


class FakePipeline:
    """Shouts; fails on what it is told to fail on."""

    def feed(self, data: bytes) -> bytes:
        if data == b"bad":
            raise UpstreamFault("bad")
        return data.upper()

    def close(self) -> bytes:
        return b"END"


class BodyPipeTests(SynchronousTestCase):
    """One body, from its first octet to its end."""

    timeout = 20

    def setUp(self) -> None:
        self.clock, self.client, self.transport = Clock(), FakeClient(), FakeTransport()

    def pipe(self, pipeline: Any = None) -> BodyPipe:
        """A pipe at the beginning of a body."""
        pipe = BodyPipe(self.client, pipeline, LIMITS, self.clock)  # type: ignore[arg-type]
        pipe.makeConnection(self.transport)  # type: ignore[arg-type]
        return pipe

    def check_ended(self, pipe: BodyPipe, error: type[BaseException] | None) -> None:
        """The end left nothing behind; a failure closed the origin's connection."""
        if error is None:
            self.assertIsNone(self.successResultOf(pipe.done))
        else:
            self.failureResultOf(pipe.done, error)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual((self.client.producer, self.client.unregistered), (None, 1))
        self.assertEqual(self.transport.closed, error is not None)

    def test_whole(self) -> None:
        """Octets pass in their order; both good endings end it."""
        for ending in (ResponseDone(), PotentialDataLoss()):
            self.setUp()
            pipe = self.pipe()
            for data in (b"a", b"", b"bc"):
                pipe.dataReceived(data)
            self.assertIs(self.client.producer, pipe)
            self.assertNoResult(pipe.done)
            pipe.connectionLost(Failure(ending))
            self.check_ended(pipe, None)
            self.assertEqual(self.client.body, b"abc")

    def test_broken_off(self) -> None:
        """Any other end is the upstream's fault."""
        for ending in (ResponseFailed([]), ConnectionLost()):
            self.setUp()
            pipe = self.pipe()
            pipe.connectionLost(Failure(ending))
            self.check_ended(pipe, UpstreamFault)

    def test_pipeline(self) -> None:
        """What the pipeline gives is sent, its rest at the end."""
        pipe = self.pipe(FakePipeline())
        pipe.dataReceived(b"ab")
        pipe.connectionLost(Failure(ResponseDone()))
        self.check_ended(pipe, None)
        self.assertEqual(self.client.body, b"ABEND")

    def test_pipeline_fails(self) -> None:
        """A body that does not decode ends it; nothing of later chunks is sent."""
        pipe = self.pipe(FakePipeline())
        for data in (b"a", b"bad", b"more"):
            pipe.dataReceived(data)
        self.check_ended(pipe, UpstreamFault)
        self.assertEqual(self.client.body, b"A")

    def test_pipeline_fails_at_the_end(self) -> None:
        """So does one whose end is missing."""
        pipeline = FakePipeline()
        pipeline.close = lambda: pipeline.feed(b"bad")  # type: ignore[method-assign]
        pipe = self.pipe(pipeline)
        pipe.connectionLost(Failure(ResponseDone()))
        self.check_ended(pipe, UpstreamFault)

    def test_too_large(self) -> None:
        """The bound may be reached, not passed; it counts what came from the origin."""
        pipe = self.pipe()
        pipe.dataReceived(b"x" * 100)
        self.assertNoResult(pipe.done)
        pipe.dataReceived(b"y")
        self.check_ended(pipe, UpstreamTooLarge)
        self.assertEqual(self.client.body, b"x" * 100)

    def test_idle_origin(self) -> None:
        """An origin may be silent for a time; each octet starts it anew."""
        pipe = self.pipe()
        self.clock.advance(299)
        pipe.dataReceived(b"a")
        self.clock.advance(299)
        self.assertNoResult(pipe.done)
        self.clock.advance(1)
        self.check_ended(pipe, UpstreamTimeout)

    def test_pace(self) -> None:
        """The client's pace is the origin's."""
        pipe = self.pipe()
        pipe.pauseProducing()
        self.assertFalse(self.transport.reading)
        pipe.resumeProducing()
        self.assertTrue(self.transport.reading)

    def test_stalled_client(self) -> None:
        """A client may refuse to read for a time; then it is over, whatever the origin does."""
        pipe = self.pipe()
        pipe.pauseProducing()
        self.clock.advance(119)
        self.assertNoResult(pipe.done)
        self.clock.advance(1)
        self.check_ended(pipe, ClientStalled)

    def test_late_octets(self) -> None:
        """Octets that were under way when the client stalled do not give it more time."""
        pipe = self.pipe()
        pipe.pauseProducing()
        pipe.dataReceived(b"was under way")
        self.clock.advance(121)
        self.check_ended(pipe, ClientStalled)

    def test_client_reads_on(self) -> None:
        """A client that reads on has all its time again, and the origin its own."""
        pipe = self.pipe()
        for _ in range(3):
            pipe.pauseProducing()
            self.clock.advance(119)
            pipe.resumeProducing()
            self.clock.advance(119)
        self.assertNoResult(pipe.done)
        self.clock.advance(181)
        self.check_ended(pipe, UpstreamTimeout)

    def test_client_leaves(self) -> None:
        """Cancelling, or the transport's word, closes the origin's connection."""
        for leave in (lambda pipe: pipe.done.cancel(), lambda pipe: pipe.stopProducing()):
            self.setUp()
            pipe = self.pipe()
            leave(pipe)
            self.check_ended(pipe, ConnectionAborted)

    def test_nothing_after_the_end(self) -> None:
        """Whatever comes after the end changes nothing."""
        pipe = self.pipe()
        pipe.dataReceived(b"a")
        pipe.stopProducing()
        pipe.dataReceived(b"b")
        pipe.pauseProducing()
        pipe.resumeProducing()
        pipe.stopProducing()
        pipe.connectionLost(Failure(ResponseDone()))
        self.check_ended(pipe, ConnectionAborted)
        self.assertEqual(self.client.body, b"a")

    def test_cancelled_before_the_body(self) -> None:
        """A body that begins after the end is dropped."""
        pipe = BodyPipe(self.client, None, LIMITS, self.clock)  # type: ignore[arg-type]
        waiting: Deferred[None] = pipe.done
        waiting.cancel()
        self.failureResultOf(waiting, ConnectionAborted)
        pipe.makeConnection(self.transport)  # type: ignore[arg-type]
        self.assertTrue(self.transport.closed)
        self.assertIsNone(self.client.producer)
        self.assertEqual(self.clock.getDelayedCalls(), [])
