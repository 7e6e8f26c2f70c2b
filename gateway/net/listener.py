"""Listening ports: TLS around Twisted endpoints, certificates that can be replaced.

``listen`` fails the start when a port is taken; Twisted's ``StreamServerEndpointService``
would log it and run on, serving nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from OpenSSL import SSL, crypto
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion
from zope.interface import implementer

from gateway.errors import ConfigurationError
from gateway.net.proxied import BalancedEndpoint
from gateway.net.tls import TlsEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from twisted.internet.interfaces import IListeningPort, IProtocolFactory
    from twisted.protocols.tls import TLSMemoryBIOProtocol

    from gateway.net.client import Client
    from gateway.net.proxied import Balanced

_CIPHERS = AcceptableCiphers.fromOpenSSLCipherString("ECDHE+AESGCM:ECDHE+CHACHA20")
# The first one's key schedule, which each handshake pays for, costs half of the second one's.
_CIPHERS_1_3 = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
_MINIMUM = {"1.2": TLSVersion.TLSv1_2, "1.3": TLSVersion.TLSv1_3}


@implementer(IOpenSSLServerConnectionCreator)
class ReloadingCertificate:
    """The server's certificate and key; old connections keep theirs when it changes.

    A file that is bad leaves the good one in place and raises ``ConfigurationError``.
    """

    def __init__(self, certificate: Path, key: Path, minimum: str = "1.2") -> None:
        """Load both files, chain included; raises ``ConfigurationError``."""
        self._certificate = certificate
        self._key = key
        self._minimum = minimum
        self._options = self._load()

    def reload(self) -> None:
        """Read the files again; also gives new session-ticket keys."""
        self._options = self._load()

    def take(self, other: ReloadingCertificate) -> None:
        """Serve what ``other`` has loaded, from the next handshake on."""
        self._certificate, self._key = other._certificate, other._key
        self._minimum, self._options = other._minimum, other._options

    @property
    def expires(self) -> str:
        """The end of the certificate's validity, as ASN.1 writes it."""
        certificate = self._options.certificate
        end = certificate.get_notAfter() if certificate is not None else None
        return end.decode("ascii") if end else ""

    def _load(self) -> CertificateOptions:
        try:
            parts = self._certificate.read_bytes().split(b"-----BEGIN")[1:]
            chain = [
                crypto.load_certificate(crypto.FILETYPE_PEM, b"-----BEGIN" + part)
                for part in parts
                if part.startswith(b" CERTIFICATE")
            ]
        except (OSError, crypto.Error) as error:
            raise ConfigurationError([f"{self._certificate}: {error}"]) from None
        if not chain:
            raise ConfigurationError([f"{self._certificate}: holds no certificate"])
        try:
            key = crypto.load_privatekey(crypto.FILETYPE_PEM, self._key.read_bytes())
        except (OSError, crypto.Error) as error:
            raise ConfigurationError([f"{self._key}: {error}"]) from None
        check = SSL.Context(SSL.TLS_SERVER_METHOD)
        check.use_privatekey(key)
        check.use_certificate(chain[0])
        try:
            check.check_privatekey()
        except SSL.Error:
            faults = [f"{self._key}: is not the key of {self._certificate}"]
            raise ConfigurationError(faults) from None
        options = CertificateOptions(
            privateKey=key,
            certificate=chain[0],
            extraCertChain=chain[1:],
            raiseMinimumTo=_MINIMUM[self._minimum],
            acceptableCiphers=_CIPHERS,
            # Without, OpenSSL sends tickets of TLS 1.3 all the same, that nobody can use.
            enableSessionTickets=True,
        )
        options.getContext().set_tls13_ciphersuites(_CIPHERS_1_3)
        return options

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """See ``IOpenSSLServerConnectionCreator``."""
        connection: SSL.Connection = self._options.serverConnectionForTLS(protocol)
        return connection


async def listen(
    reactor: Any,
    description: str,
    factory: IProtocolFactory,
    certificate: ReloadingCertificate | None = None,
    balanced: Callable[[IProtocolFactory], Balanced] | None = None,
) -> IListeningPort:
    """Listen on an endpoint string, with TLS around it if there is a certificate.

    ``balanced`` reads PROXY headers before that.
    Raises ``ConfigurationError`` that names the string when the port cannot be had.
    """
    try:
        endpoint = serverFromString(reactor, description)
        if balanced is not None:
            endpoint = BalancedEndpoint(endpoint, balanced)
        if certificate is not None:
            endpoint = TlsEndpoint(certificate, endpoint)
        port: IListeningPort = await endpoint.listen(factory)
    except Exception as error:  # noqa: BLE001 (whatever an endpoint parser raises)
        raise ConfigurationError([f"listen: {description!r}: {error}"]) from None
    return port


def redirect_handler(
    location: Callable[[str, bytes], str | None],
) -> Callable[[Client], Coroutine[Any, Any, None]]:
    """Serves the plain listener: the same URL over HTTPS, or 421 for a host that is not ours.

    ``location`` maps Host and target, or says None.
    """

    async def redirect(client: Client) -> None:
        client.kind = "redirect"
        url = location(client.head.host, client.head.target)
        fields = ((b"Content-Length", b"0"), (b"Connection", b"close"))
        if url is None:
            client.start(421, b"", fields)
        else:
            client.start(308, b"", (*fields, (b"Location", url.encode("latin-1"))))
        client.finish()

    return redirect
