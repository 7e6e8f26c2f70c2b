"""Minting, restoring, and expiring tossed duplicates."""

from __future__ import annotations

import pickle
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway import wire
from gateway.cookies.rules import path_match
from gateway.session.attestation import Mode, attest, open_restore_text
from gateway.session.bootstrap import (
    RANDOM_NEEDED,
    Minted,
    expire_duplicates,
    mint,
    restore,
    session_cookies,
)
from gateway.session.reading import read_session
from tests.cookies import Bucket
from tests.session import DATR, ICK, KEYS, NONCE, NOW

DOMAIN = "gw.example.org"
HOST = f"https-example-com.0.{DOMAIN}"
RANDOM = bytes(range(RANDOM_NEEDED))
COMMON = "; Path=/; Max-Age=34560000; Secure; HttpOnly; SameSite=Lax; Priority=High"
FIELD = re.compile(
    rb"__Http-(?:ick|datr)=; Path=(/[\x21-\x3a\x3c-\x7e]*)(?:; Domain=([a-z0-9.-]+))?"
    rb"; Max-Age=0; Secure; HttpOnly"
)


def _header(minted: Minted) -> bytes:
    return b"; ".join(field.partition(b";")[0] for field in minted.set_cookies)


def _where(path: str, domain: str = DOMAIN) -> set[tuple[bytes, bytes, bytes]]:
    """Name, path and domain of every field; each must be well formed."""
    found = set()
    for field in expire_duplicates(path, HOST, domain):
        matched = FIELD.fullmatch(field)
        assert matched is not None, field
        found.add((field.partition(b"=")[0], matched[1], matched[2] or b""))
    return found


class MintTests(SynchronousTestCase):
    """A new session."""

    def test_attributes(self) -> None:
        """Both cookies have exactly the attributes of the design, each its domain."""
        ick, datr = session_cookies(ICK, DATR, DOMAIN)
        name, datr_name = wire.ICK_COOKIE.decode(), wire.DATR_COOKIE.decode()
        self.assertEqual(
            ick.decode(), f"{name}={ICK.cookie_value().decode()}; Domain=0.{DOMAIN}{COMMON}"
        )
        self.assertEqual(
            datr.decode(), f"{datr_name}={DATR.text.decode()}; Domain={DOMAIN}{COMMON}"
        )

    def test_attributes_apart(self) -> None:
        """For a third party's frames, in the partition of the outer frame's site."""
        common = COMMON.replace("SameSite=Lax", "SameSite=None; Partitioned")
        wanted = [
            f"{name.decode()}={value.decode()}; Domain=0.i.example.net{common}"
            for name, value in (
                (wire.ICK_COOKIE, ICK.cookie_value()),
                (wire.DATR_COOKIE, DATR.text),
            )
        ]
        found = session_cookies(ICK, DATR, "i.example.net", apart=True)
        self.assertEqual([field.decode() for field in found], wanted)

    def test_a_minted_session_is_one(self) -> None:
        """The cookies read as a session whose ickt and restore text are those given."""
        for mode in Mode:
            minted = mint(KEYS, RANDOM, NOW, DOMAIN, mode)
            session = read_session([_header(minted)], KEYS).session
            assert session is not None
            self.assertEqual((session.datr.mode, session.datr.issued_at), (mode, NOW))
            self.assertEqual(session.ick.reveal(), RANDOM[:32])
            self.assertEqual(minted.ickt.encode(), attest(KEYS, session.ick, session.datr))
            opened = open_restore_text(KEYS, minted.restore_text.encode())
            self.assertEqual(opened, (session.ick, session.datr))

    def test_all_randomness_is_used_once(self) -> None:
        """Each random octet changes its own part of the answer, and no other."""
        self.assertEqual(RANDOM_NEEDED, 32 + 16 + 12)
        base = mint(KEYS, RANDOM, NOW, DOMAIN)
        for place in range(RANDOM_NEEDED):
            changed = bytearray(RANDOM)
            changed[place] ^= 1
            other = mint(KEYS, bytes(changed), NOW, DOMAIN)
            same = [
                one == two for one, two in zip(base.set_cookies, other.set_cookies, strict=True)
            ]
            self.assertEqual(same, [place >= 32, not 32 <= place < 48], place)
            self.assertEqual(base.ickt == other.ickt, place >= 48, place)
            self.assertNotEqual(base.restore_text, other.restore_text, place)

    def test_restore(self) -> None:
        """The same two cookies, octet for octet, and the same ickt; a fresh text."""
        minted = mint(KEYS, RANDOM, NOW, DOMAIN, Mode.BASIC)
        again = restore(KEYS, minted.restore_text.encode(), NONCE, DOMAIN)
        assert again is not None
        self.assertEqual((again.set_cookies, again.ickt), (minted.set_cookies, minted.ickt))
        self.assertNotEqual(again.restore_text, minted.restore_text)

    def test_restore_of_something_else(self) -> None:
        """What we did not seal sets nothing."""
        minted = mint(KEYS, RANDOM, NOW, DOMAIN)
        for text in (b"", b"junk", minted.ickt.encode(), minted.restore_text.encode()[:-1]):
            self.assertIsNone(restore(KEYS, text, NONCE, DOMAIN), text)

    def test_a_minted_session_shows_nothing(self) -> None:
        """Its repr, str and format are a constant."""
        minted = mint(KEYS, RANDOM, NOW, DOMAIN)
        for text in (repr(minted), str(minted), f"{minted}"):
            self.assertEqual(text, "<minted session>")

    def test_a_minted_session_is_not_serialisable(self) -> None:
        """It holds an ick, so no pickle may hold it."""
        minted = mint(KEYS, RANDOM, NOW, DOMAIN)
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            self.assertRaises(TypeError, pickle.dumps, minted, protocol)


