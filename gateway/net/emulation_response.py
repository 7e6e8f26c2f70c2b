"""A downstream response of an emulated WebSocket, as its leg writes it: streamed or at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

if TYPE_CHECKING:
    from gateway.net.client import Client
    from gateway.rewrite.headers import Fields
    from gateway.websocket.emulation.request import Wishes

_STREAM = (
    (b"Content-Type", b"application/octet-stream"),
    (b"X-Accel-Buffering", b"no"),
    (b"X-Content-Type-Options", b"nosniff"),
)


class Reader(Protocol):
    """Whose response it is."""

    def flush(self) -> None:
        """The client takes more."""
        ...

    def response_lost(self, response: Response) -> None:
        """The client's connection ended before the response did."""
        ...


@implementer(IPushProducer)
class Response:
    """A downstream response that is open; ``done`` fires with the status at its end."""

    def __init__(self, leg: Reader, client: Client, wishes: Wishes, fields: Fields) -> None:
        """Made when the request has come; ``fields`` go with those of every response."""
        self._leg = leg
        self.client = client
        self.is_poll = wishes.poll
        self._fields = (*_STREAM, *fields)
        self.is_writable = True
        self.has_begun = False
        self.done: Deferred[int] = Deferred()
        self.timers: list[Any] = []

    def begin(self) -> None:
        """A stream's fields go out at once; a long-poll has none before its frames."""
        client = self.client
        client.when_gone(self._gone)
        if self.is_poll:
            return
        self.has_begun = True
        client.start(200, b"", (*self._fields, (b"Connection", b"close")))
        client.register_producer(self)

    def write(self, data: bytes) -> None:
        """Frames; a long-poll's are all of them."""
        if self.is_poll:
            self.has_begun = True
            self.client.start(200, b"", (*self._fields, (b"Content-Length", b"%d" % len(data))))
        self.client.write(data)

    def finish(self) -> None:
        """The last frame was written."""
        self._stop()
        if not self.is_poll:
            self.client.unregister_producer()
        self.client.finish()
        self._tell(200)

    def cut(self, *, flushed: bool = False) -> None:
        """It ends without RECONNECT, the connection is lost; ``flushed``: what was written is not."""
        self._stop()
        if self.has_begun and not self.is_poll:
            self.client.unregister_producer()
        if self.has_begun:
            if flushed:
                self.client.break_off()
            else:
                self.client.abort()
            self._tell(0)
        else:
            self._tell(404)

    def _gone(self) -> None:
        self._stop()
        self._tell(0)
        self._leg.response_lost(self)

    def _stop(self) -> None:
        for timer in self.timers:
            if timer.active():
                timer.cancel()
        self.timers = []

    def _tell(self, status: int) -> None:
        if not self.done.called:
            self.done.callback(status)

    def pauseProducing(self) -> None:
        """The client does not keep up."""
        self.is_writable = False

    def resumeProducing(self) -> None:
        """It does again."""
        self.is_writable = True
        self._leg.flush()

    def stopProducing(self) -> None:
        """The connection is gone; ``when_gone`` says so, too."""
        self.is_writable = False
