"""Upstream requests in order."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.emulation.upstream import Turn, Upstream


class UpstreamTests(SynchronousTestCase):
    """Sequence numbers."""

    def test_table(self) -> None:
        """What happens, request by request; ``.`` is when all of one was applied."""
        ok, again, fault = Turn.APPLY, Turn.AGAIN, Turn.FAULT
        table: tuple[tuple[bool, tuple, list], ...] = (
            (False, (8, ".", 9, ".", 10), [ok, ok, ok]),
            (False, (8, 9), [ok, fault]),  # one in flight
            (False, (8, ".", 8), [ok, fault]),
            (False, (7,), [fault]),
            (False, (9,), [fault]),
            (False, (None,), [fault]),
            (True, (8, 8, ".", 8, 9), [ok, again, again, ok]),
            (True, (7,), [fault]),  # the create's own
            (True, (8, ".", 9, 8), [ok, ok, fault]),
            (True, (8, ".", 10), [ok, fault]),
        )
        for retry, steps, wanted in table:
            up = Upstream(7, retry)
            seen = []
            for step in steps:
                if step == ".":
                    up.done()
                else:
                    seen.append(up.begin(step))
            self.assertEqual(seen, wanted, (retry, steps))

    def test_to_the_end_of_numbers(self) -> None:
        """After the last number there is none."""
        up = Upstream(2**53 - 2)
        self.assertIs(up.begin(2**53 - 1), Turn.APPLY)
