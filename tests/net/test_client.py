"""One request as the rest of the house sees it, on a fake of twisted.web's."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from gateway.errors import BodyTooLarge
from gateway.exchange.messages import RequestHead
from gateway.net.arriving import Arriving, whole
from gateway.net.client import Client


class FakeChannel:
    """Counts what it was told."""

    aborted = 0
    persistent = 1

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def forceAbortClient(self) -> None:
        self.aborted += 1

    def hand_over(self, protocol: Any) -> bytes:
        self.protocol = protocol
        return b"rest"


class FakeRequest:
    """What a ``Client`` uses of a request."""

    def forget_body(self) -> None:
        """Its body takes no room any more."""
        self.forgotten = True

    def __init__(self, body: bytes = b"") -> None:
        self.channel = FakeChannel()
        self.responseHeaders = Headers()
        self.content = BytesIO(body)
        self.body_size = len(body)
        self.sentLength = 5
        self.body = whole(self.content, len(body))
        self.log: list[Any] = []

    @property
    def is_whole(self) -> bool:
        """Whether all of its body is there."""
        return self.body.is_whole

    def arriving(self) -> Arriving:
        """Its body."""
        return self.body

    def setResponseCode(self, *args: Any) -> None:
        self.log.append(args)
        self.code, self.code_message = args[0], b"Forbidden"

    def write(self, data: bytes) -> None:
        self.log.append(data)

    def finish(self) -> None:
        self.log.append("finish")

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.log.append((producer, streaming))

    def unregisterProducer(self) -> None:
        self.log.append("unregister")


def client(
    body: bytes = b"",
    *,
    has_body: bool = False,
    method: bytes = b"GET",
    version: bytes = b"HTTP/1.1",
) -> tuple[Client, FakeRequest]:
    """A client and the request behind it."""
    request = FakeRequest(body)
    head = RequestHead(method, b"/", version, "a.example", (), has_body=has_body)
    return Client(request, head), request  # type: ignore[arg-type]


class ClientTests(SynchronousTestCase):
    """Answers, bodies, and clients that are gone."""

    timeout = 20

    def test_answer(self) -> None:
        """Head, body and end, in this order; nothing is written for an empty part."""
        one, request = client()
        one.start(299, b"Odd", ((b"X-A", b"1"), (b"X-A", b"2")))
        one.write(b"")
        one.write(b"body")
        one.finish()
        self.assertEqual(request.log, [(299, b"Odd"), b"", b"body", "finish"])
        self.assertEqual(request.responseHeaders.getRawHeaders(b"x-a"), [b"1", b"2"])
        self.assertEqual((one.status, one.bytes_sent), (299, 5))

    def test_whole(self) -> None:
        """A short answer is one write over HTTP/1.1: head, fields in their order, body."""
        head = b"HTTP/1.1 403 Forbidden\r\nX-A: 1\r\nX-B: \xe4\r\nX-A: 2\r\n\r\n"
        fields = ((b"X-A", b"1"), (b"X-B", b"\xe4"), (b"X-A", b"2"))
        for method, body in ((b"GET", b"body"), (b"HEAD", b"")):
            one, request = client(method=method)
            one.whole(403, fields, b"body")
            self.assertEqual(request.channel.written, [head + body])
            self.assertEqual(request.log, [(403,), "finish"])
            self.assertEqual((one.status, one.bytes_sent), (403, len(body)))
            self.assertEqual((request.startedWriting, request.channel.persistent), (1, 1))

    def test_whole_and_closed(self) -> None:
        """What the channel or the answer says of the connection is said, and holds."""
        one, request = client()
        request.responseHeaders.addRawHeader(b"Connection", b"close")
        one.whole(403, (), b"")
        (said,) = request.channel.written
        self.assertIn(b"\r\nConnection: close\r\n", said)
        one, request = client()
        one.whole(403, ((b"Connection", b"close"),), b"")
        self.assertEqual(request.channel.persistent, 0)

    def test_whole_the_long_way(self) -> None:
        """Other versions go through twisted.web, and so do fields that hold a line's end."""
        for version, value in (
            (b"HTTP/2", b"1"), (b"HTTP/1.0", b"1"), (b"HTTP/1.1", b"1\r\nSet-Cookie: a=b"),
            (b"HTTP/1.1", b"1\nX: y"), (b"HTTP/1.1", b"1\rX: y"), (b"HTTP/1.1", b"1\0"),
        ):  # fmt: skip
            one, request = client(version=version)
            one.whole(403, ((b"X-A", value),), b"body")
            self.assertEqual(request.channel.written, [], (version, value))
            self.assertEqual(request.log[-3:], [b"", b"body", "finish"])
            names = [name for name, _ in request.responseHeaders.getAllRawHeaders()]
            self.assertEqual(names, [b"X-A"])

    def test_whole_to_nobody(self) -> None:
        """To a client that is gone nothing is written; its status is for the log."""
        one, request = client()
        one.gone()
        one.whole(403, (), b"body")
        self.assertEqual((one.status, request.channel.written, request.log), (403, [], []))

    def test_gone(self) -> None:
        """Nothing is said to a client that is gone; each who asked is told once."""
        one, request = client()
        told: list[int] = []
        one.when_gone(lambda: told.append(1))
        one.gone()
        one.gone()
        one.start(200, b"", ())
        one.write(b"x")
        one.finish()
        one.abort()
        one.unregister_producer()
        self.assertEqual((request.log, request.channel.aborted, told), ([], 0, [1]))
        self.assertEqual(one.status, 200)

    def test_done(self) -> None:
        """twisted.web drops the channel of a request that is done: no error then."""
        one, request = client()
        del request.channel
        one.unregister_producer()
        one.abort()
        self.assertEqual(request.log, [])

    def test_abort(self) -> None:
        """The connection is cut."""
        one, request = client()
        one.abort()
        self.assertEqual(request.channel.aborted, 1)

    def test_producer(self) -> None:
        """A streaming one."""
        one, request = client()
        one.register_producer("producer")  # type: ignore[arg-type]
        one.unregister_producer()
        self.assertEqual(request.log, [("producer", True), "unregister"])

    def test_body(self) -> None:
        """Read whole up to a bound, again and again; a producer knows its length."""
        one, _ = client(b"12345", has_body=True)
        self.assertEqual([one.read_body(5), one.read_body(5)], [b"12345"] * 2)
        with self.assertRaisesRegex(BodyTooLarge, "report-body-bytes"):
            one.read_body(4, "report-body-bytes")
        self.assertEqual(one.bytes_received, 5)
        one, request = client(b"12345", has_body=True)
        self.assertEqual(one.body_producer().length, 5)
        self.assertIsNone(client(b"")[0].body_producer())
        request.content = None  # type: ignore[assignment]
        self.assertEqual((one.read_body(5), one.body_producer()), (b"", None))

    def test_transport(self) -> None:
        """Handed over for good."""
        one, request = client()
        self.assertEqual(one.take_transport("protocol"), b"rest")  # type: ignore[arg-type]
        self.assertEqual((one.upgraded, request.channel.protocol), (True, "protocol"))
