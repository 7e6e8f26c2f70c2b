"""The session that a request's Cookie header carries."""

from __future__ import annotations

import itertools

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.cookies.seal import derive_user_keys
from gateway.session.attestation import Mode, attest, mint_datr, pair
from gateway.session.keys import Ick
from gateway.session.reading import Reading, Session, cookie_values, read_session
from gateway.session.tokens import Token
from tests.session import DATR, DATR_2, ICK, ICK_2, KEYS, NEW_KEYS, NOW, OLD_KEYS

ICK_PART = wire.ICK_COOKIE + b"=" + ICK.cookie_value()
ICK_PART_2 = wire.ICK_COOKIE + b"=" + ICK_2.cookie_value()
DATR_PART = wire.DATR_COOKIE + b"=" + DATR.text
DATR_PART_2 = wire.DATR_COOKIE + b"=" + DATR_2.text
JUNK_ICK, JUNK_DATR = wire.ICK_COOKIE + b"=junk", wire.DATR_COOKIE + b"=junk"
GOOD = Reading(Session(ICK, DATR), has_ick=True)


def _part(ick: Ick) -> bytes:
    return wire.ICK_COOKIE + b"=" + ick.cookie_value()


def _token(session: Session) -> Token:
    return Token(session.pair, "https://shop.example.com", "", NOW)


class CookieValueTests(SynchronousTestCase):
    """Raw octets, exact names."""

    def test_trimming(self) -> None:
        """SP and HTAB go from both sides; every other octet is part of name or value."""
        for header, values in (
            (b"n=v", [b"v"]),
            (b" \tn\t = \tv \t", [b"v"]),
            (b"a=1;n=v;b=2", [b"v"]),
            (b"a=1; n=v; n=w", [b"v", b"w"]),
            (b"n=", [b""]),
            (b"n=a=b", [b"a=b"]),
            (b"n", []),
            (b"=n=v", []),
            (b"", []),
            (b'n="v"', [b'"v"']),
            (b"n=v\x0b", [b"v\x0b"]),
            (b"n=\xa0v\xa0", [b"\xa0v\xa0"]),
            (b"n=v\r", [b"v\r"]),
            (b"n\x0b=v", []),
            (b"\xa0n=v", []),
            (b"\x00n=v", []),
            (b"\x0cn=v", []),
            (b"\rn=v", []),
            (b"N=v", []),
            (b"nn=v; xn=v; n.=v", []),
            (b"a=1, n=v", []),
            (b"%6e=v", []),
        ):
            self.assertEqual(cookie_values([header], b"n"), values, header)

    def test_several_fields(self) -> None:
        """HTTP/2 splits the header; all fields count, in their order."""
        self.assertEqual(cookie_values([b"n=1", b"a=b", b"n=2; n=3"], b"n"), [b"1", b"2", b"3"])


