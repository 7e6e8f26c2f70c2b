"""Purges and checks of the embedded store; the contract tests what all stores do alike."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from gateway.exchange.messages import Rows
from gateway.store import sqlite_upkeep
from gateway.store.sqlite import SqliteStore
from tests.ops import temporary
from tests.store.contract import BUCKET, OTHER, OWNER, put, row


class UpkeepTests(TestCase):
    """A store in a file."""

    timeout = 60

    def setUp(self) -> None:
        """Open it; the day is the test's."""
        from twisted.internet import reactor

        self.today = 20_000
        self.store = SqliteStore(
            temporary(self) / "store.db",
            reactor,
            durable=False,
            stale_days=10,
            today=lambda: self.today,
        )
        self.store.start()
        self.addCleanup(self.store.stop)

    def between(self, *changes: Any) -> None:
        """Let ``changes`` be made after a page was read, before what is over in it is deleted."""
        waiting = list(changes)
        submit = self.store._sweeper.submit

        async def read(job: Any) -> Any:
            found = await submit(job)
            while waiting:
                self.assertIs(await waiting.pop(0)(), True)
            return found

        self.patch(self.store._sweeper, "submit", lambda job: Deferred.fromCoroutine(read(job)))

    async def test_renewed_meanwhile(self) -> None:
        """A cookie that is set anew while a purge runs is not the one that was over."""
        await self.store.commit(put(0, row(1, day=99), row(2, day=99)))
        self.between(lambda: self.store.commit(put(1, row(1, b"new", 20_300))))
        self.assertEqual(await self.store.purge(20_000), 1)
        self.assertEqual(
            await self.store.read(OWNER, BUCKET), Rows(2, (row(1, b"new", 20_300),), 1)
        )

    async def test_back_meanwhile(self) -> None:
        """Who comes back while a purge runs has not been away for too long."""
        kept = row(1, day=30_000)
        await self.store.commit(put(0, kept))
        await self.store.commit(put(0, kept, owner=OTHER))
        self.today = 20_100
        self.between(lambda: self.store.touch(put(1, kept)))
        self.assertEqual(await self.store.purge(20_100), 1)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(1, (kept,), 1))
        self.assertEqual((await self.store.read(OTHER, BUCKET)).rows, ())

    async def test_pages(self) -> None:
        """What is over is found on every page, and nothing else goes."""
        self.patch(sqlite_upkeep, "_PURGED_AT_ONCE", 3)
        for number in range(7):
            rows = [row(one, day=99 + number % 2) for one in range(number)]
            await self.store.commit(put(0, *rows, bucket=b"%08d" % number))
        self.assertEqual(await self.store.purge(100), 2 + 4 + 6)
        self.assertEqual((await self.store.read(OWNER, b"%08d" % 5)).total, 1 + 3 + 5)
        self.assertEqual(await self.store.faults(), [])

    async def test_faults(self) -> None:
        """Rows that are counted wrongly, and rows without a version, are told."""
        await self.store.commit(put(0, row(1)))
        await self.store.commit(put(0, row(1), owner=OTHER))
        for job in (
            f"update owners set total = 7 where owner = x'{OWNER.hex()}'",
            f"delete from versions where owner = x'{OTHER.hex()}'",
        ):
            await self.store._writer.submit(lambda c, job=job: c.execute(job).rowcount)
        self.assertEqual(
            await self.store.faults(),
            ["1 owners whose rows are counted wrongly", "1 rows of buckets without a version"],
        )
