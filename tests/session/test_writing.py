"""Write tokens: who may set cookies where."""

from __future__ import annotations

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.seal import derive_user_keys
from gateway.session.writing import WriteTokens, writable, write_tokens
from tests.cookies import SUFFIXES
from tests.rewrite import origin
from tests.session import KEYS, NEW_KEYS

USER, OTHER = (derive_user_keys(one * 32, b"p" * 32, 1) for one in (b"i", b"j"))
SHOP = origin("https://shop.example.com")


def _tokens(user: object = USER, generation: int = 2) -> WriteTokens:
    assert isinstance(user, type(USER))
    return write_tokens(KEYS, user, generation)


class TokenTests(SynchronousTestCase):
    """A token is good for one user, one writer and one domain."""

    def test_it_verifies(self) -> None:
        """128 bits in base64url; the same each time, also in a process that has other roots too."""
        token = _tokens().token(SHOP, "example.com")
        self.assertRegex(token, r"\A[\w-]{22}\Z")
        self.assertTrue(_tokens().verifies(token.encode(), SHOP, "example.com"))
        self.assertEqual(write_tokens(NEW_KEYS, USER, 2).token(SHOP, "example.com"), token)

    def test_for_nothing_else(self) -> None:
        """Another domain, writer, user, generation or purpose: no."""
        token = _tokens().token(SHOP, "example.com").encode()
        table = [
            (_tokens(), SHOP, "shop.example.com"),
            (_tokens(), SHOP, "com"),
            (_tokens(), SHOP, "evil.example"),
            (_tokens(), origin("https://blog.example.com"), "example.com"),
            (_tokens(), origin("http://shop.example.com"), "example.com"),
            (_tokens(), origin("https://shop.example.com:8443"), "example.com"),
            (_tokens(OTHER), SHOP, "example.com"),
            (_tokens(generation=1), SHOP, "example.com"),
            (WriteTokens(KEYS.key("ickt", 2), USER.token_salt), SHOP, "example.com"),
        ]
        for tokens, writer, domain in table:
            self.assertFalse(tokens.verifies(token, writer, domain), (tokens, writer, domain))

    @settings(deadline=None, max_examples=50)
    @given(st.binary(max_size=40))
    def test_rubbish(self, text: bytes) -> None:
        """Any octets are compared, and refused."""
        self.assertFalse(_tokens().verifies(text, SHOP, "example.com"))
        token = _tokens().token(SHOP, "example.com").encode()
        self.assertFalse(_tokens().verifies(token + text[:1] + b"=", SHOP, "example.com"))
        self.assertFalse(_tokens().verifies(token[:-1], SHOP, "example.com"))

    def test_the_salt_is_no_other_key(self) -> None:
        """It is an expansion of its own."""
        self.assertEqual(len(USER.token_salt), 32)
        self.assertNotEqual(USER.token_salt, OTHER.token_salt)
        self.assertNotEqual(USER.token_salt[:16], USER.owner)

    def test_secrets(self) -> None:
        """Neither key nor salt shows."""
        self.assertEqual(repr(_tokens()), "<write tokens>")
        self.assertRaises(TypeError, pickle.dumps, _tokens())


class WritableTests(SynchronousTestCase):
    """The domains on which an origin may set cookies."""

    def test_table(self) -> None:
        """The host and its parents down to the registrable domain; never a public suffix."""
        table = {
            "https://a.b.example.com": ["a.b.example.com", "b.example.com", "example.com"],
            "https://example.com": ["example.com"],
            "https://shop.example.co.uk": ["shop.example.co.uk", "example.co.uk"],
            "https://me.github.io": ["me.github.io"],
            "https://github.io": ["github.io"],
            "https://co.uk": ["co.uk"],
            "https://x.y.kobe.jp": ["x.y.kobe.jp"],
            "https://www.city.kobe.jp": ["www.city.kobe.jp", "city.kobe.jp"],
            "http://localhost": ["localhost"],
            "http://10.1.2.3": ["10.1.2.3"],
            "http://[::1]": ["[::1]"],
        }
        for text, wanted in table.items():
            self.assertEqual(writable(origin(text), SUFFIXES), wanted, text)
            tokens = _tokens().all_of(origin(text), SUFFIXES)
            self.assertEqual(list(tokens), wanted)
            self.assertFalse(
                any(SUFFIXES.is_public(one) and one != origin(text).host for one in wanted)
            )
