"""A request on its way from one process to another, over transports in memory."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.emulated import Downward, Upward
from gateway.net.arriving import Arriving
from gateway.net.passing import Passed, Served
from gateway.websocket.emulation.request import Wishes
from tests.net.test_emulation_response import FakeClient

LOST = Failure(ConnectionDone())
UP = Upward("a.1.b.c.d", 8, fields=((b"X", b"y"),))
DOWN = Downward("a.1.b.c.d", 8, Wishes(poll=True, offset=3), sound=False)


class Transport(StringTransport):
    """Remembers how it was left."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class Client(FakeClient):
    """One with a body that comes."""

    def __init__(self, declared: int | None = None) -> None:
        super().__init__()
        self.body = Arriving(BytesIO(), declared)

    def arriving(self) -> Arriving:
        return self.body


def pieces(data: bytes) -> list[bytes]:
    """What was sent."""
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found


class PassedTests(SynchronousTestCase):
    """The end where the client is."""

    def make(self, ending: Upward | Downward = UP, declared: int | None = None) -> Passed:
        self.client, self.shorts = Client(declared), []
        passed = Passed(ending, self.client, lambda *one: self.shorts.append(one), "id")  # type: ignore[arg-type]
        self.transport = Transport()
        passed.makeConnection(self.transport)
        return passed

    def sent(self) -> list[Any]:
        head, *rest = pieces(self.transport.value())
        return [json.loads(head), *rest]

    def test_body(self) -> None:
        """The head at once, the body as it comes, its end."""
        self.make(declared=6)
        head = {"id": "a.1.b.c.d", "number": 8, "sound": True, "fields": [["X", "y"]], "length": 6}
        self.assertEqual(self.sent(), [head])
        self.client.body.add(b"abc")
        self.assertEqual(self.sent()[1:], [b"abc"])
        self.client.body.add(b"def")
        self.client.body.end()
        self.assertEqual(self.sent()[1:], [b"abc", b"def", b""])
        self.assertIsNone(self.transport.producer)

    def test_downward(self) -> None:
        """A request without a body is all there; what it wishes goes along."""
        self.make(DOWN)
        head, end = self.sent()
        self.assertEqual((head["wishes"]["poll"], head["wishes"]["offset"], end), (True, 3, b""))
        self.assertIs(head["sound"], False)

    def test_pace(self) -> None:
        """A process that does not read gets no more, and then all of it."""
        self.make()
        self.transport.producer.pauseProducing()
        self.client.body.add(b"abc")
        self.client.body.end()
        self.assertEqual(self.sent()[1:], [])
        self.transport.producer.resumeProducing()
        self.assertEqual(self.sent()[1:], [b"abc", b""])

    def test_broken_off(self) -> None:
        """What came of it goes out, and no end of it."""
        passed = self.make()
        self.client.body.add(b"abc")
        self.client.body.lose()
        for callback in self.client.callbacks:
            callback()
        self.assertEqual(self.sent()[1:], [b"abc"])
        self.assertTrue(self.transport.disconnecting)
        self.assertFalse(self.transport.aborted)
        passed.connectionLost(LOST)
        self.assertEqual((self.shorts, self.client.told), ([], []))

    def test_left(self) -> None:
        """A client that leaves while it waits for the answer takes the connection along."""
        for ending in (UP, DOWN):
            self.make(ending)
            self.client.body.end()
            self.client.callbacks[0]()
            self.assertTrue(self.transport.aborted)

    def answer(self, passed: Passed, *parts: bytes, short: bool) -> None:
        head = {"status": 201, "fields": [["A", "b"]], **({"short": True} if short else {})}
        for part in (json.dumps(head).encode(), *parts):
            passed.stringReceived(part)

    def test_short(self) -> None:
        """A short answer is told as a whole."""
        passed = self.make()
        self.client.body.end()
        self.answer(passed, b"1", b"2", b"", short=True)
        self.assertEqual(self.shorts, [(201, ((b"A", b"b"),), b"12")])
        self.assertEqual(self.successResultOf(passed.done), "")
        passed.connectionLost(LOST)
        self.assertEqual((len(self.shorts), self.client.told), (1, []))

    def test_stream(self) -> None:
        """A stream as it comes, at the client's pace, named by this process."""
        passed = self.make(DOWN)
        self.answer(passed, b"1", b"2", short=False)
        passed.pauseProducing()
        self.assertEqual(self.transport.producerState, "paused")
        passed.resumeProducing()
        self.assertEqual(self.transport.producerState, "producing")
        passed.stringReceived(b"")
        start, *rest = self.client.told
        self.assertEqual(start[:2], ("start", 201))
        self.assertEqual(start[3], ((b"A", b"b"), (b"X-Gateway-Request-Id", b"id")))
        self.assertEqual(rest[0], ("register_producer", passed))
        self.assertEqual(rest[1:], [("write", b"1"), ("write", b"2"), ("unregister_producer",),
                                    ("finish",)])  # fmt: skip
        self.assertEqual(self.successResultOf(passed.done), "")

    def test_gone(self) -> None:
        """A process that ends: 404 before an answer, a broken one after; never amid a request."""
        gone = "the process that has it is gone"
        passed = self.make()
        self.client.body.end()
        passed.connectionLost(LOST)
        self.assertEqual(self.shorts, [(404, ((b"X", b"y"),), b"")])
        self.assertEqual(self.successResultOf(passed.done), gone)
        passed = self.make()
        passed.connectionLost(LOST)
        self.assertEqual((self.shorts, self.client.names), ([], ["abort"]))
        self.assertEqual(self.successResultOf(passed.done), gone)
        passed = self.make(DOWN)
        self.answer(passed, b"1", short=False)
        passed.connectionLost(LOST)
        self.assertEqual(self.client.names[-2:], ["unregister_producer", "break_off"])
        passed = self.make(DOWN)
        self.answer(passed, b"1", short=True)
        passed.connectionLost(LOST)
        self.assertEqual(self.shorts, [(404, (), b"")])

    def test_lengths(self) -> None:
        """A piece that says that it is endless is not waited for."""
        passed = self.make()
        passed.dataReceived(b"\x7f\xff\xff\xff")
        self.assertTrue(self.transport.aborted)


