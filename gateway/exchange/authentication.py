"""Who may use the gateway at all: asked first, of every request to every kind of host.

On the portal and the secure origin a person answers with ``Authorization``, or has signed in
by way of an OpenID provider.  On rewrite hosts that field is the site's: there the login lives in
the session, put there by the secure origin's own endpoints, which know whose session it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway import events, wire
from gateway.cookies.seal import NONCE_SIZE
from gateway.errors import GatewayError
from gateway.exchange import locks, oidc, steps
from gateway.exchange.messages import (
    RETRIEVES,
    Answer,
    Commit,
    Context,
    Ending,
    NeedRandom,
    NeedRows,
    Note,
    Refuse,
    RequestHead,
    Rows,
    ask,
    refusal,
)
from gateway.exchange.needs import (
    Keep,
    NeedStanding,
    Recall,
    VerifyPassword,
    VerifyToken,
)
from gateway.origins import HostKind
from gateway.policy.authentication import (
    Authentication,
    Basic,
    Bearer,
    Unreadable,
    challenges,
    credentials,
)
from gateway.policy.clients import block_of
from gateway.rewrite import headers
from gateway.rewrite.parameters import parameter
from gateway.session.attestation import open_restore_text
from gateway.session.login import (
    BUCKET,
    Login,
    expire_login_cookie,
    from_remark,
    read_login_cookie,
    to_remark,
)
from gateway.session.reading import Reading, Session, read_session
from gateway.session.settle import kept_text
from gateway.session.tokens import Token, open_token

if TYPE_CHECKING:
    from gateway.cookies.seal import Row
    from gateway.exchange.steps import Step

_OPEN_ON_SITES = tuple(
    one.encode("ascii") for one in (wire.ASSET_PATH, wire.LABEL_PATH, wire.OOPS_PATH)
)
"""What is the same for everybody and tells nothing."""
_NO_STORE = ((b"Cache-Control", b"no-store"),)
_OPEN_ON_OWN = (wire.ASSET_PATH, wire.FORGOTTEN_PATH, wire.WITHIN_PATH)
_CARRIES = frozenset(
    (wire.BOOTSTRAP_PATH, wire.RESTORE_PATH, wire.CHECK_PATH, wire.BASIC_PATH)
)  # fmt: skip
"""What knows whose session it is: it was minted now, or attested, or is a plain form's."""


def admit(head: RequestHead, context: Context) -> Step[Ending | None]:
    """The ending of a request whose person is to sign in first; None: it may go on."""
    rules = context.authentication
    if rules is None:
        return None
    kind, _ = context.codec.classify(head.host)
    try:
        if kind is HostKind.REWRITE:
            return (yield from _on_site(head, rules, context))
        if kind in {HostKind.PORTAL, HostKind.SECURE}:
            return (yield from _on_own(head, rules, context))
    except GatewayError as error:
        return refusal(error)
    return None


# --- the portal and the secure origin ---------------------------------------------------


@attrs.frozen
class _Refused:
    """Nobody signed in; ``wait`` seconds if it is too early; a ``bad_token`` was shown.

    ``shown``: something was, so that a program asks, or a person who typed a password.
    """

    wait: int = 0
    shown: bool = True
    bad_token: bool = False


def _on_own(head: RequestHead, rules: Authentication, context: Context) -> Step[Ending | None]:
    path = head.path.decode("latin-1")
    if path.startswith(_OPEN_ON_OWN):
        return None
    if rules.oidc is not None and path in oidc.PATHS:
        return (yield from oidc.endpoint(head, rules, context))
    who = yield from _who(head, rules, context)
    by_password = rules.oidc is not None and rules.basic and path == wire.PASSWORD_PATH
    if isinstance(who, Login):
        return oidc.after_password(head) if by_password else None
    if rules.oidc is not None and not (who.shown or who.wait or by_password) and _is_document(head):
        return oidc.to_login(head)
    return _turned_away(who, rules)


def _turned_away(who: _Refused, rules: Authentication) -> Refuse:
    if who.wait:
        retry = (b"Retry-After", b"%d" % who.wait)
        title = "There were too many failed tries to sign in"
        return Refuse(429, events.LOGIN_LOCKED, title, fields=(retry, *_NO_STORE))
    fields = challenges(rules, invalid_token=who.bad_token)
    return Refuse(401, events.LOGIN_REQUIRED, "Please sign in", fields=fields)


def admit_to_service(head: RequestHead, context: Context) -> Step[Login | Refuse]:
    """Who asks for a service, by what a request to the gateway's own hosts shows; or a challenge.

    The portal's cookie of a login reaches services on the portal's host alone.
    """
    rules = context.authentication
    if rules is None:
        return Refuse(503, events.LOGIN_UNAVAILABLE, "Nobody can sign in here")
    who = yield from _who(head, rules, context)
    return who if isinstance(who, Login) else _turned_away(who, rules)


