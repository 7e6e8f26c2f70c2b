"""TLS towards origins on loopback: chain, name, version, ciphers."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any
from unittest import SkipTest

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, PrivateCertificate, TLSVersion
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gateway.net.peer import CertificateRefused, Contexts, VerifiedPeer
from gateway.policy.transport import TlsPolicy
from tests.net.harness import GatewayCase, ca, origin_tls
from tests.net.raw import Origin, reply, until
from tests.net.weak import authority as root_of
from tests.net.weak import make, rsa_key, write_small_group
from tests.ops import temporary


@implementer(IHandshakeListener)
class Listener(Protocol):
    """Remembers whether the handshake was completed, or why not."""

    done = False
    reason: Any = None

    def connectionMade(self) -> None:
        self.transport.write(b"GET / HTTP/1.1\r\n\r\n")
        self.data = b""

    def handshakeCompleted(self) -> None:
        self.done = True

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.reason = reason.value


class PeerTests(GatewayCase):
    """Which servers are let speak for a host."""

    async def connect(
        self, host: str, tls: Any, policy: TlsPolicy | None = None, **contexts: Any
    ) -> Listener:
        """Connect as for ``host`` to a server with ``tls``; its end or its answer."""
        from twisted.internet import reactor

        self.origin = Origin(reply(b"secret"))
        port = await self.listen(self.origin, tls)
        given = {"system": False, "files": [ca().certificate_file.read_bytes()], **contexts}
        context = Contexts(**given).context(policy or TlsPolicy())
        endpoint = wrapClientTLS(
            VerifiedPeer(context, host), TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        )
        made = await endpoint.connect(Factory.forProtocol(Listener))
        await until(lambda: made.reason or made.data)
        if made.reason is None:
            made.transport.abortConnection()
            await until(lambda: made.reason)
        return made

    async def test_names(self) -> None:
        """Exact names, one label of a wildcard, addresses as addresses: nothing else."""
        tls = origin_tls("a.example", "*.w.example", "127.0.0.1", "::1")
        for host, good in (
            ("a.example", True), ("x.w.example", True), ("127.0.0.1", True), ("::1", True),
            ("b.example", False), ("w.example", False), ("x.y.w.example", False),
            ("a.example.evil.example", False), ("127.0.0.2", False), ("::2", False),
        ):  # fmt: skip
            made = await self.connect(host, tls)
            self.assertEqual(bool(made.data), good, host)
            if not good:
                self.assertIsInstance(made.reason, VerificationError, host)
                self.assertEqual(self.origin.requests, [], host)

    async def test_odd_names(self) -> None:
        """Underscores, hyphens in third place and odd A-labels are names as others are."""
        tls = origin_tls("my_site.example", "xn--i-7iq.example", "a--b.example", "*.w.example")
        for host, good in (
            ("my_site.example", True), ("xn--i-7iq.example", True), ("a--b.example", True),
            ("r3---sn-abc.w.example", True), ("my_site.w.example", True),
            ("xn--i-7iq.w.example", True), ("_a-.w.example", True),
            ("mysite.example", False), ("my_site.x.w.example", False), ("xn--i-7ir.example", False),
            ("xn--i-7iq.x.w.example", False), ("xn--i-7iq.xw.example", False),
        ):  # fmt: skip
            made = await self.connect(host, tls)
            self.assertEqual(bool(made.data), good, host)
            if not good:
                self.assertIsInstance(made.reason, VerificationError, host)

    async def test_an_address_is_no_name(self) -> None:
        """A certificate whose name looks like an address is not one for the address."""
        made = await self.connect("127.0.0.1", origin_tls("127.0.0.1.example"))
        self.assertIsInstance(made.reason, VerificationError)

    async def test_untrusted(self) -> None:
        """Another authority, one that expired, or no trust at all: no octet is exchanged."""
        for tls, contexts in (
            (origin_tls("a.example", authority="untrusted"), {}),
            (origin_tls("a.example", days=-1), {}),
            (origin_tls("a.example"), {"files": []}),
            (origin_tls("a.example"), {"system": True, "files": []}),
        ):
            made = await self.connect("a.example", tls, **contexts)
            self.assertIsInstance(made.reason, CertificateRefused)
            self.assertEqual((self.origin.requests, made.data), ([], b""))

    async def test_several_certificates_in_a_file(self) -> None:
        """All certificates of a trust file count."""
        both = b"# a comment\n" + b"".join(
            ca(name).certificate_file.read_bytes() for name in ("untrusted", "trusted")
        )
        for authority in ("trusted", "untrusted"):
            tls = origin_tls("a.example", authority=authority)
            made = await self.connect("a.example", tls, files=[both])
            self.assertTrue(made.data)

    async def test_versions(self) -> None:
        """A server that speaks only less than the policy's minimum is refused."""
        issued = ca().issue("versions", ["a.example"])
        pem = PrivateCertificate.loadPEM(issued.key.read_bytes() + issued.certificate.read_bytes())
        old = CertificateOptions(
            privateKey=pem.privateKey.original,
            certificate=pem.original,
            lowerMaximumSecurityTo=TLSVersion.TLSv1_2,
            insecurelyLowerMinimumTo=TLSVersion.TLSv1_2,
        )
        self.assertTrue((await self.connect("a.example", old)).data)
        made = await self.connect("a.example", old, TlsPolicy("1.3"))
        self.assertIsInstance(made.reason, SSL.Error)
        self.assertTrue(
            (await self.connect("a.example", origin_tls("a.example"), TlsPolicy("1.3"))).data
        )

    async def test_names_are_sent(self) -> None:
        """SNI carries a name; an address is never sent there."""
        sent: list[Any] = []
        tls = origin_tls("sni.example", "127.0.0.1")
        tls.getContext().set_tlsext_servername_callback(
            lambda connection: sent.append(connection.get_servername())
        )
        for host in ("sni.example", "127.0.0.1"):
            self.assertTrue((await self.connect(host, tls)).data)
        self.assertEqual(sent, [b"sni.example", None])


