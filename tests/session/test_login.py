"""Logins as remarks and cookies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.cookies.remark import Remark
from gateway.session.login import (
    Login,
    expire_login_cookie,
    from_remark,
    login_cookie,
    read_login_cookie,
    to_remark,
)
from tests.session import KEYS, NONCE, NOW

LOGIN = Login("ada", NOW + 100, b"12345678")


class LoginTests(SynchronousTestCase):
    """There and back."""

    @given(st.text(max_size=256), st.integers(NOW + 1, 2**40), st.binary(max_size=8))
    def test_round_trip(self, user: str, expires: int, mark: bytes) -> None:
        """By remark and by cookie."""
        login = Login(user, expires, mark)
        self.assertEqual(from_remark(to_remark(login), NOW), login)
        cookie = login_cookie(KEYS, login, NONCE, NOW).partition(b";")[0]
        self.assertEqual(read_login_cookie(KEYS, [b"a=b; " + cookie], NOW), login)

    def test_over(self) -> None:
        """At its time, to the second."""
        cookie = login_cookie(KEYS, LOGIN, NONCE, NOW).partition(b";")[0]
        for now, wanted in ((LOGIN.expires - 1, LOGIN), (LOGIN.expires, None)):
            self.assertEqual(from_remark(to_remark(LOGIN), now), wanted)
            self.assertEqual(read_login_cookie(KEYS, [cookie], now), wanted)

    def test_odd_remarks(self) -> None:
        """Anything else is no login."""
        for text in (b"", b"[]", b"{}", b"1", b'["a"]', b'["a", "x", ""]', b'["a", 1, 1]', b"\xff"):
            self.assertIsNone(from_remark(Remark(b"login", text, NOW + 1), NOW))
        self.assertIsNone(from_remark(Remark(b"else", to_remark(LOGIN).text, NOW + 9), NOW))
        self.assertIsNone(from_remark(None, NOW))

    def test_cookie(self) -> None:
        """Its attributes; one that was changed, or comes twice, says nothing."""
        field = login_cookie(KEYS, LOGIN, NONCE, NOW)
        name, _, rest = field.partition(b"=")
        self.assertEqual(name, wire.LOGIN_COOKIE)
        for part in (b"Path=/", b"Max-Age=100", b"Secure", b"HttpOnly", b"SameSite=Lax"):
            self.assertIn(b"; " + part, field)
        self.assertNotIn(b"Domain", field)
        self.assertNotIn(b"ada", field)
        text = rest.partition(b";")[0]
        bad = text[:-1] + (b"A" if text[-1:] != b"A" else b"B")
        for value in (bad, b"", b"1.1.AAAA", b"1.9." + text.rpartition(b".")[2]):
            self.assertIsNone(read_login_cookie(KEYS, [name + b"=" + value], NOW))
        twice = name + b"=" + text + b"; " + name + b"=" + bad
        self.assertIsNone(read_login_cookie(KEYS, [twice], NOW))
        self.assertIn(b"Max-Age=0", expire_login_cookie())
