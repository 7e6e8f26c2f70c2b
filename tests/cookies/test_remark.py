"""Remarks in sealed rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.jar import open_jar
from gateway.cookies.remark import Remark
from gateway.session.reading import Session
from tests.session import DATR, DATR_2, ICK, ICK_2, KEYS

USER = Session(ICK, DATR).user_keys(KEYS)
OTHER = Session(ICK_2, DATR_2).user_keys(KEYS)
PLACE = "gateway login"


class RemarkTests(SynchronousTestCase):
    """What is sealed comes back, for whom and where it was sealed alone."""

    @given(st.binary(max_size=300), st.binary(max_size=2000), st.integers(0, 2**40))
    def test_round_trip(self, name: bytes, text: bytes, expires: int) -> None:
        """Any name, any text."""
        bucket = USER.bucket(PLACE)
        row = USER.seal(bucket, PLACE, Remark(name, text, expires), bytes(12))
        self.assertEqual(USER.open(bucket, row), Remark(name, text, expires))
        self.assertEqual(list(USER.open_all(bucket, [row])), [Remark(name, text, expires)])
        self.assertIsNone(OTHER.open(bucket, row))
        self.assertIsNone(USER.open(USER.bucket("example.com"), row))
        self.assertGreaterEqual(row.expires_day * 86400, expires)

    def test_no_cookie(self) -> None:
        """A remark in a jar's bucket is no cookie; its repr does not show it."""
        bucket = USER.bucket("example.com")
        row = USER.seal(bucket, "example.com", Remark(b"n", b"s3cret", 5), bytes(12))
        jar = open_jar(USER, "example.com", (row,))
        self.assertEqual((jar.cookies, jar.damaged), ((), 0))
        self.assertNotIn("s3cret", repr(Remark(b"n", b"s3cret", 5)))

    def test_indexes_differ(self) -> None:
        """Each name has a row of its own."""
        names = {USER.index(PLACE, Remark(name, b"", 0)) for name in (b"a", b"b", b"")}
        self.assertEqual(len(names), 3)
