"""Which fields pass by name: ``test_headers_contract`` asks for each; here, that none is two things."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite import header_names as names


class NameTests(SynchronousTestCase):
    """One decision for each name."""

    def test_no_name_is_dropped_and_mapped(self) -> None:
        """What is dropped is dropped always: no other list may speak of it."""
        for other in (names.EDITED_DROPPED, names.PRIVATE_DROPPED, names.URL_FIELDS):
            self.assertEqual(names.RESPONSE_DROPPED & other, frozenset())
        self.assertEqual(names.REQUEST_DROPPED & names.EDITS_DROPPED, frozenset())
        self.assertFalse(names.URL_FIELDS & names.EDITED_DROPPED)
