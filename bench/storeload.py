"""The process that ``python -m bench store`` measures: ``FOLDER PORT PID SECONDS ROWS``."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import resource
import sqlite3
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis.asyncio
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from bench import figures, stores
from bench.stores import TODAY, Jars, Measured, Server, Target
from gateway.cookies.seal import Row
from gateway.store import sqlite, valkey_scripts
from gateway.store.sqlite import SqliteStore
from gateway.store.valkey import ValkeyStore
from gateway.store.valkey_client import ValkeySettings
from gateway.store.valkey_keys import bucket_keys, fields_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.store.interface import Store

_FEW_ROWS = 100_000
_MANY = 500
_PIPELINES, _LIFE = 4, 400 * 86400
_TARGETS = 50_000
_PAUSE_SECONDS = 0.005
_MIB = 1 << 20
# As ``SqliteStore.commit`` has it in the middle of its code.
_UPDATE = (
    "update versions set version = version + 1, day = ? "
    "where owner = ? and bucket = ? and version = ?"
)
_HEADER = ["commits/s", "x raw", "CPU us", "x raw", "in one group", "cores used"]


class Files:
    """A folder of SQLite stores; each opened only while it is measured."""

    def __init__(self, folder: Path) -> None:
        """Nothing is there yet."""
        self.folder = folder

    async def make(self, name: str) -> Path:
        """A file with the schema and without rows."""
        path = self.folder / f"{name}.db"
        await self.close(self.open(path))
        return path

    @staticmethod
    def open(path: Path, *, durable: bool = True) -> SqliteStore:
        """A store that takes the day for ours."""
        from twisted.internet import reactor  # noqa: PLC0415 (installed by now)

        store = SqliteStore(path, reactor, durable=durable, today=lambda: TODAY)
        store.start()
        return store

    @staticmethod
    async def close(store: SqliteStore) -> None:
        """Stop a store, and wait until its threads have closed the file."""
        await store.stop()
        for worker in (store._writer, store._reader, store._sweeper):
            worker._thread.join()

    @staticmethod
    def connect(path: Path, *, durable: bool = True) -> sqlite3.Connection:
        """What the store does too, and no more."""
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
        return connection

    @staticmethod
    def remove(path: Path) -> None:
        """With its log."""
        for one in path.parent.glob(f"{path.name}*"):
            one.unlink()


def fill(path: Path, jars: Jars) -> None:
    """Every row in the table's order, in one go; the triggers' work is done by hand."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = delete", "journal_mode = off", "synchronous = off",
                   "cache_size = -65536"):  # fmt: skip
        connection.execute(f"pragma {pragma}").fetchall()
    for trigger in ("one_more", "one_less"):  # ``start`` makes them again
        connection.execute(f"drop trigger {trigger}")
    connection.execute("begin")
    connection.executemany("insert into cookies values (?, ?, ?, ?, ?)", jars.in_order())
    connection.executemany(
        "insert into versions values (?, ?, 1, ?)",
        ((owner, bucket, TODAY) for owner in jars.owners for bucket in jars.buckets(owner)),
    )
    total = jars.rows // len(jars.owners)
    connection.executemany(
        "insert into owners values (?, ?, 0, 0)", ((owner, total) for owner in jars.owners)
    )
    connection.execute("commit")
    connection.close()
    with path.open("rb") as file:
        os.fsync(file.fileno())


# --- committed writes ------------------------------------------------------------------


def _turns(targets: list[Target], at_once: int) -> list[itertools.cycle[Target]]:
    """For each of so many users its own buckets, so that none competes with another."""
    return [itertools.cycle(targets[at::at_once]) for at in range(at_once)]


async def through(
    store: Store, jars: Jars, targets: list[Target], at_once: int, seconds: float, pid: int = 0
) -> Measured:
    """Commits of one row through a store."""
    turns = _turns(targets, at_once)

    async def one(at: int) -> None:
        target = next(turns[at])
        stores.expect(true=await store.commit(jars.change(target)))
        target.version += 1

    return await stores.repeat(one, at_once, seconds, pid)


