"""Tokens of requests that change state."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.session.attestation import pair, seal_restore_text
from gateway.session.keys import ServerKeys, decode, encode
from gateway.session.tokens import NONCE_SIZE, Fault, Token, judge, open_token, seal_token
from tests.session import DATR, ICK, KEYS, NEW_KEYS, NONCE, NOW, OLD_KEYS

SITE, TOP = "https://shop.example.com", "https://example.com"
PAIR, OTHER_PAIR = pair(ICK, DATR), b"x" * 32
TOKEN = Token(PAIR, SITE, TOP, NOW)
TEXT = seal_token(KEYS, 2, TOKEN, NONCE)
DAY = 86400

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80)
TOKENS = st.builds(
    Token, st.binary(max_size=32), WORDS, WORDS, st.integers(min_value=0, max_value=2**62)
)


class SealTests(SynchronousTestCase):
    """The text of a token, and back."""

    @settings(deadline=None)
    @given(TOKENS, st.sampled_from((1, 2)), st.binary(min_size=NONCE_SIZE, max_size=NONCE_SIZE))
    def test_round_trip(self, token: Token, generation: int, nonce: bytes) -> None:
        """Any token comes back, of any generation that lives; a query may hold its text."""
        text = seal_token(KEYS, generation, token, nonce)
        self.assertEqual(open_token(KEYS, text), token)
        self.assertRegex(text, r"\A[A-Za-z0-9_-]+\Z")

    def test_it_shows_nothing(self) -> None:
        """Pair, origin and site are not in it; under another nonce it is another text."""
        octets = decode(TEXT.encode()) or b""
        for part in (PAIR, SITE.encode(), TOP.encode(), b"example"):
            self.assertNotIn(part[:7], octets)
        other = seal_token(KEYS, 2, TOKEN, b"m" * NONCE_SIZE)
        self.assertNotEqual(other[30:60], TEXT[30:60])
        self.assertEqual(repr(TOKEN), f"Token(issued_at={NOW})")

    def test_every_bit(self) -> None:
        """A text of which one bit was changed does not open, nor raise."""
        octets = decode(TEXT.encode())
        assert octets is not None
        for place in range(len(octets)):
            for bit in range(8):
                changed = bytearray(octets)
                changed[place] ^= 1 << bit
                self.assertIsNone(open_token(KEYS, encode(bytes(changed)).decode()), (place, bit))

    def test_truncated(self) -> None:
        """No part of a text opens, nor a text with more at its end or beginning."""
        octets = decode(TEXT.encode())
        assert octets is not None
        for size in range(len(octets)):
            self.assertIsNone(open_token(KEYS, encode(octets[:size]).decode()), size)
            self.assertIsNone(open_token(KEYS, encode(octets[size + 1 :]).decode()), size)
        for size in range(len(TEXT)):
            self.assertIsNone(open_token(KEYS, TEXT[:size]), size)
        for text in (TEXT + "A", TEXT + "AAAA", "AAAA" + TEXT, TEXT + TEXT, TEXT + "=", TEXT + " "):
            self.assertIsNone(open_token(KEYS, text), text)

    @settings(deadline=None)
    @given(
        st.one_of(st.text(max_size=100), st.binary(max_size=80).map(lambda o: encode(o).decode()))
    )
    def test_rubbish(self, text: str) -> None:
        """Any other text is refused without an exception."""
        self.assertIsNone(open_token(KEYS, text))

    def test_size(self) -> None:
        """A text that no page has is not even decoded; the longest of pages opens."""
        longest = Token(PAIR, f"https://{'a' * 253}:65535", f"https://{'b' * 253}:65535", NOW)
        self.assertEqual(open_token(KEYS, seal_token(KEYS, 2, longest, NONCE)), longest)
        huge = Token(PAIR, SITE, "x" * 3000, NOW)
        self.assertIsNone(open_token(KEYS, seal_token(KEYS, 2, huge, NONCE)))

    def test_generations(self) -> None:
        """A text is of its own generation alone, and ends with it."""
        octets = decode(TEXT.encode())
        assert octets is not None
        other = octets[:1] + (1).to_bytes(4, "big") + octets[5:]
        self.assertIsNone(open_token(KEYS, encode(other).decode()))
        old = seal_token(OLD_KEYS, 1, TOKEN, NONCE)
        self.assertEqual(open_token(KEYS, old), TOKEN)
        self.assertIsNone(open_token(NEW_KEYS, old))
        self.assertIsNone(open_token(ServerKeys({2: b"y" * 32}), TEXT))
        unknown = octets[:1] + (2**32 - 1).to_bytes(4, "big") + octets[5:]
        self.assertIsNone(open_token(KEYS, encode(unknown).decode()))

    def test_other_texts_of_ours(self) -> None:
        """A restore text is no token, in whatever clothes; nor is a token under another key."""
        restore = seal_restore_text(KEYS, ICK, DATR, NONCE)
        self.assertIsNone(open_token(KEYS, restore.decode()))
        sealed = decode(restore.rpartition(b".")[2])
        assert sealed is not None
        head = b"\x01" + (2).to_bytes(4, "big")
        self.assertIsNone(open_token(KEYS, encode(head + sealed).decode()))

        class Relabelled(ServerKeys):
            """Keys that hand out the one for restore texts in place of every other."""

            def key(self, label: str, generation: int) -> bytes:
                return KEYS.key("restore", generation)

        foreign = seal_token(Relabelled({2: b"2" * 32}), 2, TOKEN, NONCE)
        self.assertIsNone(open_token(KEYS, foreign))


class JudgeTests(SynchronousTestCase):
    """Whether a request may be carried out."""

    def _judge(self, token: Token | None = TOKEN, **more: object) -> Fault | None:
        given: dict[str, object] = {
            "given": True, "pair": PAIR, "has_ick": True, "origin": SITE, "now": NOW,
            "lifetime": DAY,
        }  # fmt: skip
        return judge(token, **{**given, **more})  # type: ignore[arg-type]

    def test_table(self) -> None:
        """Each demand by itself."""
        bare = Token(b"", SITE, "", NOW)
        table: list[tuple[Token | None, dict[str, object], Fault | None]] = [
            (TOKEN, {}, None),
            (None, {"given": False}, Fault.MISSING),
            (None, {}, Fault.INVALID),
            # Time, in either direction.
            (TOKEN, {"now": NOW + DAY}, None),
            (TOKEN, {"now": NOW + DAY + 1}, Fault.EXPIRED),
            (TOKEN, {"now": NOW - DAY}, None),
            (TOKEN, {"now": NOW - DAY - 1}, Fault.EXPIRED),
            (TOKEN, {"now": NOW + 11, "lifetime": 10}, Fault.EXPIRED),
            # The page's origin; None: the browser did not say it.
            (TOKEN, {"origin": None}, None),
            (TOKEN, {"origin": ""}, Fault.ORIGIN),
            (TOKEN, {"origin": SITE + ":8443"}, Fault.ORIGIN),
            (TOKEN, {"origin": TOP}, Fault.ORIGIN),
            # The session.
            (TOKEN, {"pair": OTHER_PAIR}, Fault.PAIR),
            (TOKEN, {"pair": None}, Fault.PAIR),
            (TOKEN, {"pair": b""}, Fault.PAIR),
            (bare, {}, Fault.PAIR),
            (bare, {"pair": None}, Fault.PAIR),
            # Anonymous: of either kind, but still of its time and page.
            (TOKEN, {"pair": None, "has_ick": False}, None),
            (bare, {"pair": None, "has_ick": False}, None),
            (bare, {"has_ick": False, "origin": TOP}, Fault.ORIGIN),
            (bare, {"has_ick": False, "now": NOW + DAY + 1}, Fault.EXPIRED),
            (None, {"has_ick": False, "given": False}, Fault.MISSING),
            (None, {"has_ick": False}, Fault.INVALID),
        ]
        for token, more, wanted in table:
            self.assertIs(self._judge(token, **more), wanted, (token, more))

    @settings(deadline=None)
    @given(TOKENS, st.binary(max_size=32), st.booleans(), st.one_of(st.none(), WORDS), TOKENS)
    def test_what_passes(
        self, token: Token, own: bytes, has_ick: bool, origin: str | None, other: Token
    ) -> None:
        """Whatever passes is of the time, of the page, and of the session where there is one."""
        for one in (token, other, Token(own, origin or "", "", token.issued_at)):
            fault = self._judge(
                one, pair=own, has_ick=has_ick, origin=origin, now=token.issued_at, lifetime=DAY
            )
            sound = (
                abs(token.issued_at - one.issued_at) <= DAY
                and (origin is None or one.origin == origin)
                and (not has_ick or one.pair == own)
            )
            self.assertEqual(fault is None, sound, one)
