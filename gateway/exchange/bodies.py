"""What becomes of a response's body: whether it is edited, and what is put into it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import attrs

from gateway import wire
from gateway.cookies.same_site import Access, site_of
from gateway.errors import UpstreamFault
from gateway.exchange import attesting, leaving, script_cookies
from gateway.rewrite import headers, validators
from gateway.rewrite.coding import best_for, decoder_for, readable_for
from gateway.rewrite.encoding import charset_of, hides_ascii
from gateway.rewrite.inject import guard_markup, payload_markup, script_markup
from gateway.rewrite.links import EarlyHints
from gateway.rewrite.media import PLAYLISTS, Asked, Kind, asked_for, content_type_of, kind_of
from gateway.rewrite.parameters import parameter
from gateway.rewrite.pipeline import BodyPlan, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.exchange.attesting import Attested
    from gateway.exchange.messages import Context, RequestHead, UpstreamHead
    from gateway.exchange.steps import Addressed, Opened
    from gateway.session.reading import Session

_SOON = 3600
"""A cookie that ends within so many seconds may end while its page is shown."""
BODYLESS = frozenset({204, 205, 304})


def asked(head: RequestHead, addressed: Addressed, context: Context) -> Asked:
    """What the request is made for.

    Scripts are edited for some sites' pages only, where it is known whose page asks: for
    another one's the names that are put in would mean nothing.
    """
    destination = headers.get(head.fields, b"sec-fetch-dest")
    if destination is None and headers.get(head.fields, b"service-worker") == "script":
        destination = "serviceworker"  # all that an older browser says of it
    found = asked_for(
        destination,
        headers.get(head.fields, b"sec-fetch-mode"),
        headers.get(head.fields, b"accept"),
    )
    if found is not Asked.SCRIPT:
        return found
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    edited = context.edits_scripts and isinstance(who, headers.Page)
    return Asked.SCRIPT if edited else Asked.OTHER


def varies(
    head: RequestHead, addressed: Addressed, context: Context
) -> tuple[tuple[bytes, bytes], ...]:
    """Another origin's script is edited for some pages and not for others."""
    if not context.policy.sites or headers.get(head.fields, b"sec-fetch-dest") != "script":
        return ()
    who = headers.initiator(head.fields, addressed.origin, context.codec)
    is_own = isinstance(who, headers.Page) and who.origin == addressed.origin
    return () if is_own else ((b"Vary", b"Referer"),)


def accept_encoding(head: RequestHead) -> bytes:
    """Codings that can be read here, and by the client too if the body stays as it is."""
    return readable_for(headers.get(head.fields, b"accept-encoding")).encode("ascii")


@attrs.frozen
class Inserted:
    """What the gateway puts into a body for one person, and a digest over it.

    Made once for a jar: the digest is asked for before the origin is, the markup after.
    """

    payload: dict[str, object] = attrs.field(factory=dict, repr=False)
    tag: bytes = attrs.field(default=b"", repr=False)


