"""Downstream responses: streamed, at once, cut."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gateway.net.emulation_response import Response
from gateway.websocket.emulation.request import Wishes


class FakeClient:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.is_gone = False
        self.callbacks: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.told.append((name, *given))

    def when_gone(self, callback: Any) -> None:
        self.callbacks.append(callback)

    @property
    def names(self) -> list[str]:
        return [one[0] for one in self.told]


class Leg:
    """Remembers what it was told, too."""

    def __init__(self) -> None:
        self.lost: list[Response] = []
        self.flushed = 0

    def flush(self) -> None:
        self.flushed += 1

    def response_lost(self, response: Response) -> None:
        self.lost.append(response)


class ResponseTests(SynchronousTestCase):
    """What the client is told, and what the leg."""

    def begun(self, *, poll: bool) -> tuple[Response, FakeClient, Leg]:
        client, leg = FakeClient(), Leg()
        response = Response(leg, client, Wishes(poll), ((b"X", b"y"),))  # type: ignore[arg-type]
        response.begin()
        return response, client, leg

    def test_stream(self) -> None:
        """The fields at once, without a length, and the pace is heard."""
        response, client, leg = self.begun(poll=False)
        self.assertEqual(client.names, ["start", "register_producer"])
        names = [name for name, _ in client.told[0][3]]
        self.assertIn(b"Connection", names)
        self.assertNotIn(b"Content-Length", names)
        response.pauseProducing()
        self.assertFalse(response.is_writable)
        response.resumeProducing()
        self.assertEqual((response.is_writable, leg.flushed), (True, 1))
        response.write(b"abc")
        response.finish()
        self.assertEqual(client.names[2:], ["write", "unregister_producer", "finish"])
        self.assertEqual(self.successResultOf(response.done), 200)

    def test_poll(self) -> None:
        """Nothing before the frames, then all with their length."""
        response, client, _ = self.begun(poll=True)
        self.assertEqual(client.told, [])
        response.write(b"abc")
        response.finish()
        self.assertEqual(client.names, ["start", "write", "finish"])
        self.assertIn((b"Content-Length", b"3"), client.told[0][3])
        self.assertNotIn(b"Connection", [name for name, _ in client.told[0][3]])

    def test_cut(self) -> None:
        """A stream breaks off; a long-poll that has not begun is a 404."""
        response, client, _ = self.begun(poll=False)
        response.cut()
        self.assertEqual(client.names[-1], "abort")
        self.assertEqual(self.successResultOf(response.done), 0)
        response, client, _ = self.begun(poll=True)
        response.cut()
        self.assertEqual(client.told, [])
        self.assertEqual(self.successResultOf(response.done), 404)

    def test_gone(self) -> None:
        """A client that left is told to the leg, once the response is over."""
        response, client, leg = self.begun(poll=False)
        client.callbacks[0]()
        self.assertEqual(leg.lost, [response])
        self.assertEqual(self.successResultOf(response.done), 0)
        response.cut()
