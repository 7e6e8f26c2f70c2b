"""The rules and their defaults."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.destinations import AccessRule, NavigationRule, Settings
from gateway.policy.patterns import parse_pattern


class SettingsTests(SynchronousTestCase):
    """Settings open nothing by themselves and never change."""

    def test_nothing_is_open(self) -> None:
        """Without rules there is no destination and no opened address range."""
        settings = Settings()
        self.assertEqual((settings.navigation, settings.access), ((), ()))
        self.assertEqual(settings.addresses.allow_private, ())
        self.assertEqual(settings.addresses.own, frozenset())

    def test_an_access_rule_weakens_nothing(self) -> None:
        """The attributes of a rule are exceptions: none unless written."""
        rule = AccessRule(parse_pattern("https://a.b"))
        self.assertIs(rule.native, False)
        for name in (
            "page", "minimum_tls", "forward_secrecy", "allow_insecure_http",
            "certificate_strength", "trust", "client",
        ):  # fmt: skip
            self.assertIsNone(getattr(rule, name), name)

    def test_immutable(self) -> None:
        """A reload swaps the whole; nobody edits a part."""
        rule = NavigationRule(parse_pattern("https://a.b"), "gateway.toml:3")
        for frozen, name in ((Settings(), "access"), (rule, "where"), (rule.pattern, "host")):
            with self.assertRaises(attrs.exceptions.FrozenInstanceError):
                setattr(frozen, name, ())
