"""The server's keys and the type that holds an ``ick``."""

from __future__ import annotations

import base64
import copy
import json
import pickle

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.session.keys import (
    Ick,
    ServerKeys,
    add_generation,
    decode,
    encode,
    new_key_file,
    parse_keys,
    retire_generation,
)
from tests.session import ICK, ICK_2, KEYS, ROOTS

SECRET = bytes(range(32))
TEXT = encode(SECRET).decode("ascii")
HEADER = "gateway-keys-1\n"


class Base64Tests(SynchronousTestCase):
    """One text for each value, and no other."""

    @settings(deadline=None)
    @given(st.binary(max_size=80))
    def test_round_trip(self, octets: bytes) -> None:
        """Any octets come back; the text needs no quoting in a cookie or URL."""
        text = encode(octets)
        self.assertEqual(decode(text), octets)
        self.assertRegex(text, rb"\A[A-Za-z0-9_-]*\Z")

    @settings(deadline=None)
    @given(st.binary(max_size=12))
    def test_canonical(self, text: bytes) -> None:
        """What decodes is exactly what would have been encoded."""
        octets = decode(text)
        if octets is not None:
            self.assertEqual(encode(octets), text)

    def test_other_texts(self) -> None:
        """Padding, the other alphabet, blanks, spare bits and odd lengths are refused."""
        for text in (
            b"AA==", b"AAA=", b"AB", b"AAB", b"A", b"AAAAA", b"+_", b"//", b"AA AA", b"AAAA\n",
            b" AAAA", b"AA.A", b"A=AA", b"=", b"\xff\xff", b"AAAA====",
        ):  # fmt: skip
            self.assertIsNone(decode(text), text)


class IckTests(SynchronousTestCase):
    """Parsing and hiding."""

    def test_cookie_value(self) -> None:
        """A version character and 43 of base64url, and back."""
        self.assertEqual(ICK.cookie_value(), b"1" + TEXT.encode())
        self.assertEqual(Ick.from_cookie(ICK.cookie_value()), ICK)
        self.assertEqual(ICK.reveal(), SECRET)

    def test_what_is_no_ick(self) -> None:
        """Another version, length, alphabet or spare bit is not one of ours."""
        good = ICK.cookie_value()
        for value in (
            b"", b"1", good[1:], b"2" + good[1:], b"0" + good[1:], good[:-1], good + b"A",
            good + b"=", good + b" ", b" " + good, b'"' + good + b'"', b"1" + encode(SECRET[:31]),
            b"1" + encode(SECRET + b"x"), good[:-1] + b"9", good[:5] + b"+" + good[6:],
            good[:5] + b"%41" + good[6:],
        ):  # fmt: skip
            self.assertIsNone(Ick.from_cookie(value), value)
        for size in (0, 31, 33):
            error = self.assertRaises(ValueError, Ick, b"S" * size)
            self.assertNotIn("SS", str(error))

    def test_equality(self) -> None:
        """Two icks with the same octets are equal; nothing else is."""
        self.assertEqual(ICK, Ick(SECRET))
        self.assertNotEqual(ICK, ICK_2)
        self.assertNotEqual(ICK, SECRET)

    def test_an_ick_shows_nothing(self) -> None:
        """Neither text, container, hash, copy nor serialisation gives its octets."""
        for text in (repr(ICK), str(ICK), f"{ICK}", f"{ICK!r:>5}", "%s" % (ICK,), f"{ICK!s}"):  # noqa: UP031
            self.assertEqual(text, "<ick>")
        self.assertEqual(repr([ICK, {"k": ICK}]), "[<ick>, {'k': <ick>}]")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            self.assertRaises(TypeError, pickle.dumps, ICK, protocol)
        for hidden in (hash, copy.copy, copy.deepcopy, json.dumps, bytes, vars):
            self.assertRaises(TypeError, hidden, ICK)


