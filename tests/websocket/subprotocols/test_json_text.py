"""Strict JSON."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.base import Broken
from gateway.websocket.subprotocols.json_text import DEEPEST, check_depth, load


class LoadTests(SynchronousTestCase):
    """What passes and what does not."""

    def test_table(self) -> None:
        """Names twice, constants of Python's, depth, and what is no JSON at all."""
        self.assertEqual(load(' {"a": [1, null, true, "x"]} '), {"a": [1, None, True, "x"]})
        deep = "[" * DEEPEST + "]" * DEEPEST
        load(deep)
        load("[" + "[]," * 1000 + "[]]")
        for text, rule in (
            ("", "json"),
            ("{", "json"),
            ("{'a': 1}", "json"),
            ("NaN", "json"),
            ("[Infinity]", "json"),
            ("1" * 10_000, "json"),
            ('{"a": 1, "a": 2}', "json-names"),
            ('[{"b": {"a": 1, "\\u0061": 1}}]', "json-names"),
            (f"[{deep}]", "json-depth"),
            ("[" * 100_000, "json"),
            ("[" * 900 + "]" * 900, "json-depth"),
            ("[" * 100_000 + "]" * 100_000, "json"),
        ):
            found = self.assertRaises(Broken, load, text)
            self.assertEqual(found.verdict.rule, rule, text[:20])

    def test_depth_of_values(self) -> None:
        """Also of what other formats hold, and of what has no end."""
        check_depth({"a": (1, [2])})
        endless: list[object] = []
        endless.append(endless)
        self.assertRaises(Broken, check_depth, endless)
