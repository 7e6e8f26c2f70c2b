"""What is kept for a moment: the contract tests it on every store; here, old files."""

from __future__ import annotations

import sqlite3

from twisted.trial.unittest import TestCase

from gateway.store.sqlite import SqliteStore
from tests.ops import temporary


class SqliteMomentsTests(TestCase):
    """A file of before."""

    timeout = 20

    async def test_old_file(self) -> None:
        """One without the table is read as empty, and gets the table by the first text."""
        from twisted.internet import reactor

        path = temporary(self) / "store.db"
        store = SqliteStore(path, reactor)  # type: ignore[arg-type]
        store.start()
        self.addCleanup(store.stop)
        self.assertIsNone(await store.kept("a", 10))
        await store.keep("a", "text", 10, 20)
        self.assertEqual(await store.kept("a", 19), "text")
        self.assertIsNone(await store.kept("a", 20))
        await store.keep("b", "other", 30, 40)
        with sqlite3.connect(path) as file:
            found = file.execute("select key from moments").fetchall()
        self.assertEqual(found, [("b",)])

    async def test_many(self) -> None:
        """What is over is found without reading what is not: refused handshakes fill the table.

        A file that was made without the index gets it.
        """
        from twisted.internet import reactor

        path = temporary(self) / "store.db"
        store = SqliteStore(path, reactor)  # type: ignore[arg-type]
        store.start()
        self.addCleanup(store.stop)
        await store.keep("a", "text", 10, 20)
        with sqlite3.connect(path) as file:
            file.execute("drop index if exists moments_over")
        await store.keep("b", "text", 10, 20)
        with sqlite3.connect(path) as file:
            plan = file.execute("explain query plan delete from moments where until <= 30")
            self.assertIn("SEARCH moments USING", str(plan.fetchall()))
