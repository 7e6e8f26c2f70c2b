"""Set-Cookie fields and cookie-dates (RFC 6265bis sections 5.6 and 5.1.1)."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.syntax import Invalid, SameSite, SetCookie, parse_date, parse_set_cookie
from tests.cookies import DAY, NOW

CAP = NOW + 400 * DAY
LONG = b"x" * 1025


def _stamp(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


class PairTests(SynchronousTestCase):
    """Name and value."""

    def test_names_and_values(self) -> None:
        """The first ``=`` divides, SP and HTAB are trimmed, nothing else is touched."""
        for field, name, value in (
            (b"a=b", b"a", b"b"),
            (b" \ta \t=\t b \t; Path=/", b"a", b"b"),
            (b"a=b=c==", b"a", b"b=c=="),
            (b"token", b"", b"token"),
            (b"=token", b"", b"token"),
            (b"a=", b"a", b""),
            (b"a = ; Secure", b"a", b""),
            (b'a="b c, d"', b"a", b'"b c, d"'),
            (b'a="b;c"', b"a", b'"b'),
            (b"a b=c d", b"a b", b"c d"),
            (b"a=\xe9\xff\x80", b"a", b"\xe9\xff\x80"),
            (b"a=\xa0b\xa0", b"a", b"\xa0b\xa0"),
            (b"a\tb=c\td", b"a\tb", b"c\td"),
            (b"Path=/x", b"Path", b"/x"),
        ):
            parsed = parse_set_cookie(field, NOW)
            assert isinstance(parsed, SetCookie), field
            self.assertEqual((parsed.name, parsed.value), (name, value), field)

    def test_nothing_is_no_cookie(self) -> None:
        """A field with neither name nor value is ignored."""
        for field in (b"", b"=", b";", b" = ", b"\t", b"; Path=/", b" =\t; a=b"):
            self.assertIsInstance(parse_set_cookie(field, NOW), Invalid, field)

    def test_control_characters(self) -> None:
        """A control character anywhere but HTAB refuses the whole field."""
        for code in (*range(0x20), 0x7F):
            for template in (b"a%cb=c", b"a=b%cc", b"a=b; Path=/%cx", b"a=b; x%c", b"a=b%c"):
                parsed = parse_set_cookie(template.replace(b"%c", bytes([code])), NOW)
                self.assertEqual(isinstance(parsed, Invalid), code != 9, (code, template))

    def test_size_of_name_and_value(self) -> None:
        """Name and value have 4096 octets together, without ``=`` and without blanks."""
        for name, value, fits in (
            (b"n" * 4096, b"", True),
            (b"n" * 4097, b"", False),
            (b"", b"v" * 4096, True),
            (b"", b"v" * 4097, False),
            (b"n" * 2048, b"v" * 2048, True),
            (b"n" * 2048, b"v" * 2049, False),
            (b"n", b" " * 50 + b"v" * 4095 + b" " * 50, True),
        ):
            parsed = parse_set_cookie(name + b"=" + value + b"; Path=/", NOW)
            self.assertEqual(isinstance(parsed, SetCookie), fits, (len(name), len(value)))

    @settings(deadline=None)
    @given(st.binary(max_size=200))
    def test_any_octets(self, field: bytes) -> None:
        """Any field gives a value or a refusal; what is kept can be sent again as it was."""
        parsed = parse_set_cookie(field, NOW)
        if isinstance(parsed, SetCookie):
            self.assertTrue(parsed.name or parsed.value)
            for part in (parsed.name, parsed.value):
                self.assertEqual(part, part.strip(b" \t"))
                self.assertNotIn(b";", part)
            again = parse_set_cookie(parsed.name + b"=" + parsed.value, NOW)
            assert isinstance(again, SetCookie)
            self.assertEqual((again.name, again.value), (parsed.name, parsed.value))


class AttributeTests(SynchronousTestCase):
    """What follows the first semicolon."""

    def _check(self, attributes: bytes, **expected: object) -> None:
        parsed = parse_set_cookie(b"a=b;" + attributes, NOW)
        self.assertEqual(parsed, attrs.evolve(SetCookie(b"a", b"b"), **expected), attributes)

    def test_flags_and_strings(self) -> None:
        """Names have no case; flags ignore values; the last of several counts."""
        self._check(b"")
        self._check(b" ;;; = ; =x; unknown; unknown=y; Priority=High")
        self._check(b"SECURE; hTTPoNLY", secure=True, http_only=True)
        self._check(b" secure = no ; HttpOnly=false", secure=True, http_only=True)
        self._check(b"Secured; Http-Only; Sec ure")
        self._check(b"Path=/a; PATH = /b ", path=b"/b")
        self._check(b"Path=/a; Path=", path=b"")
        self._check(b"Path=/a=b", path=b"/a=b")
        self._check(b"Domain=.Example.COM", domain=b"example.com")
        self._check(b"Domain=..example.com", domain=b".example.com")
        self._check(b"Domain=a.com; Domain=b.com", domain=b"b.com")
        self._check(b"Domain=a.com; Domain=", domain=b"")
        self._check(b"Partitioned", partitioned=True)

    def test_same_site_is_kept(self) -> None:
        """The value has no case, the last counts, an unknown one is the default."""
        self._check(b"SameSite=sTRICT", same_site=SameSite.STRICT)
        self._check(b"SameSite=lax", same_site=SameSite.LAX)
        self._check(b"SameSite=NONE", same_site=SameSite.NONE)
        self._check(b"SameSite=Strict; SameSite=Lax", same_site=SameSite.LAX)
        self._check(b"SameSite=Strict; SameSite=what")
        self._check(b"SameSite")

    def test_overlong_values_are_ignored(self) -> None:
        """A value of 1024 octets counts; a longer one is as if it were not there."""
        self._check(b"Path=/a; Path=/" + LONG, path=b"/a")
        self._check(b"Path=/" + b"x" * 1023, path=b"/" + b"x" * 1023)
        self._check(b"Domain=a.com; Domain=" + LONG, domain=b"a.com")
        self._check(b"Secure=" + LONG)
        self._check(b"Max-Age=" + b"1" * 1025)

    def test_max_age(self) -> None:
        """Digits, perhaps after a minus; capped at 400 days; anything else is ignored."""
        for text, expires in (
            (b"1", NOW + 1),
            (b"010", NOW + 10),
            (b"34560000", CAP),
            (b"34560001", CAP),
            (b"9" * 18, CAP),
            (b"9" * 1024, CAP),
            (b"0", 0),
            (b"-0", 0),
            (b"-1", 0),
            (b"-" + b"9" * 1000, 0),
            (b"", None),
            (b"-", None),
            (b"+1", None),
            (b"--1", None),
            (b"1.5", None),
            (b"1e3", None),
            (b"1 0", None),
            (b"0x10", None),
            (b'"10"', None),
            (b"\xb2", None),
        ):
            self._check(b"Max-Age=" + text, expires=expires)

    def test_max_age_with_many_leading_zeros(self) -> None:
        """Leading zeros, however many, do not change a number."""
        self._check(b"Max-Age=" + b"0" * 19, expires=0)
        self._check(b"Max-Age=" + b"0" * 30 + b"60", expires=NOW + 60)

    def test_expires_and_max_age(self) -> None:
        """Max-Age wins in any order; of several, the last that is valid counts."""
        past, soon = b"Expires=Thu, 01 Jan 1970 00:00:10 GMT", b"Expires=23 Sep 2026 00:00:00"
        moment = _stamp(2026, 9, 23, 0, 0, 0)
        self._check(past, expires=10)
        self._check(soon, expires=moment)
        self._check(past + b";" + soon, expires=moment)
        self._check(soon + b";" + past, expires=10)
        self._check(soon + b"; Expires=never", expires=moment)
        self._check(b"Expires=never")
        self._check(soon + b"; Max-Age=5", expires=NOW + 5)
        self._check(b"Max-Age=5;" + past, expires=NOW + 5)
        self._check(b"Max-Age=0;" + soon, expires=0)
        self._check(b"Max-Age=5; Max-Age=7", expires=NOW + 7)
        self._check(b"Max-Age=5; Max-Age=x", expires=NOW + 5)
        self._check(soon + b"; Max-Age=x", expires=moment)

    def test_expires_is_capped(self) -> None:
        """No cookie lives longer than 400 days."""
        self._check(b"Expires=Fri, 31 Dec 9999 23:59:59 GMT", expires=CAP)


class DateTests(SynchronousTestCase):
    """The cookie-date algorithm."""

    def test_formats(self) -> None:
        """Tokens in any order, with any delimiters, with rubbish after the numbers."""
        for text, parts in (
            (b"Sun, 06 Nov 2094 08:49:37 GMT", (2094, 11, 6, 8, 49, 37)),
            (b"Sunday, 06-Nov-94 08:49:37 GMT", (1994, 11, 6, 8, 49, 37)),
            (b"Sun Nov  6 08:49:37 1994", (1994, 11, 6, 8, 49, 37)),
            (b"6 nOvEmBeR 94 8:4:7", (1994, 11, 6, 8, 4, 7)),
            (b"2030 Jan 06 08:00:00", (2030, 1, 6, 8, 0, 0)),
            (b"08:00:00x2 1st Jan 2030th", (2030, 1, 1, 8, 0, 0)),
            (b"1 1 jan 2030 00:00:00", (2030, 1, 1, 0, 0, 0)),
            (b"01@Jan[2030`00:00:00", (2030, 1, 1, 0, 0, 0)),
            (b"\t01~Jan{2030|00:00:00}", (2030, 1, 1, 0, 0, 0)),
            (b"01 Jan 2030 00:00:00 +0900", (2030, 1, 1, 0, 0, 0)),
            (b"01 Jan 2030 00:00:00 02 Feb 2031 01:01:01", (2030, 1, 1, 0, 0, 0)),
            (b"29 Feb 2028 23:59:59.999", (2028, 2, 29, 23, 59, 59)),
            (b"31 Dec 9999 23:59:59", (9999, 12, 31, 23, 59, 59)),
        ):
            self.assertEqual(parse_date(text), _stamp(*parts), text)

    def test_two_digit_years(self) -> None:
        """70 to 99 are of the last century, 0 to 69 of this."""
        for short, year in ((b"70", 1970), (b"99", 1999), (b"00", 2000), (b"69", 2069)):
            text = b"02 Jan " + short + b" 00:00:00"
            self.assertEqual(parse_date(text), _stamp(year, 1, 2, 0, 0, 0), text)

    def test_before_the_epoch(self) -> None:
        """It is a date (a cookie with it is to be expired), not garbage."""
        for text in (b"01 Jan 1601 00:00:00", b"31 Dec 1969 23:59:59"):
            self.assertEqual(parse_date(text), 0, text)

    def test_what_is_no_date(self) -> None:
        """A part that is missing or out of range, and dates that no calendar has."""
        for text in (
            b"", b"garbage", b"0", b"-1", b"01 Jan 2030", b"01 Jan 2030 00:00",
            b"Jan 2030 00:00:00",
            b"01 2030 00:00:00", b"01 Jan 00:00:00", b"00 Jan 2030 00:00:00",
            b"32 Jan 2030 00:00:00", b"31 Feb 2030 00:00:00", b"29 Feb 2030 00:00:00",
            b"01 Jan 2030 24:00:00", b"01 Jan 2030 00:60:00", b"01 Jan 2030 00:00:60",
            b"01 Jan 1600 00:00:00", b"01 Jan 123 00:00:00", b"01 Jan 20301 00:00:00",
            b"01 Jan 02030 00:00:00",
            b"94-Nov-06 00:00:00", b"001 Jan 2030 00:00:00", b"01 Ja 2030 00:00:00",
            b"01\xa0Jan 2030 00:00:00", b"01 Jan 2030 000:00:00", b"01 Jan 2030 00:00:000",
        ):  # fmt: skip
            self.assertIsNone(parse_date(text), text)

    @settings(deadline=None)
    @given(
        st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)),
        st.sampled_from(
            ("%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y", "%A, %d-%b-%Y %H:%M:%S GMT")
        ),
    )
    def test_every_moment(self, moment: datetime, layout: str) -> None:
        """Every moment is read back from all the forms that HTTP knows."""
        expected = int(moment.replace(tzinfo=UTC, microsecond=0).timestamp())
        self.assertEqual(parse_date(moment.strftime(layout).encode("ascii")), expected)

    @settings(deadline=None)
    @given(st.lists(st.sampled_from([b"1", b"31", b"feb", b"0:0:0", b" ", b"-", b"1601", b"\xff"])))
    def test_rubbish(self, tokens: list[bytes]) -> None:
        """No mixture of tokens raises or gives a moment before the epoch."""
        self.assertGreaterEqual(parse_date(b"".join(tokens)) or 0, 0)
