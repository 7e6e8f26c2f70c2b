"""The decision table is whole."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway import events
from gateway.policy.steps import TABLE, Step, row, step_of


class TableTests(SynchronousTestCase):
    """Each step once, in order, with all that is told of it."""

    def test_order(self) -> None:
        """Numbers count from one; a step is looked up by its number."""
        self.assertEqual([one.step for one in TABLE], list(Step))
        self.assertEqual([int(one.step) for one in TABLE], list(range(1, len(TABLE) + 1)))
        for one in TABLE:
            self.assertIs(row(one.step), one)

    def test_texts(self) -> None:
        """Questions are questions, statuses are refusals, events are those of ``events``."""
        known = {value for name, value in vars(events).items() if name.isupper()}
        for one in TABLE:
            self.assertTrue(one.question.endswith("?"), one.name)
            self.assertTrue(one.passes and one.refuses, one.name)
            self.assertIn(one.status, {401, 403, 429, 502}, one.name)
            self.assertTrue(one.event in known or (not one.event and one.elsewhere), one.name)
        self.assertEqual(len({one.name for one in TABLE}), len(TABLE))

    def test_events_of_refusals(self) -> None:
        """Refusals that name no step have one by their event, where the table knows it."""
        for event, step in (
            (events.CSRF_TOKEN, Step.PAGE),
            (events.ORIGIN_DENIED, Step.PAGE),
            (events.SUBPROTOCOL_VIOLATION, Step.SUBPROTOCOL),
            (events.LIMIT, None),
            ("", None),
        ):
            self.assertIs(step_of(event), step, event)
