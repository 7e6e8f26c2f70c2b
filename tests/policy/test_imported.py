"""Rules from elsewhere, written as TOML."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.imported import Imported, one_line, shown


class WritingTests(SynchronousTestCase):
    """What becomes of rules and notes."""

    def test_rules(self) -> None:
        """In order, each once, with where they are from; flags are TOML's."""
        found = Imported("From x")
        self.assertTrue(found.add("access", "<a>", {"origin": "a.b", "native": True}))
        self.assertTrue(found.add("access", "<b>", {"origin": "a.b", "native": True}))
        self.assertTrue(found.add("allow-intent", "<c>", {"href": "tel:*"}))
        found.note("n")
        found.note("n")
        self.assertEqual(
            found.toml(),
            '# From x\n# note: n\n\n# <a>\n[[access]]\norigin = "a.b"\nnative = true\n'
            '\n# <c>\n[[allow-intent]]\nhref = "tel:*"\n',
        )

    def test_no_patterns(self) -> None:
        """What no pattern is becomes a note that says why."""
        for table, text in (
            ("access", "a b"),
            ("access", "tel:*"),
            ("allow-navigation", "file:///*"),
            ("allow-intent", "javascript:*"),
        ):
            found = Imported()
            self.assertFalse(found.add(table, "<x>", {"href": text}))
            self.assertEqual(found.entries, [])
            (note,) = found.notes
            self.assertTrue(note.startswith("<x>: left out: "), note)

    @settings(deadline=None)
    @given(st.text(), st.text())
    def test_any_text(self, path: str, about: str) -> None:
        """Whatever a path, a place or a note holds, the result is TOML and keeps the text."""
        path = "/" + path.encode("utf-8", "replace").decode()
        found = Imported(about)
        added = found.add("access", about, {"origin": f"https://a.b{path}"})
        found.note(about)
        document = tomllib.loads(found.toml())
        rows = [{"origin": f"https://a.b{path}"}] if added else []
        self.assertEqual(document.get("access", []), rows)

    def test_quoting(self) -> None:
        """Notes are one printable line, and short."""
        self.assertEqual(one_line("a\nb\x1b[31m"), "a?b?[31m")
        self.assertEqual(len(shown("x" * 99)), 60)
