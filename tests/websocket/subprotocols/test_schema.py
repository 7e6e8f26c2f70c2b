"""Messages judged by operators' schemas, and what no message can do."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.rules import Mode, ValidationRules
from gateway.websocket.subprotocols.base import Broken
from gateway.websocket.subprotocols.schema import MOST_BYTES, JsonSchema
from gateway.websocket.subprotocols.schema_compiler import compile_schema
from tests.websocket.subprotocols.streams import C, S, rules_of

CHAT = {
    "oneOf": [
        {
            "properties": {
                "kind": {"const": "say"},
                "text": {"type": "string", "maxLength": 20},
                "to": {"type": "array", "items": {"pattern": "^[a-z]+$"}, "uniqueItems": True},
            },
            "required": ["kind", "text"],
            "additionalProperties": False,
        },
        {"properties": {"kind": {"enum": ["join", "part"]}}, "required": ["kind"]},
    ],
    "type": "object",
}
TREE = {"$ref": "#/$defs/t", "$defs": {"t": {"anyOf": [
    {"type": "array", "items": {"$ref": "#/$defs/t"}},
    {"type": "array", "items": {"$ref": "#/$defs/t"}, "maxItems": 1},
    {"type": "string"},
]}}}  # fmt: skip
ANY = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text("ab1", max_size=3)
    ),
    lambda below: st.one_of(
        st.lists(below, max_size=4), st.dictionaries(st.text("ab1", max_size=2), below, max_size=4)
    ),
)


def _made(schema: Any) -> JsonSchema:
    return compile_schema(json.dumps(schema).encode(), "test")


class JudgedTests(SynchronousTestCase):
    """Messages of an operator's own protocol."""

    def test_table(self) -> None:
        """Each way by its schema; a way without one is open, whatever it holds."""
        rules = ValidationRules(Mode.OBSERVE, from_client=_made(CHAT))
        for text, wanted in (
            ('{"kind": "say", "text": "hello", "to": ["ann", "bob"]}', []),
            ('{"kind": "join"}', []),
            ('{"kind": "say", "text": "hello", "to": ["ann", "ann"]}', ["schema"]),
            ('{"kind": "say", "text": "hello", "to": ["Ann"]}', ["schema"]),
            ('{"kind": "say", "text": "hello", "more": 1}', ["schema"]),
            ('{"kind": "say", "text": "' + "x" * 21 + '"}', ["schema"]),
            ('{"kind": "kick"}', ["schema"]),
            ("[]", ["schema"]),
            ("hello", ["json"]),
            ('{"kind": "join", "kind": "say"}', ["json-names"]),
            ("[" * 70 + "]" * 70, ["json-depth"]),
            ('"' + "x" * MOST_BYTES + '"', ["schema-size"]),
        ):
            self.assertEqual(rules_of("app.v1", [(C, text)], rules=rules), wanted, text[:40])
        self.assertEqual(rules_of("app.v1", [(C, b"{}")], rules=rules), ["text-only"])
        self.assertEqual(rules_of("app.v1", [(S, "anything"), (S, b"\xff")], rules=rules), [])

    def test_what_is_told_is_the_schemas(self) -> None:
        """A keyword, never a value."""
        schema = _made({"type": "object", "additionalProperties": False})
        self.assertEqual(schema.judge({"s3cret": 1}), "additionalProperties")
        self.assertEqual(_made(False).judge(1), "false")
        self.assertNotIn("object", repr(schema))

    @settings(deadline=None, max_examples=200)
    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(("object", "array", "string", "number")),
                "uniqueItems": st.booleans(),
                "additionalProperties": st.sampled_from((False, True, {"type": "string"})),
                "patternProperties": st.sampled_from(({"^a": {"type": "integer"}}, {"1$": False})),
                "properties": st.sampled_from(({"b": {"pattern": "^[ab]"}}, {"a": {"minimum": 2}})),
                "items": st.sampled_from(({"uniqueItems": True}, {"pattern": "a+b"})),
            },
        ),
        ANY,
    )
    def test_the_library_is_the_oracle(self, schema: dict[str, Any], value: Any) -> None:
        """The keywords made anew judge as jsonschema's own do."""
        wanted = Draft202012Validator(schema).is_valid(value)
        self.assertEqual(_made(schema).judge(value) is None, wanted)


class BoundsTests(SynchronousTestCase):
    """What could take long, and does not."""

    def _quick(self, schema: Any, value: Any, wanted: str | None = None) -> None:
        made = _made(schema)
        began = time.process_time()
        try:
            found = made.judge(value)
        except Broken as error:
            found = error.verdict.rule
        self.assertLess(time.process_time() - began, 2)
        if wanted:
            self.assertEqual(found, wanted)

    def test_regular_expressions(self) -> None:
        """Those that would backtrack for ages: linear."""
        for pattern in ("^(a+)+$", "^(a|a)*$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]([a-z])+$"):
            self._quick({"pattern": pattern}, "a" * 50_000 + "!", "pattern")
            self._quick({"patternProperties": {pattern: False}}, {"a" * 5000 + "!": 1})

    def test_trees(self) -> None:
        """Alternatives that multiply with the depth: counted, and refused."""
        value: Any = 1
        for _ in range(30):
            value = [value]
        self._quick(TREE, value, "schema-steps")

    def test_uniqueness(self) -> None:
        """Of a great many: by what they are written as, not each with each."""
        self._quick({"uniqueItems": True}, [{"a": at} for at in range(20_000)])
        self._quick({"uniqueItems": True}, [{"a": at} for at in [*range(20_000), 7]], "uniqueItems")

    def test_what_passes_by_every_member(self) -> None:
        """Also where there is nothing to apply to it; and each with each of the evaluated ones."""
        many, few = [0] * 500_000, [0] * 4000
        named = {f"{at}": 0 for at in range(100_000)}
        for schema, value, wanted in (
            ({"items": {"title": "any"}}, many, "schema-steps"),
            ({"items": {"title": "any"}}, few, ""),
            ({"items": True}, many, ""),
            ({"contains": {"title": "any", "not": {}}}, many, "schema-steps"),
            ({"items": True, "unevaluatedItems": False}, many, "schema-steps"),
            ({"items": True, "unevaluatedItems": False}, few, ""),
            ({"allOf": [{"items": True}], "unevaluatedItems": False}, many, "schema-steps"),
            ({"additionalProperties": True, "unevaluatedProperties": False}, named, "schema-steps"),
        ):
            made = _made(schema)
            began = time.process_time()
            try:
                found = made.judge(value) or ""
            except Broken as error:
                found = error.verdict.rule
            self.assertEqual(found, wanted, schema)
            self.assertLess(time.process_time() - began, 2, schema)

    def test_uniqueness_at_every_depth(self) -> None:
        """What is written out again and again counts as often."""
        value: Any = list(range(100_000))
        for _ in range(50):
            value = [value]
        schema = {"uniqueItems": True, "items": {"$ref": "#"}}
        self._quick(schema, value, "schema-steps")

    def test_numbers_out_of_bounds(self) -> None:
        """What a library cannot divide is refused by a name of ours."""
        made = _made({"multipleOf": 0.1})
        found = self.assertRaises(Broken, made.judge, 10**400)
        self.assertEqual((found.verdict.rule, found.verdict.final), ("schema", False))

    def test_half_a_pair(self) -> None:
        """A lone surrogate, which JSON can say and text cannot hold."""
        self.assertEqual(_made({"pattern": "^"}).judge("\ud800"), "pattern")
