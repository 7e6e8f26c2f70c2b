"""Origins that give what a case wants, by pieces if it wants, and remember what was asked."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import attrs

PATIENCE = 6.0
"""Seconds that an answer waits at most for what is to go on."""


@attrs.frozen
class Asked:
    """A request as it came: nothing is decoded in ``target``."""

    method: str
    host: str
    target: str
    fields: Message = attrs.field(eq=False)
    body: bytes = b""
    secure: bool = True

    @property
    def path(self) -> str:
        """The path, as it was spelled."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """Its parameters, the first of each name."""
        text = self.target.partition("?")[2]
        found = parse_qs(text, keep_blank_values=True, encoding="latin-1")
        return {name: values[0] for name, values in found.items()}

    @property
    def case(self) -> str:
        """The case that asked, where the address says so."""
        return self.query.get("case", "")

    @property
    def origin(self) -> str:
        """Where it came to."""
        return ("https://" if self.secure else "http://") + self.host


@attrs.frozen
class Answer:
    """What a request gets; a body of pieces goes out as they come."""

    body: bytes | Callable[[], Iterator[bytes]] = b""
    kind: str = "text/html"
    fields: tuple[tuple[str, str], ...] = ()
    status: int = 200
    cut: bool = False
    """Whether the connection ends before the body does."""
    reason: str | None = None


def without(asked: Asked, name: str) -> Asked:
    """The same request without a header field."""
    fields = Message()
    for key, value in asked.fields.items():
        if key.lower() != name.lower():
            fields[key] = value
    return attrs.evolve(asked, fields=fields)


def cors(asked: Asked, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The fields that open an answer to whoever asks."""
    return (
        ("Access-Control-Allow-Origin", asked.fields.get("Origin") or "*"),
        *(
            [("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")]
            if asked.fields.get("Origin")
            else []
        ),
        *more,
    )


class Site:
    """One TLS and one plain server; hosts are told apart by the ``Host`` field."""

    def __init__(self, certificate: tuple[str, str], answer, kind: type | None = None) -> None:
        """Listen at once; ``answer(asked, site)`` is called in threads and may give None.

        ``kind`` is a server of another kind than the plain one.
        """
        self.log: list[Asked] = []
        self.counts: dict[str, int] = {}
        self.answer = answer
        self._gates: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._servers = [(kind or _Server)(self, one) for one in (context, None)]
        self.secure_port, self.plain_port = (one.server_address[1] for one in self._servers)
        for one in self._servers:
            threading.Thread(target=one.serve_forever, args=(0.05,), daemon=True).start()

    def gate(self, name: str) -> threading.Event:
        """What an answer waits for and another request opens."""
        with self._lock:
            return self._gates.setdefault(name, threading.Event())

    def count(self, name: str) -> int:
        """How often this was called with the name, this time included."""
        with self._lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.counts[name]

    def forget(self) -> None:
        """Begin anew: the next run is to find what the last one found."""
        with self._lock:
            self.counts.clear()
            self._gates.clear()

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

    def do_any(self) -> None:
        """Read a request whole, note it, answer it."""
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        secure = self.server.context is not None
        host = self.headers.get("Host", "")
        asked = Asked(self.command, host, self.path, self.headers, body, secure)
        self.server.site.log.append(asked)
        found = self.server.site.answer(asked, self.server.site)
        if found is None:
            empty = asked.method == "OPTIONS"
            found = Answer(b"nothing here", "text/plain", status=204 if empty else 404)
        with contextlib.suppress(OSError):
            self._send(found)

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_PUT = do_DELETE = do_PATCH = do_QUERY = do_any

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status, answer.reason)
        bare = answer.status in {204, 304} or answer.status < 200
        if not bare:
            if answer.kind:
                self.send_header("Content-Type", answer.kind)
            if callable(answer.body):
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(len(answer.body) + 100 * answer.cut))
        for name, value in answer.fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD" or bare:
            return
        if callable(answer.body):
            for piece in answer.body():
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            if not answer.cut:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(answer.body)
        if answer.cut:
            self.close_connection = True

    def _chunks(self):
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def log_message(self, *_args) -> None:
        """Say nothing."""
