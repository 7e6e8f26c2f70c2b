"""Names of keys, and rows as fields: what is written is what is read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.seal import Row
from gateway.store.valkey_keys import (
    OWNERS,
    bucket_keys,
    fields_of,
    owner_key,
    owner_of,
    pairs_of,
    place_of,
    rows_of,
)

_owners = st.binary(min_size=16, max_size=16)
_rows = st.builds(
    Row,
    index=st.binary(min_size=16, max_size=16),
    expires_day=st.integers(-(2**63), 2**63 - 1),
    sealed=st.binary(max_size=40),
)


class KeyTests(SynchronousTestCase):
    """Names of owners and buckets."""

    @settings(deadline=None)
    @given(_owners, st.binary(min_size=8, max_size=8))
    def test_names(self, owner: bytes, bucket: bytes) -> None:
        """A name says whose it is, and is nothing else's; both have one hash tag."""
        key, own = bucket_keys(owner, bucket)
        self.assertEqual((own, len(own)), (owner_key(owner), len(OWNERS)))
        self.assertEqual((place_of(key), owner_of(own)), ((owner, bucket), owner))
        self.assertEqual((place_of(own), owner_of(key)), (None, None))
        self.assertEqual(key.partition(b"}")[0], own.partition(b"}")[0])

    def test_other_keys(self) -> None:
        """What is neither is neither."""
        for key in (
            b"", b"gw:{origins}:days", b"gw:{origins}:names", b"gw:rate:00", b"gw:nonce:00ff",
            b"gw:{" + b"zz" * 16 + b"}", b"gw:{" + b"AA" * 16 + b"}", b"gw:(" + b"aa" * 16 + b"}",
            b"gw:{" + b"aa" * 16 + b")", b"gw:{" + b"\xff" * 32 + b"}", b"other",
        ):  # fmt: skip
            self.assertIsNone(owner_of(key), key)
            self.assertIsNone(place_of(key), key)


class RowTests(SynchronousTestCase):
    """Rows in a hash."""

    @settings(deadline=None)
    @given(st.lists(_rows, max_size=5, unique_by=lambda row: row.index), st.integers(0, 2**53))
    def test_round_trip(self, rows: list[Row], version: int) -> None:
        """Rows come back as they were; version and mark are no rows."""
        fields = fields_of(rows)
        found = dict(zip(fields[::2], fields[1::2], strict=True))
        found |= {b"v": b"%d" % version, b"c": b"a mark.."}
        self.assertEqual(rows_of(found), (version, tuple(rows)))

    def test_nothing(self) -> None:
        """A hash that is not there is a bucket at version 0."""
        self.assertEqual(rows_of({}), (0, ()))

    def test_pairs(self) -> None:
        """Members with scores, in either form in which a client gives them."""
        for found in (
            [b"a", b"1", b"b", b"2"],
            [(b"a", b"1"), (b"b", b"2")],
            [[b"a", b"1"], [b"b", b"2"]],
        ):
            self.assertEqual(pairs_of(found), [(b"a", b"1"), (b"b", b"2")])
        self.assertEqual(pairs_of([]), [])
