"""One bucket: rows in, Cookie header out; Set-Cookie in, changed rows out."""

from __future__ import annotations

import pickle

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.jar import Received, open_jar
from gateway.cookies.rules import cookie_string
from gateway.cookies.seal import derive_user_keys
from tests.cookies import DAY, KEYS, NOW, SUFFIXES, Bucket, at

A, B, TOP = "https://a.example.com/", "https://b.example.com/", "https://example.com/"
PLAIN_A = "http://a.example.com/"


class JarTests(SynchronousTestCase):
    """Set, send, replace and delete."""

    def setUp(self) -> None:
        """Have one empty bucket."""
        self.bucket = Bucket()

    def test_siblings_and_parents(self) -> None:
        """What one host sets on the parent reaches its siblings; its own stays its own."""
        self.bucket.receive(A, b"up=1; Domain=example.com", b"own=2")
        self.bucket.receive(TOP, b"top=3", b"down=4; Domain=example.com", now=NOW + 1)
        self.assertEqual(self.bucket.header(B), b"up=1; down=4")
        self.assertEqual(set(self.bucket.header(A).split(b"; ")), {b"up=1", b"own=2", b"down=4"})
        self.assertEqual(set(self.bucket.header(TOP).split(b"; ")), {b"up=1", b"top=3", b"down=4"})
        self.assertEqual(self.bucket.header("https://x.b.example.com/deep/er"), b"up=1; down=4")

    def test_replacement(self) -> None:
        """One row is overwritten; the creation time, and so the order, stays."""
        self.bucket.receive(A, b"a=1; Path=/")
        self.bucket.receive(A, b"b=1; Path=/", now=NOW + 1)
        change = self.bucket.receive(A, b"a=2; Path=/", now=NOW + 2)
        self.assertEqual((len(change.puts), change.deletes), (1, ()))
        self.assertEqual(len(self.bucket.rows), 2)
        self.assertEqual(self.bucket.header(A), b"a=2; b=1")

    def test_the_order_within_one_response(self) -> None:
        """Cookies of one response are sent in the order in which it set them."""
        fields = [b"c%d=1" % number for number in range(20)]
        self.bucket.receive(A, *fields)
        self.assertEqual(self.bucket.header(A), b"; ".join(fields))

    def test_host_only_and_domain_cookies_are_two(self) -> None:
        """The same name with and without Domain are two cookies."""
        self.bucket.receive(A, b"a=1", b"a=2; Domain=a.example.com")
        self.assertEqual(len(self.bucket.rows), 2)
        self.bucket.receive(A, b"a=; Max-Age=0")
        self.assertEqual(self.bucket.header(A), b"a=2")

    def test_deletion(self) -> None:
        """A past expiry deletes exactly the cookie of that identity, and commits a deletion."""
        for field in (
            b"a=; Max-Age=0", b"a=x; Max-Age=-1", b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            b"a=; Expires=01 Jan 2020 00:00:00", b"a=; Max-Age=0; Expires=01 Jan 2027 00:00:00",
        ):  # fmt: skip
            bucket = Bucket()
            bucket.receive(A, b"a=1; Secure", b"b=2")
            change = bucket.receive(A, field, now=NOW + 1)
            self.assertEqual((len(change.puts), len(change.deletes)), (0, 1), field)
            self.assertEqual(bucket.header(A), b"b=2", field)
            for other in (field + b"; Path=/x", field + b"; Domain=example.com"):
                self.assertTrue(bucket.receive(A, other.replace(b"a=", b"b=")).is_empty, other)
            self.assertEqual(bucket.header(A), b"b=2", field)

    def test_set_and_deleted_at_once(self) -> None:
        """What one response sets and deletes again was never there."""
        change = self.bucket.receive(A, b"a=1", b"a=2; Max-Age=0")
        self.assertTrue(change.is_empty)
        self.bucket.receive(A, b"a=1; Max-Age=0", b"a=2")
        self.assertEqual(self.bucket.header(A), b"a=2")

    def test_nothing_changed(self) -> None:
        """Refused fields, deletions of nothing and repeated cookies commit nothing."""
        self.assertTrue(self.bucket.receive(A).is_empty)
        self.bucket.receive(A, b"a=1; Path=/")
        change = self.bucket.receive(
            A, b"", b"x=1; Domain=com", b"y=2; Domain=b.example.com", b"__Host-z=1", b"q=\x01",
            b"none=; Max-Age=0", b"a=1; Path=/",
        )  # fmt: skip
        self.assertTrue(change.is_empty)
        self.assertEqual([verdict.stored for verdict in change.verdicts], [False] * 5 + [True] * 2)
        self.assertTrue(all(verdict.reason and verdict.step for verdict in change.verdicts[:5]))

    def test_expired_cookies_leave_the_store(self) -> None:
        """The next write of any kind deletes what has expired meanwhile."""
        self.bucket.receive(A, b"a=1; Max-Age=10", b"b=2; Max-Age=1000")
        self.assertEqual(self.bucket.header(A, NOW + 11), b"b=2")
        change = self.bucket.receive(A, b"nothing; Domain=com", now=NOW + 11)
        self.assertEqual((len(change.puts), len(change.deletes)), (0, 1))
        self.assertEqual(len(self.bucket.rows), 1)

    def test_an_expired_secure_cookie_protects_nothing(self) -> None:
        """Expired cookies are evicted before anything is compared with them."""
        self.bucket.receive(A, b"a=1; Secure; Path=/; Max-Age=10")
        change = self.bucket.receive(PLAIN_A, b"a=2; Path=/", now=NOW + 5)
        self.assertFalse(change.verdicts[0].stored)
        change = self.bucket.receive(PLAIN_A, b"a=2; Path=/", now=NOW + 60)
        self.assertTrue(change.verdicts[0].stored, change.verdicts)
        self.assertEqual(self.bucket.header(PLAIN_A, NOW + 60), b"a=2")

    def test_an_expired_cookie_has_no_successor(self) -> None:
        """A cookie set after the old one expired is a new one, also in its age."""
        self.bucket.receive(A, b"a=1; Max-Age=10")
        self.bucket.receive(A, b"a=2", now=NOW + 30)
        self.assertEqual([cookie.created for cookie in self.bucket.open().cookies], [NOW + 30])

    def test_secure_cookies_are_left_alone(self) -> None:
        """What http sets or deletes does not touch a Secure cookie, nor see it."""
        self.bucket.receive(A, b"a=1; Secure; Path=/")
        change = self.bucket.receive(
            PLAIN_A, b"a=2; Path=/", b"a=; Max-Age=0; Path=/", b"a=3; Domain=example.com; Path=/"
        )
        self.assertTrue(change.is_empty)
        self.assertEqual((self.bucket.header(A), self.bucket.header(PLAIN_A)), (b"a=1", b""))

    def test_script_view(self) -> None:
        """A script reads what is not HttpOnly."""
        self.bucket.receive(A, b"a=1; HttpOnly", b"b=2")
        self.assertEqual(self.bucket.open().script_view(*at(A), NOW), b"b=2")

    def test_a_flood_of_fields(self) -> None:
        """Of one response a bounded number of fields is looked at; the rest is told once."""
        fields = [b"a%d=1" % number for number in range(20_000)]
        change = self.bucket.receive(A, *fields)
        self.assertLessEqual(len(change.verdicts), 251)
        self.assertFalse(change.verdicts[-1].stored)
        self.assertLessEqual(len(self.bucket.rows), 180)

    def test_eviction(self) -> None:
        """A domain keeps 180 cookies over all of its hosts; Secure ones last."""
        self.bucket.receive(A, *[b"s%d=1; Secure" % number for number in range(90)])
        self.bucket.receive(B, *[b"p%d=1" % number for number in range(90)], now=NOW + 1)
        self.assertEqual(len(self.bucket.rows), 180)
        change = self.bucket.receive(A, b"x=1; Secure", b"y=1; Secure", now=NOW + 2)
        self.assertEqual((len(change.puts), len(change.deletes)), (2, 2))
        names = {cookie.name for cookie in self.bucket.open().cookies}
        self.assertEqual(len(names), 180)
        self.assertEqual(sum(name.startswith(b"p") for name in names), 88)
        flood = [b"z%d=1; Secure" % number for number in range(500)]
        self.bucket.receive(B, *flood, now=NOW + 3)
        self.assertEqual(len(self.bucket.rows), 180)

    def test_rows_say_when_to_purge(self) -> None:
        """A row's day is the end of its cookie."""
        change = self.bucket.receive(A, b"a=1; Max-Age=86400", b"b=2")
        days = [row.expires_day for row in change.puts]
        self.assertEqual(days, [-(-(NOW + DAY) // DAY), -(-(NOW + 400 * DAY) // DAY)])

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=60), max_size=5))
    def test_any_fields(self, fields: list[bytes]) -> None:
        """Any octets of a site leave a jar that opens without damage and can be sent."""
        bucket = Bucket()
        change = bucket.receive(A, *fields)
        self.assertEqual(len(change.verdicts), len(fields))
        self.assertEqual(bucket.open().damaged, 0)
        self.assertNotRegex(bucket.header(A), rb"[\x00-\x08\x0a-\x1f\x7f]")


