"""``gateway status`` against an admin listener."""

from __future__ import annotations

import json
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from gateway.ops.admin import Admin
from gateway.ops.metrics import Telemetry
from tests.cli import gateway
from tests.ops import Setup, temporary


class StatusTests(TestCase):
    """On loopback."""

    timeout = 60

    def setUp(self) -> None:
        """Have a configuration, and a listener that is not there yet."""
        self.setup = Setup(temporary(self))
        self.config = str(self.setup.write())
        self.why: str | None = None
        facts = {"connections": "3", "WebSockets": "2 open"}
        admin = Admin(Telemetry(), lambda: succeed(self.why), lambda: facts)
        self.site = admin.site(reactor)

    def listen(self) -> None:
        """Be there."""
        listening = reactor.listenTCP(self.setup.admin, self.site, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)

    def ask(self, *more: str) -> Deferred:
        """Run the command beside the reactor."""
        return deferToThread(gateway, "status", "--config", self.config, *more)

    async def test_ready(self) -> None:
        """A line for each fact, the WebSockets' among them."""
        self.listen()
        found = await self.ask()
        self.assertEqual(found.returncode, 0, found.stderr)
        lines = found.stdout.splitlines()
        self.assertEqual(lines[0], "ready: ready")
        self.assertIn("WebSockets: 2 open", lines)
        found = await self.ask("--json")
        self.assertEqual(json.loads(found.stdout)["WebSockets"], "2 open")

    async def test_not_ready(self) -> None:
        """It says why, and exits with 1."""
        self.listen()
        self.why = "the store does not answer"
        found = await self.ask()
        self.assertEqual(found.returncode, 1)
        self.assertIn("ready: the store does not answer", found.stdout)

    async def test_nobody(self) -> None:
        """One line, and 1."""
        found = await self.ask()
        self.assertEqual(found.returncode, 1)
        self.assertIn("no gateway answers there (ConnectionRefusedError)", found.stderr)

    async def test_unix(self) -> None:
        """A Unix socket is asked, too."""
        path = Path(self.setup.folder) / "admin.sock"
        listening = reactor.listenUNIX(str(path), self.site)
        self.addCleanup(listening.stopListening)
        text = self.setup.text.replace(
            f"tcp:{self.setup.admin}:interface=127.0.0.1", f"unix:{path}"
        )
        self.setup.write(text)
        found = await self.ask()
        self.assertEqual(found.returncode, 0, found.stderr)
