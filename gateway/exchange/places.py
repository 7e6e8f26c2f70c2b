"""Where a navigation leads: to the topmost page or into a frame of another site's page.

Browsers do not say (protocols, section 4).  Where it decides over cookies, the answer is
first a page of ours without content: it sees its ancestors, and repeats the request with
one of two proofs.  It runs in the target's own origin, where no other site can steer it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
from typing import TYPE_CHECKING

import attrs

from gateway import events, wire
from gateway.cookies.same_site import Access, site_of
from gateway.errors import LabelError
from gateway.exchange import steps
from gateway.exchange.messages import (
    RETRIEVES,
    Answer,
    Consume,
    Context,
    Ending,
    NeedRandom,
    Note,
    RequestHead,
    Respond,
    ask,
)
from gateway.origins import HostKind, parse, parse_origin
from gateway.rewrite import headers
from gateway.rewrite.csp import containment, frame_ancestors_for
from gateway.rewrite.headers import get
from gateway.rewrite.parameters import parameter, strip_own_parameters, with_parameter
from gateway.session.proofs import (
    CROSS_SITE,
    NONCE_SIZE,
    PERSON,
    SEAL_SIZE,
    Proof,
    bounded_referer,
    open_proof,
    seal_proof,
)

if TYPE_CHECKING:
    from gateway.exchange.steps import Addressed, Opened, Place, Step
    from gateway.session.reading import Session

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Documents in these elements are never the topmost page.
_NESTED = frozenset({"frame", "object", "embed", "fencedframe"})
# Behind the top-level site where another site's page stands between it and its own frame.
_AROUND = " around another"
_AGAIN = wire.PLACE_PATH + "/2"

# The page is left at once, under a name that tells the server what the next request's
# initiator is worth.  Without `ancestorOrigins` (Firefox) only the topmost page is told.
# In a sandboxed frame it has no origin, and the next request will not carry the session.
SCRIPT = """\
const { o, m, t, n, q } = document.documentElement.dataset, a = location.ancestorOrigins, \
[u, ...f] = location.href.split("#"), \
p = self.origin === "null" ? q : parent === top && top !== self && (!a || a.length === 1 && a[0] === o) ? t \
: a && a.length > 1 ? n + "~" + a[a.length - 2].split(/[/.]+/)[1] : n;
try { history.replaceState(null, "", m); } catch {}
location.replace(u + (u.includes("?") ? "&" : "?") + "PARAMETER=" + p + (f[0] != null ? "#" + f.join("#") : ""));
""".replace("PARAMETER", wire.PROOF_PARAMETER)
_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode("ascii")).digest()).decode("ascii")
_PAGE = (
    '<!doctype html><html data-o="{o}" data-m="{m}" data-t="{t}" data-n="{n}" data-q="{q}">'
    '<meta charset="utf-8"><title></title><script>{script}</script>'
    '<noscript><a href="{link}">Continue</a></noscript>'
)


@attrs.frozen
class Placed:
    """A request with what is known of its place.

    ``head`` reads as if the browser itself had told who made the first request, which a
    page of ours then repeated.  ``between``: it is such a repetition, or was led on from
    one.  ``chosen``: the outer frame made it.  ``looped``: nothing came of that twice.
    """

    head: RequestHead
    place: Place = steps.UNPLACED
    proof: Proof | None = None
    between: bool = False
    looped: bool = False
    session: Session | None = None
    navigates: bool = False
    chosen: bool = False

    @property
    def is_safe(self) -> bool:
        """Whether it can be repeated."""
        return self.head.method in RETRIEVES

    def upstream(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Fields that go upstream: no site's topmost page is a frame to its browser.

        An address that the outer frame was only given may be anybody's link.
        """
        if not self.place.topmost:
            return fields
        instead = {(b"sec-fetch-dest", b"iframe"): b"document"}
        if self.chosen and not self.place.by_person:
            instead[b"sec-fetch-site", b"none"] = b"cross-site"
        return [(key, instead.get((key.lower(), value), value)) for key, value in fields]

    @property
    def inserts(self) -> dict[str, object]:
        """What a document's payload says so that its scripts see what they would directly."""
        found: dict[str, object] = {}
        if self.between or self.chosen:
            found["referrer"] = self.proof.referer if self.proof is not None else ""
        target = self.head.target.decode("latin-1")
        clean = strip_own_parameters(target)
        if clean != target and self.is_safe:
            found["target"] = clean
        return found


