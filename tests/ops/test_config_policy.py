"""``[[allow-intent]]`` and ``from`` in the configuration."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.ops.config import parse_config
from tests.ops import Setup, temporary


class PolicyTests(SynchronousTestCase):
    """What the tables become, and what is refused."""

    def setUp(self) -> None:
        """A good configuration to add to."""
        self.text = Path(Setup(temporary(self)).write()).read_text("utf-8")

    def faults(self, more: str) -> list[str]:
        with self.assertRaises(ConfigurationError) as caught:
            parse_config(self.text + more, "g.toml")
        return caught.exception.faults

    def test_rules(self) -> None:
        """Patterns, pages, and where they stand."""
        base = len(self.text.splitlines())
        found = parse_config(
            self.text + '[[allow-intent]]\nhref = "tel:*"\n\n'
            '[[allow-intent]]\nhref = "https://*"\nfrom = "https://a.b"\n'
            '[[allow-navigation]]\nhref = "https://c.b"\nfrom = "https://a.b"\n',
            "g.toml",
        )
        tel, web = found.policy.intents
        self.assertEqual((tel.pattern.text, tel.where), ("tel:*", f"g.toml:{base + 1}"))
        self.assertIsNone(tel.page)
        self.assertEqual((web.pattern.text, web.where), ("https://*", f"g.toml:{base + 4}"))
        self.assertEqual(web.page and web.page.text, "https://a.b")
        frame = found.policy.navigation[-1]
        self.assertEqual(frame.page and frame.page.text, "https://a.b")

    def test_reverse_map(self) -> None:
        """On rules of either kind, on unless it is said otherwise."""
        found = parse_config(
            self.text + '[[allow-navigation]]\nhref = "https://c.b"\nreverse-map = false\n'
            '[[access]]\norigin = "https://d.b"\nreverse-map = false\n'
            '[[access]]\norigin = "https://e.b"\n',
            "g.toml",
        )
        self.assertIs(found.policy.navigation[-1].reverse_map, False)
        self.assertEqual([rule.reverse_map for rule in found.policy.access[-2:]], [False, True])
        (fault,) = self.faults('[[access]]\norigin = "https://d.b"\nreverse-map = 0\n')
        self.assertIn("access[1].reverse-map: found 0, expected true or false", fault)

    def test_faults(self) -> None:
        """Each names its place and what is wrong."""
        for line, path, what in (
            ('href = "javascript:*"', "href", "javascript: is never an intent"),
            ('href = "DATA:"', "href", "data: is never an intent"),
            ('href = ""', "href", "(a text)"),
            ("href = 1", "href", "(a text)"),
            ('href = "tel:*"\nfrom = "x y"', "from", "expected a pattern"),
            ('href = "tel:*"\nform = "*"', "form", 'did you mean "from"?'),
            ('from = "*"', "href", "missing"),
            ('href = "tel:*"\nfrom = "https://a.b/x"', "from", "without a path"),
        ):
            (fault,) = self.faults(f"[[allow-intent]]\n{line}\n")
            self.assertTrue(fault.startswith(f"g.toml: allow-intent[1].{path}: "), fault)
            self.assertIn(what, fault)

    def test_warnings(self) -> None:
        """A rule that hands everything on is dangerous; others are not."""
        for href, count in (("*", 1), ("*://*", 1), ("tel:*", 0), ("https://*", 0)):
            text = f'{self.text}[[allow-intent]]\nhref = "{href}"\n'
            found = [one for one in parse_config(text, "g").warnings if "allow-intent" in one]
            self.assertEqual(len(found), count, href)


class SiteTests(PolicyTests):
    """``rewrite-location`` of ``[[allow-navigation]]``."""

    def test_rules(self) -> None:
        """A rule for the site, with its place; without the key there is none."""
        base = len(self.text.splitlines())
        more = (
            '[[allow-navigation]]\nhref = "https://a.b"\nrewrite-location = true\n'
            '[[allow-navigation]]\nhref = "https://c.b/path"\n'
        )
        (rule,) = parse_config(self.text + more, "g.toml").policy.sites
        self.assertEqual((rule.pattern.text, rule.where), ("https://a.b", f"g.toml:{base + 1}"))
        self.assertTrue(rule.options.rewrite_location)

    def test_faults(self) -> None:
        """Pages of one origin cannot be treated apart."""
        for lines, what in (
            ('href = "https://a.b/p"\nrewrite-location = true', "without a path"),
            ('href = "https://a.b"\nrewrite-location = 1', "true or false"),
            ('href = "https://a.b"\nrewrite-locations = true', '"rewrite-location"?'),
        ):
            found = self.faults(f"[[allow-navigation]]\n{lines}\n")
            self.assertTrue(any(what in one and "allow-navigation[" in one for one in found), found)

    def test_warnings(self) -> None:
        """Editing every script there is has its price."""
        for href, count in (("*", 1), ("https://a.b", 0)):
            more = f'[[allow-navigation]]\nhref = "{href}"\nrewrite-location = true\n'
            found = parse_config(self.text + more, "g").warnings
            self.assertEqual(sum("rewrite-location" in one for one in found), count, href)
