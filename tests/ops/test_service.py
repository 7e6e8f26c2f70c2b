"""The service in this process: start, readiness, redirects, reload, drain, failures."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import fail
from twisted.trial.unittest import TestCase

from gateway import events
from gateway.errors import ConfigurationError, StoreUnavailable
from gateway.ops.config import load, parse_config
from gateway.ops.service import GatewayService
from tests.ops import (
    DOMAIN,
    Conversation,
    Reply,
    Setup,
    connect,
    fetch,
    is_listening,
    temporary,
    until,
)

PARTIAL = f"GET / HTTP/1.1\r\nHost: {DOMAIN}\r\n".encode()


class ServiceCase(TestCase):
    """A gateway on free ports of loopback; ``begin`` starts it."""

    timeout = 60

    def setUp(self) -> None:
        """Certificates and configuration; the signal handler is put back afterwards."""
        self.setup = Setup(temporary(self))
        self.service: GatewayService | None = None
        before = signal.getsignal(signal.SIGHUP)
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        self.addCleanup(self.end)

    def make(self) -> GatewayService:
        """Make the service, not started."""
        return GatewayService(load(self.setup.write()), reactor)

    async def begin(self) -> GatewayService:
        """Start it."""
        self.service = self.make()
        await self.service.start()
        return self.service

    async def end(self) -> None:
        """Stop what was started."""
        if self.service is not None:
            await self.service.stopService()

    async def portal(self, **more: Any) -> Reply:
        """The portal page."""
        return await fetch(self.setup.port, "/", DOMAIN, self.setup.ca.certificate_file, **more)

    async def admin(self, target: str) -> Reply:
        """Something of the admin listener."""
        return await fetch(self.setup.admin, target)

    def codes(self, service: GatewayService) -> list[str]:
        """The codes of recent events, oldest first."""
        return [event["code"] for event in reversed(service.telemetry.recent)]

    async def unfinished(self) -> Conversation:
        """A client with half a request, which the drain waits for."""
        conversation = await connect(self.setup.port, DOMAIN, self.setup.ca.certificate_file)
        service = self.service
        assert service is not None
        conversation.send(PARTIAL)
        await until(lambda: any(channel.requests for channel in service.site._channels))
        return conversation


class StartTests(ServiceCase):
    """What runs after a start."""

    async def test_nothing_before(self) -> None:
        """Making the service opens nothing."""
        self.make()
        for port in (self.setup.port, self.setup.admin, self.setup.redirect):
            self.assertFalse(is_listening(port))

    async def test_serves(self) -> None:
        """Portal over TLS, readiness and health."""
        await self.begin()
        reply = await self.portal()
        self.assertEqual(reply.status, 200)
        self.assertIn(b"Where would you like to go?", reply.body)
        self.assertEqual((await self.admin("/readyz")).status, 200)
        self.assertEqual((await self.admin("/healthz")).status, 200)

    async def test_ready_event(self) -> None:
        """Readiness is logged, and being ready is not among the refusals."""
        service = await self.begin()
        value = service.telemetry.value("gateway_events_total", code=events.READY)
        self.assertEqual(value, 1)
        self.assertNotIn(events.READY, self.codes(service))

    async def test_store_gone(self) -> None:
        """A store that does not answer makes the gateway not ready."""
        service = await self.begin()
        self.patch(service.store, "ping", lambda: fail(StoreUnavailable("s3cr3t")))
        reply = await self.admin("/readyz")
        self.assertEqual(reply.status, 503)
        self.assertNotIn(b"s3cr3t", reply.body)

    async def test_metrics(self) -> None:
        """What was served is counted by kind and status; the limits show."""
        await self.begin()
        await self.portal()
        text = (await self.admin("/metrics")).body.decode()
        self.assertIn('gateway_http_requests_total{kind="portal",status="200"} 1.0', text)
        self.assertIn('gateway_http_request_seconds_count{kind="portal"} 1.0', text)
        self.assertIn('gateway_limit{limit="connections"} 10000.0', text)
        self.assertRegex(text, r'gateway_build_info{loops="(compiled|python)",version="')

    async def test_operators_page_escapes(self) -> None:
        """A hostile Host header is text on the operator's page."""
        await self.begin()
        conversation = await connect(self.setup.port, DOMAIN, self.setup.ca.certificate_file)
        conversation.send(
            b"GET / HTTP/1.1\r\nHost: <script>alert(1)</script>\r\nConnection: close\r\n\r\n"
        )
        self.assertEqual((await conversation.reply()).status, 421)
        page = (await self.admin("/")).body
        self.assertNotIn(b"<script", page)
        self.assertIn(b"&lt;script&gt;alert(1)", page)

    async def test_operators_page_configuration(self) -> None:
        """It says which file is in force, and since when."""
        service = await self.begin()
        page = (await self.admin("/")).body.decode()
        self.assertRegex(
            page, re.escape(str(service.config.source)) + r", read 20\d\d-\d\d-\d\d \d"
        )

    async def test_redirect(self) -> None:
        """Plain HTTP only redirects, host and target kept; other hosts are not ours."""
        self.setup.top = 'rewrite-domain = "i.test"'
        await self.begin()
        port = self.setup.port
        for host in (DOMAIN, f"www.0.{DOMAIN}", f"https-a-test.0.{DOMAIN}", "www.0.i.test",
                     "https-a-test.0.i.test"):  # fmt: skip
            reply = await fetch(self.setup.redirect, "/p?q", host)
            self.assertEqual(reply.status, 308)
            self.assertEqual(reply.get("location"), f"https://{host}:{port}/p?q")
            self.assertEqual(reply.body, b"")
        for host in ("elsewhere.test", "i.test"):
            reply = await fetch(self.setup.redirect, "/", host)
            self.assertEqual((reply.status, reply.get("location")), (421, ""))

    async def test_own_ports_closed(self) -> None:
        """No rule lets a site's name lead to the gateway's own listeners."""
        self.setup.extra = (
            '[upstream]\nallow-private = ["127.0.0.0/8"]\n'
            f'[[upstream.hosts]]\nhost = "a.test"\nconnect = "127.0.0.1:{self.setup.admin}"\n'
            '[[access]]\norigin = "http://a.test"\nnative = true\n'
            "allow-insecure-http = true\n"
        )
        service = await self.begin()
        host = f"http-a-test.0.{DOMAIN}"
        reply = await fetch(
            self.setup.port, "/metrics", host, self.setup.ca.certificate_file,
            sec_fetch_mode="no-cors", sec_fetch_dest="image",
        )  # fmt: skip
        self.assertEqual(reply.status, 502)
        self.assertIn(events.SSRF_DENIED, self.codes(service))

    async def test_warnings(self) -> None:
        """Dangerous settings are events."""
        self.setup.extra = '[[allow-navigation]]\nhref = "*"\n'
        service = await self.begin()
        found = [
            one["detail"] for one in service.telemetry.recent if one["code"] == "config.dangerous"
        ]
        self.assertEqual(len(found), 1)
        self.assertIn("opens every site", found[0])