async def through_sqlite(store: SqliteStore, *rest: Any) -> Measured:
    """The same, and how many commits shared a transaction."""
    worker, groups = store._writer, []
    execute = worker._execute

    def counted(connection: sqlite3.Connection, batch: list[Any]) -> list[Any]:
        groups.append(len(batch))
        return execute(connection, batch)

    worker._execute = counted  # type: ignore[method-assign]
    found = await through(store, *rest)
    worker._execute = execute  # type: ignore[method-assign]
    return Measured(found.rate, group=statistics.mean(groups))


def raw_sqlite(
    connection: sqlite3.Connection, jars: Jars, targets: list[Target], group: int, seconds: float
) -> Measured:
    """The same statements in groups of the same size, one after the other in one thread."""
    turn = itertools.cycle(targets)
    execute = connection.execute

    def one() -> int:
        execute("begin immediate")
        for _ in range(group):
            target = next(turn)
            place = (target.owner, target.bucket)
            moved = execute(_UPDATE, (TODAY, *place, target.version)).rowcount
            stores.expect(true=moved == 1)
            row = (*place, jars.index(target), TODAY + 90, jars.sealed())
            connection.executemany(sqlite._PUT, [row])
            target.version += 1
        execute("commit")
        return group

    return stores.loop(one, seconds)


async def sqlite_rates(
    path: Path, jars: Jars, seconds: float, targets: list[Target], kinds: tuple[bool, ...]
) -> list[list[str]]:
    """Rows of the table: durable or not, many and one at a time, beside raw."""
    rows = []
    for durable in kinds:
        store = Files.open(path, durable=durable)
        connection = Files.connect(path, durable=durable)
        found: dict[tuple[str, int], list[Measured]] = {}
        for _ in range(stores.ROUNDS):
            for count in (_MANY, 1):
                own = await through_sqlite(store, jars, targets, count, seconds)
                raw = raw_sqlite(connection, jars, targets, round(own.group), seconds)
                found.setdefault(("store", count), []).append(own)
                found.setdefault(("raw", count), []).append(raw)
        connection.close()
        await Files.close(store)
        how = "" if durable else ", durable = false"
        rows += _pairs(found, f"sqlite3{how}", f"SqliteStore{how}")
    return rows


def _pairs(found: dict[tuple[str, int], list[Measured]], raw: str, own: str) -> list[list[str]]:
    rows = []
    for count in (_MANY, 1):
        beside = stores.median_by_clock(found["raw", count])
        one = stores.median_by_clock(found["store", count])
        when = "one at a time" if count == 1 else f"{count} in flight"
        rows.append([f"{when}, raw {raw}", *stores.describe(beside, None)])
        rows.append([f"{when}, {own}", *stores.describe(one, beside)])
        if one.server:
            rows[-2].append(figures.number(beside.server_micros))
            rows[-1].append(figures.number(one.server_micros))
    return rows


async def through_valkey(store: ValkeyStore, *rest: Any) -> Measured:
    """Commits, and how many shared a pipeline."""
    groups: list[int] = []
    pipelines = await store._pipelines_for(("HGET", b"-"), commits=True)
    send = pipelines._send

    async def counted(commands: list[Any]) -> list[Any]:
        groups.append(len(commands))
        return await send(commands)

    pipelines._send = counted  # type: ignore[method-assign]
    found = await through(store, *rest)
    pipelines._send = send  # type: ignore[method-assign]
    return Measured(found.rate, found.server, statistics.mean(groups))


