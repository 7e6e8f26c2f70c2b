"""Options of single sites."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.origins import Origin, parse
from gateway.policy.destinations import AccessRule, NavigationRule, Settings
from gateway.policy.engine import Ask, Question, decide
from gateway.policy.patterns import parse_pattern
from gateway.policy.sites import DEFAULT, SiteOptions, SiteRule, options_of, site_options


def _origin(url: str) -> Origin:
    found = parse(url)
    assert found is not None
    return found[0]


def _rules(*texts: str) -> tuple[SiteRule, ...]:
    chosen = SiteOptions(rewrite_location=True)
    return tuple(SiteRule(parse_pattern(text), chosen, "g.toml:1") for text in texts)


class SitesTests(SynchronousTestCase):
    """Which pages are changed how far."""

    def test_options(self) -> None:
        """By the origin as rules match it; off where none does, and for whom no origin is known."""
        for texts, url, wanted in (
            ((), "https://a.b", False),
            (("https://a.b",), "https://a.b", True),
            (("https://a.b",), "https://x.a.b", False),
            (("https://*.a.b",), "https://x.a.b", True),
            (("https://a.b",), "http://a.b", False),
            (("https://a.b:444",), "https://a.b", False),
            (("https://c.d", "https://a.b"), "https://a.b", True),
            (("*",), "http://anything.example:81", True),
        ):
            found = options_of(_origin(url), _rules(*texts))
            self.assertIs(found.rewrite_location, wanted, (texts, url))
        self.assertEqual(options_of(None, _rules("*")), DEFAULT)

    def test_of_the_page(self) -> None:
        """A decision has the options of the page that asks, or of the one that is to be shown."""
        settings = Settings(
            (NavigationRule(parse_pattern("*")),),
            (AccessRule(parse_pattern("*")),),
            sites=_rules("https://page.example"),
        )
        page, other = _origin("https://page.example"), _origin("https://other.example")
        for asked, wanted in (
            (Question(page), True),
            (Question(other), False),
            (Question(other, page=page), False),  # a frame, or a page that is left
            (Question(other, ask=Ask.ACCESS, page=page), True),
            (Question(page, ask=Ask.ACCESS, page=other), False),
            (Question(page, ask=Ask.ACCESS), True),
        ):
            decision = decide(asked, settings)
            self.assertTrue(decision.allowed)
            self.assertIs(site_options(decision).rewrite_location, wanted, asked)
