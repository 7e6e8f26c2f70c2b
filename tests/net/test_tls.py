"""The listener's TLS: silent until the client speaks, resumed by tickets."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from gateway.net.listener import ReloadingCertificate
from gateway.net.tls import ServerTls, ServerTlsFactory
from tests.net.harness import DOMAIN, ca


class Upper(Protocol):
    """Answers in capitals, and closes when it is told so."""

    def dataReceived(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(data.upper())
        if data == b"end":
            transport.loseConnection()


class _InMemory(SynchronousTestCase):
    """A server's end in memory, the standard library's client at the other."""

    timeout = 20

    def setUp(self) -> None:
        issued = ca().issue("tls", [DOMAIN])
        self.certificate = ReloadingCertificate(issued.certificate, issued.key)
        self.context = ssl.create_default_context(cafile=str(ca().certificate_file))
        self.factory = ServerTlsFactory(
            self.certificate,
            False,
            Factory.forProtocol(Upper),
            Clock(),  # type: ignore[arg-type]
        )

    def _server(self) -> tuple[Any, StringTransport]:
        protocol: Any = self.factory.buildProtocol(None)
        transport = StringTransport()
        directlyProvides(transport, ITCPTransport, IPushProducer)
        protocol.makeConnection(transport)
        return protocol, transport

    def _open(self, session: ssl.SSLSession | None = None) -> tuple[ssl.SSLObject, bytes]:
        """Shake hands and have something said: the client's end and the last octets of ours."""
        protocol, transport = self._server()
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.context.wrap_bio(
            to_client, to_server, server_hostname=DOMAIN, session=session
        )

        def pass_on() -> None:
            data = to_server.read()
            if data:
                protocol.dataReceived(data)
            to_client.write(transport.value())
            transport.clear()

        for _ in range(3):  # as many flights as TLS 1.2 has
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
            pass_on()
        client.write(b"end")
        pass_on()
        return client, client.read()


class TlsTests(_InMemory):
    """What a connection of the listener's does, and what it leaves."""

    def test_silent(self) -> None:
        """Nothing is sent, and OpenSSL not asked, before the client has spoken."""
        protocol, transport = self._server()
        self.assertIsInstance(protocol, ServerTls)
        self.assertEqual(transport.value(), b"")
        self.assertIsNone(protocol.negotiatedProtocol)
        self.assertIn(protocol, self.factory.protocols)

    def test_provides(self) -> None:
        """What the transport can do, the connection can: TCP's options are set by that."""
        protocol, _ = self._server()
        for interface in (ITCPTransport, IPushProducer):
            self.assertTrue(interface.providedBy(protocol), interface)

    def test_talks(self) -> None:
        """Octets go both ways, and what was written before the end is sent."""
        client, said = self._open()
        self.assertEqual((client.version(), said), ("TLSv1.3", b"END"))
        self.assertEqual(client.cipher()[0], "TLS_AES_128_GCM_SHA256")  # type: ignore[index]

    def test_lost_before_it_spoke(self) -> None:
        """A client that goes without a word leaves nothing behind; so does one that is cut."""
        for cut in (False, True):
            protocol, transport = self._server()
            if cut:
                protocol.abortConnection()
                self.assertTrue(transport.disconnecting)
            protocol.connectionLost(self._done())
            self.assertEqual(self.factory.protocols, {})

    def test_junk(self) -> None:
        """What is no TLS ends the connection."""
        protocol, transport = self._server()
        protocol.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        self.assertTrue(transport.disconnecting)

    @staticmethod
    def _done() -> Any:
        from twisted.internet.error import ConnectionDone
        from twisted.python.failure import Failure

        return Failure(ConnectionDone())


class TicketTests(_InMemory):
    """Resumption (RFC 8446, section 2.2): by tickets alone, as long as their keys live."""

    def test_resumed(self) -> None:
        """Who comes again with a ticket needs no certificate; nothing is kept for them here."""
        first, _ = self._open()
        self.assertFalse(first.session_reused)
        for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
            self.context.maximum_version = version
            first, _ = self._open()
            again, said = self._open(first.session)
            self.assertEqual((again.session_reused, said), (True, b"END"), version)

    def test_new_keys(self) -> None:
        """A reload makes new keys: tickets from before are worth nothing, and nobody fails."""
        first, _ = self._open()
        self.certificate.reload()
        again, said = self._open(first.session)
        self.assertEqual((again.session_reused, said), (False, b"END"))

    def test_another_certificate(self) -> None:
        """A ticket of another gateway is worth nothing."""
        first, _ = self._open()
        with tempfile.TemporaryDirectory(prefix="gateway-tests-") as folder:
            other = ca().issue("other-tls", [DOMAIN])
            copy = Path(folder, "c.pem")
            copy.write_bytes(other.certificate.read_bytes())
            self.certificate.take(ReloadingCertificate(copy, other.key))
        again, _ = self._open(first.session)
        self.assertFalse(again.session_reused)
