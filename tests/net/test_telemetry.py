"""The protocol of what the shells tell, and its implementations."""

from __future__ import annotations

import inspect

from twisted.trial.unittest import SynchronousTestCase

from gateway.net import telemetry
from gateway.ops import metrics


class TelemetryTests(SynchronousTestCase):
    """Both implementations take what the protocol says."""

    timeout = 20

    def test_signatures(self) -> None:
        """The same methods with the same parameters."""
        for name in ("event", "access", "count", "observe"):
            wanted = inspect.signature(getattr(telemetry.Telemetry, name)).parameters
            for one in (telemetry.Silent, metrics.Telemetry):
                found = inspect.signature(getattr(one, name)).parameters
                self.assertEqual(
                    [(p.name, p.kind, p.default) for p in found.values()],
                    [(p.name, p.kind, p.default) for p in wanted.values()],
                    (one, name),
                )

    def test_silent(self) -> None:
        """It takes all and gives nothing."""
        silent = telemetry.Silent()
        self.assertIsNone(silent.event("a", detail="b", c=1))
        self.assertIsNone(silent.access("a", c=1))
        self.assertIsNone(silent.count("a", 2, c="d"))
        self.assertIsNone(silent.observe("a", 2.0, c="d"))
