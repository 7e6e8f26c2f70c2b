"""Names and labels of metrics; events and access lines."""

from __future__ import annotations

import re
from typing import Any

from prometheus_client import generate_latest
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from gateway import __version__, events
from gateway.net.settings import Limits
from gateway.net.telemetry import Telemetry as TelemetryProtocol
from gateway.ops.metrics import RECENT, Telemetry
from gateway.origins import Codec
from gateway.rewrite import native
from gateway.rewrite.js_body import ScriptMemory
from gateway.rewrite.urls import UrlMap

NAMES = {
    "gateway_http_requests_total",
    "gateway_events_total",
    "gateway_limit_reached_total",
    "gateway_leaks_total",
    "gateway_rate_limited_total",
    "gateway_rate_askings_total",
    "gateway_reports_total",
    "gateway_reports_forwarded_total",
    "gateway_logins_total",
    "gateway_bodies_mapped_total",
    "gateway_edit_cache_bytes",
    "gateway_edit_cache_total",
    "gateway_early_hints_total",
    "gateway_upstream_requests_total",
    "gateway_config_loaded_time",
    "gateway_config_reloads_total",
    "gateway_websocket_accepted_total",
    "gateway_websocket_subprotocol_violations_total",
    "gateway_emulation_requests_total",
    "gateway_emulation_forwarded_total",
    "gateway_connections",
    "gateway_websocket_connections",
    "gateway_limit",
    "gateway_build_info",
    "gateway_http_request_seconds",
    "gateway_upstream_first_byte_seconds",
    "gateway_websocket_round_trip_seconds",
}


