"""What every store must do, as a mixin of tests; each store's own tests add to it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.defer import TimeoutError as WaitedTooLong

from gateway.cookies.seal import Row
from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Commit, Rows
from gateway.store.interface import Store

OWNER, BUCKET = b"o" * 16, b"b" * 8
OTHER = b"\x00\xff" * 8


def row(index: int, sealed: bytes = b"sealed", day: int = 20_000) -> Row:
    """A row as the jar would make it; the store must not mind what is in it."""
    return Row(index.to_bytes(16, "big"), day, sealed)


def put(version: int, *rows: Row, owner: bytes = OWNER, bucket: bytes = BUCKET) -> Commit:
    """A change that puts rows at a version."""
    return Commit(owner, bucket, version, rows)


def within(waiting: Deferred[Any], seconds: float) -> Deferred[Any]:
    """What it comes to, or ``WaitedTooLong``; it is not cancelled.

    The cancellation of a Deferred from an asyncio future is no ``Exception``: trial would
    end the test or its cleanups, and say nothing.
    """
    ended: Deferred[Any] = Deferred()
    late = reactor.callLater(seconds, lambda: ended.errback(WaitedTooLong(seconds)))

    def pass_on(result: Any) -> None:
        if late.active():
            late.cancel()
            ended.callback(result)

    waiting.addBoth(pass_on)
    return ended


async def until_gone(ask: Callable[[], Deferred[Any]]) -> None:
    """Ask until there is nothing, for some seconds; each answer is waited for."""
    end = time.monotonic() + 8
    while await ask() is not None:
        if time.monotonic() > end:
            raise AssertionError("it is still there")


class StoreContract:
    """Mix into a ``TestCase`` that has ``make``; ``self.store`` is started before each test.

    A store on a server has ``prepare`` besides, which sees to it that the server runs.
    """

    timeout = 60
    store: Store

    async def prepare(self) -> None:
        """Do what ``make`` needs."""

    def make(self) -> Store:
        """Make the store under test, not started."""
        raise NotImplementedError

    async def setUp(self: Any) -> None:
        """Start a fresh store, and stop it whatever happens."""
        await self.prepare()
        self.store = self.make()
        self.store.start()
        self.addCleanup(self.stop)

    async def stop(self) -> None:
        """Stop the store, unless the test did or it is stuck (then the test has failed)."""
        with contextlib.suppress(StoreUnavailable, WaitedTooLong):
            await within(self.store.stop(), 5)

    async def test_empty(self: Any) -> None:
        """A bucket that nobody wrote is at version 0 without rows."""
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(0))

    async def test_purge(self: Any) -> None:
        """Rows whose day is over go, and digests that nobody used for long; others stay."""
        old, new = row(1, b"old", 99), row(2, b"new", 100)
        await self.store.commit(put(0, old, new))
        await self.store.remember_origin("x-old", "https://old.example", 10)
        await self.store.remember_origin("x-new", "https://new.example", 100)
        await self.store.purge(100)
        self.assertEqual((await self.store.read(OWNER, BUCKET)).rows, (new,))
        self.assertEqual(await self.store.origin("x-old"), "https://old.example")
        await self.store.purge(411)
        self.assertIsNone(await self.store.origin("x-old"))
        self.assertEqual(await self.store.origin("x-new"), "https://new.example")

    async def test_put_and_read(self: Any) -> None:
        """A commit that was acknowledged is what the next read sees, octet for octet."""
        rows = (row(1, bytes(range(256))), row(2, b""), row(3, b"x" * 5000, 0))
        self.assertIs(await self.store.commit(put(0, *rows)), True)
        found = await self.store.read(OWNER, BUCKET)
        self.assertEqual(found.version, 1)
        self.assertEqual(set(found.rows), set(rows))

    async def test_replace_and_delete(self: Any) -> None:
        """A put of a known index replaces, a delete removes, the rest stays."""
        await self.store.commit(put(0, row(1), row(2), row(3)))
        change = Commit(OWNER, BUCKET, 1, (row(2, b"new", 7),), (row(3).index, row(9).index))
        self.assertIs(await self.store.commit(change), True)
        found = await self.store.read(OWNER, BUCKET)
        self.assertEqual(found.version, 2)
        self.assertEqual(set(found.rows), {row(1), row(2, b"new", 7)})

    async def test_all_deleted(self: Any) -> None:
        """An emptied bucket keeps its version: an old change must not come back to life."""
        await self.store.commit(put(0, row(1)))
        await self.store.commit(Commit(OWNER, BUCKET, 1, (), (row(1).index,)))
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(2))
        self.assertIs(await self.store.commit(put(0, row(1))), False)

    async def test_wrong_version(self: Any) -> None:
        """A change at another version is refused as a whole."""
        await self.store.commit(put(0, row(1)))
        for version in (0, 2, 7):
            change = Commit(OWNER, BUCKET, version, (row(2),), (row(1).index,))
            self.assertIs(await self.store.commit(change), False, version)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(1, (row(1),), 1))

    async def test_version_of_nothing(self: Any) -> None:
        """A bucket that is not there is at version 0 and at no other."""
        self.assertIs(await self.store.commit(put(3, row(1))), False)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(0))

    async def test_buckets_apart(self: Any) -> None:
        """Owner and bucket both tell buckets apart, versions too."""
        await self.store.commit(put(0, row(1, b"mine")))
        await self.store.commit(put(0, row(1, b"theirs"), owner=OTHER))
        await self.store.commit(put(0, row(1, b"elsewhere"), bucket=b"c" * 8))
        await self.store.commit(put(1, row(2, b"more"), owner=OTHER))
        found = await self.store.read(OWNER, BUCKET)
        self.assertEqual(found, Rows(1, (row(1, b"mine"),), 2))
        found = await self.store.read(OWNER, b"c" * 8)
        self.assertEqual(found, Rows(1, (row(1, b"elsewhere"),), 2))

    async def test_one_winner(self: Any) -> None:
        """Of many commits at one version exactly one wins, and its rows alone are there."""
        for version in range(3):
            tries = [self.store.commit(put(version, row(0, b"%d" % one))) for one in range(20)]
            results = await gatherResults(tries)
            self.assertEqual(sorted(results), [False] * 19 + [True])
            winner = row(0, b"%d" % results.index(True))
            found = await self.store.read(OWNER, BUCKET)
            self.assertEqual(found, Rows(version + 1, (winner,), 1))

    async def test_origins(self: Any) -> None:
        """A long label's origin is remembered; one that nobody proved is None."""
        self.assertIsNone(await self.store.origin("x-unknown"))
        await self.store.remember_origin("x-a", "https://a.example", 20_000)
        await self.store.remember_origin("x-b", "http://b.example:8080", 20_000)
        await self.store.remember_origin("x-a", "https://a.example", 20_001)
        self.assertEqual(await self.store.origin("x-a"), "https://a.example")
        self.assertEqual(await self.store.origin("x-b"), "http://b.example:8080")

    async def test_moments(self: Any) -> None:
        """What is kept for a moment is there for so long, and the newest text counts."""
        now = int(time.time())
        self.assertIsNone(await self.store.kept("node.a", now))
        await self.store.keep("node.a", "é.example:1", now, now + 100)
        await self.store.keep("node.b", "b.example:2", now, now + 100)
        await self.store.keep("node.a", "a.example:1", now, now + 100)
        self.assertEqual(await self.store.kept("node.a", now), "a.example:1")
        self.assertEqual(await self.store.kept("node.b", now), "b.example:2")
        self.assertIsNone(await self.store.kept("node", now))
        await self.store.keep("node.b", "b.example:2", now, now + 1)
        await until_gone(lambda: self.store.kept("node.b", int(time.time())))
        self.assertEqual(await self.store.kept("node.a", now), "a.example:1")

    async def test_consume_once(self: Any) -> None:
        """Of many who consume a nonce one succeeds, once and for all."""
        tries = [self.store.consume(b"nonce", 20_000) for _ in range(20)]
        self.assertEqual(sorted(await gatherResults(tries)), [False] * 19 + [True])
        self.assertIs(await self.store.consume(b"nonce", 20_001), False)
        self.assertIs(await self.store.consume(b"other", 20_000), True)

    async def test_total(self: Any) -> None:
        """Each read says how many rows the owner has in all buckets, whatever changed them."""

        async def total(owner: bytes = OWNER, bucket: bytes = BUCKET) -> int:
            return (await self.store.read(owner, bucket)).total

        await self.store.commit(put(0, row(1), row(2)))
        await self.store.commit(put(0, row(1), row(3, day=99), bucket=b"c" * 8))
        await self.store.commit(put(0, row(1), owner=OTHER))
        self.assertEqual([await total(), await total(bucket=b"c" * 8)], [4, 4])
        self.assertEqual(await total(bucket=b"nothing!"), 4, "a bucket without rows")
        self.assertEqual(await total(OTHER), 1)
        await self.store.commit(put(1, row(1, b"replaced"), row(3)))
        self.assertEqual(await total(), 5)
        await self.store.commit(put(1, row(4)))
        self.assertEqual(await total(), 5, "a change that was refused")
        change = Commit(OWNER, BUCKET, 2, (row(4),), (row(2).index, row(3).index, row(9).index))
        await self.store.commit(change)
        self.assertEqual(await total(), 4)
        await self.store.purge(100)
        self.assertEqual(await total(), 3, "after a purge")
        await self.store.forget(OWNER)
        self.assertEqual([await total(), await total(OTHER)], [0, 1])

    async def test_purged_count(self: Any) -> None:
        """A purge says how many rows went; the buckets keep their versions."""
        for number in range(30):
            rows = (row(1, day=99), row(2, day=98), row(3, day=100))
            await self.store.commit(put(0, *rows, owner=number.to_bytes(16, "big")))
        self.assertEqual(await self.store.purge(100), 60)
        self.assertEqual(await self.store.purge(100), 0)
        found = await self.store.read(bytes(16), BUCKET)
        self.assertEqual(found, Rows(1, (row(3, day=100),), 1))

    async def test_put_and_deleted(self: Any) -> None:
        """A row that one change both deletes and puts is there, and counts once."""
        await self.store.commit(put(0, row(1)))
        change = Commit(OWNER, BUCKET, 1, (row(1, b"new"),), (row(1).index,))
        self.assertIs(await self.store.commit(change), True)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(2, (row(1, b"new"),), 1))

    async def test_touch(self: Any) -> None:
        """A touch replaces rows that are there, adds none, and leaves the version."""
        await self.store.commit(put(0, row(1), row(2)))
        self.assertIs(await self.store.touch(put(1, row(1, b"seen", 7), row(3))), True)
        found = await self.store.read(OWNER, BUCKET)
        self.assertEqual((found.version, found.total), (1, 2))
        self.assertEqual(set(found.rows), {row(1, b"seen", 7), row(2)})
        self.assertIs(await self.store.touch(put(1, row(1))), True, "the version moved")

    async def test_touch_late(self: Any) -> None:
        """A touch at another version changes nothing, and makes nothing where nothing is."""
        await self.store.touch(put(0, row(1)))
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(0))
        await self.store.commit(put(0, row(1)))
        await self.store.commit(put(1, row(1, b"new")))
        for version in (0, 1, 3):
            self.assertIs(await self.store.touch(put(version, row(1, b"late"))), False)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(2, (row(1, b"new"),), 1))

    async def test_owned(self: Any) -> None:
        """All of an owner by bucket is what the reads of each say; nothing of others."""
        self.assertEqual(await self.store.owned(OWNER), {})
        buckets = [b"\xff\x00:{}" + b"%03d" % number for number in range(20)]
        for number, bucket in enumerate(buckets):
            rows = [row(one, bucket) for one in range(number + 1)]
            await self.store.commit(put(0, *rows, bucket=bucket))
        await self.store.commit(put(0, row(1), owner=OTHER, bucket=b"d" * 8))
        found = await self.store.owned(OWNER)
        self.assertEqual(set(found), set(buckets))
        for bucket, rows in found.items():
            wanted = await self.store.read(OWNER, bucket)
            self.assertEqual((rows.version, rows.total), (wanted.version, 210))
            self.assertEqual(set(rows.rows), set(wanted.rows))

    async def test_forget(self: Any) -> None:
        """Nothing of a forgotten owner comes back; others stay; the owner may begin anew."""
        other = b"c" * 8
        for version in range(3):
            await self.store.commit(put(version, row(version)))
        await self.store.commit(put(0, row(1), bucket=other))
        await self.store.commit(put(0, row(1), owner=OTHER))
        self.assertIsNone(await self.store.forget(OWNER))
        for bucket, before in ((BUCKET, 3), (other, 1)):
            for version in range(before + 1):
                change = put(version, row(9), bucket=bucket)
                self.assertIs(await self.store.commit(change), False, (bucket, version))
                self.assertIs(await self.store.touch(change), False, (bucket, version))
            found = await self.store.read(OWNER, bucket)
            self.assertEqual(found, Rows(found.version))
        anew = (await self.store.read(OWNER, BUCKET)).version
        self.assertIs(await self.store.commit(put(anew, row(7))), True)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(anew + 1, (row(7),), 1))
        self.assertEqual(await self.store.read(OTHER, BUCKET), Rows(1, (row(1),), 1))
        self.assertEqual(await self.store.owned(OTHER), {BUCKET: Rows(1, (row(1),), 1)})

    async def test_forget_empty(self: Any) -> None:
        """A change made before for a bucket that nobody had written fails as well."""
        await self.store.commit(put(0, row(1)))
        before = (await self.store.read(OWNER, b"c" * 8)).version
        await self.store.forget(OWNER)
        self.assertIs(await self.store.commit(put(before, row(1), bucket=b"c" * 8)), False)
        self.assertEqual((await self.store.read(OWNER, b"c" * 8)).total, 0)

    async def test_forget_again(self: Any) -> None:
        """Each time an owner is forgotten the versions from before are over."""
        seen = set()
        for _ in range(4):
            version = (await self.store.read(OWNER, BUCKET)).version
            self.assertNotIn(version, seen)
            self.assertIs(await self.store.commit(put(version, row(1))), True)
            seen |= {version, (await self.store.read(OWNER, BUCKET)).version}
            await self.store.forget(OWNER)
            for old in seen:
                self.assertIs(await self.store.commit(put(old, row(2))), False, (old, seen))
            self.assertEqual((await self.store.read(OWNER, BUCKET)).total, 0)

    async def test_restore(self: Any) -> None:
        """A restored bucket is as it was given, whatever was there; the total follows."""
        await self.store.commit(put(0, row(1), bucket=b"c" * 8))
        for version, rows in ((7, (row(1), row(2))), (3, (row(3, bytes(range(256)), 0),)), (9, ())):
            self.assertIsNone(await self.store.restore((OWNER, BUCKET, version, rows)))
            found = await self.store.read(OWNER, BUCKET)
            self.assertEqual((found.version, found.total), (version, len(rows) + 1))
            self.assertEqual(set(found.rows), set(rows))
        self.assertIs(await self.store.commit(put(8, row(1))), False)
        self.assertIs(await self.store.commit(put(9, row(1))), True)

    async def _everything(self: Any) -> dict[tuple[bytes, bytes], tuple[int, frozenset[Row]]]:
        cursor, found = b"", {}
        for _ in range(10_000):
            cursor, page = await self.store.scan(cursor)
            for owner, bucket, version, rows in page:
                self.assertEqual(len(rows), len(set(rows)))
                found[owner, bucket] = (version, frozenset(rows))
            if not cursor:
                return found
        raise AssertionError("a scan without an end")

    async def test_scan(self: Any) -> None:
        """Page by page every bucket that was there all the time is given, and can be restored."""
        self.assertEqual(await self._everything(), {})
        wanted = {}
        for number in range(60):
            owner = number.to_bytes(2, "big") * 8
            for bucket in (b"\x00\xff{}:*\r\n", b"b" * 8):
                rows = [row(one, b"%d" % number) for one in range(number % 3 + 1)]
                await self.store.commit(put(0, *rows, owner=owner, bucket=bucket))
                await self.store.commit(put(1, owner=owner, bucket=bucket))
                wanted[owner, bucket] = (2, frozenset(rows))
        await self.store.consume(b"nonce", 20_000)
        await self.store.remember_origin("x-a", "https://a.example", 20_000)
        await self.store.spend(b"key", 1, 10, 1, 1.0)
        self.assertEqual(await self._everything(), wanted)
        for owner, _ in wanted:
            await self.store.forget(owner)
        for (owner, bucket), (version, rows) in wanted.items():
            await self.store.restore((owner, bucket, version, tuple(rows)))
        self.assertEqual(await self._everything(), wanted)

    async def test_owners_by_prefix(self: Any) -> None:
        """Each owner with rows counts once, whatever else is there; forgotten ones do not."""
        self.assertEqual(await self.store.owners_by_prefix(), {})
        wanted = {b"\x00\x02": 150, b"\xff\xff": 2, b"gw": 1}
        owners = [
            prefix + one.to_bytes(14, "big")
            for prefix, many in wanted.items()
            for one in range(many)
        ]
        changes = [
            put(0, row(1), row(2), owner=owner, bucket=bucket)
            for owner in owners
            for bucket in (BUCKET, b"\x00\xff{}:*\r\n")
        ]
        await gatherResults([self.store.commit(change) for change in changes])
        await self.store.consume(bytes(16), 20_000)
        await self.store.remember_origin("x-a", "https://a.example", 20_000)
        await self.store.spend(bytes(16), 1, 10, 1, 1.0)
        self.assertEqual(await self.store.owners_by_prefix(), wanted)
        await self.store.commit(put(0, row(1, day=99), owner=b"\x00\x03" * 8))
        self.assertEqual(await self.store.owners_by_prefix(), wanted | {b"\x00\x03": 1})
        await self.store.purge(100)
        for owner in owners[:20]:
            await self.store.forget(owner)
        self.assertEqual(await self.store.owners_by_prefix(), wanted | {b"\x00\x02": 130})

    async def test_scan_while_changing(self: Any) -> None:
        """Buckets that come and go between the pages make it miss none of the others."""
        stay = {number.to_bytes(2, "big") * 8 for number in range(0, 600, 2)}
        go = {number.to_bytes(2, "big") * 8 for number in range(1, 600, 2)}
        await gatherResults([self.store.commit(put(0, row(1), owner=one)) for one in stay | go])
        cursor, page = await self.store.scan(b"")
        found = {owner for owner, *_ in page}
        number = 1000
        while cursor:
            gone, new = {go.pop() for _ in range(min(len(go), 40))}, range(number, number + 40)
            number += 40
            await gatherResults([self.store.forget(one) for one in gone])
            await gatherResults(
                [self.store.commit(put(0, row(1), owner=b"%016d" % one)) for one in new]
            )
            self.assertLess(number, 100_000, "a scan without an end")
            cursor, page = await self.store.scan(cursor)
            found |= {owner for owner, *_ in page}
        self.assertEqual(stay - found, set())

    async def test_spend(self: Any) -> None:
        """A bucket begins full, says how long to wait, and takes nothing while it says so."""
        now = 1_795_000_000.125

        async def spend(cost: float, after: float) -> float:
            found = await self.store.spend(b"\x00key", cost, 8.0, 2.0, now + after)
            self.assertIsInstance(found, float)
            return found

        self.assertEqual(await spend(3, 0), 0.0)
        self.assertEqual(await spend(5, 0), 0.0)
        for _ in range(3):
            self.assertAlmostEqual(await spend(1, 0), 0.5, 3)
        self.assertAlmostEqual(await spend(1, 0.25), 0.25, 3)
        self.assertAlmostEqual(await spend(4, 0.25), 1.75, 3)
        self.assertEqual(await spend(1, 0.5), 0.0)
        self.assertAlmostEqual(await spend(1, 0.5), 0.5, 3)
        self.assertEqual(await spend(7.5, 1_000_000), 0.0, "it fills up")
        self.assertAlmostEqual(await spend(1, 1_000_000), 0.25, 3, "it overflows")
        self.assertEqual(await spend(0.25, 1_000_000), 0.0, "a part of a token")

    async def test_spend_apart(self: Any) -> None:
        """Keys are apart, and of many at once no more succeed than there are tokens."""
        tries = [self.store.spend(b"key", 1, 5, 0.5, 1000.0) for _ in range(20)]
        found = sorted(await gatherResults(tries))
        self.assertEqual(found[:5], [0.0] * 5)
        for wait in found[5:]:
            self.assertAlmostEqual(wait, 2.0, 3)
        self.assertEqual(await self.store.spend(b"other", 5, 5, 0.5, 1000.0), 0.0)

    async def test_spend_clock(self: Any) -> None:
        """A clock that is behind (of another process) gives nothing away, then or later."""
        self.assertEqual(await self.store.spend(b"key", 5, 5, 1, 1000.0), 0.0)
        self.assertGreater(await self.store.spend(b"key", 1, 5, 1, 900.0), 0.0)
        self.assertAlmostEqual(await self.store.spend(b"key", 1, 5, 1, 1000.0), 1.0, 3)
        self.assertEqual(await self.store.spend(b"other", 3, 5, 1, 1000.0), 0.0)
        self.assertEqual(await self.store.spend(b"other", 1, 5, 1, 900.0), 0.0)
        self.assertAlmostEqual(await self.store.spend(b"other", 2, 5, 1, 1000.0), 1.0, 3)

    async def test_ping(self: Any) -> None:
        """A store that runs answers."""
        self.assertIsNone(await self.store.ping())

    async def test_bad_job(self: Any) -> None:
        """A change that cannot be stored fails alone: the store goes on answering."""
        with self.assertRaises(StoreUnavailable):
            await within(self.store.commit(put(0, row(1, day=2**70))), 5)
        after = within(self.store.commit(put(0, row(1))), 5)
        self.assertIs(await after, True)

    async def test_stop_finishes(self: Any) -> None:
        """What was accepted before the stop is answered, and then every operation fails."""
        accepted = [self.store.commit(put(0, row(1), bucket=b"%08d" % one)) for one in range(50)]
        await self.store.stop()
        self.assertEqual(await gatherResults(accepted), [True] * 50)
        for late in (
            self.store.commit(put(0, row(1), bucket=b"late" * 2)),
            self.store.read(OWNER, BUCKET),
            self.store.consume(b"n", 1),
            self.store.origin("x-a"),
            self.store.remember_origin("x-a", "https://a.example", 1),
            self.store.ping(),
            self.store.touch(put(1, row(1))),
            self.store.owned(OWNER),
            self.store.forget(OWNER),
            self.store.spend(b"k", 1, 1, 1, 1),
            self.store.scan(b""),
            self.store.owners_by_prefix(),
            self.store.restore((OWNER, BUCKET, 1, (row(1),))),
            self.store.purge(1),
        ):
            with self.assertRaises(StoreUnavailable):
                await late
