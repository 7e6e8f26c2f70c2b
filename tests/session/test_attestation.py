"""``datr``, ``ickt`` and the restore text."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.session.attestation import (
    Mode,
    attest,
    challenge_answer,
    mint_datr,
    open_restore_text,
    page_proof,
    pair,
    seal_restore_text,
    verify_datr,
)
from gateway.session.keys import ServerKeys, encode
from tests.session import DATR, DATR_2, ICK, ICK_2, KEYS, NEW_KEYS, NONCE, NOW, OLD_KEYS, ROOTS


def _damaged(text: bytes, inserted: bytes) -> set[bytes]:
    """``text`` with one octet changed, gone, doubled or put in, at every place."""
    found = set()
    for place in range(len(text) + 1):
        before, after = text[:place], text[place:]
        found |= {before + bytes([octet]) + after for octet in inserted}
        if after:
            found.add(before + after[1:])
            for other in (after[0] ^ 1, after[0] ^ 0x20, after[0] ^ 0x80, *b".A0 "):
                found.add(before + bytes([other]) + after[1:])
    return found - {text}


class DatrTests(SynchronousTestCase):
    """Minting and verifying."""

    def test_form(self) -> None:
        """Version, generation, mode, time, random and MAC."""
        parts = DATR.text.split(b".")
        self.assertEqual(parts[:4], [b"1", b"2", b"full", b"1790000000"])
        self.assertEqual(parts[4], encode(b"d" * 16))
        self.assertEqual(len(parts[5]), 43)
        self.assertEqual(len(parts), 6)

    def test_round_trip(self) -> None:
        """What was minted verifies, with mode, time and generation, also after a new key."""
        for mode in Mode:
            for keys in (OLD_KEYS, KEYS):
                datr = mint_datr(keys, b"r" * 16, NOW, mode)
                self.assertEqual(verify_datr(KEYS, datr.text), datr)
                self.assertEqual((datr.mode, datr.issued_at), (mode, NOW))
                self.assertEqual(datr.generation, keys.newest)

    def test_tampering(self) -> None:
        """No change at any octet verifies."""
        for text in _damaged(DATR.text, b"0A.- \0"):
            self.assertIsNone(verify_datr(KEYS, text), text)

    def test_other_texts(self) -> None:
        """Rubbish and recombined texts are refused without an exception."""
        mac = DATR.text.rpartition(b".")[2]
        other = DATR_2.text.rpartition(b".")[0]
        for text in (
            b"", b".", b".....", b"1", b"1.AAAA", b"1.2.AAAA", DATR.text + b".",
            b"." + DATR.text, other + b"." + mac,
            DATR.text.replace(b"full", b"basic"), DATR.text.replace(b".2.", b".1."),
            DATR.text.replace(b".2.", b".99999999999999999999."), DATR.text.replace(b".2.", b".x."),
            DATR.text.replace(b".2.", b".\xb2."), DATR.text.replace(b".2.", b".-2."),
            DATR.text.rpartition(b".")[0] + b".", DATR.text.rpartition(b".")[0], b"\xff" * 100,
        ):  # fmt: skip
            self.assertIsNone(verify_datr(KEYS, text), text)

    @settings(deadline=None)
    @given(st.lists(st.sampled_from([b"1", b".", b"2", b"full", b"basic", b"AAAA", b"\xff", b"-"])))
    def test_rubbish(self, parts: list[bytes]) -> None:
        """No mixture of parts verifies or raises."""
        self.assertIsNone(verify_datr(KEYS, b"".join(parts)))

    def test_retired_generation(self) -> None:
        """With its generation a session ends; another root of the same number is no help."""
        old = mint_datr(OLD_KEYS, b"r" * 16, NOW, Mode.FULL)
        self.assertIsNotNone(verify_datr(KEYS, old.text))
        self.assertIsNone(verify_datr(NEW_KEYS, old.text))
        self.assertIsNone(verify_datr(ServerKeys({1: ROOTS[2]}), old.text))

    def test_repr_shows_no_identifier(self) -> None:
        """Neither the random part nor the MAC is in a repr."""
        for text in (repr(DATR), str(DATR), f"{DATR}"):
            self.assertEqual(text, "<datr, generation 2>")


class PairTests(SynchronousTestCase):
    """The pair and its attestation."""

    def test_pair(self) -> None:
        """It is the digest of both, as the design says."""
        self.assertEqual(pair(ICK, DATR), hashlib.sha256(bytes(range(32)) + DATR.text).digest())

    def test_ickt_depends_on_everything(self) -> None:
        """Another ick, datr or root gives another ickt; the same ones give the same."""
        other_root = ServerKeys({2: b"x" * 32})
        found = [
            attest(KEYS, ICK, DATR),
            attest(KEYS, ICK_2, DATR),
            attest(KEYS, ICK, DATR_2),
            attest(KEYS, ICK_2, DATR_2),
            attest(other_root, ICK, DATR),
        ]
        self.assertEqual(len(set(found)), 5)
        self.assertEqual(attest(KEYS, ICK, DATR), found[0])
        self.assertEqual({len(text) for text in found}, {43})

    def test_ickt_takes_the_generation_of_the_datr(self) -> None:
        """A new root changes no ickt that exists."""
        old = mint_datr(OLD_KEYS, b"r" * 16, NOW, Mode.FULL)
        self.assertEqual(attest(KEYS, ICK, old), attest(OLD_KEYS, ICK, old))

    def test_ickt_reveals_nothing(self) -> None:
        """It is neither the pair itself nor a part of what it attests."""
        ickt = attest(KEYS, ICK, DATR)
        self.assertNotEqual(ickt, encode(pair(ICK, DATR)))
        for part in (*DATR.text.split(b".")[4:], ICK.cookie_value()[1:20]):
            self.assertNotIn(part, ickt)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters=" "), max_size=12)
PAGE = "https://https-shop-example-com.0.gw.example.org"


class ProofTests(SynchronousTestCase):
    """What a page shows to the outer frame."""

    ickt = attest(KEYS, ICK, DATR)

    def test_page_proof(self) -> None:
        """Of the ickt, the nonce and the page's own origin; the digest is the documented one."""
        proof = page_proof(self.ickt, "n0nce", PAGE)
        text = f"1 page n0nce {PAGE}".encode()
        self.assertEqual(proof, encode(hmac.digest(self.ickt, text, "sha256")))
        others = {
            page_proof(attest(KEYS, ICK_2, DATR), "n0nce", PAGE),
            page_proof(attest(KEYS, ICK, DATR_2), "n0nce", PAGE),
            page_proof(self.ickt, "n0ncf", PAGE),
            page_proof(self.ickt, "n0nce", PAGE.replace("shop", "show")),
            proof,
        }
        self.assertEqual(len(others), 5)

    def test_challenge_answer(self) -> None:
        """Of the challenge, too; the digest is the documented one."""
        answer = challenge_answer(self.ickt, "c", "n", PAGE)
        text = f"1 answer c n {PAGE}".encode()
        self.assertEqual(answer, encode(hmac.digest(self.ickt, text, "sha256")))
        others = {
            challenge_answer(attest(KEYS, ICK_2, DATR), "c", "n", PAGE),
            challenge_answer(self.ickt, "d", "n", PAGE),
            challenge_answer(self.ickt, "c", "m", PAGE),
            challenge_answer(self.ickt, "c", "n", f"{PAGE}:8443"),
            challenge_answer(self.ickt, "n", "c", PAGE),
            page_proof(self.ickt, "n", PAGE),
            page_proof(self.ickt, "c", PAGE),
            answer,
        }
        self.assertEqual(len(others), 8)

    @settings(deadline=None)
    @given(
        st.lists(
            st.one_of(st.tuples(WORDS, WORDS), st.tuples(WORDS, WORDS, WORDS)),
            min_size=2, max_size=2, unique=True,
        )
    )  # fmt: skip
    def test_no_two_lists_give_one_text(self, lists: list[tuple[str, ...]]) -> None:
        """Neither among themselves nor between proofs and answers."""
        found = {
            page_proof(self.ickt, *words)  # type: ignore[call-arg]
            if len(words) == 2
            else challenge_answer(self.ickt, *words)  # type: ignore[call-arg]
            for words in lists
        }
        self.assertEqual(len(found), 2)

    def test_words_that_run_together(self) -> None:
        """What one list has at the end of a word and another at its beginning; empty words."""
        for name, left, right in (
            ("proof", ("ab", "c"), ("a", "bc")),
            ("proof", ("", "ab"), ("ab", "")),
            ("answer", ("a", "bc", PAGE), ("ab", "c", PAGE)),
            ("answer", ("", "a", PAGE), ("a", "", PAGE)),
        ):
            of = page_proof if name == "proof" else challenge_answer
            self.assertNotEqual(of(self.ickt, *left), of(self.ickt, *right))  # type: ignore[operator]
        self.assertNotEqual(
            page_proof(self.ickt, "a", PAGE), challenge_answer(self.ickt, "a", "", PAGE)
        )
        self.assertNotEqual(
            page_proof(self.ickt, "answer", PAGE), challenge_answer(self.ickt, "page", "", PAGE)
        )