class ContextsTests(SynchronousTestCase):
    """One context for each policy, each with its ciphers."""

    timeout = 20

    def setUp(self) -> None:
        self.contexts = Contexts(system=False, files=[])

    def test_shared(self) -> None:
        """Equal policies share a context, others do not."""
        first = self.contexts.context(TlsPolicy())
        self.assertIs(self.contexts.context(TlsPolicy("1.2")), first)
        for other in (TlsPolicy("1.3"), TlsPolicy(forward_secrecy=False), TlsPolicy("1.0")):
            self.assertIsNot(self.contexts.context(other), first)

    def test_ciphers(self) -> None:
        """By default forward secrecy and authenticated encryption; exceptions only add."""

        def names(policy: TlsPolicy) -> set[str]:
            found = SSL.Connection(self.contexts.context(policy), None).get_cipher_list()
            return {name for name in found if not name.startswith("TLS_")}

        default = names(TlsPolicy())
        self.assertTrue(default)
        for name in default:
            self.assertTrue(name.startswith(("ECDHE-", "DHE-")), name)
            self.assertTrue("GCM" in name or "CHACHA20" in name, name)
        self.assertIn("AES128-GCM-SHA256", names(TlsPolicy(forward_secrecy=False)))
        self.assertLess(default, names(TlsPolicy(forward_secrecy=False)))
        self.assertLess(default, names(TlsPolicy("1.0")))

    def test_small_groups(self) -> None:
        """Keys agreed on in a group of 1024 bits: only where old TLS was asked for."""
        if ssl.OPENSSL_VERSION_INFO[0] > 3:
            raise SkipTest("servers of this OpenSSL choose a group of their own")
        folder = temporary(self)
        leaf = make("leaf", rsa_key(2048, 5), root_of())
        (folder / "leaf.pem").write_bytes(leaf.pem + leaf.key_pem)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(folder / "leaf.pem")
        server.maximum_version = ssl.TLSVersion.TLSv1_2
        server.set_ciphers("DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
        server.load_dh_params(str(write_small_group(folder / "group.pem")))
        for policy, passes in (
            (TlsPolicy(), False),
            (TlsPolicy(forward_secrecy=False), False),
            (TlsPolicy(certificate_strength=False), False),
            (TlsPolicy("1.0"), True),
        ):
            cipher = _shake_hands(self.contexts.context(policy), server)
            self.assertEqual(cipher is not None, passes, policy)


def _shake_hands(context: SSL.Context, server: ssl.SSLContext) -> str | None:
    """The cipher on which a client and a server agree, in memory; None: they do not."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = server.wrap_bio(to_server, to_client, server_side=True)
    here = SSL.Connection(context, None)
    here.set_connect_state()
    here.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    for _ in range(6):
        with contextlib.suppress(SSL.WantReadError):
            try:
                here.do_handshake()
            except SSL.Error as error:
                if not isinstance(error, SSL.WantReadError):
                    return None
        with contextlib.suppress(SSL.WantReadError):
            to_server.write(here.bio_read(65536))
        with contextlib.suppress(ssl.SSLError):
            there.do_handshake()
        if to_client.pending:
            here.bio_write(to_client.read())
    return here.get_cipher_name()
