"""The portal, the outer frame, and the gateway's own endpoints (protocols, sections 1 and 6).

State is changed only by POSTs whose ``Origin`` is exactly the secure origin, and no
answer takes anything from the request that could fix a session.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import attrs

from gateway import events, wire
from gateway.errors import GatewayError
from gateway.exchange import places, steps
from gateway.exchange.messages import (
    Answer,
    Context,
    Ending,
    Exchange,
    Leak,
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
from gateway.policy.engine import Ask, Question
from gateway.rewrite import csp, headers
from gateway.session import bootstrap

if TYPE_CHECKING:
    from gateway.exchange.steps import Step

_SAFE = frozenset({b"GET", b"HEAD"})
_NOT_FOUND = Refuse(404, events.HOST_UNKNOWN, "There is no such page")


def own_exchange(head: RequestHead, context: Context) -> Exchange:
    """Decide one request to the portal, the secure host or a host that is not ours."""
    kind, _ = context.codec.classify(head.host)
    try:
        if kind is HostKind.PORTAL:
            return _portal(head, context)
        if kind is HostKind.SECURE:
            return (yield from _secure(head, context))
    except GatewayError as error:
        return refusal(error)
    return Refuse(421, events.HOST_UNKNOWN, "This host is not served here")


def on_rewrite_host(head: RequestHead, context: Context) -> Step[Ending]:
    """What the gateway itself serves on rewrite hosts."""
    path = head.path.decode("latin-1")
    if path.startswith(wire.ASSET_PATH):
        return _asset(head, path)
    if path == wire.GO_PATH:
        return _go(head, context)
    if path == wire.LABEL_PATH:
        return _label(head)
    if path == wire.REPORT_PATH:
        return (yield from _report(head))
    return _NOT_FOUND


def _label(head: RequestHead) -> Ending:
    """``/.gateway/label?o=``: the label that is a digest, for scripts that meet such a host."""
    origin = parse_origin(_parameter(head, "o"))
    if head.method not in _SAFE or origin is None:
        return Refuse(400, events.DESTINATION_DENIED, "This is not an origin")
    fields = (
        (b"Content-Type", b"text/plain"),
        (b"Cache-Control", b"public, max-age=31536000, immutable"),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return Answer(200, fields, collapse(origin).encode("ascii"))


def _report(head: RequestHead) -> Step[Ending]:
    """``/.gateway/report``: what the containment policy stopped, counted by its directive.

    Nothing else of a report is kept: it names what a person looked at.
    """
    if head.method != b"POST":
        return _method_not_allowed(b"POST")
    body = yield from ask(NeedBody(), bytes)
    yield Leak(csp.violated_directive(body))
    return Answer(204, ())


def _asset(head: RequestHead, path: str) -> Ending:
    if head.method not in _SAFE:
        return _method_not_allowed(b"GET, HEAD")
    return ServeAsset(path[len(wire.ASSET_PATH) :])


def _portal(head: RequestHead, context: Context) -> Ending:
    path = head.path.decode("latin-1")
    if path.startswith(wire.ASSET_PATH):
        return _asset(head, path)
    if path not in {"/", wire.OPEN_PATH}:
        return _NOT_FOUND
    if head.method not in _SAFE:
        return _method_not_allowed(b"GET, HEAD")
    if path == "/":
        return Serve(Page.PORTAL)
    return _open(head, context)


def _open(head: RequestHead, context: Context) -> Ending:
    """``/open?url=``: the form-friendly way into the outer frame."""
    typed = _parameter(head, "url").strip()
    url = typed if "://" in typed else f"https://{typed}"
    found = parse(url)
    if not typed or found is None or found[1].protocol not in {"http:", "https:"}:
        return Refuse(400, events.DESTINATION_DENIED, "This is not a web address")
    location = f"{context.codec.secure_origin}/#{found[1].href}"
    return _redirect(303, location)


def _secure(head: RequestHead, context: Context) -> Step[Ending]:
    path = head.path.decode("latin-1")
    if path.startswith(wire.ASSET_PATH):
        return _asset(head, path)
    if path in _ENDPOINTS:
        return (yield from _endpoint(head, path, context))
    if path not in {"/", wire.GO_PATH}:
        return _NOT_FOUND
    if head.method not in _SAFE:
        return _method_not_allowed(b"GET, HEAD")
    return Serve(Page.OUTER) if path == "/" else _go(head, context)


def _go(head: RequestHead, context: Context) -> Ending:
    """``/.gateway/go?u=``: to the collapsed form of a URL that script could not collapse."""
    if head.method not in _SAFE:
        return _method_not_allowed(b"GET, HEAD")
    url = _parameter(head, "u")
    found = parse(url)
    if found is None or found[1].protocol not in {"http:", "https:"}:
        return Refuse(400, events.DESTINATION_DENIED, "This is not a web address")
    question = Question(found[0], found[1].pathname, Ask.NAVIGATION)
    decision = steps.policy(question, context)
    if not decision.allowed:
        decision = steps.policy(attrs.evolve(question, ask=Ask.ACCESS), context)
    if not decision.allowed:
        title = "This address is not open here"
        return Refuse(403, decision.event, title, decision.reason, decision.step, decision.rule)
    return _redirect(307, context.codec.collapse_url(found[1].href))


def _endpoint(head: RequestHead, path: str, context: Context) -> Step[Ending]:
    if head.method != b"POST":
        return _method_not_allowed(b"POST")
    if headers.get_all(head.fields, b"origin") != [context.codec.secure_origin.encode("ascii")]:
        title = "This is only for the gateway's own page"
        return Refuse(403, events.ORIGIN_DENIED, title, f"{path} from another origin")
    return (yield from _ENDPOINTS[path](head, context))


def _bootstrap(head: RequestHead, context: Context) -> Step[Ending]:
    """Always a new session; the request's cookies and body are not looked at."""
    del head
    noise = yield from ask(NeedRandom(bootstrap.RANDOM_NEEDED), bytes)
    now = yield from steps.now()
    domain = context.codec.cookie_domain
    return _minted(bootstrap.mint(context.keys, noise, now, domain))


def _restore(head: RequestHead, context: Context) -> Step[Ending]:
    """The cookies of a restore text again."""
    del head
    body = yield from ask(NeedBody(), bytes)
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
    cookies = bootstrap.session_cookies(session.ick, session.datr, domain)
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
    wire.BOOTSTRAP_PATH: _bootstrap,
    wire.RESTORE_PATH: _restore,
    wire.CHECK_PATH: _check,
    wire.PROOF_PATH: _proof,
}


def _minted(minted: bootstrap.Minted) -> Ending:
    content = {"ok": True, "ickt": minted.ickt, "restore": minted.restore_text}
    return _json(200, content, tuple((b"Set-Cookie", one) for one in minted.set_cookies))


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
    query = head.target.partition(b"?")[2].decode("latin-1")
    try:
        found = parse_qs(query, keep_blank_values=True, max_num_fields=32)
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