async def raw_valkey(
    client: redis.asyncio.Redis,
    jars: Jars,
    targets: list[Target],
    group: int,
    at_once: int,
    seconds: float,
    pid: int,
) -> Measured:
    """The same commands in pipelines of the same length by redis-py alone."""
    turns = _turns(targets, at_once)

    async def one(at: int) -> None:
        pipeline, some = client.pipeline(transaction=False), []
        for _ in range(group):
            target = next(turns[at])
            some.append(target)
            row = Row(jars.index(target), TODAY + 90, jars.sealed())
            pipeline.execute_command(
                "EVALSHA", valkey_scripts.COMMIT.digest, 2, *bucket_keys(target.owner, target.bucket),
                target.version, target.bucket.hex(), _LIFE, os.urandom(8), 0, *fields_of([row]),
            )  # fmt: skip
            target.version += 1
        for done in await pipeline.execute():
            stores.expect(true=done == 1)

    found = await stores.repeat(lambda at: _future(one(at)), at_once, seconds, pid)
    rate = figures.Rate(found.rate.work * group, found.rate.seconds, found.rate.cpu)
    return Measured(rate, found.server, group)


def _future(work: Awaitable[Any]) -> Deferred[Any]:
    return Deferred.fromFuture(asyncio.ensure_future(work))


async def valkey_rates(server: Server, jars: Jars, seconds: float) -> list[list[str]]:
    """The same on a server, its log written each second and with each group."""
    store = ValkeyStore(ValkeySettings(server.url), None)
    client = redis.asyncio.Redis(port=server.port, protocol=2)
    await restore(store, jars)
    targets = jars.targets(_TARGETS)
    rows = []
    for fsync in ("everysec", "always"):
        await _future(client.config_set("appendfsync", fsync))
        found: dict[tuple[str, int], list[Measured]] = {}
        for _ in range(stores.ROUNDS):
            for count in (_MANY, 1):
                own = await through_valkey(store, jars, targets, count, seconds, server.pid)
                group, tasks = round(own.group), min(_PIPELINES, count)
                raw = await raw_valkey(client, jars, targets, group, tasks, seconds, server.pid)
                found.setdefault(("store", count), []).append(own)
                found.setdefault(("raw", count), []).append(raw)
        rows += _pairs(found, f"redis-py, {fsync}", f"ValkeyStore, {fsync}")
    await _future(client.config_set("appendfsync", "everysec"))
    await _future(client.flushall())
    await _future(client.aclose())
    await store.stop()
    return rows


async def restore(store: Store, jars: Jars) -> None:
    """Fill a store bucket by bucket, a hundred at a time."""
    for owner in jars.owners:
        waits = []
        for bucket in jars.buckets(owner):
            rows = tuple(
                Row(index, jars.day(), jars.sealed()) for index in jars.indexes(owner, bucket)
            )
            waits.append(store.restore((owner, bucket, 1, rows)))
        await gatherResults(waits)


# --- bytes -----------------------------------------------------------------------------


async def sizes(files: Files, server: Server, jars: Jars) -> list[list[str]]:
    """Octets for each row, however it came there."""
    rows = []

    def row(name: str, size: float) -> None:
        rows.append([name, f"{size:.0f}", figures.times(size / each)])

    each = statistics.mean(len(one[4]) for one in jars.in_order())
    row("the sealed cookie alone", each)
    path = await files.make("ordered")
    fill(path, jars)
    row("SQLite, filled in order", path.stat().st_size / jars.rows)
    files.remove(path)
    path = await files.make("shuffled")
    shuffled = list(jars.in_order())
    random.Random(3).shuffle(shuffled)
    connection = files.connect(path)
    connection.execute("begin")
    connection.executemany(
        "insert or ignore into versions values (?, ?, 1, ?)",
        [(owner, bucket, TODAY) for owner, bucket, *_ in shuffled],
    )
    connection.executemany(sqlite._PUT, shuffled)
    connection.execute("commit")
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    connection.close()
    row("SQLite, as cookies come, in random order", path.stat().st_size / jars.rows)
    files.remove(path)
    client = redis.asyncio.Redis(port=server.port, protocol=2)
    store = ValkeyStore(ValkeySettings(server.url), None)
    for name, longest in (("as it comes", 64), ("hash-max-listpack-value 1024", 1024)):
        await _future(client.config_set("hash-max-listpack-value", longest))
        before = (await _future(client.info("memory")))["used_memory"]
        await restore(store, jars)
        after = (await _future(client.info("memory")))["used_memory"]
        row(f"Valkey, {name}", (after - before) / jars.rows)
        await _future(client.flushall())
    await _future(client.config_set("hash-max-listpack-value", 64))
    await _future(client.aclose())
    await store.stop()
    return rows