def inserted(  # noqa: PLR0913 (all that a page is made of)
    what: Asked,
    addressed: Addressed,
    opened: Opened | None,
    access: Access,
    now: int,
    context: Context,
    session: Session | None = None,
    attested: Attested | None = None,
    more: Mapping[str, object] | None = None,
) -> Inserted:
    """What would be put into the body now (rewriting, "Caching").

    ``more`` goes into a document's payload.  The digest is over what makes the page another
    one: who led to it does not, nor its token, but for how old that may be when the browser
    shows its copy again.  In mode basic no script reads cookies, and none are told.
    """
    if what is Asked.DOCUMENT:
        # The document's own scripts are of its own site, whoever led to it; but not in
        # the eyes of another site's page around it.
        here = access.partition == site_of(addressed.origin, context.suffixes)
        scripts = Access(same_site=here, partition=access.partition)
        payload = _payload(addressed, context)
        payload |= {"cookie": "", "cookies": [], "path": addressed.path.decode("latin-1")}
        owner, version = b"", 0
        if opened is not None and session is not None and not session.is_basic:
            jar, version, origin = opened.jar, opened.version, addressed.origin
            owner = jar.keys.owner
            view = script_cookies.View(jar.shown(origin, None, now, scripts))
            payload |= view.payload(script_cookies.tokens_of(session, jar, origin, context))
            payload["cookie"] = jar.script_view(origin, addressed.path, now, scripts).decode(
                "utf-8", "replace"
            )
            if not view.ends_before(now + _SOON):
                # Otherwise the runtime looks at each row's time with each read.
                payload["seen"] = ""
        whose = attested.pair if attested is not None else b""
        age = now // attesting.renewal(context)
        digest = validators.digest(
            json.dumps(payload).encode(),
            context.runtime_digest.encode(),
            context.revision,
            owner,
            whose,
            b"%d" % age,
        )
        # Nor is who led to it: a reload shows the same page.
        payload |= dict(more or {})
        payload |= attested.payload() if attested is not None else {}
        if version:
            # Not in the digest: it counts changes that scripts do not see, too.
            payload["at"] = version
        return Inserted(payload, digest)
    own = context.worker_source if what is Asked.WORKER else context.codec.wildcard.encode()
    # A sheet that one mode lets pass must not be taken for the other's.
    return Inserted(
        tag=validators.digest(
            own,
            context.revision,
            *([b"scripts"] if what is Asked.SCRIPT else []),
            *([b"basic"] if session is not None and session.is_basic else []),
        )
    )


def condition(head: RequestHead, tag: bytes) -> tuple[bytes, bytes] | None:
    """The condition that goes upstream for the browser's own."""
    given = headers.get(head.fields, b"if-none-match")
    return None if given is None else validators.incoming(given.encode("latin-1"), tag)


def early_hints(head: RequestHead, addressed: Addressed, context: Context) -> EarlyHints | None:
    """What a site's 103 becomes: for navigations alone, as browsers have it."""
    navigates = headers.get(head.fields, b"sec-fetch-mode") == "navigate"
    if not context.settings.early_hints or head.method != b"GET" or not navigates:
        return None
    return EarlyHints(context.codec, addressed.url)


def etag_for(answer: UpstreamHead, tag: bytes) -> bytes | None:
    """Our validator of an edited answer."""
    etag = headers.get(answer.fields, b"etag")
    modified = headers.get(answer.fields, b"last-modified")
    return validators.outgoing(
        etag.encode("latin-1") if etag is not None else None,
        modified.encode("latin-1") if modified is not None else None,
        tag,
    )


