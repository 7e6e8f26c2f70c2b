"""TLS of the listener: Twisted's, without what a server's connection does for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.protocol import Protocol
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from zope.interface import directlyProvides, implementer, providedBy

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IListeningPort, IProtocolFactory


class ServerTls(BufferingTLSTransport):
    """A client's connection: OpenSSL is asked when the client's first octets are there.

    Twisted asks it at once, which tells a server no more than that it has to read first, and
    declares what the transport provides once for each interface of it.
    """

    def makeConnection(self, transport: Any) -> None:
        """See ``TLSMemoryBIOProtocol``; ours is never a connection that was another before."""
        self._tlsConnection = self.factory._creatorCallable(self)
        self._appSendBuffer: list[bytes] = []
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)
        self.wrappedProtocol.makeConnection(self)


class ServerTlsFactory(TLSMemoryBIOFactory):
    """Puts TLS before a factory of the listener's."""

    protocol = ServerTls


@attrs.frozen
@implementer(IStreamServerEndpoint)
class TlsEndpoint:
    """An endpoint whose connections are TLS; ``creator`` makes their OpenSSL side."""

    _creator: Any
    _endpoint: Any

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """See ``IStreamServerEndpoint``."""
        factory = ServerTlsFactory(self._creator, isClient=False, wrappedFactory=protocolFactory)
        listening: Deferred[IListeningPort] = self._endpoint.listen(factory)
        return listening
