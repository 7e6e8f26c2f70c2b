"""The rewriter's version follows its sources."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

import gateway
from gateway.ops.revision import revision
from tests.ops import temporary


class RevisionTests(SynchronousTestCase):
    """A digest of files."""

    def setUp(self) -> None:
        """Asked anew."""
        revision.cache_clear()
        self.addCleanup(revision.cache_clear)

    def test_it_is_stable(self) -> None:
        """The same in every process of one installation."""
        first = revision()
        revision.cache_clear()
        self.assertEqual((revision(), len(first)), (first, 12))

    def test_it_follows_the_sources(self) -> None:
        """Another text or name of a file is another version; other rooms do not count."""
        folder = Path(temporary(self))
        (folder / "rewrite").mkdir()
        file = folder / "rewrite" / "html.py"
        seen = []
        with mock.patch.object(gateway, "__file__", str(folder / "__init__.py")):
            for change in (
                lambda: file.write_text("one"),
                lambda: file.write_text("two"),
                lambda: file.rename(folder / "rewrite" / "css.py"),
                lambda: (folder / "other.py").write_text("x"),
            ):
                change()
                revision.cache_clear()
                seen.append(revision())
        self.assertEqual(len(set(seen)), 3)
        self.assertEqual(seen[2], seen[3])
