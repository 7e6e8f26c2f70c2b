"""Jobs in threads: one transaction for those that wait, and none lost at the end."""

from __future__ import annotations

import sqlite3
import threading

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import TestCase

from gateway.errors import StoreUnavailable
from gateway.store.sqlite_threads import Reader, Worker
from tests.ops import temporary


class WorkerTests(TestCase):
    """A worker by itself."""

    timeout = 60

    def make(self, kind: type[Worker]) -> Worker:
        """Make one on a file of its own."""
        from twisted.internet import reactor

        path = temporary(self) / "it"
        worker = kind(lambda: sqlite3.connect(path, isolation_level=None), reactor, "test")
        worker.start()
        return worker

    async def test_in_order(self) -> None:
        """Jobs run one after another, in the thread, in the order in which they came."""
        worker = self.make(Worker)
        seen: list[int] = []
        found = [worker.submit(lambda _, n=n: seen.append(n) or n) for n in range(600)]
        self.assertEqual(await gatherResults(found), list(range(600)))
        self.assertEqual(seen, list(range(600)))
        await worker.stop()

    async def test_a_fault_is_one_jobs(self) -> None:
        """Those in the same transaction are done, each by itself."""
        worker = self.make(Worker)
        await worker.submit(lambda c: c.execute("create table t (n unique)"))
        go_on = threading.Event()
        blocked = worker.submit(lambda _: go_on.wait(30))
        done = [
            worker.submit(lambda c, n=n: c.execute("insert into t values (?)", (n // 2,)).rowcount)
            for n in range(4)
        ]
        go_on.set()
        await blocked
        for at, one in enumerate(done):
            if at % 2:
                with self.assertRaises(StoreUnavailable):
                    await one
            else:
                self.assertEqual(await one, 1)
        self.assertEqual(
            await worker.submit(lambda c: c.execute("select count(*) from t").fetchone()), (2,)
        )
        await worker.stop()

    async def test_stopped(self) -> None:
        """What came before the stop is answered; what comes after it is refused."""
        for kind in (Worker, Reader):
            worker = self.make(kind)
            accepted = [worker.submit(lambda _: 1) for _ in range(50)]
            await worker.stop()
            self.assertEqual(await gatherResults(accepted), [1] * 50)
            with self.assertRaises(StoreUnavailable):
                await worker.submit(lambda _: 1)
