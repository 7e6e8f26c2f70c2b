"""The demo in this process: origins, gateway, and the URL that it prints."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import gatherResults, maybeDeferred
from twisted.trial.unittest import TestCase

from gateway import wire
from gateway.demo.origins import SHOP
from gateway.demo.run import DemoOptions, describe, start
from gateway.errors import GatewayError
from gateway.ops.service import GatewayService
from tests.ops import Reply, fetch, temporary
from tests.ports import free_ports


class DemoCase(TestCase):
    """A demo on free ports; what it leaves to the reactor's end is ended with the test."""

    timeout = 60

    def setUp(self) -> None:
        """Take note of what the demo opens; choose folder and ports."""
        self.service: GatewayService | None = None
        opened: list[Any] = []
        listen, trigger = reactor.listenSSL, reactor.addSystemEventTrigger
        self.patch(
            reactor, "listenSSL", lambda *a, **k: opened.append(listen(*a, **k)) or opened[-1]
        )

        def add(*arguments: Any) -> Any:
            added = trigger(*arguments)
            if getattr(arguments[2], "__name__", "") == "stopService":
                self.addCleanup(reactor.removeSystemEventTrigger, added)
            return added

        self.patch(reactor, "addSystemEventTrigger", add)
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        self.addCleanup(
            lambda: gatherResults([maybeDeferred(port.stopListening) for port in opened])
        )
        self.addCleanup(self._stop)
        port, admin = free_ports(2)
        self.options = DemoOptions(temporary(self), "gateway.localhost", port, admin)

    async def _stop(self) -> None:
        if self.service is not None:
            await self.service.stopService()

    async def begin(self) -> str:
        """Start; the URL to open."""
        self.service, url = await start(self.options, reactor)
        return url

    @property
    def ca(self) -> Path:
        """The demo's CA."""
        return self.options.folder / "ca" / "ca.pem"

    async def ask(self, host: str, target: str = "/", **more: Any) -> Reply:
        """Ask a gateway host, verified by the demo's CA."""
        return await fetch(self.options.port, target, host, self.ca, **more)

    @property
    def secure(self) -> str:
        """The secure origin."""
        return f"https://www.0.{self.options.domain}:{self.options.port}"

    async def session(self) -> tuple[str, dict[str, str]]:
        """Bootstrap: the Cookie header and the answer's content."""
        host = f"www.0.{self.options.domain}"
        reply = await self.ask(host, wire.BOOTSTRAP_PATH, method="POST", Origin=self.secure)
        assert reply.status == 200, reply
        cookies = [one.partition(";")[0] for one in reply.all("set-cookie")]
        return "; ".join(cookies), json.loads(reply.body)


class RunTests(DemoCase):
    """The demo as a browser would see it."""

    async def test_secure_origin(self) -> None:
        """The URL leads to the outer frame, verified by the demo's CA."""
        url = await self.begin()
        self.assertEqual(url, f"{self.secure}/#{SHOP}/")
        reply = await self.ask(f"www.0.{self.options.domain}")
        self.assertEqual(reply.status, 200)
        self.assertIn(b'id="stage"', reply.body)

    async def test_shop(self) -> None:
        """With a session the shop is served, its cookie is kept here, and counts on."""
        await self.begin()
        cookie, _ = await self.session()
        host = f"https-shop-demo-example.0.{self.options.domain}"
        for visit in (b"1", b"2"):
            reply = await self.ask(
                host, Cookie=cookie, Accept="text/html", Referer=f"{self.secure}/",
                Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe", Sec_Fetch_Site="same-site",
            )  # fmt: skip
            self.assertEqual(reply.status, 200, reply.body)
            self.assertIn(b"Hello  from shop.demo.example", reply.body)
            self.assertIn(b'id="visits">' + visit, reply.body)
            self.assertEqual(reply.all("set-cookie"), [])
            self.assertIn(b'id="__gw"', reply.body)

    async def test_again(self) -> None:
        """A second start in the same folder works, with the same CA."""
        await self.begin()
        before = self.ca.read_bytes()
        assert self.service is not None
        await self.service.stopService()
        await self.begin()
        self.assertEqual(self.ca.read_bytes(), before)
        self.assertEqual((await self.ask(self.options.domain)).status, 200)

    async def test_port_taken(self) -> None:
        """A taken port is an error that names it."""
        await self.begin()
        try:
            await start(self.options, reactor)
        except GatewayError as error:
            self.assertIn(f"tcp:{self.options.port}:", str(error))
        else:
            self.fail("it started twice")

    async def test_described(self) -> None:
        """What is printed: the URL, the CA to trust, the operator's page."""
        url = await self.begin()
        text = describe(self.options, url)
        for part in (url, str(self.ca), f"127.0.0.1:{self.options.admin_port}"):
            self.assertIn(part, text)
