"""Origins in threads of the test's own: they answer by a table and remember what was asked."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import zlib
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import attrs

_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# What an echo tells: everything here is to be the same through the gateway and directly.
_TOLD = (
    *("Host", "Origin", "Referer", "Cookie", "Content-Type", "X-Own"),
    *("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"),
)


@attrs.frozen
class Asked:
    """A request as it came, and the status of its answer."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    fields: Message = attrs.field(eq=False)
    body: bytes = b""
    secure: bool = True
    status: int = 0

    @property
    def case(self) -> str:
        """The case that asked."""
        return self.query.get("case", "")

    def echo(self) -> dict[str, str]:
        """What of it must not depend on the way here."""
        told = {name: self.fields.get(name, "") for name in _TOLD}
        return {"method": self.method, "body": self.body.decode("latin-1"), **told}


@attrs.frozen
class Answer:
    """What a request gets."""

    body: bytes = b""
    kind: str = "text/html"
    fields: tuple[tuple[str, str], ...] = ()
    status: int = 200


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


PIXEL = _png(3, 2)
JS = "text/javascript"
_ANSWERING = (
    b"addEventListener('message', (event) => event.source.postMessage("
    b"{origin: event.origin, data: event.data, referrer: document.referrer}, '*'));"
)


def _common(asked: Asked) -> Answer | None:
    """What every host has."""
    if asked.path == "/echo":
        return Answer(json.dumps(asked.echo()).encode(), "application/json")
    if asked.path == "/redirect":
        return Answer(fields=(("Location", asked.query["to"]),), status=302)
    if asked.path == "/landed":
        told = json.dumps(asked.echo(), sort_keys=True)
        return Answer(f"<!doctype html><title>landed</title><pre>{told}</pre>".encode())
    host = json.dumps(asked.host)
    texts = {
        "/pixel.png": (PIXEL, "image/png"),
        "/events": (b"retry: 600000\ndata: hello\n\n", "text/event-stream"),
        "/script.js": (f"globalThis.ran = {host};".encode(), JS),
        "/module.js": (f"export default 'module of ' + {host};".encode(), JS),
        "/sheet.css": (b".sheet { width: 7px }", "text/css"),
        "/worklet.js": (
            b"registerProcessor('own', class extends AudioWorkletProcessor { process() {} });",
            JS,
        ),
        "/frame": (
            b"<!doctype html><title>frame</title><script src=/answer.js></script>",
            "text/html",
        ),
        "/answer.js": (_ANSWERING, JS),
        "/font.ttf": (b"no font", "font/ttf"),
    }
    found = texts.get(asked.path)
    return Answer(*found) if found else None


class Site:
    """One TLS and one plain server; hosts are told apart by the ``Host`` field."""

    def __init__(self, certificate: tuple[str, str], answer) -> None:
        """Listen at once; ``answer(asked)`` is called in threads and may give None."""
        self.log: list[Asked] = []
        self.answer = answer
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._servers = [_Server(self, context), _Server(self, None)]
        self.secure_port, self.plain_port = (one.server_address[1] for one in self._servers)
        for one in self._servers:
            threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        for one in self._servers:
            one.shutdown()
            one.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, site: Site, context: ssl.SSLContext | None) -> None:
        self.site = site
        self.context = context
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request, client_address) -> None:
        """Shake hands in the connection's own thread."""
        with contextlib.suppress(OSError):
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
            _Handler(request, client_address, self)
            request.close()

    def handle_error(self, request, client_address) -> None:
        """A client that goes away is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        size = int(self.headers.get("Content-Length") or 0)
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(size)
        asked = Asked(
            self.command,
            self.headers.get("Host", ""),
            parts.path,
            query,
            self.headers,
            body,
            self.server.context is not None,
        )
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.server.site.log.append(attrs.evolve(asked, status=101))
            self._socket(asked)
            return
        answer = Answer(status=204)
        if self.command != "OPTIONS":
            found = self.server.site.answer(asked) or _common(asked)
            answer = found or Answer(b"nothing here", "text/plain", status=404)
        self.server.site.log.append(attrs.evolve(asked, status=answer.status))
        self.send_response(answer.status)
        if answer.status not in {204, 304}:
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin") or "*")
        if self.headers.get("Origin"):
            self.send_header("Access-Control-Allow-Credentials", "true")
        if self.command == "OPTIONS":
            self.send_header("Access-Control-Allow-Headers", "content-type, x-own")
        for name, value in answer.fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_POST = do_HEAD = do_OPTIONS = _handle

    def _chunks(self):
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _socket(self, asked: Asked) -> None:
        """Accept, tell what was asked, and close when the client does."""
        key = self.headers["Sec-WebSocket-Key"] + _SOCKET_GUID
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_response(101)
        for name, value in (
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept),
            *(found.fields if (found := self.server.site.answer(asked)) else ()),
        ):
            self.send_header(name, value)
        self.end_headers()
        told = {
            "host": asked.host,
            "origin": self.headers.get("Origin", ""),
            "secure": asked.secure,
            "path": self.path,
        }
        text = json.dumps(told).encode().ljust(126)  # a length of this kind needs that many
        self.wfile.write(bytes([0x81, 126]) + struct.pack(">H", len(text)) + text)
        self.rfile.read(1)  # whatever comes is the client's close
        self.wfile.write(b"\x88\x02\x03\xe8")
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_args) -> None:
        """Say nothing."""