class TelemetryTests(SynchronousTestCase):
    """One process' telemetry."""

    timeout = 60

    def setUp(self) -> None:
        """Listen to the log."""
        self.telemetry = Telemetry()
        self.logged: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def _text(self) -> str:
        return generate_latest(self.telemetry.registry).decode()

    def test_names(self) -> None:
        """Exactly these metrics: operators' rules are written against them."""
        names = set(re.findall(r"^# TYPE (\S+)", self._text(), re.MULTILINE))
        names = {name for name in names if not name.endswith("_created")}
        self.assertEqual(names, NAMES)

    def test_build(self) -> None:
        """The version shows from the start."""
        self.assertEqual(
            self.telemetry.value("gateway_build_info", version=__version__, loops=native.KIND), 1
        )

    def test_count(self) -> None:
        """Counters and gauges add up, a gauge goes down too."""
        self.telemetry.count("gateway_http_requests_total", kind="portal", status="200")
        self.telemetry.count("gateway_http_requests_total", 2, kind="portal", status="200")
        self.telemetry.count("gateway_connections", 3)
        self.telemetry.count("gateway_connections", -1)
        value = self.telemetry.value
        self.assertEqual(value("gateway_http_requests_total", kind="portal", status="200"), 3)
        self.assertEqual(value("gateway_http_requests_total", kind="portal", status="404"), 0)
        self.assertEqual(value("gateway_connections"), 2)

    def test_observe(self) -> None:
        """Histograms are in seconds, with and without labels."""
        self.telemetry.observe("gateway_http_request_seconds", 0.2, kind="portal")
        self.telemetry.observe("gateway_upstream_first_byte_seconds", 3)
        value = self.telemetry.value
        name = "gateway_http_request_seconds_bucket"
        self.assertEqual(value(name, kind="portal", le="0.1"), 0)
        self.assertEqual(value(name, kind="portal", le="0.25"), 1)
        self.assertEqual(value("gateway_upstream_first_byte_seconds_sum"), 3)

    def test_limits(self) -> None:
        """Every bound in force shows under its configuration key."""
        self.telemetry.show_limits(Limits(connections=7))
        self.assertEqual(self.telemetry.value("gateway_limit", limit="connections"), 7)
        value = self.telemetry.value("gateway_limit", limit="request-body-bytes")
        self.assertEqual(value, Limits().request_body_bytes)

    def test_event(self) -> None:
        """An event is counted, logged with its fields, and kept for the operator's page."""
        self.telemetry.event(events.SSRF_DENIED, detail="why", host="a.example", step=None)
        self.assertEqual(self.telemetry.value("gateway_events_total", code="ssrf.denied"), 1)
        (line,) = self.logged
        self.assertEqual((line["code"], line["detail"]), ("ssrf.denied", "why"))
        self.assertEqual(line["host"], "a.example")
        self.assertNotIn("step", line)
        self.assertEqual(
            list(self.telemetry.recent),
            [{"code": "ssrf.denied", "detail": "why", "host": "a.example"}],
        )

    def test_levels(self) -> None:
        """Attacks warn, our own faults are errors, the rest is information."""
        for code, level in (
            (events.SESSION_FIXATION, "warn"),
            (events.CSRF_TOKEN, "warn"),
            (events.SSRF_DENIED, "warn"),
            (events.DANGEROUS_SETTING, "warn"),
            (events.RELOAD_REFUSED, "warn"),
            (events.INTERNAL, "error"),
            (events.STORE_FAILED, "error"),
            (events.READY, "info"),
            (events.DESTINATION_DENIED, "info"),
        ):
            self.telemetry.event(code)
            self.assertEqual(self.logged[-1]["log_level"].name, level, code)

    def test_limit_event(self) -> None:
        """A bound that was reached is counted by its key."""
        self.telemetry.event(events.LIMIT, limit="connections", client="127.0.0.1")
        value = self.telemetry.value("gateway_limit_reached_total", limit="connections")
        self.assertEqual(value, 1)

    def test_recent(self) -> None:
        """The newest come first, in a bounded number; being ready is no refusal."""
        for number in range(RECENT + 10):
            self.telemetry.event(events.HOST_UNKNOWN, detail=str(number))
        self.telemetry.event(events.READY)
        self.assertEqual(len(self.telemetry.recent), RECENT)
        self.assertEqual(self.telemetry.recent[0]["detail"], str(RECENT + 9))

    def test_access(self) -> None:
        """An access is a line, and no event."""
        self.telemetry.access(events.ACCESS, host="a.example", status=200)
        (line,) = self.logged
        self.assertEqual((line["code"], line["status"]), ("access.http", 200))
        self.assertEqual(len(self.telemetry.recent), 0)
        self.assertEqual(self.telemetry.value("gateway_events_total", code="access.http"), 0)

    def test_complete(self) -> None:
        """It does all that the network's side asks of a telemetry."""
        for name in vars(TelemetryProtocol):
            if not name.startswith("_"):
                self.assertTrue(callable(getattr(self.telemetry, name)), name)

    def test_scripts(self) -> None:
        """What became of scripts, as the memory that counts now has it."""
        memory: ScriptMemory | None = None
        self.telemetry.show_scripts(lambda: memory)
        self.assertNotIn("gateway_scripts_total{", self._text())
        memory = ScriptMemory(10_000)
        memory.edited(
            b"location //" + b"x" * 3000, "ascii", UrlMap(Codec("gw.test"), "https://a.test/")
        )
        self.assertEqual(self.telemetry.value("gateway_scripts_total", outcome="edited"), 1)
        self.assertEqual(self.telemetry.value("gateway_scripts_total", outcome="lost"), 0)
        self.assertGreater(self.telemetry.value("gateway_script_memory_bytes"), 3000)

    def test_leaks(self) -> None:
        """By site, as they are when they are asked for; what is gone has no series."""
        counts = {"https://a.test": 2, "(others)": 1}
        self.telemetry.show_leaks(lambda: counts)
        series = 'gateway_site_leaks_total{site="https://a.test"}'
        self.assertIn(f"{series} 2.0\n", self._text())
        del counts["https://a.test"]
        self.assertNotIn(series, self._text())

    def test_no_site_labels(self) -> None:
        """Nothing a site or person says becomes a label or value."""
        self.telemetry.event(events.HOST_UNKNOWN, detail="d3tail", host="h0st.example", request="r")
        for word in ("d3tail", "h0st"):
            self.assertNotIn(word, self._text())
