"""The portal, the outer frame, and the gateway's own endpoints (protocols, sections 1 and 6).

State is changed only by POSTs whose ``Origin`` is exactly the secure origin, and no
answer takes anything from the request that could fix a session.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import attrs

from gateway import events, wire
from gateway.errors import GatewayError
from gateway.exchange import (
    admission,
    attesting,
    authentication,
    leaving,
    places,
    reports,
    settle,
    steps,
    within,
)
from gateway.exchange.messages import (
    RETRIEVES,
    Answer,
    Context,
    Ending,
    Exchange,
    Forget,
    NeedBody,
    NeedRandom,
    Note,
    Page,
    Refuse,
    RequestHead,
    Serve,
    ServeAsset,
    ask,
    refusal,
)
from gateway.origins import HostKind, collapse, parse, parse_origin
from gateway.policy.catalogue import MAX_QUERY
from gateway.rewrite import headers
from gateway.session import bootstrap
from gateway.session.attestation import Mode, open_restore_text
from gateway.session.reading import Session, datr_mode, read_session
from gateway.session.settle import expire_kept, kept_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.exchange.steps import Step
    from gateway.session.settle import Offer

_NOT_FOUND = Refuse(404, events.HOST_UNKNOWN, "There is no such page")


def own_exchange(head: RequestHead, context: Context) -> Exchange:
    """Decide one request to the portal, the secure host or a host that is not ours."""
    refused = yield from admission.admit(head, context)
    if refused is not None:
        return refused
    kind, _ = context.codec.classify(head.host)
    try:
        refused = yield from authentication.admit(head, context)
        if refused is not None:
            return refused
        if kind is HostKind.PORTAL:
            return _portal(head, context)
        if kind is HostKind.SECURE:
            ending = yield from _secure(head, context)
            return (yield from authentication.carry(head, ending, context))
        if kind is HostKind.SETTLE:
            return (yield from _settle_host(head, context))
    except GatewayError as error:
        return refusal(error)
    if context.services.has_host(head.host):
        return _NOT_FOUND
    return Refuse(421, events.HOST_UNKNOWN, "This host is not served here")


def on_rewrite_host(head: RequestHead, context: Context) -> Step[Ending]:
    """What the gateway itself serves on rewrite hosts."""
    path = head.path.decode("latin-1")
    if path.startswith(wire.ASSET_PATH):
        return _asset(head, path)
    if path == wire.LABEL_PATH:
        return _label(head)
    if path in {wire.ATTEST_PATH, wire.TOKEN_PATH}:
        return (yield from attesting.on_rewrite_host(head, path, context))
    if path == wire.OOPS_PATH:
        return Refuse(403, events.NOT_ATTESTED, "This page could not be checked")
    if path == wire.REPORT_PATH:
        return (yield from reports.collect(head, context))
    return _NOT_FOUND


def _label(head: RequestHead) -> Ending:
    """``/.gateway/label?o=``: the label that is a digest, for scripts that meet such a host."""
    origin = parse_origin(_parameter(head, "o"))
    if head.method not in RETRIEVES or origin is None:
        return Refuse(400, events.DESTINATION_DENIED, "This is not an origin")
    fields = (
        (b"Content-Type", b"text/plain"),
        (b"Cache-Control", b"public, max-age=31536000, immutable"),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return Answer(200, fields, collapse(origin).encode("ascii"))


def _asset(head: RequestHead, path: str) -> Ending:
    if head.method not in RETRIEVES:
        return _method_not_allowed(b"GET, HEAD")
    return ServeAsset(path[len(wire.ASSET_PATH) :])


def _portal(head: RequestHead, context: Context) -> Ending:
    path = head.path.decode("latin-1")
    if path.startswith(wire.ASSET_PATH):
        return _asset(head, path)
    if path not in {"/", wire.OPEN_PATH, wire.FORGOTTEN_PATH}:
        return _NOT_FOUND
    if head.method not in RETRIEVES:
        return _method_not_allowed(b"GET, HEAD")
    if path == wire.OPEN_PATH:
        return _open(head, context)
    if path == wire.FORGOTTEN_PATH:
        return Serve(Page.FORGOTTEN)
    start = _parameter(head, "n")
    # What is searched for is in the query, which no log has.
    return Serve(
        Page.PORTAL,
        _parameter(head, "q")[:MAX_QUERY].strip(),
        _parameter(head, "c"),
        int(start) if start.isascii() and start.isdigit() and len(start) < 5 else 0,
    )


def _open(head: RequestHead, context: Context) -> Ending:
    """``/open?url=``: the form-friendly way into the outer frame."""
    url = _web_address(_parameter(head, "url"))
    if url is None:
        return Refuse(400, events.DESTINATION_DENIED, "This is not a web address")
    if datr_mode(headers.get_all(head.fields, b"cookie"), context.keys) is Mode.BASIC:
        # Without script there is no outer frame; with it, the page goes there by itself.
        return _redirect(303, context.codec.collapse_url(url))
    return _redirect(303, f"{context.codec.secure_origin}/#{url}")


def _secure(head: RequestHead, context: Context) -> Step[Ending]:
    path = head.path.decode("latin-1")
    if path.startswith(wire.ASSET_PATH):
        return _asset(head, path)
    if path in _ENDPOINTS:
        return (yield from _endpoint(head, _ENDPOINTS, context.codec.secure_origin, context))
    if path not in {"/", wire.SETTINGS_PATH, wire.WITHIN_PATH}:
        return _NOT_FOUND
    if head.method not in RETRIEVES:
        return _method_not_allowed(b"GET, HEAD")
    if path == wire.WITHIN_PATH:
        return within.frame(head, context)
    if path == wire.SETTINGS_PATH:
        return Serve(Page.SETTINGS)
    return Serve(Page.OUTER)


def _settle_host(head: RequestHead, context: Context) -> Step[Ending]:
    """``www.0.<rewrite-domain>``: what sets the session there; nobody else's content."""
    path = head.path.decode("latin-1")
    if path.startswith(wire.ASSET_PATH):
        return _asset(head, path)
    if path == wire.SETTLE_PATH and head.method in RETRIEVES:
        return Serve(Page.SETTLE)
    if path in _SETTLE_ENDPOINTS:
        origin = context.codec.settle_origin
        return (yield from _endpoint(head, _SETTLE_ENDPOINTS, origin, context))
    return _NOT_FOUND


