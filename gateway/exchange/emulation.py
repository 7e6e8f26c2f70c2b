"""WebSocket emulation, decided: a create is the native handshake that it stands for.

Whatever is asked of a handshake is asked by the handshake's own exchange; here is only what
HTTP adds: the three kinds of requests, ids and who may show them, CORS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from gateway import events, wire
from gateway.errors import GatewayError
from gateway.exchange import admission, authentication, steps
from gateway.exchange.emulated import Created, Downward, KeepVerdict, RecallVerdict, Upward
from gateway.exchange.messages import (
    Accept,
    Answer,
    Ending,
    Exchange,
    NeedRandom,
    Refuse,
    ask,
    refusal,
)
from gateway.exchange.service import service_exchange
from gateway.exchange.websocket import websocket_exchange
from gateway.origins import HostKind
from gateway.rewrite.headers import get, get_all
from gateway.rewrite.parameters import parameter
from gateway.session.reading import read_session
from gateway.session.tokens import open_token
from gateway.websocket.emulation import extensions, ids, request
from gateway.websocket.emulation.request import What

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.exchange.messages import Context, RequestHead
    from gateway.exchange.steps import Step
    from gateway.policy.services import Service
    from gateway.rewrite.headers import Fields
    from gateway.session.login import Login
    from gateway.session.reading import Reading
    from gateway.websocket.emulation.request import Asked

    _Exchange = Callable[[RequestHead, Context], Exchange]

_KEY = "emulation"
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}\Z")
_NO_STORE = ((b"Cache-Control", b"no-store, no-transform"),)
_EXPOSED = b"X-WebSocket-Protocol, X-WebSocket-Extensions, Retry-After, " + wire.REQUEST_ID_HEADER
_REQUEST_FIELDS = (
    b"Content-Type, X-Accept-Commands, X-Sequence-No, X-WebSocket-Extensions, "
    b"X-WebSocket-Protocol, X-WebSocket-Version"
)
_OF_A_VERDICT = frozenset({b"www-authenticate", b"retry-after"})
"""Fields of a refusal that are of the refusal, not of the request that was refused."""
_PREFLIGHT_SECONDS = b"600"
_METHODS = {
    What.CREATE: frozenset({b"POST", b"GET"}),
    What.UPSTREAM: frozenset({b"POST"}),
    What.DOWNSTREAM: frozenset({b"GET", b"POST"}),
}


@attrs.frozen
class _Place:
    """Where a request came: a host that shows a site, or a service of the operator's own.

    ``native`` decides its handshakes.
    """

    native: _Exchange
    service: Service | None = None

    def may_read(self, origin: str, context: Context) -> bool:
        """Whether pages of ``origin`` may ask and read answers: the gateway's, or a service's."""
        page = context.codec.expand_origin(origin)
        if self.service is not None:
            return self.service.admits(origin, page)
        return page is not None


def _place(head: RequestHead, asked: Asked, context: Context) -> _Place | None:
    path = asked.prefix.decode("latin-1") or "/"
    service = context.services.at(head.host, path)
    if service is not None:
        return _Place(service_exchange, service)
    kind, _ = context.codec.classify(head.host)
    return _Place(websocket_exchange) if kind is HostKind.REWRITE else None


def comes_in_parts(context: Context, head: RequestHead) -> bool:
    """Whether a request is an upstream one, so that its head alone decides what becomes of it.

    Its frames are taken while it comes.
    """
    asked = request.read_target(head.target)
    if asked is None or asked.what is not What.UPSTREAM:
        return False
    here = context.at(head.host)
    if _place(head, asked, here) is None or request.is_preflight(head.method, head.fields):
        return False
    return request.carries_marks(head.fields) or _known(asked, here) is not None


def _known(asked: Asked, context: Context) -> ids.Id | None:
    return ids.read(asked.id, lambda number: _key(number, context))


def emulation_exchange(head: RequestHead, context: Context, otherwise: Exchange) -> Exchange:
    """Decide a request that may be one of emulation; ``otherwise`` if it is none."""
    asked = request.read_target(head.target)
    place = None if asked is None else _place(head, asked, context)
    if asked is None or place is None:
        return (yield from otherwise)
    known = _known(asked, context)
    marked = request.carries_marks(head.fields)
    if request.is_preflight(head.method, head.fields):
        if known is not None or request.preflights_marks(head.fields):
            return (yield from _preflight(head, place, context))
    elif marked and asked.what is What.CREATE:
        return _readable((yield from _create(head, asked, place, context)), head, place, context)
    elif asked.id and (marked or known is not None):
        ending = yield from _transfer(head, asked, known, place, context)
        return _readable(ending, head, place, context)
    elif marked:
        return (yield from _refused(head, context, 404, "there is no such encoding"))
    return (yield from otherwise)


def remembered_exchange(head: RequestHead, context: Context, native: _Exchange) -> Exchange:
    """A native handshake whose refusal the create that follows it may ask for."""
    ending = yield from native(head, context)
    key = _verdict_key(head, head.path)
    # What an intermediary made of the handshake is no verdict on it.
    if key and isinstance(ending, Refuse) and ending.event != events.HANDSHAKE_INVALID:
        kept = tuple(one for one in ending.fields if one[0].lower() in _OF_A_VERDICT)
        yield KeepVerdict(key, attrs.evolve(ending, fields=kept))
    return ending


def _host(head: RequestHead) -> str:
    """The host as an origin names it."""
    return head.host.lower().removesuffix(":443")


def _verdict_key(head: RequestHead, path: bytes) -> str:
    nonce = parameter(head.target.decode("latin-1"), wire.VERDICT_PARAMETER)
    if nonce is None or not _NONCE.match(nonce):
        return ""
    return f"{_host(head)}\0{path.decode('latin-1')}\0{nonce}"


def _key(generation: int, context: Context) -> bytes | None:
    return context.keys.key(_KEY, generation) if context.keys.has(generation) else None


def _refused(head: RequestHead, context: Context, status: int, why: str) -> Step[Ending]:
    refused = yield from admission.admit(head, context)
    if refused is None:
        title = "This is not a valid WebSocket request"
        refused = Refuse(status, events.HANDSHAKE_INVALID, title, why)
    return refused


# --- CORS ---------------------------------------------------------------------------------


def _cors(head: RequestHead, place: _Place, context: Context) -> Fields:
    """What lets a page read an answer: one that may ask alone, by its very origin."""
    given = get_all(head.fields, b"origin")
    if len(given) != 1 or not place.may_read(given[0].decode("latin-1"), context):
        return ((b"Vary", b"Origin"),)
    return (
        (b"Access-Control-Allow-Origin", given[0]),
        (b"Access-Control-Allow-Credentials", b"true"),
        (b"Access-Control-Expose-Headers", _EXPOSED),
        (b"Vary", b"Origin"),
    )


def _readable(ending: Ending, head: RequestHead, place: _Place, context: Context) -> Ending:
    """An answer that the page's script may read: a refusal's status, too."""
    if isinstance(ending, Refuse | Answer | Created | Upward | Downward):
        return attrs.evolve(ending, fields=(*ending.fields, *_cors(head, place, context)))
    return ending


def _preflight(head: RequestHead, place: _Place, context: Context) -> Step[Ending]:
    """Answer a preflight.  It allows to ask; what is asked is judged when it comes."""
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return refused
    if place.service is None:
        try:
            yield from steps.address(head, context)  # whose label the Origin has is looked up
        except GatewayError as error:
            return refusal(error)
    fields = _cors(head, place, context)
    if len(fields) == 1:
        title = "This page may not ask here"
        return Refuse(403, events.ORIGIN_DENIED, title, "a preflight", fields=fields)
    return Answer(
        204,
        (
            *fields,
            (b"Access-Control-Allow-Methods", b"GET, POST"),
            (b"Access-Control-Allow-Headers", _REQUEST_FIELDS),
            (b"Access-Control-Max-Age", _PREFLIGHT_SECONDS),
        ),
    )


# --- create -------------------------------------------------------------------------------


def _create(head: RequestHead, asked: Asked, place: _Place, context: Context) -> Step[Ending]:
    if head.method not in _METHODS[What.CREATE]:
        return (yield from _refused(head, context, 405, "a create is a POST"))
    opening = request.read_opening(head.fields, asked.query)
    if isinstance(opening, str):
        return (yield from _refused(head, context, 400, opening))
    settings = context.emulation
    offer = extensions.read_offer(
        get_all(head.fields, b"x-websocket-extensions"), strict=not settings.retry
    )
    if offer is None:
        return (yield from _refused(head, context, 400, "X-WebSocket-Extensions is malformed"))
    target = asked.native_target(by_parameter=opening.by_parameter)
    key = _verdict_key(head, target.partition(b"?")[0]) if offer.verdict else ""
    if key:
        refused = yield from admission.admit(head, context)
        verdict = refused or (yield RecallVerdict(key))
        if isinstance(verdict, Refuse):
            return verdict
    handshake = attrs.evolve(
        head,
        method=b"GET",
        target=target,
        version=b"HTTP/1.1",
        fields=request.native_fields(head.fields),
        has_body=False,
    )
    ending = yield from place.native(handshake, context)
    if not isinstance(ending, Accept):
        return ending
    random = yield from ask(NeedRandom(ids.RANDOM_SIZE), bytes)
    generation = context.keys.newest
    login = ending.asked.login if ending.asked is not None else None
    person = _session(_reading(head, context)) if place.service is None else _user(login)
    bond = ids.Bond(person, _origin(head), _host(head))
    text = ids.make(settings.node, generation, context.keys.key(_KEY, generation), random, bond)
    return Created(ending, text, asked, opening, offer, (*_NO_STORE, *ending.fields))


def _reading(head: RequestHead, context: Context) -> Reading:
    """Whose request it is; what is wrong with its cookies was told by the session's step."""
    text = parameter(head.target.decode("latin-1"), wire.TOKEN_PARAMETER)
    token = None if text is None else open_token(context.keys, text)
    return read_session(get_all(head.fields, b"cookie"), context.keys, token)


