"""A client of the WebSocket fallback, written from its page alone: octets out, frames in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.websocket.emulation.frames import Decoder, Frame, Kind
from tests.net.harness import SHOP, WS, host_of
from tests.net.peers import SocketCase, websocket_origin
from tests.net.raw import Connection, Message, until

if TYPE_CHECKING:
    from tests.net.harness import Gateway
    from tests.net.peers import ServerPeer

RECONNECT = b"\x01" + b"01" + b"\xff"
CLOSE = b"\x01" + b"02" + b"\xff"
ALL = b"x-gw-close, x-gw-retry, x-gw-verdict"
PAGE = f"https://{host_of(SHOP)}".encode()


def text(payload: str) -> bytes:
    """A short text frame made by hand."""
    octets = payload.encode()
    assert len(octets) < 128
    return b"\x81" + bytes([len(octets)]) + octets


class Down:
    """A downstream response while it comes."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def head(self) -> Message | None:
        """Its head, once it is there."""
        head, mark, _ = self.connection.buffer.partition(b"\r\n\r\n")
        if not mark:
            return None
        line, *lines = head.split(b"\r\n")
        split = (one.partition(b":") for one in lines)
        return Message(line, tuple((name, value.strip()) for name, _, value in split))

    def _body(self) -> tuple[bytes, bool]:
        head = self.head
        if head is None:
            return b"", False
        rest = self.connection.buffer.partition(b"\r\n\r\n")[2]
        length = head.get(b"content-length")
        if length is not None:
            return rest[: int(length)], len(rest) >= int(length)
        body = b""
        while True:
            size, mark, after = rest.partition(b"\r\n")
            if not mark:
                return body, False
            count = int(size, 16)
            if count == 0:
                return body, True
            body, rest = body + after[:count], after[count + 2 :]
            if len(after) < count + 2:
                return body, False

    @property
    def octets(self) -> bytes:
        """Its body so far."""
        return self._body()[0]

    @property
    def is_whole(self) -> bool:
        """Whether it ended as HTTP says."""
        return self._body()[1]

    @property
    def frames(self) -> list[Frame]:
        """Its frames so far."""
        decoder = Decoder(1 << 30)
        decoder.feed(self.octets)
        found = []
        while (frame := decoder.next()) is not None:
            found.append(frame)
        return found

    @property
    def kinds(self) -> str:
        """Their kinds."""
        return " ".join(frame.kind.value for frame in self.frames)

    @property
    def payloads(self) -> list[bytes]:
        """What the messages among them say."""
        kinds = {Kind.TEXT, Kind.BINARY}
        return [frame.payload for frame in self.frames if frame.kind in kinds]

    async def begun(self) -> Message:
        """Wait for its head."""
        await until(lambda: self.head)
        assert self.head is not None
        return self.head

    async def whole(self) -> str:
        """Wait for its end; the kinds of its frames."""
        await until(lambda: self.is_whole)
        return self.kinds

    def abort(self) -> None:
        """Vanish."""
        self.connection.transport.abortConnection()


class Emulated:
    """One emulated WebSocket's client."""

    def __init__(self, gateway: Gateway, number: int = 7, origin: bytes | None = PAGE) -> None:
        self.gateway = gateway
        self.number = number
        self.up_number = self.down_number = number
        self.origin = origin
        self.cookie: bytes | None = gateway.cookie
        self.host = host_of(WS)
        self.created: Message | None = None
        self.up_target = self.down_target = ""

    async def ask(
        self,
        target: str,
        *fields: bytes,
        method: bytes = b"POST",
        body: bytes | None = b"",
        origin: Any = "own",
        cookie: Any = "own",
        host: str | None = None,
    ) -> Connection:
        """Send one request on a connection of its own."""
        lines = [method + b" " + target.encode() + b" HTTP/1.1"]
        lines += [b"Host: " + (host or self.host).encode(), *fields]
        origin = self.origin if origin == "own" else origin
        cookie = self.cookie if cookie == "own" else cookie
        lines += [b"Origin: " + origin] if origin else []
        lines += [b"Cookie: " + cookie] if cookie else []
        if body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        connection: Connection = await self.gateway.connect()
        connection.write(b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""))
        return connection

    async def create(
        self,
        path: str = "/ws",
        *fields: bytes,
        suffix: str = "/;e/cbm",
        query: str = "",
        token: bool = True,
        **more: Any,
    ) -> Message:
        """The create's answer; the URLs are kept."""
        target = path + suffix + ("?" + query if query else "")
        target = self.gateway.with_token(target) if token else target
        given = (
            b"X-WebSocket-Version: wseb-1.0",
            b"X-Sequence-No: %d" % self.number,
            *fields,
        )
        connection = await self.ask(target, *given, **more)
        self.created = await connection.response()
        if self.created.status == 201:
            start = f"https://{self.host}"
            up, down, rest = self.created.body.decode().split("\n")
            assert not rest, rest
            assert up.startswith(start), (up, start)
            assert down.startswith(start), (down, start)
            self.up_target, self.down_target = up[len(start) :], down[len(start) :]
        return self.created

    async def down(
        self, query: str = "", *, number: int | None = None, method: bytes = b"GET", **more: Any
    ) -> Down:
        """Ask for the next response, or for another number's."""
        if number is None:
            self.down_number += 1
            number = self.down_number
        target = self.down_target + ("?" + query if query else "")
        field = b"X-Sequence-No: %d" % number
        connection = await self.ask(target, field, method=method, body=None, **more)
        return Down(connection)

    async def up_later(self, body: bytes, *, number: int | None = None, **more: Any) -> Connection:
        """Send frames; do not wait for the answer."""
        if number is None:
            self.up_number += 1
            number = self.up_number
        fields = (
            b"X-Sequence-No: %d" % number,
            b"Content-Type: application/octet-stream",
        )
        return await self.ask(self.up_target, *fields, body=body, **more)

    async def up(self, body: bytes, **more: Any) -> int:
        """Send frames, RECONNECT included; the status."""
        connection = await self.up_later(body, **more)
        return (await connection.response()).status


class EmulatedCase(SocketCase):
    """Base of the tests that need the fallback."""

    async def emulated(
        self,
        *fields: bytes,
        options: dict[str, Any] | None = None,
        gateway_options: dict[str, Any] | None = None,
        create: dict[str, Any] | None = None,
        **limits: float,
    ) -> tuple[Gateway, Emulated, ServerPeer]:
        """A gateway, a client that has its 201, and the site's side."""
        limits = {"websocket_close_seconds": 2, **limits}
        self.upstream = upstream = websocket_origin(**(options or {}))
        gateway = await self.gateway({WS: upstream}, **(gateway_options or {}), **limits)
        client = Emulated(gateway)
        self.made = gateway
        answer = await client.create("/ws", *fields, **(create or {}))
        assert answer.status == 201, answer
        await until(lambda: upstream.peers and upstream.peers[0].opened)
        return gateway, client, upstream.peers[0]
