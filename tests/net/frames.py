"""WebSocket frames as octets: made by hand, well or badly, and read; raw peers for both sides."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import TYPE_CHECKING, Any

from twisted.internet.protocol import Factory, Protocol

from tests.net.harness import SHOP, WS, GatewayCase, host_of
from tests.net.raw import until

if TYPE_CHECKING:
    from tests.net.harness import Gateway

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = base64.b64encode(b"k" * 16)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MASK = b"\x11\x22\x33\x44"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = False,
    form: int | None = None,
    length: int | None = None,
) -> bytes:
    """One frame.

    ``form``: how the length is written (7, 16 or 64 bits), by default as short as can be;
    ``length``: what it says, by default the truth.
    """
    said = len(payload) if length is None else length
    if form is None:
        form = 7 if said < 126 else 16 if said < 65536 else 64
    bit = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([bit | said])
    elif form == 16:
        head += struct.pack("!BH", bit | 126, said)
    else:
        head += struct.pack("!BQ", bit | 127, said)
    if not masked:
        return head + payload
    return head + _MASK + bytes(octet ^ _MASK[at % 4] for at, octet in enumerate(payload))


def closing(code: int | None = None, reason: bytes = b"", *, masked: bool = False) -> bytes:
    """A close frame with any code."""
    body = b"" if code is None else struct.pack("!H", code) + reason
    return frame(CLOSE, body, masked=masked)


class RawSocket(Protocol):
    """One side of a WebSocket made by hand; answers nothing but, if it is told to, a close."""

    masked = False
    """Whether it is a client: what it sends is masked then."""

    def __init__(self) -> None:
        self.buffer = b""
        self.frames: list[tuple[int, bytes]] = []
        self.head = b""
        self.ended = False
        self.answers_close = True
        self.said_close = False

    def dataReceived(self, data: bytes) -> None:
        self.buffer += data
        if not self.head:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            self.head, self.buffer = head, rest
            self.head_came()
        self._read()

    def head_came(self) -> None:
        """The other side's part of the handshake is whole."""

    def _read(self) -> None:
        while len(self.buffer) >= 2:
            at, length = 2, self.buffer[1] & 127
            if length > 125:
                size = 2 if length == 126 else 8
                at, length = at + size, int.from_bytes(self.buffer[2 : 2 + size], "big")
            mask = b"\0\0\0\0"
            if self.buffer[1] & 128:
                mask, at = self.buffer[at : at + 4], at + 4
            if len(self.buffer) < at + length:
                return
            opcode, payload = self.buffer[0] & 15, self.buffer[at : at + length]
            payload = bytes(octet ^ mask[i % 4] for i, octet in enumerate(payload))
            self.buffer = self.buffer[at + length :]
            self.frames.append((opcode, payload))
            if opcode == CLOSE and self.answers_close and not self.said_close:
                self.said_close = True
                self.transport.write(frame(CLOSE, payload[:2], masked=self.masked))
                if not self.masked:
                    self.transport.loseConnection()

    @property
    def told(self) -> int | str | None:
        """How the other side ended it: a code, 0 without one, ``dropped``; None: not yet."""
        for opcode, payload in self.frames:
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0] if payload else 0
        return "dropped" if self.ended else None

    @property
    def messages(self) -> list[bytes]:
        """The payloads of data frames."""
        return [payload for opcode, payload in self.frames if opcode < CLOSE]

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = True

    def write(self, data: bytes) -> None:
        """Send octets."""
        self.transport.write(data)


class RawServer(RawSocket):
    """An origin's side."""

    def connectionMade(self) -> None:
        self.factory.peers.append(self)

    def head_came(self) -> None:
        key = next(
            line.partition(b":")[2].strip()
            for line in self.head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        )
        digest = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        self.factory.answer(
            self,
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + digest + b"\r\n\r\n",
        )


class RawClient(RawSocket):
    """A browser's side."""

    masked = True


def raw_origin(answer: Any = RawServer.write) -> Any:
    """A factory of origins' sides; ``answer(peer, head)`` sends the 101."""
    factory = Factory.forProtocol(RawServer)
    factory.noisy = False
    factory.peers = []
    factory.answer = answer
    return factory


def opening(gateway: Gateway, *fields: bytes, target: str = "/", to: str = WS) -> bytes:
    """A client's handshake with a page's token."""
    lines = (
        f"GET {gateway.with_token(target)} HTTP/1.1".encode(),
        f"Host: {host_of(to)}".encode(),
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + KEY,
        f"Origin: https://{host_of(SHOP)}".encode(),
        b"Cookie: " + gateway.cookie,
        *fields,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n"


class RawCase(GatewayCase):
    """Base of the tests that need octets at both ends of a WebSocket."""

    _made = 0

    async def raw_client(self, gateway: Gateway, *fields: bytes, target: str = "/") -> RawClient:
        """A client's side whose handshake was answered."""
        factory = Factory.forProtocol(RawClient)
        client = await self.client(gateway.port, factory=factory)
        client.write(opening(gateway, *fields, target=target))
        await until(lambda: client.head or client.ended)
        return client

    async def raw_pair(
        self, gateway: Gateway, origin: Any, *fields: bytes
    ) -> tuple[RawClient, RawServer]:
        """Both ends of one WebSocket through ``gateway``; ``fields`` are the client's own."""
        self._made += 1
        target = f"/{self._made}"
        client = await self.raw_client(gateway, *fields, target=target)
        assert client.head.startswith(b"HTTP/1.1 101"), client.head
        line = f"GET {target} ".encode()
        return client, next(one for one in origin.peers if one.head.startswith(line))
