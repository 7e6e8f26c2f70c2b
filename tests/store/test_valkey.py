"""The store on servers: the contract on each kind of them, and what only servers have.

What happens when servers are killed, paused or replaced is in ``test_valkey_faults``.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, ClassVar

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.defer import TimeoutError as WaitedTooLong
from twisted.trial.unittest import TestCase

from gateway.demo.ca import LocalCa
from gateway.errors import StoreUnavailable
from gateway.exchange.messages import Commit, Rows
from gateway.store import valkey
from gateway.store.valkey import ValkeySettings, ValkeyStore
from tests.ops import temporary, until
from tests.ports import free_ports
from tests.store import servers
from tests.store.contract import BUCKET, OTHER, OWNER, StoreContract, put, row, within
from tests.store.servers import Cluster, Guarded, Setup, Single, Watched, shared

CONNECTIONS = 10  # more than the store needs by far, and fewer than one for each operation


def owner(number: int) -> bytes:
    """One of many owners."""
    return number.to_bytes(16, "big")


def store_of(case: Any, settings: dict[str, Any], **changes: Any) -> ValkeyStore:
    """A started store of a test's own."""
    store = ValkeyStore(ValkeySettings(**{**settings, **changes}), reactor)
    case.assertIsNone(store.start())
    case.addCleanup(lambda: within(store.stop(), 10))
    return store


async def everything(store: ValkeyStore, number: int, day: int = 20_000) -> None:
    """Every operation once, for an owner, a nonce, an origin and a key of their own."""
    mine, gone = owner(number), owner(number + 1_000_000)
    for one in (mine, gone):
        await store.commit(put(0, row(1, day=day), row(2, day=day), owner=one))
        await store.commit(Commit(one, BUCKET, 1, (row(3, day=day),), (row(1).index,)))
        await store.commit(put(7, row(1), owner=one))
        await store.touch(put(2, row(2, b"seen", day), owner=one))
        await store.read(one, BUCKET)
        await store.owned(one)
    await store.forget(gone)
    await store.restore((mine, b"restored", 5, (row(1, day=day),)))
    await store.remember_origin(f"x-{number}", f"https://{number}.example", day)
    await store.origin(f"x-{number}")
    await store.consume(b"%d" % number, day)
    await store.spend(b"%d" % number, 1, 10, 1, time.time())
    await store.scan(b"")
    await store.ping()