class DamageTests(SynchronousTestCase):
    """Rows that do not open, and what a jar shows."""

    def test_damaged_rows_are_counted(self) -> None:
        """A row that does not open is absent and counted; the others are there."""
        bucket = Bucket()
        bucket.receive(A, b"a=1", b"b=2", b"c=3")
        rows = sorted(bucket.rows.values(), key=lambda row: row.index)
        rows[0] = attrs.evolve(rows[0], sealed=rows[1].sealed)
        rows[2] = attrs.evolve(rows[2], sealed=b"")
        jar = open_jar(KEYS, "example.com", rows)
        self.assertEqual((len(jar.cookies), jar.damaged), (1, 2))
        self.assertEqual(len(cookie_string(jar.sent(*at(A), NOW))), 3)

    def test_another_users_rows(self) -> None:
        """Another user and another bucket open nothing."""
        bucket = Bucket()
        bucket.receive(A, b"a=1")
        rows = list(bucket.rows.values())
        other = derive_user_keys(b"o" * 32, b"p" * 32, 1)
        for keys, registrable in ((other, "example.com"), (KEYS, "example.org")):
            jar = open_jar(keys, registrable, rows)
            self.assertEqual((jar.cookies, jar.damaged), ((), 1))

    def test_a_jar_shows_nothing(self) -> None:
        """Neither repr, str, format nor pickle of a jar or a change shows a cookie."""
        bucket = Bucket()
        change = bucket.receive(A, b"N4me=S3cret; Path=/p4th")
        jar = bucket.open()
        for text in (repr(jar), str(jar), f"{jar}", repr([jar]), repr(change)):
            self.assertNotRegex(text, "N4me|S3cret|p4th|example")
        self.assertEqual(repr(jar), "<jar of 1 cookies>")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            self.assertRaises(TypeError, pickle.dumps, jar, protocol)

    def test_receiving_does_not_change_the_jar_that_was_read(self) -> None:
        """A conflict at the commit decides again on a jar read anew; the old stays as it was."""
        bucket = Bucket()
        bucket.receive(A, b"a=1")
        jar = bucket.open()
        change, after = jar.receive(
            Received((b"b=2",)), *at(A), NOW, SUFFIXES, lambda size: b"r" * size
        )
        self.assertEqual(jar, bucket.open())
        self.assertEqual((len(change.puts), len(after.cookies)), (1, 2))
