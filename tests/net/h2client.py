"""HTTP/2 as a client speaks it, by the ``h2`` library over real sockets; frames are kept too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import DataFrame, Frame
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, globalLogPublisher

from gateway.net.http2 import Http2Channel
from tests.net.harness import GatewayCase, host_of
from tests.net.raw import until

if TYPE_CHECKING:
    from tests.net.harness import Gateway

DATA, HEADERS, RST_STREAM, GOAWAY = 0, 1, 3, 7
END_STREAM = 1
LARGE_WINDOW = 2**31 - 1


@attrs.define(eq=False)
class Answer:
    """What came of one request so far; ``reset`` is the code of RST_STREAM."""

    client: Http2
    stream: int
    status: int = 0
    informed: list[int] = attrs.field(factory=list)
    hints: list[tuple[bytes, bytes]] = attrs.field(factory=list)
    fields: list[tuple[bytes, bytes]] = attrs.field(factory=list)
    body: bytes = b""
    received: int = 0
    ended: bool = False
    reset: int | None = None
    unacknowledged: int = 0

    def all(self, name: bytes) -> list[bytes]:
        """All values of a field, by its name in lower case."""
        return [value for key, value in self.fields if key == name]

    def get(self, name: bytes) -> bytes | None:
        """The one value of a field; fails if there are several."""
        values = self.all(name)
        assert len(values) < 2, (name, values)
        return values[0] if values else None

    async def done(self, seconds: float = 10) -> Answer:
        """Wait for the whole answer; fails when it breaks off."""
        await until(lambda: self.ended or self.reset is not None or self.client.ended, seconds)
        assert self.ended, (self.status, self.reset, self.client.goaway, self.client.fault)
        return self

    async def broken(self) -> Answer:
        """Wait until the stream is reset."""
        await until(lambda: self.reset is not None or self.client.ended)
        assert self.reset is not None, (self.status, self.client.goaway)
        return self

    def acknowledge(self) -> None:
        """Open the windows again by what was received."""
        size, self.unacknowledged = self.unacknowledged, 0
        if size:
            self.client.conn.acknowledge_received_data(size, self.stream)
            self.client.flush()


class Http2(Protocol):
    """A client's connection; ``h2`` checks what the gateway sends, not what it is sent."""

    def __init__(self) -> None:
        self.conn = H2Connection(
            H2Configuration(
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.answers: dict[int, Answer] = {}
        self.frames: list[tuple[int, int, int, bytes]] = []
        self.window = 65_535
        self.connection_window = 65_535
        self.acknowledging = True
        self.keep = True
        self.cookie = b""
        self.fault: ProtocolError | None = None
        self.ended = False
        self.goaway: int | None = None
        self._buffer = b""
        self._uploads: dict[int, tuple[bytes, bool]] = {}

    def connectionMade(self) -> None:
        initial = {SettingCodes.INITIAL_WINDOW_SIZE: self.window, SettingCodes.ENABLE_PUSH: 0}
        self.conn.local_settings = Settings(client=True, initial_values=initial)
        self.conn.initiate_connection()
        if self.connection_window > 65_535:
            self.conn.increment_flow_control_window(self.connection_window - 65_535)
        self.flush()

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = True

    def flush(self) -> None:
        """Send what the library wants to be sent."""
        self.transport.write(self.conn.data_to_send())

    async def closed(self, seconds: float = 10) -> None:
        """Wait for the connection's end."""
        await until(lambda: self.ended, seconds)

    # --- receiving --------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(self._buffer)[:9])
            if len(self._buffer) < 9 + length:
                break
            payload, flags = self._buffer[9 : 9 + length], self._buffer[4]
            kept = b"" if frame.type == DATA else payload
            self.frames.append((frame.type, flags, frame.stream_id, kept))
            self._buffer = self._buffer[9 + length :]
        if self.fault is not None:
            return
        try:
            for event in self.conn.receive_data(data):
                self._received(event)
        except ProtocolError as error:
            self.fault = error
            self.transport.abortConnection()
        else:
            self._upload()
            self.flush()

    def _received(self, event: Any) -> None:
        answer = self.answers.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, ConnectionTerminated):
            self.goaway = event.error_code
        elif isinstance(event, WindowUpdated) or answer is None:
            return
        elif isinstance(event, InformationalResponseReceived):
            answer.informed.append(int(dict(event.headers)[b":status"]))
            answer.hints = [(bytes(name), bytes(value)) for name, value in event.headers]
        elif isinstance(event, ResponseReceived):
            answer.fields = [(bytes(name), bytes(value)) for name, value in event.headers]
            answer.status = int(dict(event.headers)[b":status"])
        elif isinstance(event, DataReceived):
            answer.received += len(event.data)
            answer.body += event.data if self.keep else b""
            answer.unacknowledged += event.flow_controlled_length
            if self.acknowledging:
                answer.acknowledge()
        elif isinstance(event, StreamEnded):
            answer.ended = True
        elif isinstance(event, StreamReset):
            answer.reset = event.error_code
            self._uploads.pop(event.stream_id, None)

    def seen(self, stream: int, *kinds: int) -> list[tuple[int, int]]:
        """Type and flags of frames that came on a stream; of ``kinds`` if given."""
        found = [(kind, flags) for kind, flags, where, _ in self.frames if where == stream]
        return [one for one in found if not kinds or one[0] in kinds]

    # --- sending ----------------------------------------------------------------------

    def headers(self, fields: list[tuple[bytes, bytes]], *, end: bool = True) -> Answer:
        """Send a request's fields as they are; ``end``: it has no body."""
        stream = self.conn.get_next_available_stream_id()
        self.conn.send_headers(stream, fields, end_stream=end)
        self.answers[stream] = answer = Answer(self, stream)
        self.flush()
        return answer

    def ask(
        self,
        url: str,
        *fields: tuple[bytes, bytes],
        method: bytes = b"GET",
        body: bytes | None = None,
        end: bool = True,
    ) -> Answer:
        """Begin a request of the session for a URL of the real web; ``end`` False: there is more."""
        session = [(b"cookie", self.cookie)] if self.cookie else []
        answer = self.headers([*head(url, method), *session, *fields], end=end and body is None)
        if body is not None:
            self.upload(answer, body, end=end)
        return answer

    def upload(self, answer: Answer, data: bytes, *, end: bool) -> None:
        """Send more of a body as fast as the windows allow."""
        rest, _ = self._uploads.get(answer.stream, (b"", False))
        self._uploads[answer.stream] = rest + data, end
        self._upload()
        self.flush()

    def _upload(self) -> None:
        for stream, (data, end) in tuple(self._uploads.items()):
            rest = data
            while room := min(
                self.conn.local_flow_control_window(stream),
                self.conn.max_outbound_frame_size,
                len(rest),
            ):
                self.conn.send_data(stream, rest[:room])
                rest = rest[room:]
            self._uploads[stream] = rest, end
            if not rest:
                del self._uploads[stream]
                if end:
                    self.conn.end_stream(stream)

    def send_anyway(self, answer: Answer, data: bytes) -> None:
        """Send a DATA frame, if the window is open, whatever the library thinks of the stream."""
        if self.conn.outbound_flow_control_window >= len(data):
            self.conn.outbound_flow_control_window -= len(data)
            self.transport.write(DataFrame(answer.stream, data).serialize())

    def reset(self, answer: Answer, code: ErrorCodes = ErrorCodes.CANCEL) -> None:
        """Give a request up."""
        self.conn.reset_stream(answer.stream, code)
        self._uploads.pop(answer.stream, None)
        self.flush()


def head(url: str, method: bytes = b"GET") -> list[tuple[bytes, bytes]]:
    """The pseudo-header fields for a URL of the real web, addressed to the gateway."""
    scheme, _, rest = url.partition("://")
    host, slash, tail = rest.partition("/")
    return [
        (b":method", method),
        (b":scheme", b"https"),
        (b":authority", host_of(f"{scheme}://{host}").encode()),
        (b":path", (slash + tail or "/").encode("latin-1")),
    ]


async def turns(count: int) -> None:
    """Let the reactor turn some times."""
    from twisted.internet import reactor

    for _ in range(count):
        await deferLater(reactor, 0)


class Http2Factory(Factory):
    """Clients that offer h2 (or what ``offers`` says), with windows of their own."""

    noisy = False

    def __init__(self, offers: tuple[bytes, ...] = (b"h2",), **settings: Any) -> None:
        self.offers = offers
        self._settings = settings

    def buildProtocol(self, addr: Any) -> Http2:
        client = Http2()
        for name, value in self._settings.items():
            setattr(client, name, value)
        return client


class Http2Case(GatewayCase):
    """A gateway that speaks HTTP/2, which must stay calm whatever the test does."""

    def setUp(self) -> None:
        self.gateways: list[Gateway] = []
        self.clients: list[Http2] = []
        self.logged: list[str] = []
        globalLogPublisher.addObserver(self._overhear)
        self.addCleanup(self._check_calm)  # the last of all clean-ups

    def _overhear(self, event: dict[str, Any]) -> None:
        if event.get("log_level") in {LogLevel.error, LogLevel.critical}:
            self.logged.append(str(event.get("log_format")) + str(event.get("log_failure")))

    def _check_calm(self) -> None:
        globalLogPublisher.removeObserver(self._overhear)
        self.assertEqual([str(one) for one in self.flushLoggedErrors()], [])
        self.assertEqual(self.logged, [])
        self.assertEqual([one.fault for one in self.clients if one.fault], [])
        for gateway in self.gateways:
            self.assertNotIn("internal.error", gateway.telemetry.codes(), gateway.telemetry.events)
            self.assertEqual(gateway.telemetry.value("gateway_connections"), 0)
            self.assertEqual(gateway.service.site.spooled, 0)
            self.assertEqual(gateway.service.site._by_address, {})

    async def gateway(self, *args: Any, **more: Any) -> Gateway:
        """See ``GatewayCase``."""
        made = await super().gateway(*args, **{"http2": True, **more})
        self.gateways.append(made)
        return made

    async def open(self, gateway: Gateway, **settings: Any) -> Any:
        """A connection that speaks HTTP/2 with the gateway."""
        settings = {"cookie": gateway.cookie, **settings}
        client = await self.client(gateway.port, factory=Http2Factory(**settings))
        self.clients.append(client)
        await until(lambda: client.transport.negotiatedProtocol)
        self.assertEqual(client.transport.negotiatedProtocol, b"h2")
        return client


def channel_of(gateway: Gateway) -> Http2Channel:
    """The one HTTP/2 connection that a gateway has."""
    found = [one for one in gateway.service.site._channels if isinstance(one, Http2Channel)]
    assert len(found) == 1, found
    return found[0]
