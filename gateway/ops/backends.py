"""The backends of a configuration's services, with a way to them of their own.

What an operator writes into ``connect`` is permission for it: the filter that keeps sites from
private addresses is not asked, for no client has a say in where a service leads.  What the
gateway itself listens on stays closed.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from gateway.net.resolver import ConnectOnly, FilteringResolver
from gateway.net.services.backends import Backends
from gateway.net.upstream import Upstream
from gateway.policy.addresses import AddressSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.net.telemetry import Telemetry
    from gateway.ops.reload import Built

_ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def open_backends(
    built: Built,
    upstream: Upstream,
    reactor: Any,
    telemetry: Telemetry,
    own: Callable[[], frozenset[tuple[str, int]]],
) -> Backends:
    """``own``: what the gateway listens on, asked at each look-up; ``upstream`` is for sites."""
    if not built.context.services.all:
        return Backends(reactor, built.context.services, upstream, telemetry)

    def settings() -> AddressSettings:
        return AddressSettings(_ANYWHERE, own())

    resolver = FilteringResolver(reactor.nameResolver, settings, telemetry)
    way = Upstream(
        reactor, ConnectOnly(reactor, resolver), built.config.net, built.contexts, telemetry
    )
    return Backends(reactor, built.context.services, way, telemetry)
