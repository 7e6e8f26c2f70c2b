"""How a server is named, and that messages name it without its secrets."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import StoreUnavailable
from gateway.store.valkey import ValkeyStore
from gateway.store.valkey_client import ValkeySettings


class SettingsTests(SynchronousTestCase):
    """URLs, and what is told of them."""

    def test_names(self) -> None:
        """One address or several, with and without port, user and database."""
        for url, name, secure in (
            ("redis://a:7000/2", "valkey a:7000", False),
            ("redis://a", "valkey a:6379", False),
            ("rediss://me@a:1/0", "valkey a:1", True),
            ("redis://[::1]:7000", "valkey ::1:7000", False),
            ("redis://a:1,b:2", "valkey a:1,b:2", False),
        ):
            settings = ValkeySettings(url)
            self.assertEqual((settings.name, settings.secure), (name, secure), url)

    def test_secrets(self) -> None:
        """No representation shows the password."""
        settings = ValkeySettings("redis://a:1", user="u", password="S3cret")
        self.assertNotIn("S3cret", repr(settings))

    def test_options(self) -> None:
        """User, password, database and times reach the client."""
        client = ValkeySettings("redis://me@a:7000/2", password="p", timeout=3).client()
        options = client.connection_pool.connection_kwargs
        wanted = {"host": "a", "port": 7000, "db": 2, "username": "me", "password": "p"}
        self.assertEqual({key: options[key] for key in wanted}, wanted)
        self.assertEqual(options["socket_timeout"], 3)

    def test_refused(self) -> None:
        """Settings that make no client are refused with the URL and the reason."""
        for settings in (
            ValkeySettings("redis://a:port/0"),
            ValkeySettings("redis://a:1/x"),
            ValkeySettings("rediss://a:1/0", trust=("/nowhere/ca.pem",)),
        ):
            error = self.assertRaises(StoreUnavailable, ValkeyStore, settings, None)
            self.assertIn(settings.url, str(error))