class ServerContract(StoreContract):
    """The contract on shared servers, and what is so on all kinds of them."""

    kind: ClassVar[type[Setup]]

    async def prepare(self: Any) -> None:
        """Start the servers, or empty them."""
        self.servers = await shared(self.kind)

    def make(self) -> ValkeyStore:
        """Make it for the servers."""
        return ValkeyStore(ValkeySettings(**self.servers.settings), reactor)

    def _connected(self) -> int:
        return sum(len(server.connections()) for server in self.servers.servers)

    async def test_leaves_nothing(self: Any) -> None:
        """After the stop there are no connections and no tasks left."""
        before = asyncio.all_tasks(reactor._asyncioEventloop)
        await gatherResults([self.store.commit(put(0, owner=owner(one))) for one in range(50)])
        self.assertGreater(self._connected(), 0)
        await self.store.stop()
        ended = Deferred.fromCoroutine(until(lambda: self._connected() == 0))
        with contextlib.suppress(WaitedTooLong):
            await within(ended, 5)
        left = [(one.address, one.connections()) for one in self.servers.servers]
        self.assertEqual([one for one in left if one[1]], [])
        self.assertEqual(asyncio.all_tasks(reactor._asyncioEventloop) - before, set())

    async def test_forgotten_scripts(self: Any) -> None:
        """A server that forgot its scripts (a restart, a failover) is taught them again."""
        await everything(self.store, 1)
        for server in self.servers.masters:
            with server.admin() as client:
                client.script_flush()
        tries = [self.store.commit(put(0, row(1), owner=owner(one))) for one in range(10, 60)]
        self.assertEqual(await gatherResults(tries), [True] * 50)

    async def test_many_rows(self: Any) -> None:
        """A bucket of more rows than a Lua stack holds arguments."""
        rows = tuple(row(one, b"%d" % one) for one in range(9000))
        self.assertIs(await self.store.commit(put(0, *rows)), True)
        found = await self.store.read(OWNER, BUCKET)
        self.assertEqual((found.version, set(found.rows), found.total), (1, set(rows), 9000))
        self.assertIs(await self.store.touch(put(1, *rows)), True)
        gone = tuple(one.index for one in rows[1:])
        self.assertIs(await self.store.commit(Commit(OWNER, BUCKET, 1, (), gone)), True)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(2, rows[:1], 1))
        await self.store.restore((OWNER, BUCKET, 3, rows))
        self.assertEqual((await self.store.owned(OWNER))[BUCKET].total, 9000)
        await self.store.purge(20_001)
        self.assertEqual(await self.store.read(OWNER, BUCKET), Rows(3))

    async def test_pipelined(self: Any) -> None:
        """Operations that wait together share few connections and few packets."""
        await self.store.ping()
        before = [server.info("stats") for server in self.servers.masters]
        tries = [self.store.commit(put(0, row(1), owner=owner(one))) for one in range(600)]
        self.assertEqual(await gatherResults(tries), [True] * 600)
        reads = [self.store.read(owner(one), BUCKET) for one in range(600)]
        self.assertEqual({one.version for one in await gatherResults(reads)}, {1})
        packets = connections = 0
        for server, old in zip(self.servers.masters, before, strict=True):
            new = server.info("stats")
            packets += new["total_reads_processed"] - old["total_reads_processed"]
            connections += new["total_connections_received"] - old["total_connections_received"]
        self.assertLess(connections, CONNECTIONS * len(before))
        self.assertLess(packets, 1200 / 2)

    async def test_outlives(self: Any) -> None:
        """No key goes before the rows in it, whichever change came last."""
        today = int(time.time()) // 86_400
        await self.store.commit(put(0, row(1, day=today + 395), row(2, day=today + 2)))
        await self.store.commit(put(1, row(3, day=today + 1)))
        await self.store.touch(put(2, row(2, b"seen", day=today + 3)))
        await self.store.commit(Commit(OWNER, BUCKET, 2, (), (row(3).index,)))
        await self.store.commit(put(0, row(1, day=today + 1), bucket=b"c" * 8))
        for key, left in self.servers.lifetimes().items():
            if left >= 0 and not key.startswith(b"harness"):
                self.assertGreater(left / 86_400_000, 394, key)

    async def test_bounded(self: Any) -> None:
        """Every key ends by itself, but for a few whose number does not grow."""
        today = int(time.time()) // 86_400
        await everything(self.store, 0, today)
        before = {key for key, left in self.servers.lifetimes().items() if left < 0}
        for number in range(1, 12):
            await everything(self.store, number, today)
        after = {key for key, left in self.servers.lifetimes().items() if left < 0}
        self.assertLessEqual(len(after), len(before), after - before)

    async def test_origins_bounded(self: Any) -> None:
        """Beyond the bound the oldest origins go, not the newest."""
        self.patch(valkey, "_MAX_ORIGINS", 20)
        for day in range(30):
            await self.store.remember_origin(f"x-{day}", f"https://{day}.example", day)
        found = [await self.store.origin(f"x-{day}") for day in range(30)]
        self.assertLessEqual(len([one for one in found if one]), 20)
        self.assertEqual([found[0], found[29]], [None, "https://29.example"])

    async def test_ended(self: Any) -> None:
        """Of rows whose days are over a purge leaves nothing but what ends by itself."""
        for number in range(10):
            await everything(self.store, number, 20_000)
        await self.store.purge(20_500)
        for number in range(10):
            self.assertEqual((await self.store.read(owner(number), BUCKET)).total, 0)
            self.assertIsNone(await self.store.origin(f"x-{number}"))


