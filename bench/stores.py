"""What the measurements of stores share: servers, a reactor of their own, jars, rates.

They run in a process of their own on the gateway's reactor (``drive``), pinned as the
gateway is, and print each table as a line of JSON for the process that started them
(``follow``).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import attrs
import redis
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react

from bench import common, figures
from bench.common import BenchError, Workplace
from bench.figures import Rate
from gateway import uvloopreactor
from gateway.cookies.seal import Row
from gateway.exchange.messages import Commit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence

ROUNDS = 3
"""What is put beside each other is measured so often in turn; the median counts."""
TODAY = 20_700
_SERVER = """\
bind 127.0.0.1
port {port}
dir {folder}
daemonize no
save ""
appendonly yes
appendfsync everysec
auto-aof-rewrite-percentage 0
"""
_BUCKETS, _COOKIES = 100, 20
_POOL = 1 << 22


# --- processes -------------------------------------------------------------------------


@attrs.frozen
class Server:
    """A Valkey or Redis of this run alone."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """Where a store reaches it."""
        return f"redis://127.0.0.1:{self.port}"


def valkey(work: Workplace) -> Server:
    """Start Debian's on loopback, beside load and origin; it ends with this workplace."""
    folder, port = work.fresh("valkey"), common.free_port()
    config, log = folder / "redis.conf", folder / "redis.log"
    config.write_text(_SERVER.format(port=port, folder=folder), "ascii")
    process = work.start([common.tool("redis-server"), str(config)], common.LOAD_CORES, log)

    def ready() -> bool:
        with redis.Redis("127.0.0.1", port, socket_timeout=2) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    common.wait_until(ready, process, log)
    return Server(process.pid, port)


def follow(work: Workplace, module: str, *arguments: object) -> None:
    """Run a module of this package where the proxy runs, and print the tables it makes."""
    log = work.folder / f"{module}.log"
    command = [sys.executable, "-m", module, *map(str, arguments)]
    process = work.start(command, common.PROXY_CORES, log, pipes=True)
    while (line := json.loads(common.read_line(process, log))) is not None:
        figures.table(*line)


