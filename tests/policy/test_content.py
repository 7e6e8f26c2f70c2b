"""Which of the operator's policies are for a page."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.content import ContentRule, policies_for
from gateway.policy.patterns import parse_pattern
from tests.rewrite import origin


def _rule(site: str, policy: str, *, report_only: bool = False) -> ContentRule:
    return ContentRule(parse_pattern(site), policy, report_only)


RULES = (
    _rule("*", "one"),
    _rule("https://*.a.example", "two", report_only=True),
    _rule("http://a.example:81", "three"),
    _rule("https://a.example", "four"),
)


class RulesTests(SynchronousTestCase):
    """All that match, in order: none takes the place of another."""

    def test_table(self) -> None:
        """By scheme, host and port."""
        table = {
            "https://a.example": ["one", "two", "four"],
            "https://x.a.example": ["one", "two"],
            "http://a.example": ["one"],
            "http://a.example:81": ["one", "three"],
            "https://b.example": ["one"],
        }
        for page, wanted in table.items():
            found = policies_for(origin(page), RULES)
            self.assertEqual([text for text, _ in found], wanted, page)
            self.assertEqual([only for _, only in found], [one == "two" for one in wanted])
        self.assertEqual(policies_for(origin("https://a.example"), ()), ())
