"""WebSocket emulation, decided: a create is the native handshake that it stands for.

Whatever is asked of a handshake is asked by the handshake's own exchange; here is only what
HTTP adds: the three kinds of requests, ids and who may show them, CORS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events, wire
from gateway.errors import GatewayError
from gateway.exchange import admission, authentication, steps
from gateway.exchange.emulated import Created, Downward, Upward
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
    from gateway.rewrite.headers import Fields
    from gateway.session.reading import Reading
    from gateway.websocket.emulation.request import Asked

    _Exchange = Callable[[RequestHead, Context], Exchange]

_KEY = "emulation"
_NO_STORE = ((b"Cache-Control", b"no-store, no-transform"),)
_EXPOSED = b"X-WebSocket-Protocol, X-WebSocket-Extensions, Retry-After, " + wire.REQUEST_ID_HEADER
_REQUEST_FIELDS = (
    b"Content-Type, X-Accept-Commands, X-Sequence-No, X-WebSocket-Extensions, "
    b"X-WebSocket-Protocol, X-WebSocket-Version"
)
_PREFLIGHT_SECONDS = b"600"
_METHODS = {
    What.CREATE: frozenset({b"POST", b"GET"}),
    What.UPSTREAM: frozenset({b"POST"}),
    What.DOWNSTREAM: frozenset({b"GET", b"POST"}),
}


def emulation_exchange(
    head: RequestHead, context: Context, native: _Exchange, otherwise: _Exchange
) -> Exchange:
    """Decide a request that may be one of emulation.

    ``native`` decides the handshakes of this host, ``otherwise`` what is the site's after all.
    """
    asked = request.read_target(head.target)
    if asked is None:
        return (yield from otherwise(head, context))
    known = ids.read(asked.id, lambda number: _key(number, context))
    marked = request.carries_marks(head.fields)
    if request.is_preflight(head.method, head.fields):
        if known is not None or request.preflights_marks(head.fields):
            return (yield from _preflight(head, context))
    elif marked and asked.what is What.CREATE:
        return (yield from _create(head, asked, context, native))
    elif asked.id and (marked or known is not None):
        return (yield from _transfer(head, asked, known, context))
    elif marked:
        return (yield from _refused(head, context, 404, "there is no such encoding"))
    return (yield from otherwise(head, context))


def _key(generation: int, context: Context) -> bytes | None:
    return context.keys.key(_KEY, generation) if context.keys.has(generation) else None


def _refused(head: RequestHead, context: Context, status: int, why: str) -> Step[Ending]:
    refused = yield from admission.admit(head, context)
    if refused is None:
        title = "This is not a valid WebSocket request"
        refused = Refuse(status, events.HANDSHAKE_INVALID, title, why)
    return refused


# --- CORS ---------------------------------------------------------------------------------


def _cors(head: RequestHead, context: Context) -> Fields:
    """What lets a page read an answer: a page of ours alone, by its very origin."""
    given = get_all(head.fields, b"origin")
    if len(given) != 1 or context.codec.expand_origin(given[0].decode("latin-1")) is None:
        return ((b"Vary", b"Origin"),)
    return _readable_by(given[0])


def _readable_by(origin: bytes) -> Fields:
    return (
        (b"Access-Control-Allow-Origin", origin),
        (b"Access-Control-Allow-Credentials", b"true"),
        (b"Access-Control-Expose-Headers", _EXPOSED),
        (b"Vary", b"Origin"),
    )


def _preflight(head: RequestHead, context: Context) -> Step[Ending]:
    """Answer a preflight.  It allows to ask; what is asked is judged when it comes."""
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return refused
    try:
        yield from steps.address(head, context)  # whose label the Origin has is looked up
    except GatewayError as error:
        return refusal(error)
    fields = _cors(head, context)
    if len(fields) == 1:
        title = "Only pages of this gateway may ask here"
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


def _create(head: RequestHead, asked: Asked, context: Context, native: _Exchange) -> Step[Ending]:
    if head.method not in _METHODS[What.CREATE]:
        return (yield from _refused(head, context, 405, "a create is a POST"))
    opening = request.read_opening(head.fields, asked.query)
    if isinstance(opening, str):
        ending = yield from _refused(head, context, 400, opening)
        return _readable(ending, head, context)
    offer = extensions.read_offer(get_all(head.fields, b"x-websocket-extensions"))
    if offer is None:
        ending = yield from _refused(head, context, 400, "X-WebSocket-Extensions is malformed")
        return _readable(ending, head, context)
    handshake = attrs.evolve(
        head,
        method=b"GET",
        target=asked.native_target(by_parameter=opening.by_parameter),
        version=b"HTTP/1.1",
        fields=request.native_fields(head.fields),
        has_body=False,
    )
    ending = yield from native(handshake, context)
    if not isinstance(ending, Accept):
        return _readable(ending, head, context)
    random = yield from ask(NeedRandom(ids.RANDOM_SIZE), bytes)
    generation = context.keys.newest
    bond = ids.Bond(_person(_reading(head, context)), _origin(head), head.host)
    key = context.keys.key(_KEY, generation)
    text = ids.make(context.node, generation, key, random, bond)
    return Created(
        ending, text, asked, opening, offer, (*_NO_STORE, *ending.fields, *_cors(head, context))
    )


def _readable(ending: Ending, head: RequestHead, context: Context) -> Ending:
    """A refusal whose status the page may know, as it would not of a native handshake.

    It is the page's script that asks, or ours for it: what a refusal says beyond is not told.
    """
    if isinstance(ending, Refuse | Answer):
        return attrs.evolve(ending, fields=(*ending.fields, *_cors(head, context)))
    return ending


def _reading(head: RequestHead, context: Context) -> Reading:
    """Whose request it is; what is wrong with its cookies was told by the session's step."""
    text = parameter(head.target.decode("latin-1"), wire.TOKEN_PARAMETER)
    token = None if text is None else open_token(context.keys, text)
    return read_session(get_all(head.fields, b"cookie"), context.keys, token)