def tell(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Hand a table to the process that follows."""
    print(json.dumps([title, header, rows]), flush=True)


def drive(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run on the gateway's reactor, tell that it was all, end the process."""
    uvloopreactor.install()

    async def run(reactor: Any) -> None:
        await deferLater(reactor, 0)  # from here on the loop runs that futures are made for
        await main()
        print(json.dumps(None), flush=True)

    react(run)


# --- rates -----------------------------------------------------------------------------


@attrs.frozen
class Measured:
    """A rate, the CPU of a server that took part, how much went in one group."""

    rate: Rate
    server: float = 0
    group: float = 1

    @property
    def server_micros(self) -> float:
        """Microseconds of the server's CPU for one unit."""
        return 1e6 * self.server / max(1, self.rate.work)


async def repeat(
    one: Callable[[int], Awaitable[None]], at_once: int, seconds: float, server: int = 0
) -> Measured:
    """``one(number)`` again and again by so many at once; CPU of the whole process."""
    served = common.cpu_seconds(server) if server else 0.0
    cpu, began = time.process_time(), time.perf_counter()
    end = began + seconds

    async def worker(at: int) -> int:
        done = 0
        while time.perf_counter() < end:
            await one(at)
            done += 1
        return done

    counts = await gatherResults([Deferred.fromCoroutine(worker(at)) for at in range(at_once)])
    rate = Rate(sum(counts), time.perf_counter() - began, time.process_time() - cpu)
    return Measured(rate, common.cpu_seconds(server) - served if server else 0.0)


def loop(one: Callable[[], int], seconds: float) -> Measured:
    """The same without a reactor: ``one`` says how many units it did."""
    cpu, began = time.process_time(), time.perf_counter()
    end, done, calls = began + seconds, 0, 0
    while time.perf_counter() < end:
        done += one()
        calls += 1
    rate = Rate(done, time.perf_counter() - began, time.process_time() - cpu)
    return Measured(rate, group=done / calls)


def median_by_clock(found: Sequence[Measured]) -> Measured:
    """The run with the median work per second: of what waits for disks."""
    at = statistics.median_low(one.rate.per_second for one in found)
    return next(one for one in found if one.rate.per_second == at)


def median_by_cpu(found: Sequence[Measured]) -> Measured:
    """The run with the median work per CPU-second."""
    middle = figures.middle([one.rate for one in found])
    return next(one for one in found if one.rate is middle)


# --- jars ------------------------------------------------------------------------------


@attrs.define
class Target:
    """A bucket that is there, at the version where it is."""

    owner: bytes
    bucket: bytes
    indexes: list[bytes]
    version: int = 1


class Jars:
    """Users with 2,000 rows in 100 buckets each: random, but the same at each look.

    Rows are as large as those of real cookies, and as random as sealed ones.  Nothing of
    them is kept but the owners, so that there may be any number.
    """

    def __init__(self, rows: int) -> None:
        """As many users as hold so many rows."""
        self._random = random.Random(rows)
        count = max(1, rows // (_BUCKETS * _COOKIES))
        self.owners = sorted(
            hashlib.blake2b(at.to_bytes(8, "big"), digest_size=16).digest() for at in range(count)
        )
        self.rows = count * _BUCKETS * _COOKIES
        self._pool = os.urandom(_POOL)
        # Format, nonce, tag; padded head, name, value, domain, path (gateway/cookies/seal.py).
        sizes = [
            58 + self._random.randint(4, 20) + self._random.randint(16, 150)
            + self._random.randint(10, 24) for _ in range(1000)
        ]  # fmt: skip
        self._sizes = [30 + size + -size % 64 for size in sizes]

    def buckets(self, owner: bytes) -> list[bytes]:
        """The buckets of an owner, in order."""
        octets = hashlib.shake_128(owner).digest(8 * _BUCKETS)
        return sorted(octets[at : at + 8] for at in range(0, len(octets), 8))

    def indexes(self, owner: bytes, bucket: bytes) -> list[bytes]:
        """The indexes of a bucket's rows, in order."""
        octets = hashlib.shake_128(owner + bucket).digest(16 * _COOKIES)
        return sorted(octets[at : at + 16] for at in range(0, len(octets), 16))

    def sealed(self) -> bytes:
        """What looks like a sealed cookie."""
        noise = self._random.getrandbits(32)
        size = self._sizes[noise % 1000]
        at = noise % (_POOL - 1024)
        return self._pool[at : at + size]

    def day(self) -> int:
        """The day of a row's end: of one row in a hundred it was yesterday."""
        noise = self._random.getrandbits(24)
        return TODAY - 1 if noise % 100 == 0 else TODAY + 1 + noise % 400

    def in_order(self) -> Iterator[tuple[bytes, bytes, bytes, int, bytes]]:
        """Every row, as it stands in the table."""
        for owner in self.owners:
            for bucket in self.buckets(owner):
                for index in self.indexes(owner, bucket):
                    yield owner, bucket, index, self.day(), self.sealed()

    def targets(self, most: int) -> list[Target]:
        """So many buckets of all there are, or all, in random order."""
        every = len(self.owners) * _BUCKETS
        found = []
        for at in self._random.sample(range(every), min(most, every)):
            owner = self.owners[at // _BUCKETS]
            bucket = self.buckets(owner)[at % _BUCKETS]
            found.append(Target(owner, bucket, self.indexes(owner, bucket)))
        return found

    def index(self, target: Target) -> bytes:
        """Where a Set-Cookie puts its row: three of four replace one."""
        noise = self._random.getrandbits(16)
        return target.indexes[noise >> 2 & 15] if noise & 3 else os.urandom(16)

    def change(self, target: Target) -> Commit:
        """What one Set-Cookie commits."""
        row = Row(self.index(target), TODAY + 90, self.sealed())
        return Commit(target.owner, target.bucket, target.version, (row,))


def expect(*, true: bool) -> None:
    """A commit that nobody competes with must be taken."""
    if not true:
        raise BenchError("a commit was refused")


def describe(found: Measured, beside: Measured | None) -> list[str]:
    """Cells: per second and beside the other, CPU and beside the other, group, cores."""
    rate = found.rate
    cells = [figures.number(rate.per_second), "1.00x", figures.number(rate.micros), "1.00x"]
    if beside is not None:
        cells[1] = figures.times(rate.per_second / beside.rate.per_second)
        cells[3] = figures.times(rate.micros / beside.rate.micros)
    return [*cells, figures.number(found.group), f"{rate.busy:.2f}"]