class SingleTests(ServerContract, TestCase):
    """One server."""

    kind = Single

    async def test_database(self) -> None:
        """The path of the URL is the number of the database."""
        server = self.servers.servers[0]
        store = store_of(self, {"url": f"redis://{server.address}/5"})
        await store.commit(put(0, row(1)))
        self.assertEqual(self.servers.lifetimes(), {})
        self.assertIn("db5", server.info("keyspace"))

    async def test_two_stores(self) -> None:
        """Two gateways on one server: what one says is done the other sees, and one wins."""
        other = store_of(self, self.servers.settings)
        for version in range(5):
            both = [
                one.commit(put(version, row(1, b"%d" % version))) for one in (self.store, other)
            ]
            self.assertEqual(sorted(await gatherResults(both)), [False, True])
            self.assertEqual((await other.read(OWNER, BUCKET)).version, version + 1)
        tries = [one.consume(b"nonce", 20_000) for one in (self.store, other)]
        self.assertEqual(sorted(await gatherResults(tries)), [False, True])
        self.assertEqual(await self.store.spend(b"key", 5, 5, 1, 1000.0), 0.0)
        self.assertEqual(await other.spend(b"key", 1, 5, 1, 1000.0), 1.0)


class GuardedTests(ServerContract, TestCase):
    """TLS, and a user with few rights."""

    kind = Guarded

    async def prepare(self) -> None:
        """Let the test fail if the store tried what it may not."""
        await super().prepare()
        server = self.servers.servers[0]
        with server.admin() as client:
            client.acl_log_reset()
        self.addCleanup(self._nothing_denied)
        self.expected = 0

    def _nothing_denied(self) -> None:
        with self.servers.servers[0].admin() as client:
            found = client.acl_log()
        if not self.expected:
            self.assertEqual(found, [])

    async def test_rights(self) -> None:
        """The store needs every command on the list (and no other: nothing was denied)."""
        self.patch(valkey, "_MAX_ORIGINS", 1)
        for number in range(3):
            await everything(self.store, number)
        await self.store.purge(20_500)
        statistics = self.servers.servers[0].info("commandstats")
        unused = [one for one in servers.COMMANDS if f"cmdstat_{one}" not in statistics]
        self.assertEqual(unused, [])

    async def _refused(self, **changes: Any) -> str:
        store = store_of(self, self.servers.settings, timeout=1.5, **changes)
        for operation in (store.ping(), store.read(OWNER, BUCKET), store.commit(put(0, row(1)))):
            with self.assertRaises(StoreUnavailable) as caught:
                await within(operation, 8)
            error = caught.exception
            for text in (str(error), repr(error), error.detail):
                self.assertNotIn(servers.PASSWORD, text)
                self.assertNotIn("a-wrong-one", text)
            self.assertIn(self.servers.servers[0].address, str(error))
        return str(error)

    async def test_wrong_password(self) -> None:
        """A wrong password is said with the server's name, and is not said itself."""
        self.expected = 1
        text = await self._refused(password="a-wrong-one")
        self.assertIn("auth", text.lower())

    async def test_no_password(self) -> None:
        """A server that wants a password does not get none."""
        self.expected = 1
        await self._refused(user="", password="")

    async def test_untrusted(self) -> None:
        """A certificate of another authority is refused: given ones and the system's alike."""
        other = LocalCa(temporary(self) / "ca", "Another CA")
        for trust in ((str(other.certificate_file),), ()):
            await self._refused(trust=trust)

    async def test_trust_of_several(self) -> None:
        """One of several files of authorities is enough."""
        other = LocalCa(temporary(self) / "ca", "Another CA")
        trust = (str(other.certificate_file), *self.servers.settings["trust"])
        for files in (trust, trust[::-1]):
            store = store_of(self, self.servers.settings, trust=files)
            self.assertIsNone(await store.ping())

    def test_trust_missing(self) -> None:
        """A file of authorities that is not there is named at once."""
        settings = {**self.servers.settings, "trust": ("/nowhere/ca.pem",)}
        error = self.assertRaises(StoreUnavailable, ValkeyStore, ValkeySettings(**settings), None)
        self.assertIn("/nowhere/ca.pem", str(error))

    async def test_other_name(self) -> None:
        """A certificate for another name is refused: 127.0.0.1 is not localhost."""
        url = self.servers.settings["url"].replace(servers.HOST, "localhost")
        store = store_of(self, self.servers.settings, url=url, timeout=1.5)
        with self.assertRaisesRegex(StoreUnavailable, "localhost"):
            await store.ping()

    async def test_plain(self) -> None:
        """Without TLS the server cannot be spoken to, and the password is not in the error."""
        await self._refused(url=self.servers.settings["url"].replace("rediss:", "redis:"))

    async def test_user_in_url(self) -> None:
        """The user may stand in the URL."""
        url = self.servers.settings["url"].replace("//", f"//{servers.USER}@")
        store = store_of(self, self.servers.settings, url=url, user="")
        self.assertIsNone(await store.ping())

    def test_settings_say_no_password(self) -> None:
        """Settings that are printed do not show the password."""
        settings = ValkeySettings(**self.servers.settings)
        self.assertTrue(attrs.has(ValkeySettings))
        self.assertNotIn(servers.PASSWORD, f"{settings!r} {settings}")


