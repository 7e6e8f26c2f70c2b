"""The embedded store: SQLite in WAL mode, one writer thread, group commit.

The writer takes all that waits into one transaction and answers after it is on disk
(``synchronous = FULL``), so that an acknowledged cookie survives ``kill -9`` and a
power cut, and many cookies share one fsync.  Reads have a thread and a connection of
their own.  ``memory:`` uses one thread for both, on a database that is never written.
"""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.cookies.seal import Row
from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Rows

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorFromThreads

    from gateway.exchange.messages import Commit

_T = TypeVar("_T")
_Job = tuple[Callable[[sqlite3.Connection], Any], "Deferred[Any]"]
_BATCH = 256
_MAX_ORIGINS = 100_000
_ORIGIN_DAYS = 400
_SCHEMA_VERSION = 1
_SCHEMA = """
create table if not exists cookies (
    owner blob not null, bucket blob not null, idx blob not null,
    expires_day integer not null, sealed blob not null,
    primary key (owner, bucket, idx)) without rowid;
create table if not exists versions (
    owner blob not null, bucket blob not null, version integer not null,
    primary key (owner, bucket)) without rowid;
create table if not exists origins (
    label text primary key, origin text not null, day integer not null) without rowid;
create table if not exists nonces (
    nonce blob primary key, day integer not null) without rowid;
"""