class FailureTests(ServiceCase):
    """A start that cannot be."""

    taken = 0

    async def _fails(self, kind: type[Exception]) -> Any:
        service = self.make()
        error: Any = None
        try:
            await service.start()
        except kind as raised:
            error = raised
        await service.stopService()
        self.assertIsNotNone(error, "it started")
        free = [self.setup.port, self.setup.admin, self.setup.redirect]
        await until(lambda: not any(is_listening(one) for one in free if one != self.taken))
        return error

    async def test_port_taken(self) -> None:
        """A taken port fails the start, names the endpoint, and leaves nothing listening."""
        from twisted.internet.protocol import Factory

        occupier = reactor.listenTCP(0, Factory.forProtocol(Conversation), interface="127.0.0.1")
        self.addCleanup(occupier.stopListening)
        self.taken = occupier.getHost().port
        for name in ("admin", "redirect", "port"):
            before = getattr(self.setup, name)
            setattr(self.setup, name, self.taken)
            error = await self._fails(ConfigurationError)
            self.assertEqual(len(error.faults), 1)
            self.assertIn(f"tcp:{self.taken}:interface=127.0.0.1", error.faults[0])
            setattr(self.setup, name, before)
        await self.begin()  # and the store was let go: now it starts

    async def test_bad_endpoint(self) -> None:
        """An endpoint that Twisted cannot read is named too."""
        self.setup.admin = "ninety"  # type: ignore[assignment]
        text = self.setup.text
        try:
            config = parse_config(text, "g.toml")
        except ConfigurationError as error:
            self.assertIn("ninety", str(error))
            return
        service = GatewayService(config, reactor)
        try:
            await service.start()
        except ConfigurationError as error:
            self.assertIn("ninety", str(error))
        else:
            self.fail("it started")
        await until(lambda: not is_listening(self.setup.port))

    async def test_store(self) -> None:
        """A store that cannot be opened is named, before any port is."""
        (self.setup.folder / "wall").write_text("")
        self.setup.store = f"sqlite:///{self.setup.folder}/wall/gateway.db"
        error = await self._fails(StoreUnavailable)
        self.assertIn("wall/gateway.db", str(error))

    def test_certificate(self) -> None:
        """A certificate that cannot be used is refused before anything is opened."""
        other = self.setup.ca.issue("other", [DOMAIN])
        shutil.copy(other.key, self.setup.issued.key)
        error = self.assertRaises(ConfigurationError, self.make)
        self.assertIn(f"{self.setup.issued.key}: is not the key of", str(error))
        self.setup.issued.certificate.write_text("nothing")
        error = self.assertRaises(ConfigurationError, self.make)
        self.assertIn(f"{self.setup.issued.certificate}: ", str(error))

    def test_keys(self) -> None:
        """A key file that others can read is refused."""
        file = self.setup.folder / "var" / "gateway.keys"
        file.parent.mkdir()
        file.write_text("")
        file.chmod(0o644)
        error = self.assertRaises(ConfigurationError, self.make)
        self.assertIn("0644", str(error))


