"""permessage-deflate agreed on (RFC 7692)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.deflate import (
    NAME,
    Agreed,
    Settings,
    accept_offer,
    extensions,
    judge_answer,
    offer,
)

FIELD = b"Sec-WebSocket-Extensions"
ON = Settings(11)
KEEPING = Settings(11, takeover=True)
S, C = "server_no_context_takeover", "client_no_context_takeover"
SB, CB = "server_max_window_bits", "client_max_window_bits"


def fields(*values: str) -> tuple[tuple[bytes, bytes], ...]:
    """A head with these."""
    return tuple((FIELD, value.encode("latin-1")) for value in values)


class ExtensionsTests(SynchronousTestCase):
    """The field's grammar (RFC 6455 section 9.1)."""

    def test_sound(self) -> None:
        """Several fields are one list; values may be quoted tokens; empty elements are passed."""
        table = {
            ("a",): [("a", [])],
            ("a, b",): [("a", []), ("b", [])],
            ("a", "b;x"): [("a", []), ("b", [("x", None)])],
            ('a ; x = 1;y="2" , b',): [("a", [("x", "1"), ("y", "2")]), ("b", [])],
            (", a,,b,",): [("a", []), ("b", [])],
            (): [],
            ("",): [],
        }
        for given_fields, wanted in table.items():
            self.assertEqual(extensions(fields(*given_fields)), wanted, given_fields)

    def test_unsound(self) -> None:
        """Anything else is nothing that could be answered."""
        for text in ("a b", "a;", "a; x=", 'a; x="1', 'a; x="1 2"', "a; =1", "a;;b", "\xe9", "a=1"):
            self.assertIsNone(extensions(fields(text)), text)

    def test_many(self) -> None:
        """So many are looked at and no more."""
        found = extensions(fields(", ".join(["a"] * 5000)))
        self.assertEqual(len(found or ()), 32)

    @settings(deadline=None)
    @given(st.text(st.sampled_from('ab=;," \t1\x80'), max_size=40))
    def test_any_text(self, text: str) -> None:
        """No text is too much for it."""
        extensions(fields(text))


class OfferTests(SynchronousTestCase):
    """A client's offers answered."""

    def test_accepted(self) -> None:
        """What was asked for is kept to and said; what was not offered is not asked back."""
        both = f"{NAME}; {S}; {C}"
        table = [
            (NAME, ON, Agreed(11, 15, False, False, both)),
            (NAME, KEEPING, Agreed(11, 15, True, True, NAME)),
            (f"{NAME}; {CB}", ON, Agreed(11, 11, False, False, f"{both}; {CB}=11")),
            (f"{NAME}; {CB}=10", ON, Agreed(11, 10, False, False, f"{both}; {CB}=10")),
            (f"{NAME}; {CB}=8", ON, Agreed(11, 15, False, False, both)),
            (f"{NAME}; {SB}=10", ON, Agreed(10, 15, False, False, f"{both}; {SB}=10")),
            (f"{NAME}; {SB}=15", ON, Agreed(11, 15, False, False, f"{both}; {SB}=11")),
            (f'{NAME}; {SB}="12"', ON, Agreed(11, 15, False, False, f"{both}; {SB}=11")),
            (f"{NAME}; {S}", KEEPING, Agreed(11, 15, False, True, f"{NAME}; {S}")),
            (f"{NAME}; {C}", KEEPING, Agreed(11, 15, True, False, f"{NAME}; {C}")),
            (f"x-other, {NAME}", KEEPING, Agreed(11, 15, True, True, NAME)),
        ]
        for text, how, wanted in table:
            self.assertEqual(accept_offer(fields(text), how), wanted, text)

    def test_declined(self) -> None:
        """Odd parameters decline an offer, not the handshake (RFC 7692 sections 5.1 and 7.1)."""
        for text in (
            "x-other",
            NAME.upper(),
            f"{NAME}; unknown",
            f"{NAME}; {S}=1",
            f"{NAME}; {C}=true",
            f"{NAME}; {SB}",
            f"{NAME}; {SB}=7",
            f"{NAME}; {SB}=16",
            f"{NAME}; {SB}=010",
            f"{NAME}; {SB}=8",
            f"{NAME}; {CB}=7",
            f"{NAME}; {CB}=16",
            f"{NAME}; {CB}; {CB}",
            f"{NAME}; {S}; {S}",
            "a b",
        ):
            self.assertIsNone(accept_offer(fields(text), ON), text)

    def test_the_first_that_can_be_kept(self) -> None:
        """A client offers in its order of preference, the plain one last."""
        found = accept_offer(fields(f"{NAME}; {SB}=8; {CB}, {NAME}; {CB}"), KEEPING)
        self.assertEqual(found, Agreed(11, 11, True, True, f"{NAME}; {CB}=11"))

    def test_off(self) -> None:
        """Nothing is agreed to, and nothing offered."""
        self.assertIsNone(accept_offer(fields(NAME), Settings()))
        self.assertEqual(offer(Settings()), "")


class AnswerTests(SynchronousTestCase):
    """A server's answer to what we offer."""

    def test_offer(self) -> None:
        """Both windows are bounded; none lives on unless that is configured."""
        self.assertEqual(offer(ON), f"{NAME}; {SB}=11; {CB}; {S}; {C}")
        self.assertEqual(offer(KEEPING), f"{NAME}; {SB}=11; {CB}")

    def test_accepted(self) -> None:
        """What the server keeps to, and what it asks of us."""
        table: list[tuple[str, Settings, Agreed | None]] = [
            ("", ON, None),
            (f"{NAME}; {SB}=11; {S}; {C}", ON, Agreed(11, 11, False, False)),
            (f"{NAME}; {SB}=8; {CB}=9", KEEPING, Agreed(9, 9, True, True)),
            (NAME, KEEPING, Agreed(15, 11, True, True)),
            (NAME, ON, Agreed(15, 11, True, False)),
        ]
        for text, how, wanted in table:
            self.assertEqual(judge_answer(fields(text) if text else (), how), wanted, text)

    def test_refused(self) -> None:
        """What was not offered, and what is no answer, fails the handshake."""
        for text in ("x-other", f"{NAME}, {NAME}", f"{NAME}; {CB}", f"{NAME}; {CB}=8",
                     f"{NAME}; {SB}=16", f"{NAME}; x", "a b"):  # fmt: skip
            self.assertIsInstance(judge_answer(fields(text), ON), str, text)
        self.assertIsInstance(judge_answer(fields(NAME), Settings()), str)