def _endpoint(
    head: RequestHead,
    endpoints: Mapping[str, Callable[[RequestHead, Context], Step[Ending]]],
    origin: str,
    context: Context,
) -> Step[Ending]:
    """One of a host's endpoints, for a POST by its own page alone."""
    path = head.path.decode("latin-1")
    if head.method != b"POST":
        return _method_not_allowed(b"POST")
    origins = headers.get_all(head.fields, b"origin")
    unnamed = path in _PLAIN and not origins and _is_plain_form(head, path, context)
    if origins != [origin.encode("ascii")] and not unnamed:
        title = "This is only for the gateway's own page"
        return Refuse(403, events.ORIGIN_DENIED, title, f"{path} from another origin")
    return (yield from endpoints[path](head, context))


_PLAIN = (wire.FORGET_PATH, wire.BASIC_PATH)
"""What a form of ours asks for where no script runs."""


def _is_plain_form(head: RequestHead, path: str, context: Context) -> bool:
    """Whether the form of a browser without script may have sent this, naming no origin.

    Other sites' forms name theirs wherever a browser runs script; sessions of mode basic
    are for browsers that may not.  A new one of these changes nothing for anybody else.
    """
    if headers.get_all(head.fields, b"sec-fetch-site") not in ([], [b"same-origin"]):
        return False
    if path == wire.BASIC_PATH:
        return True
    session = read_session(headers.get_all(head.fields, b"cookie"), context.keys).session
    return session is not None and session.datr.mode is Mode.BASIC


