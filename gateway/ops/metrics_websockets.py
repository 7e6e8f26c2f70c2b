"""What WebSockets relay, in all and by where they lead, for Prometheus; made when it is read.

What is open counts with the rest: one that is open for a day is not told of when it ends.
``place`` is an origin or a service's name.  ``[limits] websocket-places`` bounds how many origins
there are; one that made room for another leaves no series behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily

from gateway.net.ledger import LEGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric

    from gateway.net.ledger import Place, Totals

_ALL = "gateway_websocket"
_PREFIX = f"{_ALL}_place"
_BY = ["kind", "place", "transport"]


@attrs.frozen(eq=False)
class Places:
    """See ``prometheus_client.registry.Collector``."""

    places: Callable[[], dict[Place, Totals]]

    def describe(self) -> list[Metric]:
        """Nothing is made to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One family after another."""
        found = [
            ([place.kind, place.name, place.transport], totals)
            for place, totals in self.places().items()
        ]
        opened = GaugeMetricFamily(f"{_PREFIX}_connections", "Open WebSockets.", labels=_BY)
        total = CounterMetricFamily(f"{_PREFIX}_accepted", "WebSockets accepted.", labels=_BY)
        by_leg = [*_BY, "leg"]
        messages, octets = _relayed(_PREFIX, by_leg)
        all_messages, all_octets = _relayed(_ALL, ["leg"])
        trips = SummaryMetricFamily(
            f"{_PREFIX}_round_trip_seconds", "From our pings to their pongs.", labels=by_leg
        )
        refused = CounterMetricFamily(
            f"{_PREFIX}_refused", "Refused or closed, by what said so.", labels=[*_BY, "rule"]
        )
        for names, totals in found:
            opened.add_metric(names, totals.current)
            total.add_metric(names, totals.opened)
            for leg in LEGS:
                messages.add_metric([*names, leg], totals.messages[leg])
                octets.add_metric([*names, leg], totals.octets[leg])
                trips.add_metric([*names, leg], totals.pongs[leg], totals.waited[leg])
            for rule, count in totals.refused.items():
                refused.add_metric([*names, rule], count)
        for leg in LEGS:
            all_messages.add_metric([leg], sum(one.messages[leg] for _, one in found))
            all_octets.add_metric([leg], sum(one.octets[leg] for _, one in found))
        yield from (all_messages, all_octets, opened, total, messages, octets, trips, refused)


def _relayed(prefix: str, labels: list[str]) -> tuple[CounterMetricFamily, CounterMetricFamily]:
    """The families of messages and of octets."""
    return (
        CounterMetricFamily(
            f"{prefix}_messages", "Messages relayed by sending leg.", labels=labels
        ),
        CounterMetricFamily(f"{prefix}_bytes", "Payload relayed by sending leg.", labels=labels),
    )