class ServerKeyTests(SynchronousTestCase):
    """Roots by generation, and what is derived from them."""

    def test_derived_keys(self) -> None:
        """Every label, generation and root has a key of its own, always the same."""
        keys = {
            (root, label, generation): ServerKeys({generation: root}).key(label, generation)
            for root in ROOTS.values()
            for label in ("datr", "ickt", "pepper", "restore", "token")
            for generation in (1, 2, 11)
        }
        self.assertEqual(len(set(keys.values())), len(keys))
        self.assertEqual({len(key) for key in keys.values()}, {32})
        self.assertFalse(set(keys.values()) & set(ROOTS.values()))
        self.assertEqual(KEYS.key("datr", 2), keys[ROOTS[2], "datr", 2])
        self.assertEqual(KEYS.key("datr", 2), KEYS.key("datr", 2))

    def test_generations(self) -> None:
        """The newest is the highest; a retired one has no key."""
        keys = ServerKeys({9: b"a" * 32, 10: b"b" * 32, 2: b"c" * 32})
        self.assertEqual((keys.newest, keys.generations), (10, (2, 9, 10)))
        self.assertTrue(keys.has(2))
        self.assertFalse(keys.has(1))
        self.assertRaises(KeyError, keys.key, "datr", 1)

    def test_key_file(self) -> None:
        """Header, comments, blank lines, one secret of 32 octets or more on a line."""
        text = f"{HEADER}# first\n\n1 {TEXT}\n 2\t{encode(b'x' * 64).decode()} \r\n"
        keys = parse_keys(text)
        self.assertEqual((keys.newest, keys.has(1), keys.has(3)), (2, True, False))
        self.assertEqual(keys.key("datr", 1), ServerKeys({1: SECRET}).key("datr", 1))
        fresh = parse_keys(new_key_file(SECRET))
        self.assertEqual(fresh.key("datr", fresh.newest), keys.key("datr", 1))

    def test_bad_key_files(self) -> None:
        """The error names the line and never shows what is on it."""
        for text, line in (
            ("", "line 1"),
            (f"1 {TEXT}\n", "line 1"),
            (f"gateway-keys-2\n1 {TEXT}\n", "line 1"),
            (f"{HEADER}1 {TEXT[:-1]}\n", "line 2"),
            (f"{HEADER}\n# x\n1 {TEXT}=\n", "line 4"),
            (f"{HEADER}{TEXT}\n", "line 2"),
            (f"{HEADER}one {TEXT}\n", "line 2"),
            (f"{HEADER}-1 {TEXT}\n", "line 2"),
            (f"{HEADER}1 {TEXT} {TEXT}\n", "line 2"),
            (f"{HEADER}1 {TEXT[:40]}\n", "line 2"),
            (f"{HEADER}1 {TEXT[:20]}\xe9{TEXT[21:]}\n", "line 2"),
            (HEADER, "no secret"),
            (f"{HEADER}# only a comment\n", "no secret"),
        ):
            error = str(self.assertRaises(ValueError, parse_keys, text))
            self.assertIn(line, error, text)
            self.assertNotIn(TEXT[:12], error)

    def test_server_keys_show_nothing(self) -> None:
        """Neither text nor serialisation gives a root or a derived key."""
        keys = parse_keys(new_key_file(SECRET))
        derived = keys.key("datr", 1)
        for text in (repr(keys), str(keys), f"{keys}", repr([keys])):
            for secret in (SECRET, derived):
                self.assertNotIn(repr(secret)[2:-1], text)
                self.assertNotIn(encode(secret).decode(), text)
            self.assertIn("<server keys, generations [1]>", text)

    def test_server_keys_are_not_serialisable(self) -> None:
        """No pickle holds a root, not even by way of what refers to the keys."""
        keys = parse_keys(new_key_file(SECRET))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            self.assertRaises(TypeError, pickle.dumps, keys, protocol)

    def test_the_alphabet_is_that_of_base64url(self) -> None:
        """The key file is made and read with what every base64url tool makes."""
        odd = b"\xfb\xff" * 16
        text = base64.urlsafe_b64encode(odd).decode().rstrip("=")
        self.assertEqual(new_key_file(odd), f"{HEADER}1 {text}\n")
        self.assertIn("-_", text)


_noise = st.lists(
    st.sampled_from(["", " ", "\t", "# 2 x", "#", f"# 1 {TEXT}", "#\x0c", "# last\r"]), max_size=4
)
_secrets = st.binary(min_size=32, max_size=40)
_roots = st.dictionaries(st.integers(0, 999_999_998), _secrets, min_size=1, max_size=5)


