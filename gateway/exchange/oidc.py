"""Signing in by way of an OpenID provider: Authorization Code with PKCE (RFC 6749, RFC 7636).

What one try knows (state, nonce, verifier, where the person wanted to go) lies sealed in a
``__Host-`` cookie of the browser that began it, and counts once.  The portal and the secure
origin each sign in for themselves: no login is handed from one host to the other.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import attrs

from gateway import events, wire
from gateway.exchange import steps
from gateway.exchange.messages import (
    RETRIEVES,
    Answer,
    Consume,
    Context,
    Ending,
    NeedRandom,
    Note,
    Page,
    Refuse,
    RequestHead,
    Serve,
    ask,
)
from gateway.exchange.needs import NeedProvider, Provider, Redeem
from gateway.rewrite import headers
from gateway.session.attestation import SEAL_SIZE, open_text, seal_text
from gateway.session.keys import encode
from gateway.session.login import Login, login_cookie
from gateway.session.reading import cookie_values

if TYPE_CHECKING:
    from gateway.exchange.steps import Step
    from gateway.policy.authentication import Authentication, OidcRules

PATHS = frozenset((wire.LOGIN_PATH, wire.LOGIN_START_PATH, wire.SIGNED_IN_PATH))
_NO_GOAL = (*PATHS, wire.PASSWORD_PATH)
_LABEL = "login state"
_SECONDS = 600
_WORD = 24
_MAX_TO = 2000
_MAX_QUERY = 8192
_COMMON = "; Secure; HttpOnly; SameSite=Lax"


@attrs.frozen(repr=False)
class _Try:
    """One try to sign in, as its browser keeps it."""

    state: str
    nonce: str
    verifier: str
    to: str
    expires: int
    host: str


def endpoint(head: RequestHead, rules: Authentication, context: Context) -> Step[Ending]:
    """One of ``PATHS`` on the portal or the secure origin."""
    provided = rules.oidc
    if head.method not in RETRIEVES or provided is None:
        title = "This is not how this page is asked for"
        return Refuse(405, events.ORIGIN_DENIED, title, fields=((b"Allow", b"GET, HEAD"),))
    path = head.path.decode("latin-1")
    if path == wire.LOGIN_PATH:
        return Serve(Page.LOGIN)
    if path == wire.LOGIN_START_PATH:
        return (yield from _start(head, provided, context))
    return (yield from _finish(head, rules, provided, context))


def to_login(head: RequestHead) -> Answer:
    """Lead a document's request to where a person signs in, and remember where it was going."""
    query = urlencode({"to": head.target.decode("latin-1")[:_MAX_TO]})
    return _redirect(f"{wire.LOGIN_PATH}?{query}")


def after_password(head: RequestHead) -> Answer:
    """Lead a person whose password was right to where they were going."""
    return _redirect(_path(_parameters(head).get("to", "")))


