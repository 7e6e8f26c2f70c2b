"""WAMP: sessions, who may say what, and what autobahn writes."""

from __future__ import annotations

import json
from typing import Any

import txaio
from autobahn.wamp import message as wamp
from autobahn.wamp import role
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.websocket.subprotocols.streams import C, Direction, S, anything, never_raises, rules_of

ROLES = {name: {} for name in ("publisher", "subscriber", "caller", "callee")}
HELLO = (C, [1, "realm1", {"roles": ROLES}])
WELCOME = (S, [2, 9129137332, {"roles": {"broker": {}, "dealer": {}}}])
OPENED = [HELLO, WELCOME]


def _judged(steps: list[tuple[Direction, Any]], **changes: Any) -> list[str]:
    return rules_of("wamp.2.json", [(way, json.dumps(raw)) for way, raw in steps], **changes)


class SessionTests(SynchronousTestCase):
    """In JSON, as the specification writes it."""

    def test_session(self) -> None:
        """Joined with a challenge, used in every role, left; and joined again."""
        one = [
            HELLO,
            (S, [4, "wampcra", {"challenge": "{}"}]),
            (C, [5, "signature", {}]),
            WELCOME,
            (C, [32, 1, {}, "com.app.topic"]),
            (S, [33, 1, 5512315355]),
            (C, [16, 2, {"acknowledge": True}, "com.app.topic", ["Hello"], {"a": 1}]),
            (S, [17, 2, 4429313566]),
            (S, [36, 5512315355, 4429313566, {}, ["Hello"]]),
            (C, [34, 3, 5512315355]),
            (S, [35, 3]),
            (C, [64, 4, {}, "com.app.proc"]),
            (S, [65, 4, 2103333224]),
            (S, [68, 6131533, 2103333224, {}, [1]]),
            (C, [70, 6131533, {}, [2]]),
            (S, [68, 6131534, 2103333224, {}]),
            (C, [8, 68, 6131534, {}, "com.app.error"]),
            (C, [48, 5, {}, "com.app.other", [], {"x": None}]),
            (S, [8, 48, 5, {}, "wamp.error.no_such_procedure"]),
            (C, [48, 6, {}, "com.app.other"]),
            (C, [49, 6, {"mode": "kill"}]),
            (S, [50, 6, {}, [1]]),
            (C, [48, 8, {}, "com.app.other"]),
            (S, [50, 8, {}, [1], None]),
            (S, [36, 5512315355, 4429313566, {}, None, None]),
            (C, [66, 7, 2103333224]),
            (S, [67, 7]),
            (C, [6, {}, "wamp.close.close_realm"]),
            (S, [36, 5512315355, 4429313567, {}]),
            (S, [6, {}, "wamp.close.goodbye_and_out"]),
        ]
        self.assertEqual(_judged([*one, *one]), [])
        self.assertEqual(_judged([HELLO, (S, [3, {}, "wamp.error.no_such_realm"]), HELLO]), [])

    def test_refused(self) -> None:
        """One rule each."""
        only = (C, [1, "r", {"roles": {"publisher": {}}}])
        for steps, rule in (
            ([(C, [16, 1, {}, "a.b"])], "wamp-order"),
            ([WELCOME], "wamp-order"),
            ([HELLO, HELLO], "wamp-order"),
            ([HELLO, (C, [16, 1, {}, "a.b"])], "wamp-order"),
            ([HELLO, (S, [33, 1, 2])], "wamp-order"),
            ([*OPENED, HELLO], "wamp-order"),
            ([*OPENED, WELCOME], "wamp-order"),
            ([*OPENED, (C, [5, "x", {}])], "wamp-order"),
            ([*OPENED, (C, [6, {}, "a.b"]), (C, [16, 1, {}, "a.b"])], "wamp-order"),
            ([*OPENED, (C, [33, 1, 2])], "wamp-type"),
            ([*OPENED, (C, [36, 1, 2, {}])], "wamp-type"),
            ([*OPENED, (C, [2, 1, {}])], "wamp-type"),
            ([*OPENED, (S, [16, 1, {}, "a.b"])], "wamp-type"),
            ([*OPENED, (S, [48, 1, {}, "a.b"])], "wamp-type"),
            ([*OPENED, (C, [99])], "wamp-type"),
            ([*OPENED, (C, [])], "wamp-shape"),
            ([*OPENED, (C, {})], "wamp-shape"),
            ([*OPENED, (C, [True])], "wamp-shape"),
            ([*OPENED, (C, ["16", 1, {}, "a.b"])], "wamp-shape"),
            ([*OPENED, (C, [16, 0.5, {}, "a.b"])], "wamp-message"),
            ([*OPENED, (C, [16, 2**53 + 1, {}, "a.b"])], "wamp-message"),
            ([*OPENED, (C, [16, 1, {}])], "wamp-message"),
            ([*OPENED, (C, [16, 1, {}, None])], "wamp-message"),
            ([*OPENED, (C, [34, 1, None])], "wamp-message"),
            ([*OPENED, (C, [16, 1, [], "a.b"])], "wamp-message"),
            ([*OPENED, (C, [16, 1, {}, "a b"])], "wamp-message"),
            ([*OPENED, (C, [16, 1, {}, "a..b"])], "wamp-message"),
            ([*OPENED, (C, [16, 1, {}, "a.b", {}])], "wamp-message"),
            ([*OPENED, (C, [32, 1, {"match": "regex"}, "a.b"])], "wamp-message"),
            ([*OPENED, (C, [8, 1, 1, {}, "a.b"])], "wamp-message"),
            ([(C, [1, "r", {}])], "wamp-message"),
            ([(C, [1, "r", {"roles": {"broker": {}}}])], "wamp-message"),
            ([(C, [1, "r", {"roles": {"caller": {"features": {"self": True}}}}])], "wamp-message"),
            ([only, WELCOME, (C, [32, 1, {}, "a.b"])], "wamp-role"),
            ([only, WELCOME, (C, [48, 1, {}, "a.b"])], "wamp-role"),
            ([only, WELCOME, (C, [64, 1, {}, "a.b"])], "wamp-role"),
            ([only, WELCOME, (C, [16, 1, {}, "a.b"])], ""),
        ):
            self.assertEqual(_judged(steps), [rule] if rule else [], steps)

    def test_kinds_of_messages(self) -> None:
        """The serialisation says which it is."""
        self.assertEqual(
            rules_of("wamp.2.json", [(C, json.dumps(HELLO[1]).encode())]), ["text-only"]
        )
        for name in ("msgpack", "cbor", "ubjson"):
            self.assertEqual(rules_of(f"wamp.2.{name}", [(C, "text")]), ["binary-only"])