def settle(
    head: RequestHead, addressed: Addressed, session: Session | None, context: Context
) -> Step[Placed]:
    """Find out where a navigation leads, as far as it is known or proved."""
    destination = get(head.fields, b"sec-fetch-dest")
    if get(head.fields, b"sec-fetch-mode") not in {"navigate", None}:
        return Placed(head, session=session)
    if destination is None and not steps.wants_document(head):
        return Placed(head, session=session)  # a browser that says little, and an image
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    between = _marker(head, context) if head.method in RETRIEVES else ""
    text = parameter(head.target.decode("latin-1"), wire.PROOF_PARAMETER)
    placed = Placed(head, between=bool(between), session=session, navigates=True)
    if destination in _NESTED:
        placed = attrs.evolve(placed, place=steps.Place(topmost=False))
    elif isinstance(who, headers.OuterFrame):
        placed = attrs.evolve(placed, place=steps.Place(topmost=True), chosen=True)
    elif destination == "document" or (session is not None and session.is_basic):
        # In mode basic there is no outer frame: what is no frame is the topmost page.
        if destination == "iframe":
            return attrs.evolve(placed, place=steps.Place(topmost=False))
        placed = attrs.evolve(placed, place=steps.Place(topmost=True))
    if text is not None and placed.is_safe and (session is not None or not between):
        given, _, label = text.partition("~")
        now = yield from steps.now()
        proof = open_proof(context.keys, session, addressed.url, given, now)
        if (
            proof is not None
            and destination not in _NESTED
            and (session is None or _may_bring(who, proof, addressed, between=bool(between)))
            and (yield from ask(Consume(proof.nonce, proof.expires), bool))
        ):
            return _proved(placed, proof, label, addressed, context)
        if session is None:
            return placed  # it has nothing that could be at stake
        yield Note(events.PROOF_INVALID, "a proof that was used, is over or is not for this")
        # Whoever made this request, it need not be the page that the browser names.
        placed = attrs.evolve(placed, between=not placed.chosen, looped=between == _AGAIN)
    if placed.between:
        placed = attrs.evolve(placed, head=_told(head, "", user=None))
    return placed


def _marker(head: RequestHead, context: Context) -> str:
    """The path in a Referer that a page of this module gave itself; empty: none."""
    referer = get(head.fields, b"referer")
    found = parse(referer) if referer else None
    if found is None or context.codec.classify(found[0].host)[0] is not HostKind.REWRITE:
        return ""
    path = found[1].pathname
    return path if path in {wire.PLACE_PATH, _AGAIN} else ""


def _may_bring(
    who: headers.Initiator, proof: Proof, addressed: Addressed, *, between: bool
) -> bool:
    """Whether the proof comes from where it was given to: nobody passes one on."""
    if proof.initiator == PERSON:
        return isinstance(who, headers.OuterFrame)
    return between or (isinstance(who, headers.Page) and who.origin == addressed.origin)


def _proved(
    placed: Placed, proof: Proof, label: str, addressed: Addressed, context: Context
) -> Placed:
    """A request as its proof tells it."""
    by_person = proof.initiator == PERSON
    if proof.site and label:
        # The page's script may say it as well as it chose the proof: both are its own origin's.
        with contextlib.suppress(LabelError):
            top = context.codec.expand_label(label)
            proof = attrs.evolve(proof, site=site_of(top, context.suffixes))
    site = proof.site
    if site == site_of(addressed.origin, context.suffixes):
        site += _AROUND
    origin = parse_origin(proof.initiator)
    if origin is not None:
        context.codec.learn(origin)
    referer = context.codec.collapse_url(proof.referer) if proof.referer else ""
    if by_person:
        referer = context.codec.secure_origin + "/"
    return attrs.evolve(
        placed,
        head=_told(placed.head, referer, user=proof.user),
        place=steps.Place(proof.is_topmost, site, by_person),
        proof=proof,
        between=not by_person,
    )


