"""A handshake to a service of the operator's own, decided in order.

Client → login → handshake → Origin → subprotocols → the service's rate → dial → the
backend's answer → accept or refuse.  There is no session, no jar and no token here: what a
service asks for is an ``Origin`` that it allows, and a login where it wants one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events
from gateway.errors import GatewayError, UpstreamFault
from gateway.exchange import admission, authentication, outgoing, steps
from gateway.exchange.inspecting import Agreed
from gateway.exchange.messages import (
    Accept,
    Context,
    Ending,
    Exchange,
    Refuse,
    RequestHead,
    UpstreamFailed,
    refusal,
)
from gateway.exchange.needs import ConnectService
from gateway.exchange.standing import AskedService
from gateway.exchange.websocket import answer_of, judged, lacks, unsound
from gateway.origins import HostKind, parse_origin
from gateway.policy.services import NULL, WEBSOCKETS
from gateway.policy.steps import Step as Number
from gateway.rewrite.headers import get_all
from gateway.rewrite.parameters import strip_own_parameters
from gateway.websocket.handshake import (
    Offer,
    Unsound,
    origin_of,
    read_offer,
    upstream_extra_fields,
)

if TYPE_CHECKING:
    from gateway.exchange.steps import Step
    from gateway.origins import Codec, Origin
    from gateway.policy.services import Service
    from gateway.session.login import Login

_NOT_HERE = "This WebSocket service is not open to this page"


@attrs.frozen
class _Asker:
    """Who asks: ``origin`` as the handshake says it, None for a program that names none."""

    origin: str | None
    page: Origin | None = None

    @property
    def site(self) -> Origin | None:
        """The web page's own origin; None: a program, or a page without one."""
        return self.page or parse_origin(self.origin or "")

    @property
    def told(self) -> str | None:
        """What the backend is told: a site's own origin where the gateway shows it."""
        return self.origin if self.page is None else str(self.page)


def service_exchange(head: RequestHead, context: Context) -> Exchange:
    """Decide one handshake to a service, from its head to ``Accept`` or a refusal."""
    service = context.services.at(head.host, head.path.decode("latin-1"))
    if service is None:
        return Refuse(404, events.HOST_UNKNOWN, "There is no such service")
    ending = yield from _decided(head, service, context)
    if isinstance(ending, Refuse):
        return attrs.evolve(
            ending,
            detail=f"service {service.name}: {ending.detail or ending.title}",
            rule=ending.rule or service.rule,
        )
    return ending


def _decided(head: RequestHead, service: Service, context: Context) -> Step[Ending]:
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return refused
    try:
        login: Login | None = None
        if service.login:
            who = yield from authentication.admit_to_service(head, context)
            if isinstance(who, Refuse):
                return who
            login = who
        found = read_offer(head.method, head.version, head.fields)
        if isinstance(found, Unsound):
            return _unsound(found)
        yield from steps.learn_labels(head, context)
        asker = _asker(head, service, context)
        if isinstance(asker, Refuse):
            return asker
        allowed = service.offered(found.subprotocols)
        if service.required and not allowed:
            title = "This service asks for a subprotocol"
            reason = "no subprotocol that the service allows was offered"
            step = Number.SUBPROTOCOL
            return Refuse(400, events.SUBPROTOCOL_VIOLATION, title, reason, step)
        busy = yield from admission.admit_to_service(service, context)
        if busy is not None:
            return busy
        return (yield from _dialled(head, service, asker, Offer(allowed), login, context))
    except GatewayError as error:
        return refusal(error)