class ExpiryTests(SynchronousTestCase):
    """Ending both cookies wherever a sibling could have put them."""

    _paths = st.lists(st.text("ab%.~:=,!'&+-_", min_size=1, max_size=4), max_size=6)

    def _check_covers(self, path: str) -> None:
        request = path.partition("?")[0].encode()
        places = {request[:end] for end in range(1, len(request) + 1)}
        places |= {place + b"/" for place in places}
        wanted = {place for place in places if path_match(request, place)} | {b"/"}
        levels = {b"", HOST.encode(), f"0.{DOMAIN}".encode(), DOMAIN.encode()}
        found = _where(path)
        for name in wire.OWN_COOKIES:
            missing = {(name, where, level) for where in wanted for level in levels} - found
            self.assertEqual(missing, set(), path)

    @settings(deadline=None)
    @given(_paths, st.booleans(), st.sampled_from(("", "?", "?a=/b/c", "?/;")))
    def test_every_place(self, segments: list[str], slash: bool, query: str) -> None:
        """Every path that matches the request, at every level, for both names."""
        self._check_covers("/" + "/".join(segments) + "/" * (slash and bool(segments)) + query)

    def test_empty_segments(self) -> None:
        """Paths with doubled slashes have prefixes that end in them."""
        for path in ("//", "//a/b", "/a//b", "/a///", "/a/b//"):
            self._check_covers(path)

    def test_apart(self) -> None:
        """Every place in both stores that a third party's frame may have."""
        plain = expire_duplicates("/a/b", HOST, DOMAIN)
        found = expire_duplicates("/a/b", HOST, DOMAIN, apart=True)
        wanted = {field + b"; SameSite=None" for field in plain}
        wanted |= {field + b"; SameSite=None; Partitioned" for field in plain}
        self.assertEqual(set(found), wanted)
        self.assertEqual(len(found), len(wanted))

    def test_levels_above_the_gateway(self) -> None:
        """A sibling of the gateway's own domain can toss to every host below its parent."""
        levels = {level for _, _, level in _where("/", "a.gw.example.org")}
        self.assertLessEqual({b"a.gw.example.org", b"gw.example.org", b"example.org"}, levels)

    def test_tossed_cookies_end(self) -> None:
        """In a jar of the same rules nothing is left of what a sibling tossed."""
        sibling, victim = f"https://evil.0.{DOMAIN}/", f"https://{HOST}/a/b/c"
        bucket = Bucket("example.org")
        fields = [
            name + b"=tossed; Secure; HttpOnly; Path=" + path + b"; Domain=" + level
            for name in wire.OWN_COOKIES
            for path in (b"/", b"/a", b"/a/", b"/a/b", b"/a/b/", b"/a/b/c")
            for level in (f"0.{DOMAIN}".encode(), DOMAIN.encode())
        ]
        bucket.receive(sibling, *fields)
        self.assertEqual(bucket.header(victim).count(b"tossed"), 24)
        bucket.receive(victim, *expire_duplicates("/a/b/c?q", HOST, DOMAIN))
        self.assertEqual(bucket.header(victim), b"")

    def test_nothing_can_be_smuggled_in(self) -> None:
        """A path with semicolons, blanks or control characters adds no attribute."""
        for bad in (*map(chr, range(0x21)), ";", "\x7f", "\x80", "\xa0", "\u2028", "\ud800"):
            for path in (f"/{bad}", f"/a{bad} Domain=x", f"/a/{bad}Max-Age=9/b", f"/a/b{bad}"):
                for _, where, level in _where(path):
                    self.assertNotIn(b"=", where, path)
                    self.assertNotEqual(level, b"x", path)

    @settings(deadline=None)
    @given(st.text(max_size=60))
    def test_any_path(self, path: str) -> None:
        """Whatever the path, fields are well formed, few, and set no value."""
        for target in (path, "/" + path, "/a/" + path):
            self.assertLessEqual(len(_where(target)), 2 * 13 * 8)

    def test_the_query_is_no_part_of_it(self) -> None:
        """Nothing after a question mark comes back."""
        self.assertEqual(_where("/a?/b/c; Domain=x"), _where("/a"))

    def test_the_number_is_bounded(self) -> None:
        """However deep the path, the answer has no more than some hundred fields."""
        for path in ("/" + "a/" * 5000, "/" * 5000, "/" + "/".join(map(str, range(5000)))):
            self.assertLessEqual(len(expire_duplicates(path, HOST, DOMAIN)), 2 * 13 * 8)

    def test_the_size_is_bounded(self) -> None:
        """No Path has more than 1024 octets: browsers ignore a longer one."""
        for path in ("/" + "a" * 5000, ("/" + "a" * 600) * 6):
            for _, where, _ in _where(path):
                self.assertLessEqual(len(where), 1024)