class _Worker:
    """A thread with a connection that runs jobs, many in one transaction if ``grouped``."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], reactor: Any, name: str) -> None:
        self._connect = connect
        self._reactor = reactor
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Callable[[sqlite3.Connection], _T]) -> Deferred[_T]:
        done: Deferred[_T] = Deferred()
        if self._closed:
            done.errback(Failure(StoreUnavailable("the store is closed")))
        else:
            self._jobs.put((job, done))
        return done

    def stop(self) -> Deferred[None]:
        """Run what was accepted, then end the thread."""
        finished = self.submit(lambda _: None)
        self._closed = True
        self._jobs.put(None)
        return finished

    def _run(self) -> None:
        connection = self._connect()
        last = False
        while not last:
            batch: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                batch.append(job)
                if len(batch) == _BATCH:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            last = job is None
            if batch:
                results = self._execute(connection, batch)
                self._reactor.callFromThread(_answer, batch, results)
        connection.close()

    def _execute(self, connection: sqlite3.Connection, batch: list[_Job]) -> list[Any]:
        try:
            connection.execute("begin immediate")
            results = [job(connection) for job, _ in batch]
            connection.execute("commit")
        except Exception as error:  # noqa: BLE001 (the thread must outlive every job)
            if connection.in_transaction:
                connection.execute("rollback")
            if len(batch) > 1:
                # One job's fault must not be the others': each by itself.
                return [self._execute(connection, [job])[0] for job in batch]
            return [Failure(StoreUnavailable(f"sqlite: {error}"))]
        return results


class _Reader(_Worker):
    """The same for reads, which need no transaction of their own."""

    def _execute(self, connection: sqlite3.Connection, batch: list[_Job]) -> list[Any]:
        results: list[Any] = []
        for job, _ in batch:
            try:
                results.append(job(connection))
            except Exception as error:  # noqa: BLE001 (the same)
                results.append(Failure(StoreUnavailable(f"sqlite: {error}")))
        return results


def _answer(batch: list[_Job], results: list[Any]) -> None:
    for (_, done), result in zip(batch, results, strict=True):
        if isinstance(result, Failure):
            done.errback(result)
        else:
            done.callback(result)


class SqliteStore:
    """A store in one file; ``path`` None keeps it in memory."""

    def __init__(self, path: Path | None, reactor: IReactorFromThreads) -> None:
        """Remember where; ``start`` opens it."""
        self._path = path
        connect = self._connect
        if path is None:
            memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            memory.executescript(_SCHEMA)
            connect = lambda: memory  # noqa: E731
        self._writer = _Worker(connect, reactor, "store-writer")
        self._reader = (
            self._writer if path is None else _Reader(self._connect, reactor, "store-reader")
        )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            str(self._path), timeout=10, check_same_thread=False, isolation_level=None
        )
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma busy_timeout = 10000")
        return connection

    def start(self) -> None:
        """Create or open the file (mode 0600) and start the threads."""
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
                connection = self._connect()
                self._prepare(connection)
                connection.close()
            except (OSError, sqlite3.Error) as error:
                raise StoreUnavailable(f"{self._path}: {error}") from None
            self._reader.start()
        self._writer.start()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("pragma user_version").fetchone()[0]
        if found not in {0, _SCHEMA_VERSION}:
            raise StoreUnavailable(
                f"{self._path}: format {found}, this gateway knows {_SCHEMA_VERSION}"
            )
        connection.executescript(_SCHEMA)
        connection.execute(f"pragma user_version = {_SCHEMA_VERSION}")

    def stop(self) -> Deferred[None]:
        """Finish what was accepted, then close."""
        finished = self._writer.stop()
        if self._reader is not self._writer:
            return self._reader.stop().addBoth(lambda _: finished)
        return finished

    def read(self, owner: bytes, bucket: bytes) -> Deferred[Rows]:
        """See ``Store.read``."""

        def job(connection: sqlite3.Connection) -> Rows:
            # One statement, so that rows and version are of one moment.
            found = connection.execute(
                "select v.version, c.idx, c.expires_day, c.sealed from versions v left join "
                "cookies c on c.owner = v.owner and c.bucket = v.bucket "
                "where v.owner = ? and v.bucket = ?",
                (owner, bucket),
            ).fetchall()
            if not found:
                return Rows(0)
            rows = tuple(Row(*row[1:]) for row in found if row[1] is not None)
            return Rows(found[0][0], rows)

        return self._reader.submit(job)

    def commit(self, change: Commit) -> Deferred[bool]:
        """See ``Store.commit``."""

        def job(connection: sqlite3.Connection) -> bool:
            place = (change.owner, change.bucket)
            if change.version == 0:
                moved = connection.execute(
                    "insert or ignore into versions values (?, ?, 1)", place
                ).rowcount
            else:
                moved = connection.execute(
                    "update versions set version = version + 1 "
                    "where owner = ? and bucket = ? and version = ?",
                    (*place, change.version),
                ).rowcount
            if moved != 1:
                return False
            connection.executemany(
                "delete from cookies where owner = ? and bucket = ? and idx = ?",
                [(*place, index) for index in change.deletes],
            )
            connection.executemany(
                "insert or replace into cookies values (?, ?, ?, ?, ?)",
                [(*place, row.index, row.expires_day, row.sealed) for row in change.puts],
            )
            return True

        return self._writer.submit(job)

    def remember_origin(self, label: str, origin: str, day: int) -> Deferred[None]:
        """See ``Store.remember_origin``."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "insert or replace into origins values (?, ?, ?)", (label, origin, day)
            )
            count = connection.execute("select count(*) from origins").fetchone()[0]
            if count > _MAX_ORIGINS:
                connection.execute(
                    "delete from origins where label in "
                    "(select label from origins order by day limit ?)",
                    (count - _MAX_ORIGINS + _MAX_ORIGINS // 100,),
                )

        return self._writer.submit(job)

    def origin(self, label: str) -> Deferred[str | None]:
        """See ``Store.origin``."""

        def job(connection: sqlite3.Connection) -> str | None:
            row = connection.execute(
                "select origin from origins where label = ?", (label,)
            ).fetchone()
            return None if row is None else str(row[0])

        return self._reader.submit(job)

    def consume(self, nonce: bytes, day: int) -> Deferred[bool]:
        """See ``Store.consume``."""

        def job(connection: sqlite3.Connection) -> bool:
            done = connection.execute("insert or ignore into nonces values (?, ?)", (nonce, day))
            return done.rowcount == 1

        return self._writer.submit(job)

    def purge(self, day: int) -> Deferred[None]:
        """See ``Store.purge``."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("delete from cookies where expires_day < ?", (day,))
            connection.execute("delete from origins where day < ?", (day - _ORIGIN_DAYS,))
            connection.execute("delete from nonces where day < ?", (day,))

        return self._writer.submit(job)

    def ping(self) -> Deferred[None]:
        """See ``Store.ping``."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("select 1").fetchone()

        return self._reader.submit(job)
