"""What all sub-commands have in common: help, version, exit codes."""

from __future__ import annotations

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from gateway import __version__
from gateway.cli import command
from tests.cli import gateway


class CommandTests(SynchronousTestCase):
    """The command and its sub-commands."""

    timeout = 60

    def test_help(self) -> None:
        """Every sub-command is listed, with its first line of help."""
        for arguments in (("--help",), ("-h",)):
            done = gateway(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for name in ("check-config", "collapse", "demo", "expand"):
                self.assertIn(f"\n  {name} ", done.stdout)

    def test_help_everywhere(self) -> None:
        """Each sub-command helps, with both options."""
        for name in command.commands:
            for option in ("--help", "-h"):
                done = CliRunner().invoke(command, [name, option], prog_name="gateway")
                self.assertEqual((done.exit_code, done.stderr), (0, ""), name)
                self.assertIn(f"Usage: gateway {name} ", done.stdout)

    def test_version(self) -> None:
        """The package's version."""
        done = gateway("--version")
        self.assertEqual(done.returncode, 0)
        self.assertIn(__version__, done.stdout)

    def test_usage(self) -> None:
        """What is no command, or lacks its argument, is status 2."""
        for arguments in (("nothing",), ("collapse",), ("collapse", "--nothing"), ("expand",)):
            done = gateway(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn("Usage: gateway", done.stderr)
