"""A loopback server that remembers every request, every bare connection and every datagram."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from email.parser import Parser

import attrs

_TLS_HANDSHAKE = 0x16
_STUN_COOKIE = b"\x21\x12\xa4\x42"


@attrs.frozen
class Request:
    """What a client asked for."""

    method: str
    host: str
    path: str


@attrs.frozen
class Answer:
    """What it gets."""

    body: bytes = b""
    kind: str = "text/html"
    fields: tuple[tuple[str, str], ...] = ()
    status: int = 200


@attrs.define
class Connection:
    """One TCP connection: the server name or the first octets, and how much it asked for."""

    label: str
    requests: int = 0


def silent(_request: Request) -> Answer:
    """An empty answer to everything: only the arrival counts."""
    return Answer(fields=(("Access-Control-Allow-Origin", "*"),))


def datagram_label(octets: bytes) -> str:
    """What it is: no datagram names its way."""
    if octets[4:8] == _STUN_COOKIE:
        # A peer's check begins with a user name, what asks a server has no attributes.
        return "check" if octets[20:] else "stun"
    return "quic" if octets[:1] >= b"\xc0" else octets[:8].hex()


class Wire:
    """Speaks TLS or plain HTTP on one TCP port, as the client begins, and listens for UDP there."""

    def __init__(self, certificate: tuple[str, str], answer=silent) -> None:
        """Listen at once; ``answer`` is called in threads."""
        self._answer = answer
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._context.sni_callback = self._named
        self._handshake = threading.local()
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self.datagrams: list[str] = []
        self._tcp, self._udp = _same_port()
        self.port = self._tcp.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._receive, daemon=True).start()

    def _named(self, stream: ssl.SSLSocket, name: str | None, _context) -> None:
        # A client may go away right after its first message, which already told the name.
        self._handshake.name = name

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _receive(self) -> None:
        while True:
            try:
                self.datagrams.append(datagram_label(self._udp.recv(4096)))
            except OSError:
                return

    def _serve(self, stream: socket.socket) -> None:
        connection = Connection("(no octets)")
        self.connections.append(connection)
        with contextlib.suppress(OSError, ValueError):
            first = stream.recv(8, socket.MSG_PEEK)
            if first[:1] == bytes([_TLS_HANDSHAKE]):
                try:
                    stream = self._context.wrap_socket(stream, server_side=True)
                finally:
                    connection.label = getattr(self._handshake, "name", None) or "(no name)"
            elif first:
                connection.label = "stun" if _STUN_COOKIE in first else "plain"
            with stream.makefile("rb") as reader:
                while self._exchange(reader, stream, connection):
                    pass
        stream.close()

    def _exchange(self, reader, stream: socket.socket, connection: Connection) -> bool:
        words = reader.readline(65536).decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/"):
            return False
        lines = []
        while (line := reader.readline(65536)) not in {b"\r\n", b"\n", b""}:
            lines.append(line.decode("latin-1"))
        fields = Parser().parsestr("".join(lines))
        host = fields.get("Host", connection.label).partition(":")[0]
        request = Request(words[0], host, words[1])
        connection.requests += 1
        self.requests.append(request)
        reader.read(int(fields.get("Content-Length", "0")))
        chunked = "Transfer-Encoding" in fields
        answer = self._answer(request)
        head = [
            f"HTTP/1.1 {answer.status} Answer",
            f"Content-Type: {answer.kind}",
            f"Content-Length: {len(answer.body)}",
            *(f"{name}: {value}" for name, value in answer.fields),
            *(["Connection: close"] if chunked else []),
        ]
        text = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n"
        stream.sendall(text if words[0] == "HEAD" else text + answer.body)
        return not chunked

    @property
    def bare(self) -> list[str]:
        """The labels of connections on which nothing was asked."""
        return [one.label for one in self.connections if not one.requests]

    @property
    def seen(self) -> tuple[int, int, int]:
        """How many requests, connections and datagrams arrived."""
        return len(self.requests), len(self.connections), len(self.datagrams)

    def close(self) -> None:
        """Stop listening."""
        for one in (self._tcp, self._udp):
            # Closing alone does not wake a thread that waits.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _same_port() -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket on one port: the browser's host rules map both alike."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0), backlog=512)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return tcp, udp


def until_quiet(wires: list[Wire], still: float, limit: float, pump) -> None:
    """Wait until nothing has arrived for ``still`` seconds, ``limit`` seconds at most.

    There is no event for "nothing will come"; a bounded silence is what absence can be shown by.
    ``pump`` lets the browser's driver work meanwhile.  Datagrams do not count: STUN repeats.
    """
    end = time.monotonic() + limit
    before, since = [one.seen[:2] for one in wires], time.monotonic()
    while time.monotonic() < min(end, since + still):
        pump()
        now = [one.seen[:2] for one in wires]
        if now != before:
            before, since = now, time.monotonic()
