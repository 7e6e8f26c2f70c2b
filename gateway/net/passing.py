"""One request on its way from a process to the one that has its WebSocket: both its ends.

Pieces with their length before them.  There: the head (JSON), the body as it comes, an empty
piece at its end; a connection that is lost before is a request that broke off.  Back: status
and fields, the answer's body, an empty piece.
"""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import Int32StringReceiver
from zope.interface import implementer

from gateway import wire
from gateway.exchange.emulated import Downward, Upward
from gateway.net.arriving import Arriving
from gateway.websocket.emulation.request import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from gateway.net.client import Client
    from gateway.rewrite.headers import Fields

    _Short = Callable[[int, Fields, bytes], None]
    _Serve = Callable[[Upward | Downward, "Served"], None]

_CHUNK = 64 * 1024
_IN_MEMORY = 100_000
"""So much of a body waits in memory, the rest on the disk; as twisted.web has it."""


class Strings(Int32StringReceiver):
    """Pieces of a request or an answer; an empty one is its end."""

    MAX_LENGTH = 1024 * 1024
    transport: Any

    def lengthLimitExceeded(self, length: int) -> None:
        """No piece is so long."""
        del length
        self.transport.abortConnection()

    def send_head(self, told: dict[str, Any]) -> None:
        """The first piece."""
        self.sendString(json.dumps(told).encode("ascii"))

    def send(self, data: bytes) -> None:
        """Octets, in pieces."""
        for at in range(0, len(data), _CHUNK):
            self.sendString(data[at : at + _CHUNK])


def _pairs(fields: Fields) -> list[list[str]]:
    return [[name.decode("latin-1"), value.decode("latin-1")] for name, value in fields]


def _fields(pairs: list[list[str]]) -> Fields:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs)


def _told(ending: Upward | Downward) -> dict[str, Any]:
    told: dict[str, Any] = {"id": ending.id, "number": ending.number, "sound": ending.sound}
    told["fields"] = _pairs(ending.fields)
    if isinstance(ending, Downward):
        told["wishes"] = attrs.asdict(ending.wishes)
    return told


def _heard(told: dict[str, Any]) -> Upward | Downward:
    fields = _fields(told["fields"])
    if "wishes" not in told:
        return Upward(told["id"], told["number"], told["sound"], fields)
    return Downward(told["id"], told["number"], Wishes(**told["wishes"]), told["sound"], fields)


class Served(Strings):
    """A request that another process passed on; to the leg it is a client like any other."""

    def __init__(self, known: set[Served], serve: _Serve) -> None:
        """``known`` has it while it lasts; ``serve`` is called when its head is there."""
        self._known = known
        self._serve = serve
        self._body: Arriving | None = None
        self._on_gone: list[Callable[[], None]] = []
        self._is_over = False
        self.is_gone = False

    def connectionMade(self) -> None:
        """Known, so that it ends with the process."""
        self._known.add(self)

    def stringReceived(self, string: bytes) -> None:
        """The head, the body, the end."""
        body = self._body
        if body is None:
            told = json.loads(string)
            content = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (kept)
            self._body = Arriving(content, told.get("length"))
            self._serve(_heard(told), self)
        elif string:
            body.add(string)
        else:
            body.end()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client left, or the process between."""
        del reason
        self._known.discard(self)
        self.is_gone = True
        if self._body is not None:
            self._body.lose(lambda: None)  # what is left is read from its file
        callbacks, self._on_gone = self._on_gone, []
        if not self._is_over:
            for callback in callbacks:
                callback()

    # What a leg asks of a client.

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back once when the client disconnects before the answer's end."""
        self._on_gone.append(callback)

    def arriving(self) -> Arriving:
        """The body, whether it is whole or still comes."""
        if self._body is None:
            raise RuntimeError("a request without a head is not served")
        return self._body

    async def until_whole(self) -> None:
        """Wait until the body has come, which nobody reads any more; see ``Client``."""
        body = self.arriving()
        if not body.is_whole:
            body.stop()
            await body.ended()
            if body.is_lost:
                raise CancelledError

    def start(self, status: int, reason: bytes, fields: Fields) -> None:
        """Status and fields."""
        del reason
        if not self.is_gone:
            self.send_head({"status": status, "fields": _pairs(fields)})

    def write(self, data: bytes) -> None:
        """A part of the answer."""
        if not self.is_gone:
            self.send(data)

    def finish(self) -> None:
        """The answer is whole."""
        self._is_over = True
        if not self.is_gone:
            self.sendString(b"")
            self.transport.loseConnection()

    def break_off(self) -> None:
        """It ends when what was written is out, and is not whole."""
        self._is_over = True
        if not self.is_gone:
            self.transport.loseConnection()

    def abort(self) -> None:
        """It breaks off."""
        self._is_over = True
        if not self.is_gone:
            self.transport.abortConnection()

    def register_producer(self, producer: IPushProducer) -> None:
        """Let the pace of the other process be the leg's."""
        if not self.is_gone:
            self.transport.registerProducer(producer, streaming=True)

    def unregister_producer(self) -> None:
        """The leg has written all."""
        if not self.is_gone:
            self.transport.unregisterProducer()

    def short(self, status: int, fields: Fields, body: bytes) -> None:
        """A whole answer."""
        if not self.is_gone:
            self.send_head({"status": status, "fields": _pairs(fields), "short": True})
        self.write(body)
        self.finish()


