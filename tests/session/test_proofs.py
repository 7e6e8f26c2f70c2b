"""Proofs of a navigation's place: what they hold, and for whom they open."""

from __future__ import annotations

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.session.keys import decode, encode
from gateway.session.proofs import (
    CROSS_SITE,
    NONCE_SIZE,
    PERSON,
    Proof,
    bounded_referer,
    open_proof,
    seal_proof,
)
from gateway.session.reading import Session
from tests.session import DATR, DATR_2, ICK, ICK_2, KEYS, NEW_KEYS, NONCE, NOW, OLD_KEYS

URL = "https://shop.example.com/p?a=1"
SESSION = Session(ICK, DATR)
PROOF = Proof(
    "", "https://other.example", "https://other.example/x", True, NOW + 60, b"1" * NONCE_SIZE
)
TEXT = seal_proof(KEYS, SESSION, URL, PROOF, NONCE)


class ProofTests(SynchronousTestCase):
    """Sealing and opening."""

    def test_for_whom(self) -> None:
        """It opens for its URL, its pair and its time, and for nothing else."""
        table: list[tuple[str, tuple[object, ...], bool]] = [
            ("as it is", (KEYS, SESSION, URL, TEXT, NOW), True),
            ("the last second", (KEYS, SESSION, URL, TEXT, NOW + 60), True),
            ("over", (KEYS, SESSION, URL, TEXT, NOW + 61), False),
            ("another path", (KEYS, SESSION, URL.replace("/p", "/q"), TEXT, NOW), False),
            ("another query", (KEYS, SESSION, URL + "&b", TEXT, NOW), False),
            ("another scheme", (KEYS, SESSION, URL.replace("https", "http"), TEXT, NOW), False),
            ("another host", (KEYS, SESSION, URL.replace("shop", "bank"), TEXT, NOW), False),
            ("another ick", (KEYS, Session(ICK_2, DATR), URL, TEXT, NOW), False),
            ("another datr", (KEYS, Session(ICK, DATR_2), URL, TEXT, NOW), False),
            ("nothing", (KEYS, SESSION, URL, "", NOW), False),
            ("no base64url", (KEYS, SESSION, URL, TEXT + "=", NOW), False),
            ("no ASCII", (KEYS, SESSION, URL, TEXT + "\u20ac", NOW), False),
            ("the nonce alone", (KEYS, SESSION, URL, TEXT[:16], NOW), False),
            ("too long", (KEYS, SESSION, URL, TEXT * 40, NOW), False),
        ]
        for name, arguments, opens in table:
            found = open_proof(*arguments)  # type: ignore[arg-type]
            self.assertEqual(found, PROOF if opens else None, name)

    def test_each_octet_counts(self) -> None:
        """A changed, shortened or lengthened proof is none."""
        octets = decode(TEXT.encode())
        assert octets is not None
        changed = [
            octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :] for at in range(len(octets))
        ]
        for other in (*changed, octets[:-1], octets + b"x"):
            text = encode(other).decode()
            self.assertIsNone(open_proof(KEYS, SESSION, URL, text, NOW))

    def test_retired(self) -> None:
        """The key is that of the session's generation."""
        retired = OLD_KEYS if DATR.generation == 2 else NEW_KEYS
        self.assertRaises(KeyError, open_proof, retired, SESSION, URL, TEXT, NOW)

    def test_shows_nothing(self) -> None:
        """Neither where somebody goes nor where from."""
        self.assertEqual(repr(PROOF), "<proof>")
        self.assertNotIn(b"other", decode(TEXT.encode()) or b"")

    def test_bounded(self) -> None:
        """A Referer that is too long is cut to its origin; what no browser sends goes."""
        long = "https://a.example/" + "x" * 1024
        for given_text, expected in (
            ("", ""),
            ("https://a.example/p?q", "https://a.example/p?q"),
            (long[:1024], long[:1024]),
            (long, "https://a.example/"),
            ("https://" + "a" * 2000 + "/", ""),
            ("https://a.example/\xe9", ""),
        ):
            self.assertEqual(bounded_referer(given_text), expected)

    @settings(max_examples=60, deadline=None)
    @given(
        site=st.sampled_from(["", "null", "https://a.example", "http://b.example"]),
        initiator=st.sampled_from([PERSON, CROSS_SITE, "https://a.example:8443"]),
        referer=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=1024),
        user=st.booleans(),
        nonce=st.binary(min_size=NONCE_SIZE, max_size=NONCE_SIZE),
        url=st.text(max_size=300),
    )
    def test_round_trip(
        self, site: str, initiator: str, referer: str, user: bool, nonce: bytes, url: str
    ) -> None:
        """What goes in comes out."""
        proof = Proof(site, initiator, referer, user, NOW, nonce)
        text = seal_proof(KEYS, SESSION, url, proof, NONCE)
        self.assertEqual(open_proof(KEYS, SESSION, url, text, NOW), proof)
        self.assertEqual(proof.is_topmost, site == "")
        other = attrs.evolve(proof, site=site + "x")
        self.assertNotEqual(seal_proof(KEYS, SESSION, url, other, NONCE), text)
