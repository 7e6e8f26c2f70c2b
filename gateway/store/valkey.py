"""The store of several machines: Valkey or Redis, single, behind Sentinel, or as a Cluster.

Through redis-py's asyncio client, so the reactor must be asyncio's.  Commands that come
together go out together: whatever waits shares one pipeline, and a few pipelines run at a
time.  All keys of an owner are on one machine, so that each step is atomic on a Cluster too.
What fails for a reason that may pass is repeated, with back-off, until the operation's time is
over; what must not happen twice carries a mark, by which the server knows it again.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from typing import TYPE_CHECKING, Any, TypeVar

from redis.asyncio import RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Rows
from gateway.store import valkey_scripts as scripts
from gateway.store.interface import EPOCH, Bucket
from gateway.store.moments import ValkeyMoments
from gateway.store.valkey_client import Command, Pipelines, TooFewReplicas, ValkeySettings
from gateway.store.valkey_keys import (
    ORIGIN_DAYS,
    ORIGIN_KEYS,
    bucket_keys,
    fields_of,
    owner_key,
    rows_of,
)
from gateway.store.valkey_scripts import Script
from gateway.store.valkey_upkeep import ValkeyUpkeep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from gateway.cookies.seal import Row
    from gateway.exchange.messages import Commit

T = TypeVar("T")
_DAY_SECONDS = 86400
_MAX_ORIGINS = 100_000
_COUNTS = (b"n", b"e")
# Another try makes none of these better.
_FINAL = (AuthenticationError, NoPermissionError)


class ValkeyStore(ValkeyMoments, ValkeyUpkeep):
    """A store on Valkey or Redis; see the module."""

    def __init__(self, settings: ValkeySettings, reactor: object) -> None:
        """Remember where; raises ``StoreUnavailable`` for settings that make no client."""
        del reactor  # its event loop is the one that runs
        self._settings = settings
        self._life = settings.stale_days * _DAY_SECONDS
        try:
            self._name = settings.name
            self._client = settings.client()
        except (OSError, ValueError, RedisError) as error:
            raise StoreUnavailable(f"{settings.url}: {type(error).__name__}: {error}") from None
        # By node: one that hangs must not hold up what goes to others; commits that wait
        # for replicas must not hold up reads.
        self._pipelines: dict[str, Pipelines] = {}
        self._stopped = False

    def start(self) -> None:
        """Nothing waits for the server: readiness tells whether it answers."""

    def stop(self) -> Deferred[None]:
        """Finish what was accepted, then close."""
        if self._stopped:
            return _deferred(_nothing())
        self._stopped = True

        async def close() -> None:
            for one in list(self._pipelines.values()):
                await one.stop()
            await self._client.aclose()
            pool = getattr(self._client, "connection_pool", None)
            if isinstance(pool, SentinelConnectionPool):
                for sentinel in pool.sentinel_manager.sentinels:
                    await sentinel.aclose()

        return _deferred(close())

    def _run(self, work: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """Do some work, again after failures that may pass, until its time is over."""
        if self._stopped:

            async def refuse() -> T:
                raise StoreUnavailable("the store is closed")

            return _deferred(refuse())
        return _deferred(self._persist(work))

    async def _persist(self, work: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.timeout
        pause = 0.02
        told: BaseException | None = None
        while True:
            try:
                async with asyncio.timeout_at(end):
                    return await work()
            except _FINAL as error:
                raise StoreUnavailable(self._tell(error)) from None
            except TooFewReplicas as error:
                raise StoreUnavailable(f"{self._name}: {error}") from None
            except ReadOnlyError as error:
                # The master has become a replica: find out who is the master now.
                told = error
                pool = getattr(self._client, "connection_pool", None)
                if pool is not None:
                    await pool.disconnect()
            except (RedisError, OSError, TimeoutError) as error:
                told = told if isinstance(error, TimeoutError) and told else error
            except (struct.error, ValueError) as error:
                raise StoreUnavailable(f"{self._name}: {error}") from None
            # A pause of its own length for each process: none must come with all others.
            pause = min(1.0, pause * 2)
            pause_now = pause * (0.5 + os.urandom(1)[0] / 512)
            if self._stopped or loop.time() + pause_now >= end:
                raise StoreUnavailable(self._tell(told)) from None
            await asyncio.sleep(pause_now)

    def _tell(self, error: BaseException) -> str:
        """What failed, without what was sent: redis-py's texts can hold a command."""
        text = f"{self._name}: {type(error).__name__}"
        if isinstance(error, RedisError) and not isinstance(error, RedisConnectionError):
            word = str(error).rpartition("caused error: ")[2].partition(" ")[0]
            text += f" ({word[:40]})"
        return text

    async def _ask(self, *commands: Command, commits: bool = False) -> list[Any]:
        pipelines = await self._pipelines_for(commands[0], commits=commits)
        results = await pipelines.submit(list(commands))
        for result in results:
            if isinstance(result, Exception):
                raise result
        return results

    async def _pipelines_for(self, command: Command, *, commits: bool) -> Pipelines:
        """The pipelines of the node that has the command's key."""
        name = ""
        if isinstance(self._client, RedisCluster):
            _ = await self._client.initialize()
            key = command[2] if isinstance(command[0], Script) else command[1]
            node = self._client.get_node_from_key(key)
            name = node.name if node is not None else ""
        waits = commits and self._settings.replicas
        if waits:
            name = "commits"
        if name not in self._pipelines:
            self._pipelines[name] = Pipelines(
                self._client,
                replicas=self._settings.replicas if waits else 0,
                wait=self._settings.timeout / 2,
            )
        return self._pipelines[name]

    # --- rows ---------------------------------------------------------------------

    def read(self, owner: bytes, bucket: bytes) -> Deferred[Rows]:
        """See ``Store.read``."""
        keys = bucket_keys(owner, bucket)

        async def work() -> Rows:
            found, (total, base) = await self._ask(
                ("HGETALL", keys[0]), ("HMGET", keys[1], b"n", b"e")
            )
            version, rows = rows_of(found)
            return Rows(version or int(base or 0), rows, int(total or 0))

        return self._run(work)

    def commit(self, change: Commit) -> Deferred[bool]:
        """See ``Store.commit``."""
        mark = os.urandom(8)

        async def work() -> bool:
            command = (
                scripts.COMMIT,
                2,
                *bucket_keys(change.owner, change.bucket),
                change.version,
                change.bucket.hex(),
                self._life,
                mark,
                len(change.deletes),
                *change.deletes,
                *fields_of(change.puts),
            )
            (done,) = await self._ask(command, commits=True)
            return bool(done)

        return self._run(work)

    def touch(self, change: Commit) -> Deferred[bool]:
        """See ``Store.touch``."""
        keys = bucket_keys(change.owner, change.bucket)

        async def work() -> bool:
            fields = fields_of(change.puts)
            (done,) = await self._ask(
                (scripts.TOUCH, 2, *keys, change.version, self._life, *fields)
            )
            return bool(done)

        return self._run(work)

    def owned(self, owner: bytes) -> Deferred[dict[bytes, Rows]]:
        """See ``Store.owned``; what it counts is put right."""

        async def work() -> dict[bytes, Rows]:
            key = owner_key(owner)
            (fields,) = await self._ask(("HGETALL", key))
            counted = fields.pop(b"n", b"0")
            fields.pop(b"e", None)
            names = [bytes.fromhex(name.decode("ascii")) for name in fields]
            found: dict[bytes, tuple[int, tuple[Row, ...]]] = {}
            if names:
                hashes = await self._ask(
                    *(("HGETALL", bucket_keys(owner, one)[0]) for one in names)
                )
                parsed = zip(names, map(rows_of, hashes), strict=True)
                found = {name: one for name, one in parsed if one[0]}
            total = sum(len(rows) for _, rows in found.values())
            gone = [name.hex() for name in names if name not in found]
            if gone or int(counted) != total:
                await self._ask((scripts.RECOUNT, 1, key, counted, total, *gone))
            return {name: Rows(*one, total) for name, one in found.items()}

        return self._run(work)

    def forget(self, owner: bytes) -> Deferred[None]:
        """See ``Store.forget``."""

        async def work() -> None:
            (names,) = await self._ask((scripts.JUMP, 1, owner_key(owner), EPOCH, self._life))
            commands = [
                (scripts.CLEAR, 2, *bucket_keys(owner, bytes.fromhex(name.decode("ascii"))), name)
                for name in names
                if name not in _COUNTS
            ]
            if commands:
                await self._ask(*commands)

        return self._run(work)

    # --- the rest -------------------------------------------------------------------

    def remember_origin(self, label: str, origin: str, day: int) -> Deferred[None]:
        """See ``Store.remember_origin``."""
        life = ORIGIN_DAYS * _DAY_SECONDS

        async def work() -> None:
            given = (label, origin, day, _MAX_ORIGINS, life)
            await self._ask((scripts.REMEMBER, 2, *ORIGIN_KEYS, *given))

        return self._run(work)

    def origin(self, label: str) -> Deferred[str | None]:
        """See ``Store.origin``."""

        async def work() -> str | None:
            (found,) = await self._ask(("HGET", ORIGIN_KEYS[1], label))
            return None if found is None else found.decode("ascii")

        return self._run(work)

    def consume(self, nonce: bytes, day: int) -> Deferred[bool]:
        """See ``Store.consume``; the mark goes when the nonce itself has long been over."""
        life = min(self._life, max(2, day + 2 - int(time.time()) // _DAY_SECONDS) * _DAY_SECONDS)
        mark = os.urandom(8)

        async def work() -> bool:
            key = b"gw:nonce:" + nonce.hex().encode("ascii")
            (done,) = await self._ask((scripts.CONSUME, 1, key, mark, life), commits=True)
            return bool(done)

        return self._run(work)

    def spend(
        self, key: bytes, cost: float, capacity: float, per_second: float, now: float
    ) -> Deferred[float]:
        """See ``Store.spend``."""
        mark = os.urandom(8)

        async def work() -> float:
            if per_second <= 0:
                raise ValueError("tokens a second must be positive")
            name = b"gw:rate:" + key.hex().encode("ascii")
            given = [repr(float(one)) for one in (cost, capacity, per_second, now)]
            (wait,) = await self._ask((scripts.SPEND, 1, name, *given, mark))
            return float(wait)

        return self._run(work)

    def restore(self, bucket: Bucket) -> Deferred[None]:
        """See ``Store.restore``."""
        owner, name, version, rows = bucket

        async def work() -> None:
            fields = fields_of(rows)
            given = (version, name.hex(), self._life, *fields)
            await self._ask((scripts.RESTORE, 2, *bucket_keys(owner, name), *given))

        return self._run(work)

    def ping(self) -> Deferred[None]:
        """See ``Store.ping``: whether it answers, and can run what it is asked to."""

        async def work() -> None:
            await self._ask(("HGET", ORIGIN_KEYS[1], b"-"))

        return self._run(work)


async def _nothing() -> None:
    return None


def _deferred(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    future = asyncio.ensure_future(work)

    # Cancelled as Deferreds are: asyncio's CancelledError is no Exception, and would pass by
    # whoever waits for Twisted's.
    def cancel(_: Deferred[T]) -> None:
        future.cancel()

    done: Deferred[T] = Deferred(cancel)

    def finished(_: object) -> None:
        if not done.called and not future.cancelled():
            error = future.exception()
            if error is None:
                done.callback(future.result())
            else:
                done.errback(Failure(error))

    future.add_done_callback(finished)
    return done
