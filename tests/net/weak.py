"""Certificates and TLS servers of every weak kind, made for tests.

Signing with SHA-1 or MD5 is no longer offered by the library that makes certificates: the
certificate is made with SHA-256, its algorithm renamed, and what is signed signed again.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dh, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    ParameterFormat,
    PrivateFormat,
)
from cryptography.x509.oid import ExtensionOID, NameOID
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

_RSA_WITH = bytes.fromhex("2a864886f70d0101")  # 1.2.840.113549.1.1.*
_SHA256, _LAST = 0x0B, {SHA1: 0x05, MD5: 0x04}
HOST = "*.site.example"
# The 1024-bit group of RFC 2409, section 6.2, in which many old servers agree on keys.
_SMALL_GROUP = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404"
    "DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406"
    "B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)


@functools.cache
def rsa_key(bits: int, number: int = 0) -> rsa.RSAPrivateKey:
    """A key, made once."""
    del number
    return rsa.generate_private_key(65537, bits)


@attrs.frozen
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key as PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make(
    name: str,
    key: Any,
    issuer: Made | None = None,
    *,
    digest: type = SHA256,
    is_ca: bool = False,
    hosts: tuple[str, ...] = (HOST,),
    days: tuple[float, float] = (-2, 30),
    odd_names: bytes = b"",
) -> Made:
    """A certificate, by itself or by ``issuer``; ``days`` from now it begins and ends.

    ``odd_names``: octets in place of the host names.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if odd_names:
        raw = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, odd_names)
        builder = builder.add_extension(raw, critical=False)
    elif not is_ca:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    whole = isinstance(signer, ed25519.Ed25519PrivateKey)
    certificate = builder.sign(signer, None if whole else SHA256())
    if digest is not SHA256:
        certificate = _sign_again(certificate, signer, digest)
    return Made(certificate, key)


def _sign_again(certificate: x509.Certificate, signer: Any, digest: type) -> x509.Certificate:
    strong = _RSA_WITH + bytes((_SHA256,))
    weak = _RSA_WITH + bytes((_LAST[digest],))
    der = certificate.public_bytes(Encoding.DER)
    assert der.count(strong) == 2, "once in what is signed, once beside the signature"
    signed = certificate.tbs_certificate_bytes.replace(strong, weak)
    signature = signer.sign(signed, padding.PKCS1v15(), digest())
    assert len(signature) == len(certificate.signature)
    der = der.replace(strong, weak)
    return x509.load_der_x509_certificate(der[: -len(signature)] + signature)


@implementer(IOpenSSLServerConnectionCreator)
class Server:
    """TLS as a server speaks it, however badly."""

    def __init__(
        self,
        made: Made,
        *chain: Made,
        versions: tuple[int, int] = (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION),
        ciphers: str = "DEFAULT",
        asks_clients: bool = False,
    ) -> None:
        """``asks_clients``: it wants to see a certificate, and takes any or none."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(versions[0])
        context.set_max_proto_version(versions[1])
        context.set_cipher_list(f"{ciphers}:@SECLEVEL=0".encode())
        context.use_certificate(made.certificate)
        for other in chain:
            context.add_extra_chain_cert(other.certificate)
        context.use_privatekey(made.key)
        if asks_clients:
            context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        self._context = context

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """See ``IOpenSSLServerConnectionCreator``."""
        del protocol
        return SSL.Connection(self._context, None)


def shown(transport: Any) -> str | None:
    """The common name of the certificate that a client has shown."""
    certificate = transport.getPeerCertificate()
    return certificate.get_subject().CN if certificate is not None else None


@functools.cache
def authority(name: str = "root", bits: int = 2048, digest: type = SHA256) -> Made:
    """A root; its own signature may be of any kind."""
    return make(name, rsa_key(bits, hash(name) & 0xFF), digest=digest, is_ca=True)


def ec_key() -> ec.EllipticCurvePrivateKey:
    """A key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def write_small_group(path: Path) -> Path:
    """Write the parameters of a group of 1024 bits."""
    parameters = dh.DHParameterNumbers(_SMALL_GROUP, 2).parameters()
    path.write_bytes(parameters.parameter_bytes(Encoding.PEM, ParameterFormat.PKCS3))
    return path
