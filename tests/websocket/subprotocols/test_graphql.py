"""GraphQL over WebSocket, both protocols."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.inspection import Message
from tests.websocket.subprotocols.streams import (
    C,
    Direction,
    S,
    anything,
    made,
    never_raises,
    rules_of,
    send,
)

NEW, OLD = "graphql-transport-ws", "graphql-ws"
QUERY = {"query": "subscription { x }"}


def say(way: Direction, kind: Any, **more: Any) -> tuple[Direction, str]:
    """A message."""
    return way, json.dumps({"type": kind, **more})


INIT, ACK = say(C, "connection_init"), say(S, "connection_ack")
OPENED = [INIT, ACK]


class TransportTests(SynchronousTestCase):
    """``graphql-transport-ws``."""

    def test_session(self) -> None:
        """As its protocol tells: opened, asked, answered, ended by either side; pings."""
        steps = [
            say(C, "connection_init", payload={"token": "t"}),
            say(S, "ping", payload={}),
            say(C, "pong"),
            say(S, "connection_ack", payload={"x": 1}),
            say(
                C,
                "subscribe",
                id="1",
                payload={**QUERY, "variables": {"a": 1}, "operationName": None},
            ),
            say(C, "subscribe", id="2", payload=QUERY),
            say(S, "next", id="1", payload={"data": {}}),
            say(S, "error", id="2", payload=[{"message": "no"}]),
            say(C, "complete", id="1"),
            say(S, "next", id="1", payload={"data": {}}),
            say(S, "complete", id="1"),
            say(C, "subscribe", id="1", payload=QUERY),
            say(S, "complete", id="1"),
        ]
        self.assertEqual(rules_of(NEW, steps), [])

    def test_refused(self) -> None:
        """With the close codes that the protocol has for it."""
        running = [*OPENED, say(C, "subscribe", id="1", payload=QUERY)]
        for steps, rule, code in (
            ([say(C, "subscribe", id="1", payload=QUERY)], "graphql-order", 4401),
            ([INIT, say(C, "subscribe", id="1", payload=QUERY)], "graphql-order", 4401),
            ([INIT, INIT], "graphql-init", 4429),
            ([*OPENED, INIT], "graphql-init", 4429),
            ([ACK], "graphql-ack", 4400),
            ([*OPENED, ACK], "graphql-ack", 4400),
            ([*running, say(C, "subscribe", id="1", payload=QUERY)], "graphql-id", 4409),
            ([*OPENED, say(C, "subscribe", payload=QUERY)], "graphql-id", 4400),
            ([*OPENED, say(C, "subscribe", id=1, payload=QUERY)], "graphql-id", 4400),
            ([*OPENED, say(C, "subscribe", id="", payload=QUERY)], "graphql-id", 4400),
            ([*OPENED, say(C, "subscribe", id="1")], "graphql-payload", 4400),
            ([*OPENED, say(C, "subscribe", id="1", payload={})], "graphql-payload", 4400),
            ([*OPENED, say(C, "subscribe", id="1", payload={"query": 1})], "graphql-payload", 4400),
            ([*OPENED, say(C, "subscribe", id="1", payload={**QUERY, "variables": []})], "graphql-payload", 4400),
            ([*OPENED, say(C, "next", id="1", payload={})], "graphql-type", 4400),
            ([*OPENED, say(C, "start", id="1", payload=QUERY)], "graphql-type", 4400),
            ([*OPENED, say(C, None)], "graphql-type", 4400),
            ([*OPENED, say(C, ["x"])], "graphql-type", 4400),
            ([*OPENED, (C, "[]")], "graphql-shape", 4400),
            ([*OPENED, (C, "hello")], "json", 1007),
            ([*OPENED, (C, b"{}")], "text-only", 1003),
            ([*OPENED, (C, '{"type":"ping","type":"pong"}')], "json-names", 1007),
            ([*OPENED, say(C, "ping", payload=[])], "graphql-payload", 4400),
            ([*OPENED, say(S, "next", id="1", payload={})], "graphql-id", 4400),
            ([*OPENED, say(S, "complete", id="1")], "graphql-id", 4400),
            ([*running, say(S, "next", id="1", payload=None)], "graphql-payload", 4400),
            ([*running, say(S, "error", id="1", payload={})], "graphql-payload", 4400),
            ([*running, say(S, "complete", id="1"), say(S, "next", id="1", payload={})], "graphql-id", 4400),
            ([*OPENED, say(S, "ka")], "graphql-type", 4400),
        ):  # fmt: skip
            inspection = made(NEW)
            found = []
            for way, payload in steps:
                octets = payload if isinstance(payload, bytes) else payload.encode()
                action = inspection.inspect(Message(way, octets, isinstance(payload, bytes)), 0.0)
                found += [(action.reason, action.code)] if action.verdict else []
            self.assertEqual(found, [(rule, code)], steps)

    def test_in_time(self) -> None:
        """The first message within its seconds, whoever else speaks."""
        inspection = made(NEW, init_seconds=3)
        send(inspection, *say(S, "ping"), now=2.0)
        self.assertEqual(inspection.deadline(), 3.0)
        self.assertIsNone(inspection.expire(2.9).verdict)
        action = inspection.expire(3.0)
        self.assertEqual((action.code, action.reason, action.by), (4408, "graphql-init-time", C))
        inspection = made(NEW)
        send(inspection, *INIT)
        self.assertIsNone(inspection.deadline())

    def test_bounds(self) -> None:
        """Operations at once; those that ended are forgotten, and then nobody is blamed."""
        inspection = made(NEW, ids=5)
        for step in OPENED:
            send(inspection, *step)
        found = [
            send(inspection, *say(C, "subscribe", id=str(at), payload=QUERY)) for at in range(7)
        ]
        self.assertEqual(found, [""] * 5 + ["too-many"] * 2)
        for at in range(50):
            send(inspection, *say(C, "complete", id=str(at % 5)))
            self.assertEqual(
                send(inspection, *say(C, "subscribe", id=f"{at % 5}", payload=QUERY)), ""
            )
        for at in range(5):
            send(inspection, *say(C, "complete", id=str(at)))
        for at in range(9, 15):
            send(inspection, *say(C, "subscribe", id=str(at), payload=QUERY))
            send(inspection, *say(C, "complete", id=str(at)))
        self.assertEqual(send(inspection, *say(S, "next", id="14", payload={})), "")


class LegacyTests(SynchronousTestCase):
    """``graphql-ws`` of subscriptions-transport-ws."""

    def test_session(self) -> None:
        """Operations may follow the opening at once."""
        steps = [
            say(C, "connection_init", payload={}),
            say(C, "start", id="1", payload=QUERY),
            ACK,
            say(S, "ka"),
            say(S, "data", id="1", payload={"data": None}),
            say(S, "error", id="1", payload={"message": "no"}),
            say(C, "start", id="2", payload={"extensions": {"persistedQuery": {}}}),
            say(C, "stop", id="2"),
            say(S, "complete", id="2"),
            say(S, "connection_error", payload={}),
            say(C, "connection_terminate"),
        ]
        self.assertEqual(rules_of(OLD, steps), [])

    def test_refused(self) -> None:
        """The same rules with its own names."""
        for steps, rule in (
            ([say(C, "start", id="1", payload=QUERY)], "graphql-order"),
            ([INIT, say(C, "subscribe", id="1", payload=QUERY)], "graphql-type"),
            ([INIT, say(C, "start", id="1", payload=QUERY)] * 2, "graphql-init"),
            ([INIT, *[say(C, "start", id="1", payload=QUERY)] * 2], "graphql-id"),
            ([*OPENED, say(S, "data", id="9", payload={})], "graphql-id"),
            ([*OPENED, say(S, "next", id="9", payload={})], "graphql-type"),
        ):
            self.assertEqual(rules_of(OLD, steps)[0], rule, steps)


class GeneratedTests(SynchronousTestCase):
    """Any input."""

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from((C, S)), st.dictionaries(
            st.sampled_from(("type", "id", "payload")),
            st.sampled_from(("connection_init", "connection_ack", "subscribe", "start", "next", "data",
                             "complete", "stop", "error", "ping", "1", QUERY, {}, [], None, 1, {"query": 2})))), max_size=9),
        anything(b'{"type":', b'"ping"', b"}", b"\xff", b"[[[["),
    )  # fmt: skip
    def test_nothing_raises(self, steps: list, messages: list) -> None:
        """Only verdicts."""
        for name in (NEW, OLD):
            never_raises(
                name, [(way, json.dumps(one).encode(), False) for way, one in steps], ids=2
            )
            never_raises(name, messages)
