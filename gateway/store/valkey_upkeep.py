"""What reads or mends all of a store on servers, rather than what one request needs of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from redis.asyncio import RedisCluster
from redis.exceptions import NoPermissionError
from twisted.internet.defer import Deferred

from gateway.errors import StoreUnavailable
from gateway.store import valkey_scripts as scripts
from gateway.store.valkey_keys import (
    BUCKETS,
    ORIGIN_DAYS,
    ORIGIN_KEYS,
    OWNERS,
    bucket_keys,
    owner_of,
    pairs_of,
    place_of,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.store.interface import Bucket

_PAGE = 100
_COUNTED_AT_ONCE = 1000


class ValkeyUpkeep:
    """What ``ValkeyStore`` does for operators and by the clock."""

    _name: str
    _client: Any
    _run: Callable[[Callable[[], Awaitable[Any]]], Deferred[Any]]
    _ask: Callable[..., Awaitable[Any]]

    def purge(self, day: int) -> Deferred[int]:
        """See ``Store.purge``; whole buckets, nonces and counters end by themselves."""

        async def run() -> int:
            gone, cursor = 0, b""
            while True:
                cursor, places = await self._run(lambda at=cursor: self._places(at))  # type: ignore[misc]
                commands = [(scripts.PURGE, 2, *bucket_keys(*place), day) for place in places]
                if commands:
                    gone += sum(await self._run(lambda some=commands: self._ask(*some)))  # type: ignore[misc]
                if not cursor:
                    break
            old = (scripts.FORGET_ORIGINS, 2, *ORIGIN_KEYS, day - ORIGIN_DAYS)
            while (await self._run(lambda: self._ask(old)))[0]:
                pass
            return gone

        return Deferred.fromCoroutine(run())

    def scan(self, cursor: bytes) -> Deferred[tuple[bytes, list[Bucket]]]:
        """See ``Store.scan``."""

        async def work() -> tuple[bytes, list[Bucket]]:
            following, places = await self._places(cursor)
            page: list[Bucket] = []
            if places:
                hashes = await self._ask(*(("HGETALL", bucket_keys(*place)[0]) for place in places))
                for (owner, bucket), found in zip(places, hashes, strict=True):
                    version, rows = rows_of(found)
                    if version:
                        page.append((owner, bucket, version, rows))
            return following, page

        return self._run(work)

    async def _places(self, cursor: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """A page of owners and buckets, and the next one's cursor."""
        following, keys = await self._found(cursor, BUCKETS, _PAGE)
        return following, [place for place in map(place_of, keys) if place is not None]

    async def _found(self, cursor: bytes, pattern: str, count: int) -> tuple[bytes, list[bytes]]:
        """A page of the keys of a pattern; the cursor names the node and the server's own."""
        at, _, own = (cursor or b"0:0").partition(b":")
        given = ("SCAN", int(own), "MATCH", pattern, "COUNT", count)
        node, nodes = int(at), await self._nodes()
        if node >= len(nodes):
            raise StoreUnavailable(f"{self._name}: the cluster changed meanwhile, begin again")
        answer = await nodes[node].execute_command(*given)
        last = node + 1 == len(nodes)
        following, keys = int(answer[0]), answer[1]
        if following:
            return b"%d:%d" % (node, following), keys
        return (b"" if last else b"%d:0" % (node + 1)), keys

    def owners_by_prefix(self) -> Deferred[dict[bytes, int]]:
        """See ``Store.owners_by_prefix``; a server whose table shrinks names some twice."""

        async def page(cursor: bytes) -> tuple[bytes, list[bytes]]:
            following, keys = await self._found(cursor, OWNERS, _COUNTED_AT_ONCE)
            owners = {key: owner for key in keys if (owner := owner_of(key)) is not None}
            totals = await self._ask(*(("HGET", key, b"n") for key in owners)) if owners else []
            counted = zip(owners.values(), totals, strict=True)
            return following, [owner[:2] for owner, total in counted if int(total or 0) > 0]

        async def run() -> dict[bytes, int]:
            counts: Counter[bytes] = Counter()
            cursor = b""
            while True:
                cursor, found = await self._run(lambda at=cursor: page(at))  # type: ignore[misc]
                counts.update(found)
                if not cursor:
                    return dict(counts)

        return Deferred.fromCoroutine(run())

    def origins(self) -> Deferred[list[tuple[str, str, int]]]:
        """See ``Store.origins``."""

        async def work() -> list[tuple[str, str, int]]:
            days, names = ORIGIN_KEYS
            ranged, found = await self._ask(
                ("ZRANGE", days, 0, -1, "WITHSCORES"), ("HGETALL", names)
            )
            by_label = dict(pairs_of(ranged))
            return [
                (label.decode("ascii"), origin.decode("ascii"), int(float(by_label.get(label, 0))))
                for label, origin in found.items()
            ]

        return self._run(work)

    def nonces(self) -> Deferred[list[bytes]]:
        """See ``Store.nonces``."""

        async def work() -> list[bytes]:
            found: set[bytes] = set()
            for node in await self._nodes():
                cursor = b"0"
                while True:
                    given = ("SCAN", int(cursor), "MATCH", "gw:nonce:*", "COUNT", 1000)
                    cursor, keys = await node.execute_command(*given)
                    found.update(bytes.fromhex(key[9:].decode("ascii")) for key in keys)
                    if not int(cursor):
                        break
            return list(found)

        return self._run(work)

    def faults(self) -> Deferred[list[str]]:
        """See ``Store.faults``: what of its configuration may lose cookies."""

        async def work() -> list[str]:
            told = []
            for node in await self._nodes():
                try:
                    info = await node.execute_command("INFO")
                except NoPermissionError:
                    continue  # it may not be asked, which is as it should be
                if not int(info.get("aof_enabled", 0)):
                    told.append("appendonly is off: a restart loses cookies that were acknowledged")
                if str(info.get("maxmemory_policy", "")).startswith("allkeys"):
                    told.append(
                        "maxmemory-policy evicts keys: cookies are lost when memory is full"
                    )
            return sorted(set(told))

        return self._run(work)

    async def _nodes(self) -> list[Any]:
        """What each key space is asked of: the client, or each primary of a cluster."""
        if not isinstance(self._client, RedisCluster):
            return [self._client]
        _ = await self._client.initialize()
        return sorted(self._client.get_primaries(), key=lambda one: one.name)
