"""How a leg of autobahn's parts from its peer: at once for the other side, in bounded time for us.

autobahn says that a leg is closed when its transport is.  A peer that takes its time with
that, or never does it, would keep the other side waiting; so the counterpart is told as soon
as a close frame has come, or the peer has broken the protocol.

The leg's own close frame waits for the counterpart's, for a bounded time: what the other side
has still to say to what came before arrives first, and a closing handshake ends with the code
that the other side answers, as it would if nobody stood between (RFC 6455, section 5.5.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from gateway.websocket.closing import Ending

_LONGEST_CONTROL = 125


@attrs.define
class Farewell:
    """A close frame that is not sent yet, and whether the connection ends behind it."""

    code: int | None
    reason: bytes | None
    is_reply: bool
    timer: Any
    drops: bool = False


class Parting:
    """Stands before autobahn's protocol among a leg's bases."""

    relay: Any
    transport: Any
    factory: Any
    failedByMe: bool
    wasClean: bool
    current_frame: Any
    remoteCloseCode: int | None
    remoteCloseReason: str | None
    _paused: bool
    _cut: Any = None
    _asked = False
    _farewell: Farewell | None = None

    @property
    def is_parting(self) -> bool:
        """Whether a close frame waits for what the counterpart has to say: nothing is read."""
        return self._farewell is not None

    def part(self, code: int | None, reason: bytes | None) -> None:
        """The relay asks for a close frame: it need not be told of it."""
        self._asked = True
        if self._farewell is not None:
            self.release()
        else:
            self.sendCloseFrame(code=code, reasonUtf8=reason)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,  # noqa: FBT001, FBT002 (autobahn's signature)
    ) -> None:
        """Say so to the relay; the frame waits for what the counterpart still says."""
        if self._farewell is not None:
            return
        is_open = self.state == self.STATE_OPEN  # type: ignore[attr-defined]
        if not is_open or self.relay is None or self._asked:
            self._say(code, reasonUtf8, is_reply=isReply)
            return
        self._farewell = Farewell(
            code,
            reasonUtf8,
            isReply,
            self.factory.reactor.callLater(self.factory.farewell_seconds, self.release),
        )
        self.transport.pauseProducing()
        if isReply:
            told, reason, was_clean = self.remoteCloseCode, self.remoteCloseReason, True
        else:
            told, reason, was_clean = code, "", False
        answers = self.relay.closing(self, told, reason, was_clean=was_clean)
        if not answers or not self.factory.farewell_seconds:
            self.release()

    def release(self, ending: Ending | None = None) -> None:
        """Send the close frame that waits; a reply as ``ending``, the counterpart's answer, says."""
        farewell, self._farewell = self._farewell, None
        if farewell is None:
            return
        if farewell.timer.active():
            farewell.timer.cancel()
        if not self._paused:
            self.transport.resumeProducing()  # or nobody sees that the peer has gone
        if farewell.is_reply and ending is not None:
            if ending.drop:
                self.vanish()
                return
            farewell.code = ending.code
            farewell.reason = None if ending.code is None else ending.reason.encode("utf-8")
        self._say(farewell.code, farewell.reason, is_reply=farewell.is_reply)
        if farewell.drops:
            self.dropConnection()
        else:
            self.consumeData()  # type: ignore[attr-defined]

    def _say(self, code: int | None, reason: bytes | None, *, is_reply: bool) -> None:
        was_open = self.state == self.STATE_OPEN  # type: ignore[attr-defined]
        super().sendCloseFrame(code, reason, is_reply)  # type: ignore[misc]
        if was_open:
            self._cut = self.factory.reactor.callLater(
                self.factory.parting_seconds, self.transport.abortConnection
            )

    def onCloseFrame(self, code: int | None, reasonRaw: bytes) -> bool | None:
        """A close frame has come; the answer to one of the relay's is told it at once."""
        went_on: bool | None = super().onCloseFrame(code, reasonRaw)  # type: ignore[misc]
        if self._asked and self.relay is not None:
            code, reason = self.remoteCloseCode, self.remoteCloseReason
            self.relay.answered_close(self, code, reason)
        return went_on

    def dropConnection(self, abort: bool = False) -> None:  # noqa: FBT001, FBT002
        """What was just written goes out first; nothing but what is due is cut.

        After a closing handshake autobahn's server resets the connection, and browsers then say
        that it did not end in order (``wasClean``).
        """
        if self._farewell is not None and not abort:
            self._farewell.drops = True
            return
        super().dropConnection(abort and not self.failedByMe and not self.wasClean)  # type: ignore[misc]

    def vanish(self) -> None:
        """End without a close frame, when what was written is out."""
        if self._cut is None:
            self._cut = self.factory.reactor.callLater(
                self.factory.parting_seconds, self.transport.abortConnection
            )
        self.unregisterProducer()  # type: ignore[attr-defined] # or the transport waits for it
        self.transport.loseConnection()

    def onFrameData(self, payload: bytes) -> bool | None:
        """A control frame that says it is longer than any may be is not gathered.

        autobahn reads on after a violation, for the peer's answer.
        """
        frame = self.current_frame
        if self.failedByMe and frame.opcode > 7 and frame.length > _LONGEST_CONTROL:
            return None
        went_on: bool | None = super().onFrameData(payload)  # type: ignore[misc]
        return went_on

    def connectionLost(self, reason: Failure) -> None:
        """Nothing is left to be cut, nor to be said."""
        farewell, self._farewell = self._farewell, None
        if farewell is not None and farewell.timer.active():
            farewell.timer.cancel()
        if self._cut is not None and self._cut.active():
            self._cut.cancel()
        super().connectionLost(reason)  # type: ignore[misc]
