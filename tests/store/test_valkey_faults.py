"""The store on a server that dies, stops answering, is full, or whose answers get lost.

Servers that others stand in for are in ``test_valkey_several``.
"""

from __future__ import annotations

import random
import time
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Rows
from gateway.store.valkey import ValkeyStore
from tests.ops import until
from tests.store import servers
from tests.store.contract import BUCKET, OWNER, put, row, within
from tests.store.relay import Relay
from tests.store.servers import Guarded, Setup, Single, private, shared
from tests.store.test_valkey import owner, store_of

WRITERS, KILLS = 8, 12
TIMEOUT = 2.0  # of an operation, in these tests
LATE = 8.0  # how much later than that a busy machine may be


class Writers:
    """Commit without end for some owners, and compare what is read with what was acknowledged."""

    def __init__(self, case: Any, store: ValkeyStore) -> None:
        """Begin, and end with the test."""
        self.acknowledged: dict[int, int] = {}
        self.count = self.unavailable = 0
        self.lost: list[tuple[int, int, int]] = []
        self.faults: list[str] = []
        self._store, self._over = store, False
        self._ended = [Deferred.fromCoroutine(self._write(one)) for one in range(WRITERS)]
        case.addCleanup(self.end)

    async def end(self) -> None:
        """Let each finish what it is at."""
        self._over = True
        await gatherResults(self._ended)

    async def more(self, commits: int) -> None:
        """Wait until so many more were acknowledged, by whichever writer."""
        goal = self.count + commits
        await until(lambda: self.count >= goal)

    async def _write(self, writer: int) -> None:
        while not self._over:
            try:
                await self._commit_on(writer)
            except StoreUnavailable:
                self.unavailable += 1
                await deferLater(reactor, 0.01)

    async def _commit_on(self, writer: int) -> None:
        found = await self._store.read(owner(writer), BUCKET)
        if found.version < self.acknowledged.get(writer, 0):
            self.lost.append((writer, self.acknowledged[writer], found.version))
            self.acknowledged[writer] = found.version
        content = [int(one.sealed) for one in found.rows]
        if content != [found.version][: found.version]:
            self.faults.append(f"{writer}: version {found.version}, rows {content}")
        version = found.version
        while not self._over:
            change = put(version, row(0, b"%d" % (version + 1)), owner=owner(writer))
            if not await self._store.commit(change):
                return
            version += 1
            self.acknowledged[writer] = version
            self.count += 1


async def recovered(store: ValkeyStore, seconds: float) -> float:
    """Ask until the store answers again; how long that took."""
    begin = time.monotonic()
    while True:
        try:
            await store.read(OWNER, BUCKET)
        except StoreUnavailable:
            if time.monotonic() - begin > seconds:
                raise
            await deferLater(reactor, 0.01)
        else:
            return time.monotonic() - begin


async def all_fail(case: Any, store: ValkeyStore, name: str, late: float = LATE) -> None:
    """Each of many operations, begun together, fails in time and names the server."""
    begin = time.monotonic()
    operations = [
        store.ping(), store.read(OWNER, BUCKET), store.owned(OWNER), store.forget(OWNER),
        store.touch(put(1, row(1))), store.scan(b""), store.restore((OWNER, BUCKET, 1, ())),
        store.spend(b"k", 1, 1, 1, 1.0), store.consume(b"n", 1), store.origin("x-a"),
        store.remember_origin("x-a", "https://a.example", 1), store.purge(1),
        *(store.commit(put(0, row(1), owner=owner(one))) for one in range(50)),
    ]  # fmt: skip
    waiting = [within(operation, TIMEOUT * 4) for operation in operations]
    ended = await DeferredList(waiting, consumeErrors=True)
    for number, (done, found) in enumerate(ended):
        case.assertFalse(done, f"operation {number}: {found}")
        case.assertIn(name, str(found.trap(StoreUnavailable) and found.value))
    case.assertLess(time.monotonic() - begin, TIMEOUT + late)