def _person(reading: Reading) -> bytes:
    return reading.session.pair if reading.session is not None else b""


def _origin(head: RequestHead) -> str:
    """Who asks, as the browser says it; a same-origin GET has another way to say so."""
    given = get_all(head.fields, b"origin")
    if given:
        return b",".join(given).decode("latin-1")
    same = get(head.fields, b"sec-fetch-site") == "same-origin"
    return f"https://{head.host}" if same else ""


# --- upstream and downstream --------------------------------------------------------------


def _transfer(
    head: RequestHead, asked: Asked, known: ids.Id | None, context: Context
) -> Step[Ending]:
    """Id, session and origin first: nobody can fail a connection that is another's."""
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return _readable(refused, head, context)
    try:
        refused = yield from authentication.admit(head, context)
        if refused is not None:
            return _readable(refused, head, context)
        reading = yield from steps.session(head, context)
        refused = yield from admission.admit_session(reading, context)
        if refused is not None:
            return _readable(refused, head, context)
    except GatewayError as error:
        return _readable(refusal(error), head, context)
    key = None if known is None else _key(known.generation, context)
    bond = ids.Bond(_person(reading), _origin(head), head.host)
    if known is None or key is None or not known.is_bound_to(bond, key):
        why = "a connection that is not this one's" if known is not None else "an id that is none"
        return _readable(unknown(why), head, context)
    given = get_all(head.fields, b"origin")
    fields = (*_NO_STORE, *(_readable_by(given[0]) if given else ()))
    number, _ = request.sequence(head.fields, asked.query)
    sound = head.method in _METHODS[asked.what]
    if asked.what is What.UPSTREAM:
        return Upward(known.text, number, sound, fields)
    return Downward(known.text, number, request.wishes(asked.query), sound, fields)


def unknown(why: str) -> Refuse:
    """The ending of a request whose connection is not here, or not the asker's."""
    return Refuse(404, events.HANDSHAKE_INVALID, "There is no such WebSocket", why)
