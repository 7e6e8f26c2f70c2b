"""The embedded store: the contract, group commit, and surviving ``kill -9``.

Run as a module with a path it is the child that gets killed: it commits without end and
says on standard output which commits were acknowledged.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase, TestCase

from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Rows
from gateway.store import sqlite
from gateway.store.sqlite import SqliteStore
from tests.ops import temporary
from tests.store.contract import BUCKET, OWNER, StoreContract, put, row

ROOT = Path(__file__).resolve().parents[2]
WRITERS, KILLS = 8, 300


class MemoryTests(StoreContract, TestCase):
    """The contract in memory."""

    def make(self) -> SqliteStore:
        """Make it in memory."""
        from twisted.internet import reactor

        return SqliteStore(None, reactor)


class FileTests(StoreContract, TestCase):
    """The contract on a file, and what only a file has."""

    def make(self) -> SqliteStore:
        """Make it in a folder that is not there yet."""
        from twisted.internet import reactor

        self.path = temporary(self) / "var" / "gateway.db"
        return SqliteStore(self.path, reactor)

    def _on_writer(self, job: Any) -> Any:
        return self.store._writer.submit(job)

    async def test_reopened(self) -> None:
        """What was committed is there after a restart, and the next version counts on."""
        await self.store.commit(put(0, row(1)))
        await self.store.consume(b"nonce", 1)
        await self.store.remember_origin("x-a", "https://a.example", 1)
        await self.store.stop()
        again = SqliteStore(self.path, self.store._writer._reactor)
        again.start()
        self.addCleanup(again.stop)
        self.assertEqual(await again.read(OWNER, BUCKET), Rows(1, (row(1),), 1))
        self.assertIs(await again.commit(put(1, row(2))), True)
        self.assertIs(await again.consume(b"nonce", 1), False)
        self.assertEqual(await again.origin("x-a"), "https://a.example")

    async def test_mode(self) -> None:
        """No other user of the machine can read the file, its log, or the new folder."""
        await self.store.commit(put(0, row(1)))
        for file in self.path.parent.iterdir():
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600, file.name)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode) & 0o077, 0)

    async def test_synchronous(self) -> None:
        """The writer waits for the disk: WAL with full synchronisation."""
        found = await self._on_writer(lambda c: c.execute("pragma synchronous").fetchone()[0])
        self.assertEqual(found, 2)
        found = await self._on_writer(lambda c: c.execute("pragma journal_mode").fetchone()[0])
        self.assertEqual(found, "wal")

    async def test_group_commit(self) -> None:
        """Commits that wait together share one transaction."""
        seen: list[str] = []
        go_on = threading.Event()
        await self._on_writer(lambda c: c.set_trace_callback(seen.append))
        seen.clear()
        first = self._on_writer(lambda _: go_on.wait(30))
        waiting = [self.store.commit(put(0, row(1), bucket=b"%08d" % n)) for n in range(100)]
        go_on.set()
        self.assertEqual(await gatherResults([first, *waiting]), [True] * 101)
        await self._on_writer(lambda c: c.set_trace_callback(None))
        commits = [text for text in seen if text.lower().strip() == "commit"]
        self.assertTrue(1 <= len(commits) <= 3, commits)

    async def test_fault_of_one(self) -> None:
        """One job's fault is not the others', and a change that fails leaves no trace."""
        other = sqlite3.connect(self.path)
        self.addCleanup(other.close)
        other.execute("drop table cookies")
        other.commit()
        go_on = threading.Event()
        blocked = self._on_writer(lambda _: go_on.wait(30))
        bad = self.store.commit(put(0, row(1)))
        good = self.store.consume(b"nonce", 1)
        go_on.set()
        await blocked
        self.assertIs(await good, True)
        with self.assertRaises(StoreUnavailable):
            await bad
        self.assertEqual(other.execute("select count(*) from versions").fetchone(), (0,))

    async def test_origins_bounded(self) -> None:
        """Beyond the bound the oldest entries go, not the newest."""
        self.patch(sqlite, "_MAX_ORIGINS", 20)
        for day in range(30):
            await self.store.remember_origin(f"x-{day}", f"https://{day}.example", day)
        found = [await self.store.origin(f"x-{day}") for day in range(30)]
        self.assertLessEqual(len([one for one in found if one]), 20)
        self.assertEqual(found[29], "https://29.example")
        self.assertIsNone(found[0])


class StartTests(SynchronousTestCase):
    """Files that cannot be opened."""

    timeout = 60

    def _refused(self, path: Path) -> str:
        store = SqliteStore(path, None)
        error = self.assertRaises(StoreUnavailable, store.start)
        self.assertIn(str(path), str(error))
        return str(error)

    def test_unwritable(self) -> None:
        """A path that cannot be had is named in the refusal (a file is in the way)."""
        wall = temporary(self) / "it"
        wall.write_text("")
        self._refused(wall / "var" / "gateway.db")

    def test_folder_in_the_way(self) -> None:
        """A folder where the file should be is refused too."""
        path = temporary(self) / "it"
        path.mkdir()
        self._refused(path)

    def test_not_a_database(self) -> None:
        """Another kind of file is refused and left as it is."""
        path = temporary(self) / "it"
        path.write_text("these are somebody's notes\n" * 100)
        self._refused(path)
        self.assertTrue(path.read_text().startswith("these are"))

    def test_other_format(self) -> None:
        """A file of a later format is refused with both numbers."""
        path = temporary(self) / "it"
        connection = sqlite3.connect(path)
        connection.execute("pragma user_version = 7")
        connection.commit()
        connection.close()
        text = self._refused(path)
        self.assertIn("format 7", text)
        self.assertIn("knows 2", text)
        connection = sqlite3.connect(path)
        self.addCleanup(connection.close)
        tables = connection.execute("select name from sqlite_master").fetchall()
        self.assertEqual(tables, [], "a file that was refused was changed")


class KillTests(SynchronousTestCase):
    """What was acknowledged survives a ``kill -9`` at any instant."""

    timeout = 240

    def test_kill(self) -> None:
        """Every acknowledged commit is there after each of hundreds of kills."""
        path = temporary(self) / "gateway.db"
        choose = random.Random(1)
        acknowledged: dict[int, int] = {}
        nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.store.test_sqlite", str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        watchdog = threading.Timer(self.timeout - 20, nursery.kill)
        watchdog.start()
        with nursery:
            for kill in range(KILLS):
                self._run_and_kill(nursery, choose.randrange(1, 80), acknowledged)
                if kill % 20 == 0 or kill == KILLS - 1:
                    self._check(path, acknowledged)
        watchdog.cancel()
        self.assertGreater(sum(acknowledged.values()), KILLS)

    def _check(self, path: Path, acknowledged: dict[int, int]) -> None:
        connection = sqlite3.connect(path)
        verdict = connection.execute("pragma integrity_check").fetchone()[0]
        found = dict(connection.execute("select owner, version from versions"))
        rows = dict(connection.execute("select owner, sealed from cookies"))
        connection.close()
        self.assertEqual(verdict, "ok")
        for writer, version in acknowledged.items():
            owner = writer.to_bytes(16, "big")
            self.assertGreaterEqual(found.get(owner, 0), version)
            self.assertEqual(int(rows[owner]), found[owner], "rows of another version")

    def _run_and_kill(
        self, nursery: subprocess.Popen[bytes], lines: int, acknowledged: dict[int, int]
    ) -> None:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        nursery.stdin.write(b"\n")
        nursery.stdin.flush()
        child = int(nursery.stdout.readline())
        count = 0
        # What is in the pipe when it is killed was acknowledged, and is read on.
        while (line := nursery.stdout.readline()) != b"ended\n":
            self.assertTrue(line, "the child ended by itself")
            count += 1
            if count == lines:
                os.kill(child, signal.SIGKILL)
            writer, version = map(int, line.split())
            acknowledged[writer] = max(version, acknowledged.get(writer, 0))
        self.assertGreaterEqual(count, lines, "the child ended by itself")


def _nursery(path: Path) -> None:
    """Bear a child for each line of standard input: forked, for a kill is soon and a start slow."""
    for _ in sys.stdin.buffer:
        child = os.fork()
        if not child:
            _child(path)
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


def _child(path: Path) -> None:
    """Commit without end from several writers; a line for each acknowledged commit."""
    from twisted.internet import epollreactor
    from twisted.internet.defer import Deferred

    # The parent's reactor is not for two.
    sys.modules.pop("twisted.internet.reactor", None)
    epollreactor.install()
    from twisted.internet import reactor

    store = SqliteStore(path, reactor)

    async def write(writer: int) -> None:
        owner = writer.to_bytes(16, "big")
        version = (await store.read(owner, BUCKET)).version
        while await store.commit(put(version, row(0, b"%d" % (version + 1)), owner=owner)):
            version += 1
            os.write(1, b"%d %d\n" % (writer, version))

    def begin() -> None:
        os.write(1, b"%d\n" % os.getpid())
        store.start()
        for writer in range(WRITERS):
            Deferred.fromCoroutine(write(writer)).addBoth(reactor.stop)

    reactor.callWhenRunning(begin)
    reactor.run()


if __name__ == "__main__":
    _nursery(Path(sys.argv[1]))