class KillTests(TestCase):
    """A server that dies and comes back."""

    timeout = 120

    async def test_kill(self) -> None:
        """Every acknowledged commit is there after each of many kills, and work goes on."""
        setup = await private(self, Single)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        writers = Writers(self, store)
        choose = random.Random(1)
        for _ in range(KILLS):
            await writers.more(choose.randrange(1, 300))
            setup.servers[0].kill()
            await setup.servers[0].start()
            self.assertLess(await recovered(store, TIMEOUT), TIMEOUT)
        await writers.more(WRITERS)
        await writers.end()
        self.assertEqual((writers.lost, writers.faults), ([], []))
        self.assertEqual(len(writers.acknowledged), WRITERS)

    async def test_other_things_survive(self) -> None:
        """Nonces, origins, spent tokens and forgotten owners survive a kill as well."""
        setup = await private(self, Single)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        await store.commit(put(0, row(1)))
        await store.forget(OWNER)
        await store.consume(b"nonce", 20_000)
        await store.remember_origin("x-a", "https://a.example", 20_000)
        await store.spend(b"key", 5, 5, 0.001, time.time())
        setup.servers[0].kill()
        await setup.servers[0].start()
        await recovered(store, TIMEOUT)
        self.assertIs(await store.consume(b"nonce", 20_000), False)
        self.assertEqual(await store.origin("x-a"), "https://a.example")
        self.assertGreater(await store.spend(b"key", 5, 5, 0.001, time.time()), 60)
        self.assertIs(await store.commit(put(0, row(1))), False)
        self.assertIs(await store.commit(put(1, row(1))), False)

    async def test_away(self) -> None:
        """While the server is away operations fail in time; when it is back they succeed."""
        setup = await private(self, Single)
        server = setup.servers[0]
        server.kill()
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        for _ in range(2):
            await all_fail(self, store, server.address)
            await server.start()
            self.assertLess(await recovered(store, TIMEOUT), TIMEOUT)
            self.assertIs(await store.consume(b"%f" % time.time(), 1), True)
            server.kill()

    async def test_never_there(self) -> None:
        """A store whose server never came stops at once, and fails afterwards."""
        setup = await private(self, Single)
        setup.servers[0].kill()
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        waiting = store.ping()
        stopped = store.stop()
        with self.assertRaises(StoreUnavailable):
            await waiting
        await within(stopped, TIMEOUT + LATE)
        with self.assertRaises(StoreUnavailable):
            await store.ping()


class FullTests(TestCase):
    """A server without memory."""

    timeout = 60

    async def test_full(self) -> None:
        """A server that may take no more says so; reads go on, and commits when it may again."""
        setup = await private(self, Single)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        await store.commit(put(0, row(1)))
        with setup.servers[0].admin() as client:
            client.config_set("maxmemory", "1")
        with self.assertRaisesRegex(StoreUnavailable, setup.servers[0].address):
            await within(store.commit(put(1, row(2))), TIMEOUT + LATE)
        self.assertEqual(await store.read(OWNER, BUCKET), Rows(1, (row(1),), 1))
        with setup.servers[0].admin() as client:
            client.config_set("maxmemory", "0")
        self.assertIs(await store.commit(put(1, row(2))), True)