class ReloadTests(ServiceCase):
    """New certificates without a restart."""

    async def _serial(self) -> int:
        return (await self.portal()).serial

    async def test_good(self) -> None:
        """New connections get the new certificate, old ones go on."""
        service = await self.begin()
        first = await self._serial()
        old = await self.unfinished()
        self.setup.ca.issue("gateway", [DOMAIN])
        await service.reload()
        self.assertNotEqual(await self._serial(), first)
        self.assertIn(events.RELOADED, self.codes(service))
        old.send(b"Connection: close\r\n\r\n")
        self.assertEqual((await old.reply()).status, 200)
        self.assertEqual(old.serial, first)

    async def test_bad(self) -> None:
        """A bad certificate, or one of another key, leaves the good one in place."""
        service = await self.begin()
        first = await self._serial()
        issued = self.setup.issued
        good = issued.certificate.read_bytes()
        other = self.setup.ca.issue("other", [DOMAIN]).certificate.read_bytes()
        for content in (b"", b"nothing", good[:200], other):
            issued.certificate.write_bytes(content)
            before = self.codes(service).count(events.RELOAD_REFUSED)
            await service.reload()
            self.assertEqual(self.codes(service).count(events.RELOAD_REFUSED), before + 1)
            self.assertEqual(await self._serial(), first)
        self.assertNotIn(events.RELOADED, self.codes(service))
        issued.certificate.unlink()
        await service.reload()
        self.assertEqual(await self._serial(), first)

    async def test_tickets(self) -> None:
        """Twice a day session tickets have new keys; a file that is bad then ends nothing."""
        service = await self.begin()
        first = await self._serial()
        kept = service._certificate._options
        service._renew_tickets()
        self.assertIsNot(service._certificate._options, kept)
        self.setup.issued.certificate.write_bytes(b"nothing")
        service._renew_tickets()
        self.assertIn(events.RELOAD_REFUSED, self.codes(service))
        self.assertTrue(service._tickets.running)
        self.assertEqual(await self._serial(), first)

    async def test_many_warnings(self) -> None:
        """Of very many dangerous settings some are said, and how many more there are."""
        self.setup.extra = (
            '[[access]]\norigin = "*"\nfrom = "https://a.test"\nnative = true\n' * 150
        )
        service = await self.begin()
        code = events.DANGEROUS_SETTING
        self.assertEqual(service.telemetry.value("gateway_events_total", code=code), 101)
        self.assertIn(
            "and 50 more", service.telemetry.recent[1]["detail"] + str(service.telemetry.recent[0])
        )

    async def test_signal(self) -> None:
        """SIGHUP reloads."""
        service = await self.begin()
        first = await self._serial()
        self.setup.ca.issue("gateway", [DOMAIN])
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: events.RELOADED in self.codes(service))
        self.assertNotEqual(await self._serial(), first)