def _told(head: RequestHead, referer: str, *, user: bool | None) -> RequestHead:
    """The head of a request that a page with this (collapsed) Referer would have made."""
    dropped = {b"referer", b"origin"}
    if user is not None:
        dropped.add(b"sec-fetch-user")
    if user is not None or get(head.fields, b"sec-fetch-site") == "same-origin":
        dropped.add(b"sec-fetch-site")
    fields = [field for field in head.fields if field[0].lower() not in dropped]
    if b"sec-fetch-site" in dropped and get(head.fields, b"sec-fetch-site") is not None:
        # A page of ours asks; what the real sites are to one another the Referer tells, if any.
        fields.append((b"Sec-Fetch-Site", b"same-origin" if referer else b"same-site"))
    if referer:
        fields.append((b"Referer", referer.encode("latin-1")))
    if user:
        fields.append((b"Sec-Fetch-User", b"?1"))
    return attrs.evolve(head, fields=tuple(fields))


def accesses(placed: Placed, addressed: Addressed, context: Context) -> tuple[Access, Access]:
    """By what cookies are sent, and by what those of the answer are stored.

    Where nothing tells the place, nothing goes that only the topmost page may send; what
    the answer sets is stored as if it were one.  Most are, and a site that a link leads to
    for the first time would else begin no session.
    """
    sends = steps.access(placed.head, addressed, context, placed.place)
    if not placed.navigates or placed.place.topmost is not None or sends.same_site:
        return sends, sends
    as_topmost = attrs.evolve(placed.place, topmost=True)
    return sends, steps.access(placed.head, addressed, context, as_topmost)


def interstitial(
    placed: Placed,
    opened: Opened | None,
    addressed: Addressed,
    access: tuple[Access, Access],
    now: int,
    context: Context,
) -> Step[Answer | None]:
    """The page that finds out where it is, if cookies are at stake; else None.

    No round trip is spent where no cookie in the jar would go only with a topmost page.
    """
    sends, as_topmost = access
    session = placed.session
    if sends == as_topmost or opened is None or session is None:
        return None
    if not placed.is_safe or placed.looped:
        return None
    origin, path = addressed.origin, addressed.path
    less = opened.jar.sent(origin, path, now, sends, context.suffixes)
    more = opened.jar.sent(origin, path, now, as_topmost, context.suffixes)
    if all(one in less for one in more):
        return None
    noise = yield from ask(NeedRandom(NONCE_SIZE + 3 * SEAL_SIZE), bytes)
    topmost = _first(placed.head, addressed, noise[:NONCE_SIZE], now, context)
    nested = attrs.evolve(topmost, site=sends.partition)
    texts = [
        seal_proof(context.keys, whose, addressed.url, proof, noise[start : start + SEAL_SIZE])
        for start, whose, proof in (
            (NONCE_SIZE, session, topmost),
            (NONCE_SIZE + SEAL_SIZE, session, nested),
            (NONCE_SIZE + 2 * SEAL_SIZE, None, nested),
        )
    ]
    return _page(placed.head.target.decode("latin-1"), texts, context)


def _first(
    head: RequestHead, addressed: Addressed, nonce: bytes, now: int, context: Context
) -> Proof:
    """The proof that the request of this head is the topmost page's navigation."""
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    referer = get(head.fields, b"referer")
    return Proof(
        site="",
        initiator=str(who.origin) if isinstance(who, headers.Page) else CROSS_SITE,
        referer=bounded_referer((referer and context.codec.expand_url(referer)) or ""),
        user=get(head.fields, b"sec-fetch-user") == "?1",
        expires=now + context.settings.proof_seconds,
        nonce=nonce,
    )


