"""Rows that only their user and their place open."""

from __future__ import annotations

import copy
import json
import pickle

import attrs
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.cookies.rules import Cookie
from gateway.cookies.seal import Algorithm, Row, UserKeys, derive_user_keys, format_of, owner_tag
from gateway.cookies.syntax import SameSite
from tests.cookies import DAY, KEYS, NOW, admitted

OTHER = derive_user_keys(b"j" * 32, b"p" * 32, 1)
NONCE = b"n" * 12
BUCKET = KEYS.bucket("example.com")
SECRET = b"S3cretValue"
# The owner id of ``KEYS`` as it was when owners had no tags.
FIRST_OWNER = "d321edd94f820ca737a165a34c8d8b64"
# One row as version 1 of the format sealed it, for the same user.
OLDEST = {
    "index": "810f8f0e55f190b08bceeab2e9657f07",
    "sealed": (
        "016e6e6e6e6e6e6e6e6e6e6e6ee6bdef4d2746e8e074c41075c53fb3c5a65ae5ae1b20af770a9857"
        "4cdc08cbc6276c68a7b6b3af5ede3b3c01bc88ab6cbc283d2b455ebc4317c6a568cdf123e9947e28"
        "1f294b81c6833c251b0ff1c10a02c2476f50c11b801a081f35e77745b045438c659e490901a3ee14"
        "18bf782fe6e6ae8614ae50500ae656aa45afcec320e829f57852b1efb54339a5f834daa536"
    ),
}

_ascii = st.text(st.characters(codec="ascii"), max_size=12)
_times = st.integers(0, 2**40)
_cookies = st.builds(
    Cookie,
    name=st.binary(max_size=80),
    value=st.binary(max_size=300),
    domain=_ascii,
    host_only=st.booleans(),
    path=st.binary(max_size=40),
    secure=st.booleans(),
    http_only=st.booleans(),
    same_site=st.sampled_from(SameSite),
    expires=st.none() | _times,
    created=_times,
    accessed=_times,
    partition=_ascii,
)


def _seal(cookie: Cookie, keys: UserKeys = KEYS, registrable: str = "example.com") -> Row:
    return keys.seal(keys.bucket(registrable), registrable, cookie, NONCE)


