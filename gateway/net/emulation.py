"""The client's leg of an emulated WebSocket: requests come and go, the leg stays.

It is a ``Leg`` like a native one.  What the relay sends is queued and written into whatever
downstream response is open; what upstream requests carry goes to the relay at its pace.
Nothing is queued without end: beyond a bound the other leg is not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from gateway.net.emulation_request import Dry, Requests
from gateway.net.emulation_response import Response
from gateway.websocket.closing import PROTOCOL_ERROR, TOO_BIG, Ending
from gateway.websocket.emulation import frames
from gateway.websocket.emulation.downstream import Attach, Downstream
from gateway.websocket.emulation.frames import Frame, Kind, Malformed, TooLarge
from gateway.websocket.emulation.upstream import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.arriving import Arriving
    from gateway.net.client import Client
    from gateway.net.relay import Relay
    from gateway.net.settings import Limits
    from gateway.net.telemetry import Telemetry
    from gateway.rewrite.headers import Fields
    from gateway.websocket.emulation.extensions import Extensions
    from gateway.websocket.emulation.request import Opening, Wishes

_WRITE = 64 * 1024
_TURN = 256
"""Frames of one request that are applied before others have their turn."""
_BINARY_ONLY = 1003


@attrs.frozen
class Made:
    """What a leg is made with."""

    opening: Opening
    extensions: Extensions
    mixed: bool


class EmulatedLeg:
    """One emulated WebSocket at this end."""

    emulated = True

    def __init__(
        self,
        made: Made,
        limits: Limits,
        reactor: Any,
        telemetry: Telemetry,
        when_over: Callable[[], None],
    ) -> None:
        """``when_over`` is told once: nothing more can be asked of it."""
        self._made = made
        self._limits = limits
        self._reactor = reactor
        self._telemetry = telemetry
        self._when_over = when_over
        retry = made.extensions.retry
        number = made.opening.number
        self._up = Requests(number, limits.websocket_message_bytes, retry=retry)
        self._down = Downstream(
            number, limits.emulation_response_bytes, limits.emulation_retry_bytes if retry else 0
        )
        self._relay: Relay | None = None
        self._response: Response | None = None
        self._is_held = False
        self._is_congested = False
        self._client_closed = False
        self._echo: Ending | None = None  # the client's CLOSE, until the site has answered it
        self._is_closed = False  # the relay knows that it has ended
        self._is_parting = False  # what waits is told, and then that the site is gone
        self._is_over = False  # nobody can ask any more
        self._gap: Any = None
        self._pinger: Any = None
        self._turn: Any = None
        self._telling: Any = None
        self._farewell: Any = None
        self._heard = self._wrote = reactor.seconds()
        self._pinged = 0.0

    # --- Leg --------------------------------------------------------------------------

    def attach(self, relay: Relay) -> None:
        """Report to ``relay``; the client has some time for its first request."""
        self._relay = relay
        self._await_request()
        if self._made.opening.ping:
            self._pinger = self._later(self._limits.websocket_ping_seconds, self._ping)

    def send(self, payload: bytes, *, binary: bool) -> None:
        """Queue one message."""
        if self._is_closed:
            return
        if not binary and not self._made.mixed:
            self._fail(_BINARY_ONLY, "binary only")
            return
        self._down.push(frames.message(payload, binary=binary))
        self.flush()

    def end(self, ending: Ending) -> None:
        """Close with what ``ending`` says, or drop."""
        if ending.drop and ending.flushed and not self._is_closed:
            self._part()
        elif ending.drop:
            self._lose()
        elif self._echo is not None:
            self.release()
        elif not self._is_closed:
            self._push_close(ending)
            self.flush()
            # The relay, which is telling both legs, need not wait for a client between two
            # requests.
            self._telling = self._later(0, self._ended)
            self._linger()

    def pause(self) -> None:
        """Apply nothing until ``resume``: requests are not answered meanwhile."""
        self._is_held = True

    def resume(self) -> None:
        """Apply on."""
        self._is_held = False
        self._apply_later()

    def _client_closes(self, relay: Relay, code: int | None, reason: str) -> None:
        """The site is told; CLOSE comes down behind what it still says, for a bounded time."""
        self._client_closed = True
        self._echo = Ending(code, reason)
        seconds = self._limits.websocket_farewell_seconds
        self._farewell = self._later(seconds, self.release)
        if not relay.closing(self, code, reason, was_clean=True) or not seconds:
            self.release()

    def release(self, ending: Ending | None = None) -> None:
        """Answer the client's CLOSE, as ``ending``, the site's answer, says."""
        echo, self._echo = self._echo, None
        if echo is None:
            return
        if ending is not None and ending.drop:
            self._part()
            return
        self._push_close(ending or echo)
        self._closed(echo.code, echo.reason, was_clean=True)
        self.flush()
        self._linger()

    def _ended(self) -> None:
        self._closed(None, "", was_clean=True)

    # --- endings ------------------------------------------------------------------------

    def _push_close(self, ending: Ending) -> None:
        self._down.push_last(frames.close(ending, tells=self._made.extensions.close))

    def _closed(self, code: int | None, reason: str, *, was_clean: bool) -> None:
        """Tell the relay, once."""
        if self._is_closed:
            return
        self._is_closed, self._echo = True, None
        self._stop(self._pinger)
        self._stop(self._farewell)
        if self._relay is not None:
            self._relay.closed(self, code, reason, was_clean=was_clean)

    def _fail(self, code: int, reason: str = "", status: int = 200) -> None:
        """A fault: the client is told, the other leg too where it is a limit's code.

        ``status`` answers the upstream request in flight, whose fault it need not be.
        """
        self._push_close(Ending(code, reason))
        told = None if code == PROTOCOL_ERROR else code
        self._closed(told, reason, was_clean=False)
        self._up.done(status)
        self.flush()
        self._linger()

    def _out_of_order(self) -> int:
        """A request is; the one in flight is not to blame, if what came of it was taken."""
        self._fail(PROTOCOL_ERROR, status=200 if self._up.is_caught_up else 400)
        return 400

    def _part(self) -> None:
        """The site is gone: what it sent is told first, then that."""
        response, retry = self._response, self._made.extensions.retry
        if not self._down.has_frames and (response.is_poll if response else not retry):
            self._lose()
            return
        self._telling = self._later(0, self._ended)
        if self._made.extensions.close:
            # A browser forgets what it has not read of a response that breaks off.  This one
            # ends in order, and the request that follows is told that nothing is there any more.
            self._down.close()
            self._linger()
        else:
            self._is_parting = True
            self._wait(self._limits.emulation_gap_seconds)
        self.flush()

    def _lose(self, *, flushed: bool = False) -> None:
        """The connection is lost, or is to look as if it were."""
        if self._is_over:
            return
        self._is_over = True
        for timer in (self._gap, self._pinger, self._turn, self._telling):
            self._stop(timer)
        response, self._response = self._response, None
        if response is not None:
            response.cut(flushed=flushed)
        self._up.done(404)
        self._closed(None, "", was_clean=False)
        self._when_over()

    def _linger(self) -> None:
        """All is said: what the client says last, or asks for again, is still answered."""
        self._up.done(200)
        retry = self._made.extensions.retry
        limits = self._limits
        seconds = limits.emulation_retry_seconds if retry else limits.websocket_close_seconds
        if not self._down.is_done:
            seconds = limits.emulation_gap_seconds  # it was not even told yet
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        self._stop(self._gap)
        if not self._is_over:
            self._gap = self._later(seconds, self._waited)

    def _waited(self) -> None:
        if not self._is_closed:
            self._reached("emulation-gap-seconds")
        self._lose()

    def _exceeded(self, limit: str) -> None:
        if self._relay is not None and not self._is_closed:
            self._relay.exceeded(self, limit)

    def _reached(self, limit: str) -> None:
        self._telemetry.count("gateway_limit_reached_total", limit=limit)

    def _await_request(self) -> None:
        """Between two downstream requests."""
        gap = self._limits.emulation_gap_seconds
        retry = self._limits.emulation_retry_seconds if self._made.extensions.retry else 0
        self._wait(max(gap, retry))

    def _later(self, seconds: float, call: Callable[[], None]) -> Any:
        return self._reactor.callLater(seconds, call)

    @staticmethod
    def _stop(timer: Any) -> None:
        if timer is not None and timer.active():
            timer.cancel()

    # --- downstream ---------------------------------------------------------------------

    def receive(self, client: Client, number: int | None, wishes: Wishes, fields: Fields) -> Any:
        """A downstream request: a status at once, or a Deferred that fires at its end."""
        self._heard = self._reactor.seconds()
        down = self._down
        if self._is_over or (down.is_done and down.is_next(number)):
            return 404
        if down.is_next(number):
            self._finish_response()  # the overlap's rule
        found = down.attach(number, wishes.octets, wishes.offset)
        if found is Attach.FAULT:
            return self._out_of_order()
        if found is Attach.GONE:
            self._lose()
            return 404
        again = found is Attach.AGAIN
        if again and self._response is not None:
            old, self._response = self._response, None
            old.cut()
        self._stop(self._gap)
        response = Response(self, client, wishes, fields)
        self._response = response
        response.begin()
        self._watch(response, wishes)
        if again:
            data, ended = down.replay(wishes.offset)
            if response.is_poll and data and not ended:
                data, ended = data + down.take(_WRITE, all_there_is=True), True
            if data:
                self._write(response, data)
            if ended:
                self._end_response(response)
        self.flush()
        return response.done

    def _watch(self, response: Response, wishes: Wishes) -> None:
        limits = self._limits
        beat = limits.emulation_heartbeat_seconds
        beat = min(wishes.heartbeat or beat, beat)
        self._wrote = self._reactor.seconds()

        def heartbeat() -> None:
            left = self._wrote + beat - self._reactor.seconds()
            if left <= 0.01:
                self._down.push(frames.NOP)
                self.flush()
                left = beat
            if self._response is response:
                response.timers[0] = self._later(left, heartbeat)

        response.timers = [
            self._later(beat, heartbeat),
            self._later(limits.emulation_response_seconds, self._finish_response),
        ]

    def flush(self) -> None:
        """Write what waits, as far as the client keeps up."""
        down = self._down
        response = self._response
        while response is not None and response.is_writable and not response.client.is_gone:
            if response.is_poll and not down.has_frames:
                break
            data = down.take(_WRITE, all_there_is=response.is_poll)
            if not data:
                break
            self._write(response, data)
            if not down.is_open:
                self._end_response(response)
                break
        if self._is_parting and not down.has_frames:
            self._lose(flushed=True)
        self._judge_pace()

    def _write(self, response: Response, data: bytes) -> None:
        self._wrote = self._reactor.seconds()
        response.write(data)

    def _finish_response(self) -> None:
        """End the open response in order, if there is one."""
        response = self._response
        if response is None:
            return
        data = self._down.finish()
        if data:
            self._write(response, data)
        self._end_response(response)

    def _end_response(self, response: Response) -> None:
        if response is not self._response:
            return
        self._response = None
        response.finish()
        if self._down.is_done:
            self._linger()
        else:
            self._await_request()

    def response_lost(self, response: Response) -> None:
        """The client's connection ended before the response did."""
        if response is not self._response:
            return
        self._response = None
        if not self._made.extensions.retry:
            self._lose()
        else:
            self._wait(self._limits.emulation_retry_seconds)
            self._judge_pace()

    def _judge_pace(self) -> None:
        """Tell the relay when too much waits, and when most of it is gone."""
        relay, queued = self._relay, self._down.queued
        if relay is None or self._is_closed:
            return
        bound = self._limits.emulation_buffer_bytes
        if queued > bound and not self._is_congested:
            self._is_congested = True
            self._reached("emulation-buffer-bytes")
            relay.congested(self)
        elif queued <= bound // 2 and self._is_congested:
            self._is_congested = False
            relay.relieved(self)

    def _ping(self) -> None:
        """Ask a silent client for a sign of life; one that gives none is lost."""
        limits = self._limits
        silent = self._reactor.seconds() - self._heard
        every, patience = limits.websocket_ping_seconds, limits.websocket_pong_seconds
        response, wait = self._response, max(every - silent, every / 10)
        if response is not None and silent >= every + patience:
            if not self._made.extensions.retry:
                self._lose()
                return
            self._response = None
            response.cut()
            self._wait(limits.emulation_retry_seconds)
        elif response is not None and silent >= every:
            self._pinged = self._reactor.seconds()
            self._down.push(frames.PING)
            self.flush()
            wait = every + patience - silent
        self._pinger = self._later(wait, self._ping)

    def _answered(self) -> None:
        if self._relay is not None and self._pinged:
            self._relay.answered(self, self._reactor.seconds() - self._pinged)
        self._pinged = 0.0

    # --- upstream -----------------------------------------------------------------------

    def upward(self, number: int | None, source: Arriving, most: int) -> Any:
        """An upstream request: a status at once, or a Deferred of one.

        ``source`` is its body, of at most ``most`` octets, from which frames are taken as they
        come.
        """
        self._heard = self._reactor.seconds()
        if self._is_over or self._is_closed:
            return 404 if self._is_over else 200
        turn = self._up.begin(number, source, most, self._arrived)
        if turn is Turn.FAULT:
            return self._out_of_order()
        if turn is Turn.AGAIN:
            return self._up.answer() if self._up.in_flight else 200
        answer = self._up.answer()
        self._arrived()
        return answer

    def _arrived(self) -> None:
        """There is more of the request in flight, or its end."""
        self._heard = self._reactor.seconds()
        if self._up.is_too_large:
            self._exceeded("emulation-body-bytes")
            self._fail(TOO_BIG, "the request is too large", 413)
        elif self._turn is None:
            self._apply()

    def _apply(self) -> None:
        """Apply frames until there are no more of them, or the other leg does not keep up."""
        self._turn = None
        try:
            for _ in range(_TURN):
                if self._is_held or not self._up.in_flight:
                    return
                frame = self._up.next()
                if isinstance(frame, Dry):
                    self._dried(frame)
                    return
                if frame is not None:
                    self._take(frame)
        except TooLarge:
            self._exceeded("websocket-message-bytes")
            self._fail(TOO_BIG, "the message is too large")
        except Malformed:
            self._fail(PROTOCOL_ERROR, status=400)
        else:
            self._apply_later()

    def _apply_later(self) -> None:
        if self._up.in_flight and self._turn is None:
            self._turn = self._later(0, self._apply)

    def _dried(self, why: Dry) -> None:
        if why is Dry.END:
            self._up.done(200)
        elif why is Dry.AMID and self._relay is not None:
            self._relay.coming(self)
        elif why is Dry.LOST and not self._made.extensions.retry:
            # A page is to hear of a lost connection; who knows no codes, of an end.
            if self._made.extensions.close:
                self._lose()
            else:
                self._fail(PROTOCOL_ERROR)

    def _take(self, frame: Frame) -> None:
        kind = frame.kind
        if self._client_closed or kind is Kind.NOP or self._relay is None:
            return
        if kind in {Kind.PING, Kind.PONG}:
            if not self._made.opening.ping:
                raise Malformed("a ping or pong that was not announced")
            if kind is Kind.PONG:
                self._answered()
            else:
                self._relay.pinged(self)
                self._down.push(frames.PONG)
                self.flush()
        elif kind is Kind.CLOSE:
            if frame.payload and not self._made.extensions.close:
                raise Malformed("a close code that was not announced")
            self._client_closes(self._relay, *frames.read_close(frame.payload))
        elif kind is Kind.TEXT and not self._made.mixed:
            raise Malformed("text where only binary may be")
        elif not self._is_closed:
            self._relay.received(self, frame.payload, binary=kind is Kind.BINARY)
