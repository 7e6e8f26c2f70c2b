"""Needs of exchanges for WebSockets, browsers' reports and who signs in, with their replies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from gateway.exchange.messages import Connect
    from gateway.origins import Origin
    from gateway.policy.authentication import Bearer
    from gateway.policy.services import Service
    from gateway.policy.transport import Transport
    from gateway.rewrite.headers import Fields
    from gateway.rewrite.reports import Seen
    from gateway.session.endpoints import Layer
    from gateway.session.login import Login


@attrs.frozen
class ConnectSocket:
    """Dial a WebSocket; the reply is ``SocketOpened``, ``SocketRefused`` or ``UpstreamFailed``.

    ``client`` and ``session``: whom it counts for; empty: for nobody.
    """

    origin: Origin
    transport: Transport
    target: bytes = attrs.field(repr=False)
    page_origin: str | None
    subprotocols: tuple[str, ...] = attrs.field(repr=False)
    fields: Fields = attrs.field(repr=False)
    client: str = ""
    session: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen
class SocketOpened:
    """The upstream answered 101; ``set_cookies`` from its raw header fields."""

    subprotocol: str | None = attrs.field(default=None, repr=False)
    set_cookies: tuple[bytes, ...] = attrs.field(default=(), repr=False)


@attrs.frozen
class SocketRefused:
    """The upstream answered with a status that is not 101; ``fields`` that go with it."""

    status: int
    set_cookies: tuple[bytes, ...] = attrs.field(default=(), repr=False)
    fields: Fields = attrs.field(default=(), repr=False)


@attrs.frozen
class MayReport:
    """Ask whether the client may send another body of reports now; the reply is a bool."""


@attrs.frozen
class Reported:
    """Count what a browser reported, and keep it for the operator; the reply is None.

    ``told``: the site that asked for it is sent it.  ``site`` is whose page it is by the host
    that it came to, ``foreign`` the host past the gateway that was not reached, if it was one.
    """

    layer: Layer
    seen: Seen
    told: bool = False
    site: str = ""
    foreign: str = ""


@attrs.frozen
class Forward:
    """Send a body of reports some time, and forget what becomes of it; the reply is None."""

    request: Connect
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Recall:
    """Ask whose login was kept for a moment under ``key``; the reply is ``Login`` or None."""

    key: bytes = attrs.field(repr=False)


@attrs.frozen
class Keep:
    """Keep a login for a moment, or, ``to_its_end``, until it is over; the reply is None."""

    key: bytes = attrs.field(repr=False)
    login: Login
    to_its_end: bool = False


@attrs.frozen
class NeedStanding:
    """Ask whether what a login stands on is as it was; the reply is a bool."""

    login: Login


@attrs.frozen
class VerifyPassword:
    """Compare a password; the reply is the mark of what it fits, empty if it is wrong."""

    user: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)


@attrs.frozen
class VerifyToken:
    """Judge a Bearer token; the reply is ``Login``, or a text: why it is none."""

    bearer: Bearer


@attrs.frozen
class NeedProvider:
    """Ask what the OpenID provider says of itself; the reply is ``Provider``."""


@attrs.frozen
class Provider:
    """Where people are sent; ``names_issuer``: its answers say whose they are."""

    authorization_endpoint: str
    names_issuer: bool = False


@attrs.frozen
class Redeem:
    """Ask the provider for whom a code stands; the reply is ``Login``, or why for nobody."""

    code: str = attrs.field(repr=False)
    verifier: str = attrs.field(repr=False)
    redirect_uri: str
    nonce: str = attrs.field(repr=False)


@attrs.frozen
class ConnectService:
    """Open what stands behind a service; the reply is that of ``ConnectSocket``.

    ``query``: the client's, question mark first; ``page_origin``: what a backend is told.
    """

    service: Service
    query: bytes = attrs.field(repr=False)
    page_origin: str | None
    subprotocols: tuple[str, ...] = attrs.field(repr=False)
    fields: Fields = attrs.field(default=(), repr=False)
    client: str = ""


ReportNeed = MayReport | Reported | Forward
"""What concerns the report collector."""

LoginNeed = Recall | Keep | NeedStanding | VerifyPassword | VerifyToken | NeedProvider | Redeem
"""What concerns who signs in to the gateway."""