def _dialled(
    head: RequestHead,
    service: Service,
    asker: _Asker,
    offer: Offer,
    login: Login | None,
    context: Context,
) -> Step[Ending]:
    fields: tuple[tuple[bytes, bytes], ...] = ()
    if service.backend.kind in WEBSOCKETS:
        fields = _told(head, service, login, context)
    target = strip_own_parameters(head.target.decode("latin-1")).encode("latin-1")
    query = b"".join(target.partition(b"?")[1:])
    need = ConnectService(
        service, query, asker.told, offer.subprotocols, fields, client=head.client
    )
    answer = answer_of((yield need))
    if isinstance(answer, UpstreamFailed):
        return _down(answer.error)
    choice = judged(answer, offer)
    if isinstance(choice, Refuse):
        return choice
    if service.required and choice.subprotocol is None:
        reason = "the backend chose no subprotocol, and the service requires one"
        return _unsound(Unsound(502, reason, event=events.SUBPROTOCOL_VIOLATION))
    asked = AskedService(
        service, asker.page, asker.origin, choice.subprotocol, login, context.authentication
    )
    agreed = Agreed(choice.subprotocol, asker.site, service=service)
    rules = context.settings.subprotocols
    lacking = rules.lacking(agreed)
    if lacking is not None:
        return lacks(lacking)
    return Accept(choice.subprotocol, asked=asked, inspection=rules.inspection(agreed))


def _down(error: GatewayError) -> Refuse:
    """A backend that does not answer is the gateway's own affair: no 502 or 504."""
    if not isinstance(error, UpstreamFault):
        return refusal(error)
    title = "This service is not available just now"
    fields = error.fields or ((b"Retry-After", b"1"),)
    return attrs.evolve(refusal(error), status=503, title=title, fields=fields)


def _told(
    head: RequestHead, service: Service, login: Login | None, context: Context
) -> tuple[tuple[bytes, bytes], ...]:
    """The client's fields that a WebSocket backend sees, and who is signed in.

    No cookies: the portal's are the gateway's own.  Nor ``Authorization`` where it is asked
    for here: browsers send what was typed for the portal to every path of its host.
    """
    ours = context.authentication is not None
    fields = [
        (name, value)
        for name, value in upstream_extra_fields(head.fields)
        if not (ours and name.lower() == b"authorization")
    ]
    fields += outgoing.forwarded(head, context)
    if service.principal_field and login is not None:
        user = login.user.encode("utf-8")
        fields.append((service.principal_field.encode("ascii"), _field_value(user)))
    return tuple(fields)


def _field_value(octets: bytes) -> bytes:
    """A name as a field's value: what could end the field, or begin another, is encoded."""
    return b"".join(
        bytes((one,)) if 0x21 <= one <= 0x7E and one != 0x25 else b"%%%02X" % one for one in octets
    )


def _asker(head: RequestHead, service: Service, context: Context) -> _Asker | Refuse:
    """Origin step: there is one and the service allows it, or it may be left out."""
    text = origin_of(head.fields)
    if isinstance(text, Unsound):
        given = get_all(head.fields, b"origin")
        if not given and service.native:
            return _Asker(None)
        if given == [NULL.encode()] and service.null:
            return _Asker(NULL)
        return Refuse(text.status, text.event, _NOT_HERE, text.reason, Number.PAGE)
    pages = (codec.expand_origin(text) for codec in _codecs(context))
    asker = _Asker(text, next((page for page in pages if page is not None), None))
    # A page of ours whose site nobody knows has no name that a backend could be told.
    nameless = asker.page is None and _is_shown_here(text, context)
    if service.admits(text, asker.page) and not nameless:
        return asker
    reason = f"allow-origins has nothing for {_shown(asker.told)}"
    return Refuse(403, events.ORIGIN_DENIED, _NOT_HERE, reason, Number.PAGE)


def _is_shown_here(text: str, context: Context) -> bool:
    found = parse_origin(text)
    return found is not None and any(
        codec.classify(found.host)[0] is HostKind.REWRITE for codec in _codecs(context)
    )


def _codecs(context: Context) -> tuple[Codec, ...]:
    """Whatever domain pages are shown on."""
    return (context.codec,) if context.apart is None else (context.codec, context.apart)


def _shown(text: str | None) -> str:
    """An Origin as a log may show it: it is the client's text."""
    shown = "".join(one if one.isprintable() else "?" for one in text or "")
    return shown if len(shown) <= 100 else shown[:100] + "…"


def _unsound(found: Unsound) -> Refuse:
    if found.status != 426:
        return unsound(found)
    # Somebody opened it in a browser, or over HTTP/2: say what it is.
    return attrs.evolve(unsound(found), title="This is a WebSocket service, and no page")
