"""What WebSockets are open, where they lead, and what became of those that are over.

Counted by place: an origin or a service, native and emulated apart.  So many origins are told
apart; the one that was not used for longest makes room, and is counted among the others.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

import attrs

from gateway.net.leaks import OTHERS
from gateway.websocket.names import shown_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.relay import Relay

SITE, SERVICE = "site", "service"
LEGS = ("client", "upstream")
_MOST_RULES = 64
"""Rules of one place that are told apart: there are as many as the configuration has."""


@attrs.frozen
class Place:
    """Where WebSockets lead: a site's origin or a service's name, and how clients come."""

    kind: str
    name: str
    emulated: bool = False

    @classmethod
    def of(cls, upstream: str, *, emulated: bool = False) -> Place:
        """Of what a holder calls it: ``service:`` and a name, or a site's origin."""
        kind, _, name = upstream.partition(":")
        if kind == SERVICE:
            return cls(SERVICE, name, emulated)
        return cls(SITE, upstream, emulated)

    @property
    def transport(self) -> str:
        """How its clients are connected."""
        return "emulated" if self.emulated else "native"


@attrs.define(eq=False)
class Totals:
    """One place's: what is over is added up, what is open is asked."""

    current: int = 0
    opened: int = 0
    messages: Counter[str] = attrs.field(factory=Counter)
    octets: Counter[str] = attrs.field(factory=Counter)
    waited: Counter[str] = attrs.field(factory=Counter)
    pongs: Counter[str] = attrs.field(factory=Counter)
    refused: Counter[str] = attrs.field(factory=Counter)

    def add(self, relay: Relay) -> None:
        """Count what passed through a relay."""
        for leg in LEGS:
            self.messages[leg] += relay.messages[leg]
            self.octets[leg] += relay.octets[leg]
            trips = relay.round_trips[leg]
            self.waited[leg] += trips.total  # type: ignore[assignment] # it is a sum of seconds
            self.pongs[leg] += trips.count

    def merge(self, other: Totals) -> None:
        """Take in another place's."""
        self.current += other.current
        self.opened += other.opened
        for field in ("messages", "octets", "waited", "pongs"):
            getattr(self, field).update(getattr(other, field))
        for rule, count in other.refused.items():
            self.refuse(rule, count)

    def refuse(self, rule: str, count: int = 1) -> None:
        """Count a refusal, or a closing, by what demanded it."""
        if rule not in self.refused and len(self.refused) >= _MOST_RULES:
            rule = OTHERS
        self.refused[rule] += count


@attrs.frozen(eq=False)
class Entry:
    """One open WebSocket."""

    name: str
    relay: Relay
    place: Place
    totals: Totals
    client: str
    since: float
    subprotocol: str | None = attrs.field(repr=False)


class Ledger:
    """All of them; one for the process."""

    def __init__(self, places: Callable[[], int], clock: Callable[[], float] = time.time) -> None:
        """``places``: how many origins are told apart."""
        self._places = places
        self._clock = clock
        self._totals: OrderedDict[Place, Totals] = OrderedDict()
        self._open: dict[Relay, Entry] = {}

    def _of(self, place: Place, *, evict: bool = True) -> tuple[Place, Totals]:
        found = self._totals.get(place)
        if found is not None:
            self._totals.move_to_end(place)
            return place, found
        if place.kind == SITE and place.name != OTHERS and not self._room(evict=evict):
            return self._of(attrs.evolve(place, name=OTHERS))
        found = self._totals[place] = Totals()
        return place, found

    def _room(self, *, evict: bool) -> bool:
        """Whether there is room for one more origin, or could be made."""
        sites = [one for one in self._totals if one.kind == SITE and one.name != OTHERS]
        over = len(sites) - self._places() + 1
        idle = [one for one in sites if not self._totals[one].current] if evict else []
        for old in idle[: max(over, 0)]:
            gone = self._totals.pop(old)
            self._of(attrs.evolve(old, name=OTHERS))[1].merge(gone)
            over -= 1
        return over <= 0

    def opened(
        self, name: str, relay: Relay, place: Place, client: str, subprotocol: str | None
    ) -> None:
        """A relay begins; ``name`` is what the operator calls it by."""
        place, totals = self._of(place)
        totals.current += 1
        totals.opened += 1
        self._open[relay] = Entry(name, relay, place, totals, client, self._clock(), subprotocol)

    def over(self, relay: Relay) -> None:
        """It has ended."""
        entry = self._open.pop(relay, None)
        if entry is None:
            return
        entry.totals.current -= 1
        entry.totals.add(relay)
        if relay.rule:
            entry.totals.refuse(relay.rule)

    def refused(self, place: Place, rule: str) -> None:
        """A handshake was refused by a rule, a limit or an event's code.

        Who knocks at doors that nobody opens takes nobody's place.
        """
        self._of(place, evict=False)[1].refuse(rule)

    # --- what is shown ------------------------------------------------------------

    def places(self) -> dict[Place, Totals]:
        """All totals, with what is open now added."""
        found: dict[Place, Totals] = {}
        for place, totals in self._totals.items():
            found[place] = Totals()
            found[place].merge(totals)
        for entry in self._open.values():
            found[entry.place].add(entry.relay)
        return found

    def shown_places(self) -> list[dict[str, Any]]:
        """The same for people and programs."""
        return [
            {
                "kind": place.kind,
                "name": place.name,
                "transport": place.transport,
                "current": totals.current,
                "total": totals.opened,
                "messages": {leg: totals.messages[leg] for leg in LEGS},
                "bytes": {leg: totals.octets[leg] for leg in LEGS},
                "refused": dict(totals.refused),
                "round_trip_seconds": {
                    leg: round(totals.waited[leg] / totals.pongs[leg], 6)
                    for leg in LEGS
                    if totals.pongs[leg]
                },
            }
            for place, totals in self.places().items()
        ]

    def shown(self) -> list[dict[str, Any]]:
        """What is open and not about to end.

        No path, no cookie, no token, and of subprotocols those with a name.
        """
        return [
            {
                "id": entry.name,
                "kind": entry.place.kind,
                "name": entry.place.name,
                "transport": entry.place.transport,
                "client": entry.client,
                "since": round(entry.since, 3),
                "subprotocol": shown_name(entry.subprotocol),
                "messages": dict(entry.relay.messages),
                "bytes": dict(entry.relay.octets),
                "round_trip_seconds": {
                    leg: round(trips.last, 6)
                    for leg, trips in entry.relay.round_trips.items()
                    if trips.count
                },
            }
            for entry in self._open.values()
            if not entry.relay.ending
        ]

    def summary(self) -> str:
        """One line."""
        current: Counter[str] = Counter()
        opened = refused = 0
        for place, totals in self._totals.items():
            current[place.transport] += totals.current
            current[place.kind] += totals.current
            opened += totals.opened
            refused += totals.refused.total()
        return (
            f"{len(self._open)} open ({current['native']} native, {current['emulated']} emulated; "
            f"{current[SERVICE]} of services), {opened} since the start, {refused} refused"
        )

    # --- what is done -------------------------------------------------------------

    def close(self, *, name: str = "", place: str = "", client: str = "") -> int:
        """Close one by its name, all to a place, or all of a client; how many that were."""
        chosen = [
            entry
            for entry in self._open.values()
            if (name or place or client)
            and (not name or entry.name == name)
            and (not place or entry.place.name == place)
            and (not client or entry.client == client)
        ]
        return sum(entry.relay.dismiss() for entry in chosen)
