"""twisted.web's requests, whose bodies are counted as they come, made into ``Client``."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.iweb import INonQueuedRequestFactory
from zope.interface import provider

from gateway.exchange.messages import RequestHead
from gateway.net import http2
from gateway.net.arriving import Arriving, whole
from gateway.net.client import Client
from gateway.websocket.handshake import is_upgrade


@provider(INonQueuedRequestFactory)
class GatewayRequest(http.Request):
    """A request that is refused as soon as it is too large, and else becomes a ``Client``.

    It does so when it is whole, or by its head where its body is taken while it comes.
    """

    channel: Any  # HTTP/1.1's channel or HTTP/2's stream
    body_size = 0
    _unspooled = 0
    _declared: int | None = None
    refused = False

    def __init__(self, channel: Any) -> None:
        """See ``twisted.web.http.Request``; form bodies are never parsed."""
        super().__init__(channel, parsePOSTFormSubmission=False)
        self.reactor = channel.site.reactor
        self._site = channel.site
        self._limit = channel.site.limits.request_body_bytes
        self._arriving: Arriving | None = None

    def parseCookies(self) -> None:
        """The Cookie header is for ``session.reading`` alone."""

    def gotLength(self, length: int | None) -> None:
        """Refuse a declared body that is too large before any of it is read."""
        if length is not None and length > self._limit:
            self.refused = True
            self.channel.refuse(413, "request-body-bytes")
            return
        if not self.channel.site.may_spool(length or 0):
            self.refused = True
            self.channel.refuse(503, "spool-bytes")
            return
        self._declared = length
        super().gotLength(length)

    def handleContentChunk(self, data: bytes) -> None:
        """Count a body of unknown length."""
        if self.refused:
            return
        self.body_size += len(data)
        self.channel.site.spooled += len(data)
        if self.body_size > self._limit or not self.channel.site.may_spool(0):
            self.refused = True
            too_large = self.body_size > self._limit
            limit = "request-body-bytes" if too_large else "spool-bytes"
            self.channel.refuse(413 if too_large else 503, limit)
        elif self._arriving is not None:
            self._arriving.add(data)
        else:
            super().handleContentChunk(data)

    def connectionLost(self, reason: Failure) -> None:
        """The body that was kept for the request is no longer, unless it is still read."""
        self._lose_body()
        super().connectionLost(reason)

    def _lose_body(self) -> None:
        if self._arriving is not None and self._arriving.lose(self.forget_body):
            self.content = None  # or twisted.web closes the file
        else:
            self.forget_body()

    def _cleanup(self) -> None:
        self.forget_body()
        super()._cleanup()

    def forget_body(self) -> None:
        """The body takes no room on the disk any more."""
        self._site.spooled -= self.body_size - self._unspooled
        self._unspooled = self.body_size

    def arriving(self) -> Arriving:
        """The body, whether it is whole or still comes."""
        if self._arriving is None:
            self._arriving = whole(self.content, self.body_size)
        return self._arriving

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is still to come."""
        return self._arriving is None or self._arriving.is_whole

    def headReceived(self, command: bytes, path: bytes | None, version: bytes) -> None:
        """The head is whole and a body follows: it is served from now on, if it is such a one."""
        if self.refused or self.content is None:
            return
        self._take(command, path, version)
        head = self._head()
        if self._site.early(head):
            self._arriving = Arriving(self.content, self._declared)
            self._serve(head)

    def break_off(self) -> None:
        """It was refused on the way: who serves it already can neither read on nor answer."""
        if self._arriving is not None:
            self._lose_body()
            waiting, self.notifications = self.notifications, []
            for one in waiting:
                one.errback(Failure(ConnectionAborted()))

    def requestReceived(self, command: bytes, path: bytes | None, version: bytes) -> None:
        """The request is whole: give it to the site, unless it was refused."""
        if self.refused or self.content is None:
            return
        if self._arriving is not None:
            self._arriving.end()
            return
        self.content.seek(0)
        self._take(command, path, version)
        self.process()

    def _take(self, command: bytes, path: bytes | None, version: bytes) -> None:
        # CONNECT has no path in HTTP/2.
        self.method, self.uri, self.clientproto = command, path or b"*", version
        self.path = self.uri.partition(b"?")[0]

    def process(self) -> None:
        """Turn the request into a value and start its coroutine."""
        self._serve(self._head())

    def _head(self) -> RequestHead:
        fields = tuple(
            (name, value)
            for name, values in self.requestHeaders.getAllRawHeaders()
            for value in values
        )
        hosts = self.requestHeaders.getRawHeaders(b"Host") or []
        if self.clientproto == http2.VERSION:
            fields = http2.with_one_cookie_field(fields)
            hosts = list(dict.fromkeys(hosts))  # :authority may be said again as a field
        return RequestHead(
            self.method,
            self.uri,
            self.clientproto,
            hosts[0].decode("latin-1") if len(hosts) == 1 else "",
            fields,
            client=getattr(self.client, "host", ""),
            has_body=self.body_size > 0 or self.requestHeaders.hasHeader(b"Content-Length"),
        )

    def _serve(self, head: RequestHead) -> None:
        client = Client(self, head)
        if is_upgrade(head.fields):
            # Else the channel would answer later requests on a connection that is ours; or that
            # a proxy took for one, and lets its client say what it likes on.
            self.channel.persistent = 0
            if self.clientproto != http2.VERSION:
                self.responseHeaders.addRawHeader(b"Connection", b"close")
        self.channel.site.serve(client, self.notifyFinish())
