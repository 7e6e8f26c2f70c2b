"""Services: WebSocket addresses of the operator's own, and what stands behind each.

Kaazing's accept and connect: a handshake to ``host`` and ``path`` is relayed to ``backend``,
without any page, session or jar.  Whatever ``connect`` names is the operator's own word, so
the address filter for sites does not apply to it; whoever asks is asked for ``Origin``, and
for a login where the gateway has one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from gateway.origins import Origin, parse_origin
from gateway.policy.patterns import Target
from gateway.policy.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.policy.patterns import Pattern
    from gateway.policy.rates import Rate

WEBSOCKETS = frozenset({"ws", "wss"})
"""Backends that answer a handshake of their own."""
STREAMS = frozenset({"tcp", "tls", "unix"})
"""Backends that know octets alone."""
KINDS = ("ws", "wss", "tcp", "tls", "unix", "echo", "broadcast")
TEXT = frozenset({"v10.stomp", "v11.stomp", "v12.stomp"})
"""Subprotocols whose clients expect text messages; those of others get binary ones."""
REFRAMED = frozenset({"xmpp"})
"""What is framed in another way over WebSocket (RFC 7395) than over a stream: no octet relay."""
NULL = "null"
_APP_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?\Z"
)


@attrs.frozen
class Backend:
    """``connect``: where the messages of a service go.

    ``origin``: host and port of what is dialled, secure if over TLS; ``target``: a WebSocket
    backend's own request target; ``path``: a Unix socket's; ``source``: what a broadcast tells
    instead of what its clients do.
    """

    kind: str
    text: str = attrs.field(eq=False, default="")
    origin: Origin | None = None
    target: bytes = b"/"
    path: str = ""
    source: Backend | None = None


@attrs.frozen
class Bounds:
    """What a service bounds by itself; None: what ``[limits]`` says of all."""

    connections: int | None = None
    message_bytes: int | None = None
    idle_seconds: int | None = None
    connect_seconds: int | None = None


@attrs.frozen
class Service:
    """One ``[[service]]``; ``where`` is its file and line.

    ``subprotocols`` empty: any.  ``origins``: patterns of the pages that may ask; ``null``:
    pages without an origin may; ``native``: programs that name none may.  ``login``: only who
    is signed in to the gateway.  ``validation``: the mode for its messages where no
    ``[[subprotocol-rule]]`` says another.
    """

    name: str
    host: str
    path: str
    backend: Backend
    subprotocols: tuple[str, ...] = ()
    required: bool = False
    origins: tuple[Pattern, ...] = ()
    null: bool = False
    native: bool = False
    login: bool = False
    principal_field: str = ""
    messages: str = ""
    validation: str = ""
    bounds: Bounds = attrs.field(factory=Bounds)
    rate: Rate | None = None
    prepared: int = 0
    recovery_seconds: int = 60
    pending_bytes: int = 1024 * 1024
    transport: Transport = attrs.field(factory=Transport)
    where: str = attrs.field(default="", eq=False)

    @property
    def rule(self) -> str:
        """What a log calls it."""
        return f"service {self.name} {self.where}".strip()

    def offered(self, offer: tuple[str, ...]) -> tuple[str, ...]:
        """What of an offer the service allows, in the offer's order."""
        if not self.subprotocols:
            return offer
        return tuple(one for one in offer if one in self.subprotocols)

    def sends_text(self, subprotocol: str | None) -> bool:
        """Whether what a stream backend says goes out as text messages."""
        return self.messages == "text" if self.messages else subprotocol in TEXT

    def admits(self, origin: str, page: Origin | None) -> bool:
        """Whether pages of ``origin``, as the handshake says it, may ask.

        ``page``: the site's own origin where the gateway shows it.
        """
        if origin == NULL:
            return self.null
        target = _target(page or parse_origin(origin), origin)
        return target is not None and any(one.matches_origin(target) for one in self.origins)


def _target(found: Origin | None, text: str) -> Target | None:
    if found is not None:
        return Target(found.scheme, found.host, found.port)
    app = _APP_ORIGIN.match(text)  # an application's own scheme, as Cordova's and Capacitor's
    if app is None or app["scheme"] in {"http", "https", "ws", "wss"}:
        return None
    return Target(app["scheme"], app["host"], int(app["port"] or 0))


@attrs.frozen
class Services:
    """All services, by the host and path that they accept."""

    all: tuple[Service, ...] = ()
    _places: dict[tuple[str, str], Service] = attrs.field(init=False, repr=False, eq=False)
    _hosts: frozenset[str] = attrs.field(init=False, repr=False, eq=False)

    @_places.default
    def _by_place(self) -> dict[tuple[str, str], Service]:
        return {(one.host, one.path): one for one in self.all}

    @_hosts.default
    def _all_hosts(self) -> frozenset[str]:
        return frozenset(one.host for one in self.all)

    def at(self, host: str, path: str) -> Service | None:
        """The service that a request's ``Host`` and path name."""
        if not self._hosts:
            return None
        return self._places.get((_name(host), path))

    def named(self, name: str) -> Service | None:
        """The service of a name."""
        return next((one for one in self.all if one.name == name), None)

    def has_host(self, host: str) -> bool:
        """Whether any service accepts at a ``Host``."""
        return bool(self._hosts) and _name(host) in self._hosts


def _name(host: str) -> str:
    host = host.lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isascii() and port.isdigit() else host


def overlapping(services: Iterable[Service]) -> list[tuple[Service, Service]]:
    """Pairs that accept at the same place, or have the same name: the later one second."""
    places: dict[tuple[str, ...], Service] = {}
    found = []
    for one in services:
        for key in ((one.host, one.path), (one.name,)):
            if key in places:
                found.append((places[key], one))
                break
            places[key] = one
    return found
