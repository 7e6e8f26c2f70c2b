"""Where SVG and MathML begin and end."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.rewrite.foreign import ForeignContent


class ForeignContentTests(SynchronousTestCase):
    """Start and end tags, as a table of steps."""

    def test_integration_points(self) -> None:
        """HTML goes on within them, and ends with them."""
        content = ForeignContent()
        self.assertEqual((content.is_empty, content.kind), (True, "html"))
        content.begin(b"svg")
        self.assertEqual((content.is_empty, content.kind), (False, "svg"))
        content.enter(b"g", {})
        self.assertEqual(content.kind, "svg")
        content.enter(b"foreignobject", {})
        self.assertEqual((content.kind, content.at_point), ("html", True))
        content.begin(b"math")
        self.assertEqual(content.kind, "math")
        content.enter(b"annotation-xml", {b"encoding": "text/plain"})
        self.assertEqual(content.kind, "math")
        content.enter(b"annotation-xml", {b"encoding": "Text/HTML"})
        self.assertEqual(content.kind, "html")
        content.leave(b"svg")
        self.assertTrue(content.is_empty)

    def test_same_names(self) -> None:
        """One within another is closed by its own end tag."""
        content = ForeignContent()
        content.begin(b"svg")
        content.enter(b"svg", {})
        content.leave(b"svg")
        self.assertEqual(content.kind, "svg")
        content.leave(b"g")
        self.assertEqual(content.kind, "svg")
        content.leave(b"svg")
        self.assertTrue(content.is_empty)

    def test_breaking_out(self) -> None:
        """As far as the next integration point."""
        content = ForeignContent()
        content.begin(b"svg")
        content.enter(b"desc", {})
        content.begin(b"math")
        content.break_out()
        self.assertEqual((content.kind, content.is_empty), ("html", False))
        content.begin(b"svg")
        content.leave(b"div")
        self.assertEqual((content.kind, content.is_empty), ("html", False))
