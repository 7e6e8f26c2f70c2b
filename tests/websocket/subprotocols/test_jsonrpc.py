"""JSON-RPC 2.0: the shapes of its specification."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.websocket.subprotocols.streams import C, S, anything, never_raises, rules_of

VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=4)),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3)
    ),
)
NAMED = st.dictionaries(
    st.sampled_from(("jsonrpc", "method", "params", "id", "result", "error", "code", "message")),
    VALUE | st.just("2.0"),
)
ID = st.none() | st.text(max_size=4) | st.integers()
REQUEST = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.text(max_size=6)},
    optional={
        "params": st.lists(VALUE, max_size=2)
        | st.dictionaries(st.text(max_size=3), VALUE, max_size=2),
        "id": ID,
    },
)
RESPONSE = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": ID, "result": VALUE}) | st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": ID, "error": st.fixed_dictionaries(
        {"code": st.integers(-40000, 0), "message": st.text(max_size=6)}, optional={"data": VALUE})}
)  # fmt: skip


class JsonRpcTests(SynchronousTestCase):
    """Requests, notifications, responses, batches; either way."""

    def test_table(self) -> None:
        """What passes, and the rule of what does not."""
        for text, rule in (
            ('{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}', ""),
            ('{"jsonrpc": "2.0", "method": "subtract", "params": {"a": 1}, "id": "x"}', ""),
            ('{"jsonrpc": "2.0", "method": "update"}', ""),
            ('{"jsonrpc": "2.0", "result": null, "id": 1}', ""),
            ('{"jsonrpc": "2.0", "error": {"code": -32601, "message": "no"}, "id": null}', ""),
            ('[{"jsonrpc": "2.0", "method": "a"}, {"jsonrpc": "2.0", "method": "b", "id": 2}]', ""),
            ("[]", "jsonrpc-batch"),
            ("[1]", "jsonrpc-shape"),
            ('"x"', "jsonrpc-shape"),
            ("{", "json"),
            ("{}", "jsonrpc-version"),
            ('{"jsonrpc": 2.0, "method": "a"}', "jsonrpc-version"),
            ('{"jsonrpc": "2.0", "method": 1}', "jsonrpc-request"),
            ('{"jsonrpc": "2.0", "method": "a", "params": "bar"}', "jsonrpc-request"),
            ('{"jsonrpc": "2.0", "method": "a", "params": null}', "jsonrpc-request"),
            ('{"jsonrpc": "2.0", "method": "a", "id": true}', "jsonrpc-request"),
            ('{"jsonrpc": "2.0", "method": "a", "id": [1]}', "jsonrpc-request"),
            ('{"jsonrpc": "2.0", "method": "a", "result": 1}', "jsonrpc-request"),
            ('{"jsonrpc": "2.0", "result": 1}', "jsonrpc-response"),
            ('{"jsonrpc": "2.0", "id": 1}', "jsonrpc-response"),
            ('{"jsonrpc": "2.0", "id": 1, "result": 1, "error": {}}', "jsonrpc-response"),
            ('{"jsonrpc": "2.0", "id": 1, "error": {"code": 1}}', "jsonrpc-response"),
            (
                '{"jsonrpc": "2.0", "id": 1, "error": {"code": true, "message": ""}}',
                "jsonrpc-response",
            ),
            ('{"jsonrpc": "2.0", "id": 1, "error": null}', "jsonrpc-response"),
            ('{"jsonrpc": "2.0", "jsonrpc": "2.0", "method": "a"}', "json-names"),
            ('[{"jsonrpc": "2.0", "method": "a"}, 7]', "jsonrpc-shape"),
        ):
            for way in (C, S):
                self.assertEqual(rules_of("jsonrpc", [(way, text)]), [rule] if rule else [], text)
        self.assertEqual(rules_of("jsonrpc", [(C, b"{}")]), ["text-only"])

    @settings(deadline=None)
    @given(st.lists(REQUEST | RESPONSE, min_size=1, max_size=4))
    def test_whatever_is_right_passes(self, made: list) -> None:
        """One by one, and as a batch."""
        for one in (*made, made):
            self.assertEqual(rules_of("jsonrpc", [(C, json.dumps(one))]), [])

    @settings(deadline=None)
    @given(
        st.lists(NAMED | VALUE, max_size=4), anything(b"{", b'"jsonrpc":"2.0"', b"}", b"[", b"\xff")
    )
    def test_nothing_raises(self, made: list, messages: list) -> None:
        """Only verdicts."""
        never_raises("jsonrpc", [(C, json.dumps(one).encode(), False) for one in (*made, made)])
        never_raises("jsonrpc", messages)
