"""The password file on the disk."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.ops import passwordfile
from gateway.ops.passwordfile import PasswordFile, load, remove_user, set_password
from tests.ops import ROOT, temporary
from tests.policy.test_passwords import HASH


class PasswordFileTests(SynchronousTestCase):
    """Made, changed, read."""

    def setUp(self) -> None:
        """A folder, and hashes that cost nothing."""
        from argon2 import PasswordHasher

        self.patch(
            passwordfile,
            "PasswordHasher",
            lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1),
        )
        self.path = temporary(self) / "passwords"

    def test_changes(self) -> None:
        """Mode 0600 from the first moment, other lines as they were, nothing left beside."""
        self.assertFalse(set_password(self.path, "ada", "one"))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        first = load(self.path)["ada"]
        with self.path.open("a") as file:
            file.write("# a comment\n")
        self.assertFalse(set_password(self.path, "bob", "two"))
        self.assertTrue(set_password(self.path, "ada", "three"))
        self.assertNotEqual(load(self.path)["ada"], first)
        self.assertIn("# a comment\n", self.path.read_text())
        self.assertTrue(remove_user(self.path, "ada"))
        self.assertFalse(remove_user(self.path, "ada"))
        self.assertEqual(list(load(self.path)), ["bob"])
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual([one.name for one in self.path.parent.iterdir()], ["passwords"])

    def test_a_link_stays(self) -> None:
        """What it names is changed."""
        real = self.path.with_name("real")
        self.path.symlink_to(real)
        set_password(self.path, "ada", "x")
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(list(load(real)), ["ada"])

    def test_several_at_once(self) -> None:
        """Nobody's change is lost."""
        code = (
            "import sys; from pathlib import Path; from gateway.ops import passwordfile as p; "
            "from argon2 import PasswordHasher as H; "
            "p.PasswordHasher = lambda: H(time_cost=1, memory_cost=8, parallelism=1)\n"
            "for n in range(5): p.set_password(Path(sys.argv[1]), sys.argv[2] + str(n), 'x')"
        )
        running = [
            subprocess.Popen([sys.executable, "-c", code, str(self.path), name], cwd=ROOT)
            for name in ("a", "b", "c")
        ]
        self.assertEqual([one.wait() for one in running], [0, 0, 0])
        self.assertEqual(len(load(self.path)), 15)

    def test_faults(self) -> None:
        """Each names the file and quotes nothing."""
        table = ((b"ada:s3cret\n", 0o600), (b"\xff", 0o600), (f"ada:{HASH}\n".encode(), 0o640))
        for content, mode in table:
            self.path.write_bytes(content)
            self.path.chmod(mode)
            with self.assertRaises(ConfigurationError) as caught:
                load(self.path)
            self.assertTrue(str(caught.exception).startswith(f"{self.path}: "))
            self.assertNotIn("s3cret", str(caught.exception))
        for path in (self.path.parent, Path("/nowhere/at/all")):
            with self.assertRaises(ConfigurationError):
                load(path)
        self.path.write_bytes(b"ada:s3cret\n")
        with self.assertRaises(ConfigurationError):
            set_password(self.path, "bob", "x")
        self.assertEqual(self.path.read_bytes(), b"ada:s3cret\n")

    def test_taken_in(self) -> None:
        """A running gateway sees changes; a bad one leaves what was good, told once."""
        set_password(self.path, "ada", "x")
        time, told = 0.0, []
        opened = PasswordFile(self.path, told.append, lambda: time)
        self.assertEqual(list(opened()), ["ada"])
        set_password(self.path, "bob", "x")
        self.assertEqual(list(opened()), ["ada"])
        time = 1
        self.assertEqual(list(opened()), ["ada", "bob"])
        self.path.write_text("s3cret\n")
        time = 2
        self.assertEqual(list(opened()), ["ada", "bob"])
        self.path.unlink()
        for time in (3, 4, 5):  # noqa: B007
            self.assertEqual(list(opened()), ["ada", "bob"])
        self.assertEqual(len(told), 2)
        self.assertNotIn("s3cret", "".join(told))
        self.assertEqual(PasswordFile(None)(), {})

    def test_a_mended_mode(self) -> None:
        """A file that was refused for its mode is read once that is right."""
        set_password(self.path, "ada", "x")
        set_password(self.path, "bob", "x")
        time, told = 0.0, []
        opened = PasswordFile(self.path, told.append, lambda: time)
        lines = self.path.read_text().splitlines(keepends=True)
        self.path.chmod(0o644)
        self.path.write_text(lines[0])
        time = 1
        self.assertEqual((list(opened()), len(told)), (["ada", "bob"], 1))
        self.path.chmod(0o600)
        time = 2
        self.assertEqual((list(opened()), len(told)), (["ada"], 1))
