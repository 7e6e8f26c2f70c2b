"""Offers of sessions: what they hold, and everything that must not open one."""

from __future__ import annotations

import pickle

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.session.attestation import (
    Mode,
    attest,
    open_restore_text,
    seal_restore_text,
    seal_text,
)
from gateway.session.keys import decode, encode
from gateway.session.settle import (
    AGAIN_NEEDED,
    NONCE_SIZE,
    RANDOM_NEEDED,
    Offer,
    Taken,
    offer,
    offer_again,
    take,
)
from tests.session import DATR, ICK, KEYS, NEW_KEYS, NONCE, NOW, OLD_KEYS

SECONDS = 300
RANDOM = bytes(range(RANDOM_NEEDED))
COMMON = "; Path=/; Max-Age=34560000; Secure; SameSite=Strict; Priority=High"


def made(random: bytes = RANDOM, now: int = NOW) -> Offer:
    """An offer of a new session."""
    return offer(KEYS, random, now, SECONDS)


def taken(given: Offer, now: int = NOW, **other: str) -> Taken | None:
    """What an offer holds, parts of it replaced."""
    text, nonce = other.get("text", given.text), other.get("nonce", given.nonce)
    return take(KEYS, text.encode(), nonce.encode(), now)


def cookie_header(given: Offer) -> bytes:
    """What the browser sends to the secure origin afterwards."""
    return b"; ".join(field.partition(b";")[0] for field in given.set_cookies)


class OfferTests(SynchronousTestCase):
    """Step 1."""

    def test_cookies(self) -> None:
        """The ickt is for the page's script, the restore text is not; no other cookie."""
        given = made()
        pair = taken(given)
        assert pair is not None
        ickt, restore = (field.decode() for field in given.set_cookies)
        name, value = ickt.split(";")[0].split("=", 1)
        self.assertEqual(name.encode(), wire.ICKT_COOKIE)
        self.assertEqual(value.encode(), attest(KEYS, pair.ick, pair.datr))
        self.assertEqual(ickt, f"{name}={value}{COMMON}")
        name, value = restore.split(";")[0].split("=", 1)
        self.assertEqual(name.encode(), wire.RESTORE_COOKIE)
        self.assertEqual(restore, f"{name}={value}{COMMON}; HttpOnly")
        self.assertEqual(open_restore_text(KEYS, value.encode()), (pair.ick, pair.datr))
        self.assertLess(len(ickt) + len(restore), 1000)

    def test_it_holds_a_new_pair(self) -> None:
        """That of its own randomness, with its time and nonce."""
        given = made()
        pair = taken(given)
        assert pair is not None
        self.assertEqual(pair.ick.reveal(), RANDOM[:32])
        self.assertEqual((pair.datr.mode, pair.datr.issued_at), (Mode.FULL, NOW))
        self.assertEqual(pair.expires, NOW + SECONDS)
        self.assertEqual(encode(pair.nonce), given.nonce.encode())
        basic = offer(KEYS, RANDOM, NOW, SECONDS, Mode.BASIC)
        found = taken(basic)
        assert found is not None
        self.assertEqual(found.datr.mode, Mode.BASIC)

    def test_all_randomness_is_used_once(self) -> None:
        """Each octet changes its own part: ick, datr, restore text, text, nonce."""
        base, pair = made(), taken(made())
        assert pair is not None
        for place in range(RANDOM_NEEDED):
            changed = bytearray(RANDOM)
            changed[place] ^= 1
            other = made(bytes(changed))
            found = taken(other)
            assert found is not None
            self.assertEqual(found.ick == pair.ick, place >= 32, place)
            self.assertEqual(found.datr == pair.datr, not 32 <= place < 48, place)
            same = base.set_cookies[1] == other.set_cookies[1]
            self.assertEqual(same, place >= 60, place)
            self.assertEqual(base.text == other.text, 48 <= place < 60, place)
            self.assertEqual(base.nonce == other.nonce, place < 72, place)

    def test_again(self) -> None:
        """The same pair from the cookie of step 1; text, nonce and restore text are fresh."""
        given, random = made(), b"r" * AGAIN_NEEDED
        header = [b"a=b", b"c=d; " + cookie_header(given)]
        again = offer_again(KEYS, header, random, NOW + 9, SECONDS)
        assert again is not None
        one, two = taken(given), taken(again, NOW + 9)
        assert one is not None
        assert two is not None
        self.assertEqual((one.ick, one.datr), (two.ick, two.datr))
        self.assertEqual(two.expires, NOW + 9 + SECONDS)
        self.assertEqual(given.set_cookies[0], again.set_cookies[0])
        self.assertNotEqual(given.set_cookies[1], again.set_cookies[1])
        self.assertNotEqual((given.text, given.nonce), (again.text, again.nonce))

    def test_again_of_something_else(self) -> None:
        """No cookie, a tossed one beside it, the text of step 2, another name: nothing."""
        given, other = made(), made(b"x" * RANDOM_NEEDED)
        text = seal_restore_text(KEYS, ICK, DATR, NONCE)
        name = wire.RESTORE_COOKIE + b"="
        for header in (
            [],
            [b"a=b"],
            [name],
            [name + b"junk"],
            [name + given.text.encode()],
            [wire.ICKT_COOKIE + b"=" + text],
            [name + text[:-1]],
            [cookie_header(given), cookie_header(other)],
            [cookie_header(given) + b"; " + name + b"x"],
        ):
            self.assertIsNone(offer_again(KEYS, header, b"r" * AGAIN_NEEDED, NOW, SECONDS), header)
        retired = offer_again(OLD_KEYS, [cookie_header(given)], b"r" * AGAIN_NEEDED, NOW, SECONDS)
        self.assertIsNone(retired)

    def test_nothing_shows(self) -> None:
        """Neither an offer nor what it holds is printed or pickled."""
        given = made()
        for one, text in (
            (given, "<offer of a session>"),
            (taken(given), "<taken offer of a session>"),
        ):
            self.assertEqual((repr(one), str(one), f"{one}"), (text, text, text))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                self.assertRaises(TypeError, pickle.dumps, one, protocol)


