"""The PROXY protocol, versions 1 and 2, from listed balancers: before TLS, once a connection.

A listed balancer must begin each connection with a header; whoever is not listed gets none
believed, for their octets go to TLS as they are.  Until the header is whole there is no
protocol: what comes next is built for the client's own address, so that limits count it.

Twisted's ``HAProxyProtocolWrapper`` believes everybody, takes no header that comes in parts
at its beginning, has no bound in time, and builds its protocol for the balancer's address.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet import address
from twisted.internet.interfaces import IAddress, IStreamServerEndpoint
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.protocols.policies import ProtocolWrapper
from zope.interface import directlyProvides, implementer, providedBy

from gateway import events
from gateway.policy.clients import Ranges, address_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.defer import Deferred
    from twisted.internet.interfaces import IListeningPort, IProtocolFactory
    from twisted.python.failure import Failure

    from gateway.net.settings import Limits
    from gateway.net.telemetry import Telemetry

_WORD = b"PROXY "
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST_LINE = 107
_LONGEST_BLOCK = 4096
"""Version 2 has room for 65,535 octets; what balancers add takes a few hundred."""
_FIXED = 16
_FORMATS = {0x11: ("!4s4sHH", IPv4Address), 0x21: ("!16s16sHH", IPv6Address)}
_UNIX, _UNIX_SIZE = 0x31, 216
_UNSPECIFIED = 0x00


class Malformed(ValueError):
    """It is no PROXY header; the text says why and quotes nothing."""


@attrs.frozen
class Header:
    """A whole header: whom the balancer speaks for (None: for itself), and its size."""

    client: str | None
    port: int
    size: int


def read_header(data: bytes) -> Header | None:
    """Read a header at the beginning of ``data``; None: more is needed.

    Raises ``Malformed``, as soon as the octets cannot become one.
    """
    if data.startswith(_WORD[: len(data)]):
        return _read_line(data)
    if data.startswith(_SIGNATURE[: len(data)]):
        return _read_block(data)
    raise Malformed("no PROXY header")


def _read_line(data: bytes) -> Header | None:
    end = data.find(b"\r\n", 0, _LONGEST_LINE)
    if end < 0:
        if len(data) >= _LONGEST_LINE:
            raise Malformed("a line that is too long")
        return None
    words = data[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return Header(None, 0, end + 2)
    kinds = {b"TCP4": IPv4Address, b"TCP6": IPv6Address}
    if len(words) != 6 or words[1] not in kinds:
        raise Malformed("a line without two addresses and two ports")
    try:
        source, _ = (kinds[words[1]](word.decode("ascii")) for word in words[2:4])
        port, _ = (_port(word) for word in words[4:6])
    except ValueError:
        raise Malformed("an address or port that is none") from None
    if getattr(source, "scope_id", None):
        raise Malformed("an address with a zone")
    return Header(str(source), port, end + 2)


def _port(word: bytes) -> int:
    if not word.isdigit() or len(word) > 5 or (word[:1] == b"0" and word != b"0"):
        raise ValueError
    if int(word) > 65535:
        raise ValueError
    return int(word)


def _read_block(data: bytes) -> Header | None:
    if len(data) < _FIXED:
        if len(data) > 12 and data[12] >> 4 != 2:
            raise Malformed("a version that is not 2")
        return None
    command, family, length = data[12], data[13], int.from_bytes(data[14:16], "big")
    if command not in {0x20, 0x21}:
        raise Malformed("a version that is not 2, or a command that does not exist")
    if length > _LONGEST_BLOCK:
        raise Malformed("a header that is too long")
    size = _FIXED + length
    if len(data) < size:
        return None
    if command == 0x20 or family == _UNSPECIFIED:
        return Header(None, 0, size)
    if family == _UNIX and length >= _UNIX_SIZE:
        return Header(None, 0, size)
    if family not in _FORMATS:
        raise Malformed("an address family that TCP does not have")
    layout, kind = _FORMATS[family]
    if length < struct.calcsize(layout):
        raise Malformed("a header that is too short for its addresses")
    source, _, port, _ = struct.unpack_from(layout, data, _FIXED)
    return Header(str(kind(source)), port, size)


class _Introduced(ProtocolWrapper):
    """A connection of a balancer: its header, then whatever the factory builds for the client."""

    factory: Any
    transport: Any
    wrappedProtocol: Any

    def __init__(self, factory: Balanced) -> None:
        """See ``Balanced.buildProtocol``."""
        given: Any = factory
        super().__init__(given, None)  # type: ignore[arg-type]  # not before the header
        self._peer: IAddress | None = None
        self._buffer = b""
        self._deadline: Any = None
        self._ended = False

    def makeConnection(self, transport: Any) -> None:
        """Wait for the header, for a while."""
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)
        limits = self.factory.limits
        self._deadline = self.factory.reactor.callLater(
            limits.proxy_header_seconds, self._drop, "none in time"
        )

    def getPeer(self) -> IAddress:
        """The client, once the balancer has named it."""
        peer: IAddress = self._peer if self._peer is not None else self.transport.getPeer()
        return peer

    def dataReceived(self, data: bytes) -> None:
        """The header, then everything that follows."""
        if self.wrappedProtocol is not None:
            self.wrappedProtocol.dataReceived(data)
            return
        if self._ended:
            return
        self._buffer += data
        try:
            header = read_header(self._buffer)
        except Malformed as error:
            self._drop(str(error))
            return
        if header is None:
            return
        rest, self._buffer = self._buffer[header.size :], b""
        self._stop_clock()
        self.factory.unregisterProtocol(self)
        self._peer = self.transport.getPeer() if header.client is None else _address(header)
        inner = self.factory.inner.buildProtocol(self._peer)
        if inner is None:
            self._end()
            return
        self.wrappedProtocol = inner
        inner.makeConnection(self)
        if rest and not self._ended:
            inner.dataReceived(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell whoever was built for the client, if anybody was."""
        self._ended = True
        self._stop_clock()
        self.factory.unregisterProtocol(self)
        inner, self.wrappedProtocol = self.wrappedProtocol, None
        if inner is not None:
            inner.connectionLost(reason)

    def _drop(self, why: str) -> None:
        balancer = getattr(self.transport.getPeer(), "host", "")
        self.factory.telemetry.event(
            events.PROXY_HEADER, detail=f"PROXY header: {why}", client=balancer
        )
        self._end()

    def _end(self) -> None:
        self._ended = True
        self._buffer = b""
        self._stop_clock()
        self.transport.abortConnection()

    def _stop_clock(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


def _address(header: Header) -> IAddress:
    found = address_of(header.client or "")
    kind = address.IPv4Address if isinstance(found, IPv4Address) else address.IPv6Address
    made: IAddress = kind("TCP", str(found), header.port)
    return made


class Balanced(ServerFactory):
    """Stands before a listener's factory: what comes from balancers names its client first."""

    noisy = False

    def __init__(
        self,
        inner: Any,
        reactor: Any,
        balancers: Callable[[], Ranges],
        limits: Callable[[], Limits],
        telemetry: Telemetry,
    ) -> None:
        """``balancers`` and ``limits`` are asked for each connection: a reload changes them."""
        self.inner = inner
        self.reactor = reactor
        self._limits = limits
        self.telemetry = telemetry
        self._balancers = balancers
        self._waiting: set[_Introduced] = set()

    @property
    def limits(self) -> Limits:
        """The bounds that are in force."""
        return self._limits()

    def doStart(self) -> None:
        """See ``Factory``."""
        self.inner.doStart()
        super().doStart()

    def doStop(self) -> None:
        """See ``Factory``; nobody waits for a header any more."""
        self.inner.doStop()
        super().doStop()
        for one in tuple(self._waiting):
            one._end()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """What reads the header first if a balancer connects; else the inner protocol."""
        host = address_of(getattr(addr, "host", ""))
        if host is None or self._balancers().find(host) is None:
            return self.inner.buildProtocol(addr)
        if len(self._waiting) >= self.limits.connections:
            self.telemetry.event(events.LIMIT, limit="connections", client=str(host))
            return None
        return _Introduced(self)

    def registerProtocol(self, protocol: _Introduced) -> None:
        """A balancer's connection whose header is not there yet."""
        self._waiting.add(protocol)

    def unregisterProtocol(self, protocol: _Introduced) -> None:
        """Its header came, or it has ended."""
        self._waiting.discard(protocol)


@attrs.frozen
@implementer(IStreamServerEndpoint)
class BalancedEndpoint:
    """An endpoint whose factory has a ``Balanced`` before it; TLS goes around this one."""

    _endpoint: Any
    _wrap: Callable[[IProtocolFactory], Balanced]

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """See ``IStreamServerEndpoint``."""
        listening: Deferred[IListeningPort] = self._endpoint.listen(self._wrap(protocolFactory))
        return listening
