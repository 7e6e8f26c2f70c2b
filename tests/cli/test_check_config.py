"""``gateway check-config``."""

from __future__ import annotations

import shutil

from twisted.trial.unittest import SynchronousTestCase

from tests.cli import gateway
from tests.ops import DOMAIN, Setup, is_listening, temporary


class CheckConfigTests(SynchronousTestCase):
    """Good and bad configurations."""

    timeout = 60

    def setUp(self) -> None:
        """Files of a good one."""
        self.setup = Setup(temporary(self))

    def test_good(self) -> None:
        """Fine is status 0, and nothing is made or opened by a check."""
        path = self.setup.write()
        done = gateway("check-config", "--config", str(path))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{path}: ok\n", ""))
        self.assertFalse((self.setup.folder / "var").exists())
        self.assertFalse(is_listening(self.setup.port))

    def test_warnings(self) -> None:
        """Dangerous settings are said, and are no fault."""
        self.setup.extra = '[[allow-navigation]]\nhref = "*"\n'
        done = gateway("check-config", "-c", str(self.setup.write()))
        self.assertEqual(done.returncode, 0)
        self.assertIn("warning: ", done.stderr)
        self.assertIn("opens every site", done.stderr)

    def test_faults(self) -> None:
        """Every fault on its own line; status 1."""
        text = self.setup.text.replace("public-port", "public-prot")
        path = self.setup.write(text + "[limits]\nconnections = 0\n")
        done = gateway("check-config", "--config", str(path))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        first, second = done.stderr.splitlines()
        self.assertTrue(first.startswith(f"{path}: public-prot: unknown key"), first)
        self.assertTrue(first.endswith('(did you mean "public-port"?)'), first)
        self.assertTrue(second.startswith(f"{path}: limits.connections: found 0, exp"), second)

    def test_certificate(self) -> None:
        """A certificate that cannot be used is a fault."""
        shutil.copy(self.setup.ca.issue("other", [DOMAIN]).key, self.setup.issued.key)
        done = gateway("check-config", "--config", str(self.setup.write()))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        (line,) = done.stderr.splitlines()
        self.assertIn("is not the key of", line)

    def test_what_a_reload_finds(self) -> None:
        """Certificate and key file: every fault of both at once."""
        shutil.copy(self.setup.ca.issue("other", [DOMAIN]).key, self.setup.issued.key)
        keys = self.setup.folder / "var" / "gateway.keys"
        keys.parent.mkdir()
        keys.write_text("nothing")
        keys.chmod(0o600)
        done = gateway("check-config", "--config", str(self.setup.write()))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 2, lines)
        for line, wanted in zip(lines, ("is not the key of", f"{keys}: line 1"), strict=True):
            self.assertIn(wanted, line)

    def test_missing(self) -> None:
        """A file that is not there is one fault."""
        done = gateway("check-config", "--config", "no/such/file.toml")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        (line,) = done.stderr.splitlines()
        self.assertTrue(line.startswith("no/such/file.toml: cannot be read: "), line)
