"""HTTP/1.1 as octets: messages parsed by hand, a raw client, an origin that answers by octets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until ``condition`` holds; fail after ``seconds``."""
    from twisted.internet import reactor

    end = reactor.seconds() + seconds
    while not condition():
        if reactor.seconds() > end:
            raise AssertionError(f"it never came true: {condition}")
        await deferLater(reactor, 0.003)


@attrs.frozen
class Message:
    """A request or response as it was on the wire."""

    line: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""
    connection: Any = None

    def all(self, name: bytes) -> list[bytes]:
        """All values of a field, by its name in lower case."""
        return [value for key, value in self.fields if key.lower() == name]

    def get(self, name: bytes) -> bytes | None:
        """The one value of a field; fails if there are several."""
        values = self.all(name)
        assert len(values) < 2, (name, values)
        return values[0] if values else None

    @property
    def status(self) -> int:
        """A response's status."""
        return int(self.line.split(b" ")[1])

    @property
    def target(self) -> bytes:
        """A request's target."""
        return self.line.split(b" ")[1]


class Truncated(Exception):
    """The connection ended before the message did."""


def parse(data: bytes, *, ended: bool, bodyless: bool = False) -> tuple[Message, bytes] | None:
    """Parse one HTTP/1.1 message and give what is behind it; None: more is needed."""
    head, mark, rest = data.partition(b"\r\n\r\n")
    if not mark:
        if ended:
            raise Truncated(data)
        return None
    line, *lines = head.split(b"\r\n")
    fields = tuple((key, value.strip()) for key, _, value in (one.partition(b":") for one in lines))
    message = Message(line, fields)
    is_response = line.startswith(b"HTTP/")
    if bodyless or (is_response and (message.status in {204, 304} or message.status < 200)):
        return message, rest
    if message.get(b"transfer-encoding") == b"chunked":
        body = b""
        while True:
            size, mark, after = rest.partition(b"\r\n")
            length = int(size.partition(b";")[0], 16) if mark else 0
            if not mark or len(after) < length + 2:
                if ended:
                    raise Truncated(data)
                return None
            body, rest = body + after[:length], after[length + 2 :]
            if not length:
                return attrs.evolve(message, body=body), rest
    declared = message.get(b"content-length")
    if declared is None:
        if not is_response:
            return message, rest
        return (attrs.evolve(message, body=rest), b"") if ended else None
    if len(rest) < int(declared):
        if ended:
            raise Truncated(data)
        return None
    return attrs.evolve(message, body=rest[: int(declared)]), rest[int(declared) :]


class Connection(Protocol):
    """A raw client: octets out, octets and HTTP messages in."""

    def __init__(self) -> None:
        self.buffer = b""
        self.total = 0
        self.ended = False
        self.keep = True

    def dataReceived(self, data: bytes) -> None:
        self.total += len(data)
        if self.keep:
            self.buffer += data

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = True

    def write(self, data: bytes) -> None:
        """Send octets."""
        self.transport.write(data)

    async def closed(self) -> None:
        """Wait for the connection's end."""
        await until(lambda: self.ended)

    async def response(self, *, bodyless: bool = False) -> Message:
        """The next whole response; ``Truncated`` when it breaks off."""
        found: list[tuple[Message, bytes]] = []

        def whole() -> bool:
            parsed = parse(self.buffer, ended=self.ended, bodyless=bodyless)
            if parsed is not None:
                found.append(parsed)
            return parsed is not None

        await until(whole)
        message, self.buffer = found[0]
        return message


class _OriginConnection(Protocol):
    """One connection of an origin: whole requests go to the factory's ``answer``."""

    def __init__(self) -> None:
        self.buffer = b""
        self.ended = False

    def connectionMade(self) -> None:
        self.factory.connections.append(self)

    def dataReceived(self, data: bytes) -> None:
        self.buffer += data
        while (parsed := parse(self.buffer, ended=False)) is not None:
            message, self.buffer = parsed
            message = attrs.evolve(message, connection=self)
            self.factory.requests.append(message)
            answer = self.factory.answer(message)
            if answer is not None:
                self.write(answer)

    def write(self, data: bytes) -> None:
        """Send octets, ``Connection: close`` as it says."""
        self.transport.write(data)
        if b"Connection: close" in data:
            self.transport.loseConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = True


class Origin(Factory):
    """An origin that remembers its requests and answers with given octets (None: later)."""

    protocol = _OriginConnection
    noisy = False

    def __init__(self, answer: Callable[[Message], bytes | None] | bytes) -> None:
        self.answer = (lambda _: answer) if isinstance(answer, bytes) else answer
        self.requests: list[Message] = []
        self.connections: list[Any] = []


def reply(
    body: bytes = b"", *fields: bytes, status: bytes = b"200 OK", length: bool = True
) -> bytes:
    """A response's octets; without ``length`` the connection's end is the body's."""
    framing = b"Content-Length: %d" % len(body) if length else b"Connection: close"
    return b"\r\n".join((b"HTTP/1.1 " + status, *fields, framing, b"", body))
