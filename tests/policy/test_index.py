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
        "https://*/x/*",
        "https://*/x",
        "a.b/x*",
        "a.b/x/y",
        "a.b/*/y",
        "*.b/xy/z",
        "a.b/",
        "*.b//*",
    ]
)


PATHS = ["", "/", "/x", "/x/", "/x/y", "/xy", "/xy/z", "x/", "//", "//x"]


class IndexTests(SynchronousTestCase):
    """What is left of the rules for a place."""

    @settings(deadline=None, max_examples=500)
    @given(
        st.lists(_TEXTS, max_size=8),
        st.sampled_from(HOSTS) | st.text("ab.", max_size=8),
        st.sampled_from(PATHS) | st.text("/xy*", max_size=6),
    )
    def test_agrees_with_the_whole_list(self, texts: list[str], host: str, path: str) -> None:
        """Every rule that matches is among them, and they are in the list's order."""
        rules = [NavigationRule(parse_pattern(text), str(at)) for at, text in enumerate(texts)]
        target = Target("https", host, 443, path)
        for asked in (path, None):
            found = list(ByHost(rules).at(host, asked))
            self.assertEqual(found, [rule for rule in rules if rule in found])
            for rule in rules:
                matches = rule.pattern.matches if asked is not None else rule.pattern.matches_origin
                if matches(target):
                    self.assertIn(rule, found)

    def test_leaves_others_out(self) -> None:
        """Of a thousand rules for other hosts or paths none is left."""
        texts = [f"https://*.s{at}.test" for at in range(1000)] + ["*", "https://a.b"]
        texts += [f"https://c.d/p{at}/*" for at in range(1000)] + ["https://c.d/q*"]
        rules = ByHost([NavigationRule(parse_pattern(text)) for text in texts])
        for host, path, left in (
            ("a.b", "/", 2),
            ("x.s7.test", "/", 2),
            ("s7.test", "/x", 2),
            ("c", "/", 1),
            ("test", "/", 1),
            ("c.d", "/p7/x", 3),
            ("c.d", "/p7", 3),
            ("c.d", "/x", 2),
            ("c.d", None, 1002),
        ):
            self.assertEqual(len(rules.at(host, path)), left, (host, path))
