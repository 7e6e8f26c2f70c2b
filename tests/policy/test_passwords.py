"""The text of a password file."""

from __future__ import annotations

import contextlib

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gateway.policy.passwords import (
    decoy,
    normal,
    parse_passwords,
    why_no_user,
    with_user,
    without_user,
)

HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x")
TAIL = HASH.rpartition("p=1")[2]


class PasswordsTests(SynchronousTestCase):
    """Lines, and changes of them."""

    def test_parsed(self) -> None:
        """Comments and blank lines say nothing; names are compared in normal form."""
        text = f"# people\n\nada:{HASH}\ne\u0301ric:{HASH}\r\n"
        self.assertEqual(parse_passwords(text), {"ada": HASH, "\xe9ric": HASH})
        self.assertEqual(parse_passwords(""), {})

    def test_faults(self) -> None:
        """Each names its line and quotes nothing."""
        table = (
            "ada",
            ":" + HASH,
            "ada:" + HASH.replace("argon2id", "argon2i"),
            "ada:s3cret",
            "ada:{SHA}s3cret",
            f"ada:$argon2id$v=19$m=8,t=1,p=0{TAIL}",
            f"ada:$argon2id$v=19$m=7,t=1,p=1{TAIL}",
            f"ada:$argon2id$v=19$m=9999999,t=1,p=1{TAIL}",
            f"ada:$argon2id$v=19$m=8,t=9999,p=1{TAIL}",
            f"ada:{HASH}\nada:{HASH}",
            " ada:" + HASH,
        )
        for text in table:
            with self.assertRaises(ValueError, msg=text) as caught:
                parse_passwords(f"# first\n{text}\n")
            self.assertRegex(str(caught.exception), r"^line [23]: ")
            self.assertNotIn("s3cret", str(caught.exception))

    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        """Only ``ValueError`` is ever raised."""
        with contextlib.suppress(ValueError):
            parse_passwords(text)

    def test_changed(self) -> None:
        """All other lines stay as they were, comments too."""
        text = f"# a\nada:{HASH}\n\nbob:{HASH}"
        new = HASH.replace("t=1", "t=2")
        self.assertEqual(with_user(text, "ada", new), f"# a\nada:{new}\n\nbob:{HASH}\n")
        self.assertEqual(with_user(text, "eve", new), f"# a\nada:{HASH}\n\nbob:{HASH}\neve:{new}\n")
        self.assertEqual(with_user("", "eve", new), f"eve:{new}\n")
        self.assertEqual(without_user(text, "bob"), f"# a\nada:{HASH}\n\n")
        self.assertIsNone(without_user(text, "ad"))

    def test_names(self) -> None:
        """What a browser can send, and a line can hold."""
        for good in ("ada", "ada lovelace", "ada@example.com", "\xe9", "x" * 256):
            self.assertIsNone(why_no_user(good), good)
        for bad in ("", "a:b", " a", "a ", "#a", "a\n", "a\0", "x" * 257):
            self.assertIsNotNone(why_no_user(bad), bad)
        self.assertEqual(normal("e\u0301"), "\xe9")

    def test_decoy(self) -> None:
        """It has the parameters of most, no password fits it, and it is compared as long."""
        other = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash("x")
        made = decoy({"a": HASH, "b": HASH, "c": other}, bytes(range(48)))
        self.assertTrue(made.startswith("$argon2id$v=19$m=8,t=1,p=1$"), made)
        self.assertEqual(parse_passwords(f"x:{made}"), {"x": made})
        with self.assertRaises(VerifyMismatchError):
            PasswordHasher().verify(made, "x")
        self.assertTrue(decoy({}, bytes(48)).startswith("$argon2id$v=19$m=65536,"))
        slow = PasswordHasher(time_cost=3, memory_cost=16384, parallelism=1).hash("x")
        # What argon2 costs is a matter of these alone, salt and length included.
        like = decoy({"a": slow}, bytes(range(48)))
        self.assertEqual(extract_parameters(like), extract_parameters(slow))
        with self.assertRaises(VerifyMismatchError):
            PasswordHasher().verify(like, "wrong")
