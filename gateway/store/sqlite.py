"""The embedded store: SQLite in WAL mode, one writer thread, group commit.

The writer takes all that waits into one transaction and answers after it is on disk
(``synchronous = FULL``), so that an acknowledged cookie survives ``kill -9`` and a
power cut, and many cookies share one fsync.  Reads have a thread and a connection of
their own.  ``memory:`` uses one thread for both, on a database that is never written.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, DeferredList

from gateway.cookies.seal import Row
from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Rows
from gateway.store.interface import EPOCH, STALE_DAYS, Bucket
from gateway.store.moments import SqliteMoments
from gateway.store.sqlite_threads import Reader, Worker
from gateway.store.sqlite_upkeep import SqliteUpkeep

if TYPE_CHECKING:
    from twisted.internet.interfaces import IReactorFromThreads

    from gateway.exchange.messages import Commit

_BUSY_SECONDS = 10
_MAX_ORIGINS = 100_000
_SCHEMA_VERSION = 2
# `owners` counts by itself, so that no statement can forget to; an upsert that updates
# fires no insert trigger.
_SCHEMA = """
create table if not exists cookies (
    owner blob not null, bucket blob not null, idx blob not null,
    expires_day integer not null, sealed blob not null,
    primary key (owner, bucket, idx)) without rowid;
create table if not exists versions (
    owner blob not null, bucket blob not null, version integer not null,
    day integer not null default 0, primary key (owner, bucket)) without rowid;
create table if not exists owners (
    owner blob primary key, total integer not null, base integer not null default 0,
    day integer not null default 0) without rowid;
create table if not exists origins (
    label text primary key, origin text not null, day integer not null) without rowid;
create table if not exists nonces (
    nonce blob primary key, day integer not null) without rowid;
create table if not exists spent (
    key blob primary key, tokens real not null, at real not null, full real not null
    ) without rowid;
create trigger if not exists one_more after insert on cookies begin
    insert into owners (owner, total) values (new.owner, 1)
        on conflict (owner) do update set total = total + 1; end;
create trigger if not exists one_less after delete on cookies begin
    update owners set total = total - 1 where owner = old.owner; end;
"""
# What older formats lack, before `_SCHEMA` fills in the rest.
_MIGRATIONS = {
    1: """
alter table versions add column day integer not null default 0;
create table owners (
    owner blob primary key, total integer not null, base integer not null default 0,
    day integer not null default 0) without rowid;
