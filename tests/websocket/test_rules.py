"""The value that a connection's rules are."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.rules import Mode, ValidationRules
from gateway.websocket.subprotocols.schema_compiler import compile_schema


class RulesTests(SynchronousTestCase):
    """Defaults."""

    def test_off_and_open(self) -> None:
        """Nothing is looked at unless somebody says so, and then no destination is closed."""
        rules = ValidationRules()
        self.assertEqual((rules.mode, rules.publish, rules.subscribe), (Mode.OFF, None, None))
        self.assertFalse(rules.has_schema)

    def test_a_schema_for_either_direction(self) -> None:
        """One is enough."""
        schema = compile_schema(b"{}", "x")
        self.assertTrue(ValidationRules(from_client=schema).has_schema)
        self.assertTrue(ValidationRules(to_client=schema).has_schema)
