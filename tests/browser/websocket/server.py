"""An origin whose WebSockets do what their address says, and which remembers what it heard.

``/ws?run=STEPS`` with steps separated by ``|``: ``echo``, ``told``, ``wait``, ``send:TEXT``,
``text:N``, ``binary:N``, ``raw:HEX``, ``close``, ``close:CODE:REASON``, ``drop``, ``sleep:MS``.
``status``, ``accept``, ``choose``, ``extension``, ``field`` and ``hang`` bend the handshake.
``/heard?id=ID`` tells what came on the connection of that name, once it has ended.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
import time
from urllib.parse import parse_qsl

from tests.browser.differential import server
from tests.browser.differential.server import Answer, Asked, cors

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE = 6.0
"""Seconds for which who asks what was heard is let wait for a connection's end."""
SILENCE = 20.0
"""Seconds after which a client is gone that says nothing."""
KINDS = {1: "text", 2: "binary", 9: "ping", 10: "pong"}


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A server's frame."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + struct.pack(">H", size)
    else:
        length = b"\x7f" + struct.pack(">Q", size)
    return bytes([opcode | (0x80 if fin else 0)]) + length + payload


class _Over(Exception):
    """The client's connection has ended."""


class Peer:
    """The server's end of one WebSocket."""

    def __init__(self, handler: _Handler, heard: list) -> None:
        """On an accepted connection."""
        self._read, self._write = handler.rfile, handler.wfile
        self._connection = handler.connection
        self.heard = heard
        self._parts: list[bytes] = []
        self._closing = False

    def _exactly(self, size: int) -> bytes:
        found = self._read.read(size)
        if len(found) < size:
            raise _Over
        return found

    def send(self, data: bytes) -> None:
        """Write octets as they are."""
        self._write.write(data)
        self._write.flush()

    def message(self) -> tuple[int, bytes]:
        """The next message; pings are answered, a close ends it."""
        kind = 0
        while True:
            first, second = self._exactly(2)
            size = second & 127
            if size == 126:
                (size,) = struct.unpack(">H", self._exactly(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self._exactly(8))
            mask = self._exactly(4)
            payload = self._exactly(size)
            if size:
                whole = int.from_bytes(payload, "big")
                key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
                payload = (whole ^ key).to_bytes(size, "big")
            opcode = first & 15
            if opcode == 8:
                self._closed(payload)
            if opcode >= 8:
                if opcode == 9:
                    self.send(frame(10, payload))
                continue
            kind = opcode or kind
            self._parts.append(payload)
            if first & 128:
                whole_message, self._parts = b"".join(self._parts), []
                self._note(kind, whole_message)
                return kind, whole_message

    def _note(self, kind: int, payload: bytes) -> None:
        if len(payload) > 100:
            shown = f"{len(payload)} octets, {hashlib.sha256(payload).hexdigest()[:16]}"
        else:
            shown = payload.hex() if kind == 2 else payload.decode("utf-8", "backslashreplace")
        self.heard.append([KINDS[kind], shown])

    def _closed(self, payload: bytes) -> None:
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        self.heard.append(["close", code, payload[2:].decode("utf-8", "backslashreplace")])
        if not self._closing:
            self.send(frame(8, payload))
        raise _Over

    def close(self, payload: bytes) -> None:
        """Send a close frame, and wait for the answer."""
        self._closing = True
        self.send(frame(8, payload))
        while True:
            self.message()

    def drop(self) -> None:
        """Vanish."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        raise _Over

    def run(self, steps: str, asked: Asked) -> None:
        """Do what the address says, then echo nothing and wait for the end."""
        for step in filter(None, steps.split("|")):
            name, _, rest = step.partition(":")
            if name == "echo":
                while True:
                    kind, payload = self.message()
                    self.send(frame(kind, payload))
            elif name == "told":
                self.send(frame(1, json.dumps(told(asked)).encode()))
            elif name == "wait":
                self.message()
            elif name == "send":
                self.send(frame(1, rest.encode()))
            elif name == "text":
                self.send(frame(1, (b"0123456789" * (int(rest) // 10 + 1))[: int(rest)]))
            elif name == "binary":
                self.send(frame(2, bytes(at % 251 for at in range(int(rest)))))
            elif name == "raw":
                self.send(bytes.fromhex(rest))
            elif name == "close":
                code, _, reason = rest.partition(":")
                self.close(struct.pack(">H", int(code)) + reason.encode() if code else b"")
            elif name == "sleep":
                time.sleep(int(rest) / 1000)
            elif name == "drop":
                self.drop()
        while True:
            self.message()


def told(asked: Asked) -> dict[str, str]:
    """A handshake as its origin saw it."""
    names = ("Host", "Origin", "Cookie", "Sec-WebSocket-Protocol", "Sec-WebSocket-Version")
    fields = {name: asked.fields.get(name, "") for name in names}
    return {"method": asked.method, "target": asked.target, **fields}


class _Handler(server._Handler):
    server: _Server

    def do_any(self) -> None:
        """A handshake, or a page."""
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.close_connection = True
            with contextlib.suppress(OSError, ConnectionError):
                self._socket()
        else:
            super().do_any()

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_any

    def _socket(self) -> None:
        secure = self.server.context is not None
        asked = Asked("GET", self.headers.get("Host", ""), self.path, self.headers, b"", secure)
        site = self.server.site
        wanted = parse_qsl(asked.target.partition("?")[2], keep_blank_values=True)
        query = dict(wanted)
        heard = site.hear(query.get("id", ""))
        try:
            self.connection.settimeout(SILENCE)
            if "hang" in query:
                self.rfile.read(1)
            elif "status" in query:
                self._refuse(int(query["status"]), wanted)
            else:
                self._accept(wanted, query)
                Peer(self, heard.log).run(query.get("run", "echo"), asked)
        except (_Over, OSError, TimeoutError):
            pass
        finally:
            heard.over.set()

    def _refuse(self, status: int, wanted: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in wanted:
            if name == "field":
                self.send_header(*value.split(":", 1))
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"refused")

    def _accept(self, wanted: list[tuple[str, str]], query: dict[str, str]) -> None:
        key = self.headers["Sec-WebSocket-Key"] + GUID
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        offered = [one.strip() for one in self.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        choose = query.get("choose", "first")
        chosen = {"first": offered[0], "last": offered[-1], "none": ""}.get(choose, choose)
        self.send_response_only(101)
        self.send_header("Upgrade", query.get("upgrade", "websocket"))
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", query.get("accept", accept))
        if chosen:
            self.send_header("Sec-WebSocket-Protocol", chosen)
        if "extension" in query:
            self.send_header("Sec-WebSocket-Extensions", query["extension"])
        for name, value in wanted:
            if name == "field":
                self.send_header(*value.split(":", 1))
        self.end_headers()


class _Server(server._Server):
    site: Site

    def finish_request(self, request, client_address) -> None:
        """Shake hands in the connection's own thread."""
        with contextlib.suppress(OSError):
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
            _Handler(request, client_address, self)
            request.close()


class Heard:
    """What one WebSocket's client sent."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.log: list = []
        self.over = threading.Event()


class Site(server.Site):
    """The differential suite's site with WebSockets."""

    def __init__(self, certificate: tuple[str, str], answer) -> None:
        """Listen at once."""
        self._heard: dict[str, list[Heard]] = {}
        super().__init__(certificate, answer, _Server)

    def hear(self, name: str) -> Heard:
        """A new connection of that name."""
        made = Heard()
        with self._lock:
            self._heard.setdefault(name, []).append(made)
        return made

    def forget(self) -> None:
        """Begin anew."""
        super().forget()
        with self._lock:
            self._heard.clear()

    def heard(self, name: str) -> list:
        """What came on the connections of that name; waits until they have ended."""
        end = time.monotonic() + PATIENCE
        while not (found := self._heard.get(name)) and time.monotonic() < end:
            time.sleep(0.02)
        for one in found or ():
            one.over.wait(max(end - time.monotonic(), 0))
        return [one.log for one in found or ()]

    def handshakes(self, name: str) -> int:
        """How many connections of that name there were."""
        return len(self._heard.get(name, ()))


def json_answer(asked: Asked, value: object) -> Answer:
    """A value for a script of any origin."""
    return Answer(json.dumps(value).encode(), "application/json", cors(asked))
