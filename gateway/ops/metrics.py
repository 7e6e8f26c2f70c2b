"""Prometheus metrics, and the events and access lines that go to the log.

Names follow Prometheus' conventions; labels have few values each, and no site's name but in
``gateway_site_leaks_total``, whose sites are bounded by ``[limits] leak-sites`` (0: none).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import attrs
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from twisted.logger import Logger

from gateway import __version__, events
from gateway.ops.metrics_websockets import Places
from gateway.policy.rates import KINDS, RateSettings
from gateway.rewrite import native

if TYPE_CHECKING:
    from gateway.net.ledger import Place, Totals
    from gateway.net.settings import Limits
    from gateway.rewrite.js_body import ScriptMemory

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_WARN = frozenset(
    (
        events.SESSION_FIXATION, events.SSRF_DENIED, events.ROW_DAMAGED, events.SESSION_RESTORE,
        events.DANGEROUS_SETTING, events.LIMIT, events.SUBPROTOCOL_VIOLATION,
        events.ORIGIN_DENIED, events.CSRF_TOKEN, events.RELOAD_REFUSED, events.PROXY_HEADER,
        events.FORWARDED, events.CLIENT_DENIED, events.RATE_LIMITED, events.RATES_UNSHARED,
        events.LOGIN_FAILED, events.LOGIN_LOCKED, events.LOGIN_UNAVAILABLE,
        events.SESSION_SETTLE, events.COOKIE_TOKEN, events.SERVICE_DOWN,
    )
)  # fmt: skip
_ERROR = frozenset((events.INTERNAL, events.STORE_FAILED))
RECENT = 50


@attrs.frozen(eq=False)
class _SiteLeaks:
    """The one metric by site, made when it is read: sites that went leave no series behind."""

    counts: Callable[[], dict[str, int]]

    def collect(self) -> Iterator[CounterMetricFamily]:
        """See ``prometheus_client.registry.Collector``."""
        text = "Requests past the gateway to foreign hosts that browsers stopped, by site."
        family = CounterMetricFamily("gateway_site_leaks", text, labels=["site"])
        for site, count in self.counts().items():
            family.add_metric([site], count)
        yield family


@attrs.frozen(eq=False)
class _Scripts:
    """What became of scripts, as their memory has counted it."""

    memory: Callable[[], ScriptMemory | None]

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """See ``prometheus_client.registry.Collector``."""
        memory = self.memory()
        if memory is None:
            return
        text = "Scripts of sites with rewrite-location, by what became of them."
        family = CounterMetricFamily("gateway_scripts", text, labels=["outcome"])
        for outcome, count in memory.counts.items():
            family.add_metric([outcome], count)
        yield family
        text = "Octets of edited scripts that are remembered."
        yield GaugeMetricFamily("gateway_script_memory_bytes", text, memory.size)


_OF_SERVICES = (
    ("gateway_service_connections", "Open WebSockets of a service.", "open", GaugeMetricFamily),
    ("gateway_service_accepted", "WebSockets of a service.", "total", CounterMetricFamily),
    ("gateway_service_failures", "Its backend's failures.", "failures", CounterMetricFamily),
    ("gateway_service_up", "Whether its backend answers.", "up", GaugeMetricFamily),
    ("gateway_service_prepared", "Streams that wait.", "prepared", GaugeMetricFamily),
)


@attrs.frozen(eq=False)
class _Services:
    """What is known of services that there are; those that went leave no series behind."""

    shown: Callable[[], list[dict[str, Any]]]

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """See ``prometheus_client.registry.Collector``."""
        services = self.shown()
        for name, text, key, kind in _OF_SERVICES:
            family = kind(name, text, labels=["service"])
            for one in services:
                family.add_metric([one["name"]], float(one[key]))
            yield family
        text = "The bounds of a service in force, by their keys."
        bounds = GaugeMetricFamily("gateway_service_limit", text, labels=["service", "limit"])
        for one in services:
            for limit, value in one["limits"].items():
                bounds.add_metric([one["name"], limit], float(value))
        yield bounds


@attrs.define(eq=False)
class Telemetry:
    """Implements ``net.telemetry.Telemetry``; one for the process."""

    registry: CollectorRegistry = attrs.field(factory=CollectorRegistry)
    recent: deque[dict[str, Any]] = attrs.field(factory=lambda: deque(maxlen=RECENT))
    _metrics: dict[str, Any] = attrs.field(factory=dict, init=False)
    _known: dict[tuple[object, ...], Any] = attrs.field(factory=dict, init=False)
    _log: Logger = attrs.field(factory=lambda: Logger("gateway"), init=False)

    def __attrs_post_init__(self) -> None:
        """Declare every metric with its labels."""
        counters = {
            "gateway_http_requests_total": ("Requests by host kind and status.", "kind", "status"),
            "gateway_events_total": ("Security events and faults by code.", "code"),
            "gateway_limit_reached_total": ("How often a bound was reached.", "limit"),
            "gateway_rate_limited_total": ("Requests refused with 429 by which limit.", "limit"),
            "gateway_rate_askings_total": (
                "How often the store was asked for tokens.",
                "outcome",
                "limit",
            ),
            "gateway_leaks_total": (
                "Requests past the gateway that browsers stopped.",
                "directive",
            ),
            "gateway_reports_total": (
                "Reports of browsers by whose policy asked, and directive or type.",
                "layer",
                "kind",
            ),
            "gateway_reports_forwarded_total": (
                "Bodies of reports for sites' own endpoints by outcome.",
                "outcome",
            ),
            "gateway_upstream_requests_total": ("Requests to origins by outcome.", "outcome"),
            "gateway_early_hints_total": ("Early hints passed on to browsers.",),
            "gateway_edit_cache_total": ("Edited bodies by hit, miss, large.", "outcome"),
            "gateway_bodies_mapped_total": ("Request bodies in which addresses were expanded.",),
            "gateway_logins_total": ("Tries to sign in by outcome.", "outcome"),
            "gateway_config_reloads_total": ("Reloads by outcome: applied, refused.", "outcome"),
            "gateway_websocket_accepted_total": ("WebSockets accepted.",),
            "gateway_emulation_requests_total": (
                "Requests of the WebSocket fallback by kind and status; 0: a response that broke off.",
                "kind",
                "status",
            ),
            "gateway_emulation_forwarded_total": (
                "Requests of the fallback passed on to the process that has the WebSocket.",
                "outcome",
            ),
            "gateway_websocket_subprotocol_violations_total": (
                "Messages that broke a rule of their subprotocol.",
                "subprotocol",
                "rule",
                "mode",
            ),
        }
        gauges = {
            "gateway_connections": ("Open HTTP connections of clients.",),
            "gateway_edit_cache_bytes": ("Room that kept edited bodies take.",),
            "gateway_websocket_connections": ("Open WebSocket relays.",),
            "gateway_limit": ("The bounds in force, by their keys.", "limit"),
            "gateway_config_loaded_time": ("When what is in force was read, since the epoch.",),
            "gateway_build_info": (
                "Always 1; the labels tell the version, and whether the loops are compiled.",
                "version",
                "loops",
            ),
        }
        histograms = {
            "gateway_http_request_seconds": ("From a request's end to its answer's.", "kind"),
            "gateway_upstream_first_byte_seconds": ("Until an origin's response head.",),
            "gateway_websocket_round_trip_seconds": ("From our ping to its pong, by leg.", "leg"),
        }
        for name, (text, *labels) in counters.items():
            self._metrics[name] = Counter(name, text, labels, registry=self.registry)
        for name, (text, *labels) in gauges.items():
            self._metrics[name] = Gauge(name, text, labels, registry=self.registry)
        for name, (text, *labels) in histograms.items():
            self._metrics[name] = Histogram(
                name, text, labels, registry=self.registry, buckets=_SECONDS
            )
        self.count("gateway_build_info", version=__version__, loops=native.KIND)
        for outcome in ("applied", "refused"):
            self.count("gateway_config_reloads_total", 0, outcome=outcome)

    def show_limits(self, limits: Limits) -> None:
        """Put every bound into the metric ``gateway_limit``."""
        for name, value in attrs.asdict(limits).items():
            self._metrics["gateway_limit"].labels(limit=name.replace("_", "-")).set(value)

    def show_rates(self, rates: RateSettings) -> None:
        """Put every rate into the metric ``gateway_limit``; 0: there is none."""
        for kind in KINDS:
            rate = rates.of(kind)
            for what in ("burst", "per-second"):
                value = 0.0 if rate is None else getattr(rate, what.replace("-", "_"))
                self._metrics["gateway_limit"].labels(limit=f"rates.{kind}-{what}").set(value)

    def show_leaks(self, counts: Callable[[], dict[str, int]]) -> None:
        """Show how much of each site the containment stopped, as ``counts`` has it when asked."""
        self.registry.register(_SiteLeaks(counts))

    def show_places(self, places: Callable[[], dict[Place, Totals]]) -> None:
        """Show what WebSockets relay, by where they lead, as ``places`` has it when asked."""
        self.registry.register(Places(places))

    def show_scripts(self, memory: Callable[[], ScriptMemory | None]) -> None:
        """Show what became of scripts; ``memory`` tells which one counts now."""
        self.registry.register(_Scripts(memory))

    def show_services(self, shown: Callable[[], list[dict[str, Any]]]) -> None:
        """Show what is known of services, as ``shown`` has it when asked."""
        self.registry.register(_Services(shown))

    def loaded(self, outcome: str, now: float | None = None) -> None:
        """A configuration was read; ``now`` if it is in force.  A start has no outcome."""
        if outcome:
            self.count("gateway_config_reloads_total", outcome=outcome)
        if now is not None:
            self._metrics["gateway_config_loaded_time"].set(now)

    def value(self, name: str, **labels: str) -> float:
        """A counter's or gauge's value: for the operator's page and tests."""
        return self.registry.get_sample_value(name, labels) or 0.0

    def event(self, code: str, *, detail: str = "", **fields: object) -> None:
        """Log a security event or fault by its code, and count it."""
        self.count("gateway_events_total", code=code)
        limit = fields.get("limit")
        if code == events.LIMIT and isinstance(limit, str):
            self.count("gateway_limit_reached_total", limit=limit)
        room, _, outcome = code.partition(".")
        if room == "login":
            self.count("gateway_logins_total", outcome=outcome)
        log = self._log.error if code in _ERROR else self._log.info
        if code in _WARN:
            log = self._log.warn
        known = {key: value for key, value in fields.items() if value is not None}
        if code.rpartition(".")[2] != "ready":
            self.recent.appendleft({"code": code, "detail": detail, **known})
        log("{code}", code=code, detail=detail or None, **known)

    def access(self, code: str, **fields: object) -> None:
        """Log one finished request or WebSocket."""
        self._log.info("{code}", code=code, **fields)

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter or gauge."""
        self._series(name, labels).inc(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put a value into a histogram."""
        self._series(name, labels).observe(value)

    def _series(self, name: str, labels: dict[str, str]) -> Any:
        """The one of a metric with these labels: few are, and none ever goes."""
        key = (name, *labels.items())
        found = self._known.get(key)
        if found is None:
            metric = self._metrics[name]
            found = self._known[key] = metric.labels(**labels) if labels else metric
        return found
