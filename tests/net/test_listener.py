"""Listening ports, certificates that are replaced, the redirecting listener."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from OpenSSL import crypto
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from gateway.errors import ConfigurationError
from gateway.net.listener import ReloadingCertificate, listen, redirect_handler
from gateway.net.settings import Limits
from gateway.net.site import Site
from gateway.net.telemetry import Silent
from tests.net.harness import DOMAIN, SHOP, GatewayCase, ca, request
from tests.net.raw import Connection, Origin, reply, until


class CertificateTests(SynchronousTestCase):
    """Files that are good and files that are not."""

    timeout = 20

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="gateway-tests-")
        self.addCleanup(folder.cleanup)
        self.certificate, self.key = Path(folder.name, "c.pem"), Path(folder.name, "c.key")
        self.put("one", days=10)

    def put(self, name: str, days: float = 90) -> None:
        """Put a new certificate and its key in place."""
        issued = ca().issue(name, [DOMAIN], days=days)
        shutil.copy(issued.certificate, self.certificate)
        shutil.copy(issued.key, self.key)

    def test_reload(self) -> None:
        """New files take the place of the old ones."""
        held = ReloadingCertificate(self.certificate, self.key)
        before = held.expires
        self.assertRegex(before, r"\A20[0-9]{12}Z\Z")
        self.put("two", days=20)
        self.assertEqual(held.expires, before)
        held.reload()
        self.assertGreater(held.expires, before)

    def test_take(self) -> None:
        """What another one has loaded is served, and read again from where that one read it."""
        held = ReloadingCertificate(self.certificate, self.key)
        self.put("two", days=20)
        other = ReloadingCertificate(self.certificate, self.key, "1.3")
        held.take(other)
        self.assertEqual(held.expires, other.expires)
        self.assertIs(held._options, other._options)
        self.assertEqual(held._minimum, "1.3")

    def test_bad_files(self) -> None:
        """Each fault names its file, and the good certificate stays."""
        held = ReloadingCertificate(self.certificate, self.key)
        before = held.expires
        good = self.certificate.read_bytes(), self.key.read_bytes()
        other = ca().issue("other", [DOMAIN]).key.read_bytes()
        for certificate, key, culprit in (
            (None, good[1], "c.pem"), (b"", good[1], "c.pem"), (b"junk", good[1], "c.pem"),
            (good[1], good[1], "c.pem"), (good[0][:200], good[1], "c.pem"),
            (good[0], None, "c.key"), (good[0], b"", "c.key"), (good[0], good[0], "c.key"),
            (good[0], other, "c.key"),
        ):  # fmt: skip
            for path, content in ((self.certificate, certificate), (self.key, key)):
                path.unlink(missing_ok=True)
                if content is not None:
                    path.write_bytes(content)
            error = self.assertRaises(ConfigurationError, held.reload)
            self.assertIn(culprit, error.faults[0].partition(": ")[0])
            self.assertNotIn("PRIVATE", str(error))
            self.assertEqual(held.expires, before)
            self.assertRaises(ConfigurationError, ReloadingCertificate, self.certificate, self.key)

    def test_chain(self) -> None:
        """Certificates behind the first are sent with it."""
        with self.certificate.open("ab") as file:
            file.write(ca().certificate_file.read_bytes())
        held = ReloadingCertificate(self.certificate, self.key)
        self.assertEqual(len(held._options.extraCertChain), 1)


class ListenTests(GatewayCase):
    """Ports that can be had, and ports that cannot."""

    async def test_faults(self) -> None:
        """A taken port or a bad endpoint is a fault that quotes its text."""
        from twisted.internet import reactor

        factory = Origin(reply(b"x"))
        port = await listen(reactor, "tcp:0:interface=127.0.0.1", factory)
        self.addCleanup(port.stopListening)
        taken = f"tcp:{port.getHost().port}:interface=127.0.0.1"
        for text in (taken, "tcp:none", "tcp:1:interface=192.0.2.1", "nonsense:1", "tcp", ""):
            coroutine = listen(reactor, text, factory)
            with self.assertRaises(ConfigurationError) as caught:
                await coroutine
            self.assertTrue(caught.exception.faults[0].startswith(f"listen: {text!r}: "), text)

    async def test_reload_while_it_runs(self) -> None:
        """New connections get the new certificate, old ones live on; a bad file changes nothing."""
        gateway = await self.gateway({SHOP: Origin(reply(b"ok"))})
        service = gateway.service
        source = service.config.source
        folder = tempfile.TemporaryDirectory(prefix="gateway-tests-")
        self.addCleanup(folder.cleanup)
        certificate, key = Path(folder.name, "c.pem"), Path(folder.name, "c.key")
        text = source.read_text("utf-8")
        for before, after in ((service.config.tls.certificate, certificate),
                              (service.config.tls.key, key)):  # fmt: skip
            text = text.replace(f'"{before}"', f'"{after}"')
        source.write_text(text, "utf-8")

        async def serial() -> str:
            client = await self._any_client(gateway.port)
            found = client.transport.getPeerCertificate().get_serial_number()
            client.transport.abortConnection()
            await client.closed()
            return found

        old = await gateway.connect()
        old.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        await old.response()
        first = await serial()
        await service.reload()
        self.assertIn("config.reload-refused", gateway.telemetry.codes())
        self.assertEqual(await serial(), first)
        issued = ca().issue("replaced", [DOMAIN, f"*.0.{DOMAIN}"])
        shutil.copy(issued.certificate, certificate)
        shutil.copy(issued.key, key)
        await service.reload()
        self.assertEqual(gateway.telemetry.codes()[-1], "config.reloaded")
        pem = crypto.load_certificate(crypto.FILETYPE_PEM, issued.certificate.read_bytes())
        self.assertEqual(await serial(), pem.get_serial_number())
        self.assertNotEqual(await serial(), first)
        old.write(request(f"{SHOP}/", b"Cookie: " + gateway.cookie))
        self.assertEqual((await old.response()).body, b"ok")

    async def _any_client(self, port: int) -> Any:
        client = await self.client(port)
        client.write(b"GET / HTTP/1.1\r\nHost: none\r\n\r\n")
        await until(lambda: client.buffer)
        return client

    async def test_old_tls(self) -> None:
        """TLS 1.1 is refused, and what is no TLS gets nothing."""
        from twisted.internet import reactor
        from twisted.internet.ssl import TLSVersion

        gateway = await self.gateway()
        old = CertificateOptions(
            lowerMaximumSecurityTo=TLSVersion.TLSv1_1, insecurelyLowerMinimumTo=TLSVersion.TLSv1_0
        )
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", gateway.port)
        made = await wrapClientTLS(old, endpoint).connect(Factory.forProtocol(Connection))
        made.write(b"GET / HTTP/1.1\r\nHost: none\r\n\r\n")
        await made.closed()
        self.assertEqual(made.total, 0)
        plain = await self.client(gateway.port, None)
        plain.write(b"GET / HTTP/1.1\r\nHost: none\r\n\r\n")
        await plain.closed()
        self.assertNotIn(b"HTTP", plain.buffer)


class RedirectTests(SynchronousTestCase):
    """The plain listener."""

    timeout = 20

    def ask(self, data: bytes) -> bytes:
        """What it answers; hosts other than ``a`` are not ours."""
        handler = redirect_handler(
            lambda host, target: f"https://{host}{target.decode()}" if host == "a" else None
        )
        clock, transport = Clock(), StringTransport()
        channel = Site(clock, Limits(), Silent(), handler).buildProtocol(None)
        channel.makeConnection(transport)
        channel.dataReceived(data)
        self.assertIn(b"\r\nConnection: close\r\n", transport.value())
        self.assertTrue(transport.disconnecting)
        channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(clock.getDelayedCalls(), [])
        return transport.value()

    def test_redirect(self) -> None:
        """308 to the same target, whatever the method; then the connection ends."""
        for method, rest in (
            (b"GET", b"\r\n"), (b"HEAD", b"\r\n"), (b"POST", b"Content-Length: 3\r\n\r\nabc"),
            (b"POST", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ):  # fmt: skip
            answer = self.ask(method + b" //x?%zz HTTP/1.1\r\nHost: a\r\n" + rest)
            self.assertIn(b" 308 ", answer.partition(b"\r\n")[0])
            self.assertIn(b"\r\nLocation: https://a//x?%zz\r\n", answer)

    def test_unknown(self) -> None:
        """421 and no Location for a host that is not ours."""
        for fields in (b"Host: b\r\n", b""):
            answer = self.ask(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
            self.assertIn(b" 421 ", answer.partition(b"\r\n")[0])
            self.assertNotIn(b"Location", answer)