class TakeTests(SynchronousTestCase):
    """Step 2, as attackers would have it."""

    def test_in_time(self) -> None:
        """Until the last second; not in the one that ends it, nor ever after."""
        given = made()
        for now, opens in (
            (NOW, True), (NOW + SECONDS - 1, True), (NOW + SECONDS, False), (NOW + 10**9, False),
        ):  # fmt: skip
            self.assertEqual(taken(given, now) is not None, opens, now)

    def test_crossed(self) -> None:
        """Text and nonce of two offers do not go together, though each is ours."""
        one, two = made(), made(bytes(reversed(RANDOM)))
        again = offer_again(KEYS, [cookie_header(one)], b"r" * AGAIN_NEEDED, NOW, SECONDS)
        assert again is not None
        for text, nonce in (
            (one.text, two.nonce), (two.text, one.nonce), (one.text, again.nonce),
            (again.text, one.nonce), (one.nonce, one.text), (one.text, one.text),
        ):  # fmt: skip
            self.assertIsNone(taken(one, text=text, nonce=nonce))
        self.assertIsNotNone(taken(one))

    def test_bits(self) -> None:
        """Any bit of the sealed octets, of the prefix, or of the nonce."""
        given = made()
        version, generation, sealed = given.text.split(".")
        octets = decode(sealed.encode())
        assert octets is not None
        for at in range(len(octets)):
            flipped = bytearray(octets)
            flipped[at] ^= 1 << at % 8
            text = f"{version}.{generation}.{encode(bytes(flipped)).decode()}"
            self.assertIsNone(taken(given, text=text), at)
        for prefix in ("2.2", "1.1", "1.02", "1.3", "1.", ".2", "1.2.2", "1.-2"):
            self.assertIsNone(taken(given, text=f"{prefix}.{sealed}"), prefix)
        nonce = decode(given.nonce.encode())
        assert nonce is not None
        for at in range(NONCE_SIZE * 8):
            flipped = bytearray(nonce)
            flipped[at // 8] ^= 1 << at % 8
            self.assertIsNone(taken(given, nonce=encode(bytes(flipped)).decode()), at)

    def test_truncated(self) -> None:
        """No shorter text or nonce, and none with something behind it."""
        given = made()
        for end in range(len(given.text)):
            self.assertIsNone(taken(given, text=given.text[:end]), end)
        for end in range(len(given.nonce)):
            self.assertIsNone(taken(given, nonce=given.nonce[:end]), end)
        for more in ("A", "AAAA", "=", " ", "\n", ".", "."):
            self.assertIsNone(taken(given, text=given.text + more), more)
            self.assertIsNone(taken(given, nonce=given.nonce + more), more)

    def test_retired(self) -> None:
        """With its generation's keys gone it does not open; beside others it does."""
        given = made()
        pair = (given.text.encode(), given.nonce.encode())
        self.assertIsNone(take(OLD_KEYS, *pair, NOW))
        self.assertIsNotNone(take(NEW_KEYS, *pair, NOW))

    def test_other_texts(self) -> None:
        """A restore text is no offer and an offer is no restore text: the keys differ."""
        given = made()
        restore = seal_restore_text(KEYS, ICK, DATR, NONCE)
        self.assertIsNone(open_restore_text(KEYS, given.text.encode()))
        self.assertIsNone(taken(given, text=restore.decode()))
        # Even one that is laid out like an offer: nobody could tell it by its content.
        nonce = b"o" * NONCE_SIZE
        plain = ICK.reveal() + DATR.text + (NOW + 9).to_bytes(8, "big") + nonce
        for label, opens in (("settle", True), ("restore", False), ("ickt", False)):
            text = seal_text(KEYS, label, DATR.generation, NONCE, plain)
            self.assertEqual(take(KEYS, text, encode(nonce), NOW) is not None, opens, label)

    def test_short_plain(self) -> None:
        """A sealed text of ours that is too short is none, whatever stands in it."""
        for size in (0, 1, 16, 24, 32, 55, 56, 57):
            text = seal_text(KEYS, "settle", 2, NONCE, b"\xff" * size)
            nonce = encode(b"\xff" * min(size, NONCE_SIZE))
            self.assertIsNone(take(KEYS, text, nonce, NOW), size)

    @settings(deadline=None)
    @given(st.binary(max_size=80), st.binary(max_size=40))
    def test_anything(self, text: bytes, nonce: bytes) -> None:
        """No octets open."""
        given = made()
        for one in (text, b"1.2." + encode(text), given.text.encode() + text):
            for two in (nonce, encode(nonce)):
                self.assertIsNone(take(KEYS, one or b"x", two, NOW))