def _who(head: RequestHead, rules: Authentication, context: Context) -> Step[Login | _Refused]:
    """Whose request it is, by what it shows on a host of the gateway's own."""
    given = credentials(headers.get_all(head.fields, b"authorization"))
    if isinstance(given, Basic) and rules.basic:
        return (yield from _password(given, head, rules, context))
    if isinstance(given, Bearer) and rules.jwt is not None:
        return (yield from _token(given))
    if isinstance(given, Unreadable):
        yield Note(events.LOGIN_FAILED, f"Authorization: {given.reason}")
    if rules.oidc is not None:
        now = yield from steps.now()
        cookies = headers.get_all(head.fields, b"cookie")
        login = read_login_cookie(context.keys, cookies, now)
        if login is not None:
            return login
    return _Refused(shown=given is not None, bad_token=isinstance(given, Bearer))


def _password(
    given: Basic, head: RequestHead, rules: Authentication, context: Context
) -> Step[Login | _Refused]:
    """A name and a password: known for a moment, or compared, unless it is too early."""
    key = b"basic\0" + given.user.encode("utf-8") + b"\0" + given.password.encode("utf-8")
    known = yield Recall(key)
    if isinstance(known, Login):
        return known
    place = locks.place(given.user, block_of(head.client), context)
    # One try of a name and an address at a time: a page's many requests cost one.
    yield locks.hold(place)
    found = yield from _compared(given, key, place, rules)
    yield locks.let_go()
    return found


def _compared(
    given: Basic, key: bytes, place: locks.Place, rules: Authentication
) -> Step[Login | _Refused]:
    known = yield Recall(key)
    if isinstance(known, Login):
        return known
    wait = yield from locks.charge(place, rules.lockout)
    if wait:
        return _Refused(wait=wait)
    try:
        mark = yield from ask(VerifyPassword(given.user, given.password), bytes)
    except GatewayError:
        yield from locks.take_back(place, rules.lockout)
        raise
    if not mark:
        yield Note(events.LOGIN_FAILED, "a wrong name or password")
        return _Refused()
    yield from locks.clear(place, rules.lockout)
    now = yield from steps.now()
    login = Login(given.user, now + rules.session_seconds, mark)
    yield Keep(key, login)
    yield Note(events.LOGIN_SUCCEEDED, f"{login.user} by password")
    return login


def _token(given: Bearer) -> Step[Login | _Refused]:
    key = b"bearer\0" + given.token.encode("ascii")
    known = yield Recall(key)
    if isinstance(known, Login):
        return known
    found = yield VerifyToken(given)
    if not isinstance(found, Login):
        yield Note(events.LOGIN_FAILED, f"a token: {found}")
        return _Refused(bad_token=True)
    yield Keep(key, found)
    yield Note(events.LOGIN_SUCCEEDED, f"{found.user} by token")
    return found


# --- from the secure origin into the session --------------------------------------------


def carry(head: RequestHead, ending: Ending, context: Context) -> Step[Ending]:
    """Put the login of a request to the secure origin into the session that it is about.

    Only where that session was minted, restored or attested by this very request: a session that
    a sibling tossed must not be signed in by somebody else's password.
    """
    rules = context.authentication
    path = head.path.decode("latin-1")
    if rules is None or not isinstance(ending, Answer):
        return ending
    if path == wire.FORGET_PATH:
        return attrs.evolve(ending, fields=(*ending.fields, (b"Set-Cookie", expire_login_cookie())))
    if path not in _CARRIES or head.method != b"POST" or ending.status >= 400:
        return ending
    session = _session_of(head, path, ending, context)
    if session is None:
        return ending
    try:
        who = yield from _who(head, rules, context)
        if isinstance(who, Login):
            yield from _put(session, who, rules, context)
    except GatewayError as error:
        return refusal(error)
    return ending


def _session_of(head: RequestHead, path: str, ending: Answer, context: Context) -> Session | None:
    """The session that an answer sets, or whose restore text the secure origin keeps."""
    sets = [value.partition(b";")[0] for value in headers.get_all(ending.fields, b"set-cookie")]
    session = read_session(sets, context.keys).session
    if session is not None:
        return session
    cookies = headers.get_all(head.fields, b"cookie")
    for text in (kept_text(sets), kept_text(cookies)):
        opened = open_restore_text(context.keys, text) if text else None
        if opened is not None:
            return Session(*opened)
    # A browser without script has nothing to attest with; its form came without an Origin.
    reading = read_session(cookies, context.keys)
    is_plain = path == wire.BASIC_PATH and reading.session is not None and reading.session.is_basic
    return reading.session if is_plain else None


def _put(session: Session, login: Login, rules: Authentication, context: Context) -> Step[None]:
    keys = session.user_keys(context.keys)
    bucket = keys.bucket(BUCKET)
    now = yield from steps.now()
    login = attrs.evolve(login, expires=min(login.expires, now + rules.session_seconds))
    for _ in range(context.settings.commit_attempts):
        rows = yield from ask(NeedRows(keys.owner, bucket), Rows)
        before = _login_in(rows.rows, session, now, context)
        # The mark, too: a login by a password that was changed stands no more.
        is_same = before is not None and (before.user, before.mark) == (login.user, login.mark)
        if before is not None and is_same and before.expires >= login.expires:
            break
        nonce = yield from ask(NeedRandom(NONCE_SIZE), bytes)
        row = keys.seal(bucket, BUCKET, to_remark(login), nonce)
        if (yield from ask(Commit(keys.owner, bucket, rows.version, (row,)), bool)):
            break


