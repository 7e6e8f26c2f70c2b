"""What a person is told to do about a refusal."""

from __future__ import annotations

import ast

from twisted.trial.unittest import SynchronousTestCase

from gateway.pages import hints
from gateway.pages.hints import hint
from tests.pages.catalogues import PACKAGE, titles


class HintTests(SynchronousTestCase):
    """Titles first, then statuses."""

    def test_table(self) -> None:
        """A title of its own, a status, neither."""
        self.assertIn("prove", hint(403, "This page could not be checked"))
        self.assertIn("not your mistake", hint(403, "This address is not open here"))
        self.assertNotIn("mistake", hint(403, "Anything else"))
        self.assertIn("misspelled", hint(404, ""))
        self.assertEqual(hint(418, "x"), hints.OTHERWISE)

    def test_titles_are_those_of_refusals(self) -> None:
        """A title that somebody rewords does not lose its hint unseen."""
        made = {
            title
            for path in PACKAGE.rglob("*.py")
            if "node_modules" not in path.parts
            for title in titles(ast.parse(path.read_text("utf-8")))
        }
        self.assertEqual(set(hints.BY_TITLE) - made, set())
