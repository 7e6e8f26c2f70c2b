"""TLS towards origins: shared contexts by policy, verified chain and service identity.

A context costs 10 ms and most of a megabyte (the CA bundle), so there is one for each
``TlsPolicy`` and many connections to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import SignatureAlgorithmOID
from OpenSSL import SSL, crypto
from service_identity.exceptions import CertificateError, VerificationError
from service_identity.hazmat import (
    DNS_ID,
    DNSPattern,
    IPAddress_ID,
    verify_service_identity,
)
from service_identity.pyopenssl import extract_patterns
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from zope.interface import implementer

from gateway.policy.certificates import STRENGTH, CertificateFacts, why_unverified, why_weak
from gateway.policy.transport import Trust

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twisted.protocols.tls import TLSMemoryBIOProtocol

    from gateway.policy.transport import ClientIdentity, TlsPolicy

_VERSIONS = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
_EPHEMERAL = "ECDHE+AESGCM:ECDHE+CHACHA20"
# At OpenSSL's level 0 it would take any Diffie-Hellman group.
_FINITE = ":DHE+AESGCM:DHE+CHACHA20"
_WITHOUT_SECRECY = (
    ":AES128-GCM-SHA256:AES256-GCM-SHA384:ECDHE+AES:AES128-SHA256:AES256-SHA256:AES128-SHA"
    ":AES256-SHA"
)
_EDWARDS = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
_OLD = ":ECDHE+AES:DHE+AES"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class CertificateRefused(Exception):
    """A chain that the policy does not accept; ``attribute`` of ``access`` speaks about it."""

    def __init__(self, reason: str, attribute: str) -> None:
        """``reason`` is for the log."""
        super().__init__(reason)
        self.reason = reason
        self.attribute = attribute


def read_certificates(text: bytes) -> list[crypto.X509]:
    """The certificates of a PEM text; raises ``ValueError`` if it has none or a broken one."""
    found = _CERTIFICATE.findall(text)
    if not found:
        raise ValueError("no certificate in it")
    try:
        return [crypto.load_certificate(crypto.FILETYPE_PEM, part) for part in found]
    except crypto.Error:
        raise ValueError("a certificate in it is broken") from None


def use_identity(context: SSL.Context, identity: ClientIdentity) -> None:
    """Let connections show ``identity``; raises ``ValueError`` if it cannot be used."""
    try:
        leaf, *others = x509.load_pem_x509_certificates(identity.chain)
    except ValueError:
        raise ValueError("no certificate in it that can be read") from None
    try:
        key = load_pem_private_key(identity.key, None)
    except TypeError:
        raise ValueError("its key has a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("no private key in it that can be read") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | _EDWARDS) or (
        leaf.public_key() != key.public_key()
    ):
        raise ValueError("the key is not the certificate's")
    try:
        context.use_certificate(leaf)
        for other in others:
            context.add_extra_chain_cert(other)
        context.use_privatekey(key)
    except SSL.Error as error:
        words = " ".join(str(part) for entry in error.args for one in entry for part in one[-1:])
        raise ValueError(words or "it cannot be used") from None


class Contexts:
    """The contexts for all policies of one trust configuration."""

    def __init__(self, *, system: bool, files: Iterable[bytes]) -> None:
        """``files`` are PEM texts of trusted certificates beside the system's."""
        self._trust = Trust(system, tuple(files))
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
        # OpenSSL has no TLS 1.0 or 1.1, no SHA-1 and no small key at its usual level. What is
        # not excepted with them is kept out by the lists below and by ``why_weak``.
        is_old = policy.minimum in {"1.0", "1.1"}
        is_lax = is_old or not policy.certificate_strength
        ciphers = "@SECLEVEL=0:" if is_lax else "@SECLEVEL=2:"
        ciphers += _EPHEMERAL + ("" if is_lax and not is_old else _FINITE)
        ciphers += "" if policy.forward_secrecy else _WITHOUT_SECRECY
        ciphers += _OLD if is_old else ""
        context.set_cipher_list(ciphers.encode("ascii"))
        context.set_options(SSL.OP_NO_COMPRESSION)
        trust = policy.trust or self._trust
        if trust.system:
            context.set_default_verify_paths()
        store = context.get_cert_store()
        if store is None:
            raise RuntimeError("a context without a store")
        for text in trust.files:
            for certificate in read_certificates(text):
                store.add_cert(certificate)
        if policy.trust is not None:
            # What was named for one destination may be an intermediate or the leaf itself.
            store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        if policy.client is not None:
            use_identity(context, policy.client)
        return context