class DestinationTests(SynchronousTestCase):
    """Allow-lists of URIs."""

    def test_table(self) -> None:
        """Topics and procedures; a pattern-based one has to be covered."""
        lists = {"publish": ("com.app.*",), "subscribe": ("com.app.**",)}
        for raw, rule in (
            ([16, 1, {}, "com.app.x"], ""),
            ([16, 1, {}, "com.app.x.y"], "publish"),
            ([48, 1, {}, "com.app.x"], ""),
            ([48, 1, {}, "wamp.session.list"], "publish"),
            ([32, 1, {}, "com.app.x.y"], ""),
            ([32, 1, {}, "com.other"], "subscribe"),
            ([32, 1, {"match": "prefix"}, "com.app.x"], ""),
            ([32, 1, {"match": "prefix"}, "com.app"], "subscribe"),
            ([32, 1, {"match": "wildcard"}, "com.app..y"], ""),
            ([32, 1, {"match": "wildcard"}, "com..x"], "subscribe"),
            ([64, 1, {}, "com.app.mine"], ""),
            ([64, 1, {}, "com.theirs"], "subscribe"),
        ):
            self.assertEqual(_judged([*OPENED, (C, raw)], **lists), [rule] if rule else [], raw)


URI = st.lists(st.from_regex(r"[a-z0-9_]{1,5}\Z", fullmatch=True), min_size=1, max_size=3).map(
    ".".join
)
NUMBER = st.integers(1, 2**53)
ARGS = st.none() | st.lists(st.integers(-9, 9) | st.text(max_size=4), max_size=3)
KWARGS = st.none() | st.dictionaries(
    st.text(max_size=4), st.none() | st.booleans(), min_size=1, max_size=2
)
FEATURES = [role.RolePublisherFeatures(publisher_identification=True), role.RoleSubscriberFeatures(),
            role.RoleCallerFeatures(progressive_call_results=True), role.RoleCalleeFeatures()]  # fmt: skip