def _session(reading: Reading) -> bytes:
    return b"session\0" + reading.session.pair if reading.session is not None else b""


def _user(login: Login | None) -> bytes:
    return b"user\0" + login.user.encode("utf-8") if login is not None else b""


def _origin(head: RequestHead) -> str:
    """Who asks, as the browser says it; a same-origin GET has another way to say so."""
    given = get_all(head.fields, b"origin")
    if given:
        return b",".join(given).decode("latin-1")
    same = get(head.fields, b"sec-fetch-site") == "same-origin"
    return f"https://{_host(head)}" if same else ""


# --- upstream and downstream --------------------------------------------------------------


def _transfer(
    head: RequestHead, asked: Asked, known: ids.Id | None, place: _Place, context: Context
) -> Step[Ending]:
    """Id, session and origin first: nobody can fail a connection that is another's."""
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return refused
    try:
        person = yield from _person(head, place, context)
    except GatewayError as error:
        return refusal(error)
    if not isinstance(person, bytes):
        return person
    key = None if known is None else _key(known.generation, context)
    bond = ids.Bond(person, _origin(head), _host(head))
    if known is None or key is None or not known.is_bound_to(bond, key):
        why = "a connection that is not this one's" if known is not None else "an id that is none"
        return Refuse(404, events.HANDSHAKE_INVALID, "There is no such WebSocket", why)
    number, _ = request.sequence(head.fields, asked.query)
    sound = head.method in _METHODS[asked.what]
    if asked.what is What.UPSTREAM:
        return Upward(known.text, number, sound, _NO_STORE)
    return Downward(known.text, number, request.wishes(asked.query), sound, _NO_STORE)


def _person(head: RequestHead, place: _Place, context: Context) -> Step[bytes | Ending]:
    """Whose request it is, as an id is bound to it; or why it may not even ask."""
    if place.service is not None:
        if not place.service.login:
            return b""
        who = yield from authentication.admit_to_service(head, context)
        return who if isinstance(who, Refuse) else _user(who)
    # Whose label the Origin has is looked up: this process may not have been asked before.
    yield from steps.address(head, context)
    refused = yield from authentication.admit(head, context)
    if refused is not None:
        return refused
    reading = yield from steps.session(head, context)
    refused = yield from admission.admit_session(reading, context)
    return _session(reading) if refused is None else refused
