"""How a leg of autobahn's parts from its peer: at once for the other side, in bounded time for us.

autobahn says that a leg is closed when its transport is.  A peer that takes its time with
that, or never does it, would keep the other side waiting; so the counterpart is told as soon
as a close frame has come, or the peer has broken the protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twisted.python.failure import Failure

_LONGEST_CONTROL = 125


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
    _cut: Any = None
    _asked = False

    def part(self, code: int | None, reason: bytes | None) -> None:
        """The relay asks for a close frame: it need not be told of it."""
        self._asked = True
        self.sendCloseFrame(code=code, reasonUtf8=reason)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,  # noqa: FBT001, FBT002 (autobahn's signature)
    ) -> None:
        """Say so to the relay, and give the peer a bounded time to go."""
        was_open = self.state == self.STATE_OPEN  # type: ignore[attr-defined]
        super().sendCloseFrame(code, reasonUtf8, isReply)  # type: ignore[misc]
        if not was_open:
            return
        self._cut = self.factory.reactor.callLater(
            self.factory.parting_seconds, self.transport.abortConnection
        )
        if self.relay is None or self._asked:
            return
        if isReply:
            code, reason = self.remoteCloseCode, self.remoteCloseReason
            self.relay.closing(self, code, reason, was_clean=True)
        else:
            self.relay.closing(self, code, "", was_clean=False)

    def dropConnection(self, abort: bool = False) -> None:  # noqa: FBT001, FBT002
        """What was just written goes out first; nothing but what is due is cut.

        After a closing handshake autobahn's server resets the connection, and browsers then say
        that it did not end in order (``wasClean``).
        """
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
        """Nothing is left to be cut."""
        if self._cut is not None and self._cut.active():
            self._cut.cancel()
        super().connectionLost(reason)  # type: ignore[misc]