class RestoreTextTests(SynchronousTestCase):
    """What the outer frame keeps."""

    def setUp(self) -> None:
        """Seal one pair."""
        self.text = seal_restore_text(KEYS, ICK, DATR, NONCE)

    def test_round_trip(self) -> None:
        """The pair comes back exactly; old generations too while they live."""
        self.assertEqual(open_restore_text(KEYS, self.text), (ICK, DATR))
        old = mint_datr(OLD_KEYS, b"r" * 16, NOW, Mode.BASIC)
        text = seal_restore_text(KEYS, ICK, old, NONCE)
        self.assertEqual(open_restore_text(KEYS, text), (ICK, old))
        self.assertIsNone(open_restore_text(NEW_KEYS, text))
        self.assertIsNone(open_restore_text(ServerKeys({2: b"x" * 32}), self.text))

    def test_it_shows_nothing(self) -> None:
        """Neither cookie is in it, and the same pair under another nonce has another text."""
        for part in (*DATR.text.split(b".")[4:], ICK.cookie_value()[1:20]):
            self.assertNotIn(part, self.text)
        other = seal_restore_text(KEYS, ICK, DATR, b"m" * 12)
        self.assertNotEqual(other[20:60], self.text[20:60])

    def test_tampering(self) -> None:
        """No change at any octet opens."""
        for text in _damaged(self.text, b"A.- \0"):
            self.assertIsNone(open_restore_text(KEYS, text), text)

    def test_one_text_only(self) -> None:
        """Another spelling of the generation is another text, so it does not open."""
        for number in (b"02", b"002", b"0000000021"):
            text = self.text.replace(b"1.2.", b"1." + number + b".", 1)
            self.assertIsNone(open_restore_text(KEYS, text), number)

    def test_other_texts(self) -> None:
        """Rubbish of any length is refused without an exception."""
        for text in (b"", b".", b"..", b"1", b"1.2", b"1.2.", b"1..", b"2.2.AAAA", b"1.\xb2.AAAA"):
            self.assertIsNone(open_restore_text(KEYS, text), text)
        for size in range(100):
            self.assertIsNone(open_restore_text(KEYS, b"1.2." + encode(b"x" * size)), size)
        for part in (DATR.text, ICK.cookie_value(), attest(KEYS, ICK, DATR)):
            self.assertIsNone(open_restore_text(KEYS, part), part)

    @settings(deadline=None)
    @given(st.binary(max_size=100))
    def test_rubbish(self, octets: bytes) -> None:
        """No octets at all open or raise."""
        self.assertIsNone(open_restore_text(KEYS, octets))
        self.assertIsNone(open_restore_text(KEYS, b"1.2." + octets))
