"""Tokens and proofs of pages: the token step, and the endpoints that pages ask for them.

What a request that changes state must carry is judged here for HTTP, WebSocket and
whatever else enters at the same steps (protocols, sections 7 and 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs

from gateway import events, wire
from gateway.exchange import steps
from gateway.exchange.messages import Answer, NeedRandom, Refuse, ask
from gateway.origins import HostKind, parse, parse_origin
from gateway.rewrite import headers
from gateway.rewrite.parameters import parameter, with_parameter
from gateway.session import tokens
from gateway.session.attestation import challenge_answer, page_proof
from gateway.session.keys import encode
from gateway.session.tokens import Fault, Token

if TYPE_CHECKING:
    from gateway.exchange.messages import Context, Ending, RequestHead
    from gateway.exchange.steps import Step
    from gateway.origins import Origin
    from gateway.session.reading import Reading, Session

STATELESS = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_KEEPS_METHOD = frozenset({307, 308})
_MAKES_GET = frozenset({301, 302})
"""Of a POST; every other method is kept there, too (Fetch, "HTTP-redirect fetch")."""
_PAGE_NONCE_SIZE = 12
_MAX_WORD = 64
TOKEN_AGES = 4
"""A page renews its token after this part of its life, and no copy of a page is older."""


def changes_state(head: RequestHead) -> bool:
    """Whether a request must carry a token: by its method, or for it is a handshake."""
    return head.method not in STATELESS or headers.get(head.fields, b"upgrade") is not None


def token_step(
    head: RequestHead, reading: Reading, context: Context
) -> Step[tuple[Reading, Fault | None]]:
    """Token step: whom the request counts for, and what is wrong with its token.

    What the browser itself sends about a page (reports, pings of links) can carry none
    and counts for nobody; so does a request with a fault, which only a ``native`` rule
    lets through.
    """
    if not changes_state(head):
        return reading, None
    anonymous = attrs.evolve(reading, session=None)
    if _is_of_the_browser(head):
        return anonymous, None
    now = yield from steps.now()
    given = headers.get(head.fields, b"origin")
    # The outer frame sends a page's form into a window of its own.
    unsaid = given in {None, "null", context.codec.secure_origin}
    page = None if unsaid else context.codec.expand_origin(given or "")
    session = reading.session
    fault = tokens.judge(
        reading.token,
        given=reading.token_given,
        pair=session.pair if session is not None else None,
        has_ick=reading.has_ick,
        # Another web site's Origin is no page's that we made.
        origin=None if unsaid else str(page or ""),
        now=now,
        lifetime=context.settings.token_seconds,
    )
    return (reading, None) if fault is None else (anonymous, fault)


def as_its_page(head: RequestHead, reading: Reading, context: Context) -> RequestHead:
    """A form that the outer frame sends for a page, as the page itself would have sent it.

    The token names the page, and nobody else can make one; what the outer frame sends of
    its own has none.
    """
    given = headers.get(head.fields, b"origin")
    token = reading.token
    page = None if token is None else parse_origin(token.origin)
    if not changes_state(head) or given != context.codec.secure_origin or page is None:
        return head
    context.codec.learn(page)
    own = context.codec.collapse_origin(page).encode("ascii")
    instead = {b"origin": own}
    if own == f"https://{head.host}".encode("ascii"):
        instead[b"sec-fetch-site"] = b"same-origin"
    fields = tuple((name, instead.get(name.lower(), value)) for name, value in head.fields)
    return attrs.evolve(head, fields=fields)


def _is_of_the_browser(head: RequestHead) -> bool:
    """Whether no script made the request."""
    if headers.get(head.fields, b"sec-fetch-dest") == "report":
        return True
    # HTML standard, "hyperlink auditing": a body of four letters, and nothing to be had.
    kind = headers.get(head.fields, b"content-type")
    if kind != "text/ping" or headers.get(head.fields, b"ping-to") is None:
        return False
    # Script can name these two, but then never in the mode that a ping has.
    return headers.get(head.fields, b"sec-fetch-mode") in {None, "no-cors"}


def refused(fault: Fault) -> Refuse:
    """The ending of a request whose token does not fit."""
    title = "This page is too old, or it is not yours. Load it again."
    return Refuse(403, events.CSRF_TOKEN, title, fault.value)


@attrs.frozen
class Attested:
    """What a page made for somebody carries: nonce, proof and token, and when it was made.

    A service worker may show it again after months.
    """

    nonce: str = ""
    proof: str = attrs.field(default="", repr=False)
    token: str = attrs.field(default="", repr=False)
    pair: bytes = attrs.field(default=b"", repr=False)
    """Whose page it is: not told to the page, but a page of another pair is another one."""
    made: int = 0

    def payload(self) -> dict[str, object]:
        """What the page is told."""
        told = {"nonce": self.nonce, "proof": self.proof, "token": self.token}
        return {**told, "made": self.made}


def attested(
    reading: Reading,
    origin: Origin,
    now: int,
    context: Context,
    top_site: str = "",
    *,
    unasked: bool = False,
) -> Step[Attested]:
    """What a page of ``origin`` is to carry; without a session it has no proof.

    ``unasked``: the outer frame is not to ask for one.
    """
    noise = yield from ask(NeedRandom(_PAGE_NONCE_SIZE + tokens.NONCE_SIZE), bytes)
    nonce = "" if unasked else encode(noise[:_PAGE_NONCE_SIZE]).decode("ascii")
    session = reading.session
    proof = ""
    if session is not None:
        own = context.codec.collapse_origin(origin)
        proof = page_proof(session.ickt(context.keys), nonce, own).decode("ascii")
    token = _seal(session, str(origin), top_site, now, noise[_PAGE_NONCE_SIZE:], context)
    return Attested(nonce, proof, token, session.pair if session is not None else b"", now)


def _seal(
    session: Session | None, origin: str, top_site: str, now: int, nonce: bytes, context: Context
) -> str:
    generation = context.keys.newest if session is None else session.datr.generation
    pair = b"" if session is None else session.pair
    token = Token(pair, origin, top_site, now)
    return tokens.seal_token(context.keys, generation, token, nonce)


def renewed_location(
    head: RequestHead, reading: Reading, status: int, location: bytes, context: Context
) -> Step[bytes]:
    """A ``Location`` with a fresh token, where the browser will repeat the method there.

    What leads off the rewrite hosts, to the gateway's own or to another scheme, gets none.
    """
    token = reading.token
    keeps = status in _KEEPS_METHOD or (status in _MAKES_GET and head.method != b"POST")
    if not keeps or not changes_state(head) or token is None:
        return location
    found = parse(location.decode("latin-1"), f"https://{head.host}/")
    if found is None or context.codec.classify(found[0].host)[0] is not HostKind.REWRITE:
        return location
    now = yield from steps.now()
    nonce = yield from ask(NeedRandom(tokens.NONCE_SIZE), bytes)
    text = _seal(reading.session, token.origin, token.top_site, now, nonce, context)
    url = location.decode("latin-1")
    return with_parameter(url, wire.TOKEN_PARAMETER, text).encode("latin-1")


def on_rewrite_host(head: RequestHead, path: str, context: Context) -> Step[Ending]:
    """``/.gateway/attest`` and ``/.gateway/token``, for pages and workers of that host."""
    if not _is_same_origin(head):
        return Refuse(403, events.ORIGIN_DENIED, "This is only for the page's own script", path)
    reading = yield from steps.session(head, context)
    if path == wire.ATTEST_PATH:
        answer = _attest(head, reading, context)
    else:
        answer = yield from _renew(head, reading, context)
    fields = steps.duplicate_expiry(reading, head, context)
    return attrs.evolve(answer, fields=(*answer.fields, *fields))


def _is_same_origin(head: RequestHead) -> bool:
    site = headers.get(head.fields, b"sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get(head.fields, b"origin")
    return origin is None or origin == f"https://{head.host}"


def _attest(head: RequestHead, reading: Reading, context: Context) -> Answer | Refuse:
    """The answer to the outer frame's challenge ``c`` for the page with the nonce ``n``.

    It is made of the cookies that the browser sends at this moment.
    """
    challenge, nonce = (
        unquote(parameter(head.target.decode("latin-1"), name) or "") for name in ("c", "n")
    )
    sound = all(
        word.isascii() and word.isprintable() and " " not in word for word in (challenge, nonce)
    )
    if reading.session is None or not sound or max(len(challenge), len(nonce)) > _MAX_WORD:
        return Refuse(403, events.NOT_ATTESTED, "This page could not be checked")
    ickt = reading.session.ickt(context.keys)
    return _text(challenge_answer(ickt, challenge, nonce, f"https://{head.host}"))


def _renew(head: RequestHead, reading: Reading, context: Context) -> Step[Answer | Refuse]:
    """A fresh token for the same pair, also for one that has expired.

    A worker, which no page gave one, gets a token for the cookies of this moment.
    """
    origin = (yield from steps.address(head, context)).origin
    token = reading.token
    if reading.token_given:
        pair = reading.session.pair if reading.session is not None else b""
        fault = None
        if token is None:
            fault = Fault.INVALID
        elif token.origin != str(origin):
            fault = Fault.ORIGIN
        elif reading.has_ick and token.pair != pair:
            fault = Fault.PAIR
        if fault is not None:
            return refused(fault)
    now = yield from steps.now()
    nonce = yield from ask(NeedRandom(tokens.NONCE_SIZE), bytes)
    top_site = "" if token is None else token.top_site
    text = _seal(reading.session, str(origin), top_site, now, nonce, context)
    seconds = b"%d" % renewal(context)
    return _text(text.encode("ascii"), (wire.RENEW_HEADER, seconds))


def renewal(context: Context) -> int:
    """After how many seconds a page or worker renews its token."""
    return max(1, context.settings.token_seconds // TOKEN_AGES)


def _text(body: bytes, *more: tuple[bytes, bytes]) -> Answer:
    fields = (
        (b"Content-Type", b"text/plain"),
        (b"Cache-Control", b"no-store"),
        (b"X-Content-Type-Options", b"nosniff"),
        *more,
    )
    return Answer(200, fields, body)
