"""Sessions that go wrong somewhere: whatever the messages are cut into, the verdicts are the same.

A few octets of a good session are changed, taken out, repeated or put in.  Nothing may be
raised, the same rules are broken however messages cut the stream, and what is remembered stays
small, also where violations are only observed.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.websocket.subprotocols import (
    test_amqp_091,
    test_amqp_10,
    test_mqtt,
    test_stomp,
    test_xmpp,
)
from tests.websocket.subprotocols.streams import Step, made, never_raises, octet_by_octet, send

STREAMS: tuple[tuple[str, list[Step]], ...] = (
    ("mqtt", test_mqtt.SESSION),
    ("mqtt", test_mqtt.SESSION5),
    ("amqp", test_amqp_091.SESSION),
    ("amqp", test_amqp_10.SESSION),
    ("v12.stomp", test_stomp.SESSION),
)
CHANGE = st.tuples(
    st.integers(0, 9999), st.integers(0, 9999), st.sampled_from(("set", "cut", "twice", "put")),
    st.integers(0, 255),
)  # fmt: skip


def _octets(payload: bytes | str) -> bytes:
    return payload if isinstance(payload, bytes) else payload.encode()


def _changed(steps: list[Step], changes: list[tuple[int, int, str, int]]) -> list[Any]:
    found = [(way, bytearray(_octets(payload))) for way, payload in steps]
    for number, place, how, octet in changes:
        octets = found[number % len(found)][1]
        at = place % (len(octets) + 1)
        if how == "set":
            octets[at : at + 1] = bytes((octet,))
        elif how == "cut":
            del octets[at : at + 1 + octet % 8]
        elif how == "twice":
            octets[at:at] = octets[at : at + 1 + octet % 8]
        else:
            octets[at:at] = bytes((octet,))
    return [(way, bytes(octets)) for way, octets in found]


def _told(name: str, steps: list[Any]) -> list[str]:
    """The rules that are broken, in order, until nothing is judged any more."""
    inspection, found = made(name, ids=16), []
    for way, payload in steps:
        rule = send(inspection, way, payload)
        if rule:
            found.append(rule)
    return found


class StreamTests(SynchronousTestCase):
    """Those whose frames span messages."""

    @settings(deadline=None, max_examples=120)
    @given(st.sampled_from(STREAMS), st.lists(CHANGE, max_size=4))
    def test_cuts_decide_nothing(self, which: tuple[str, list[Step]], changes: list) -> None:
        """By frame, or octet by octet: one message tells one rule, all octets tell them all."""
        name, session = which
        steps = _changed(session, changes)
        whole, single = _told(name, steps), _told(name, octet_by_octet(steps))
        self.assertEqual(whole[:1], single[:1])
        self.assertLessEqual(len(whole), len(single))
        rest = iter(single)
        self.assertTrue(all(rule in rest for rule in whole), (whole, single))

    def test_what_was_wrong_is_not_read_again(self) -> None:
        """A frame that can be told apart from the next is judged once, whatever is wrong in it."""
        for name, before, wrong in (
            ("v12.stomp", test_stomp.OPENED, b"SEND\ndestination:\\x\n\n\0"),
            ("v12.stomp", test_stomp.OPENED, b"SEND\nid:1\nid:2\ndestination:a\n\n\0"),
            ("v12.stomp", test_stomp.OPENED, b"SEND\ndestination:\xff\n\n\0"),
            ("mqtt", test_mqtt.OPENED, b"\xc1\0"),
            ("amqp", test_amqp_091.opened(), b"\1\0\1\0\0\0\1x\xce"),
            ("amqp", [*test_amqp_10.SESSION[:2]], b"\0\0\0\x09\2\1\0\0x"),
        ):
            inspection = made(name)
            for way, payload in before:
                self.assertEqual(send(inspection, way, payload), "")
            way = before[0][0]
            for number in range(50):
                send(inspection, way, wrong)
                kept = _kept(inspection, way)
                self.assertLessEqual(kept, len(wrong), (name, wrong, number))
                self.assertLessEqual(inspection.violations, number + 1)


def _kept(inspection: Any, way: Any) -> int:
    """How many octets of unfinished frames are remembered."""
    validator = inspection._validator
    for name in ("_frames", "_packets"):
        if hasattr(validator, name):
            return len(getattr(validator, name)[way]._kept)
    return len(validator._kept[way])


class MessageTests(SynchronousTestCase):
    """Those whose messages stand for themselves."""

    @settings(deadline=None, max_examples=100)
    @given(st.lists(CHANGE, max_size=4))
    def test_nothing_raises(self, changes: list) -> None:
        """XMPP's are sessions, too."""
        steps = [(way, octets, False) for way, octets in _changed(test_xmpp.SESSION, changes)]
        never_raises("xmpp", steps)
