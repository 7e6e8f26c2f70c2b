"""AMQP: which of its two protocols it is, and that it is binary."""

from __future__ import annotations

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from tests.websocket.subprotocols.streams import C, S, anything, never_raises, rules_of
from tests.websocket.subprotocols.test_amqp_091 import SESSION as SESSION_091
from tests.websocket.subprotocols.test_amqp_10 import SESSION as SESSION_10

HEADERS = (b"AMQP\0\0\x09\1", b"AMQP\0\1\0\0", b"AMQP\3\1\0\0")


class HeaderTests(SynchronousTestCase):
    """The first eight octets."""

    def test_table(self) -> None:
        """Known ones pass, in pieces, too; others do not, from their first wrong octet on."""
        for header in HEADERS:
            self.assertEqual(rules_of("amqp", [(C, header)]), [])
            self.assertEqual(rules_of("amqp", [(C, header[:3]), (C, header[3:])]), [])
        for octets in (
            b"AMQP\0\0\x08\0",
            b"AMQP\1\1\0\x0a",
            b"AMQP\2\1\0\0",
            b"AMQP\0\1\1\0",
            b"amqp",
            b"GET / HT",
            b"\1\0\0\0\0\0\1x\xce",
        ):
            self.assertEqual(rules_of("amqp", [(C, octets)]), ["amqp-header"], octets)
        self.assertEqual(rules_of("amqp", [(C, "AMQP")]), ["binary-only"])
        self.assertEqual(rules_of("amqp", [(S, HEADERS[0])]), ["amqp-header"])

    @settings(deadline=None, max_examples=150)
    @given(anything(*HEADERS, *(octets for _, octets in SESSION_10 + SESSION_091), b"\1\0\0\0\0\0\4",
                    b"\xce", b"\0\0\0\x09\2\0\0\0", b"\0\x53\x10", b"\xc0\xff\xff"))  # fmt: skip
    def test_nothing_raises(self, messages: list) -> None:
        """Only verdicts."""
        never_raises("amqp", messages)
        for header in HEADERS:
            binary = [(way, octets, True) for way, octets, _ in messages]
            never_raises("amqp", [(C, header, True), *binary], ids=2)
