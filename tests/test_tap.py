"""twistd's plugin: options, service, log."""

from __future__ import annotations

import gc
import io
import os
import runpy
import signal
import sys
from typing import Any

from twisted.application.service import IService
from twisted.python import usage
from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

from gateway.ops.log import Destination
from gateway.tap import Options, collect_less, makeService
from tests.ops import ROOT, Setup, is_listening, temporary


class OptionsTests(SynchronousTestCase):
    """What comes after the word ``gateway``."""

    timeout = 60

    def setUp(self) -> None:
        """A configuration, and an ear at standard error."""
        self.setup = Setup(temporary(self))
        self.errors = io.StringIO()
        self.patch(sys, "stderr", self.errors)
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        self.patch(Destination, "path", Destination.path)
        # What is there when another test runs the reactor must not be left alone.
        from twisted.internet import reactor

        self.when_running: list[Any] = []
        self.patch(reactor, "callWhenRunning", self.when_running.append)

    def _options(self, parent: dict[str, Any] | None = None) -> Options:
        options = Options()
        options.parent = parent
        options.parseOptions(["--config", str(self.setup.write())])
        return options

    def test_service(self) -> None:
        """A service of the configuration; making it listens nowhere."""
        service = makeService(self._options())
        self.assertTrue(IService.providedBy(service))
        self.assertEqual(service.config.codec.public_port, self.setup.port)
        self.assertFalse(is_listening(self.setup.port))
        self.assertEqual(self.when_running, [collect_less])

    def test_collects_less(self) -> None:
        """What is there when it begins is left alone; what is young is looked at less often."""
        self.addCleanup(gc.unfreeze)
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        before = gc.get_freeze_count(), gc.get_threshold()[0]
        collect_less()
        self.assertGreater(gc.get_freeze_count(), before[0] + 10_000)
        self.assertGreater(gc.get_threshold()[0], before[1])
        self.assertTrue(gc.isenabled())

    def test_hang_up(self) -> None:
        """A SIGHUP that comes while it starts does not end it; the start handles the later ones."""
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self._options()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)

    def test_faults(self) -> None:
        """Faults are printed one a line, and end with 1."""
        self.setup.extra = '[limits]\nconnections = 0\nheader-count = "x"\n'
        ended = self.assertRaises(SystemExit, self._options)
        self.assertEqual(ended.code, 1)
        lines = self.errors.getvalue().splitlines()
        path = self.setup.folder / "gateway.toml"
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith(f"{path}: limits.header-count: "), lines)
        self.assertTrue(lines[1].startswith(f"{path}: limits.connections: "), lines)

    def test_certificate(self) -> None:
        """A certificate that cannot be used is said the same way."""
        self.setup.issued.certificate.write_text("nothing")
        options = self._options()
        ended = self.assertRaises(SystemExit, makeService, options)
        self.assertEqual(ended.code, 1)
        wanted = f"{self.setup.issued.certificate}: holds no certificate\n"
        self.assertEqual(self.errors.getvalue(), wanted)

    def test_unknown(self) -> None:
        """An option that is none is a usage error."""
        self.assertRaises(usage.UsageError, Options().parseOptions, ["--nothing"])

    def test_log(self) -> None:
        """JSON lines to standard output, to ``--logfile``, or to twistd.log as a daemon."""
        for given, path in (
            ({"nodaemon": 1}, "-"),
            ({"nodaemon": 1, "logfile": "a.log"}, "a.log"),
            ({"nodaemon": 0, "logfile": None}, "twistd.log"),
        ):
            parent = {"logger": None, "syslog": None, **given}
            self._options(parent)
            self.assertEqual(Destination.path, path)
            self.assertTrue(callable(namedAny(parent["logger"])))

    def test_own_logger(self) -> None:
        """An operator's own choice of log stands."""
        for given in ({"logger": "mine.observer"}, {"syslog": 1}):
            parent = {"nodaemon": 1, "logger": None, "syslog": None, **given}
            before = dict(parent)
            self._options(parent)
            self.assertEqual(parent, before)


class PluginTests(SynchronousTestCase):
    """What twistd and trial find."""

    timeout = 60

    def test_plugins(self) -> None:
        """The sub-command and the reactor, pointing at what is there."""
        found = runpy.run_path(str(ROOT / "twisted_plugins" / "gateway_plugin.py"))["gateway"]
        self.assertEqual((found.tapname, found.module), ("gateway", "gateway.tap"))
        self.assertIs(found.options, Options)
        self.assertIs(found.makeService, makeService)
        reactor = runpy.run_path(str(ROOT / "twisted_plugins" / "gateway_reactors.py"))["uvloop"]
        self.assertEqual(reactor.shortName, "uvloop")
        self.assertTrue(callable(namedAny(f"{reactor.moduleName}.install")))
