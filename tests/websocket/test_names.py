"""Subprotocols that may be shown."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.names import KNOWN, UNKNOWN, shown_name


class NameTests(SynchronousTestCase):
    """What is a name, and what may be a secret."""

    def test_table(self) -> None:
        """Names as they are; anything else by a word of ours."""
        for name in KNOWN:
            self.assertEqual(shown_name(name), name)
        for secret in ("eyJhbGciOi", "MQTT", "v12.stomp2", "x"):
            self.assertEqual(shown_name(secret), UNKNOWN)
        for none in (None, ""):
            self.assertEqual(shown_name(none), "")
