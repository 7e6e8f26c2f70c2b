"""The store on several servers of which one dies, hangs, or takes over: Sentinel, Cluster."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.trial.unittest import TestCase

from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Rows
from gateway.store.valkey import ValkeyStore
from tests.ops import until
from tests.store import servers
from tests.store.contract import BUCKET, put, row, within
from tests.store.servers import Cluster, Watched, private
from tests.store.test_valkey import owner, store_of
from tests.store.test_valkey_faults import LATE, TIMEOUT, WRITERS, Writers, all_fail, recovered


class FailoverTests(TestCase):
    """A sentinel that makes the replica the master."""

    timeout = 120

    async def _begin(self, **changes: Any) -> tuple[Watched, ValkeyStore, Writers]:
        setup = await private(self, Watched)
        store = store_of(self, setup.settings, timeout=TIMEOUT, **changes)
        writers = Writers(self, store)
        await writers.more(WRITERS * 20)
        return setup, store, writers

    async def test_failover(self) -> None:
        """After the master's death commits succeed again, on what the replica had by then.

        What was acknowledged and replicated is there.  What the master acknowledged in its
        last moments may be lost: replication is asynchronous, and nothing is promised.
        """
        setup, store, writers = await self._begin()
        await writers.end()
        self.assertTrue(setup.replicated())
        again = Writers(self, store)
        await again.more(WRITERS)
        setup.master.kill()
        await until(lambda: setup.current() is setup.replica)
        await until(lambda: setup.replica.role() == "master")
        self.assertLess(await recovered(store, TIMEOUT), TIMEOUT)
        await again.more(WRITERS * 2)
        await again.end()
        self.assertEqual(writers.faults + again.faults, [])
        for writer, version in writers.acknowledged.items():
            found = await store.read(owner(writer), BUCKET)
            self.assertGreaterEqual(found.version, version)
        for writer, acknowledged, found in again.lost:
            self.assertGreaterEqual(found, writers.acknowledged[writer], acknowledged)

    async def test_failover_of_waiting(self) -> None:
        """Where commits wait for a replica none that was acknowledged is lost to a failover."""
        setup, _, writers = await self._begin(replicas=1)
        setup.replica.pause()
        with setup.master.admin() as client:
            client.client_kill_filter(_type="replica")  # what comes now is the master's alone
        enough = writers.count + 100
        await until(lambda: writers.unavailable > 0 or writers.count > enough)
        setup.master.kill()
        setup.replica.resume()
        await until(lambda: setup.current() is setup.replica)
        await until(lambda: setup.replica.role() == "master")
        # It has no replica now, and says so.
        failed, enough = writers.unavailable, writers.count + 100
        await until(lambda: writers.unavailable > failed or writers.count > enough)
        await writers.end()
        self.assertEqual((writers.lost, writers.faults), ([], []))
        fresh = store_of(self, setup.settings)
        for writer, version in writers.acknowledged.items():
            self.assertGreaterEqual((await fresh.read(owner(writer), BUCKET)).version, version)

    async def test_replica_away(self) -> None:
        """While commits wait in vain for a replica they fail in time, and reads go on."""
        setup, store, writers = await self._begin(replicas=1)
        await writers.end()
        setup.replica.kill()
        begin = time.monotonic()
        commits = [store.commit(put(0, row(1), owner=owner(100 + one))) for one in range(20)]
        reads = [store.read(owner(one % WRITERS), BUCKET) for one in range(100)]
        ended = await DeferredList(commits + reads, consumeErrors=True)
        for done, found in ended[:20]:
            self.assertFalse(done, found)
            found.trap(StoreUnavailable)
        for done, found in ended[20:]:
            self.assertTrue(done, found)
            self.assertGreater(found.version, 0)
        self.assertLess(time.monotonic() - begin, TIMEOUT + LATE)
        await setup.replica.start()
        await until(lambda: setup.replica.info("replication")["master_link_status"] == "up")
        await recovered(store, TIMEOUT)
        self.assertIs(await store.commit(put(0, row(1), owner=owner(200))), True)

    async def test_planned(self) -> None:
        """A failover that an operator orders: nobody goes on asking the old master.

        It takes writes for seconds after the replica was promoted, and throws them away:
        only commits that wait for a replica are safe here too.
        """
        setup, store, writers = await self._begin(replicas=1)
        with setup.sentinel.admin() as client:
            client.sentinel_failover(servers.SERVICE)
        await until(lambda: setup.master.role() == "slave")
        self.assertIs(setup.current(), setup.replica)
        await writers.more(WRITERS * 2)
        await writers.end()
        self.assertEqual((writers.lost, writers.faults), ([], []))
        fresh = store_of(self, setup.settings)
        for one in range(WRITERS):
            found = await store.read(owner(one), BUCKET)
            self.assertEqual(found, await fresh.read(owner(one), BUCKET))
            self.assertGreaterEqual(found.version, writers.acknowledged[one])

    async def test_sentinel_dies(self) -> None:
        """Without sentinels the master that is known goes on serving."""
        setup, _, writers = await self._begin()
        setup.sentinel.kill()
        unavailable = writers.unavailable
        await writers.more(WRITERS * 10)
        await writers.end()
        self.assertEqual((writers.unavailable, writers.lost, writers.faults), (unavailable, [], []))

    async def test_all_away(self) -> None:
        """With the master and all sentinels away operations fail in time."""
        setup, store, writers = await self._begin()
        await writers.end()
        setup.sentinel.kill()
        setup.master.kill()
        await all_fail(self, store, "127.0.0.1")


class ClusterFaultTests(TestCase):
    """A cluster of which a part is away."""

    timeout = 120

    async def test_one_away(self) -> None:
        """Without one master its owners fail in time, the others go on; then it is back."""
        setup = await private(self, Cluster)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        owners = [owner(one) for one in range(30)]
        tries = [store.commit(put(0, row(1), owner=one)) for one in owners]
        self.assertEqual(await gatherResults(tries), [True] * 30)
        server = setup.servers[0]
        server.kill()
        for _ in range(2):
            begin = time.monotonic()
            found = [await self._version(store, one) for one in owners[:3]]
            self.assertLess(time.monotonic() - begin, (TIMEOUT + LATE) * 3)
            reads = await gatherResults(
                [Deferred.fromCoroutine(self._version(store, one)) for one in owners]
            )
            self.assertEqual(reads[:3], found)
            self.assertTrue(5 < reads.count(1) < 25, reads)
            self.assertEqual(reads.count(1) + reads.count(None), 30)
        await server.start()
        await until(lambda: all(map(setup.complete, setup.servers)))
        self.assertLess(await recovered(store, TIMEOUT), TIMEOUT)
        for one in owners:
            self.assertEqual(await store.read(one, BUCKET), Rows(1, (row(1),), 1))
            self.assertIs(await store.commit(put(1, row(2), owner=one)), True)

    async def _version(self, store: ValkeyStore, one: bytes) -> int | None:
        try:
            return (await within(store.read(one, BUCKET), TIMEOUT + LATE)).version
        except StoreUnavailable:
            return None

    async def test_one_paused(self) -> None:
        """Without an answer of one master its owners fail in time, and the others go on."""
        setup = await private(self, Cluster)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        owners = [owner(one) for one in range(60)]
        tries = [store.commit(put(0, row(1), owner=one)) for one in owners]
        self.assertEqual(await gatherResults(tries), [True] * 60)
        setup.servers[0].pause()
        for _ in range(3):
            begin = time.monotonic()
            waiting = [Deferred.fromCoroutine(self._version(store, one)) for one in owners]
            reads = await gatherResults(waiting)
            self.assertLess(time.monotonic() - begin, TIMEOUT + LATE)
            self.assertGreater(reads.count(1), 20, reads)
        setup.servers[0].resume()
        await until(lambda: all(map(setup.complete, setup.servers)))
        self.assertLess(await recovered(store, TIMEOUT), TIMEOUT)

    async def test_kill(self) -> None:
        """No acknowledged commit is lost when masters are killed one after the other."""
        setup = await private(self, Cluster)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        writers = Writers(self, store)
        for server in setup.servers:
            await writers.more(WRITERS * 5)
            server.kill()
            await server.start()
        await until(lambda: all(map(setup.complete, setup.servers)))
        await writers.more(WRITERS * 5)
        await writers.end()
        self.assertEqual((writers.lost, writers.faults), ([], []))

    async def test_paused(self) -> None:
        """A cluster that answers nothing is a StoreUnavailable in time."""
        setup = await private(self, Cluster)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        await store.ping()
        for server in setup.servers:
            server.pause()
        await all_fail(self, store, servers.HOST)
        for server in setup.servers:
            server.resume()
        await until(lambda: all(map(setup.complete, setup.servers)))
        self.assertLess(await recovered(store, TIMEOUT), TIMEOUT)
