"""Every bound has a key, a sound default and a metric."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.net.settings import HostEntry, Limits, Settings
from gateway.ops.config import SCHEMA, parse_config
from gateway.ops.metrics import Telemetry

_OFF = {
    "websocket_compression_upstream_window_bits",
    "websocket_compression_takeover",
    "websocket_connections_per_page",
    "websocket_connections_per_upstream",
    "websocket_idle_seconds",
}
"""Zero is none, and the default."""


class SettingsTests(SynchronousTestCase):
    """Limits and the host table."""

    timeout = 20

    def test_every_limit_has_its_key(self) -> None:
        """The names in ``[limits]`` are those of the fields, with hyphens."""
        keys = set(SCHEMA.entries["limits"].entries)  # type: ignore[union-attr]
        fields = {field.name.replace("_", "-") for field in attrs.fields(Limits)}
        self.assertEqual(keys, fields)

    def test_defaults(self) -> None:
        """Each is a number that its own key accepts; a frame fits into a message."""
        table = SCHEMA.entries["limits"].entries  # type: ignore[union-attr]
        for name, value in attrs.asdict(Limits()).items():
            self.assertEqual(table[name.replace("_", "-")].check(value), value)  # type: ignore[union-attr]
            if name not in _OFF:
                self.assertGreater(value, 0, name)
        self.assertLessEqual(Limits().websocket_frame_bytes, Limits().websocket_message_bytes)
        self.assertGreaterEqual(Limits().header_bytes, 64 * 1024)

    def test_zero_is_no_limit_and_refused(self) -> None:
        """A bound of zero, or one that is no number, is a fault that names its key."""
        for value in ("0", "-1", "true", '"1"', "1.5"):
            error = self.assertRaises(
                ConfigurationError, parse_config, f"[limits]\nheader-bytes = {value}\n", "x"
            )
            self.assertTrue(any("limits.header-bytes" in one for one in error.faults), error)

    def test_metric(self) -> None:
        """The bounds in force can be read off the metrics."""
        telemetry = Telemetry()
        telemetry.show_limits(Limits(connections=7))
        self.assertEqual(telemetry.value("gateway_limit", limit="connections"), 7)

    def test_frozen(self) -> None:
        """Nothing of it changes while it is in force."""
        for value, name in ((Limits(), "connections"), (Settings(), "hosts"),
                            (HostEntry("a", "b"), "port")):  # fmt: skip
            self.assertRaises(attrs.exceptions.FrozenInstanceError, setattr, value, name, 1)

    def test_repr_of_settings(self) -> None:
        """Certificates are not printed."""
        self.assertNotIn("BEGIN", repr(Settings(trust_files=(b"-----BEGIN",))))
