"""``Authorization`` and its challenges."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.authentication import (
    Authentication,
    Basic,
    Bearer,
    JwtRules,
    OidcRules,
    Unreadable,
    challenges,
    credentials,
)


def basic(text: str | bytes) -> bytes:
    """A field's value."""
    octets = text if isinstance(text, bytes) else text.encode()
    return b"Basic " + base64.b64encode(octets)


class CredentialsTests(SynchronousTestCase):
    """RFC 7617 and RFC 6750."""

    def test_table(self) -> None:
        """What is read, and what is not."""
        table: list[tuple[list[bytes], object]] = [
            ([], None),
            ([basic("a:b")], Basic("a", "b")),
            ([b"basic  " + basic("a:b:c")[6:]], Basic("a", "b:c")),
            ([basic(":")], Basic("", "")),
            ([basic("e\u0301:\xfc")], Basic("\xe9", "\xfc")),
            ([b"Bearer abc.DEF-_~+/=="], Bearer("abc.DEF-_~+/==")),
            ([b"BEARER x"], Bearer("x")),
        ]
        for values, wanted in table:
            self.assertEqual(credentials(values), wanted, values)
        for values in (
            [b""],
            [b"Basic"],
            [b"Basic !!!"],
            [basic("nocolon")],
            [basic(b"\xff:x")],
            [basic("a\0:b")],
            [basic("a:b\r\n")],
            [basic("a:" + "b" * 20000)],
            [b"Bearer"],
            [b"Bearer a b"],
            [b"Bearer \xe9"],
            [b"Digest x"],
            [basic("a:b"), basic("a:b")],
        ):
            self.assertIsInstance(credentials(values), Unreadable, values)

    @given(st.lists(st.binary(max_size=60), max_size=2))
    def test_any_octets(self, values: list[bytes]) -> None:
        """Nothing makes it raise, and nothing shows in a repr."""
        repr(credentials(values))

    def test_reprs(self) -> None:
        """People type a password where the name belongs."""
        shown = repr((Basic("s3cret", "s3cret"), Bearer("s3cret")))
        self.assertNotIn("s3cret", shown)

    def test_challenges(self) -> None:
        """As configured."""
        basic_only = (b"WWW-Authenticate", b'Basic realm="g w", charset="UTF-8"')
        bearer = (b"WWW-Authenticate", b'Bearer realm="g w"')
        invalid = (b"WWW-Authenticate", b'Bearer realm="g w", error="invalid_token"')
        jwt = JwtRules("i", "a")
        both = Authentication("g w", basic=True, jwt=jwt)
        self.assertEqual(challenges(Authentication("g w", basic=True)), (basic_only,))
        self.assertEqual(challenges(Authentication("g w", jwt=jwt)), (bearer,))
        self.assertEqual(challenges(both), (basic_only, bearer))
        self.assertEqual(challenges(both, invalid_token=True), (basic_only, invalid))
        provider = Authentication("g w", oidc=OidcRules("https://i", "c"))
        self.assertEqual(challenges(provider), (bearer,))
