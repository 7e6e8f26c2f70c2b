"""Which writes of scripts were taken: none twice, none after a later one."""

from __future__ import annotations

from itertools import count, permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.jar import Change, Received, open_jar
from gateway.cookies.written import KEPT_SECONDS, MAX_KEPT, Entry, Written, key_of
from tests.cookies import KEYS, NOW, SUFFIXES, Bucket, admitted, at

A, B = "https://a.example.com/", "https://b.example.com/"
_entries = st.builds(
    Entry,
    st.binary(min_size=8, max_size=8),
    st.integers(0, 10**17),
    st.integers(0, 2**40),
)


class ScriptedBucket(Bucket):
    """A bucket that scripts write to."""

    nonces = count(10**6)

    def write(self, number: int, text: bytes, url: str = A, now: int = NOW) -> Change:
        """Take one write of a script, and commit."""
        return self.take(Received((text,), from_script=True, numbers=(number,)), url, now)

    def take(self, received: Received, url: str = A, now: int = NOW) -> Change:
        """Take what is received, and commit."""
        change, after = self.open().receive(
            received, *at(url), now, SUFFIXES, lambda size: next(self.nonces).to_bytes(size, "big")
        )
        self.rows.update({row.index: row for row in change.puts})
        for index in change.deletes:
            del self.rows[index]
        self.after = after
        return change


class SealTests(SynchronousTestCase):
    """It is one sealed row of the bucket."""

    @settings(deadline=None)
    @given(st.lists(_entries, max_size=MAX_KEPT))
    def test_round_trip(self, entries: list[Entry]) -> None:
        """Whatever is kept comes back."""
        written = Written(tuple(entries))
        bucket = KEYS.bucket("example.com")
        row = KEYS.seal(bucket, "example.com", written, b"n" * 12)
        self.assertEqual(KEYS.open(bucket, row), written)
        self.assertEqual(list(KEYS.open_all(bucket, [row])), [written])
        jar = open_jar(KEYS, "example.com", [row])
        self.assertEqual((jar.written, jar.damaged, jar.cookies), (written, 0, ()))


class IdempotencyTests(SynchronousTestCase):
    """A carrier arrives with each request that leaves before it is expired."""

    def setUp(self) -> None:
        """Have one empty bucket."""
        self.bucket = ScriptedBucket()

    def test_again(self) -> None:
        """The same write again changes nothing, and is no refusal."""
        self.bucket.write(7, b"a=1")
        change = self.bucket.write(7, b"a=1")
        self.assertTrue(change.is_empty)
        self.assertEqual([one.stored for one in change.verdicts], [True])
        self.assertEqual(self.bucket.header(A), b"a=1")

    def test_what_came_after_stays(self) -> None:
        """A response's cookie, a deletion, a later write: a late replay undoes none of them."""
        self.bucket.write(7, b"a=1")
        self.bucket.receive(A, b"a=2")
        self.bucket.write(7, b"a=1")
        self.assertEqual(self.bucket.header(A), b"a=2")
        self.bucket.receive(A, b"a=; Max-Age=0")
        self.bucket.write(7, b"a=1")
        self.assertEqual(self.bucket.header(A), b"")
        self.bucket.write(8, b"a=3")
        self.bucket.write(9, b"a=; Max-Age=0")
        for number in (7, 8, 9):
            self.bucket.write(number, b"a=1")
        self.assertEqual(self.bucket.header(A), b"")

    def test_out_of_order(self) -> None:
        """However writes arrive, the last one of each cookie counts."""
        texts = {1: b"a=1", 2: b"a=2", 3: b"b=3", 4: b"a=4; Path=/x", 5: b"a=5"}
        for order in permutations(texts):
            bucket = ScriptedBucket()
            for number in order:
                bucket.write(number, texts[number])
            found = set(bucket.header(A + "x").split(b"; "))
            self.assertEqual(found, {b"a=4", b"a=5", b"b=3"}, order)

    def test_writers_are_apart(self) -> None:
        """A number of another origin, or for another cookie, is another write."""
        self.bucket.write(7, b"a=1; Domain=example.com")
        self.bucket.write(7, b"a=2; Domain=example.com", B)
        self.assertEqual(self.bucket.header(A), b"a=2")
        self.bucket.write(7, b"b=1")
        self.bucket.write(6, b"a=3")
        self.assertEqual(set(self.bucket.header(A).split(b"; ")), {b"a=2", b"b=1", b"a=3"})

    def test_refused(self) -> None:
        """What was not stored is not kept: nothing is written for it."""
        self.bucket.receive(A, b"h=1; HttpOnly")
        for text in (b"h=2", b"x=1; HttpOnly", b"x=1; Domain=example.org", b"", b"x=\x01"):
            change = self.bucket.write(7, text)
            self.assertTrue(change.is_empty, text)
            self.assertEqual([one.stored for one in change.verdicts], [False])

    def test_time(self) -> None:
        """Numbers are kept for two minutes; a clock that was set back by more is believed."""
        self.bucket.write(7, b"a=1")
        self.bucket.receive(A, b"a=2")
        self.bucket.write(7, b"a=1", now=NOW + KEPT_SECONDS - 1)
        self.assertEqual(self.bucket.header(A), b"a=2")
        self.bucket.write(7, b"a=1", now=NOW + KEPT_SECONDS)
        self.assertEqual(self.bucket.header(A), b"a=1")
        far = 10**15
        self.bucket.write(far, b"b=1")
        self.bucket.write(far - KEPT_SECONDS * 10**6 + 1, b"b=2")
        self.assertIn(b"b=1", self.bucket.header(A))
        self.bucket.write(far - KEPT_SECONDS * 10**6, b"b=2")
        self.assertIn(b"b=2", self.bucket.header(A))

    def test_bounds(self) -> None:
        """The newest are kept, in one row; what is old goes as new ones come."""
        for number in range(MAX_KEPT + 5):
            self.bucket.write(number, b"c%d=1" % number)
        entries = self.bucket.open().written.entries
        self.assertEqual([one.number for one in entries], list(range(5, MAX_KEPT + 5)))
        self.bucket.write(1000, b"late=1", now=NOW + KEPT_SECONDS)
        self.assertEqual([one.number for one in self.bucket.open().written.entries], [1000])
        self.assertEqual(Written().expires, KEPT_SECONDS)

    def test_responses_have_no_numbers(self) -> None:
        """Their cookies are taken each time, and leave no trace here."""
        self.bucket.receive(A, b"a=1")
        self.bucket.receive(A, b"a=2")
        self.assertEqual(self.bucket.open().written, Written())

    def test_keys(self) -> None:
        """Each part of a cookie's identity makes another key."""
        texts = (b"a=1", b"b=1", b"a=1; Domain=a.example.com", b"a=1; Path=/x")
        keys = {key_of(admitted(text), at(url)[0]) for text in texts for url in (A, B)}
        self.assertEqual(len(keys), 2 * len(texts))
