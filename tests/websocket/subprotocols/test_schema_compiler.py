"""What of an operator's schemas is refused at start."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.subprotocols.schema_compiler import Unusable, compile_schema
from tests.websocket.subprotocols.test_schema import _made


class LazyTests(SynchronousTestCase):
    """Who has no schema does not wait for what reads them."""

    def test_nothing_is_imported(self) -> None:
        """Neither by the configuration nor by the validators."""
        code = "import sys, gateway.ops.config; print('jsonschema' in sys.modules)"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        self.assertEqual(found.stdout.strip(), b"False")


class UnusableTests(SynchronousTestCase):
    """Faults at start."""

    def test_table(self) -> None:
        """Each says what it is about."""
        for source, said in (
            ("{", "not JSON"),
            ("3", "an object or a boolean"),
            ('{"type": "strange"}', "type"),
            ('{"$schema": "https://else.example/schema"}', "$schema"),
            ('{"pattern": "(?=a)"}', "RE2"),
            ('{"properties": {"a": {"patternProperties": {"(a)\\\\1": true}}}}', "RE2"),
            ('{"$ref": "#/$defs/none"}', "leads to nothing"),
            ('{"$ref": "https://else.example/other.json"}', "leads to nothing"),
            ('{"items": {"$ref": "file:///etc/passwd"}}', "leads to nothing"),
            ('{"$ref": "#"}', "circle"),
            (
                '{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}',
                "circle",
            ),
            ("[" * 100 + "]" * 100, "not JSON"),
            ('{"patternProperties": {"a": true}, "unevaluatedProperties": false}', "not supported"),
        ):
            found = self.assertRaises(Unusable, compile_schema, source.encode(), "x")
            self.assertIn(said, str(found), source)

    def test_dialects(self) -> None:
        """All from draft 4 on, and references within, by anchor and by id."""
        for text in (
            "http://json-schema.org/draft-04/schema#",
            "http://json-schema.org/draft-07/schema",
        ):
            schema = _made(
                {"$schema": text, "definitions": {"a": {"type": "null"}}, "$ref": "#/definitions/a"}
            )
            self.assertEqual((schema.judge(None), schema.judge(1)), (None, "type"))
        schema = _made({"$id": "https://x.example/s", "$defs": {"a": {"$anchor": "n", "type": "null"},
            "b": {"$id": "b", "$ref": "s#n"}}, "$ref": "b"})  # fmt: skip
        self.assertEqual((schema.judge(None), schema.judge(1)), (None, "type"))