def _page(target: str, texts: list[str], context: Context) -> Answer:
    codec = context.codec
    topmost, nested, nobodys = texts
    failed = parameter(target, wire.PROOF_PARAMETER) is not None
    _, mark, query = strip_own_parameters(target).partition("?")
    # Relative to the page itself: nothing of the path needs to come into the markup.
    link = with_parameter(mark + query, wire.PROOF_PARAMETER, nested)
    body = _PAGE.format(
        o=codec.secure_origin,
        m=_AGAIN if failed else wire.PLACE_PATH,
        t=topmost,
        n=nested,
        q=nobodys,
        script=SCRIPT,
        link=html.escape(link),
    )
    policy = f"default-src 'none'; script-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
    framing = frame_ancestors_for((), codec, has_csp=False)
    fields = (
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Content-Security-Policy", policy.encode("ascii")),
        (b"Content-Security-Policy", containment(codec, framing).encode("ascii")),
        (b"Cache-Control", b"no-store"),
        # The name that the page takes must be told wherever the request is led on to.
        (b"Referrer-Policy", b"unsafe-url"),
        (b"X-Content-Type-Options", b"nosniff"),
    )
    return Answer(200, fields, body.encode("ascii", "xmlcharrefreplace"))


def lead_on(ending: Ending, placed: Placed, addressed: Addressed, context: Context) -> Step[Ending]:
    """What is known of a navigation goes with it where it is redirected.

    The browser would name the page of ours, or the outer frame, as who made it.
    """
    if not isinstance(ending, Respond | Answer) or ending.status not in _REDIRECTS:
        return ending
    proof, session = placed.proof, placed.session
    if proof is None and not placed.between:
        return ending
    # The Referer of the next request is what tells that nobody else made it.
    fields = [field for field in ending.fields if field[0].lower() != b"referrer-policy"]
    location = get(fields, b"location")
    found = None if location is None else _target(location, addressed, context)
    if proof is not None and session is not None and found is not None and location is not None:
        noise = yield from ask(NeedRandom(NONCE_SIZE + SEAL_SIZE), bytes)
        now = yield from steps.now()
        next_one = attrs.evolve(
            proof,
            referer="" if _hides_referer(ending) else proof.referer,
            expires=now + context.settings.proof_seconds,
            nonce=noise[:NONCE_SIZE],
        )
        text = seal_proof(context.keys, session, found, next_one, noise[NONCE_SIZE:])
        led = with_parameter(location, wire.PROOF_PARAMETER, text).encode("latin-1")
        fields = [(name, led if name.lower() == b"location" else value) for name, value in fields]
    return attrs.evolve(ending, fields=tuple(fields))


def _hides_referer(ending: Respond | Answer) -> bool:
    policy = get(ending.fields, b"referrer-policy") or ""
    return policy.rpartition(",")[2].strip().lower() in {"no-referrer", "same-origin"}


def _target(location: str, addressed: Addressed, context: Context) -> str | None:
    """The original URL that a (mapped) Location leads to, as a proof names it."""
    base = context.codec.collapse_origin(addressed.origin) + addressed.target.decode("latin-1")
    try:
        location = location.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None
    found = parse(location, base)
    return None if found is None else _original(found[1].href, context)


def _original(url: str, context: Context) -> str | None:
    """A collapsed or original URL as its request will name it; None: it is no site's."""
    found = parse(context.codec.expand_url(url) or url)
    if found is None or found[1].protocol not in {"http:", "https:"}:
        return None
    if context.codec.is_own(found[0].host):
        return None
    address = found[1].href.partition("#")[0].partition("//")[2]
    return f"{found[0]}/{strip_own_parameters(address.partition('/')[2])}"


def prove_chosen(url: str, session: Session, context: Context) -> Step[str]:
    """The proof that a person typed this address in the outer frame; empty: it is none."""
    address = _original(url, context)
    if address is None:
        return ""
    noise = yield from ask(NeedRandom(NONCE_SIZE + SEAL_SIZE), bytes)
    now = yield from steps.now()
    expires = now + context.settings.proof_seconds
    proof = Proof("", PERSON, "", user=True, expires=expires, nonce=noise[:NONCE_SIZE])
    return seal_proof(context.keys, session, address, proof, noise[NONCE_SIZE:])