def _forget(head: RequestHead, context: Context) -> Step[Ending]:
    """Delete the jar while its key is still there, then take the key from the browser.

    The restore text names the session even where somebody tossed its cookies.  A store
    that does not answer leaves everything as it is, so that it can be tried again.
    """
    body = yield from ask(NeedBody(), bytes)
    reading = yield from steps.session(head, context)
    cookies = headers.get_all(head.fields, b"cookie")
    texts = (_json_text(body, "restore").encode("ascii", "replace"), kept_text(cookies))
    opened = [open_restore_text(context.keys, text) for text in texts]
    sessions = [Session(*one) for one in opened if one is not None]
    sessions += [reading.session] if reading.session is not None else []
    for owner in dict.fromkeys(one.user_keys(context.keys).owner for one in sessions):
        yield Forget(owner)
    host = head.host.rpartition(":")[0] or head.host
    codec = context.codec
    expiry = bootstrap.expire_duplicates(
        head.path.decode("latin-1"), host, codec.cookie_domain, apart=codec.is_apart
    )
    expiry += expire_kept()
    fields = tuple((b"Set-Cookie", one) for one in expiry)
    if headers.get(head.fields, b"content-type") == "application/json":
        return _json(200, {"ok": True, "erased": bool(sessions)}, fields)
    answer = _redirect(303, context.codec.portal_origin + wire.FORGOTTEN_PATH)
    return attrs.evolve(answer, fields=(*answer.fields, *fields))


def _basic(head: RequestHead, context: Context) -> Step[Ending]:
    """A session for a browser without script, and on to the address that its form names.

    Whoever has a session keeps it: a stranger's form must not take it away.
    """
    body = yield from ask(NeedBody(), bytes)
    reading = yield from steps.session(head, context)
    fields: tuple[tuple[bytes, bytes], ...] = ()
    if reading.session is None:
        noise = yield from ask(NeedRandom(bootstrap.RANDOM_NEEDED), bytes)
        now = yield from steps.now()
        minted = bootstrap.mint(context.keys, noise, now, context.codec.cookie_domain, Mode.BASIC)
        # What somebody tossed ends first, or the new pair would be one of several.
        fields = tuple(steps.duplicate_expiry(reading, head, context))
        fields += tuple((b"Set-Cookie", one) for one in minted.set_cookies)
    elif reading.session.datr.mode is not Mode.BASIC:
        title = "This browser has a session that is made for JavaScript"
        return Refuse(409, events.SESSION_INVALID, title)
    url = _web_address(_first(body.decode("utf-8", "replace"), "url"))
    to = f"{context.codec.portal_origin}/" if url is None else context.codec.collapse_url(url)
    answer = _redirect(303, to)
    return attrs.evolve(answer, fields=(*answer.fields, *fields))


_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?://|(?![0-9]*(?:[/?#]|\Z)))", re.IGNORECASE)
"""What makes text an address with a scheme; ``localhost:81`` is a host and its port."""


def _web_address(typed: str) -> str | None:
    """What a person typed, as a URL; None if it is no web address."""
    typed = typed.strip()
    found = parse(typed if _SCHEME.match(typed) else f"https://{typed}") if typed else None
    if found is None or found[1].protocol not in {"http:", "https:"}:
        return None
    return found[1].href


def _bootstrap(head: RequestHead, context: Context) -> Step[Ending]:
    """Always a new session; of the request only the wish for the two steps is looked at."""
    del head
    if context.apart is not None:
        body = yield from ask(NeedBody(), bytes)
        if _json_member(body, "apart") is True:
            return _offered((yield from settle.offer(context)))
    noise = yield from ask(NeedRandom(bootstrap.RANDOM_NEEDED), bytes)
    now = yield from steps.now()
    domain = context.codec.cookie_domain
    return _minted(bootstrap.mint(context.keys, noise, now, domain))


def _restore(head: RequestHead, context: Context) -> Step[Ending]:
    """The cookies of a restore text again, or a new offer of the session in that cookie."""
    body = yield from ask(NeedBody(), bytes)
    if context.apart is not None and _json_member(body, "apart") is True:
        offered = yield from settle.offer_again(head, context)
        return _json(409, {"ok": False}) if offered is None else _offered(offered)
    nonce = yield from ask(NeedRandom(12), bytes)
    domain = context.codec.cookie_domain
    text = _json_text(body, "restore")
    minted = bootstrap.restore(context.keys, text.encode("ascii", "replace"), nonce, domain)
    if minted is None:
        yield Note(events.SESSION_RESTORE, "the restore text did not open")
        return _json(409, {"ok": False})
    return _minted(minted)


