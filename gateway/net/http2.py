"""HTTP/2 in (RFC 9113): Twisted's connection and streams with the listener's bounds.

Every stream becomes a ``GatewayRequest`` like any HTTP/1.1 request, so nothing behind
the listener knows the difference.  There is no WebSocket over it (RFC 8441): browsers
open an HTTP/1.1 connection for that.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from h2.config import H2Configuration
from h2.connection import H2Connection as StateMachine
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from priority import DuplicateStreamError
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web._http2 import H2Connection, H2Stream
from twisted.web.http_headers import InvalidHeaderName

from gateway.rewrite.headers import own_fields

if TYPE_CHECKING:
    from gateway.net.site import Channel, Site
    from gateway.rewrite.headers import Fields

PROTOCOL = b"h2"
"""Its name in ALPN."""

VERSION = b"HTTP/2"
"""What a request's version is then."""

_QUEUED = 256 * 1024
"""How much of one response may wait here for a slow client, whatever its window says."""
_GRACE = 0.5
"""Seconds between a refusal and the end of the upload that it refuses."""
_UPLOAD_WINDOW = 1024 * 1024


def with_one_cookie_field(fields: Fields) -> Fields:
    """Join a Cookie header that was sent in crumbs (RFC 9113 section 8.2.3)."""
    crumbs = [value for name, value in fields if name.lower() == b"cookie"]
    if len(crumbs) < 2:
        return fields
    rest = tuple((name, value) for name, value in fields if name.lower() != b"cookie")
    return (*rest, (b"Cookie", b"; ".join(crumbs)))


class _StateMachine(StateMachine):
    """h2's, which answers what still comes on a stream that was reset with one more reset.

    That one would undo the first, which said that the response is whole
    (RFC 9113 section 8.1).
    """

    def __init__(self) -> None:
        super().__init__(H2Configuration(client_side=False, header_encoding=None))
        self.refused: deque[int] = deque(maxlen=100)

    def _handle_data_on_closed_stream(self, events: Any, exc: Any, frame: Any) -> Any:
        frames, events = super()._handle_data_on_closed_stream(events, exc, frame)
        if frame.stream_id in self.refused:
            frames = [one for one in frames if one.stream_id != frame.stream_id]
        return frames, events


class Stream(H2Stream):
    """One request's stream: what ``GatewayRequest`` and ``Client`` know as its channel."""

    persistent = 1
    is_registered = False
    is_complete = False
    refusal: tuple[int, str] | None = None
    _deadline: Any = None
    _stall: Any = None
    _queued = 0

    @property
    def peer_host(self) -> str:
        """The client's address."""
        host: str = self._conn.peer_host
        return host

    def watch_body(self) -> None:
        """Give the body its own time."""
        seconds = self.site.limits.request_body_seconds
        self._deadline = self.site.reactor.callLater(
            seconds, self.refuse, 408, "request-body-seconds"
        )

    def begin(self) -> None:
        """The head is whole, and a body follows."""
        self._request.headReceived(self.command, self.path, VERSION)

    def end_later(self, seconds: float) -> None:
        """End an upload that nobody wants, a moment after its refusal."""
        self._deadline = self.site.reactor.callLater(
            seconds, self._conn.abort_stream, self.streamID, ErrorCodes.NO_ERROR
        )

    def stop_watching(self) -> None:
        """The body is there, or nobody waits for it any more."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _send100Continue(self) -> None:
        if self.refusal is None:
            super()._send100Continue()

    def watch_queue(self) -> None:
        """A client that takes nothing of what waits for it is not waited for without end."""
        queued = sum(
            len(one) if isinstance(one, bytes) else 1
            for one in self._conn._outboundStreamQueues[self.streamID]
        )
        if self._stall is not None and (not queued or queued < self._queued):
            self._stall.cancel()
            self._stall = None
        if queued and self._stall is None:
            seconds = self.site.limits.client_stall_seconds
            self._stall = self.site.reactor.callLater(seconds, self._stalled)
        self._queued = queued

    def stop_stalling(self) -> None:
        """Nothing waits any more."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _stalled(self) -> None:
        self._stall = None
        self.forceAbortClient()

    def write(self, data: bytes) -> None:
        """A part of the response."""
        super().write(data)
        self.watch_queue()

    def requestComplete(self) -> None:
        """The request is whole."""
        self.stop_watching()
        super().requestComplete()

    def connectionLost(self, reason: Failure) -> None:
        """The stream or its connection is gone."""
        self.stop_watching()
        self.stop_stalling()
        super().connectionLost(reason)

    def refuse(self, status: int, limit: str) -> None:
        """Answer before the request is whole; ``limit`` is its key."""
        if self.refusal is None:
            self.refusal = status, limit
            self._request.refused = True
            self._request.break_off()
            if self.is_registered:
                self._conn.refuse_stream(self)

    def forceAbortClient(self) -> None:
        """Reset the stream: what was sent is known not to be whole."""
        self._conn.abort_stream(self.streamID)

    def abortConnection(self) -> None:
        """The same, as Twisted calls it."""
        self.forceAbortClient()


