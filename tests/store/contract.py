"""What every store must do, as a mixin of tests; each store's own tests add to it."""

from __future__ import annotations

import contextlib
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import TimeoutError as WaitedTooLong
from twisted.internet.defer import gatherResults

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


class StoreContract:
    """Mix into a ``TestCase`` that has ``make``; ``self.store`` is started before each test."""

    timeout = 60
    store: Store

    def make(self) -> Store:
        """Make the store under test, not started."""
        raise NotImplementedError

    def setUp(self: Any) -> None:
        """Start a fresh store, and stop it whatever happens."""
        self.store = self.make()
        self.store.start()
        self.addCleanup(self.stop)

    async def stop(self) -> None:
        """Stop the store, unless the test did or it is stuck (then the test has failed)."""
        with contextlib.suppress(StoreUnavailable, WaitedTooLong):
            await self.store.stop().addTimeout(5, reactor)

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
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(1, (row(1),)))

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
        self.assertEqual(found, Rows(1, (row(1, b"mine"),)))
        found = await self.store.read(OWNER, b"c" * 8)
        self.assertEqual(found, Rows(1, (row(1, b"elsewhere"),)))

    async def test_one_winner(self: Any) -> None:
        """Of many commits at one version exactly one wins, and its rows alone are there."""
        for version in range(3):
            tries = [self.store.commit(put(version, row(0, b"%d" % one))) for one in range(20)]
            results = await gatherResults(tries)
            self.assertEqual(sorted(results), [False] * 19 + [True])
            winner = row(0, b"%d" % results.index(True))
            found = await self.store.read(OWNER, BUCKET)
            self.assertEqual(found, Rows(version + 1, (winner,)))

    async def test_origins(self: Any) -> None:
        """A long label's origin is remembered; one that nobody proved is None."""
        self.assertIsNone(await self.store.origin("x-unknown"))
        await self.store.remember_origin("x-a", "https://a.example", 20_000)
        await self.store.remember_origin("x-b", "http://b.example:8080", 20_000)
        await self.store.remember_origin("x-a", "https://a.example", 20_001)
        self.assertEqual(await self.store.origin("x-a"), "https://a.example")
        self.assertEqual(await self.store.origin("x-b"), "http://b.example:8080")

    async def test_consume_once(self: Any) -> None:
        """Of many who consume a nonce one succeeds, once and for all."""
        tries = [self.store.consume(b"nonce", 20_000) for _ in range(20)]
        self.assertEqual(sorted(await gatherResults(tries)), [False] * 19 + [True])
        self.assertIs(await self.store.consume(b"nonce", 20_001), False)
        self.assertIs(await self.store.consume(b"other", 20_000), True)

    async def test_ping(self: Any) -> None:
        """A store that runs answers."""
        self.assertIsNone(await self.store.ping())

    async def test_bad_job(self: Any) -> None:
        """A change that cannot be stored fails alone: the store goes on answering."""
        with self.assertRaises(StoreUnavailable):
            await self.store.commit(put(0, row(1, day=2**70))).addTimeout(5, reactor)
        after = self.store.commit(put(0, row(1))).addTimeout(5, reactor)
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
        ):
            with self.assertRaises(StoreUnavailable):
                await late
