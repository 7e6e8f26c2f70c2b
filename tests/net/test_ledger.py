"""What is open, where it leads, and what became of the rest."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.leaks import OTHERS
from gateway.net.ledger import SERVICE, SITE, Ledger, Place
from gateway.net.relay import Relay
from gateway.net.settings import Limits
from gateway.net.telemetry import Silent
from tests.net.test_relay import FakeLeg

A, B, C = (Place(SITE, f"https://{name}.example") for name in "abc")
CHAT = Place(SERVICE, "chat")


class LedgerTests(SynchronousTestCase):
    """Relays of fake legs."""

    def setUp(self) -> None:
        self.bound = 2
        self.now = 1000.0
        self.ledger = Ledger(lambda: self.bound, lambda: self.now)

    def open(self, place: Place, name: str = "1", **more: Any) -> Relay:
        """A relay to a place, with a message and a ping each way."""
        relay = Relay(FakeLeg(), FakeLeg(), Limits(), Clock(), Silent(), self.ledger.over)
        relay.start()
        self.ledger.opened(
            name, relay, place, more.get("client", "10.0.0.1"), more.get("subprotocol")
        )
        client, upstream = relay._legs
        relay.received(client, b"abc", binary=False)
        relay.received(upstream, b"de", binary=False)
        relay.answered(client, 0.5)
        relay.answered(client, 0.25)
        return relay

    def end(self, relay: Relay) -> None:
        """Both legs are over."""
        for leg in tuple(relay._legs):
            relay.closed(leg, 1000, "", was_clean=True)

    def counted(self) -> dict[str, tuple[int, int, int]]:
        """By name: open, in all, octets of clients."""
        return {
            place.name: (totals.current, totals.opened, totals.octets["client"])
            for place, totals in self.ledger.places().items()
        }

    def test_open_and_over(self) -> None:
        """Nothing is counted twice, and nothing is lost when it ends."""
        relays = [self.open(A), self.open(A), self.open(CHAT)]
        wanted = {A.name: (2, 2, 6), "chat": (1, 1, 3)}
        self.assertEqual(self.counted(), wanted)
        self.assertEqual(self.counted(), wanted)
        for relay in relays:
            self.end(relay)
            self.ledger.over(relay)
        self.assertEqual(self.counted(), {A.name: (0, 2, 6), "chat": (0, 1, 3)})
        self.assertEqual(self.ledger.shown(), [])

    def test_native_and_emulated(self) -> None:
        """They are counted apart."""
        self.open(A)
        self.open(Place(SITE, A.name, emulated=True))
        shown = [(one["transport"], one["current"]) for one in self.ledger.shown_places()]
        self.assertEqual(shown, [("native", 1), ("emulated", 1)])
        self.assertEqual(
            self.ledger.summary(),
            "2 open (1 native, 1 emulated; 0 of services), 2 since the start, 0 refused",
        )

    def test_room(self) -> None:
        """So many origins; the longest unused makes room, one that is in use does not."""
        first = self.open(A)
        self.end(self.open(B))
        self.end(self.open(C))
        self.assertEqual(self.counted(), {A.name: (1, 1, 3), OTHERS: (0, 1, 3), C.name: (0, 1, 3)})
        second = self.open(C)
        self.open(B)
        counted = self.counted()
        self.assertEqual(counted[OTHERS], (1, 2, 6))
        self.assertNotIn(B.name, counted)
        for relay in (first, second):
            self.end(relay)
        self.assertEqual(self.counted()[A.name], (0, 1, 3))
        for number in range(20):
            self.end(self.open(Place(SITE, f"https://{number}.example")))
            self.assertLessEqual(len(self.ledger.places()), 3)
        self.assertEqual(sum(opened for _, opened, _ in self.counted().values()), 25)

    def test_services_need_no_room(self) -> None:
        """They are the operator's own, and few."""
        for number in range(10):
            self.open(Place(SERVICE, f"s{number}"))
        self.assertEqual(len(self.ledger.places()), 10)

    def test_none(self) -> None:
        """0: all are the others."""
        self.bound = 0
        self.open(A)
        self.ledger.refused(B, "x")
        self.assertEqual(self.counted(), {OTHERS: (1, 1, 3)})

    def test_refused(self) -> None:
        """By rule; who knocks takes nobody's place; a limit that closes counts, too."""
        self.ledger.refused(A, "rule 1")
        self.ledger.refused(A, "rule 1")
        self.ledger.refused(B, "rule 2")
        self.ledger.refused(C, "rule 3")
        self.assertEqual(set(self.counted()), {A.name, B.name, OTHERS})
        relay = self.open(A)
        relay.exceeded(next(iter(relay._legs)), "websocket-message-bytes")
        self.end(relay)
        refused = {one["name"]: one["refused"] for one in self.ledger.shown_places()}
        self.assertEqual(refused[A.name], {"rule 1": 2, "websocket-message-bytes": 1})
        for number in range(200):
            self.ledger.refused(A, f"rule {number}")
        refused = {one["name"]: one["refused"] for one in self.ledger.shown_places()}
        self.assertLessEqual(len(refused[A.name]), 65)
        self.assertEqual(sum(refused[A.name].values()), 203)

    def test_shown(self) -> None:
        """Everything an operator needs and nothing that is a person's secret."""
        self.open(A, "7", subprotocol="s3cret-token")
        (one,) = self.ledger.shown()
        self.assertEqual(
            one,
            {
                "id": "7",
                "kind": "site",
                "name": A.name,
                "transport": "native",
                "client": "10.0.0.1",
                "since": 1000.0,
                "subprotocol": "(another)",
                "messages": {"client": 1, "upstream": 1},
                "bytes": {"client": 3, "upstream": 2},
                "round_trip_seconds": {"client": 0.25},
            },
        )
        (place,) = self.ledger.shown_places()
        self.assertEqual(place["round_trip_seconds"], {"client": 0.375})
        self.assertNotIn("s3cret", repr(self.ledger._open))

    def test_close(self) -> None:
        """One, all to a place, all of a client; each once, and nobody without being named."""
        relays = [
            self.open(A, "1"),
            self.open(A, "2", client="10.0.0.2"),
            self.open(B, "3", client="10.0.0.2"),
            self.open(CHAT, "4"),
        ]
        for given, wanted in (
            ({}, 0),
            ({"name": "9"}, 0),
            ({"name": "1", "place": B.name}, 0),
            ({"name": "1"}, 1),
            ({"name": "1"}, 0),
            ({"place": A.name}, 1),
            ({"client": "10.0.0.2"}, 1),
            ({"place": "chat", "client": "10.0.0.1"}, 1),
        ):
            self.assertEqual(self.ledger.close(**given), wanted, given)
        self.assertEqual(self.ledger.shown(), [])
        self.assertEqual(self.counted()[A.name][0], 2)
        for relay in relays:
            client, upstream = relay._legs
            self.assertEqual([one.code for one in client.endings], [1008])  # type: ignore[attr-defined]
            self.assertEqual([one.code for one in upstream.endings], [1001])  # type: ignore[attr-defined]
            self.assertEqual(relay.ending, "dismissed")
