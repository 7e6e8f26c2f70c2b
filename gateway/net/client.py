"""One request as the rest of the house sees it: its head as a value, how to answer it."""

from __future__ import annotations

import io
import re
from typing import IO, TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError
from twisted.web.client import FileBodyProducer

from gateway.errors import BodyTooLarge
from gateway.net import early

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.interfaces import IPushProducer
    from twisted.internet.protocol import Protocol

    from gateway.exchange.messages import RequestHead
    from gateway.net.arriving import Arriving
    from gateway.net.requests import GatewayRequest


_OF_CONNECTION = frozenset(
    (b"connection", b"upgrade", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"te")
)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_CONTROL = re.compile(rb"[\0\r\n]")
_PHRASE = re.compile(rb"[\t\x20-\x7e]{1,128}\Z")


def producer_of(body: bytes) -> FileBodyProducer:
    """The body of a request that the gateway itself makes."""
    return FileBodyProducer(io.BytesIO(body))


class SizedProducer(FileBodyProducer):
    """A body that is made while it is read, and whose size is known."""

    def __init__(self, source: Any, size: int) -> None:
        """``source`` has ``read`` and ``close``."""
        self._size = size
        super().__init__(source)

    def _determineLength(self, fObj: Any) -> int:
        del fObj
        return self._size


