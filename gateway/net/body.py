"""A response body's way from the origin to the client, at the client's pace.

Backpressure: the client's transport pauses the origin's.  Bounded: in octets, in idle
time of the origin, and in the time for which a client may refuse to read.  A body that
is edited for longer than a moment is edited in a thread, so that others do not wait.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.errors import (
    GatewayError,
    LocalFault,
    UpstreamFault,
    UpstreamTimeout,
    UpstreamTooLarge,
)
from gateway.net.drive import watch
from gateway.net.telemetry import where
from gateway.net.upstream import ended_well

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.net.client import Client
    from gateway.net.edits import Kept
    from gateway.net.settings import Limits
    from gateway.net.threads import Threads
    from gateway.rewrite.pipeline import Pipeline


_AT_ONCE = 256 * 1024
"""How much edited text of one body may be made on the reactor's own thread."""
_BATCH = 1024 * 1024
"""How much a thread makes before the client's pace counts again: a chunk may unpack to gigabytes."""


class ClientStalled(GatewayError):
    """The client read nothing for as long as it may."""


def _some(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """As many pieces as a thread makes at once, and whether there may be more."""
    out: list[bytes] = []
    size = 0
    for piece in pieces:
        out.append(piece)
        size += len(piece)
        if size >= _BATCH:
            return b"".join(out), True
    return b"".join(out), False


@implementer(IPushProducer)
class BodyPipe(Protocol):
    """Pipes one body; ``done`` fires at its end, or fails with why it is not whole."""

    def __init__(
        self,
        client: Client,
        pipeline: Pipeline | Kept | None,
        limits: Limits,
        reactor: Any,
        threads: Threads,
    ) -> None:
        """``pipeline`` None: the octets pass as they are; ``threads`` edit what is large."""
        self._threads = threads
        self.transport: Any = None
        self.done: Deferred[None] = Deferred(lambda _: self._fail(ConnectionAborted()))
        self._client = client
        self._pipeline = pipeline
        self._limits = limits
        self._reactor = reactor
        self._received = 0
        self._timer: Any = None
        self._finished = False
        self._paused = False
        self._left = _AT_ONCE
        # Chunks that came while a thread was at work; None: the body has ended.
        self._waiting: deque[bytes | None] = deque()
        self._busy = False
        # What a thread is to go on with once the client has read, and whether it is the last.
        self._rest: tuple[Iterator[bytes], bool] | None = None

    def connectionMade(self) -> None:
        """The body begins: the client's pace is the origin's from here on."""
        if self._finished:
            self._drop()
            return
        self._client.register_producer(self)
        self._watch_origin()

    def dataReceived(self, data: bytes) -> None:
        """A chunk of the origin's."""
        if self._finished:
            return
        self._received += len(data)
        if self._received > self._limits.response_body_bytes:
            self._fail(UpstreamTooLarge("[limits] response-body-bytes was reached"))
            return
        if self._timer is not None and self._timer.active() and not self._paused:
            self._timer.reset(self._limits.upstream_idle_seconds)
        if self._pipeline is None:
            self._client.write(data)
        else:
            self._edit(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body ended, well or not."""
        if self._finished:
            return
        if not ended_well(reason):
            self._fail(UpstreamFault(f"the body broke off: {type(reason.value).__name__}"))
        elif self._pipeline is not None:
            self._edit(None)
        else:
            self._finish()

    def _finish(self) -> None:
        self._end()
        self.done.callback(None)

    # --- editing --------------------------------------------------------------------

    def _edit(self, data: bytes | None) -> None:
        """Edit a chunk (None: the end) after those that came before it."""
        self._waiting.append(data)
        while self._waiting and not self._busy and not self._finished:
            self._edit_next()

    def _edit_next(self) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return
        data = self._waiting.popleft()
        pieces = pipeline.close() if data is None else pipeline.feed(data)
        self._left -= pipeline.held if data is None else len(data) * pipeline.weight
        try:
            while self._left > 0:
                piece = next(pieces, None)
                if piece is None:
                    break
                self._left -= len(piece)
                self._client.write(piece)
            else:
                self._edit_in_thread(pieces, last=data is None)
                return
        except Exception:  # noqa: BLE001 (whatever went wrong, the client must hear of it)
            self._edit_failed(Failure())
            return
        if data is None:
            self._finish()

    def _edit_in_thread(self, pieces: Iterator[bytes], *, last: bool) -> None:
        self._busy = True
        if not self._paused:
            self._stop_watching()  # the origin is silent because it may not speak
        if self.transport is not None and not last:
            self.transport.pauseProducing()
        self._work(pieces, last=last)

    def _work(self, pieces: Iterator[bytes], *, last: bool) -> None:
        working = self._threads.run(_some, pieces)
        watch(working.addCallbacks(self._edited, self._edit_failed, callbackArgs=((pieces, last),)))

    def _edited(self, made: tuple[bytes, bool], work: tuple[Iterator[bytes], bool]) -> None:
        out, goes_on = made
        if self._finished:
            self._busy = False
            return
        if goes_on:
            self._rest = work  # before it is written: the client may pause and resume meanwhile
            self._client.write(out)
            if not self._paused:
                self._go_on()
            return
        self._busy = False
        self._client.write(out)
        if work[1]:
            self._finish()
            return
        if self.transport is not None and not self._paused:
            self._watch_origin()
            self.transport.resumeProducing()
        while self._waiting and not self._busy and not self._finished:
            self._edit_next()

    def _go_on(self) -> None:
        """Make more of a chunk that came to much, if there is more of one."""
        rest, self._rest = self._rest, None
        if rest is not None and not self._finished:
            self._work(rest[0], last=rest[1])

    def _edit_failed(self, failure: Failure) -> None:
        self._busy = False
        error = failure.value
        self._fail(error if isinstance(error, GatewayError) else LocalFault(where(failure)))

    def pauseProducing(self) -> None:
        """The client does not keep up: stop reading, and do not wait for ever."""
        if self.transport is not None and not self._finished:
            self._paused = True
            self.transport.pauseProducing()
            self._watch(self._limits.client_stall_seconds, self._client_stalled)

    def resumeProducing(self) -> None:
        """The client has read."""
        if self.transport is not None and not self._finished:
            self._paused = False
            if self._busy:
                self._stop_watching()  # the thread resumes it when it has done
                self._go_on()
            else:
                self._watch_origin()
                self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._fail(ConnectionAborted())

    def _watch_origin(self) -> None:
        self._watch(self._limits.upstream_idle_seconds, self._origin_idle)

    def _stop_watching(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _watch(self, seconds: float, callback: Any) -> None:
        self._stop_watching()
        self._timer = self._reactor.callLater(seconds, callback)

    def _origin_idle(self) -> None:
        self._timer = None
        self._fail(UpstreamTimeout("[limits] upstream-idle-seconds was reached"))

    def _client_stalled(self) -> None:
        self._timer = None
        self._fail(ClientStalled("[limits] client-stall-seconds was reached"))

    def _end(self) -> None:
        self._finished = True
        self._stop_watching()
        self._client.unregister_producer()

    def _fail(self, error: BaseException) -> None:
        if self._finished:
            return
        self._end()
        self._drop()
        if not self.done.called:
            self.done.errback(Failure(error))

    def _drop(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
