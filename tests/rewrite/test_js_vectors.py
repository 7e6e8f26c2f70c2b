"""The server's edit of scripts and the browser's small copy of it are held to the same vectors."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite import js

VECTORS = Path(__file__).parent.parent / "vectors" / "script-edits.json"


class VectorTests(SynchronousTestCase):
    """``runtime/tests/edit.test.mjs`` has the same for the copy."""

    def test_vectors(self) -> None:
        """Text in, text out; what is lost stays."""
        for text, wanted in json.loads(VECTORS.read_text("utf-8")):
            given = text.encode()
            found = js.edit(given, str)
            self.assertEqual((given if found is None else found).decode(), wanted, text)