@implementer(IPushProducer)
class _Body:
    """A request's body on its way, at the other process's pace."""

    def __init__(self, source: Arriving, way: Passed) -> None:
        self._source = source
        self._way = way
        self._is_paused = False
        self.is_over = False
        self.is_lost = False

    def begin(self) -> None:
        """What is there, then what comes."""
        self._way.transport.registerProducer(self, streaming=True)
        self._source.listen(self._go_on)
        self._go_on()

    def _go_on(self) -> None:
        source = self._source
        while not self._is_paused and not self.is_over:
            data = source.read(_CHUNK)
            if data:
                self._way.sendString(data)
            elif source.is_whole:
                self.stop()
                self._way.sendString(b"")
            elif source.is_lost:
                self.is_lost = True
                self.stop()
                self._way.transport.loseConnection()
            else:
                return

    def stop(self) -> None:
        """Nothing more is sent."""
        if not self.is_over:
            self.is_over = True
            self._source.stop()
            self._way.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """The other process does not keep up."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """It does again."""
        self._is_paused = False
        self._go_on()

    def stopProducing(self) -> None:
        """It is gone."""
        self.stop()


@implementer(IPushProducer)
class Passed(Strings):
    """A client's request on its way to another process; ``done`` fires with what went wrong."""

    def __init__(
        self, ending: Upward | Downward, client: Client, short: _Short, request_id: str
    ) -> None:
        """``request_id``: of this process."""
        self._named = ((wire.REQUEST_ID_HEADER, request_id.encode("ascii")),)
        self._ending = ending
        self._client = client
        self._short = short
        self._body: _Body | None = None
        self._head: dict[str, Any] | None = None
        self._said = b""
        self._is_over = False
        self.done: Deferred[str] = Deferred(lambda _: self._drop())

    def connectionMade(self) -> None:
        """Say what there is to be said."""
        self._client.when_gone(self._drop)
        told = _told(self._ending)
        if isinstance(self._ending, Upward):
            source = self._client.arriving()
            self.send_head({**told, "length": source.declared})
            self._body = _Body(source, self)
            self._body.begin()
        else:
            self.send_head(told)
            self.sendString(b"")

    def stringReceived(self, string: bytes) -> None:
        """The answer's head, its parts, its end."""
        head = self._head
        if head is None:
            self._head = head = json.loads(string)
            if "short" not in head:
                self._client.start(head["status"], b"", (*_fields(head["fields"]), *self._named))
                self._client.register_producer(self)
        elif string and "short" in head:
            self._said += string
        elif string:
            self._client.write(string)
        elif "short" in head:
            # Before who waits is told: it writes down what was answered.
            self._short(head["status"], _fields(head["fields"]), self._said)
            self._end("")
        else:
            self._end("")
            self._client.finish()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Before the end: a dropped connection, as a native one would be."""
        del reason
        if self._is_over:
            return
        begun = self._head is not None and "short" not in self._head
        whole = not isinstance(self._ending, Upward) or self._client.arriving().is_whole
        if whole and not begun:
            self._short(404, self._ending.fields, b"")
        self._end("the process that has it is gone")
        if begun:
            self._client.break_off()
        elif not whole:
            self._client.abort()

    def _end(self, why: str) -> None:
        if self._head is not None and "short" not in self._head:
            self._client.unregister_producer()
        self._is_over = True
        if self._body is not None:
            self._body.stop()
        if not self.done.called:
            self.done.callback(why)

    def _drop(self) -> None:
        """The client is gone; what it had sent of a request goes out first."""
        self._is_over = True
        if self.transport is None or (self._body is not None and self._body.is_lost):
            return
        if self._body is not None:
            self._body.stop()
        self.transport.abortConnection()

    def pauseProducing(self) -> None:
        """The client does not keep up."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """It does again."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._drop()
