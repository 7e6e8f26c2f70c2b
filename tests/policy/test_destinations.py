"""The rules and their defaults."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.destinations import AccessRule, NavigationRule, Settings
from gateway.policy.patterns import Target, parse_pattern


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
        self.assertIs(rule.allow_insecure_http, False)
        for value in (rule.page, rule.minimum_tls, rule.forward_secrecy):
            self.assertIsNone(value)

    def test_immutable(self) -> None:
        """A reload swaps the whole; nobody edits a part."""
        rule = NavigationRule(parse_pattern("https://a.b"), "gateway.toml:3")
        for frozen, name in ((Settings(), "access"), (rule, "where"), (rule.pattern, "host")):
            with self.assertRaises(attrs.exceptions.FrozenInstanceError):
                setattr(frozen, name, ())


class TransportTests(SynchronousTestCase):
    """What is kept of each origin."""

    def test_each_origin_has_its_own(self) -> None:
        """Scheme, host and port tell origins apart, in whatever order they are asked about."""
        rules = Settings(
            access=(
                AccessRule(parse_pattern("https://a.b:444"), minimum_tls="1.0"),
                AccessRule(parse_pattern("wss://a.b"), minimum_tls="1.1"),
                AccessRule(parse_pattern("http://a.b"), minimum_tls="1.3"),
            )
        )
        for _ in range(2):
            for scheme, host, port, minimum in (
                ("https", "a.b", 444, "1.0"),
                ("https", "a.b", 443, "1.2"),
                ("wss", "a.b", 443, "1.1"),
                ("http", "a.b", 443, "1.3"),
                ("https", "x.a.b", 444, "1.2"),
            ):
                found = rules.transport_at(Target(scheme, host, port))
                self.assertEqual(found.tls.minimum, minimum, (scheme, host, port))

    def test_bounded(self) -> None:
        """Names that visitors make up do not fill the memory."""
        rules = Settings()
        for number in range(10_000):
            rules.transport_at(Target("https", f"h{number}.test", 443))
        self.assertLessEqual(len(rules._transports), 4096)

    def test_a_changed_copy_starts_anew(self) -> None:
        """What one policy keeps is not the next one's."""
        rules = Settings(access=(AccessRule(parse_pattern("a.b"), minimum_tls="1.0"),))
        target = Target("https", "a.b", 443)
        self.assertEqual(rules.transport_at(target).tls.minimum, "1.0")
        stricter = attrs.evolve(rules, access=())
        self.assertEqual(stricter.transport_at(target).tls.minimum, "1.2")
        self.assertEqual(list(stricter.access_at.at("a.b")), [])