class Http2Channel(H2Connection):
    """One client's HTTP/2 connection, within the same bounds as an HTTP/1.1 one."""

    site: Any
    factory: Any
    transport: Any

    def __init__(self, site: Site, peer_host: str) -> None:
        """``site`` keeps count of it."""
        super().__init__(site.reactor)
        self.machine = _StateMachine()
        self.conn = self.machine
        self.site = site
        self.factory = site
        self.peer_host = peer_host
        self.callLater = site.reactor.callLater  # type: ignore[method-assign]
        self.timeOut = site.limits.keep_alive_seconds
        self._lost = False
        self._closing = False
        self._receiving = False
        self.conn.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: site.limits.http2_streams,
                SettingCodes.MAX_HEADER_LIST_SIZE: site.limits.header_bytes,
                SettingCodes.INITIAL_WINDOW_SIZE: _UPLOAD_WINDOW,
                SettingCodes.ENABLE_PUSH: 0,
            },
        )
        self.conn.decoder.max_header_list_size = site.limits.header_bytes

    def connectionMade(self) -> None:
        """Say hello, and take part in the transport's backpressure."""
        super().connectionMade()
        self.conn.increment_flow_control_window(_UPLOAD_WINDOW)
        self.transport.write(self.conn.data_to_send())
        self.transport.registerProducer(self, True)  # noqa: FBT003 (a push producer)

    def connectionLost(
        self,
        reason: Failure = connectionDone,
        _cancelTimeouts: bool = True,  # noqa: FBT001, FBT002 (Twisted's signature)
    ) -> None:
        """Tell every stream, and the site once."""
        super().connectionLost(reason, _cancelTimeouts)
        if not _cancelTimeouts:
            self._lose()  # the peer said goodbye: the transport is still there
        elif not self._lost:
            self._lost = True
            self.site.closed(self)

    def timeoutConnection(self) -> None:
        """Nothing came for a while: close, unless a response is on its way."""
        if self.streams:
            self.setTimeout(self.timeOut)
        else:
            self.close_if_idle()

    # --- requests ---------------------------------------------------------------------

    def _requestReceived(self, event: Any) -> None:
        stream_id = event.stream_id
        if self.site.is_draining:
            self.conn.reset_stream(stream_id, ErrorCodes.REFUSED_STREAM)
            return
        # As Twisted does it, but for the class of the stream.
        site = self.site
        try:
            stream = Stream(stream_id, self, event.headers, site.http2_request, site, site)
        except (InvalidHeaderName, ValueError):
            site.refused(400, "", self.peer_host)
            self.conn.reset_stream(stream_id, ErrorCodes.PROTOCOL_ERROR)
            return
        self.streams[stream_id] = stream
        self._streamCleanupCallbacks[stream_id] = Deferred()
        self._outboundStreamQueues[stream_id] = deque()
        try:
            self.priority.insert_stream(stream_id)
        except DuplicateStreamError:
            pass  # a PRIORITY frame came first
        else:
            self.priority.block(stream_id)
        stream.is_registered = True
        stream.is_complete = event.stream_ended is not None
        if len(event.headers) > self.site.limits.header_count + 4:
            stream.refuse(431, "header-count")
        elif stream.command == b"CONNECT":
            stream.refuse(405, "")
        elif stream.refusal is not None:
            self.refuse_stream(stream)
        elif event.stream_ended is None:
            stream.watch_body()
            stream.begin()

    def refuse_stream(self, stream: Stream) -> None:
        """Answer a stream whose request is not wanted, and let nothing more of it come."""
        status, limit = stream.refusal or (400, "")
        self.site.refused(status, limit, self.peer_host)
        if self._is_closed(stream.streamID):
            return
        fields = [(b":status", b"%d" % status), (b"content-length", b"0"), *_own_fields()]
        self.conn.send_headers(stream.streamID, fields, end_stream=True)
        self.machine.refused.append(stream.streamID)
        if stream.streamID in self.machine.streams:
            # However much of its body still comes is all the same now.
            self.machine.streams[stream.streamID]._expected_content_length = None
        self._tryToWriteControlData()
        stream.stop_watching()
        if stream.is_complete:
            self.abort_stream(stream.streamID, ErrorCodes.NO_ERROR)
        else:
            # Some clients forget a response whose stream is reset in the same breath.
            stream.end_later(_GRACE)

    def abort_stream(self, stream_id: int, code: ErrorCodes = ErrorCodes.INTERNAL_ERROR) -> None:
        """Reset a stream and forget it."""
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        with contextlib.suppress(ProtocolError):  # it may be closed on both sides already
            self.conn.reset_stream(stream_id, code)
        if self._tryToWriteControlData():
            stream.connectionLost(Failure(ConnectionLost("stream reset")))
            self._requestDone(stream_id)

    def _requestDone(self, streamID: int) -> None:
        if streamID in self.streams:
            self.streams[streamID].stop_stalling()
            super()._requestDone(streamID)
        if self.site.is_draining and not self._lost:
            self.close_if_idle()

    def _requestDataReceived(self, event: Any) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None and stream.refusal is not None:
            self.openStreamWindow(event.stream_id, event.flow_controlled_length)
        elif stream is not None:
            super()._requestDataReceived(event)

    def _requestEnded(self, event: Any) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None and stream.refusal is not None:
            # No reset can follow on a stream that both sides have ended, and some clients
            # sleep until they hear something.
            self.conn.ping(b"refused.")
            self.abort_stream(event.stream_id, ErrorCodes.NO_ERROR)
        elif stream is not None:
            super()._requestEnded(event)

    def _requestAborted(self, event: Any) -> None:
        if event.stream_id in self.streams:
            super()._requestAborted(event)

    def _handlePriorityUpdate(self, event: Any) -> None:
        # Nobody has to follow one (RFC 9113 section 5.3.2).  Streams that are not here (any more)
        # would be kept in the tree for ever, until it takes no new ones; and it keeps some that
        # have ended where one comes below its own dependents.
        parent = event.depends_on or 0
        if event.stream_id in self.streams and (not parent or parent in self.streams):
            tree = self.priority._streams
            above = tree[parent]
            while above.stream_id not in {0, event.stream_id}:
                above = above.parent
            if not above.stream_id:
                super()._handlePriorityUpdate(event)

    # --- what is sent -----------------------------------------------------------------

    def _is_closed(self, stream_id: int) -> bool:
        """Whether h2 has seen a stream's end, which the stream may not have been told yet.

        It takes in all frames that came together before the first of them is acted upon.
        """
        stream = self.machine.streams.get(stream_id)
        return stream is None or stream.closed

    def writeHeaders(
        self, version: bytes, code: bytes, reason: bytes, headers: Any, streamID: int
    ) -> None:
        """The head of an answer, which nobody takes of a stream that was reset."""
        if not self._is_closed(streamID):
            super().writeHeaders(version, code, reason, headers, streamID)

    def writeDataToStream(self, streamID: int, data: bytes) -> None:
        """A part of one, likewise."""
        if not self._is_closed(streamID):
            super().writeDataToStream(streamID, data)

    def _send100Continue(self, streamID: int) -> None:
        if not self._is_closed(streamID):
            super()._send100Continue(streamID)

    # --- backpressure -----------------------------------------------------------------

    def remainingOutboundWindow(self, streamID: int) -> int:
        """How much more of a response is wanted: the window's or our own bound's worth."""
        if self._is_closed(streamID):
            return 0
        queue = self._outboundStreamQueues[streamID]
        queued = sum(len(chunk) for chunk in queue if isinstance(chunk, bytes))
        return int(min(self.conn.local_flow_control_window(streamID), _QUEUED)) - queued

    def _sendPrioritisedData(self, *args: Any) -> None:
        if self._receiving:
            # One of the streams may be closed by what has come: h2 would refuse to send on it.
            self._sendingDeferred = Deferred().addCallback(self._sendPrioritisedData)
            return
        self._block_exhausted()
        super()._sendPrioritisedData(*args)
        self._block_exhausted()
        for stream in list(self.streams.values()):
            stream.watch_queue()
            stream.windowUpdated()  # resumes a producer whose queue has room again

    def _block_exhausted(self) -> None:
        """Keep the sending loop away from streams without a window (which may be negative)."""
        for stream_id in self.streams:
            queue = self._outboundStreamQueues[stream_id]
            if (
                queue
                and isinstance(queue[0], bytes)
                and self.conn.local_flow_control_window(stream_id) <= 0
            ):
                self.priority.block(stream_id)

    def dataReceived(self, data: bytes) -> None:
        """Frames; also those that open windows wake the sending loop."""
        if self._closing:
            return
        self._receiving = True
        super().dataReceived(data)
        self._receiving = False
        if self._lost or self._closing:
            return
        if len(self.conn.incoming_buffer._data) > self.conn.max_inbound_frame_size + 9:
            # h2 would wait for a frame to be whole before it finds it too large.
            self.conn.close_connection(ErrorCodes.FRAME_SIZE_ERROR)
            self._terminate(Failure(ConnectionLost("frame too large")))
            return
        for stream_id in self.streams:
            if (
                self._outboundStreamQueues[stream_id]
                and self.conn.local_flow_control_window(stream_id) > 0
            ):
                self.priority.unblock(stream_id)
        waiting, self._sendingDeferred = self._sendingDeferred, None
        if waiting is not None:
            waiting.callback(None)

    # --- the end ----------------------------------------------------------------------

    def close_if_idle(self) -> None:
        """Close when no request is being handled: for the drain."""
        if not self.streams and self.transport is not None:
            self.conn.close_connection()
            self.transport.write(self.conn.data_to_send())
            self._lose()

    def _lose(self) -> None:
        """Close when all is sent; a peer that does not close is cut in the end."""
        if self._lost:
            return
        self._closing = True
        # TLS does not close as long as a producer is registered.
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        if self._abortingCall is None:
            self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)

    def _terminate(self, reason: Failure) -> None:
        super()._terminate(reason)
        self._lose()

    def forceAbortClient(self) -> None:
        """Cut the connection without another word."""
        if self._abortingCall is not None and self._abortingCall.active():
            self._abortingCall.cancel()
        self._abortingCall = None
        if self.transport is not None and not self._lost:
            self.transport.abortConnection()


def _own_fields() -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in own_fields()]


def take_over(channel: Channel, data: bytes) -> None:
    """Speak HTTP/2 on the connection of a channel from its first octets on."""
    connection = Http2Channel(channel.site, channel.peer_host)
    channel.hand_over(connection)
    channel.site.adopt(channel, connection)
    connection.dataReceived(data)
