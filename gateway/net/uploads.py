"""Request bodies on their way to origins, addresses in them expanded.

A body is spooled before it goes up.  Most name no host of ours and pass as they are; the
others are read twice, for their length must be told before they are: the first time in a
thread, if they are large.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from gateway.net.client import SizedProducer
from gateway.rewrite.outgoing import names_any

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IConsumer

    from gateway.net.client import Client
    from gateway.net.threads import Threads
    from gateway.rewrite.outgoing import Mapper
    from gateway.rewrite.outgoing_forms import Outgoing

_STEP = 64 * 1024
_OVERLAP = 512
"""More than a name of ours is long, also in base64."""
_AT_ONCE = 256 * 1024
"""How much is read for the first time on the reactor's own thread."""


class Mapped:
    """A file as its mapper gives it, from the first octet on, read once."""

    def __init__(self, source: IO[bytes], mapper: Mapper) -> None:
        """``source`` stands at the body's beginning."""
        self._source = source
        self._mapper = mapper
        self._ended = False

    def read(self, size: int) -> bytes:
        """About so much; nothing at the end alone."""
        while not self._ended:
            data = self._source.read(size)
            self._ended = not data
            out = self._mapper.feed(data) if data else self._mapper.close()
            if out:
                return out
        return b""

    def close(self) -> None:
        """The file is no longer needed."""
        self._source.close()


def _differs(source: IO[bytes], plan: Outgoing) -> int | None:
    """The size of the mapped body; None where it is the body itself."""
    source.seek(0)
    overlap = b""
    if plan.counts(source.read(_STEP)):
        return None
    source.seek(0)
    while data := source.read(_STEP):
        if names_any(overlap + data, plan.codec):
            break
        overlap = data[-_OVERLAP:]
    else:
        return None
    source.seek(0)
    mapped, size, same = Mapped(source, plan.mapper()), 0, True
    with_it = _Follower(source)
    while data := mapped.read(_STEP):
        size += len(data)
        same = same and with_it.reads(data)
    return None if same and with_it.is_at(size) else size


class _Follower:
    """Compares what is given with the same file, without holding it."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._at = 0

    def reads(self, data: bytes) -> bool:
        kept = self._source.tell()
        self._source.seek(self._at)
        same = self._source.read(len(data)) == data
        self._at += len(data)
        self._source.seek(kept)
        return same

    def is_at(self, size: int) -> bool:
        self._source.seek(0, 2)
        return self._source.tell() == size


@implementer(IBodyProducer)
class Watched:
    """A request's body that tells of each part sent: the wait for an answer begins after it."""

    def __init__(self, body: IBodyProducer, progress: Callable[[], object]) -> None:
        """``progress`` is called for each part."""
        self._body = body
        self._progress = progress
        self.length = body.length

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """See ``IBodyProducer``."""
        self._consumer = consumer
        started: Deferred[None] = self._body.startProducing(self)
        return started

    def write(self, data: bytes) -> None:
        """A part is sent."""
        self._progress()
        self._consumer.write(data)

    def pauseProducing(self) -> None:
        """See ``IBodyProducer``."""
        self._body.pauseProducing()

    def resumeProducing(self) -> None:
        """See ``IBodyProducer``."""
        self._body.resumeProducing()

    def stopProducing(self) -> None:
        """See ``IBodyProducer``."""
        self._body.stopProducing()


async def producer_for(
    client: Client, plan: Outgoing | None, threads: Threads
) -> IBodyProducer | None:
    """The body for an upstream request; None where there is none."""
    content = client.body()
    if plan is None or content is None:
        return client.body_producer()
    large = client.bytes_received > _AT_ONCE
    size = await threads.run(_differs, content, plan) if large else _differs(content, plan)
    content.seek(0)
    if size is None:
        return client.body_producer()
    return SizedProducer(Mapped(content, plan.mapper()), size)
