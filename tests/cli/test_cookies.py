"""``gateway cookies explain``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway

A, EVIL = "https://a.example.com/d/e", "https://evil.example/"
VECTORS = Path(__file__).parent.parent / "vectors" / "cookie-attributes.json"


def ask(*questions: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask all in one run."""
    done = gateway("cookies", "explain", given="".join(json.dumps(one) + "\n" for one in questions))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def question(*fields: str, url: str = A, **more: Any) -> dict[str, Any]:
    """One question; it reads where it sets."""
    return {"set_url": url, "set_cookie": list(fields), "get_url": url, **more}


class ExplainTests(SynchronousTestCase):
    """Questions in, answers out."""

    timeout = 60

    def test_decisions(self) -> None:
        """Each field's fate with the draft's step, and what is sent."""
        (found,) = ask(question("a=1", "b=2; Domain=evil.example", "\u00e9=\u00ff", "__Host-x=1"))
        self.assertEqual(found["cookie"], "a=1; \u00e9=\u00ff")
        told = [(one["stored"], one["step"]) for one in found["decisions"]]
        self.assertEqual(told, [(True, ""), (False, "5.7.10"), (True, ""), (False, "5.7.21")])
        self.assertEqual(found["decisions"][1]["set_cookie"], "b=2; Domain=evil.example")
        self.assertTrue(found["decisions"][1]["reason"])

    def test_ways(self) -> None:
        """Time, API, initiator, method, and where the topmost page goes all count."""
        lax, none, http = "a=1; SameSite=Lax", "a=1; SameSite=None; Secure", "a=1; HttpOnly"
        by, top = {"initiator": EVIL}, {"top_level": True}
        questions: list[tuple[dict[str, Any], str]] = [
            (question(lax), "a=1"),
            (question(lax, **by), ""),
            (question(lax, **by, **top), "a=1"),
            (question(lax, **by, **top, method="POST"), ""),
            (question("a=1", **by, **top, method="post"), "a=1"),
            (question(none, **by), "a=1"),
            (question(lax, redirects=["https://b.example.com/"]), "a=1"),
            (question(lax, redirects=["https://b.example.com/", EVIL]), ""),
            (question(http), "a=1"),
            (question(http, api="script"), ""),
            (question("a=1", api="script"), "a=1"),
            (question("a=1; Max-Age=5", now=7), "a=1"),
            (question("a=1; Expires=Thu, 01 Jan 1970 00:00:09 GMT", now=9), ""),
            (question("a=1; Partitioned; Secure", **top), "a=1"),
            ({**question("a=1"), "get_url": "https://b.example.com/"}, ""),
            (
                {
                    **question("a=1; Domain=example.com; Path=/"),
                    "get_url": "https://b.example.com/",
                },
                "a=1",
            ),
            ({**question("a=1; Path=/"), "get_url": EVIL}, ""),
        ]
        found = ask(*(one for one, _ in questions))
        for (one, cookie), got in zip(questions, found, strict=True):
            self.assertEqual(got["cookie"], cookie, one)

    def test_vectors(self) -> None:
        """The cases of web-platform-tests that the command can ask: one API for both ways."""

        def octets(text: str) -> str:
            text = re.sub(r"<(.)\*([0-9]+)>", lambda run: run[1] * int(run[2]), text)
            return text.encode("utf-8").decode("latin-1")

        questions, expected = [], []
        for group in json.loads(VECTORS.read_text("utf-8"))["groups"]:
            start = f"http{'s' if group['secure'] else ''}://{group['host']}"
            for _, fields, wanted in group["cases"]:
                if group["via"] == "http" and "httponly" in str(fields).lower():
                    continue
                where = {"set_url": start + group["set"], "get_url": start + group["read"]}
                api = "script" if group["via"] == "dom" else "http"
                questions.append({**where, "set_cookie": list(map(octets, fields)), "api": api})
                expected.append(octets(wanted))
        self.assertGreater(len(questions), 690)
        found = [one["cookie"] for one in ask(*questions)]
        wrong = [
            (one, got, want)
            for one, got, want in zip(questions, found, expected, strict=True)
            if got != want
        ]
        self.assertEqual(wrong, [])

    def test_faults(self) -> None:
        """Each bad line is told with its number and the key; good ones are answered; status 1."""
        lines = [
            "nonsense",
            "[]",
            json.dumps({"set_url": A}),
            json.dumps(question("a=1", api="smtp")),
            json.dumps(question("a=1", now="x")),
            json.dumps(question("a=1", url="ftp://x/")),
            json.dumps(question("\u0142=1")),
            json.dumps({**question("a=1"), "colour": 1}),
            json.dumps(question("a=1", redirects=[1])),
            "",
            json.dumps(question("a=1")),
        ]
        done = gateway("cookies", "explain", given="\n".join(lines) + "\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        told = done.stderr.splitlines()
        self.assertEqual([one.split(":")[0] for one in told], [f"line {n}" for n in range(1, 10)])
        for key, line in zip(("set_cookie", "api", "now", "set_url"), told[2:6], strict=True):
            self.assertIn(f" {key}: ", line)
