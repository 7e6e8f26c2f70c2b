"""The root secrets' file: made once, private, and never quoted."""

from __future__ import annotations

import base64
import os
import stat

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.ops.keyfile import load_or_create
from tests.ops import temporary


class KeyfileTests(SynchronousTestCase):
    """First and later starts."""

    timeout = 60

    def setUp(self) -> None:
        """A path in a folder that is not there yet, and a careless umask."""
        self.path = temporary(self) / "var" / "gateway.keys"
        self.addCleanup(os.umask, os.umask(0))

    def _write(self, content: str, mode: int = 0o600) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(content, "utf-8")
        self.path.chmod(mode)

    def _refused(self) -> str:
        error = self.assertRaises(ConfigurationError, load_or_create, self.path)
        self.assertEqual(len(error.faults), 1)
        self.assertTrue(error.faults[0].startswith(f"{self.path}: "), error.faults)
        return error.faults[0]

    def test_created(self) -> None:
        """The first start makes file and folder for this user alone."""
        load_or_create(self.path)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    def test_same_again(self) -> None:
        """Later starts have the same keys and leave the file as it is."""
        first = load_or_create(self.path)
        content = self.path.read_bytes()
        second = load_or_create(self.path)
        self.assertEqual(first.key("datr", 1), second.key("datr", 1))
        self.assertEqual(self.path.read_bytes(), content)

    def test_random(self) -> None:
        """Two files hold different secrets."""
        first = load_or_create(self.path)
        second = load_or_create(self.path.with_name("other.keys"))
        self.assertNotEqual(first.key("datr", 1), second.key("datr", 1))

    def test_open_to_others(self) -> None:
        """A file that others can read is refused, with its mode."""
        secret = base64.urlsafe_b64encode(b"s" * 32).decode().rstrip("=")
        for mode in (0o640, 0o604, 0o660, 0o601):
            self.path = temporary(self) / "keys"
            self._write(f"gateway-keys-1\n1 {secret}\n", mode)
            text = self._refused()
            self.assertIn(f"{mode:04o}", text)
            self.assertNotIn(secret, text)

    def test_bad_content(self) -> None:
        """Content that is no key file is refused by line and never quoted."""
        for content in (
            "",
            "SECRET\n",
            "gateway-keys-1\n",
            "gateway-keys-1\n1 SECRET\n",
            "gateway-keys-1\nSECRET\n",
            "gateway-keys-1\nSECRET U0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUU0U\n",
            "gateway-keys-1\n1 SECRET\u00e9\n",
        ):
            self.path = temporary(self) / "keys"
            self._write(content)
            self.assertNotIn("SECRET", self._refused().removeprefix(str(self.path)))

    def test_not_to_be_had(self) -> None:
        """A path below a file, or a folder in its place, is refused by name."""
        wall = temporary(self) / "it"
        wall.write_text("")
        self.path = wall / "keys"
        self._refused()
        self.path = temporary(self) / "it"
        self.path.mkdir(mode=0o700)
        self._refused()
