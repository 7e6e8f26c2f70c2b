"""What both legs of native WebSockets share, over autobahn's protocols.

Messages go to the relay, large ones in parts while they come; reading stops where the relay
says so, also in the midst of what was read; pings are answered by pace and tell round trips.
"""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any

import autobahn.twisted.websocket
import autobahn.websocket.protocol
from autobahn.exception import PayloadCorruptError, PayloadExceededError
from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.websocket.compress_deflate import PerMessageDeflate
from autobahn.websocket.xormasker import create_xor_masker  # type: ignore[attr-defined]
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from gateway.net.inflating import STEP, STEP_FRAMES, Inflating
from gateway.net.parting import Parting
from gateway.net.swift import Swift
from gateway.net.writes import Writes
from gateway.websocket.limits import CODES

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from gateway.net.relay import Relay
    from gateway.net.settings import Limits
    from gateway.websocket.closing import Ending
    from gateway.websocket.deflate import Agreed, Settings


def _plain(value: object, **_: object) -> object:
    return value


# autobahn colours the values of debug messages before it knows that nobody logs them: five
# times a message, a quarter of the cost of relaying a small one (62 against 48 µs measured).
for _module in (autobahn.websocket.protocol, autobahn.twisted.websocket):
    _module.hltype = _module.hlval = _plain  # type: ignore[attr-defined]

_FRAMES = 256
"""So many steps in frames at one go; each takes about ten microseconds."""
_CONTINUATION, _TEXT, _BINARY = 0, 1, 2
_COMPRESSED = 4
_OPEN = WebSocketServerProtocol.STATE_OPEN
_CLOSING = WebSocketServerProtocol.STATE_CLOSING
_CLOSED = WebSocketServerProtocol.STATE_CLOSED
_CONNECTING = WebSocketServerProtocol.STATE_CONNECTING


class Deflate(PerMessageDeflate):
    """permessage-deflate of one leg; a window that lives for one message costs nothing after it."""

    def __init__(self, agreed: Agreed, settings: Settings, *, is_server: bool) -> None:
        """What was agreed on, and what the gateway's own bounds are."""
        super().__init__(
            is_server,
            not agreed.server_takeover,
            not agreed.client_takeover,
            agreed.server_bits,
            agreed.client_bits,
            settings.memory_level,
            settings.decompressed_bytes,
        )
        self.from_bytes = settings.from_bytes
        ours, theirs = agreed.server_takeover, agreed.client_takeover
        self._keeps = (ours, theirs) if is_server else (theirs, ours)
        self._rest, self.has_more = b"", False

    def end_compress_message(self) -> bytes:
        """The last octets of a message."""
        data: bytes = super().end_compress_message()
        if not self._keeps[0]:
            self._compressor = None
        return data

    def start_decompress_message(self) -> None:
        """A message begins."""
        super().start_decompress_message()
        self._rest, self.has_more = b"", False

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """A step of what ``data`` and what was left before stand for; ``has_more``: there is more.

        Raises ``PayloadExceededError`` by the first octet that is too many, and
        ``PayloadCorruptError``.  autobahn inflates all of ``data`` at once, and passes over up to
        258 octets too many: so much of a match that reaches beyond its bound zlib keeps inside.
        """
        left: int = self.max_message_size - self._decompress_message_size
        if max_output_len is not None:
            left = min(left, max_output_len)
        step = min(left + 1, STEP)
        inflating: Any = self._decompressor
        try:
            found: bytes = inflating.decompress(self._rest + data, step)
        except zlib.error as error:
            raise PayloadCorruptError(f"invalid permessage-deflate data: {error}") from error
        self._rest, self.has_more = inflating.unconsumed_tail, len(found) == step
        if len(found) > left:
            raise PayloadExceededError("the message is larger than may be when it is inflated")
        self._decompress_message_size += len(found)
        return found

    def end_decompress_message(self) -> None:
        """A whole message was read."""
        super().end_decompress_message()
        # A stream that its sender ended (BFINAL) gives no octet more: the next needs a new one.
        if not self._keeps[1] or getattr(self._decompressor, "eof", False):
            self._decompressor = None