SENT = st.one_of(
    st.builds(
        lambda n, u, a, k: wamp.Publish(n, u, args=a or [], kwargs=k), NUMBER, URI, ARGS, KWARGS
    ),
    st.builds(wamp.Subscribe, NUMBER, URI, match=st.sampled_from(("exact", "prefix", "wildcard"))),
    st.builds(wamp.Unsubscribe, NUMBER, NUMBER),
    st.builds(
        lambda n, u, a, k: wamp.Call(n, u, args=a or [], kwargs=k), NUMBER, URI, ARGS, KWARGS
    ),
    st.builds(wamp.Register, NUMBER, URI),
    st.builds(lambda n, a: wamp.Yield(n, args=a or []), NUMBER, ARGS),
    st.builds(lambda n, u: wamp.Error(wamp.Invocation.MESSAGE_TYPE, n, u), NUMBER, URI),
)
TOLD = st.one_of(
    st.builds(lambda n, m, a: wamp.Event(n, m, args=a or []), NUMBER, NUMBER, ARGS),
    st.builds(wamp.Published, NUMBER, NUMBER),
    st.builds(lambda n, a: wamp.Result(n, args=a or []), NUMBER, ARGS),
    st.builds(lambda n, m: wamp.Invocation(n, m, args=[1]), NUMBER, NUMBER),
)


class GeneratedTests(SynchronousTestCase):
    """What autobahn writes, and any input."""

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.tuples(st.just(C), SENT) | st.tuples(st.just(S), TOLD), max_size=5))
    def test_a_librarys_messages_pass(self, messages: list) -> None:
        """In each serialisation, one by one and in batches."""
        txaio.use_twisted()  # its serialisers ask for a framework, to tell the time
        from autobahn.wamp.serializer import CBORSerializer, JsonSerializer, MsgPackSerializer

        roles = dict(zip(ROLES, FEATURES, strict=True))
        router = {"broker": role.RoleBrokerFeatures(), "dealer": role.RoleDealerFeatures()}
        whole = [
            (C, wamp.Hello("realm1", roles)),
            (S, wamp.Welcome(7, router, realm="realm1")),
            *messages,
        ]
        for make, name in ((JsonSerializer, "json"), (MsgPackSerializer, "msgpack"),
                           (CBORSerializer, "cbor")):  # fmt: skip
            for batched in (False, True):
                serializer = make(batched=batched)
                steps: list = []
                for way, message in whole:
                    message.uncache()
                    octets, binary = serializer.serialize(message)
                    steps.append((way, octets if binary else octets.decode()))
                self.assertEqual(rules_of(f"wamp.2.{name}{'.batched' * batched}", steps), [], name)

    @settings(deadline=None, max_examples=50)
    @given(
        st.lists(st.tuples(st.sampled_from((C, S)), st.lists(st.one_of(
            st.sampled_from((1, 2, 3, 6, 8, 16, 32, 48, 64, 70)), st.sampled_from(("a.b", {}, {"roles": ROLES},
            {"roles": {"caller": {"features": {"cls": 1}}}}, {"match": "prefix"}, None, [], -1, 2.5))), max_size=6)), max_size=6),
        anything(b"[1,", b'"r"', b"\x93\x01", b"\x83", b"]", b"\0\0\0\2"),
    )  # fmt: skip
    def test_nothing_raises(self, steps: list, messages: list) -> None:
        """Only verdicts."""
        never_raises("wamp.2.json", [(way, json.dumps(raw).encode(), False) for way, raw in steps],
                     publish=("a.*",), subscribe=())  # fmt: skip
        opened = [(way, json.dumps(raw).encode(), False) for way, raw in [*OPENED, *steps]]
        never_raises("wamp.2.json", opened)
        for name in ("json.batched", "msgpack", "cbor.batched", "ubjson"):
            never_raises(f"wamp.2.{name}", messages)
