"""The bounds of WebSockets that may be nothing, or have a range of their own."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.net.settings import Limits
from gateway.ops.config_websocket import CHECKS, warnings
from gateway.ops.schema import Fault


class CheckTests(SynchronousTestCase):
    """Tables of values."""

    def test_every_check_has_its_limit(self) -> None:
        """No check is of a key that does not exist, and each lets its default pass."""
        limits = Limits()
        for name, check in CHECKS.items():
            value = getattr(limits, name.replace("-", "_"))
            self.assertEqual(check(value), value, name)

    def test_window_bits(self) -> None:
        """0 or what zlib has."""
        for name in ("", "-upstream"):
            check = CHECKS[f"websocket-compression{name}-window-bits"]
            for value in (0, 9, 15):
                self.assertEqual(check(value), value)
            for value in (1, 8, 16, -1, True, False, "11", 9.0):
                with self.assertRaises(Fault, msg=str(value)):
                    check(value)

    def test_ranges(self) -> None:
        """The smallest and largest, and what is beyond."""
        for name, low, high in (
            ("compression-memory-level", 1, 9),
            ("compression-takeover", 0, 1),
            ("idle-seconds", 0, 2**50),
            ("messages-per-second", 0, 2**50),
        ):
            check = CHECKS[f"websocket-{name}"]
            self.assertEqual((check(low), check(high)), (low, high))
            for value in (low - 1, high + 1):
                with self.assertRaises(Fault, msg=name):
                    check(value)

    def test_warnings(self) -> None:
        """What is dangerous is said; the defaults are not."""
        self.assertEqual(warnings(Limits()), [])
        found = warnings(
            Limits(
                websocket_messages_per_second=0,
                websocket_bytes_per_second=0,
                websocket_decompressed_bytes=2**30,
            )
        )
        self.assertEqual(len(found), 3)
        self.assertTrue(all(one.startswith("limits.websocket-") for one in found))
