"""WebSockets by where they lead, as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from twisted.trial.unittest import SynchronousTestCase

from gateway.net.ledger import SERVICE, SITE, Place, Totals
from gateway.ops.metrics_websockets import Places


class PlacesTests(SynchronousTestCase):
    """One scrape after another."""

    def test_series(self) -> None:
        """Every figure with its labels; what is gone has none."""
        one = Totals(2, 5)
        one.messages.update({"client": 7, "upstream": 8})
        one.octets.update({"client": 70})
        one.waited["client"] = 1.5  # type: ignore[assignment]
        one.pongs["client"] = 3
        one.refuse("websocket-connections")
        places = {Place(SITE, "https://a.test"): one, Place(SERVICE, "chat", emulated=True): one}
        registry = CollectorRegistry()
        registry.register(Places(lambda: places))
        text = generate_latest(registry).decode()
        for labels in (
            'kind="site",place="https://a.test",transport="native"',
            'kind="service",place="chat",transport="emulated"',
        ):
            for line in (
                f"gateway_websocket_place_connections{{{labels}}} 2.0",
                f"gateway_websocket_place_accepted_total{{{labels}}} 5.0",
                f'gateway_websocket_place_messages_total{{{labels},leg="client"}} 7.0',
                f'gateway_websocket_place_messages_total{{{labels},leg="upstream"}} 8.0',
                f'gateway_websocket_place_bytes_total{{{labels},leg="client"}} 70.0',
                f'gateway_websocket_place_round_trip_seconds_sum{{{labels},leg="client"}} 1.5',
                f'gateway_websocket_place_round_trip_seconds_count{{{labels},leg="client"}} 3.0',
                (
                    f"gateway_websocket_place_refused_total{{{labels},"
                    'rule="websocket-connections"} 1.0'
                ),
            ):
                self.assertIn(_sorted(line), {_sorted(each) for each in text.splitlines()}, line)
        for line in (
            'gateway_websocket_messages_total{leg="client"} 14.0',
            'gateway_websocket_messages_total{leg="upstream"} 16.0',
            'gateway_websocket_bytes_total{leg="client"} 140.0',
            'gateway_websocket_bytes_total{leg="upstream"} 0.0',
        ):
            self.assertIn(line, text.splitlines())
        places.clear()
        text = generate_latest(registry).decode()
        self.assertNotIn("a.test", text)
        self.assertIn('gateway_websocket_messages_total{leg="client"} 0.0', text)


def _sorted(line: str) -> str:
    """A line whose labels are in one order."""
    name, _, rest = line.partition("{")
    labels, _, value = rest.rpartition("}")
    return f"{name} {sorted(labels.split(','))} {value}"
