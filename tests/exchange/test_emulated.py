"""The endings that are emulated WebSockets."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.exchange.emulated import EMULATED, Created, Downward, Upward
from gateway.websocket.emulation.request import Wishes


class EmulatedTests(SynchronousTestCase):
    """What is told of them."""

    def test_ids_are_not_shown(self) -> None:
        """An id lets in: it is in no repr."""
        for ending in (Upward("secret", 1), Downward("secret", 1, Wishes())):
            self.assertIsInstance(ending, EMULATED)
            self.assertNotIn("secret", repr(ending))
        self.assertIn(Created, EMULATED)