class WatchedTests(ServerContract, TestCase):
    """A master that a sentinel names."""

    kind = Watched

    async def test_sentinel_away(self) -> None:
        """Of several sentinels one is enough."""
        nobody, (_, port) = free_ports(1)[0], self.servers.sentinel.address.split(":")
        hosts = f"{servers.HOST}:{nobody},{servers.HOST}:{port}"
        store = store_of(self, self.servers.settings, url=f"redis://{hosts}/0")
        self.assertIs(await store.commit(put(0, row(1))), True)

    async def test_unknown_service(self) -> None:
        """Where no sentinel knows the name the error says whom was asked."""
        store = store_of(self, self.servers.settings, service="nothing-of-that-name", timeout=2)
        with self.assertRaisesRegex(StoreUnavailable, self.servers.sentinel.address):
            await within(store.ping(), 8)


class ClusterTests(ServerContract, TestCase):
    """Three masters."""

    kind = Cluster

    def _slots(self) -> set[int]:
        with self.servers.servers[0].admin() as client:
            return {
                int(client.execute_command("CLUSTER", "KEYSLOT", key))
                for key in self.servers.lifetimes()
            }

    async def test_one_slot(self) -> None:
        """All keys of one owner are in one slot, whatever octets the owner consists of."""
        for one in (OWNER, OTHER, b"{}" * 8, b"}{a" * 5 + b"}", b"{" + b"a" * 15, bytes(16)):
            self.servers.empty()
            for bucket in (BUCKET, b"c" * 8, b"{other}!"):
                self.assertIs(
                    await self.store.commit(put(0, row(1), owner=one, bucket=bucket)), True
                )
            self.assertEqual(set(await self.store.owned(one)), {BUCKET, b"c" * 8, b"{other}!"})
            self.assertEqual(len(self._slots()), 1, (one, self.servers.lifetimes()))
            await self.store.forget(one)
            self.assertEqual((await self.store.read(one, BUCKET)).total, 0)

    async def test_spread(self) -> None:
        """Owners, nonces and keys of token buckets are on all masters."""
        for what in ("commit", "consume", "spend"):
            self.servers.empty()
            for one in range(90):
                if what == "commit":
                    await self.store.commit(put(0, row(1), owner=owner(one)))
                elif what == "consume":
                    await self.store.consume(owner(one), 20_000)
                else:
                    await self.store.spend(owner(one), 1, 5, 1, time.time())
            for server in self.servers.servers:
                with server.admin() as client:
                    self.assertGreater(client.dbsize(), 10, what)

    async def test_host_away(self) -> None:
        """Of the hosts in the URL one is enough; the others are learned."""
        hosts = f"{servers.HOST}:{free_ports(1)[0]},{self.servers.servers[1].address}"
        store = store_of(self, self.servers.settings, url=f"redis://{hosts}/0")
        tries = [store.commit(put(0, row(1), owner=owner(one))) for one in range(30)]
        self.assertEqual(await gatherResults(tries), [True] * 30)

    async def test_moved(self) -> None:
        """A slot that moves to another master while commits go on takes nothing with it."""
        await self.store.commit(put(0, row(1), row(2)))
        slot = self._slots().pop()
        holder = next(one for one in self.servers.servers if self._count(one, slot))
        target = next(one for one in self.servers.servers if one is not holder)
        for source, goal in ((holder, target), (target, holder)):
            before = (await self.store.read(OWNER, BUCKET)).version
            self.servers.move(slot, source, goal)
            self.assertEqual((await self.store.read(OWNER, BUCKET)).total, 2)
            self.assertIs(await self.store.commit(put(before, row(1, b"new"))), True)
            self.assertGreater(self._count(goal, slot), 0)
            self.assertEqual(self._count(source, slot), 0)

    def _count(self, server: servers.Server, slot: int) -> int:
        with server.admin() as client:
            return int(client.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot))