# --- a store that is large -------------------------------------------------------------


def _forget_pages(path: Path) -> None:
    """Have the system read the file from the disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _waits(name: str, times: list[float], cpu: float) -> list[str]:
    """Count, median, 99 of 100, longest in milliseconds; microseconds of CPU."""
    ordered = sorted(times)
    shown = (statistics.median(ordered), ordered[len(ordered) * 99 // 100], ordered[-1])
    micros = figures.number(1e6 * cpu / len(times)) if cpu else ""
    return [name, f"{len(times):,}", *(f"{1000 * one:.2f}" for one in shown), micros]


async def one_by_one(one: Callable[[Target], Any], targets: list[Target]) -> list[float]:
    """The seconds of each."""
    times = []
    for target in targets:
        began = time.perf_counter()
        await one(target)
        times.append(time.perf_counter() - began)
    return times


async def _meanwhile(
    work: Deferred[Any], some: dict[str, Callable[[Target], Any]], targets: list[Target]
) -> tuple[Any, float, float, dict[str, list[float]]]:
    """What some work gives, its seconds and CPU, and how long others waited beside it."""
    from twisted.internet import reactor  # noqa: PLC0415 (installed by now)

    cpu, began = time.process_time(), time.perf_counter()
    over: list[tuple[Any, float, float]] = []

    def note(result: Any) -> None:
        over.append((result, time.perf_counter() - began, time.process_time() - cpu))

    work.addCallback(note)

    async def ask(one: Callable[[Target], Any], own: list[Target]) -> list[float]:
        times, turn = [], itertools.cycle(own)
        while not over:
            times += await one_by_one(one, [next(turn)])
            await deferLater(reactor, _PAUSE_SECONDS)
        return times

    asked = [
        Deferred.fromCoroutine(ask(one, targets[at :: len(some)]))
        for at, one in enumerate(some.values())
    ]
    waits = dict(zip(some, await gatherResults(asked), strict=True))
    await work
    return (*over[0], waits)


class Large:
    """A SQLite store of many rows."""

    def __init__(self, files: Files, rows: int, seconds: float) -> None:
        """Nothing is there yet."""
        self.files, self.seconds = files, seconds
        self.jars = Jars(rows)
        self.name = f"{self.jars.rows:,} rows"

    async def run(self) -> None:
        """Fill, measure, tell, remove."""
        path = await self.files.make("large")
        cpu, began = time.process_time(), time.perf_counter()
        fill(path, self.jars)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        size = path.stat().st_size
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        number = figures.number
        row = [f"{self.jars.rows:,}", f"{len(self.jars.owners):,}", f"{took:.0f}", f"{cpu:.0f}",
               number(self.jars.rows / took), number(size / _MIB), f"{size / self.jars.rows:.0f}",
               f"{most:.0f}"]  # fmt: skip
        header = [
            "rows",
            "users",
            "s",
            "CPU s",
            "rows/s",
            "file MiB",
            "octets each",
            "RSS MiB, most",
        ]
        stores.tell("store: filling a large one in order", header, [row])
        targets = self.jars.targets(_TARGETS)
        await self.waits(path, targets)
        rows = await sqlite_rates(path, self.jars, self.seconds, targets, (True,))
        stores.tell(f"store: committed writes, SQLite of {self.name}", [self.name, *_HEADER], rows)
        await self.upkeep(path, targets)
        self.files.remove(path)

    async def waits(self, path: Path, targets: list[Target]) -> None:
        """Reads and commits one at a time."""
        _forget_pages(path)
        store = self.files.open(path)

        async def read(target: Target) -> None:
            await store.read(target.owner, target.bucket)

        async def commit(target: Target) -> None:
            stores.expect(true=await store.commit(self.jars.change(target)))
            target.version += 1

        count = max(200, min(4000, round(3000 * self.seconds)))
        rows = []
        for name, one, some in (
            ("read, nothing in memory", read, targets[: count // 4]),
            ("read", read, targets[:count]),
            ("commit", commit, targets[-count:]),
        ):
            if name == "read":
                await one_by_one(one, some)  # from here on memory holds what they read
            cpu = time.process_time()
            times = await one_by_one(one, some)
            rows.append(_waits(name, times, time.process_time() - cpu))
        await Files.close(store)
        header = [self.name, "count", "ms, median", "99 of 100", "max", "CPU us"]
        stores.tell(f"store: one at a time, SQLite of {self.name}", header, rows)

    async def upkeep(self, path: Path, targets: list[Target]) -> None:
        """Purge and the check of integrity, and what others wait meanwhile."""
        store = self.files.open(path)

        async def read(target: Target) -> None:
            await store.read(target.owner, target.bucket)

        async def commit(target: Target) -> None:
            stores.expect(true=await store.commit(self.jars.change(target)))
            target.version += 1

        others = {"commit": commit, "read": read}
        nothing = deferLater(_reactor(), 4 * self.seconds, lambda: "")
        rows, waits = [], []
        for name, work in (
            ("nothing", lambda: nothing),
            ("purge", lambda: store.purge(TODAY)),
            ("faults", store.faults),
        ):
            result, took, cpu, found = await _meanwhile(work(), others, targets)
            waits += [_waits(f"{name}: {kind}", times, 0)[:-1] for kind, times in found.items()]
            if name == "faults":
                result = f"{len(result)} faults"
            elif name == "purge":
                result = f"{result:,} rows gone"
            if name != "nothing":
                rows.append([name, f"{took:.1f}", f"{cpu:.1f}", result])
        await Files.close(store)
        stores.tell(f"store: upkeep, SQLite of {self.name}", ["", "s", "CPU s", "result"], rows)
        header = ["meanwhile", "count", "ms, median", "99 of 100", "max"]
        stores.tell(
            "store: what others wait meanwhile, each asked with pauses of 5 ms", header, waits
        )


def _reactor() -> Any:
    from twisted.internet import reactor  # noqa: PLC0415 (installed by now)

    return reactor


async def measure(folder: Path, server: Server, seconds: float, rows: int) -> None:
    """All of it."""
    files, few = Files(folder), Jars(_FEW_ROWS)
    path = await files.make("few")
    fill(path, few)
    found = await sqlite_rates(path, few, seconds, few.targets(_TARGETS), (True, False))
    files.remove(path)
    name = f"{few.rows:,} rows"
    stores.tell(f"store: committed writes, SQLite of {name}", [name, *_HEADER], found)
    found = await valkey_rates(server, few, seconds)
    header = [name, *_HEADER, "server's us"]
    stores.tell(f"store: committed writes, Valkey of {name}", header, found)
    found = await sizes(files, server, few)
    stores.tell(f"store: octets for each of {name}", ["", "octets", "x sealed"], found)
    await Large(files, rows, seconds).run()


def main() -> None:
    """Measure on the reactor."""
    folder, port, pid, seconds, rows = sys.argv[1:]
    server = Server(int(pid), int(port))
    stores.drive(lambda: measure(Path(folder), server, float(seconds), int(rows)))


if __name__ == "__main__":
    main()
