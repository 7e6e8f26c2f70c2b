"""``gateway import``: what is written is what a configuration takes."""

from __future__ import annotations

import plistlib
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from gateway.cli import command
from gateway.ops.config import Config, load
from gateway.origins import Origin
from gateway.policy.engine import Ask, Question, decide
from tests.cli import gateway
from tests.ops import Setup, temporary

CONFIG_XML = """\
<?xml version='1.0' encoding='utf-8'?>
<widget id="app" xmlns="http://www.w3.org/ns/widgets">
  <content src="index.html" />
  <allow-navigation href="https://*.shop.example/*" />
  <allow-intent href="tel:*" />
  <allow-intent href="javascript:*" />
  <access origin="https://api.example" subdomains="true" minimum-tls-version="TLSv1.1"
          requires-forward-secrecy="false" allows-local-networking="true" />
  <access origin="http://plain.example" />
  <platform name="ios"><allow-intent href="itms-apps:*" /></platform>
</widget>
"""
LEGACY_XML = '<widget><access origin="*.old.example" /><access origin="tel:*" /></widget>'
INFO = plistlib.dumps(
    {
        "NSAppTransportSecurity": {
            "NSExceptionDomains": {
                "old.example": {
                    "NSIncludesSubdomains": True,
                    "NSExceptionMinimumTLSVersion": "TLSv1.0",
                    "NSExceptionRequiresForwardSecrecy": False,
                },
                "plain.example": {"NSExceptionAllowsInsecureHTTPLoads": True},
            },
            "NSPinnedDomains": {"pinned.example": {}},
        }
    }
)


class ImportTests(SynchronousTestCase):
    """Files in, rules out."""

    timeout = 120

    def setUp(self) -> None:
        """A minimal configuration without a rule."""
        self.setup = Setup(temporary(self))

    def _import(self, kind: str, source: bytes, *options: str) -> Result:
        path = self.setup.folder / "source"
        path.write_bytes(source)
        return CliRunner().invoke(command, ["import", kind, str(path), *options])

    def _appended(self, done: Result) -> tuple[Path, Config]:
        self.assertEqual(done.exit_code, 0, done.stderr)
        path = self.setup.write(self.setup.text + done.stdout)
        return path, load(path)

    def test_cordova(self) -> None:
        """The rules decide as the app did; what is lost is on standard error and in comments."""
        done = self._import("cordova", CONFIG_XML.encode())
        _, config = self._appended(done)
        for words in (
            "javascript: is never an intent",
            "allows-local-networking has no equivalent",
            "allow-insecure-http = true",
        ):
            self.assertIn(words, done.stderr)
            self.assertIn(words, done.stdout)
        for question, allowed in (
            (Question(Origin("https", "www.shop.example", 443)), True),
            (Question(Origin("https", "v1.api.example", 443), ask=Ask.ACCESS), True),
            (Question(Origin("https", "v1.api.example", 443)), False),
            (Question(Origin("http", "plain.example", 80), ask=Ask.ACCESS), True),
            (Question(Origin("http", "www.shop.example", 80)), False),
            (Question.intent("tel:112"), True),
            (Question.intent("itms-apps://x"), True),
            (Question.intent("sms:112"), False),
        ):
            self.assertEqual(decide(question, config.policy).allowed, allowed, question)
        tls = decide(Question(Origin("https", "api.example", 443), ask=Ask.ACCESS), config.policy)
        self.assertEqual(tls.transport.tls.minimum, "1.1")

    def test_legacy(self) -> None:
        """Nothing but ``access``: navigation too, unless the flavour is said."""
        shown = Question(Origin("https", "www.old.example", 443))
        for options, allowed in (((), True), (("--flavour", "current"), False)):
            done = self._import("cordova", LEGACY_XML.encode(), *options)
            _, config = self._appended(done)
            self.assertEqual(decide(shown, config.policy).allowed, allowed, options)
            self.assertIn("tel:*", done.stderr)

    def test_ats(self) -> None:
        """Attributes count for what other rules open, and nothing is opened by them."""
        done = self._import("ats", INFO)
        self.assertIn("NSPinnedDomains has no equivalent", done.stderr)
        _, config = self._appended(done)
        for host in ("old.example", "plain.example"):
            for ask in (Ask.NAVIGATION, Ask.ACCESS):
                question = Question(Origin("https", host, 443), ask=ask)
                self.assertFalse(decide(question, config.policy).allowed, host)
        opened = self.setup.text + done.stdout + '[[allow-navigation]]\nhref = "*"\n'
        policy = load(self.setup.write(opened)).policy
        for origin, allowed, tls in (
            (Origin("https", "www.old.example", 443), True, "1.0"),
            (Origin("https", "other.example", 443), True, "1.2"),
            (Origin("http", "plain.example", 80), True, "1.2"),
            (Origin("http", "www.old.example", 80), False, "1.2"),
        ):
            decision = decide(Question(origin), policy)
            self.assertEqual(decision.allowed, allowed, origin)
            self.assertEqual(decision.transport.tls.minimum, tls, origin)
        done = self._import("ats", INFO, "--open")
        _, config = self._appended(done)
        question = Question(Origin("https", "www.old.example", 443), ask=Ask.ACCESS)
        self.assertTrue(decide(question, config.policy).allowed)

    def test_check_config_takes_it(self) -> None:
        """As operators do it: append, and check; a file without a rule adds only comments."""
        for kind, source in (
            ("cordova", CONFIG_XML.encode()),
            ("cordova", b"<widget/>"),
            ("ats", INFO),
            ("ats", plistlib.dumps({"NSAppTransportSecurity": {"NSAllowsArbitraryLoads": True}})),
        ):
            path, _ = self._appended(self._import(kind, source))
            done = gateway("check-config", "--config", str(path))
            self.assertEqual((done.returncode, done.stdout), (0, f"{path}: ok\n"), done.stderr)

    def test_faults(self) -> None:
        """One line on standard error, nothing on standard output, status 1; no traceback."""
        for kind, source in (
            ("cordova", b"not XML\x1b[31m"),
            ("cordova", b"<!DOCTYPE x><widget/>"),
            ("ats", b"\x00"),
            ("ats", b"<plist>\xff</plist>"),
        ):
            done = self._import(kind, source)
            self.assertEqual((done.exit_code, done.stdout), (1, ""), source)
            (line,) = done.stderr.splitlines()
            self.assertTrue(line.startswith("source: "), line)
            self.assertTrue(line.isprintable(), line)
        folder = CliRunner().invoke(command, ["import", "ats", str(self.setup.folder)])
        self.assertEqual(folder.exit_code, 2)
        self.assertNotIn("Traceback", folder.output)

    def test_standard_input(self) -> None:
        """``-`` reads standard input."""
        done = gateway("import", "cordova", "-", given=LEGACY_XML)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("# From standard input (Cordova, legacy flavour)", done.stdout)