class Client:
    """One request as the shells see it."""

    def __init__(self, request: GatewayRequest, head: RequestHead) -> None:
        """Made by ``GatewayRequest`` when it has all that is needed to serve it."""
        self._request = request
        self.head = head
        self.is_gone = False
        self._on_gone: list[Callable[[], None]] = []
        self.status = 0
        self.upgraded = False
        self._handed_over: Any = None
        self.kind = "unknown"

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back once when the client disconnects before the answer's end."""
        self._on_gone.append(callback)

    def gone(self) -> None:
        """The connection was lost."""
        self.is_gone = True
        callbacks, self._on_gone = self._on_gone, []
        for callback in callbacks:
            callback()

    @property
    def _channel(self) -> Any:
        # twisted.web deletes the attribute when a request is done.
        return getattr(self._request, "channel", None)

    @property
    def bytes_sent(self) -> int:
        """How much of the body was given to the transport."""
        return int(self._request.sentLength)

    @property
    def bytes_received(self) -> int:
        """The size of the request's body."""
        return self._request.body_size

    def body(self) -> IO[bytes] | None:
        """The spooled body; None where there is none."""
        return self._request.content if self.head.has_body else None

    def body_producer(self) -> FileBodyProducer | None:
        """The body for an upstream request; None where there is none."""
        if not self.head.has_body or self._request.content is None:
            return None
        return FileBodyProducer(self._request.content)

    def arriving(self) -> Arriving:
        """The body, whether it is whole or still comes."""
        return self._request.arriving()

    async def until_whole(self) -> None:
        """Wait until a body that nobody wants has come: an answer follows a request's end.

        Raises ``CancelledError`` where none can follow: the client left, or was told what is
        wrong with the request.
        """
        if not self._request.is_whole:
            arriving = self._request.arriving()
            arriving.stop()
            await arriving.ended()
            if arriving.is_lost:
                raise CancelledError

    def read_body(self, limit: int, key: str = "endpoint-body-bytes") -> bytes:
        """The body itself; raises ``BodyTooLarge`` if it is larger than ``limit``."""
        content = self._request.content
        if self._request.body_size > limit:
            raise BodyTooLarge(f"[limits] {key} is less than what was sent")
        if content is None:
            return b""
        content.seek(0)
        return bytes(content.read())

    def start(self, status: int, reason: bytes, fields: tuple[tuple[bytes, bytes], ...]) -> None:
        """Send status line and fields; framing is decided here."""
        self.status = status
        if self.is_gone:
            return
        request = self._request
        # twisted.web writes a phrase as it is: a control in it would end the status line.
        sound = reason and _PHRASE.match(reason) is not None
        request.setResponseCode(status, reason if sound else None)
        for name, raw in fields:
            value = raw
            if name.lower() == b"connection" and self._channel is not None:
                self._channel.persistent = 0  # none but "close" is ever sent
            if self.head.version == b"HTTP/2":
                if (
                    name.lower() in _OF_CONNECTION
                    or not _NAME.match(name)
                    or _CONTROL.search(value)
                ):
                    continue  # which has none of these (RFC 9113 section 8.2)
                value = value.strip(b" \t")
            request.responseHeaders.addRawHeader(name, value)
        request.write(b"")

    def whole(self, status: int, fields: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        """Send a short answer of known length and end it: over HTTP/1.1 in one write."""
        self.status = status
        if self.is_gone:
            return
        head = self._head(status, fields) if self.head.version == b"HTTP/1.1" else b""
        if not head:
            self.start(status, b"", fields)
            self.write(body)
            self.finish()
            return
        request = self._request
        if self.head.method == b"HEAD":
            body = b""
        request.startedWriting = 1
        request.sentLength = len(body)
        self._channel.write(head + body)
        self.finish()

    def _head(self, status: int, fields: tuple[tuple[bytes, bytes], ...]) -> bytes:
        """The octets of a head; none where twisted.web has to look at them: they hold controls."""
        request, channel = self._request, self._channel
        if channel is None:
            return b""
        request.setResponseCode(status)
        lines = [b"HTTP/1.1 %d %s" % (request.code, request.code_message)]
        for name, values in request.responseHeaders.getAllRawHeaders():
            lines += [name + b": " + value for value in values]
        for name, value in fields:
            if name.lower() == b"connection":
                channel.persistent = 0  # none but "close" is ever sent
            lines.append(name + b": " + value)
        head = b"\r\n".join((*lines, b"", b""))
        ends = len(lines) + 1
        sound = head.count(b"\n") == ends and head.count(b"\r") == ends and b"\0" not in head
        return head if sound else b""

    def early(self, fields: tuple[tuple[bytes, bytes], ...]) -> bool:
        """Send a 103 before the answer, while there is none; whether that was done."""
        return (
            not self.is_gone
            and not self.status
            and early.send(self._channel, self.head.version, fields)
        )

    def write(self, data: bytes) -> None:
        """Send a part of the body."""
        if not self.is_gone and data:
            self._request.write(data)

    def finish(self) -> None:
        """End the body."""
        if not self._request.is_whole:
            self.abort()  # what is yet to come of the request would be read as another one
        elif not self.is_gone:
            self._request.finish()

    def break_off(self) -> None:
        """End the body when what was written is out, as one that is not whole.

        HTTP/2 has no way to say so that does not take away what was written: there it ends.
        """
        channel = self._channel
        if self.is_gone or channel is None:
            return
        if self.head.version == b"HTTP/2":
            self.finish()
        else:
            channel.loseConnection()

    def abort(self) -> None:
        """End the connection at once: what was sent is known not to be whole."""
        channel = self._channel
        if not self.is_gone and channel is not None:
            channel.forceAbortClient()

    def register_producer(self, producer: IPushProducer) -> None:
        """Let the client's pace pause and resume ``producer``."""
        self._request.registerProducer(producer, streaming=True)

    def unregister_producer(self) -> None:
        """The producer has ended."""
        if not self.is_gone and self._channel is not None:
            self._request.unregisterProducer()

    def take_transport(self, protocol: Protocol) -> bytes:
        """Hand the connection to ``protocol`` for good; what was read beyond the request.

        The caller says ``transport_lost`` when the connection has ended.
        """
        self.upgraded = True
        self._handed_over = self._request.channel
        self._request.forget_body()  # nobody else ends a request whose connection is gone
        rest: bytes = self._request.channel.hand_over(protocol)
        return rest

    def transport_lost(self) -> None:
        """The connection that was handed over has ended: it counts no more."""
        if self._handed_over is not None:
            self._handed_over.site.closed(self._handed_over)
