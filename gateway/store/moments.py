"""Short texts that are kept for a moment, for all processes: where one is, what one refused.

A text may be lost before its time: whoever asks must be able to do without.  The table is made
by who first writes to it, so that a store of an older process needs no migration.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from gateway.store import valkey_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from twisted.internet.defer import Deferred

    from gateway.store.sqlite_threads import Reader, Worker

_TABLE = (
    "create table if not exists moments ("
    "key text primary key, text text not null, until integer not null) without rowid"
)
# Each refused handshake may keep one: what is over is found without a look at all others.
_INDEX = "create index if not exists moments_over on moments (until)"


class SqliteMoments:
    """What ``SqliteStore`` keeps for a moment."""

    _writer: Worker
    _reader: Worker | Reader

    def keep(self, key: str, text: str, now: int, until: int) -> Deferred[None]:
        """See ``Store.keep``; what is over goes with it."""

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(_TABLE)
            connection.execute(_INDEX)
            connection.execute("delete from moments where until <= ?", (now,))
            connection.execute(
                "insert or replace into moments values (?, ?, ?)", (key, text, until)
            )

        return self._writer.submit(job)

    def kept(self, key: str, now: int) -> Deferred[str | None]:
        """See ``Store.kept``."""

        def job(connection: sqlite3.Connection) -> str | None:
            asked = "select text from moments where key = ? and until > ?"
            try:
                row = connection.execute(asked, (key, now)).fetchone()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return None
                raise
            return None if row is None else str(row[0])

        return self._reader.submit(job)


class ValkeyMoments:
    """What ``ValkeyStore`` keeps for a moment."""

    _run: Callable[[Callable[[], Awaitable[Any]]], Deferred[Any]]
    _ask: Callable[..., Awaitable[Any]]

    def keep(self, key: str, text: str, now: int, until: int) -> Deferred[None]:
        """See ``Store.keep``; the server forgets by itself."""

        async def work() -> None:
            await self._ask(("SET", valkey_keys.moment(key), text, "EX", max(1, until - now)))

        return self._run(work)

    def kept(self, key: str, now: int) -> Deferred[str | None]:
        """See ``Store.kept``."""
        del now

        async def work() -> str | None:
            (found,) = await self._ask(("GET", valkey_keys.moment(key)))
            return None if found is None else found.decode("utf-8")

        return self._run(work)