def _check(head: RequestHead, context: Context) -> Step[Ending]:
    """Whether the cookies of this browser still agree with the ``ickt`` it keeps.

    When they do they are sent again, which makes their 400 days slide.
    """
    body = yield from ask(NeedBody(), bytes)
    reading = yield from steps.session(head, context)
    given = _json_text(body, "ickt").encode("ascii", "replace")
    session = reading.session
    if session is None or not session.is_attested_by(given, context.keys):
        fields = steps.duplicate_expiry(reading, head, context)
        return _json(200, {"ok": False}, tuple(fields))
    domain = context.codec.cookie_domain
    apart = context.codec.is_apart
    cookies = bootstrap.session_cookies(session.ick, session.datr, domain, apart=apart)
    return _json(200, {"ok": True}, tuple((b"Set-Cookie", one) for one in cookies))


def _settle(head: RequestHead, context: Context) -> Step[Ending]:
    """Step 2 of a session on a domain apart: the cookies of an offer, once."""
    del head
    body = yield from ask(NeedBody(), bytes)
    text, nonce = (_json_text(body, key).encode("ascii", "replace") for key in ("text", "nonce"))
    cookies = yield from settle.take(text, nonce, context)
    if cookies is None:
        return _json(409, {"ok": False})
    return _json(200, {"ok": True}, tuple((b"Set-Cookie", one) for one in cookies))


def _proof(head: RequestHead, context: Context) -> Step[Ending]:
    """The proof that a person typed an address; empty without a session."""
    body = yield from ask(NeedBody(), bytes)
    reading = yield from steps.session(head, context)
    proof = ""
    if reading.session is not None and _json_member(body, "chosen") is True:
        proof = yield from places.prove_chosen(_json_text(body, "url"), reading.session, context)
    return _json(200, {"proof": proof})


_ENDPOINTS = {
    wire.FORGET_PATH: _forget,
    wire.BASIC_PATH: _basic,
    wire.BOOTSTRAP_PATH: _bootstrap,
    wire.RESTORE_PATH: _restore,
    wire.CHECK_PATH: _check,
    wire.PROOF_PATH: _proof,
    wire.LEAVE_PATH: leaving.endpoint,
}
_SETTLE_ENDPOINTS = {
    wire.SETTLE_PATH: _settle,
    wire.CHECK_PATH: _check,
    wire.FORGET_PATH: _forget,
}


def _minted(minted: bootstrap.Minted) -> Ending:
    content = {"ok": True, "ickt": minted.ickt, "restore": minted.restore_text}
    return _json(200, content, tuple((b"Set-Cookie", one) for one in minted.set_cookies))


def _offered(offer: Offer) -> Ending:
    content = {"ok": True, "text": offer.text, "nonce": offer.nonce}
    return _json(200, content, tuple((b"Set-Cookie", one) for one in offer.set_cookies))


def _json(
    status: int, content: dict[str, Any], fields: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    own = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"))
    return Answer(status, (*own, *fields), json.dumps(content).encode("ascii"))


def _json_text(body: bytes, key: str) -> str:
    """A string member of a JSON object; empty for anything else."""
    value = _json_member(body, key)
    return value if isinstance(value, str) else ""


def _json_member(body: bytes, key: str) -> object:
    """A member of a JSON object; None where there is none."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content.get(key) if isinstance(content, dict) else None


def _parameter(head: RequestHead, name: str) -> str:
    return _first(head.target.partition(b"?")[2].decode("latin-1"), name)


def _first(form: str, name: str) -> str:
    """A field of a form; empty where there is none, or too many of others."""
    try:
        found = parse_qs(form, keep_blank_values=True, max_num_fields=32)
    except ValueError:
        return ""
    return found.get(name, [""])[0]


def _redirect(status: int, location: str) -> Answer:
    fields = (
        (b"Location", location.encode("utf-8")),
        (b"Cache-Control", b"no-store"),
        (b"Referrer-Policy", b"no-referrer"),
    )
    return Answer(status, fields)


def _method_not_allowed(allow: bytes) -> Refuse:
    title = "This is not how this page is asked for"
    return Refuse(405, events.ORIGIN_DENIED, title, fields=((b"Allow", allow),))
