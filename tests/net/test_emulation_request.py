"""Frames of upstream requests while they come: whole ones, broken ones, repeated ones."""

from __future__ import annotations

from io import BytesIO

from twisted.trial.unittest import SynchronousTestCase

from gateway.net.arriving import Arriving
from gateway.net.emulation_request import Dry, Requests
from gateway.websocket.emulation.frames import Malformed, TooLarge
from gateway.websocket.emulation.upstream import Turn
from tests.net.emulated import RECONNECT, text
from tests.net.test_arriving import body_of


class RequestsTests(SynchronousTestCase):
    """One request after the other."""

    def make(self, *, retry: bool = False) -> Requests:
        self.told = 0
        return Requests(7, 100, retry=retry)

    def hear(self) -> None:
        self.told += 1

    def begin(self, requests: Requests, number: int, source: Arriving, most: int = 999) -> Turn:
        return requests.begin(number, source, most, self.hear)

    def taken(self, requests: Requests) -> tuple[list[bytes], Dry]:
        """What there is to be taken, and why there is no more."""
        found = []
        while not isinstance(one := requests.next(), Dry):
            found += [one.payload] if one is not None else []
        return found, one

    def test_as_it_comes(self) -> None:
        """A frame is there with its last octet; the end is the body's, not RECONNECT."""
        requests, body = self.make(), Arriving(BytesIO())
        self.assertIs(self.begin(requests, 8, body), Turn.APPLY)
        whole = text("ab") + text("cd") + RECONNECT
        for at, wanted in ((3, []), (4, [b"ab"]), (7, []), (9, [b"cd"]), (12, [])):
            body.add(whole[body.size : at])
            why = Dry.WAIT if at in {4, 12} else Dry.AMID
            self.assertEqual(self.taken(requests), (wanted, why), at)
            self.assertIs(requests.is_caught_up, at in {4, 12}, at)
        self.assertEqual((self.told, requests.in_flight), (5, True))
        body.end()
        self.assertEqual(self.taken(requests), ([], Dry.END))
        requests.done(200)
        self.assertEqual((requests.in_flight, requests.next()), (False, Dry.WAIT))

    def test_malformed(self) -> None:
        """No RECONNECT, something behind it, also when that comes later; too large a message."""
        for octets in (b"", text("a"), text("a")[:2], RECONNECT + b"\x81", RECONNECT + RECONNECT):
            requests = self.make()
            self.begin(requests, 8, body_of(octets))
            self.assertRaises(Malformed, self.taken, requests)
        requests, body = self.make(), Arriving(BytesIO())
        self.begin(requests, 8, body)
        body.add(RECONNECT)
        self.assertEqual(self.taken(requests), ([], Dry.WAIT))
        body.add(b"\x81")
        self.assertRaises(Malformed, self.taken, requests)
        requests = self.make()
        self.begin(requests, 8, body_of(text("m" * 101)))
        self.assertRaises(TooLarge, self.taken, requests)

    def test_size(self) -> None:
        """It is too large as soon as it says so, or as it is."""
        requests, body = self.make(), Arriving(BytesIO())
        self.begin(requests, 8, body, most=5)
        body.add(b"12345")
        self.assertFalse(requests.is_caught_up)
        self.assertFalse(requests.is_too_large)
        body.add(b"6")
        self.assertTrue(requests.is_too_large)
        requests = self.make()
        self.begin(requests, 8, Arriving(BytesIO(), 6), most=5)
        self.assertTrue(requests.is_too_large)
        requests.done(200)
        self.assertFalse(requests.is_too_large)

    def test_broken_off(self) -> None:
        """What came whole is taken, then the loss is told."""
        requests, body = self.make(), Arriving(BytesIO())
        self.begin(requests, 8, body)
        body.add(text("ab") + text("cd")[:3])
        body.lose()
        self.assertEqual(self.taken(requests), ([b"ab"], Dry.LOST))

    def test_again(self) -> None:
        """Its repetition brings what is missing; who was given up is not heard, nor kept."""
        whole = text("ab") + text("cd") + RECONNECT
        for known in (True, False):
            requests, first, second = self.make(retry=True), Arriving(BytesIO()), body_of(whole)
            self.begin(requests, 8, first)
            first.add(whole[:6])
            self.assertEqual(self.taken(requests)[0], [b"ab"])
            if known:
                first.lose()
            self.assertIs(self.begin(requests, 8, second), Turn.INSTEAD)
            told = self.told
            first.add(whole[6:])
            self.assertEqual((self.told, first.read(99)), (told, b""))
            self.assertEqual(self.taken(requests), ([b"cd"], Dry.END))
            requests.done(200)
            third = body_of(whole)
            self.assertIs(self.begin(requests, 8, third), Turn.AGAIN)
            self.assertEqual((third.read(9), self.taken(requests)), (b"", ([], Dry.WAIT)))

    def test_others(self) -> None:
        """One that is in flight and whole needs no other; out of order is a fault."""
        requests = self.make(retry=True)
        self.begin(requests, 8, body_of(text("ab") + RECONNECT))
        self.assertIs(self.begin(requests, 8, body_of(text("xy") + RECONNECT)), Turn.AGAIN)
        self.assertIs(self.begin(requests, 9, body_of(RECONNECT)), Turn.FAULT)
        self.assertEqual(self.taken(requests), ([b"ab"], Dry.END))