class DrainTests(ServiceCase):
    """Stopping."""

    async def test_stop(self) -> None:
        """An idle gateway stops at once, closes its ports, and the store is whole."""
        service = await self.begin()
        await self.portal()
        await service.stopService()
        for port in (self.setup.port, self.setup.admin, self.setup.redirect):
            self.assertFalse(is_listening(port))
        self.assertIn(events.STOPPING, self.codes(service))
        database = sqlite3.connect(self.setup.folder / "var" / "gateway.db")
        self.addCleanup(database.close)
        self.assertEqual(database.execute("pragma integrity_check").fetchone(), ("ok",))
        await service.stopService()  # a second time does no harm

    async def test_idle_connection(self) -> None:
        """A kept-alive connection without a request does not hold up the stop."""
        service = await self.begin()
        idle = await connect(self.setup.port, DOMAIN, self.setup.ca.certificate_file)
        idle.send(PARTIAL + b"\r\n")
        await until(lambda: b"</html>" in idle.heard)
        await service.stopService()
        await idle.over
        self.assertNotIn(events.LIMIT, self.codes(service))

    async def test_drain(self) -> None:
        """What runs is finished; meanwhile nothing new is accepted and readiness is 503."""
        service = await self.begin()
        client = await self.unfinished()
        stopping = service.stopService()
        await until(lambda: not is_listening(self.setup.port))
        reply = await self.admin("/readyz")
        self.assertEqual((reply.status, reply.body), (503, b"stopping\n"))
        self.assertEqual((await self.admin("/healthz")).status, 200)
        self.assertFalse(stopping.called)
        client.send(b"\r\n")
        reply = await client.reply()
        self.assertEqual(reply.status, 200)
        self.assertIn(b"</html>", reply.body)
        await stopping
        self.assertNotIn(events.LIMIT, self.codes(service))

    async def test_out_of_time(self) -> None:
        """What does not end within the drain's time is cut, and that is said."""
        self.setup.extra = "[limits]\ndrain-seconds = 1\nrequest-head-seconds = 3600\n"
        service = await self.begin()
        client = await self.unfinished()
        self.addCleanup(lambda: client.over.called or client.transport.abortConnection())
        await service.stopService().addTimeout(20, reactor)
        limits = [one.get("limit") for one in service.telemetry.recent]
        self.assertIn("drain-seconds", limits)
        await client.over.addTimeout(10, reactor)
        self.assertEqual(client.heard, b"")
        self.assertFalse(is_listening(self.setup.admin))
