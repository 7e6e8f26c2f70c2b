"""Built-in backends: what needs nobody at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.net.relay import Relay
    from gateway.websocket.closing import Ending


class BuiltinLeg:
    """What built-in legs share: they have no transport, and end when they are told to."""

    transport: Any = None

    def __init__(self, reactor: Any) -> None:
        """Ends are told later, never from within the call that asks for them."""
        self._reactor = reactor
        self._relay: Relay | None = None
        self._ended = False

    def attach(self, relay: Relay) -> None:
        """Report to ``relay`` from now on."""
        self._relay = relay
        if self._ended:
            relay.closed(self, None, "", was_clean=False)

    def end(self, ending: Ending) -> None:
        """It is over."""
        if self._ended:
            return
        self._ended = True
        if self._relay is not None:
            self._reactor.callLater(0, self._over, self._relay, ending)

    def _over(self, relay: Relay, ending: Ending) -> None:
        relay.closed(self, ending.code, ending.reason, was_clean=not ending.drop)

    def send(self, payload: bytes, *, binary: bool) -> None:
        """Take a message."""
        raise NotImplementedError

    def pause(self) -> None:
        """Say nothing until ``resume``."""
        raise NotImplementedError

    def resume(self) -> None:
        """Go on."""
        raise NotImplementedError


class EchoLeg(BuiltinLeg):
    """Says everything again; a client that does not read is not read either."""

    _paused = False

    def send(self, payload: bytes, *, binary: bool) -> None:
        """Say it."""
        if self._relay is not None and not self._ended:
            self._relay.received(self, payload, binary=binary)

    def pause(self) -> None:
        """What cannot be said must not be heard."""
        if self._relay is not None and not self._paused:
            self._paused = True
            self._relay.congested(self)

    def resume(self) -> None:
        """Hear on."""
        if self._relay is not None and self._paused:
            self._paused = False
            self._relay.relieved(self)