class ReadingTests(SynchronousTestCase):
    """One verified pair, or nobody."""

    def _read(self, *parts: bytes, token: Token | None = None) -> Reading:
        together = read_session([b"; ".join(parts)], KEYS, token)
        self.assertEqual(read_session(parts, KEYS, token), together)
        return together

    def test_a_session(self) -> None:
        """Exactly one valid ick and one valid datr, in any order, among other cookies."""
        for parts in itertools.permutations([ICK_PART, DATR_PART, b"other=1", b"token"]):
            self.assertEqual(self._read(*parts), GOOD, parts)
        self.assertEqual(read_session([b"\t" + ICK_PART + b" ;" + DATR_PART + b" \t"], KEYS), GOOD)

    def test_nobody(self) -> None:
        """Nothing, or one of the two, is anonymous and no incident."""
        for parts in ((), (b"",), (b"a=b",), (ICK_PART,), (DATR_PART,)):
            self.assertEqual(self._read(*parts), Reading(has_ick=ICK_PART in parts), parts)

    def test_duplicates(self) -> None:
        """Two values that could each count make no session, and are reported."""
        for parts in (
            (ICK_PART, ICK_PART_2, DATR_PART),
            (ICK_PART, DATR_PART, DATR_PART_2),
            (ICK_PART, ICK_PART_2, DATR_PART, DATR_PART_2),
            (ICK_PART, ICK_PART_2),
            (DATR_PART, DATR_PART_2),
        ):
            wanted = Reading(duplicated=True, has_ick=ICK_PART in parts)
            for order in itertools.permutations(parts):
                self.assertEqual(self._read(*order), wanted, order)

    def test_the_token_names_the_pair(self) -> None:
        """Among duplicates the one pair counts that the token names, if it is there at all."""
        every = (ICK_PART, ICK_PART_2, DATR_PART, DATR_PART_2)
        nobody = Session(Ick(b"x" * 32), DATR)
        for parts, named, wanted in (
            (every, Session(ICK, DATR), True),
            (every, Session(ICK, DATR_2), True),
            (every, Session(ICK_2, DATR), True),
            (every, Session(ICK_2, DATR_2), True),
            (every, nobody, False),
            ((ICK_PART, ICK_PART_2, DATR_PART), Session(ICK, DATR), True),
            ((ICK_PART, ICK_PART_2, DATR_PART), Session(ICK, DATR_2), False),
            ((ICK_PART, DATR_PART, DATR_PART_2), Session(ICK, DATR_2), True),
            ((ICK_PART, ICK_PART_2), Session(ICK, DATR), False),
            ((DATR_PART, DATR_PART_2), Session(ICK, DATR), False),
        ):
            token = _token(named)
            session = named if wanted else None
            has_ick = ICK_PART in parts
            reading = Reading(session, duplicated=True, has_ick=has_ick, token=token)
            for order in itertools.permutations(parts):
                self.assertEqual(self._read(*order, token=token), reading, order)
            self.assertIsNone(self._read(*parts, token=Token(b"", "", "", NOW)).session)
            self.assertIsNone(self._read(*parts).session)

    def test_a_token_makes_no_session(self) -> None:
        """What it names must be there; where nothing is doubled, its word does not count."""
        token = _token(Session(ICK_2, DATR))
        for parts, session in (
            ((), None),
            ((DATR_PART,), None),
            ((ICK_PART,), None),
            ((ICK_PART, DATR_PART), GOOD.session),
            ((ICK_PART, JUNK_ICK, DATR_PART), GOOD.session),
        ):
            self.assertEqual(self._read(*parts, token=token).session, session, parts)

    def test_many_duplicates(self) -> None:
        """Eight values of each name are looked at, not hundreds; the person's is not overlooked."""
        tossed = [_part(Ick(bytes([number]) * 32)) for number in range(1, 200)]
        token = _token(Session(ICK, DATR))
        for before, found in ((0, True), (7, True), (8, False), (199, False)):
            parts = (*tossed[:before], ICK_PART, *tossed[before:], DATR_PART)
            reading = self._read(*parts, token=token)
            self.assertEqual(reading.session is not None, found, before)
            self.assertTrue(reading.duplicated)
        # A value that is no ick takes no place, nor does the same one again.
        junk = [wire.ICK_COOKIE + b"=%d" % number for number in range(50)]
        reading = self._read(*junk, *[ICK_PART_2] * 50, ICK_PART, DATR_PART, token=token)
        self.assertEqual(reading.session, GOOD.session)

    def test_repeated_values(self) -> None:
        """The same value twice is one value."""
        self.assertEqual(self._read(ICK_PART, ICK_PART, DATR_PART, DATR_PART), GOOD)

    def test_junk(self) -> None:
        """What is not ours does not count, beside a valid one or alone; it is reported."""
        for parts, session in (
            ((JUNK_ICK, ICK_PART, DATR_PART), GOOD.session),
            ((ICK_PART, JUNK_DATR, DATR_PART), GOOD.session),
            ((ICK_PART, DATR_PART, JUNK_ICK, JUNK_DATR), GOOD.session),
            ((ICK_PART, DATR_PART, wire.ICK_COOKIE + b"="), GOOD.session),
            ((JUNK_ICK, DATR_PART), None),
            ((ICK_PART, JUNK_DATR), None),
            ((JUNK_ICK,), None),
        ):
            for order in itertools.permutations(parts):
                wanted = Reading(session, invalid=True, has_ick=True)
                self.assertEqual(self._read(*order), wanted, order)
        both = self._read(ICK_PART, ICK_PART_2, DATR_PART, JUNK_DATR)
        self.assertEqual(both, Reading(duplicated=True, invalid=True, has_ick=True))

    def test_names_are_exact(self) -> None:
        """Other letter cases, look-alikes and quoted names are other cookies."""
        value = b"=" + ICK_2.cookie_value()
        for name in (
            b"__http-ick", b"__HTTP-ICK", b"__Http-Ick", b"__Http-ick ick", b"__Http-ick\x0b",
            b"__Http-ick\xa0", b"\xa0__Http-ick", b"_Http-ick", b"x__Http-ick", b"__Http-ick[]",
            b"__Host-Http-ick", b"__Host-ick", b"ick", b"__Http\xad-ick", b'"__Http-ick"',
            b"=__Http-ick",
        ):  # fmt: skip
            self.assertEqual(self._read(ICK_PART, DATR_PART, name + value), GOOD, name)
            self.assertEqual(self._read(DATR_PART, name + value), Reading(), name)

    def test_values_are_exact(self) -> None:
        """Quotes, control characters and escapes make a value that is not ours."""
        for before, after in (
            (b'"', b'"'),
            (b"", b"\x0b"),
            (b"\xa0", b""),
            (b"", b"\0"),
            (b"", b","),
        ):
            part = wire.ICK_COOKIE + b"=" + before + ICK.cookie_value() + after
            wanted = Reading(invalid=True, has_ick=True)
            self.assertEqual(self._read(part, DATR_PART), wanted, part)

    def test_crossed_values(self) -> None:
        """An ick in the datr's place, and the reverse, are junk."""
        crossed = (
            wire.ICK_COOKIE + b"=" + DATR.text,
            wire.DATR_COOKIE + b"=" + ICK.cookie_value(),
        )
        self.assertEqual(self._read(*crossed), Reading(invalid=True, has_ick=True))

    def test_retired_generation(self) -> None:
        """A datr of a retired generation is not ours any more."""
        old = wire.DATR_COOKIE + b"=" + mint_datr(OLD_KEYS, b"r" * 16, NOW, Mode.FULL).text
        self.assertIsNotNone(read_session([ICK_PART, old], KEYS).session)
        found = read_session([ICK_PART, old], NEW_KEYS)
        self.assertEqual(found, Reading(invalid=True, has_ick=True))

    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=60), max_size=4))
    def test_any_headers(self, headers: list[bytes]) -> None:
        """No octets raise or make a session."""
        self.assertIsNone(read_session(headers, KEYS).session)


