"""Requests whose bodies are taken while they come, on a string transport and a clock."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from gateway.net.settings import Limits
from gateway.net.site import Site
from tests.net.harness import Remembering
from tests.net.test_site import ChannelCase, Transport

HEAD = b"POST /%b HTTP/1.1\r\nHost: a.example\r\n"
CHUNKED = HEAD % b"early" + b"Transfer-Encoding: chunked\r\n\r\n"


class EarlyTests(ChannelCase):
    """Served by their heads."""

    def make(self, **limits: float) -> None:
        super().make(**limits)
        self.telemetry = Remembering()
        self.site = Site(
            self.clock,  # type: ignore[arg-type]
            Limits(**limits),  # type: ignore[arg-type]
            self.telemetry,
            self.handle,
            early=lambda head: head.target == b"/early",
        )

    def begun(self, head: bytes = CHUNKED, **limits: float) -> tuple[Transport, Any]:
        """A request that has come so far, and its client."""
        transport = self.send(head, **limits)
        self.assertEqual(len(self.clients), 1)
        return transport, self.clients[0]

    def answer(self, client: Any) -> None:
        client.start(200, b"OK", ((b"Content-Length", b"2"),))
        client.write(b"ok")
        client.finish()
        client.done.callback(None)

    def test_whole(self) -> None:
        """The head, then the body as it comes, in chunks or not; then the next request."""
        for head, parts in (
            (CHUNKED, (b"3\r\nabc\r\n2", b"\r\nde\r\n0\r\n\r\n")),
            (HEAD % b"early" + b"Content-Length: 5\r\n\r\n", (b"abc", b"de")),
        ):
            transport, client = self.begun(head)
            self.assertEqual((client.head.target, client.head.method), (b"/early", b"POST"))
            body = client.arriving()
            self.feed(transport, parts[0])
            self.assertEqual((body.read(9), body.is_whole), (b"abc", False))
            self.assertIs(client.arriving(), body)
            self.feed(transport, parts[1])
            self.assertEqual((body.read(9), body.is_whole), (b"de", True))
            self.assertEqual((client.bytes_received, len(self.clients)), (5, 1))
            self.answer(client)
            self.assertTrue(transport.value().endswith(b"\r\n\r\nok"))
            self.feed(transport, HEAD % b"late" + b"Content-Length: 1\r\n\r\n")
            self.assertEqual(len(self.clients), 1)  # of others no head alone is served
            self.feed(transport, b"x")
            self.assertEqual(self.clients[1].arriving().read(9), b"x")
            self.assertEqual(self.site.spooled, 1)

    def test_breaks_off(self) -> None:
        """Who serves it hears of it, and has what came of it yet."""
        transport, client = self.begun()
        body, told = client.arriving(), []
        client.when_gone(lambda: told.append(body.is_lost))
        self.feed(transport, b"3\r\nabc\r\n")
        transport.lose()
        self.assertEqual((told, self.cancelled, body.read(9)), ([True], 1, b"abc"))
        self.assertEqual(self.site.spooled, 0)

    def test_refused(self) -> None:
        """Too large, too slow, malformed: refused as ever, and nobody answers a second time."""
        for limits, more, status in (
            ({"request_body_bytes": 5}, b"6\r\n123456\r\n", b"413"),
            ({"spool_bytes": 5}, b"6\r\n123456\r\n", b"503"),
            ({}, b"zz\r\n", b"400"),
            ({"request_body_seconds": 3}, b"", b"408"),
        ):
            transport, client = self.begun(**limits)
            body = client.arriving()
            self.feed(transport, more)
            self.clock.pump([1, 1, 1.5] if not more else [])
            self.assertEqual(transport.value().split()[1], status)
            self.assertEqual((body.is_lost, client.is_gone, self.cancelled), (True, True, 1))
            self.assertEqual(transport.value().count(b"HTTP/1.1"), 1)

    def test_declared_too_large(self) -> None:
        """What says that it is too large is never served."""
        head = HEAD % b"early" + b"Content-Length: 6\r\n\r\n"
        transport = self.send(head, request_body_bytes=5)
        self.assertEqual((self.clients, transport.value().split()[1]), ([], b"413"))

    def test_answer_before_the_end(self) -> None:
        """It would be the next request that follows: the connection ends instead."""
        transport, client = self.begun()
        client.start(200, b"", ())
        client.finish()
        self.assertTrue(transport.aborted)
        self.clock.advance(0)
        self.assertEqual(self.cancelled, 1)

    def test_waits_for_the_end(self) -> None:
        """What nobody reads is not kept; who waits for the end of it is told."""
        transport, client = self.begun()
        waiting = Deferred.fromCoroutine(client.until_whole())
        self.feed(transport, b"3\r\nabc\r\n")
        self.assertNoResult(waiting)
        self.assertEqual(client.arriving().size, 3)
        self.assertFalse(client.arriving().waits)
        self.feed(transport, b"0\r\n\r\n")
        self.successResultOf(waiting)
        self.answer(client)

    def test_refused_while_waited_for(self) -> None:
        """Who only waits for the end does not answer what was refused, or is gone, meanwhile."""

        async def handle(client: Any) -> None:
            self.clients.append(client)
            try:
                await client.until_whole()
            except CancelledError:
                self.cancelled += 1
                raise
            client.whole(404, ((b"Content-Length", b"0"),), b"")

        self.handle = handle  # type: ignore[method-assign]
        transport, client = self.begun(request_body_seconds=3)
        self.clock.pump([1, 1, 1.5])
        self.assertEqual(transport.value().split()[1], b"408")
        self.assertEqual((transport.value().count(b"HTTP/1.1"), transport.aborted), (1, False))
        self.assertEqual((client.status, self.cancelled), (0, 1))
        transport, client = self.begun()
        transport.lose()
        self.assertEqual((transport.value(), client.status, self.cancelled), (b"", 0, 1))

    def test_breaks_off_an_answer(self) -> None:
        """What was written goes out; no end of the chunks does."""
        transport, client = self.begun(HEAD % b"late" + b"Content-Length: 0\r\n\r\n")
        client.start(200, b"", ())
        client.write(b"abc")
        client.break_off()
        self.assertTrue(transport.disconnecting)
        self.assertTrue(transport.value().endswith(b"3\r\nabc\r\n"))
