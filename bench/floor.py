"""What a refusal costs at least: bare Twisted over the gateway's kind of TLS, one port for each way.

``python -m bench.floor CERTIFICATE KEY PORT…``: closes when the TLS handshake is over; answers each
request with a constant 403 and closes; the same, kept open; the same by twisted.web.  Runs until
SIGTERM.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gateway import uvloopreactor

_ANSWER = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n%s\r\nForbidden"


def main(arguments: list[str]) -> None:
    """Listen on four ports, on the reactor that the gateway runs on too."""
    uvloopreactor.install()
    from twisted.internet import reactor  # noqa: PLC0415 (the reactor comes first)
    from twisted.internet.interfaces import IHandshakeListener  # noqa: PLC0415
    from twisted.internet.protocol import Factory, Protocol  # noqa: PLC0415
    from twisted.internet.ssl import CertificateOptions, PrivateCertificate  # noqa: PLC0415
    from twisted.web import http  # noqa: PLC0415
    from zope.interface import implementer  # noqa: PLC0415

    @implementer(IHandshakeListener)
    class Close(Protocol):
        """Says nothing at all."""

        def handshakeCompleted(self) -> None:
            """See ``IHandshakeListener``."""
            self.transport.loseConnection()

    class Once(Protocol):
        """Says the same to everybody, once."""

        def dataReceived(self, data: bytes) -> None:
            """A request, which comes in one piece here."""
            del data
            self.transport.write(_ANSWER % b"Connection: close\r\n")
            self.transport.loseConnection()

    class Kept(Protocol):
        """Says the same to everybody, as often as it is asked."""

        def dataReceived(self, data: bytes) -> None:
            """A request, which comes in one piece here."""
            del data
            self.transport.write(_ANSWER % b"")

    class Refused(http.Request):
        """A request that twisted.web has read."""

        def process(self) -> None:
            """Refuse it."""
            self.setResponseCode(403)
            self.setHeader(b"content-length", b"9")
            self.write(b"Forbidden")
            self.finish()

    class Channel(http.HTTPChannel):
        """twisted.web's, as it comes."""

        requestFactory = Refused  # type: ignore[assignment]

    web = http.HTTPFactory()
    web.log = lambda _: None  # type: ignore[method-assign]
    web.protocol = Channel  # type: ignore[assignment]
    web.buildProtocol = lambda addr: _made(web, Channel(), addr)  # type: ignore[method-assign]
    certificate, key, *ports = arguments
    pem = Path(key).read_bytes() + Path(certificate).read_bytes()
    own = PrivateCertificate.loadPEM(pem)
    tls = CertificateOptions(
        privateKey=own.privateKey.original, certificate=own.original, enableSessionTickets=True
    )
    ways = (*(Factory.forProtocol(one) for one in (Close, Once, Kept)), web)
    for port, factory in zip(ports, ways, strict=True):
        factory.noisy = False
        reactor.listenSSL(int(port), factory, tls, interface="127.0.0.1", backlog=1024)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


def _made(factory: object, channel: object, address: object) -> object:
    del address
    channel.factory = channel.site = factory  # type: ignore[attr-defined]
    channel.timeOut = 60  # type: ignore[attr-defined]
    return channel


if __name__ == "__main__":
    main(sys.argv[1:])
