"""TLS towards origins: shared contexts by policy, verified chain and service identity.

A context costs 10 ms and most of a megabyte (the CA bundle), so there is one for each
``TlsPolicy`` and many connections to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from OpenSSL import SSL, crypto
from service_identity.exceptions import CertificateError, VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twisted.protocols.tls import TLSMemoryBIOProtocol

    from gateway.policy.transport import TlsPolicy

_VERSIONS = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
_FORWARD_SECRET = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"
_WITHOUT_SECRECY = _FORWARD_SECRET + ":AES128-GCM-SHA256:AES256-GCM-SHA384:ECDHE+AES:AES128-SHA"
# OpenSSL 3 has no TLS 1.0 or 1.1 at its default security level.
_OLD = "@SECLEVEL=0:ECDHE+AES:DHE+AES:AES128-SHA:AES256-SHA"


class Contexts:
    """The contexts for all policies of one trust configuration."""

    def __init__(self, *, system: bool, files: Iterable[bytes]) -> None:
        """``files`` are PEM texts of trusted certificates beside the system's."""
        self._system = system
        self._certificates = [
            crypto.load_certificate(crypto.FILETYPE_PEM, b"-----BEGIN" + part)
            for text in files
            for part in text.split(b"-----BEGIN")[1:]
        ]
        self._contexts: dict[TlsPolicy, SSL.Context] = {}

    def context(self, policy: TlsPolicy) -> SSL.Context:
        """The shared context for ``policy``."""
        context = self._contexts.get(policy)
        if context is None:
            context = self._contexts[policy] = self._make(policy)
        return context

    def _make(self, policy: TlsPolicy) -> SSL.Context:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(_VERSIONS[policy.minimum])
        ciphers = _FORWARD_SECRET if policy.forward_secrecy else _WITHOUT_SECRECY
        if policy.minimum in {"1.0", "1.1"}:
            ciphers = f"{_OLD}:{ciphers}"
        context.set_cipher_list(ciphers.encode("ascii"))
        context.set_options(SSL.OP_NO_COMPRESSION)
        if self._system:
            context.set_default_verify_paths()
        store = context.get_cert_store()
        for certificate in self._certificates:
            if store is not None:
                store.add_cert(certificate)
        return context


@implementer(IOpenSSLClientConnectionCreator)
class VerifiedPeer:
    """Makes connections that only the certificate of ``hostname`` satisfies (RFC 9525)."""

    def __init__(self, context: SSL.Context, hostname: str) -> None:
        """``hostname`` without the brackets of an IPv6 literal."""
        self._context = context
        self._hostname = hostname
        self._is_name = not (isIPAddress(hostname) or isIPv6Address(hostname))
        self._identity = DNS_ID(hostname) if self._is_name else IPAddress_ID(hostname)

    def clientConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """See ``IOpenSSLClientConnectionCreator``."""
        connection = SSL.Connection(self._context, None)
        if self._is_name:
            connection.set_tlsext_host_name(self._hostname.encode("ascii"))

        def verify(
            _: SSL.Connection, certificate: crypto.X509, _error: int, depth: int, sound: int
        ) -> bool:
            if depth or not sound:
                return bool(sound)
            try:
                verify_service_identity(extract_patterns(certificate), [self._identity], [])
            except (VerificationError, CertificateError):
                protocol.failVerification(Failure())
                return False
            return True

        connection.set_verify(SSL.VERIFY_PEER, verify)
        return connection
