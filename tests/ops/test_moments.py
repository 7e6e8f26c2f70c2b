"""Times as people read them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.ops.moments import moment


class MomentTests(SynchronousTestCase):
    """ISO 8601."""

    def test_table(self) -> None:
        """In UTC, with a Z."""
        self.assertEqual(moment(0), "1970-01-01T00:00:00Z")
        self.assertEqual(moment(86400.5), "1970-01-02T00:00:00.500000Z")