def _login_in(rows: tuple[Row, ...], session: Session, now: int, context: Context) -> Login | None:
    keys = session.user_keys(context.keys)
    for one in keys.open_all(keys.bucket(BUCKET), rows):
        login = from_remark(one, now)
        if login is not None:
            return login
    return None


def _session_key(block: bytes, pair: bytes) -> bytes:
    # With the address: what a page sends without cookies counts from there alone.
    return b"session\0" + block + b"\0" + pair


# --- rewrite hosts ----------------------------------------------------------------------


def _on_site(head: RequestHead, rules: Authentication, context: Context) -> Step[Ending | None]:
    if head.path.startswith(_OPEN_ON_SITES):
        return None
    text = parameter(head.target.decode("latin-1"), wire.TOKEN_PARAMETER)
    token = None if text is None else open_token(context.keys, text)
    reading = read_session(headers.get_all(head.fields, b"cookie"), context.keys, token)
    session = reading.session
    block = block_of(head.client).encode("utf-8", "replace")
    if session is not None:
        login = yield from _of_session(session, block, rules, context)
        if login is not None:
            return None
    elif (yield from _without_session(head, token, block, rules, context)):
        return None
    expired = tuple(steps.duplicate_expiry(reading, head, context))
    if _is_document_at_the_top(head):
        url = yield from _address(head, context)
        location = f"{context.codec.secure_origin}/#{url}".encode("latin-1")
        return Answer(302, ((b"Location", location), *_NO_STORE, *expired))
    # No challenge: no browser is to ask for a password in a site's name.
    title = "Please sign in to this gateway"
    return Refuse(401, events.LOGIN_REQUIRED, title, fields=(*_NO_STORE, *expired))


def _without_session(
    head: RequestHead,
    token: Token | None,
    block: bytes,
    rules: Authentication,
    context: Context,
) -> Step[bool]:
    """Whether a request without cookies may go on all the same."""
    if token is not None and token.pair:
        # What a page sends without cookies, from where its person is signed in.  The token
        # alone is not enough: the page's site can read it.
        now = yield from steps.now()
        if abs(now - token.issued_at) <= context.settings.token_seconds:
            somebody = yield Recall(_page_key(block, token.pair))
            if isinstance(somebody, Login):
                return True
    if not headers.is_page_of_ours(head.fields, context.codec):
        return rules.native_open  # and only a rule with ``native`` opens anything to it
    if _is_preflight(head):
        return True  # browsers never send credentials with these
    if rules.anonymous_near and head.method in RETRIEVES:
        somebody = yield Recall(_NEAR + block)
        return isinstance(somebody, Login)
    return False


_NEAR = b"near\0"


def _page_key(block: bytes, pair: bytes) -> bytes:
    return b"page\0" + block + b"\0" + pair


def _of_session(
    session: Session, block: bytes, rules: Authentication, context: Context
) -> Step[Login | None]:
    """The login that lives in a session, if there is one that still stands."""
    key = _session_key(block, session.pair)
    known = yield Recall(key)
    if isinstance(known, Login):
        return known
    keys = session.user_keys(context.keys)
    rows = yield from ask(NeedRows(keys.owner, keys.bucket(BUCKET)), Rows)
    now = yield from steps.now()
    login = _login_in(rows.rows, session, now, context)
    if login is None or not (yield from ask(NeedStanding(login), bool)):
        return None
    yield Keep(key, login)
    yield Keep(_page_key(block, session.pair), login, to_its_end=True)
    if rules.anonymous_near:
        yield Keep(_NEAR + block, login)
    return login


def signed_in(head: RequestHead, reading: Reading, context: Context) -> Step[Login | None]:
    """Whose request it was that ``admit`` let through to a site; None where nobody was asked."""
    if context.authentication is None or reading.session is None:
        return None
    block = block_of(head.client).encode("utf-8", "replace")
    known = yield Recall(_session_key(block, reading.session.pair))
    return known if isinstance(known, Login) else None


def _address(head: RequestHead, context: Context) -> Step[str]:
    addressed = yield from steps.address(head, context)
    return addressed.url


def _is_preflight(head: RequestHead) -> bool:
    asked = headers.get(head.fields, b"access-control-request-method")
    given = headers.get(head.fields, b"origin")
    return head.method == b"OPTIONS" and asked is not None and given is not None


def _is_document(head: RequestHead) -> bool:
    """Whether a document is asked for, which a person sees."""
    return head.method in RETRIEVES and steps.wants_document(head)


def _is_document_at_the_top(head: RequestHead) -> bool:
    """Whether a document is asked for outside the outer frame, as far as anybody tells."""
    if head.method not in RETRIEVES or headers.get(head.fields, b"upgrade") is not None:
        return False
    destination = headers.get(head.fields, b"sec-fetch-dest")
    mode = headers.get(head.fields, b"sec-fetch-mode")
    if destination is not None or mode is not None:
        return destination == "document"
    return steps.wants_document(head)
