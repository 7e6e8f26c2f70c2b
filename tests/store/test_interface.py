"""The protocol and its implementations name the same operations."""

from __future__ import annotations

import inspect

from twisted.trial.unittest import SynchronousTestCase

from gateway.store.interface import Store
from gateway.store.sqlite import SqliteStore
from gateway.store.valkey import ValkeyStore


class InterfaceTests(SynchronousTestCase):
    """The protocol against what implements it."""

    timeout = 60

    def test_same_operations(self) -> None:
        """Every operation is there, with the same parameters."""
        names = [name for name in vars(Store) if not name.startswith("_")]
        self.assertIn("commit", names)
        for name in names:
            wanted = inspect.signature(getattr(Store, name)).parameters
            for kind in (SqliteStore, ValkeyStore):
                found = inspect.signature(getattr(kind, name)).parameters
                self.assertEqual(list(found), list(wanted), (kind, name))