def facts_of(certificate: crypto.X509, depth: int, *, is_anchor: bool) -> CertificateFacts:
    """What the policy is asked about."""
    signature = kind = ""
    bits = 0
    try:
        parsed = certificate.to_cryptography()
        oid = parsed.signature_algorithm_oid
        if oid == SignatureAlgorithmOID.ED25519:
            signature = "ed25519"
        elif oid == SignatureAlgorithmOID.ED448:
            signature = "ed448"
        elif parsed.signature_hash_algorithm is not None:
            signature = parsed.signature_hash_algorithm.name
    except (UnsupportedAlgorithm, ValueError):
        return CertificateFacts(depth, is_anchor, signature, kind, bits)
    try:
        key = parsed.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return CertificateFacts(depth, is_anchor, signature, kind, bits)
    if isinstance(key, rsa.RSAPublicKey):
        kind, bits = "RSA", key.key_size
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind, bits = "EC", key.key_size
    elif isinstance(key, ed25519.Ed25519PublicKey):
        kind = "ed25519"
    elif isinstance(key, ed448.Ed448PublicKey):
        kind = "ed448"
    return CertificateFacts(depth, is_anchor, signature, kind, bits)


class _Name(DNS_ID):
    """A DNS name as RFC 9525, section 6.3, has it: a wildcard stands for any one whole label.

    service-identity keeps A-labels from wildcards, which was RFC 6125's advice.
    """

    def verify(self, pattern: Any) -> bool:
        if super().verify(pattern):
            return True
        if not isinstance(pattern, DNSPattern) or not pattern.pattern.startswith(b"*."):
            return False
        _, dot, parent = self.hostname.partition(b".")
        return bool(dot) and pattern.pattern[1:] == dot + parent


@implementer(IOpenSSLClientConnectionCreator)
class VerifiedPeer:
    """Makes connections that only the certificate of ``hostname`` satisfies (RFC 9525)."""

    def __init__(
        self, context: SSL.Context, hostname: str, *, certificate_strength: bool = True
    ) -> None:
        """``hostname`` without the brackets of an IPv6 literal."""
        self._context = context
        self._hostname = hostname
        self._strict = certificate_strength
        self._is_name = not (isIPAddress(hostname) or isIPv6Address(hostname))
        self._identity = _Name(hostname) if self._is_name else IPAddress_ID(hostname)

    def clientConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """See ``IOpenSSLClientConnectionCreator``."""
        connection = SSL.Connection(self._context, None)
        if self._is_name:
            connection.set_tlsext_host_name(self._hostname.encode("ascii"))
        last = -1

        def fault_of(
            certificate: crypto.X509, error: int, depth: int, sound: int
        ) -> Exception | None:
            nonlocal last
            if not sound:
                return CertificateRefused(*why_unverified(error, depth))
            # A sound chain is walked from its anchor down: the first one seen is that.
            is_anchor, last = last < 0 or depth >= last, depth
            facts = facts_of(certificate, depth, is_anchor=is_anchor)
            weak = why_weak(facts, strict=self._strict)
            if weak is not None:
                return CertificateRefused(weak, STRENGTH)
            if depth == 0:
                try:
                    verify_service_identity(extract_patterns(certificate), [self._identity], [])
                except (VerificationError, CertificateError) as wrong:
                    return wrong
                except Exception:  # noqa: BLE001 (what a parser says of a hostile certificate)
                    return CertificateRefused("the certificate's names cannot be read", "")
            return None

        def verify(
            _: SSL.Connection, certificate: crypto.X509, error: int, depth: int, sound: int
        ) -> bool:
            fault = fault_of(certificate, error, depth, sound)
            if fault is not None:
                protocol.failVerification(Failure(fault))
            return fault is None

        connection.set_verify(SSL.VERIFY_PEER, verify)
        return connection
