"""``gateway explain``: the decision as people and programs read it."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from gateway.cli import command
from gateway.policy.steps import TABLE
from tests.cli import gateway
from tests.ops import DOMAIN, ROOT, Setup, temporary

RULES = """\
[upstream]
allow-private = ["10.1.0.0/16"]
[[upstream.hosts]]
host = "inside.test"
connect = "10.1.2.3:8443"
[[allow-navigation]]
href = "https://*.wiki.test/w/*"
[[allow-navigation]]
href = "*://inside.test"
[[access]]
origin = "https://api.test"
from = "https://app.test"
minimum-tls = "1.3"
[[access]]
origin = "https://raw.test"
native = true
[[allow-intent]]
href = "tel:*"
"""
OPEN, SHUT = ("--address", "93.184.216.34"), ("--address", "192.168.1.1")


class ExplainTests(SynchronousTestCase):
    """Questions asked of one configuration."""

    timeout = 120

    def setUp(self) -> None:
        """A configuration, and the line at which its rules begin."""
        setup = Setup(temporary(self))
        self.first = len(setup.text.splitlines())
        setup.extra = RULES
        self.port = setup.port
        self.path = str(setup.write())

    def _ask(self, *arguments: str) -> Result:
        return CliRunner().invoke(command, ["explain", "-c", self.path, *arguments])

    def _json(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = self._ask("--json", *arguments)
        self.assertEqual(done.stderr, "", arguments)
        return done.exit_code, json.loads(done.stdout)

    def _where(self, text: str) -> str:
        """File and line of the table whose key has this line."""
        at = RULES.splitlines().index(text)
        while not RULES.splitlines()[at].startswith("[["):
            at -= 1
        return f"{self.path}:{self.first + at}"

    def test_table_of_questions(self) -> None:
        """Status, deciding step and rule of each kind of question."""
        api, app = "https://api.test/v1", ("--from", "https://app.test")
        cases: tuple[tuple[tuple[str, ...], int, int, str], ...] = (
            (("https://en.wiki.test/w/A", *OPEN), 0, 7, 'href = "https://*.wiki.test/w/*"'),
            (("https://en.wiki.test/w/A", *SHUT), 3, 9, ""),
            (("https://en.wiki.test/w/A", *OPEN, *SHUT), 3, 9, ""),
            (("https://en.wiki.test/x", *OPEN), 3, 7, ""),
            (("https://en.wiki.test/w/..%2fx", *OPEN), 3, 7, ""),
            (("https://en.wiki.test/x/..%2fw/A", *OPEN), 3, 7, ""),
            (("https://en.wiki.test/w/A%2fB", *OPEN), 0, 7, 'href = "https://*.wiki.test/w/*"'),
            (("http://inside.test/",), 3, 8, ""),
            (("https://inside.test/",), 0, 7, 'href = "*://inside.test"'),
            (("https://inside.test:22/",), 3, 6, ""),
            ((api, "--as", "access", *app, *OPEN), 0, 7, 'origin = "https://api.test"'),
            ((api, "--as", "access", "--from", "https://b.test", *OPEN), 3, 7, ""),
            ((api, "--as", "access", *OPEN), 3, 7, ""),
            ((api, *app, *OPEN), 3, 7, ""),
            ((api, "--as", "websocket", *app, *OPEN), 0, 7, 'origin = "https://api.test"'),
            (("wss://api.test/", "--as", "websocket", *app, *OPEN), 0, 7,
             'origin = "https://api.test"'),
            (("https://raw.test/", "--native", *OPEN), 0, 7, 'origin = "https://raw.test"'),
            (("https://api.test/", "--native", *OPEN), 3, 7, ""),
            (("tel:112", "--as", "intent"), 0, 7, 'href = "tel:*"'),
            (("sms:112", "--as", "intent"), 3, 7, ""),
            (("javascript:1", "--as", "intent"), 3, 7, ""),
            ((f"https://www.0.{DOMAIN}/",), 3, 5, ""),
            ((f"https://www.0.{DOMAIN}/", "--as", "intent"), 3, 5, ""),
        )  # fmt: skip
        for arguments, status, step, line in cases:
            code, told = self._json(*arguments)
            self.assertEqual((code, told["step"]), (status, step), arguments)
            self.assertEqual(told["allowed"], status == 0)
            self.assertTrue(told["change"], arguments)
            if line:
                self.assertTrue(told["rule"].endswith(self._where(line)), told["rule"])
            names = [row.name for row in TABLE]
            self.assertEqual([one["name"] for one in told["steps"]], names[: len(told["steps"])])

    def test_json(self) -> None:
        """The whole answer, so that scripts may rely on it."""
        code, told = self._json("https://api.test/", "--as", "access", "--client", "192.0.2.7",
                                "--from", "https://app.test/x", *OPEN)  # fmt: skip
        where = self._where('origin = "https://api.test"')
        self.assertEqual(code, 0)
        steps = {one["name"]: one for one in told.pop("steps")}
        self.assertEqual(
            told,
            {
                "url": "https://api.test/",
                "as": "access",
                "from": "https://app.test",
                "client": "192.0.2.7",
                "native": False,
                "allowed": True,
                "step": 7,
                "name": "destination",
                "reason": "a rule opens it",
                "rule": f"access 'https://api.test' {where}",
                "status": None,
                "event": None,
                "change": ["without this rule it is closed"],
                "transport": {"encrypted": True, "minimum-tls": "1.3", "forward-secrecy": True},
            },
        )
        rule = f"access 'https://api.test' {where} (minimum-tls)"
        self.assertEqual(steps["transport"]["rule"], rule)
        self.assertEqual(steps["address"]["answer"], "93.184.216.34: open")
        self.assertIn("192.0.2.7", steps["client"]["answer"])
        code, told = self._json("https://api.test/", "--native", *OPEN)
        self.assertEqual((told["status"], told["event"]), (403, "origin.not-our-page"))

    def test_for_people(self) -> None:
        """A line for each step, what decided, and what would change it."""
        done = self._ask("https://en.wiki.test/x", *OPEN)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "https://en.wiki.test/x as navigation")
        self.assertRegex(lines[7], r"^  7 destination +REFUSES  no allow-navigation rule opens")
        self.assertEqual(lines[8], "denied (403, destination.denied) by step 7, destination")
        where = self._where('href = "https://*.wiki.test/w/*"')
        near = f"  - allow-navigation 'https://*.wiki.test/w/*' {where}, but it is for other paths"
        self.assertEqual(lines[10], near)
        done = self._ask("https://inside.test/")
        self.assertIn("10.1.2.3: open", done.stdout)
        self.assertIn("allowed by step 7, destination", done.stdout)

    def test_looked_up(self) -> None:
        """Without ``--address`` names are looked up; what has none is left to the connection."""
        _, told = self._json("https://en.wiki.test/w/A", "--no-look-up")
        self.assertEqual(told["steps"][8]["outcome"], "elsewhere")
        for url in ("https://127.0.0.1/", f"https://127.0.0.1:{self.port}/", "https://[::1]/"):
            _, told = self._json(url)
            self.assertEqual(told["step"], 7, url)

    def test_faults(self) -> None:
        """What is wrong with the question, one line each; status 1, and 2 for the usage."""
        for arguments, lines in (
            (("a.b",), ["found 'a.b', expected an http"]),
            (("tel:1",), ["found 'tel:1', expected an http"]),
            (("a.b", "--as", "intent"), ["'a.b' is not a URL"]),
            (("wss://a.b/",), ["'wss://a.b/' is a WebSocket's"]),
            (("https://a.b", "--from", "x"), ["--from: found 'x'"]),
            (("https://a.b", "--from", f"https://{DOMAIN}"), ["--from: "]),
            (
                ("https://a.b", "--client", "x", "--address", "y"),
                ["--address: 'y'", "--client: 'x'"],
            ),
        ):
            done = self._ask(*arguments)
            found = sorted(done.stderr.splitlines())
            self.assertEqual((done.exit_code, done.stdout), (1, ""), arguments)
            self.assertEqual(len(found), len(lines), found)
            for line, start in zip(found, lines, strict=True):
                self.assertTrue(line.startswith(start), line)
        self.assertEqual(self._ask().exit_code, 2)
        self.assertEqual(self._ask("https://a.b", "--as", "guess").exit_code, 2)

    def test_as_a_process(self) -> None:
        """Statuses as a shell sees them; a configuration's faults come first."""
        for arguments, status in (
            (("explain", "https://inside.test/", "-c", self.path), 0),
            (("explain", "https://nowhere.test/", "-c", self.path), 3),
            (("explain", "https://nowhere.test/", "-c", "no/such.toml"), 1),
        ):
            self.assertEqual(gateway(*arguments).returncode, status, arguments)


class DocumentationTests(SynchronousTestCase):
    """The documentation says what the engine does."""

    def test_the_table(self) -> None:
        """docs/policy.md has the table as the engine prints it."""
        text = (ROOT / "docs/policy.md").read_text("utf-8")
        shown = text.partition("<!-- steps -->\n")[2].partition("<!-- /steps -->")[0]
        printed = CliRunner().invoke(command, ["explain", "--table"])
        self.assertEqual(printed.exit_code, 0)
        self.assertEqual(shown, printed.stdout, "gateway explain --table prints another one")
        self.assertEqual(len(shown.splitlines()), len(TABLE) + 2)