insert into owners (owner, total) select owner, count(*) from cookies group by owner;
""",
}
_PUT = (
    "insert into cookies values (?, ?, ?, ?, ?) on conflict (owner, bucket, idx) "
    "do update set expires_day = excluded.expires_day, sealed = excluded.sealed"
)


def _owner(connection: sqlite3.Connection, owner: bytes) -> tuple[int, int]:
    """The version of a bucket that is not there, and how many rows the owner has."""
    found = connection.execute("select base, total from owners where owner = ?", (owner,))
    base, total = found.fetchone() or (0, 0)
    return base, total


def _statements(script: str) -> Iterator[str]:
    """The statements of a script: `executescript` would commit before them."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class SqliteStore(SqliteMoments, SqliteUpkeep):
    """A store in one file; ``path`` None keeps it in memory.

    ``durable``: an acknowledged change survives a power cut (``synchronous = FULL``);
    without, the end of the process alone.  ``today`` gives the day since the epoch.
    """

    def __init__(
        self,
        path: Path | None,
        reactor: IReactorFromThreads,
        *,
        durable: bool = True,
        stale_days: int = STALE_DAYS,
        today: Callable[[], int] = lambda: int(time.time() // 86400),
    ) -> None:
        """Remember where; ``start`` opens it."""
        self._path = path
        self._durable = durable
        self._stale_days = stale_days
        self._today = today
        connect = self._connect
        if path is None:
            memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            memory.executescript(_SCHEMA)
            connect = lambda: memory  # noqa: E731
        self._writer = Worker(connect, reactor, "store-writer")
        self._reader = (
            self._writer if path is None else Reader(self._connect, reactor, "store-reader")
        )
        # For what reads everything: nobody's request waits behind it.
        self._sweeper = (
            self._writer if path is None else Reader(self._connect, reactor, "store-sweeper")
        )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            str(self._path), timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        end = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                connection.execute("pragma journal_mode = wal")
            except sqlite3.OperationalError as error:
                # Of several processes that make one file, one changes the mode; SQLite lets
                # no other wait for that.
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                break
        connection.execute(f"pragma synchronous = {'full' if self._durable else 'normal'}")
        connection.execute(f"pragma busy_timeout = {_BUSY_SECONDS * 1000}")
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
            self._sweeper.start()
        self._writer.start()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # Several processes may start on one file at the same moment.
        connection.execute("begin immediate")
        try:
            found = connection.execute("pragma user_version").fetchone()[0]
            if found not in {0, *_MIGRATIONS, _SCHEMA_VERSION}:
                raise StoreUnavailable(
                    f"{self._path}: format {found}, this gateway knows {_SCHEMA_VERSION}"
                )
            for statement in _statements(_MIGRATIONS.get(found, "") + _SCHEMA):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {_SCHEMA_VERSION}")
            connection.execute("commit")
        finally:
            if connection.in_transaction:
                connection.execute("rollback")

    def stop(self) -> Deferred[None]:
        """Finish what was accepted, then close."""
        finished = self._writer.stop()
        if self._reader is self._writer:
            return finished
        others = DeferredList([self._reader.stop(), self._sweeper.stop()], consumeErrors=True)
        return others.addCallback(lambda _: finished)

    def read(self, owner: bytes, bucket: bytes) -> Deferred[Rows]:
        """See ``Store.read``."""

        def job(connection: sqlite3.Connection) -> Rows:
            # One statement, so that rows and version are of one moment.
            found = connection.execute(
                "select v.version, (select total from owners where owner = ?1), "
                "c.idx, c.expires_day, c.sealed from versions v left join "
                "cookies c on c.owner = v.owner and c.bucket = v.bucket "
                "where v.owner = ?1 and v.bucket = ?2",
                (owner, bucket),
            ).fetchall()
            if not found:
                base, total = _owner(connection, owner)
                return Rows(base, (), total)
            rows = tuple([Row(i, day, text) for _, _, i, day, text in found if i is not None])
            return Rows(found[0][0], rows, found[0][1] or 0)

        return self._reader.submit(job)

    def commit(self, change: Commit) -> Deferred[bool]:
        """See ``Store.commit``."""
        day = self._today()

        def job(connection: sqlite3.Connection) -> bool:
            place = (change.owner, change.bucket)
            moved = connection.execute(
                "update versions set version = version + 1, day = ? "
                "where owner = ? and bucket = ? and version = ?",
                (day, *place, change.version),
            ).rowcount
            if moved != 1 and change.version == _owner(connection, change.owner)[0]:
                moved = connection.execute(
                    "insert or ignore into versions values (?, ?, ?, ?)",
                    (*place, change.version + 1, day),
                ).rowcount
            if moved != 1:
                return False
            connection.executemany(
                "delete from cookies where owner = ? and bucket = ? and idx = ?",
                [(*place, index) for index in change.deletes],
            )
            connection.executemany(
                _PUT, [(*place, row.index, row.expires_day, row.sealed) for row in change.puts]
            )
            return True

        return self._writer.submit(job)

    def touch(self, change: Commit) -> Deferred[bool]:
        """See ``Store.touch``."""
        day = self._today()

        def job(connection: sqlite3.Connection) -> bool:
            place = (change.owner, change.bucket)
            same = connection.execute(
                "update versions set day = ? where owner = ? and bucket = ? and version = ?",
                (day, *place, change.version),
            )
            if same.rowcount != 1:
                return False
            connection.executemany(
                "update cookies set expires_day = ?, sealed = ? "
                "where owner = ? and bucket = ? and idx = ?",
                [(row.expires_day, row.sealed, *place, row.index) for row in change.puts],
            )
            return True

        return self._writer.submit(job)

    def owned(self, owner: bytes) -> Deferred[dict[bytes, Rows]]:
        """See ``Store.owned``."""

        def job(connection: sqlite3.Connection) -> dict[bytes, Rows]:
            found = connection.execute(
                "select v.bucket, v.version, c.idx, c.expires_day, c.sealed from versions v "
                "left join cookies c on c.owner = v.owner and c.bucket = v.bucket "
                "where v.owner = ?",
                (owner,),
            ).fetchall()
            rows: dict[bytes, tuple[int, list[Row]]] = {}
            for bucket, version, index, *rest in found:
                _, listed = rows.setdefault(bucket, (version, []))
                if index is not None:
                    listed.append(Row(index, *rest))
            total = sum(len(listed) for _, listed in rows.values())
            return {
                bucket: Rows(version, tuple(listed), total)
                for bucket, (version, listed) in rows.items()
            }

        return self._reader.submit(job)

    def forget(self, owner: bytes) -> Deferred[None]:
        """See ``Store.forget``."""
        day = self._today()

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("delete from cookies where owner = ?", (owner,))
            connection.execute("delete from versions where owner = ?", (owner,))
            connection.execute(
                "insert into owners values (?1, 0, ?2, ?3) on conflict (owner) "
                "do update set total = 0, base = base + ?2, day = ?3",
                (owner, EPOCH, day),
            )

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

    def spend(
        self, key: bytes, cost: float, capacity: float, per_second: float, now: float
    ) -> Deferred[float]:
        """See ``Store.spend``."""

        def job(connection: sqlite3.Connection) -> float:
            found = connection.execute("select tokens, at from spent where key = ?", (key,))
            tokens, at = found.fetchone() or (capacity, now)
            tokens = min(capacity, tokens + max(0.0, now - at) * per_second)
            if tokens < cost:
                return (cost - tokens) / per_second
            tokens -= cost
            # A clock that is behind must not turn this one back.
            at = max(at, now)
            full = at + (capacity - tokens) / per_second
            connection.execute(
                "insert or replace into spent values (?, ?, ?, ?)", (key, tokens, at, full)
            )
            return 0.0

        return self._writer.submit(job)

    def restore(self, bucket: Bucket) -> Deferred[None]:
        """See ``Store.restore``."""
        owner, name, version, rows = bucket
        day = self._today()

        def job(connection: sqlite3.Connection) -> None:
            place = (owner, name)
            connection.execute("delete from cookies where owner = ? and bucket = ?", place)
            connection.execute(
                "insert or replace into versions values (?, ?, ?, ?)", (*place, version, day)
            )
            connection.executemany(
                _PUT, [(*place, row.index, row.expires_day, row.sealed) for row in rows]
            )

        return self._writer.submit(job)

    def ping(self) -> Deferred[None]:
        """See ``Store.ping``."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute("select 1").fetchone()

        return self._reader.submit(job)
