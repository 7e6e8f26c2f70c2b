"""``gateway passwd``, through the real command."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys

from argon2 import PasswordHasher
from twisted.trial.unittest import SynchronousTestCase

from gateway.ops.passwordfile import load
from tests.ops import ROOT, temporary


class PasswdTests(SynchronousTestCase):
    """Added, changed, taken out."""

    def run_it(
        self, *arguments: str, given: bytes = b"", **more: str
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command with this on its standard input, and ``more`` in its environment."""
        command = [sys.executable, "-m", "gateway", "passwd", *arguments]
        return subprocess.run(
            command, input=given, capture_output=True, cwd=ROOT, check=False,
            env={**os.environ, **more},
        )  # fmt: skip

    def test_by_standard_input(self) -> None:
        """One line; the password is shown nowhere, and fits."""
        path = temporary(self) / "passwords"
        for given, said in ((b"s3cret \xc3\xbc\n", "added"), (b"other\nrest", "changed")):
            done = self.run_it(str(path), "ada", given=given)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(done.stdout.decode(), f"{path}: ada is {said}\n")
            line = load(path)["ada"]
            self.assertTrue(PasswordHasher().verify(line, given.splitlines()[0]))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        done = self.run_it(str(path), "ada", "--delete")
        self.assertEqual((done.returncode, load(path)), (0, {}))
        self.assertEqual(self.run_it(str(path), "ada", "--delete").returncode, 1)

    def test_refused(self) -> None:
        """Names and passwords that no browser can send; nothing is made."""
        path = temporary(self) / "passwords"
        for user, given in (("a:b", b"x\n"), ("ada", b"\n"), ("ada", b""), ("ada", b"a\x01b\n")):
            done = self.run_it(str(path), user, given=given)
            self.assertEqual((done.returncode, done.stdout), (1, b""), (user, given))
            self.assertNotEqual(done.stderr, b"")
            self.assertFalse(path.exists())
        path.write_text("ada:s3cret\n")
        done = self.run_it(str(path), "bob", given=b"x\n")
        self.assertEqual(done.returncode, 1)
        self.assertNotIn(b"s3cret", done.stderr)
        self.assertNotIn(b"Traceback", done.stderr)

    def test_not_utf_8(self) -> None:
        """Refused in every locale, without a word of the password."""
        path = temporary(self) / "passwords"
        for locale in ("C", "C.UTF-8", "POSIX"):
            for mode in ("0", "1"):
                done = self.run_it(
                    str(path), "ada", given=b"s3cr\xe9t\n", LC_ALL=locale, PYTHONUTF8=mode
                )
                wanted = (1, b"", b"standard input is not UTF-8\n")
                self.assertEqual((done.returncode, done.stdout, done.stderr), wanted, locale)
                self.assertFalse(path.exists())

    def test_on_a_terminal(self) -> None:
        """Asked twice, without an echo; two that differ are asked for again."""
        path = temporary(self) / "passwords"
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(ROOT)
            command = [sys.executable, "-m", "gateway", "passwd", str(path), "ada"]
            os.execv(sys.executable, command)
        said = b""
        for answer in (b"t3rminal\n", b"else\n", b"t3rminal\n", b"t3rminal\n"):
            before = said.count(b": ")
            while said.count(b": ") == before or not said.endswith(b": "):
                said += os.read(terminal, 1000)
            os.write(terminal, answer)
        try:
            while more := os.read(terminal, 1000):
                said += more
        except OSError:
            pass  # the terminal's other end is closed
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0, said)
        self.assertNotIn(b"t3rminal", said)
        self.assertTrue(PasswordHasher().verify(load(path)["ada"], "t3rminal"))
