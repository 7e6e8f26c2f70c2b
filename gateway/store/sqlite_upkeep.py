"""What reads or mends all of a SQLite store, rather than what one request needs of it.

It reads on a connection of its own, page by page: no request waits behind it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from gateway.cookies.seal import Row

if TYPE_CHECKING:
    import sqlite3

    from gateway.store.interface import Bucket
    from gateway.store.sqlite_threads import Reader, Worker

_PURGED_AT_ONCE = 1000
_ORIGIN_DAYS = 400
_PAGE = 100
_IS_OVER = (
    "(expires_day < :day or exists (select 1 from versions v where v.owner = cookies.owner "
    "and v.bucket = cookies.bucket and v.day > 0 and v.day < :stale))"
)

_NEXT = (
    "select owner, bucket, idx, {} from cookies where (owner, bucket, idx) > "
    "(:owner, :bucket, :idx) order by owner, bucket, idx limit :most"
)
_DELETE = "delete from cookies where owner = :owner and bucket = :bucket and idx = :idx and {}"
_Place = tuple[bytes, bytes, bytes]


def _named(place: _Place) -> dict[str, bytes]:
    return dict(zip(("owner", "bucket", "idx"), place, strict=True))


class SqliteUpkeep:
    """What ``SqliteStore`` does for operators and by the clock."""

    _writer: Worker
    _sweeper: Worker | Reader
    _stale_days: int

    def purge(self, day: int) -> Deferred[int]:
        """See ``Store.purge``; page by page, so that no writer waits for all of it."""
        stale = day - self._stale_days

        bounds = {"day": day, "stale": stale}

        def page(connection: sqlite3.Connection, after: _Place) -> list[tuple[_Place, bool]]:
            given = {**bounds, **_named(after), "most": _PURGED_AT_ONCE}
            found = connection.execute(_NEXT.format(_IS_OVER), given)
            return [((owner, bucket, idx), bool(over)) for owner, bucket, idx, over in found]

        def delete(connection: sqlite3.Connection, places: list[_Place]) -> int:
            # Asked again: it may have been renewed since the page was read.
            given = [{**bounds, **_named(place)} for place in places]
            return connection.executemany(_DELETE.format(_IS_OVER), given).rowcount

        def rest(connection: sqlite3.Connection) -> None:
            # A version outlives its last row by long, so that no old change comes to life.
            connection.execute(
                "delete from versions where day < ? and not exists (select 1 from cookies c "
                "where c.owner = versions.owner and c.bucket = versions.bucket)",
                (stale,),
            )
            connection.execute("delete from owners where total <= 0 and day < ?", (stale,))
            connection.execute("delete from origins where day < ?", (day - _ORIGIN_DAYS,))
            connection.execute("delete from nonces where day < ?", (day,))
            connection.execute("delete from spent where full < ?", (day * 86400,))

        async def run() -> int:
            gone, after = 0, (b"", b"", b"")
            while True:
                found = await self._sweeper.submit(partial(page, after=after))
                over = [place for place, is_over in found if is_over]
                if over:
                    gone += await self._writer.submit(partial(delete, places=over))
                if len(found) < _PURGED_AT_ONCE:
                    break
                after = found[-1][0]
            await self._writer.submit(rest)
            return gone

        return Deferred.fromCoroutine(run())

    def scan(self, cursor: bytes) -> Deferred[tuple[bytes, list[Bucket]]]:
        """See ``Store.scan``; the cursor is the last owner and bucket."""

        def job(connection: sqlite3.Connection) -> tuple[bytes, list[Bucket]]:
            places = connection.execute(
                "select owner, bucket, version from versions where (owner, bucket) > (?, ?) "
                "order by owner, bucket limit ?",
                (cursor[:16], cursor[16:], _PAGE),
            ).fetchall()
            page: list[Bucket] = []
            for owner, bucket, version in places:
                found = connection.execute(
                    "select idx, expires_day, sealed from cookies where owner = ? and bucket = ?",
                    (owner, bucket),
                )
                page.append((owner, bucket, version, tuple(Row(*row) for row in found)))
            last = places[-1][0] + places[-1][1] if len(places) == _PAGE else b""
            return last, page

        return self._sweeper.submit(job)

    def owners_by_prefix(self) -> Deferred[dict[bytes, int]]:
        """See ``Store.owners_by_prefix``; SQLite sorts in files of its own."""
        return self._sweeper.submit(
            lambda connection: dict(
                connection.execute(
                    "select substr(owner, 1, 2), count(*) from owners where total > 0 group by 1"
                ).fetchall()
            )
        )

    def origins(self) -> Deferred[list[tuple[str, str, int]]]:
        """See ``Store.origins``."""
        return self._sweeper.submit(
            lambda connection: connection.execute(
                "select label, origin, day from origins"
            ).fetchall()
        )

    def nonces(self) -> Deferred[list[bytes]]:
        """See ``Store.nonces``."""
        return self._sweeper.submit(
            lambda connection: [row[0] for row in connection.execute("select nonce from nonces")]
        )

    def faults(self) -> Deferred[list[str]]:
        """See ``Store.faults``."""

        def job(connection: sqlite3.Connection) -> list[str]:
            found = [row[0] for row in connection.execute("pragma integrity_check(20)")]
            told = [f"integrity: {text}" for text in found if text != "ok"]
            (wrong,) = connection.execute(
                "select count(*) from (select owner, count(*) as n from cookies group by owner) c "
                "left join owners o on o.owner = c.owner where o.total is null or o.total <> c.n"
            ).fetchone()
            if wrong:
                told.append(f"{wrong} owners whose rows are counted wrongly")
            (lone,) = connection.execute(
                "select count(*) from cookies c where not exists (select 1 from versions v "
                "where v.owner = c.owner and v.bucket = c.bucket)"
            ).fetchone()
            if lone:
                told.append(f"{lone} rows of buckets without a version")
            return told

        return self._sweeper.submit(job)