class SealTests(SynchronousTestCase):
    """Sealing and opening."""

    @settings(deadline=None)
    @given(_cookies)
    def test_round_trip(self, cookie: Cookie) -> None:
        """Any octets and any attributes come back as they were."""
        self.assertEqual(KEYS.open(BUCKET, _seal(cookie)), cookie)

    @settings(deadline=None)
    @given(st.binary(max_size=200), st.binary(min_size=16, max_size=16))
    def test_rubbish_does_not_open(self, sealed: bytes, index: bytes) -> None:
        """A row of any octets is treated as absent, without an exception."""
        for octets in (sealed, b"\x01" + sealed):
            self.assertIsNone(KEYS.open(BUCKET, Row(index, 0, octets)))

    def test_algorithms(self) -> None:
        """Each opens what it sealed; a row that names another does not open."""
        for algorithm in Algorithm:
            row = KEYS.seal(BUCKET, "example.com", admitted(b"a=1"), NONCE, algorithm)
            self.assertEqual(KEYS.open(BUCKET, row), admitted(b"a=1"))
            self.assertEqual(format_of(row.sealed), f"2: {algorithm.name}")
            for other in {0, *Algorithm, 3, 255} - {algorithm}:
                told = row.sealed[:1] + bytes((other,)) + row.sealed[2:]
                self.assertIsNone(KEYS.open(BUCKET, attrs.evolve(row, sealed=told)), other)

    def test_the_oldest_format(self) -> None:
        """Rows of the first version still open; what is written is of the newest."""
        row = Row(bytes.fromhex(OLDEST["index"]), 0, bytes.fromhex(OLDEST["sealed"]))
        expected = admitted(b"a=1; Path=/x; Secure; HttpOnly; SameSite=Lax; Max-Age=1000")
        self.assertEqual(KEYS.open(BUCKET, row), expected)
        self.assertEqual(format_of(row.sealed), "1: AES_256_GCM_SIV")
        self.assertEqual(_seal(expected).index, row.index)
        for octets in (
            b"\x02" + row.sealed[1:],
            b"\x02\x01" + row.sealed[1:],
            b"\x00" + row.sealed[1:],
        ):
            self.assertIsNone(KEYS.open(BUCKET, attrs.evolve(row, sealed=octets)))
            self.assertNotEqual(format_of(octets), "1: AES_256_GCM_SIV")

    def test_moved_rows_do_not_open(self) -> None:
        """Another index, bucket, owner or user: no cookie."""
        row = _seal(admitted(b"a=1"))
        other = _seal(admitted(b"a=2"))
        moved = attrs.evolve(row, index=_seal(admitted(b"b=1")).index)
        self.assertIsNotNone(KEYS.open(BUCKET, row))
        self.assertIsNotNone(KEYS.open(BUCKET, other))
        self.assertIsNone(KEYS.open(BUCKET, moved))
        self.assertIsNone(KEYS.open(KEYS.bucket("example.org"), row))
        self.assertIsNone(attrs.evolve(KEYS, owner=OTHER.owner).open(BUCKET, row))
        self.assertIsNone(OTHER.open(BUCKET, row))
        self.assertIsNone(OTHER.open(OTHER.bucket("example.com"), row))
        self.assertIsNone(derive_user_keys(b"i" * 32, b"q" * 32, 1).open(BUCKET, row))

    def test_no_flipped_bit_opens(self) -> None:
        """Format, nonce, text and tag: each bit counts; so does each bit of the index."""
        row = _seal(admitted(b"a=1"))
        for field in ("sealed", "index"):
            octets = getattr(row, field)
            for bit in range(len(octets) * 8):
                flipped = bytearray(octets)
                flipped[bit // 8] ^= 1 << bit % 8
                damaged = attrs.evolve(row, **{field: bytes(flipped)})
                self.assertIsNone(KEYS.open(BUCKET, damaged), (field, bit))

    def test_no_cut_row_opens(self) -> None:
        """Every shorter or longer text is refused."""
        row = _seal(admitted(b"a=1"))
        for size in range(len(row.sealed)):
            self.assertIsNone(KEYS.open(BUCKET, attrs.evolve(row, sealed=row.sealed[:size])), size)
        self.assertIsNone(KEYS.open(BUCKET, attrs.evolve(row, sealed=row.sealed + b"\0")))

    def test_padding_hides_the_length(self) -> None:
        """Sizes go in steps of 64 octets, and every step is as long."""
        overhead = 2 + 12 + 16
        sizes: dict[int, int] = {}
        for length in range(400):
            sealed = _seal(admitted(b"a=" + b"v" * length)).sealed
            self.assertEqual((len(sealed) - overhead) % 64, 0, length)
            sizes[len(sealed)] = sizes.get(len(sealed), 0) + 1
        self.assertEqual(set(list(sizes.values())[1:-1]), {64})

    def test_a_row_shows_nothing(self) -> None:
        """Neither name, value, domain nor path is in a row or its repr."""
        row = _seal(admitted(b"N4meOfIt=" + SECRET + b"; Path=/p4th; Domain=example.com"))
        for part in (b"N4meOfIt", SECRET, b"p4th", b"example"):
            self.assertNotIn(part, row.index + row.sealed)
            self.assertNotIn(part.decode(), repr(row))
        self.assertNotIn(repr(row.sealed)[2:-1], repr(row))

    def test_the_nonce_matters(self) -> None:
        """The same cookie under two nonces gives texts that have nothing in common."""
        cookie = admitted(b"a=1")
        first, second = (
            KEYS.seal(BUCKET, "example.com", cookie, nonce) for nonce in (NONCE, b"m" * 12)
        )
        self.assertEqual(first.index, second.index)
        self.assertNotEqual(first.sealed[13:45], second.sealed[13:45])

    def test_expires_day(self) -> None:
        """The day is rounded up; a session cookie's is 400 days after its creation."""
        for expires, day in ((0, 0), (1, 1), (DAY - 1, 1), (DAY, 1), (DAY + 1, 2), (NOW, 20718)):
            cookie = attrs.evolve(admitted(b"a=1"), expires=expires)
            self.assertEqual(_seal(cookie).expires_day, day, expires)
        created = attrs.evolve(admitted(b"a=1"), created=5 * DAY + 1)
        self.assertEqual(_seal(created).expires_day, 406)


class KeyTests(SynchronousTestCase):
    """Owner, buckets and indexes."""

    def test_sizes(self) -> None:
        """Sizes are what the store's schema says."""
        row = _seal(admitted(b"a=1"))
        sizes = [len(part) for part in (KEYS.owner, BUCKET, row.index)]
        self.assertEqual(sizes, [16, 8, 16])

    def test_users_have_nothing_in_common(self) -> None:
        """Another ick or another pepper gives other owners, buckets, indexes and salts."""
        users = [
            derive_user_keys(ick, pepper, 1)
            for ick in (b"i" * 32, b"i" * 31 + b"j", b"j" + b"i" * 31)
            for pepper in (b"p" * 32, b"q" * 32)
        ]
        cookie = admitted(b"a=1")
        for values in (
            {keys.owner for keys in users},
            {keys.bucket("example.com") for keys in users},
            {keys.index("example.com", cookie) for keys in users},
        ):
            self.assertEqual(len(values), len(users))
        self.assertEqual(derive_user_keys(b"i" * 32, b"p" * 32, 1).owner, users[0].owner)

    def test_owners_of_generation_1(self) -> None:
        """They are what they were before generations were told apart: no jar is lost."""
        for generation in (0, 1):
            self.assertEqual(owner_tag(generation), b"")
            keys = derive_user_keys(b"i" * 32, b"p" * 32, generation)
            self.assertEqual(keys.owner.hex(), FIRST_OWNER)

    def test_owner_tags(self) -> None:
        """From generation 2 on the first two octets name it; all else stays as it was."""
        cookie = admitted(b"a=1")
        for generation, tag in (
            (2, b"\0\2"), (255, b"\0\xff"), (256, b"\1\0"), (65_535, b"\xff\xff"),
            (65_536, b"\0\0"), (65_538, b"\0\2"), (999_999_999, b"\xc9\xff"),
        ):  # fmt: skip
            keys = derive_user_keys(b"i" * 32, b"p" * 32, generation)
            self.assertEqual(owner_tag(generation), tag, generation)
            self.assertEqual(keys.owner, tag + KEYS.owner[2:], generation)
            self.assertEqual(keys.bucket("example.com"), BUCKET)
            self.assertEqual(keys.index("example.com", cookie), KEYS.index("example.com", cookie))
            self.assertEqual(keys.open(BUCKET, _seal(cookie, keys)), cookie)
            self.assertIsNone(KEYS.open(BUCKET, _seal(cookie, keys)), "another owner's")

    @settings(deadline=None)
    @given(_ascii, _ascii)
    def test_buckets(self, one: str, other: str) -> None:
        """Two registrable domains have two buckets."""
        self.assertEqual(KEYS.bucket(one) == KEYS.bucket(other), one == other)

    def test_index_at_field_boundaries(self) -> None:
        """An octet that moves from one field to the next makes another cookie."""
        base = attrs.evolve(admitted(b"a=1"), host_only=True)
        seen = set()
        for registrable, name, domain, host_only, path, partition in (
            ("ab", b"c", "d", True, b"/", ""), ("a", b"bc", "d", True, b"/", ""),
            ("ab", b"", "cd", True, b"/", ""), ("ab", b"cd", "", True, b"/", ""),
            ("ab", b"c", "d1", True, b"/", ""), ("ab", b"c", "d", False, b"/", ""),
            ("ab", b"c", "d", True, b"1/", ""), ("ab", b"c", "d", True, b"", "/"),
            ("ab", b"c", "d", True, b"/x", ""), ("ab", b"c", "d", True, b"/", "x"),
            ("", b"abc", "d", True, b"/", ""), ("ab", b"c\0", "d", True, b"/", ""),
            ("ab", b"c|d", "", True, b"/", ""),
        ):  # fmt: skip
            cookie = attrs.evolve(
                base, name=name, domain=domain, host_only=host_only, path=path, partition=partition
            )
            seen.add(KEYS.index(registrable, cookie))
        self.assertEqual(len(seen), 13)

    @settings(deadline=None)
    @given(st.binary(max_size=8), _ascii, st.binary(max_size=8), _ascii, st.data())
    def test_index_is_injective(
        self, name: bytes, domain: str, path: bytes, partition: str, data: st.DataObject
    ) -> None:
        """Any other division of the same text into fields has another index."""
        one = attrs.evolve(
            admitted(b"a=1"), name=name, domain=domain, path=path, partition=partition
        )
        text = name + domain.encode() + path + partition.encode()
        cuts = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 3)))
        parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
        assume(parts[1].isascii() and parts[3].isascii())
        other = attrs.evolve(
            one, name=parts[0], domain=parts[1].decode(), path=parts[2], partition=parts[3].decode()
        )
        same = one.identity == other.identity
        self.assertEqual(KEYS.index("example.com", one) == KEYS.index("example.com", other), same)

    def test_index_depends_on_the_identity_alone(self) -> None:
        """A replaced cookie's row is overwritten, whatever else changes."""
        one = admitted(b"a=1; Path=/")
        other = admitted(b"a=2; Path=/; Secure; HttpOnly; Max-Age=5; SameSite=Lax", now=NOW + 9)
        self.assertEqual(KEYS.index("example.com", one), KEYS.index("example.com", other))

    def test_keys_show_nothing(self) -> None:
        """Neither repr, str, format nor a serialisation gives anything away."""
        for text in (repr(KEYS), str(KEYS), f"{KEYS}", f"{KEYS!r}", "%s" % (KEYS,), repr([KEYS])):  # noqa: UP031
            self.assertIn(text, ("<user keys>", "[<user keys>]"))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            self.assertRaises(TypeError, pickle.dumps, KEYS, protocol)
        self.assertRaises(TypeError, copy.copy, KEYS)
        self.assertRaises(TypeError, copy.deepcopy, KEYS)
        self.assertRaises(TypeError, json.dumps, KEYS)
