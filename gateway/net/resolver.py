"""Static hosts, and addresses judged after resolution, at connect time.

The filter sits inside the resolver that Twisted's endpoints ask, so that the checked
address is the one connected to and rebinding has no gap.  All or nothing: one closed
address among a name's addresses closes the name.  A refused address answers exactly
like a failed look-up.
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
    IResolutionReceiver,
)
from zope.interface import implementer

from gateway import events
from gateway.policy.addresses import AddressSettings, forms, why_closed
from gateway.policy.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twisted.internet.interfaces import IAddress, IHostResolution

    from gateway.net.settings import HostEntry
    from gateway.net.telemetry import Telemetry


# Labels that DNS has; URLs name such hosts and certificates are made out to them, while
# IDNA 2008 refuses underscores, two hyphens in third place, and odd A-labels.
_NAME = re.compile(r"(?=.{1,254}\Z)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?\Z")


def is_own_address(address: str) -> bool:
    """Whether an IP address is one of this machine's: routing to it stays at home.

    A datagram socket that is connected sends nothing; its local address tells.  All of
    loopback is at home, whichever of its addresses one comes from.
    """
    if address.startswith("127.") or address.partition("%")[0] in {"0.0.0.0", "::"}:  # noqa: S104
        return True
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return bool(probe.getsockname()[0] == address.partition("%")[0])
    except OSError:
        return False


def lookup_static(hosts: Sequence[HostEntry], host: str, port: int) -> tuple[str, int]:
    """Where to connect for a host and port of a URL: the host table, else as they are."""
    for entry in hosts:
        if entry.host == host and entry.port in {None, port}:
            return entry.address, entry.connect_port or port
    return host, port


@implementer(IResolutionReceiver)
class _Collector:
    def __init__(
        self, receiver: IResolutionReceiver, port: int, refuse: Callable[[str, int], str | None]
    ) -> None:
        self._receiver = receiver
        self._port = port
        self._refuse = refuse
        self._seen: list[IAddress] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        self._seen.append(address)

    def resolutionComplete(self) -> None:
        if all(self._refuse(getattr(one, "host", ""), self._port) is None for one in self._seen):
            for one in self._seen:
                self._receiver.addressResolved(one)
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class FilteringResolver:
    """Asks another resolver and lets only open addresses through."""

    def __init__(
        self,
        inner: IHostnameResolver,
        settings: Callable[[], AddressSettings],
        telemetry: Telemetry,
        is_own: Callable[[str], bool] = is_own_address,
    ) -> None:
        """``settings`` is asked at each look-up, for a reload changes them."""
        self._inner = inner
        self._settings = settings
        self._telemetry = telemetry
        self._is_own = is_own

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """See ``IHostnameResolver``."""
        collector = _Collector(resolutionReceiver, portNumber, self._refuse)
        result: IHostResolution = self._inner.resolveHostName(
            collector, hostName, portNumber, addressTypes, transportSemantics
        )
        return result

    def why_closed(self, address: str, port: int) -> str | None:
        """Why an address is closed; None: it is open."""
        is_local = any(self._is_own(form) for form in forms(address))
        return why_closed(address, port, self._settings(), is_local=is_local)

    def _refuse(self, address: str, port: int) -> str | None:
        why = self.why_closed(address, port)
        if why is not None:
            detail = f"{address}: {why}"
            self._telemetry.event(events.SSRF_DENIED, detail=detail, step=Step.ADDRESS)
        return why


@implementer(IReactorPluggableNameResolver, IReactorTCP, IReactorTime)
class ConnectOnly:
    """The reactor as an endpoint sees it, with our resolver in it."""

    def __init__(self, reactor: Any, resolver: IHostnameResolver) -> None:
        """Wrap ``reactor``; nobody can put another resolver in."""
        self._reactor = reactor
        self.nameResolver = resolver

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Refuse: the filter stays."""
        raise TypeError(f"the filtering resolver cannot be replaced by {resolver!r}")

    def __getattr__(self, name: str) -> Any:
        """Everything else is the reactor's."""
        return getattr(self._reactor, name)


class NamedEndpoint(HostnameEndpoint):
    """Takes names as they come from a URL parser, which is the one that read them."""

    @staticmethod
    def _hostAsBytesAndText(host: bytes | str) -> tuple[bool, bytes, str]:
        if isinstance(host, str) and _NAME.match(host):
            return False, host.encode("ascii"), host
        return HostnameEndpoint._hostAsBytesAndText(host)
