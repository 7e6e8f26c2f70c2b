"""Which store settings ask for."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.epollreactor import EPollReactor
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import StoreUnavailable
from gateway.store.opening import StoreSettings, open_store
from gateway.store.sqlite import SqliteStore
from gateway.store.valkey import ValkeyStore


class OpeningTests(SynchronousTestCase):
    """From settings to a store."""

    def test_sqlite(self) -> None:
        """A file, or memory; durable or not."""
        store = open_store(StoreSettings("sqlite:///var/x.db", durable=False), None)
        assert isinstance(store, SqliteStore)
        self.assertEqual((store._path, store._durable), (Path("var/x.db"), False))
        self.assertIsNone(StoreSettings("memory:").path)

    def test_valkey(self) -> None:
        """A server, with all that is said of it."""
        settings = StoreSettings(
            "redis://a:7000/1", user="u", password="S3cret", timeout=3, replicas=2
        )
        store = open_store(settings, AsyncioSelectorReactor.__new__(AsyncioSelectorReactor))
        assert isinstance(store, ValkeyStore)
        found = store._settings
        self.assertEqual((found.user, found.password, found.timeout), ("u", "S3cret", 3))
        self.assertEqual(found.replicas, 2)
        self.assertNotIn("S3cret", repr(settings))

    def test_wrong_reactor(self) -> None:
        """A server needs asyncio's reactor, and the refusal says so without secrets."""
        settings = StoreSettings("redis://me@a:7000", password="S3cret")
        other = EPollReactor.__new__(EPollReactor)
        error = self.assertRaises(StoreUnavailable, open_store, settings, other)
        self.assertIn("asyncio reactor, this is EPollReactor", str(error))
        self.assertIn("redis://a:7000", str(error))
