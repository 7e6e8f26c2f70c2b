"""Rules found by host: never one too few, always in order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.destinations import NavigationRule
from gateway.policy.index import ByHost
from gateway.policy.patterns import Target, parse_pattern

HOSTS = ["a.b", "b", "x.a.b", "c", "xa.b", "[::1]", "1.2.3.4", "3.4", "a.b.", ".b", "", "x..b"]
_TEXTS = st.sampled_from(
    [
        "*",
        "a.b",
        "*.b",
        "*.a.b",
        "b",
        "https://*",
        "*.a.b/x*",
        "[::1]",
        "*.4",
        "x.a.b",
        "*..b",
        "*.b.",
    ]
)


class IndexTests(SynchronousTestCase):
    """What is left of the rules for a host."""

    @settings(deadline=None, max_examples=300)
    @given(st.lists(_TEXTS, max_size=8), st.sampled_from(HOSTS) | st.text("ab.", max_size=8))
    def test_agrees_with_the_whole_list(self, texts: list[str], host: str) -> None:
        """Every rule that matches is among them, and they are in the list's order."""
        rules = [NavigationRule(parse_pattern(text), str(at)) for at, text in enumerate(texts)]
        target = Target("https", host, 443, "/x")
        found = list(ByHost(rules).at(host))
        self.assertEqual(found, [rule for rule in rules if rule in found])
        opening = [rule for rule in rules if rule.pattern.matches(target)]
        self.assertEqual([rule for rule in found if rule.pattern.matches(target)], opening)

    def test_leaves_others_out(self) -> None:
        """Of a thousand rules for other hosts none is left."""
        texts = [f"https://*.s{at}.test" for at in range(1000)] + ["*", "https://a.b"]
        rules = ByHost([NavigationRule(parse_pattern(text)) for text in texts])
        for host, left in (("a.b", 2), ("x.s7.test", 2), ("s7.test", 2), ("c", 1), ("test", 1)):
            self.assertEqual(len(rules.at(host)), left, host)