def plan_for(
    head: RequestHead,
    addressed: Addressed,
    answer: UpstreamHead,
    puts: Inserted,
    context: Context,
    *,
    basic: bool = False,
) -> BodyPlan:
    """What is to be done to the body of an answer."""
    content_type = content_type_of(headers.get_all(answer.fields, b"content-type"))
    sniffing = headers.get(answer.fields, b"x-content-type-options") or ""
    nosniff = sniffing.partition(",")[0].strip().lower() == "nosniff"
    path = addressed.path.decode("latin-1")
    what = asked(head, addressed, context)
    kind = kind_of(what, content_type, nosniff=nosniff, basic=basic, path=path)
    codings = headers.get_all(answer.fields, b"content-encoding")
    coding = b", ".join(codings).decode("latin-1") if codings else None
    given = parameter(head.target.decode("latin-1"), wire.INTEGRITY_PARAMETER)
    integrity = unquote(given) if given is not None and what in {Asked.STYLE, Asked.SCRIPT} else ""
    saved = (kind.is_document or what is Asked.DOCUMENT) and _is_attachment(answer)
    readable = answer.status not in BODYLESS and decoder_for(coding, 1) is not None
    readable = readable and (answer.status != 206 or is_all_of_it(answer, kind))
    charset = charset_of(content_type)
    readable = readable and not (kind is Kind.WORKER and hides_ascii(charset))
    if not readable or kind is Kind.UNTOUCHED or saved:
        if integrity and 200 <= answer.status <= 299:
            raise UpstreamFault("what has integrity came in a form that nobody can verify")
        if kind is Kind.WORKER and 200 <= answer.status <= 299 and answer.status not in BODYLESS:
            # Browsers would run it, and it could show documents of its own without a policy.
            raise UpstreamFault("a worker's script came in a form that cannot be read")
        return BodyPlan()
    settings = context.settings
    module = f'import"{context.worker_path}";'.encode("ascii")
    return BodyPlan(
        kind,
        place=Place(
            context.codec, addressed.origin, addressed.url, context.runtime(addressed.origin)
        ),
        markup=_markup(kind, puts, addressed, context)
        if kind.is_document and puts.payload
        else b"",
        frame_markup=_frame_markup(addressed, context) if kind.is_document else b"",
        preamble=context.worker_source if kind is Kind.WORKER else b"",
        module_preamble=module if kind is Kind.WORKER else b"",
        coding=coding,
        coding_out=best_for(headers.get(head.fields, b"accept-encoding")),
        charset=charset,
        integrity=integrity,
        basic=basic,
        opens=leaving.opens(addressed.origin, context) if basic else None,
        form_token=str(puts.payload.get("token", "")) if basic else "",
        ratio=settings.expansion_ratio,
        token_bytes=settings.token_bytes,
        scripts=context.scripts if context.edits_scripts else None,
        script_bytes=settings.script_bytes,
        hashed=_has_hashes(answer),
    )


def _has_hashes(answer: UpstreamHead) -> bool:
    """Whether the page's policy knows scripts by their digests, which an edit would change."""
    policies = headers.get_all(answer.fields, b"content-security-policy")
    return any(b"'sha" in policy.lower() for policy in policies)


_ALL = re.compile(r"\s*bytes\s+0-([0-9]{1,18})/([0-9]{1,18})\s*\Z")


def is_all_of_it(answer: UpstreamHead, kind: Kind) -> bool:
    """Whether a playlist came as a range that is the whole of it: media elements ask for that."""
    found = _ALL.match(headers.get(answer.fields, b"content-range") or "")
    return kind in PLAYLISTS.values() and found is not None and int(found[1]) + 1 == int(found[2])


def _is_attachment(answer: UpstreamHead) -> bool:
    disposition = headers.get(answer.fields, b"content-disposition") or ""
    return disposition.strip().lower().startswith("attachment")


def _payload(addressed: Addressed, context: Context) -> dict[str, object]:
    codec = context.codec
    payload: dict[str, object] = {
        "v": 1,
        "origin": str(addressed.origin),
        "suffix": codec.suffix,
        "port": "" if codec.public_port == 443 else str(codec.public_port),
        "secure": codec.secure_origin,
        "rare": context.codec.asset_origin + context.rare_path,
        "renew": attesting.renewal(context),
    }
    if context.settings.webrtc:
        payload["rtc"] = 1
    return payload


def _markup(kind: Kind, puts: Inserted, addressed: Addressed, context: Context) -> bytes:
    return guard_markup(xml=kind is Kind.XML) + payload_markup(
        puts.payload,
        wire.PAYLOAD_ELEMENT_ID,
        context.codec.asset_origin + context.runtime_path,
        context.runtime_digest,
        xml=kind is Kind.XML,
        within=_within(addressed, context),
    )


def _frame_markup(addressed: Addressed, context: Context) -> bytes:
    """For documents in ``srcdoc``: the runtime alone, to which their parent's comes."""
    return script_markup(
        context.codec.asset_origin + context.runtime_path,
        context.runtime_digest,
        within=_within(addressed, context),
    )


def _within(addressed: Addressed, context: Context) -> dict[str, object]:
    """What the runtime knows where it stands alone: names, and nothing of a session."""
    names = ("origin", "suffix", "port", "secure", "rare", "rtc")
    payload = _payload(addressed, context)
    return {name: payload[name] for name in names if name in payload}
