"""SIP over WebSocket: what RFC 3261 and RFC 7118 say of single messages."""

from __future__ import annotations

from hypothesis import given, settings
from twisted.trial.unittest import SynchronousTestCase

from tests.websocket.subprotocols.streams import C, S, anything, never_raises, rules_of

FIELDS = {
    "Via": "SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks",
    "From": "sip:alice@example.com;tag=asdyka899",
    "To": "sip:alice@example.com",
    "Call-ID": "asidkj3ss",
    "CSeq": "1 REGISTER",
    "Max-Forwards": "70",
    "Contact": "<sip:alice@df7jal23ls0d.invalid;transport=ws>;reg-id=1",
}


def _message(
    start: str = "REGISTER sip:example.com SIP/2.0", body: str = "", **changes: str | None
) -> str:
    """A message; a change of None takes a field away, one of a new name adds it."""
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    fields = {**FIELDS, **changed}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([start, *lines, "", body])


class SipTests(SynchronousTestCase):
    """One message each."""

    def test_passes(self) -> None:
        """Requests and responses, text or binary, folded and short, with bodies."""
        sdp = "v=0\r\no=alice 1 1 IN IP4 host.invalid\r\n"
        for message in (
            _message(),
            _message(Content_Length="0"),
            _message("SIP/2.0 200 OK", Max_Forwards=None),
            _message("SIP/2.0 100 ", Max_Forwards=None),
            _message("INVITE sip:bob@example.com SIP/2.0", sdp, CSeq="4711 INVITE",
                     Content_Type="application/sdp", Content_Length=str(len(sdp))),
            _message("INVITE sip:bob@example.com SIP/2.0", sdp, CSeq="1 INVITE", Content_Type="application/sdp"),
            _message(Via=None, v="SIP/2.0/WS x.invalid;branch=z9hG4bK1", From=None, f="<sip:a@b>;tag=1"),
            _message(Subject="folded\r\n over lines"),
            _message(To='"Bob \u00e9" <sip:bob@example.com>'),
            _message("OPTIONS sips:example.com;transport=ws SIP/2.0", CSeq="1\tOPTIONS"),
            "\r\n\r\n",
            "\r\n",
        ):  # fmt: skip
            for way in (C, S):
                for payload in (message, message.encode()):
                    self.assertEqual(rules_of("sip", [(way, payload)]), [], message)

    def test_refused(self) -> None:
        """One rule each."""
        for message, rule in (
            ("", "sip-start"),
            ("\r\n" * 9, "sip-start"),
            ("hello", "sip-head"),
            ("REGISTER sip:example.com SIP/2.0\r\n", "sip-head"),
            (_message("REGISTER sip:example.com SIP/3.0"), "sip-start"),
            (_message("REGISTER example SIP/2.0"), "sip-start"),
            (_message("REGISTER  sip:example.com SIP/2.0"), "sip-start"),
            (_message("SIP/2.0 999 Odd"), "sip-start"),
            (_message("SIP/2.0 200"), "sip-start"),
            (_message("GET / HTTP/1.1"), "sip-start"),
            (_message(Via=None), "sip-field"),
            (_message(From=None), "sip-field"),
            (_message(To=None), "sip-field"),
            (_message(Call_ID=None), "sip-field"),
            (_message(CSeq=None), "sip-field"),
            (_message(Max_Forwards=None), "sip-field"),
            (_message(Max_Forwards="many"), "sip-field"),
            (_message(i="another"), "sip-field"),
            (_message(CSeq="1 INVITE"), "sip-cseq"),
            (_message(CSeq="x REGISTER"), "sip-cseq"),
            (_message(CSeq="2147483648 REGISTER"), "sip-cseq"),
            (_message(Via="SIP/2.0/UDP host:5060;branch=z9hG4bK1"), "sip-via"),
            (_message(body="x", Content_Length="0", Content_Type="a/b"), "sip-length"),
            (_message(body="x", Content_Length="2", Content_Type="a/b"), "sip-length"),
            (_message(body="x", Content_Length="-1", Content_Type="a/b"), "sip-length"),
            (_message(body="x"), "sip-field"),
            (_message(Subject="a\nb"), "sip-field"),
            (_message(**{"odd name": "x"}), "sip-field"),
            (_message(Subject="x" * 70_000), "sip-head"),
            ("REGISTER sip:example.com SIP/2.0\r\n" + "a: b\r\n" * 300 + "\r\n", "sip-field"),
            (_message().encode().replace(b"70", b"\xff"), "utf-8"),
        ):
            self.assertEqual(rules_of("sip", [(C, message)]), [rule], message[:60])

    @settings(deadline=None)
    @given(anything(_message().encode(), b"\r\n", b"\r\n\r\n", b"Via: ", b"SIP/2.0 200 OK\r\n", b"CSeq: 1 X\r\n",
                    b"REGISTER sip:a SIP/2.0\r\n", b"\r\n a"))  # fmt: skip
    def test_nothing_raises(self, messages: list) -> None:
        """Only verdicts."""
        never_raises("sip", messages)
