"""Checks and lists of a store on a server; the contract tests what all stores do alike."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from gateway.errors import StoreUnavailable
from gateway.store.valkey import ValkeySettings, ValkeyStore
from tests.store.contract import OWNER, put, row, within
from tests.store.servers import Single, shared


class UpkeepTests(TestCase):
    """One server."""

    timeout = 60

    async def setUp(self) -> None:
        """Start or empty it."""
        self.servers = await shared(Single)
        self.store = ValkeyStore(ValkeySettings(**self.servers.settings), reactor)
        self.store.start()
        self.addCleanup(lambda: within(self.store.stop(), 5))

    def configure(self, name: str, value: str) -> str:
        """Change the server's configuration; what it was."""
        with self.servers.servers[0].admin() as client:
            before: str = client.config_get(name)[name]
            client.config_set(name, value)
        return before

    async def test_faults(self) -> None:
        """What of a server's configuration may lose cookies is told, and nothing else."""
        for name, value in (("appendonly", "yes"), ("maxmemory-policy", "noeviction")):
            self.addCleanup(self.configure, name, self.configure(name, value))
        self.assertEqual(await self.store.faults(), [])
        self.configure("maxmemory-policy", "volatile-lru")
        self.assertEqual(await self.store.faults(), [])
        self.configure("maxmemory-policy", "allkeys-lru")
        (told,) = await self.store.faults()
        self.assertIn("maxmemory-policy", told)
        self.configure("appendonly", "no")
        self.assertEqual(len(await self.store.faults()), 2)

    async def test_lists(self) -> None:
        """What a migration takes along besides rows."""
        await self.store.commit(put(0, row(1)))
        for number in range(3):
            await self.store.consume(b"%016d" % number, 20_000)
            await self.store.remember_origin(f"x-{number}", f"https://{number}.example", number)
        self.assertEqual(sorted(await self.store.nonces()), [b"%016d" % one for one in range(3)])
        wanted = [(f"x-{one}", f"https://{one}.example", one) for one in range(3)]
        self.assertEqual(sorted(await self.store.origins()), wanted)
        self.assertEqual(await self.store.owners_by_prefix(), {OWNER[:2]: 1})

    async def test_cursor_of_a_cluster_that_was_larger(self) -> None:
        """A cursor on a node that is gone is no reason to begin at another one unseen."""
        with self.assertRaises(StoreUnavailable):
            await self.store.scan(b"7:0")
