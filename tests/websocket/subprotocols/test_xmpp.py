"""XMPP over WebSocket: RFC 7395's framing, and what XML it leaves out."""

from __future__ import annotations

import time

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from tests.websocket.subprotocols.streams import C, S, Step, anything, never_raises, rules_of

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
OPEN = f'<open xmlns="{FRAMING}" to="example.com" version="1.0"/>'
CLOSE = f'<close xmlns="{FRAMING}"/>'
FEATURES = (
    '<stream:features xmlns:stream="http://etherx.jabber.org/streams">'
    '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></stream:features>'
)
SASL = 'xmlns="urn:ietf:params:xml:ns:xmpp-sasl"'
MESSAGE = '<message xmlns="jabber:client" to="b@example.com"><body>h&lt;i &#233;<![CDATA[<x>]]></body></message>'
OPENED: list[Step] = [(C, OPEN), (S, OPEN.replace("to=", "from="))]
SESSION: list[Step] = [
    *OPENED,
    (S, FEATURES),
    (C, f'<auth {SASL} mechanism="PLAIN">AGEAYg==</auth>'),
    (S, f"<success {SASL}/>"),
    (C, OPEN),
    (S, OPEN),
    (S, FEATURES),
    (
        C,
        '<iq xmlns="jabber:client" type="set" id="1"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>',
    ),
    (C, MESSAGE),
    (C, '<presence xmlns="jabber:client"/>'),
    (S, MESSAGE),
    (S, '<a:message xmlns:a="jabber:client"/>\n'),
    (C, '<r xmlns="urn:xmpp:sm:3"/>'),
    (C, CLOSE),
    (S, CLOSE),
]


class XmppTests(SynchronousTestCase):
    """Sessions and single elements."""

    def test_session(self) -> None:
        """Opened, authenticated, opened again, closed."""
        self.assertEqual(rules_of("xmpp", SESSION), [])
        self.assertEqual(rules_of("xmpp", [(C, OPEN), (S, CLOSE)]), [])

    def test_refused(self) -> None:
        """One rule each, after a good beginning."""
        for step, rule in (
            ((C, MESSAGE.encode()), "text-only"),
            ((C, ""), "xmpp-framing"),
            ((C, " "), "xmpp-framing"),
            ((C, " " + MESSAGE), "xmpp-framing"),
            ((C, MESSAGE[:40]), "xmpp-xml"),
            ((C, MESSAGE + MESSAGE), "xmpp-xml"),
            ((C, MESSAGE + "x"), "xmpp-xml"),
            ((C, "<message>"), "xmpp-xml"),
            ((C, "<message/>"), "xmpp-namespace"),
            ((C, '<message xmlns="urn:x"/>'), "xmpp-namespace"),
            ((C, "<x:message/>"), "xmpp-xml"),
            ((C, '<?xml version="1.0"?>' + MESSAGE), "xmpp-restricted"),
            ((C, "<!-- x -->" + MESSAGE), "xmpp-restricted"),
            ((C, MESSAGE.replace("<body>", "<body><!-- x -->")), "xmpp-restricted"),
            ((C, MESSAGE.replace("<body>", "<body><?php x?>")), "xmpp-restricted"),
            ((C, "<!DOCTYPE message>" + MESSAGE), "xmpp-restricted"),
            ((C, '<!DOCTYPE m [<!ENTITY a "b">]><m xmlns="urn:x">&a;</m>'), "xmpp-restricted"),
            ((C, '<!DOCTYPE m SYSTEM "http://x.example/"><m/>'), "xmpp-restricted"),
            ((C, '<m xmlns="urn:x">&a;</m>'), "xmpp-xml"),
            ((C, '<m xmlns="urn:x">&#0;</m>'), "xmpp-xml"),
            ((C, '<m xmlns="urn:x" a="1" a="2"/>'), "xmpp-xml"),
            ((C, f'<open xmlns="{FRAMING}" version="1.0"><x/></open>'), "xmpp-framing"),
            ((C, f'<close xmlns="{FRAMING}">x</close>'), "xmpp-framing"),
            ((C, f'<other xmlns="{FRAMING}"/>'), "xmpp-framing"),
            ((C, '<s:stream xmlns:s="http://etherx.jabber.org/streams"/>'), "xmpp-framing"),
            ((C, f'<open xmlns="{FRAMING}" version="2.0"/>'), "xmpp-version"),
            ((C, '<m xmlns="urn:x">' * 70 + "</m>" * 70), "xmpp-size"),
            ((C, '<m xmlns="urn:x">' + "<m/>" * 30_000 + "</m>"), "xmpp-size"),
            ((C, '<m xmlns="urn:x" ' + " ".join(f'a{at}=""' for at in range(99)) + "/>"), "xmpp-size"),
        ):  # fmt: skip
            self.assertEqual(rules_of("xmpp", [*OPENED, step]), [rule], step[1][:60])

    def test_order(self) -> None:
        """open first, on either side; nothing behind close."""
        for steps in (
            [(C, MESSAGE)],
            [(S, OPEN)],
            [(C, OPEN), (S, FEATURES)],
            [*OPENED, (C, CLOSE), (C, MESSAGE)],
            [*OPENED, (C, CLOSE), (C, OPEN)],
        ):
            self.assertEqual(rules_of("xmpp", steps), ["xmpp-order"], steps)
        self.assertEqual(rules_of("xmpp", [*OPENED, (C, CLOSE), (S, MESSAGE), (S, CLOSE)]), [])

    def test_entities_that_multiply(self) -> None:
        """They never begin to."""
        laughs = '<!ENTITY a0 "ha">' + "".join(
            f'<!ENTITY a{at} "&a{at - 1};&a{at - 1};&a{at - 1};&a{at - 1};">' for at in range(1, 20)
        )
        began = time.process_time()
        steps: list[Step] = [*OPENED, (C, f"<!DOCTYPE m [{laughs}]><m>&a19;</m>")]
        self.assertEqual(rules_of("xmpp", steps), ["xmpp-restricted"])
        self.assertLess(time.process_time() - began, 0.5)

    @settings(deadline=None)
    @given(
        anything(
            OPEN.encode(),
            MESSAGE.encode(),
            b"<",
            b"/>",
            b"<!DOCTYPE x [",
            b"&x;",
            b"<?",
            b"]]>",
            b"\xff",
            b"\0",
        )
    )
    def test_nothing_raises(self, messages: list) -> None:
        """Only verdicts."""
        never_raises("xmpp", messages)
        never_raises("xmpp", [(way, octets, False) for way, octets, _ in messages])