class SessionTests(SynchronousTestCase):
    """What follows from a session."""

    def test_keys_and_digests(self) -> None:
        """Pair and ickt are those of the two; the jar's keys depend on ick and pepper."""
        session = Session(ICK, DATR)
        self.assertEqual(session.pair, pair(ICK, DATR))
        self.assertEqual(session.ickt(KEYS), attest(KEYS, ICK, DATR))
        owner = session.user_keys(KEYS).owner
        self.assertEqual(Session(ICK, DATR_2).user_keys(KEYS).owner, owner)
        self.assertNotEqual(Session(ICK_2, DATR).user_keys(KEYS).owner, owner)
        old = mint_datr(OLD_KEYS, b"r" * 16, NOW, Mode.FULL)
        self.assertNotEqual(Session(ICK, old).user_keys(KEYS).owner, owner)
        self.assertEqual(owner[:2], b"\0\2", "the generation of the datr")
        peppers = [KEYS.key("pepper", one) for one in (1, 2)]
        wanted = [derive_user_keys(ICK.reveal(), one, n) for n, one in enumerate(peppers, 1)]
        found = [Session(ICK, one).user_keys(KEYS).owner for one in (old, DATR)]
        self.assertEqual(found, [one.owner for one in wanted])

    def test_it_shows_nothing(self) -> None:
        """Neither the ick nor the datr is in the repr of a session or a reading."""
        token = _token(Session(ICK, DATR))
        for text in (repr(token), repr(attrs.evolve(GOOD, token=token))):
            self.assertNotIn(repr(token.pair)[2:12], text)
            self.assertNotIn(token.origin, text)
        for text in (repr(GOOD), str(GOOD.session), f"{GOOD}"):
            self.assertIn("<ick>", text)
            self.assertNotIn(ICK.cookie_value().decode()[1:12], text)
            self.assertNotIn(DATR.text.decode()[-20:], text)