def _start(head: RequestHead, rules: OidcRules, context: Context) -> Step[Ending]:
    provider = yield from ask(NeedProvider(), Provider)
    now = yield from steps.now()
    noise = yield from ask(NeedRandom(3 * _WORD + SEAL_SIZE + 8), bytes)
    state, nonce = (encode(noise[at : at + _WORD]).decode("ascii") for at in (0, _WORD))
    verifier = encode(noise[2 * _WORD : 3 * _WORD + 8]).decode("ascii")  # 43 characters
    one = _Try(
        state, nonce, verifier, _path(_parameters(head).get("to", "")), now + _SECONDS, head.host
    )
    challenge = encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode("ascii")
    asked = {
        "response_type": "code",
        "client_id": rules.client_id,
        "redirect_uri": _redirect_uri(head),
        "scope": " ".join(rules.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    mark = "&" if "?" in provider.authorization_endpoint else "?"
    plain = json.dumps(attrs.astuple(one)).encode("ascii")
    text = seal_text(context.keys, _LABEL, context.keys.newest, noise[-SEAL_SIZE:], plain)
    cookie = wire.LOGIN_STATE_COOKIE + b"=" + text
    cookie += f"; Path=/; Max-Age={_SECONDS}{_COMMON}".encode("ascii")
    return _redirect(f"{provider.authorization_endpoint}{mark}{urlencode(asked)}", cookie)


def _finish(
    head: RequestHead, rules: Authentication, provided: OidcRules, context: Context
) -> Step[Ending]:
    now = yield from steps.now()
    given = _parameters(head)
    one = _kept(head, context, now)
    if one is None:
        return _failed("no try to sign in was begun here, or too long ago")
    if not hmac.compare_digest(given.get("state", "").encode("utf-8"), one.state.encode("utf-8")):
        return _failed("the state is not the one that was sent")
    provider = yield from ask(NeedProvider(), Provider)
    # Another provider's answer must not be taken for this one's (RFC 9207).
    issuer = given.get("iss")
    if issuer != provided.issuer and (issuer is not None or provider.names_issuer):
        return _failed("the answer is another provider's")
    used = hashlib.sha256(b"login " + one.state.encode("utf-8")).digest()
    if not (yield from ask(Consume(used, one.expires), bool)):
        return _failed("the answer was used before")
    code = given.get("code", "")
    if "error" in given or not code:
        return _failed("the provider did not sign the person in")
    found = yield Redeem(code, one.verifier, _redirect_uri(head), one.nonce)
    if not isinstance(found, Login):
        return _failed(f"the provider's answer: {found}")
    login = Login(found.user, now + rules.session_seconds)
    yield Note(events.LOGIN_SUCCEEDED, f"{login.user} by way of the provider")
    seal = yield from ask(NeedRandom(SEAL_SIZE), bytes)
    return _redirect(one.to, login_cookie(context.keys, login, seal, now), _expired())


def _kept(head: RequestHead, context: Context, now: int) -> _Try | None:
    cookies = headers.get_all(head.fields, b"cookie")
    texts = set(cookie_values(cookies, wire.LOGIN_STATE_COOKIE))
    plain = open_text(context.keys, _LABEL, texts.pop()) if len(texts) == 1 else None
    one = None if plain is None else _Try(*json.loads(plain))
    return one if one is not None and now < one.expires and one.host == head.host else None


def _failed(detail: str) -> Refuse:
    fields = ((b"Set-Cookie", _expired()), (b"Cache-Control", b"no-store"))
    return Refuse(
        403, events.LOGIN_FAILED, "The sign-in could not be finished", detail, fields=fields
    )


def _expired() -> bytes:
    return wire.LOGIN_STATE_COOKIE + f"=; Path=/; Max-Age=0{_COMMON}".encode("ascii")


def _redirect_uri(head: RequestHead) -> str:
    return f"https://{head.host}{wire.SIGNED_IN_PATH}"


def _path(text: str) -> str:
    """A path of this very host to go to; the root for anything that might lead elsewhere."""
    sound = text.isascii() and text.isprintable() and len(text) <= _MAX_TO
    if not sound or text[:1] != "/" or text[1:2] in {"/", "\\"} or "\\" in text:
        return "/"
    return "/" if text.startswith(_NO_GOAL) else text


def _parameters(head: RequestHead) -> dict[str, str]:
    """The parameters of the query that are there once; none if there are too many."""
    query = head.target.partition(b"?")[2].decode("latin-1")
    try:
        found: dict[str, Any] = parse_qs(query[:_MAX_QUERY], max_num_fields=32)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _redirect(location: str, *cookies: bytes) -> Answer:
    fields = (
        (b"Location", location.encode("utf-8")),
        (b"Cache-Control", b"no-store"),
        (b"Referrer-Policy", b"no-referrer"),
        *((b"Set-Cookie", one) for one in cookies),
    )
    return Answer(303, fields)