# "Bad gateway" was registered after autobahn's list was made.
WebSocketServerProtocol.CLOSE_STATUS_CODES_ALLOWED.append(1014)


@implementer(IPushProducer)
class LegMixin(Swift, Parting, Inflating, Writes):
    """A ``Leg`` over an autobahn protocol."""

    relay: Relay | None = None
    transport: Any
    factory: Any
    state: int
    _perMessageCompress: Deflate | None

    def prepare(self, limits: Limits) -> None:
        """Before anything else."""
        self._limits = limits
        self.swift(create_xor_masker)
        self._early: list[tuple[bytes, bool]] = []
        self._ended: tuple[int | None, str | None, bool] | None = None
        self._gone = False
        self._lost: Failure | None = None
        self._paused = True  # until there is a relay
        self._consuming = False
        self._waiting: Any = None
        self._full = False
        self._owed: bytes | None = None
        self._passing = False
        self._size = self._fragments = 0
        self._opcode = _CONTINUATION
        self._begun = False
        self._mark = 0

    def attach(self, relay: Relay) -> None:
        """Report to ``relay``; what came before it first."""
        self.relay = relay
        early, self._early = self._early, []
        for payload, binary in early:
            relay.received(self, payload, binary=binary)
        if self._ended is not None:
            code, reason, was_clean = self._ended
            relay.closed(self, code, reason, was_clean=was_clean)
        elif not self._gone:
            self.transport.registerProducer(self, streaming=True)
            self.resume()

    # --- what autobahn calls ------------------------------------------------------

    def consumeData(self) -> None:
        """Read frames out of what came, as long as nobody says to pause."""
        if self.state not in {_OPEN, _CLOSING}:
            super().consumeData()  # type: ignore[misc]
            return
        if self._consuming or self._waiting is not None or self.is_parting:
            return
        self._consuming = True
        left = _FRAMES
        try:
            while self._reads():
                if self.is_inflating:
                    left -= STEP_FRAMES
                    self.inflate()
                else:
                    left -= self.take_plain(left)
                    if left > 0 and self._reads():
                        left -= 1
                        more = self.processData()  # type: ignore[attr-defined]
                        if not more and not self.is_inflating:
                            return
                if self.state == _CLOSED:
                    return
                if left <= 0 and not self._gone:
                    self._give_way()
                    return
                left = left if left > 0 else _FRAMES  # nobody is left to give way to
        finally:
            self._consuming = False

    def _reads(self) -> bool:
        return not self._paused and not self.is_parting

    def _give_way(self) -> None:
        """A flood of tiny frames: others have their turn between."""
        self.transport.pauseProducing()
        self._waiting = self.factory.reactor.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._waiting = None
        if not self._paused:
            self.resume()

    def onFrameData(self, payload: bytes) -> bool | None:
        """A part of a frame; what comes after a fault is passed over to the close frame."""
        if not self.failedByMe or self.current_frame.opcode > 7:
            found: bool | None = super().onFrameData(payload)
            if not self.failedByMe:
                return found
        self._isMessageCompressed = self.utf8validateIncomingCurrentMessage = False
        return None

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: FBT001
        """A message's first frame."""
        self.message_is_binary = isBinary
        self.message_data: list[bytes] = []
        self.message_data_total_length = 0
        self._size = self._fragments = 0
        self._passing = False

    def onMessageFrameBegin(self, length: int) -> None:
        """One more frame of the message: its size and number have bounds."""
        super().onMessageFrameBegin(length)  # type: ignore[misc]
        self._fragments += 1
        most = self._limits.websocket_fragments_per_message
        if self._fragments > most and not self.failedByMe:
            self._exceeded("websocket-fragments-per-message", "too many fragments")

    def _max_message_size_exceeded(self, *_: object) -> None:
        key, what = "websocket-message-bytes", "message"
        if self.wasMaxFramePayloadSizeExceeded:  # type: ignore[attr-defined]
            key, what = "websocket-frame-bytes", "frame"
        elif self._isMessageCompressed and (
            self._limits.websocket_decompressed_bytes <= self._limits.websocket_message_bytes
        ):
            key = "websocket-decompressed-bytes"
        self._exceeded(key, f"the {what} is too large")

    def _exceeded(self, key: str, reason: str) -> None:
        if self.relay is not None:
            self.relay.exceeded(self, key)
        self._fail_connection(CODES[key], reason)  # type: ignore[attr-defined]

    def onMessageFrameData(self, payload: bytes) -> None:
        """A part of a frame, as much as was read."""
        if self.failedByMe:
            return
        relay = self.relay
        if self._passing:
            if relay is not None:
                relay.part(self, payload)
            return
        self.message_data.append(payload)
        self._size += len(payload)
        if self._size > self._limits.websocket_whole_bytes and relay is not None:
            self._passing = relay.begun(self, binary=self.message_is_binary)
            if self._passing:
                relay.part(self, b"".join(self.message_data))
                self.message_data = []

    def onMessageFrameEnd(self) -> None:
        """Frames have no meaning of their own."""

    def onMessageEnd(self) -> None:
        """The message is whole."""
        if not self.failedByMe:
            relay, data = self.relay, self.message_data
            if self._passing:
                if relay is not None:
                    relay.finished(self)
            else:
                payload = data[0] if len(data) == 1 else b"".join(data)
                if relay is None:
                    self._early.append((payload, self.message_is_binary))
                else:
                    relay.received(self, payload, binary=self.message_is_binary)
        self.message_data = []

    def onPing(self, payload: bytes) -> None:
        """Answered by us; of a peer that reads nothing only the newest is (RFC 6455, 5.5.3)."""
        if self.relay is not None:
            self.relay.pinged(self)
        if self._full:
            self._owed = payload
        else:
            self.sendPong(payload)  # type: ignore[attr-defined]
            self.wrote()

    def onAutoPong(self, ping_sent: int, *_: object) -> None:
        """Our ping was answered."""
        if self.relay is not None:
            self.relay.answered(self, max(0, time.time_ns() - ping_sent) / 1e9)  # clocks are set

    def _heard(self) -> int:
        octets: int = self.trafficStats.incomingOctetsWireLevel  # type: ignore[attr-defined]
        return octets

    def _sendAutoPing(self) -> None:
        self._mark = self._heard()
        super()._sendAutoPing()  # type: ignore[misc]

    def onAutoPingTimeout(self) -> None:
        """No pong in time: no sign that it is gone, if it sends, or is not read, or reads slowly."""
        if self._paused or self._full or self._heard() != self._mark:
            self._mark = self._heard()
            self.autoPingTimeoutCall = self.factory._batched_timer.call_later(
                self._limits.websocket_pong_seconds, self.onAutoPingTimeout
            )
        else:
            super().onAutoPingTimeout()  # type: ignore[misc]

    def onClose(
        self,
        wasClean: bool,  # noqa: FBT001
        code: int | None,
        reason: str | None,
    ) -> None:
        """The leg has ended.

        autobahn says 1006 for every unclean end; where our own limit or the peer's fault
        closed the leg, the code that was sent is what the other side is to know.
        """
        if not wasClean or getattr(self, "closedByMe", False):
            code, reason = getattr(self, "localCloseCode", None), ""
        if self.relay is None:
            self._ended = (code, reason, wasClean)
        else:
            self.relay.closed(self, code, reason, was_clean=wasClean)

    def connectionLost(self, reason: Failure) -> None:
        """The transport is gone: nothing may be asked of it any more."""
        self._gone = True
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._paused and self.may_grow():
            self._lost = reason  # it is over when the other side has taken what was read
        else:
            self._is_lost(reason)

    def _is_lost(self, reason: Failure) -> None:
        self._paused, self._lost = False, None
        if self.state in {_OPEN, _CLOSING}:
            self.consumeData()  # what was read while nobody wanted it, the close frame at its end
        super().connectionLost(reason)

    # --- IPushProducer: the transport says how fast this leg can be written to ----

    def pauseProducing(self) -> None:
        """This leg's transport is full."""
        self._full = True
        if self.relay is not None:
            self.relay.congested(self)

    def resumeProducing(self) -> None:
        """This leg's transport can take more."""
        self._full = False
        owed, self._owed = self._owed, None
        if owed is not None:
            self.sendPong(owed)  # type: ignore[attr-defined]
        if self.relay is not None:
            self.relay.relieved(self)

    def stopProducing(self) -> None:
        """The transport is gone; ``onClose`` says so too."""

    # --- Leg: what the relay asks -------------------------------------------------

    def send(self, payload: bytes, *, binary: bool) -> None:
        """Send one message; one that is under way to a leg that is closing is dropped."""
        if self.state != _OPEN:
            return
        deflate = self._perMessageCompress
        if deflate is None or len(payload) < deflate.from_bytes:
            self.send_plain(payload, binary=binary)
            self.wrote()
            return
        deflate.start_compress_message()
        data = deflate.compress_message_data(payload) + deflate.end_compress_message()
        opcode = _BINARY if binary else _TEXT
        self.sendFrame(opcode, data, rsv=_COMPRESSED)  # type: ignore[attr-defined]

    def begin(self, *, binary: bool) -> None:
        """A message that is sent in parts begins."""
        self._opcode = _BINARY if binary else _TEXT
        self._begun = self.state == _OPEN
        if self._begun and self._perMessageCompress is not None:
            self._perMessageCompress.start_compress_message()

    def write(self, payload: bytes) -> None:
        """A part of it: a frame."""
        if not self._begun:
            return
        deflate = self._perMessageCompress
        data = payload if deflate is None else deflate.compress_message_data(payload)
        if data:
            self._fragment(data, fin=False)

    def finish(self) -> None:
        """The message is whole."""
        if not self._begun:
            return
        deflate = self._perMessageCompress
        self._fragment(b"" if deflate is None else deflate.end_compress_message(), fin=True)
        self._begun = False

    def _fragment(self, data: bytes, *, fin: bool) -> None:
        if self.state != _OPEN:
            return
        opcode, self._opcode = self._opcode, _CONTINUATION
        rsv = _COMPRESSED if opcode and self._perMessageCompress is not None else 0
        self.sendFrame(opcode, data, fin=fin, rsv=rsv)  # type: ignore[attr-defined]
        self.wrote()

    def pause(self) -> None:
        """Read nothing until ``resume``."""
        self._paused = True
        if self.transport is not None and not self._gone:
            self.transport.pauseProducing()

    def resume(self) -> None:
        """Read on, first what was read before."""
        self._paused = False
        if self.state in {_OPEN, _CLOSING} and (self._lost is not None or not self._gone):
            self.consumeData()
        if self._lost is not None and not self._paused:
            self._is_lost(self._lost)
        if self._paused or self._gone or self._waiting is not None or self.is_parting:
            return
        if self.transport is not None:
            self.transport.resumeProducing()

    def end(self, ending: Ending) -> None:
        """Close with a code, without one, or by dropping the connection."""
        if self._gone:
            return
        if ending.drop and ending.flushed and self.state == _OPEN:
            self.vanish()
            return
        if ending.drop or self.state in {_CONNECTING, _CLOSED}:
            if self.transport is not None:
                self.transport.abortConnection()
            return
        reason = ending.reason.encode("utf-8") if ending.code is not None else None
        self.part(ending.code, reason)


def configure(factory: Any, limits: Limits) -> None:
    """Set what both kinds of legs share: bounds, pings, and closings that say why."""
    options = {
        "maxFramePayloadSize": limits.websocket_frame_bytes,
        "maxMessagePayloadSize": limits.websocket_message_bytes,
        "autoPingInterval": limits.websocket_ping_seconds,
        "autoPingTimeout": limits.websocket_pong_seconds,
        "autoPingSize": 12,
        "autoPingRestartOnAnyTraffic": False,
        "openHandshakeTimeout": 0,  # the dial has a timer of its own
        "closeHandshakeTimeout": 0,  # and so has the end
        "failByDrop": False,
        "tcpNoDelay": True,
        "echoCloseCodeReason": True,
    }
    factory.setProtocolOptions(**options)
    factory.parting_seconds = limits.websocket_close_seconds
    factory.farewell_seconds = limits.websocket_farewell_seconds