class PauseTests(TestCase):
    """A server that accepts and answers nothing."""

    timeout = 120

    async def _paused(self, kind: type[Setup]) -> None:
        setup = await private(self, kind)
        server = setup.servers[0]
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        mine = [put(0, row(1, b"%d" % one), owner=owner(100 + one)) for one in range(50)]
        self.assertEqual(await gatherResults(map(store.commit, mine)), [True] * 50)
        server.pause()
        for _ in range(2):  # on connections that were open, then on new ones
            await all_fail(self, store, server.address)
        server.resume()
        self.assertLess(await recovered(store, TIMEOUT), TIMEOUT)
        # No late answer is taken for that of another operation.
        found = await gatherResults([store.read(owner(100 + one), BUCKET) for one in range(50)])
        self.assertEqual([one.rows[0].sealed for one in found], [b"%d" % one for one in range(50)])

    async def test_pause(self) -> None:
        """Operations fail in time, and when it goes on each gets its own answer."""
        await self._paused(Single)

    async def test_pause_guarded(self) -> None:
        """The same with TLS, whose handshake can hang too."""
        await self._paused(Guarded)

    async def test_short_pause(self) -> None:
        """A pause shorter than the timeout is waited out: nothing fails."""
        setup = await private(self, Single)
        store = store_of(self, setup.settings, timeout=10)
        await store.ping()
        setup.servers[0].pause()
        waiting = [store.commit(put(0, row(1), owner=owner(one))) for one in range(50)]
        await deferLater(reactor, 0.3)
        setup.servers[0].resume()
        self.assertEqual(await gatherResults(waiting), [True] * 50)

    async def test_not_afterwards(self) -> None:
        """What failed before it was its turn is not sent when the server goes on."""
        setup = await private(self, Single)
        store = store_of(self, setup.settings, timeout=1)
        await store.ping()
        setup.servers[0].pause()
        tries = [store.commit(put(0, row(1), owner=owner(one))) for one in range(2000)]
        ended = await DeferredList(tries, consumeErrors=True)
        self.assertEqual([found for done, found in ended if done], [])
        setup.servers[0].resume()
        await recovered(store, TIMEOUT)
        # In the order in which they came, so that all that went before is done by then.
        for start in range(9000, 10_000, 50):
            after = [store.commit(put(0, row(1), owner=owner(start + one))) for one in range(50)]
            self.assertEqual(await gatherResults(after), [True] * 50)
        patient = store_of(self, setup.settings, timeout=60)
        found = await gatherResults([patient.read(owner(one), BUCKET) for one in range(2000)])
        done = len([one for one in found if one.version])
        self.assertLess(done, 1000, "more than what can have been under way")

    async def test_stop_while_paused(self) -> None:
        """A stop does not wait for a server that does not answer longer than for operations."""
        setup = await private(self, Single)
        store = store_of(self, setup.settings, timeout=TIMEOUT)
        await store.ping()
        setup.servers[0].pause()
        waiting = store.commit(put(0, row(1)))
        begin = time.monotonic()
        stopped = store.stop()
        with self.assertRaises(StoreUnavailable):
            await waiting
        await within(stopped, TIMEOUT * 4)
        self.assertLess(time.monotonic() - begin, TIMEOUT + LATE)


class LostAnswerTests(TestCase):
    """A connection that ends after the server did the work and before it could say so."""

    timeout = 60

    async def prepare(self) -> ValkeyStore:
        """Make a store behind a relay, connected."""
        setup = await shared(Single)
        self.relay = Relay(self, setup.servers[0].port)
        store = store_of(self, {"url": f"redis://{servers.HOST}:{self.relay.port}/0"})
        # Once each, so that connections are open and scripts are known.
        await store.commit(put(0, row(1), owner=owner(1)))
        await store.consume(b"warm", 1)
        await store.spend(b"warm", 1, 5, 1, 1.0)
        await store.forget(owner(1))
        return store

    async def _lose(self, operation: Any) -> Any:
        self.relay.armed = True
        try:
            return await operation()
        except StoreUnavailable:
            return StoreUnavailable
        finally:
            self.assertEqual(self.relay.lost, 1, "the answer was not lost")

    async def test_commit(self) -> None:
        """A commit that happened is never said to have been refused."""
        store = await self.prepare()
        found = await self._lose(lambda: store.commit(put(0, row(1))))
        self.assertIn(found, (True, StoreUnavailable))
        self.assertEqual((await store.read(OWNER, BUCKET)).version, 1)

    async def test_consume(self) -> None:
        """A nonce that nobody had is never said to have been consumed by another."""
        store = await self.prepare()
        found = await self._lose(lambda: store.consume(b"nonce", 20_000))
        self.assertIn(found, (True, StoreUnavailable))
        self.assertIs(await store.consume(b"nonce", 20_000), False)

    async def test_spend(self) -> None:
        """What was asked for once is taken once at most."""
        store = await self.prepare()
        await self._lose(lambda: store.spend(b"key", 1, 2, 0.001, 1.0))
        self.assertEqual(await store.spend(b"key", 1, 2, 0.001, 1.0), 0.0)

    async def test_read(self) -> None:
        """A read can be asked again: nobody notices, and the store goes on."""
        store = await self.prepare()
        await store.commit(put(0, row(1)))
        found = await self._lose(lambda: store.read(OWNER, BUCKET))
        self.assertIsNot(found, None)
        self.assertEqual((await store.read(OWNER, BUCKET)).rows, (row(1),))
