"""The pipe of one body, its bounds and its two timers, on fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import PotentialDataLoss, ResponseDone, ResponseFailed

from gateway.errors import LocalFault, UpstreamFault, UpstreamTimeout, UpstreamTooLarge
from gateway.net.body import BodyPipe, ClientStalled
from gateway.net.settings import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 64 * 1024
AT_ONCE = 256 * 1024
BATCH = 1024 * 1024
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
    """Shouts, in pieces of no more than a megabyte; fails on what it is told to fail on."""

    weight, held = 1, 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        if data == b"bad":
            raise UpstreamFault("bad")
        if data == b"odd":
            raise RuntimeError("odd")
        if data.startswith(b"*"):
            for _ in range(int(data[1:])):
                yield b"*" * PIECE
        else:
            yield data.upper()

    def close(self) -> Iterator[bytes]:
        yield b"END"


class FakeThreads:
    """Threads that work when they are told to."""

    def __init__(self) -> None:
        self.work: list[tuple[Deferred[Any], Any, Any]] = []
        self.most = 0

    def run(self, work: Any, *arguments: Any) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        self.work.append((waiting, work, arguments))
        self.most = max(self.most, len(self.work))
        return waiting

    def step(self) -> None:
        """Do what was asked for first."""
        waiting, work, arguments = self.work.pop(0)
        try:
            result = work(*arguments)
        except Exception as error:
            waiting.errback(Failure(error))
        else:
            waiting.callback(result)


class PipeCase(SynchronousTestCase):
    """One pipe on fakes."""

    timeout = 20

    def setUp(self) -> None:
        self.clock, self.client, self.transport = Clock(), FakeClient(), FakeTransport()
        self.threads = FakeThreads()

    def make(self, pipeline: Any = None) -> BodyPipe:
        """A pipe whose body has not begun."""
        given: Any = (self.client, pipeline, LIMITS, self.clock, self.threads)
        return BodyPipe(*given)

    def pipe(self, pipeline: Any = None) -> BodyPipe:
        """A pipe at the beginning of a body."""
        pipe = self.make(pipeline)
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


class BodyPipeTests(PipeCase):
    """One body, from its first octet to its end."""

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
        pipe = self.make()
        waiting: Deferred[None] = pipe.done
        waiting.cancel()
        self.failureResultOf(waiting, ConnectionAborted)
        pipe.makeConnection(self.transport)  # type: ignore[arg-type]
        self.assertTrue(self.transport.closed)
        self.assertIsNone(self.client.producer)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ThreadTests(PipeCase):
    """A body that is edited for longer than a moment is edited in a thread."""

    def long(self) -> BodyPipe:
        """A pipe that has edited all that it may on the reactor's own thread."""
        pipe = self.pipe(FakePipeline())
        pipe.dataReceived(b"*4")
        self.assertEqual(self.threads.most, 1)
        while self.threads.work:
            self.threads.step()
        self.assertEqual(len(self.client.body), 4 * PIECE)
        self.client.body = b""
        return pipe

    def end(self, pipe: BodyPipe) -> None:
        """The origin's body ends well."""
        pipe.connectionLost(Failure(ResponseDone()))

    def test_small(self) -> None:
        """What is small never sees a thread."""
        pipe = self.pipe(FakePipeline())
        for _ in range(3):
            pipe.dataReceived(b"*1")
        self.end(pipe)
        self.check_ended(pipe, None)
        self.assertEqual((self.threads.most, len(self.client.body)), (0, 3 * PIECE + 3))

    def test_what_weighs_more(self) -> None:
        """A script without compiled loops, and what is only edited at its end, go to a thread."""
        for weight, held in ((1, 0), (10**9, 0), (1, 10**9)):
            self.setUp()
            pipeline = FakePipeline()
            pipeline.weight, pipeline.held = weight, held
            pipe = self.pipe(pipeline)
            pipe.dataReceived(b"abc")
            while self.threads.work:
                self.threads.step()
            self.end(pipe)
            while self.threads.work:
                self.threads.step()
            self.assertEqual(self.threads.most, int(weight > 1 or held > 0))

    def test_at_once(self) -> None:
        """No more than so much is made on the reactor's thread of one chunk or of many."""
        for chunks in ((b"*1000",), (b"*3", b"*1000"), (b"*1",) * 3 + (b"*1000",)):
            self.setUp()
            pipe = self.pipe(FakePipeline())
            for chunk in chunks:
                pipe.dataReceived(chunk)
            self.assertLessEqual(len(self.client.body), AT_ONCE + PIECE, chunks)
            self.assertEqual(len(self.threads.work), 1)
            while self.threads.work:
                self.threads.step()
            self.end(pipe)
            self.threads.step()
            self.check_ended(pipe, None)
            pieces = sum(int(chunk[1:]) for chunk in chunks)
            self.assertEqual(len(self.client.body), pieces * PIECE + 3)

    def test_much_in_and_nothing_out(self) -> None:
        """What was fed counts, too, not only what came out of it."""
        pipeline = FakePipeline()
        pipeline.feed = lambda data: iter(())  # type: ignore[method-assign]
        pipe = BodyPipe(*self._given(pipeline))
        pipe.makeConnection(self.transport)  # type: ignore[arg-type]
        for _ in range(40):
            pipe.dataReceived(b"x" * PIECE)
            while self.threads.work:
                self.threads.step()
        self.end(pipe)
        self.assertEqual(self.threads.most, 1)

    def _given(self, pipeline: Any) -> Any:
        limits = Limits(response_body_bytes=1 << 30)
        return self.client, pipeline, limits, self.clock, self.threads

    def test_order(self) -> None:
        """One chunk at a time, in the order in which they came, the end last."""
        pipe = self.long()
        for chunk in (b"a", b"b", b"", b"c"):
            pipe.dataReceived(chunk)
        self.end(pipe)
        for _ in range(20):
            self.assertLessEqual(len(self.threads.work), 1)
            self.assertNoResult(pipe.done)
            if self.threads.work:
                self.threads.step()
            if pipe.done.called:
                break
        self.check_ended(pipe, None)
        self.assertEqual((self.client.body, self.threads.most), (b"ABCEND", 1))

    def test_the_origin_waits(self) -> None:
        """While a thread works no more is read, and then again."""
        pipe = self.long()
        pipe.dataReceived(b"a")
        self.assertFalse(self.transport.reading)
        self.threads.step()
        self.assertTrue(self.transport.reading)

    def test_the_client_is_slow(self) -> None:
        """A client that does not keep up keeps the origin waiting when the thread is done."""
        pipe = self.long()
        pipe.dataReceived(b"a")
        pipe.pauseProducing()
        self.threads.step()
        self.assertEqual((self.client.body, self.transport.reading), (b"A", False))
        pipe.resumeProducing()
        self.assertTrue(self.transport.reading)

    def test_what_unpacks_to_much(self) -> None:
        """A chunk is made in batches: one waits for a client that does not keep up."""
        pipe = self.long()
        pipe.dataReceived(b"*1000")
        self.threads.step()
        made = len(self.client.body)
        self.assertLessEqual(made, BATCH + PIECE)
        self.assertEqual(len(self.threads.work), 1)
        pipe.pauseProducing()
        self.threads.step()
        self.assertLessEqual(len(self.client.body), made + BATCH + PIECE)
        self.assertEqual(self.threads.work, [])
        pipe.dataReceived(b"a")
        self.end(pipe)
        self.assertEqual(self.threads.work, [])
        pipe.resumeProducing()
        while self.threads.work:
            self.assertLessEqual(len(self.threads.work), 1)
            self.threads.step()
        self.check_ended(pipe, None)
        self.assertEqual(self.client.body, b"*" * 1000 * PIECE + b"AEND")

    def test_a_client_that_stalls_or_leaves_amid_much(self) -> None:
        """What is left of a chunk is made for nobody; the bound on stalling holds."""
        for seconds, error in ((0, ConnectionAborted), (121, ClientStalled)):
            self.setUp()
            pipe = self.long()
            pipe.dataReceived(b"*1000")
            pipe.pauseProducing()
            self.threads.step()
            self.assertEqual(self.threads.work, [])
            if seconds:
                self.clock.advance(seconds)
            else:
                pipe.stopProducing()
            self.check_ended(pipe, error)
            pipe.resumeProducing()
            self.assertEqual(self.threads.work, [])

    def test_the_client_pauses_while_it_is_written_to(self) -> None:
        """A transport that is full says so within the write, and may be ready within it, too."""
        for ready in (False, True):
            self.setUp()
            pipe = self.long()
            ordinary = self.client.write

            def write(data: bytes, *, ready: bool = ready, pipe: BodyPipe = pipe) -> None:
                ordinary(data)
                pipe.pauseProducing()
                if ready:
                    pipe.resumeProducing()

            self.client.write = write  # type: ignore[method-assign]
            pipe.dataReceived(b"*100")
            while not pipe.done.called:
                self.assertLessEqual(len(self.threads.work), 1)
                if self.threads.work:
                    self.threads.step()
                elif len(self.client.body) == 100 * PIECE:
                    self.end(pipe)
                    pipe.resumeProducing()
                else:
                    pipe.resumeProducing()
            self.check_ended(pipe, None)
            self.assertEqual(self.client.body, b"*" * 100 * PIECE + b"END")

    def test_the_client_reads_on_meanwhile(self) -> None:
        """While a thread works the origin goes on waiting, though the client would read."""
        pipe = self.long()
        pipe.pauseProducing()
        pipe.resumeProducing()
        pipe.dataReceived(b"a")
        pipe.pauseProducing()
        pipe.resumeProducing()
        self.assertFalse(self.transport.reading)
        self.threads.step()
        self.assertTrue(self.transport.reading)

    def test_a_slow_thread_is_no_idle_origin(self) -> None:
        """An origin that may not send is not blamed for its silence."""
        pipe = self.long()
        pipe.dataReceived(b"a")
        self.clock.advance(301)
        self.assertNoResult(pipe.done)
        self.threads.step()
        self.assertEqual(self.client.body, b"A")

    def test_the_client_leaves(self) -> None:
        """What a thread still makes is for nobody."""
        for leave in (lambda pipe: pipe.done.cancel(), lambda pipe: pipe.stopProducing()):
            self.setUp()
            pipe = self.long()
            pipe.dataReceived(b"a")
            pipe.dataReceived(b"b")
            leave(pipe)
            self.check_ended(pipe, ConnectionAborted)
            self.threads.step()
            self.assertEqual((self.client.body, self.threads.work), (b"", []))

    def test_the_origin_breaks_off(self) -> None:
        """Its failure counts at once; what a thread still makes does not look like the rest."""
        pipe = self.long()
        pipe.dataReceived(b"a")
        pipe.connectionLost(Failure(ResponseFailed([])))
        self.check_ended(pipe, UpstreamFault)
        self.threads.step()
        self.assertEqual(self.client.body, b"")

    def test_the_origin_breaks_off_after_its_end(self) -> None:
        """A connection that ends again changes nothing."""
        pipe = self.long()
        pipe.dataReceived(b"a")
        self.end(pipe)
        self.threads.step()
        self.threads.step()
        self.check_ended(pipe, None)
        self.assertEqual(self.client.body, b"AEND")

    def test_fails_in_a_thread(self) -> None:
        """A fault of the body and one of the gateway's own both end it."""
        for chunk, error in ((b"bad", UpstreamFault), (b"odd", LocalFault)):
            self.setUp()
            pipe = self.long()
            for one in (b"a", chunk, b"c"):
                pipe.dataReceived(one)
            self.threads.step()
            self.threads.step()
            self.check_ended(pipe, error)
            self.assertEqual((self.client.body, self.threads.work), (b"A", []))

    def test_fails_at_the_end(self) -> None:
        """A truncated body is found out in a thread as well."""
        pipe = self.long()
        pipe._pipeline.close = lambda: FakePipeline().feed(b"bad")  # type: ignore[union-attr,method-assign]
        self.end(pipe)
        self.threads.step()
        self.check_ended(pipe, UpstreamFault)

    def test_fails_after_the_client_left(self) -> None:
        """An error that nobody waits for is no error."""
        pipe = self.long()
        pipe.dataReceived(b"bad")
        pipe.stopProducing()
        self.failureResultOf(pipe.done, ConnectionAborted)
        self.threads.step()

    def test_too_large_meanwhile(self) -> None:
        """The bound holds while a thread works."""
        pipe = self.long()
        pipe.dataReceived(b"a")
        pipe.dataReceived(b"x" * 100)
        self.check_ended(pipe, UpstreamTooLarge)
        self.threads.step()
        self.assertEqual(self.client.body, b"")