class ServedTests(SynchronousTestCase):
    """The end where the WebSocket is: a client like any other."""

    def make(self) -> Served:
        self.known: set[Served] = set()
        self.asked: list[Any] = []
        served = Served(self.known, lambda *one: self.asked.append(one))
        self.transport = Transport()
        served.makeConnection(self.transport)
        return served

    def head(self, served: Served, **more: Any) -> Arriving:
        told = {"id": "a", "number": 1, "sound": False, "fields": [["X", "y"]], **more}
        served.stringReceived(json.dumps(told).encode())
        return served.arriving()

    def test_body(self) -> None:
        """It is served by its head; the body comes, and its end."""
        served = self.make()
        self.assertEqual(self.known, {served})
        body = self.head(served, length=9)
        self.assertEqual(self.asked, [(Upward("a", 1, False, ((b"X", b"y"),)), served)])
        self.assertEqual((body.declared, body.is_whole), (9, False))
        served.stringReceived(b"abc")
        self.assertEqual(body.read(9), b"abc")
        served.stringReceived(b"")
        self.assertTrue(body.is_whole)
        served.connectionLost(LOST)
        self.assertEqual((self.known, body.is_lost), (set(), False))

    def test_large(self) -> None:
        """One that is large waits on the disk; nobody's is not kept."""
        served = self.make()
        body = self.head(served)
        served.stringReceived(b"m" * 150_000)
        self.assertTrue(body._content._rolled)  # type: ignore[attr-defined]
        self.assertEqual(len(body.read(10**6)), 150_000)

    def test_downward(self) -> None:
        """What was wished is heard."""
        wishes = {"poll": True, "octets": 5, "heartbeat": None, "offset": 0}
        self.head(self.make(), wishes=wishes)
        self.assertEqual(self.asked[0][0].wishes, Wishes(True, 5))

    def test_lost(self) -> None:
        """A connection that is lost before the body's end is a request that broke off."""
        served, gone = self.make(), []
        body = self.head(served)
        served.when_gone(lambda: gone.append(body.is_lost))
        served.connectionLost(LOST)
        self.assertEqual(gone, [True])
        for call in (served.finish, served.break_off, served.abort, served.unregister_producer):
            call()
        served.start(200, b"", ())
        served.write(b"x")
        served.short(404, (), b"")
        served.register_producer(None)  # type: ignore[arg-type]
        self.assertEqual(self.transport.value(), b"")

    def test_answers(self) -> None:
        """Whole, broken off, short; who has finished is not told that the other end is gone."""
        for end, after, left in (
            ("finish", [b""], "disconnecting"), ("break_off", [], "disconnecting"),
            ("abort", [], "aborted"),
        ):  # fmt: skip
            served, gone = self.make(), []
            self.head(served)
            served.when_gone(lambda gone=gone: gone.append(1))
            served.start(200, b"OK", ((b"A", b"b"),))
            served.write(b"1")
            getattr(served, end)()
            head, *rest = pieces(self.transport.value())
            self.assertEqual(json.loads(head), {"status": 200, "fields": [["A", "b"]]})
            self.assertEqual(rest, [b"1", *after])
            self.assertTrue(getattr(self.transport, left))
            served.connectionLost(LOST)
            self.assertEqual(gone, [])
        served = self.make()
        self.head(served)
        served.short(404, (), b"no")
        head, *rest = pieces(self.transport.value())
        self.assertEqual(json.loads(head), {"status": 404, "fields": [], "short": True})
        self.assertEqual(rest, [b"no", b""])
