"""A stream as a leg: each chunk that is read is a message, each message is written as it is.

The octets of both kinds of messages go out alike.  What comes is text where the service or
its subprotocol says so, cut between characters.  A stream that ends in good order ends the
WebSocket with 1001: there is no close code to pass on, and a client that comes again is right
to.  One that breaks is a connection that vanished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHandshakeListener, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from zope.interface import implementer

from gateway.net.writes import Writes
from gateway.websocket.closing import GOING_AWAY
from gateway.websocket.octets import Cutter

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from gateway.net.relay import Relay
    from gateway.websocket.closing import Ending


_EARLY = 64 * 1024
"""So many octets at least are read before anybody wants them."""


@implementer(IPushProducer)
class StreamLeg(Writes, Protocol):
    """The backend's side of a relay over a raw stream."""

    transport: Any

    def __init__(self, reactor: Any, close_seconds: float) -> None:
        """``close_seconds``: how long an orderly end may take."""
        self._reactor = reactor
        self._close_seconds = close_seconds
        self._relay: Relay | None = None
        self._cutter: Cutter | None = None
        self._early: list[bytes] = []
        self._early_size = 0
        self._clean: bool | None = None
        self._closing: Any = None
        self.opened: Deferred[None] = Deferred()
        self.when_lost: Callable[[], None] | None = None

    def sends_text(self) -> None:
        """From now on what comes is told as text."""
        self._cutter = Cutter()

    @property
    def is_lost(self) -> bool:
        """Whether the stream has ended."""
        return self._clean is not None

    # Twisted's side.

    def connectionMade(self) -> None:
        """Let small messages go at once: they are whole."""
        tell = getattr(self.transport, "setTcpNoDelay", None)
        if tell is not None:
            tell(True)  # noqa: FBT003 (Twisted's own)
            self.transport.setTcpKeepAlive(True)  # nobody pings a stream
        self._greet()

    def _greet(self) -> None:
        self.opened.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """A chunk came; before there is a relay some are kept, and then no more are read.

        A greeting must not keep the end of a stream that nobody uses from being seen.
        """
        if self._relay is None:
            self._early.append(data)
            self._early_size += len(data)
            if self._early_size > _EARLY:
                self.transport.pauseProducing()
        else:
            self._tell(data)

    def _tell(self, data: bytes) -> None:
        if self._relay is None:
            return
        if self._cutter is None:
            self._relay.received(self, data, binary=True)
            return
        message = self._cutter.cut(data)
        if message is not None:
            self._relay.received(self, message[0], binary=message[1])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The stream has ended: in good order, or not."""
        self._clean = reason.check(ConnectionDone) is not None
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        if not self.opened.called:
            self.opened.errback(reason)
        if self._relay is not None:
            self._over()
        if self.when_lost is not None:
            self.when_lost()

    def _over(self) -> None:
        if self._relay is None:
            return
        rest = self._cutter.rest() if self._cutter is not None else b""
        if rest:
            self._relay.received(self, rest, binary=True)
        code = GOING_AWAY if self._clean else None
        self._relay.closed(self, code, "", was_clean=bool(self._clean))

    # IPushProducer: the transport says how fast it can be written to.

    def pauseProducing(self) -> None:
        """The transport is full."""
        if self._relay is not None:
            self._relay.congested(self)

    def resumeProducing(self) -> None:
        """The transport can take more."""
        if self._relay is not None:
            self._relay.relieved(self)

    def stopProducing(self) -> None:
        """The transport is gone; ``connectionLost`` says so too."""

    # Leg: what the relay asks.

    def attach(self, relay: Relay) -> None:
        """Report to ``relay``; what came before it first."""
        self._relay = relay
        early, self._early = self._early, []
        for data in early:
            self._tell(data)
        if self.is_lost:
            self._over()
            return
        self.transport.registerProducer(self, streaming=True)
        self.transport.resumeProducing()

    def send(self, payload: bytes, *, binary: bool) -> None:
        """Write a message's octets."""
        del binary
        if not self.is_lost and self._closing is None:
            self.transport.write(payload)
            self.wrote()

    def begin(self, *, binary: bool) -> None:
        """A message comes in parts: they are octets as any others."""
        del binary

    def write(self, payload: bytes) -> None:
        """A part of it."""
        self.send(payload, binary=True)

    def finish(self) -> None:
        """It was whole."""

    def pause(self) -> None:
        """Read nothing until ``resume``."""
        if not self.is_lost:
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on."""
        if not self.is_lost:
            self.transport.resumeProducing()

    def end(self, ending: Ending) -> None:
        """Close when all is written, or drop; a backend that does not close in time is cut."""
        if self.is_lost:
            return
        if ending.drop:
            self.transport.abortConnection()
        elif self._closing is None:
            self._closing = self._reactor.callLater(
                self._close_seconds, self.transport.abortConnection
            )
            self.transport.unregisterProducer()
            self.transport.loseConnection()


@implementer(IHandshakeListener)
class SecureLeg(StreamLeg):
    """One over TLS: it is open when the backend's certificate has been verified."""

    def _greet(self) -> None:
        """Not yet."""

    def handshakeCompleted(self) -> None:
        """See ``IHandshakeListener``."""
        if not self.opened.called:
            self.opened.callback(None)
