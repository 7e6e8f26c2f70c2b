"""``[content]`` and ``[[content-policy]]`` of a configuration."""

from __future__ import annotations

import tomllib

from twisted.trial.unittest import SynchronousTestCase

from gateway.ops import schema
from gateway.ops.config_content import CONTENT, POLICIES, ContentSettings, read_content
from gateway.ops.schema import Table

SCHEMA = Table({"content": CONTENT, "content-policy": POLICIES})


def _read(text: str) -> tuple[ContentSettings, list[str]]:
    reader = schema.Reader("x.toml", text)
    values = reader.table(SCHEMA, tomllib.loads(text))
    return read_content(values, reader), reader.faults


class AcceptedTests(SynchronousTestCase):
    """What is read."""

    def test_defaults(self) -> None:
        """No rule, no warning; reports go on, samples stay out."""
        found, faults = _read("")
        self.assertEqual((found, faults), (ContentSettings(), []))
        self.assertTrue(found.forward_reports)
        self.assertFalse(found.report_samples)
        self.assertFalse(found.strict)

    def test_rules(self) -> None:
        """As text, as single directives, or both; in order, with their place."""
        found, faults = _read(
            """
[[content-policy]]
site = "https://*.a.example"
policy = "img-src 'self'; object-src 'none'"
report-only = true

[[content-policy]]
site = "*"
[content-policy.directives]
script-src = ["'self'", "https://b.example"]
upgrade-insecure-requests = ""

[[content-policy]]
site = "b.example"
policy = "sandbox allow-scripts"
directives = { img-src = "'none'" }
"""
        )
        self.assertEqual(faults, [])
        self.assertEqual(
            [(rule.site.text, rule.policy, rule.report_only, rule.where) for rule in found.rules],
            [
                ("https://*.a.example", "img-src 'self'; object-src 'none'", True, "x.toml:2"),
                (
                    "*",
                    "script-src 'self' https://b.example; upgrade-insecure-requests",
                    False,
                    "x.toml:7",
                ),
                ("b.example", "sandbox allow-scripts; img-src 'none'", False, "x.toml:13"),
            ],
        )
        self.assertEqual(found.warnings, ())

    def test_warnings(self) -> None:
        """What is dangerous, or does not do what one may think."""
        table = {
            "[content]\nwebrtc = true": "content.webrtc: ",
            "[content]\nreport-samples = true": "content.report-samples: ",
            "[[content-policy]]\nsite = '*'\npolicy = \"script-src 'nonce-abc'\"": "a nonce",
            "[[content-policy]]\nsite = '*'\npolicy = 'sandbox'": "no page of the site runs script",
            "[[content-policy]]\nsite = '*'\npolicy = 'sandbox'\nreport-only = true": "ignore",
        }
        for text, wanted in table.items():
            found, faults = _read(text)
            self.assertEqual(faults, [])
            (warning,) = found.warnings
            self.assertIn(wanted, warning)


class RefusedTests(SynchronousTestCase):
    """Each fault on its line, by its key."""

    def test_table(self) -> None:
        """One fault each, and what would be right."""
        head = "[[content-policy]]\nsite = 'https://a.example'\n"
        table = {
            "[content]\nwebrtc = 1": "content.webrtc: found 1, expected true or false",
            "[content]\nreport-sample = true": 'did you mean "report-samples"?',
            "[[content-policy]]\npolicy = 'sandbox'": "content-policy[1].site: missing",
            "[[content-policy]]\nsite = '*'": "content-policy[1]: missing, it has no directive",
            "[[content-policy]]\nsite = 'https://a.example/p'\npolicy = 'sandbox'": "without a path",
            "[[content-policy]]\nsite = '://'\npolicy = 'sandbox'": "expected a pattern",
            head + "policy = \"image-src 'self'\"": '"image-src" is no directive of CSP 3',
            head + "policy = \"img-src 'slef'\"": "\"'slef'\" is no keyword",
            head + "policy = ''": "content-policy[1].policy",
            head + "policy = 5": "content-policy[1].policy: found 5",
            head + "directives = { image-src = '*' }": 'did you mean "img-src"?',
            head + "directives = { img-src = 5 }": "content-policy[1].directives.img-src: found 5",
            head + "directives = { img-src = [5] }": "a text, or an array of sources",
            head + "directives = { img-src = ['a; script-src *'] }": "is not one word",
            head + "directives = { img-src = 'a..b' }": '"a..b" is no source',
            head + "policy = 'img-src a'\ndirectives = { img-src = 'b' }": "is in policy, too",
            head + "directives = 5": "expected a table",
        }
        for text, wanted in table.items():
            found, faults = _read(text)
            self.assertEqual(len(faults), 1, (text, faults))
            self.assertIn(wanted, faults[0])
            self.assertTrue(faults[0].startswith("x.toml: content"), faults[0])
            del found

    def test_all_at_once(self) -> None:
        """Every faulty table is named."""
        _, faults = _read("[[content-policy]]\nsite = '*'\n" * 3)
        self.assertEqual(len(faults), 3)