@st.composite
def _key_files(draw: st.DrawFn) -> tuple[str, dict[int, bytes]]:
    roots = draw(_roots)
    lines = [HEADER.rstrip()]
    for generation, secret in roots.items():
        lines += [*draw(_noise), f"{generation} {encode(secret).decode()}"]
    return "\n".join([*lines, *draw(_noise)]) + draw(st.sampled_from(["", "\n"])), roots


class ChangeTests(SynchronousTestCase):
    """Generations that come and go."""

    @settings(deadline=None)
    @given(_key_files(), _secrets)
    def test_add(self, given: tuple[str, dict[int, bytes]], secret: bytes) -> None:
        """What was there is there, octet for octet; one generation more, the newest."""
        text, roots = given
        added = add_generation(text, secret)
        self.assertTrue(added.startswith(text))
        keys, newest = parse_keys(added), max(roots) + 1
        self.assertEqual(keys.generations, tuple(sorted({*roots, newest})))
        wanted = ServerKeys(roots | {newest: secret})
        for generation in keys.generations:
            self.assertEqual(keys.key("datr", generation), wanted.key("datr", generation))

    @settings(deadline=None)
    @given(_key_files(), _secrets, st.data())
    def test_retire(
        self, given: tuple[str, dict[int, bytes]], secret: bytes, data: st.DataObject
    ) -> None:
        """One line is gone, and nothing else; the secret is nowhere in the rest."""
        text, roots = given
        generation = data.draw(st.sampled_from(sorted(roots)))
        added = add_generation(text, secret)
        left = retire_generation(added, generation)
        self.assertEqual(
            parse_keys(left).generations, (*sorted({*roots} - {generation}), max(roots) + 1)
        )
        lines = added.splitlines(keepends=True)
        gone = [one for one in lines if one.startswith(f"{generation} ")]
        self.assertEqual(len(gone), 1)
        lines.remove(gone[0])
        self.assertEqual(left, "".join(lines))

    def test_no_reuse(self) -> None:
        """The number of one that was retired is not given again."""
        text = add_generation(new_key_file(SECRET), b"2" * 32)
        text = retire_generation(add_generation(text, b"3" * 32), 2)
        self.assertEqual(parse_keys(add_generation(text, b"4" * 32)).generations, (1, 3, 4))

    def test_what_cannot_be_retired(self) -> None:
        """The newest, the only one and one that is not there; the words say which."""
        one = new_key_file(SECRET)
        three = add_generation(add_generation(one, b"2" * 32), b"3" * 32)
        for text, generation, words in (
            (one, 1, "generation 1 is the only one"),
            (one, 2, "no generation 2, only 1"),
            (three, 3, "generation 3 is the newest"),
            (three, 0, "no generation 0, only 1, 2, 3"),
            (three, 4, "no generation 4"),
        ):
            self.assertIn(words, parse_keys(text).why_not_retire(generation) or "")
            error = self.assertRaises(ValueError, retire_generation, text, generation)
            self.assertIn(words, str(error))
            self.assertNotIn(TEXT[:12], str(error))
        for generation in (1, 2):
            self.assertIsNone(parse_keys(three).why_not_retire(generation))

    def test_no_number_left(self) -> None:
        """After the last number of nine digits none is made that could not be read."""
        text = f"{HEADER}999999998 {TEXT}\n"
        text = add_generation(text, b"2" * 32)
        self.assertEqual(parse_keys(text).newest, 999_999_999)
        error = self.assertRaises(ValueError, add_generation, text, b"3" * 32)
        self.assertIn("no number after generation 999999999", str(error))

    def test_bad_files_stay(self) -> None:
        """What cannot be read is not changed; the error is that of reading."""
        for text in ("", HEADER, f"{HEADER}1 {TEXT}\n1 {TEXT}\n"):
            wanted = str(self.assertRaises(ValueError, parse_keys, text))
            for change in (
                lambda text=text: add_generation(text, SECRET),
                lambda text=text: retire_generation(text, 1),
            ):
                self.assertEqual(str(self.assertRaises(ValueError, change)), wanted)
