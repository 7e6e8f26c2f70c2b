"""Close codes end to end (RFC 6455, section 7.4)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.websocket.closing import Ending, pass_on, shorten

SENT = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}
CODES = st.one_of(st.none(), st.integers(-1, 70000), st.sampled_from((1004, 1005, 1006, 1015)))


class PassOnTests(SynchronousTestCase):
    """What the other leg is told."""

    def test_clean(self) -> None:
        """Codes that a peer may send travel with their reason."""
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1011, 1012, 1013, 1014, 3000, 4000, 4999):
            self.assertEqual(pass_on(code, "why", was_clean=True), Ending(code, "why"), code)
        self.assertEqual(pass_on(1000, None, was_clean=True), Ending(1000))

    def test_no_code(self) -> None:
        """A close frame without a code stays one."""
        for code in (None, 1005):
            self.assertEqual(pass_on(code, "x", was_clean=True), Ending(), code)

    def test_codes_that_no_peer_may_send(self) -> None:
        """They stand for a protocol error, without the reason."""
        for code in (0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535):
            self.assertEqual(pass_on(code, "x", was_clean=True), Ending(1002), code)

    def test_vanished(self) -> None:
        """An upstream that vanishes is a vanished connection for the page."""
        for code in (None, 1004, 1005, 1006, 1015, 5000):
            self.assertEqual(pass_on(code, "x", was_clean=False), Ending(drop=True), code)

    def test_our_own_limits(self) -> None:
        """A leg that its own limits closed says so to both sides."""
        for code in (1002, 1007, 1009, 1011, 1013):
            self.assertEqual(pass_on(code, "big", was_clean=False), Ending(code, "big"), code)

    @settings(deadline=None)
    @given(CODES, st.one_of(st.none(), st.text(max_size=200)), st.booleans())
    def test_nothing_local_is_written(
        self, code: int | None, reason: str | None, clean: bool
    ) -> None:
        """No close frame ever holds 1005, 1006, 1015 or another code that is not for it."""
        ending = pass_on(code, reason, was_clean=clean)
        if ending.code is not None:
            self.assertIn(ending.code, SENT)
            self.assertFalse(ending.drop)
        else:
            self.assertEqual(ending.reason, "")
        self.assertLessEqual(len(ending.reason.encode("utf-8")), 123)

    def test_an_ending_shows_no_reason(self) -> None:
        """Reasons are the peers' own business: repr leaves them out."""
        self.assertNotIn("s3cret", repr(Ending(1000, "s3cret")))


class ShortenTests(SynchronousTestCase):
    """Reasons that do not fit."""

    def test_table(self) -> None:
        """Cut at 123 octets, never inside a character."""
        table = {
            "": "",
            "a" * 123: "a" * 123,
            "a" * 124: "a" * 123,
            "é" * 61: "é" * 61,
            "é" * 62: "é" * 61,
            "a" + "é" * 61: "a" + "é" * 61,
            "\U0001f600" * 31: "\U0001f600" * 30,
        }
        for given_reason, wanted in table.items():
            self.assertEqual(shorten(given_reason), wanted, given_reason)

    @settings(deadline=None)
    @given(st.text(max_size=200))
    def test_any_text(self, reason: str) -> None:
        """A prefix of what was said, as long as fits."""
        found = shorten(reason)
        self.assertTrue(reason.startswith(found))
        self.assertLessEqual(len(found.encode("utf-8")), 123)
        if found != reason:
            self.assertGreater(len(reason[: len(found) + 1].encode("utf-8")), 123)
