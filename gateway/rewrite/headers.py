"""Header fields on their way through (rewriting, "Headers").

Pure functions on ordered lists of ``(name, value)`` octets: what an origin gets to see
of the browser, and what the browser gets to see of the origin.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.origins import HostKind, parse, parse_origin
from gateway.rewrite import header_names as names
from gateway.rewrite.csp import RuntimeSource, containment, frame_ancestors_for, map_policies
from gateway.rewrite.links import LIMIT, map_links
from gateway.rewrite.media import FRAME_DESTINATIONS, content_type_of, is_read_by_use
from gateway.rewrite.outgoing_forms import is_signed, map_header, map_target
from gateway.rewrite.parameters import strip_own_parameters
from gateway.rewrite.reporting import Reporting, map_report_to, map_reporting_endpoints
from gateway.rewrite.urls import map_refresh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.cookies.suffixes import Suffixes
    from gateway.origins import Codec, Origin

Fields = tuple[tuple[bytes, bytes], ...]

_QUOTED_ORIGIN = re.compile(r'"((?:https?|wss?)://[^"*/]+)"')
_ORIGIN_WORD = re.compile(r"(?<![^\s;,])(?:https?|wss?)://[^\s;,*'\"/]+(?=[\s;,]|\Z)")
_FORBIDDEN = (*wire.FORBIDDEN_TO_SITES, *names.RESPONSE_DROPPED_PREFIXES)
_CLEARED = frozenset((b'"storage"', b'"cache"', b'"prefetchCache"', b'"prerenderCache"'))
_HSTS = b"max-age=31536000; includeSubDomains"


def get(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The first value of a field as text, or None; ``name`` in lower case."""
    # A request is asked for a dozen fields, most of which are of another length already.
    length = len(name)
    for key, value in fields:
        if len(key) == length and key.lower() == name:
            return value.decode("latin-1")
    return None


def get_all(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """All values of a field; ``name`` in lower case."""
    length = len(name)
    return [value for key, value in fields if len(key) == length and key.lower() == name]


def without_hop_by_hop(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Drop what is for one connection only (RFC 9110 section 7.6.1)."""
    kept = list(fields)
    named = {
        token.strip().lower()
        for value in get_all(kept, b"connection")
        for token in value.split(b",")
    }
    return [
        (key, value)
        for key, value in kept
        if key.lower() not in names.HOP_BY_HOP and key.lower() not in named
    ]


class Initiator:
    """Who made a request, as far as the browser told (protocols, section 4)."""


@attrs.frozen
class Page(Initiator):
    """A proxied page of this origin."""

    origin: Origin


@attrs.frozen
class OuterFrame(Initiator):
    """The outer frame itself: the person chose the address."""


@attrs.frozen
class Elsewhere(Initiator):
    """Another web site, or a client that is no page of ours."""

    text: str = ""


@attrs.frozen
class Unknown(Initiator):
    """Nothing tells; rules with a condition do not match."""


def initiator(fields: Fields, target: Origin, codec: Codec) -> Initiator:
    """Who made the request: one function, and it fails closed.

    ``Origin`` unless ``null``, else ``Referer``, else ``Sec-Fetch-Site: same-origin``.
    """
    text = get(fields, b"origin")
    if text is None or text == "null":
        referer = get(fields, b"referer")
        found = parse(referer) if referer else None
        if found is not None:
            text = str(found[0])
        elif get(fields, b"sec-fetch-site") == "same-origin":
            return Page(target)
        else:
            return Unknown()
    if text == codec.secure_origin:
        return OuterFrame()
    origin = codec.expand_origin(text)
    if origin is not None:
        return Page(origin)
    return Elsewhere(text)


def is_page_of_ours(fields: Fields, codec: Codec) -> bool:
    """Whether a page on a gateway host made a request that carries no session.

    It has the ``Origin`` or ``Referer`` of one, or the browser says that it comes from
    the same origin or site (protocols, section 8), or from an opaque one within our windows
    (``exchange.within``).
    """
    if get(fields, b"sec-fetch-site") in {"same-origin", "same-site"}:
        return True
    for name in (b"origin", b"referer"):
        text = get(fields, name)
        found = parse(text) if text else None
        if found is not None and found[0].secure and found[0].port == codec.public_port:
            return codec.classify(found[0].host)[0] in {HostKind.REWRITE, HostKind.SECURE}
    return is_of_an_opaque_origin(fields) and any(
        one.strip().startswith(wire.WITHIN_COOKIE + b"=")
        for value in get_all(fields, b"cookie")
        for one in value.split(b";")
    )


def is_of_an_opaque_origin(fields: Fields) -> bool:
    """Whether a document with an opaque origin may have made a request, not one for a whole window."""
    mode = get(fields, b"sec-fetch-mode")
    framed = mode == "navigate" and get(fields, b"sec-fetch-dest") in FRAME_DESTINATIONS
    return (
        get(fields, b"sec-fetch-site") == "cross-site"
        and (mode in {"cors", "no-cors"} or framed)
        and get(fields, b"origin") in {None, "null"}
        and get(fields, b"referer") is None
    )


def sec_fetch_site(who: Initiator, target: Origin, suffixes: Suffixes) -> bytes | None:
    """``Sec-Fetch-Site`` between the real sites (Fetch Metadata, section 2.4)."""
    if isinstance(who, OuterFrame):
        return b"none"
    if not isinstance(who, Page):
        return b"cross-site"
    if who.origin == target:
        return b"same-origin"
    same_site = who.origin.scheme == target.scheme and suffixes.registrable(
        who.origin.host
    ) == suffixes.registrable(target.host)
    return b"same-site" if same_site else b"cross-site"


def request_fields(  # noqa: PLR0913 (all that the fields depend on)
    fields: Fields,
    target: Origin,
    codec: Codec,
    suffixes: Suffixes,
    *,
    cookie: bytes,
    edits_body: bool,
    accept_encoding: bytes,
    condition: tuple[bytes, bytes] | None = None,
    maps: bool = True,
    led: bool = False,
) -> list[tuple[bytes, bytes]]:
    """The fields that go upstream.

    ``edits_body`` says that the answer may be edited: then it must come in a coding
    that can be decoded, whole; ``condition`` is the origin's own behind a validator of
    ours.  ``maps``: addresses in other fields are expanded, too.  ``led``: a redirect of
    another site led here (``exchange.along``).
    """
    who = initiator(fields, target, codec)
    maps = maps and not is_signed(fields)
    out = [(b"Host", target.netloc.encode("ascii"))]
    back = _back(fields, led=led)
    for key, value in without_hop_by_hop(fields):
        name = key.lower()
        if name in names.REQUEST_DROPPED or name.startswith((b"x-forwarded-", b"sec-websocket-")):
            continue
        if edits_body and (name in names.EDITS_DROPPED or name == b"accept-encoding"):
            continue
        mapped = _request_field(name, value, who, target, codec, suffixes, maps=maps, back=back)
        if mapped is not None:
            out.append((key, mapped))
    site = get(fields, b"sec-fetch-site") or ""
    cross = site != "same-origin" and sec_fetch_site(who, target, suffixes) == b"cross-site"
    # What a sheet of another host's loads from there.
    cross = cross or (back is _Back.OF_A_SHEET and who == Page(target) and site == "same-site")
    if cross and _is_credentialed(fields):
        out.append((b"Sec-Fetch-Storage-Access", b"active"))
    if edits_body:
        out.append((b"Accept-Encoding", accept_encoding))
    if condition is not None:
        out.append(condition)
    if cookie:
        out.append((b"Cookie", cookie))
    return out


def _request_field(
    name: bytes,
    value: bytes,
    who: Initiator,
    target: Origin,
    codec: Codec,
    suffixes: Suffixes,
    *,
    maps: bool,
    back: _Back,
) -> bytes | None:
    """A request field's value upstream; None: it does not go there."""
    if name == b"origin":
        return _expand_origin_field(value, codec)
    if name in {b"referer", b"ping-from", b"ping-to"}:
        return _expand_referer(value, codec, maps=maps)
    if name == b"sec-fetch-site":
        return _site_field(value, back, who, target, suffixes)
    if name == b"sec-fetch-dest" and value == b"iframe" and isinstance(who, OuterFrame):
        return b"document"
    if name == b"sec-fetch-storage-access":
        return None  # the hosts here are not the sites that it is about
    return map_header(name, value, codec) if maps else value


_OF_SHEETS = frozenset(("style", "image", "font"))


class _Back(Enum):
    """What a request is that a browser calls same-site though its host is its page's own."""

    OF_A_SHEET = "a sheet of another host's loads from there, and is named in the Referer"
    FROM_A_SIBLING = "it was redirected over another host of the site"
    FROM_ELSEWHERE = "it was redirected over another site"
    UNKNOWN = "nobody knows"


def _back(fields: Fields, *, led: bool) -> _Back:
    if led:
        return _Back.FROM_ELSEWHERE
    if get(fields, b"sec-fetch-mode") == "navigate":
        return _Back.UNKNOWN
    of_a_sheet = get(fields, b"sec-fetch-dest") in _OF_SHEETS
    return _Back.OF_A_SHEET if of_a_sheet else _Back.FROM_A_SIBLING


def _site_field(
    value: bytes, back: _Back, who: Initiator, target: Origin, suffixes: Suffixes
) -> bytes | None:
    """``Sec-Fetch-Site`` of a request that may have been redirected.

    A browser that calls a page's request to its own host same-site was led over another host.
    What a style sheet loads is its document's request, as the browser says, but the Referer is
    the sheet's.  Of nothing else: a navigation is asked for again by the page that it led to.
    """
    if back is _Back.FROM_ELSEWHERE:
        return b"cross-site"
    mapped = sec_fetch_site(who, target, suffixes)
    if value == b"same-origin" and back is _Back.OF_A_SHEET and isinstance(who, Page):
        return value
    if mapped == b"same-origin" and value == b"same-site":
        return b"same-site" if back is _Back.FROM_A_SIBLING else b"cross-site"
    return mapped


def _is_credentialed(fields: Fields) -> bool:
    """Whether a resource is asked for with a session: then the jar goes along.

    Only browsers that send Fetch Metadata are told of; of a navigation nobody knows whether
    it is a frame's.
    """
    cookies = get_all(fields, b"cookie")
    held = any(wire.ICK_COOKIE in one or wire.WITHIN_COOKIE in one for one in cookies)
    mode = get(fields, b"sec-fetch-mode")
    return held and mode not in {"navigate", None}


def _expand_origin_field(value: bytes, codec: Codec) -> bytes | None:
    text = value.decode("latin-1")
    origin = codec.expand_origin(text)
    if origin is not None:
        return str(origin).encode("ascii")
    found = parse_origin(text)
    if found is not None and codec.is_own(found.host):
        # A form of the outer frame, or a host that only a digest names: no site's business.
        return b"null"
    return value


def _expand_referer(value: bytes, codec: Codec, *, maps: bool) -> bytes | None:
    text = value.decode("latin-1")
    expanded = codec.expand_url(text)
    found = parse(text)
    if expanded is not None and found is not None:
        expanded = strip_own_parameters(expanded)
        page = parse(expanded)
        if maps and page is not None:
            # As its own origin was asked for it: there its state was no secret either.
            expanded = map_target(expanded, codec, page[0])
        return expanded.encode("latin-1")
    return None if found is not None and codec.is_own(found[0].host) else value


@attrs.frozen
class ResponseContext:
    """What the mapping of a response depends on.

    ``edited``: the body changes; ``private``: it holds what is one person's; ``etag``:
    ours; ``coding``: the content coding of an edited body.  ``same_site``: the initiator's
    site is the origin's, as far as anybody knows.  ``redirects``: by its status, the browser
    goes where ``Location`` says.  ``reporting``: how the site is told of
    what it asks for; ``operator``: the operator's policies, each with whether it only
    reports, and ``operator_reporting`` how those are told of.
    """

    origin: Origin
    url: str = attrs.field(repr=False)
    codec: Codec
    by_script: bool = False
    same_site: bool = False
    edited: bool = False
    private: bool = False
    etag: bytes | None = attrs.field(default=None, repr=False)
    coding: str = "identity"
    redirects: bool = True
    runtime: RuntimeSource | None = None
    reporting: Reporting | None = None
    operator: tuple[tuple[str, bool], ...] = attrs.field(default=(), repr=False)
    operator_reporting: Reporting | None = None


def response_fields(fields: Fields, context: ResponseContext) -> list[tuple[bytes, bytes]]:
    """The fields that go to the browser; framing fields are the transport's."""
    codec, out = context.codec, []
    for key, value in without_hop_by_hop(fields):
        name = key.lower()
        if name == b"content-encoding":
            if not context.edited:
                out.append((key, value))
            continue
        if name in names.RESPONSE_DROPPED or name.startswith(_FORBIDDEN):
            continue
        if context.edited and name in names.EDITED_DROPPED:
            continue
        if context.private and name in names.PRIVATE_DROPPED:
            continue
        if name == b"link" and len(value) > LIMIT:
            continue  # a hint that long is none
        out.append((key, _map_field(name, value, context)))
    frames = _site_policies(fields, context, out)
    out += _operator_policies(context)
    out += _reporting_fields(fields, context)
    options = [value.decode("latin-1") for value in get_all(fields, b"x-frame-options")]
    framing = frame_ancestors_for(options, codec, has_csp=frames)
    out.append((b"Content-Security-Policy", containment(codec, framing).encode("latin-1")))
    if clearing := _clear_site_data(get_all(fields, b"clear-site-data")):
        out.append((b"Clear-Site-Data", clearing))
    if context.edited or is_read_by_use(content_type_of(get_all(fields, b"content-type"))):
        varies = b"Sec-Fetch-Dest, Accept-Encoding" if context.edited else b"Sec-Fetch-Dest"
        out.append((b"Vary", varies))
    if context.edited and context.coding != "identity":
        out.append((b"Content-Encoding", context.coding.encode("ascii")))
    if context.etag is not None:
        out.append((b"ETag", context.etag))
    if context.private:
        unstored = any(b"no-store" in one.lower() for one in get_all(fields, b"cache-control"))
        out.append((b"Cache-Control", b"no-store" if unstored else b"private, no-cache"))
    return [*out, *own_fields()]


def _site_policies(
    fields: Fields, context: ResponseContext, out: list[tuple[bytes, bytes]]
) -> bool:
    """Add the site's own policies, mapped; whether one that is enforced names ``frame-ancestors``."""
    frames = False
    for name in (b"Content-Security-Policy", b"Content-Security-Policy-Report-Only"):
        mapped = map_policies(
            [value.decode("latin-1") for value in get_all(fields, name.lower())],
            context.origin,
            context.codec,
            context.runtime,
            context.reporting,
        )
        out += [(name, policy.encode("latin-1")) for policy in mapped.policies]
        frames = frames or (mapped.frames and name == b"Content-Security-Policy")
    return frames


def _operator_policies(context: ResponseContext) -> list[tuple[bytes, bytes]]:
    """The operator's policies, each a header of its own: it can only tighten what the site says."""
    out = []
    for text, report_only in context.operator:
        mapped = map_policies(
            [text], context.origin, context.codec, context.runtime, context.operator_reporting
        )
        name = b"Content-Security-Policy-Report-Only" if report_only else b"Content-Security-Policy"
        out += [(name, policy.encode("latin-1")) for policy in mapped.policies]
    return out


def _reporting_fields(fields: Fields, context: ResponseContext) -> list[tuple[bytes, bytes]]:
    reporting = context.reporting
    if reporting is None:
        return []
    out = []
    for name, mapping in (
        (b"Reporting-Endpoints", map_reporting_endpoints),
        (b"Report-To", map_report_to),
    ):
        values = get_all(fields, name.lower())
        mapped = mapping(b", ".join(values).decode("latin-1"), reporting) if values else ""
        if mapped:
            out.append((name, mapped.encode("latin-1")))
    return out


def own_fields() -> list[tuple[bytes, bytes]]:
    """What every response of ours carries."""
    return [
        (b"Strict-Transport-Security", _HSTS),
        (b"Origin-Agent-Cluster", b"?1"),
        (b"X-DNS-Prefetch-Control", b"off"),
    ]


def _map_field(name: bytes, value: bytes, context: ResponseContext) -> bytes:
    codec, text = context.codec, value.decode("latin-1")
    if name in names.URL_FIELDS:
        return _map_url_field(name, value, context)
    if name == b"refresh":
        text = map_refresh(text, lambda url: codec.collapse_url(url, context.url))
    elif name == b"link" and not context.by_script:
        text = map_links(text, lambda url: codec.collapse_url(url, context.url))
    elif name in {b"access-control-allow-origin", b"timing-allow-origin"}:
        text = ", ".join(_collapse_origin(one.strip(), codec) for one in text.split(","))
    elif name == b"cross-origin-resource-policy" and text.strip().lower() == "same-site":
        # All rewrite hosts are one site to the browser: whose site it is, is judged here.
        text = "same-site" if context.same_site else "same-origin"
    elif name in {b"permissions-policy", b"permissions-policy-report-only"}:
        text = _QUOTED_ORIGIN.sub(
            lambda found: f'"{_collapse_origin(found.group(1), codec)}"', text
        )
    elif name == b"feature-policy":
        text = _ORIGIN_WORD.sub(lambda found: _collapse_origin(found.group(), codec), text)
    return text.encode("latin-1")


def _map_url_field(name: bytes, value: bytes, context: ResponseContext) -> bytes:
    """Browsers read a Location as UTF-8 where it is; what is not passes octet for octet.

    Where script alone reads it, another site's name is what it reads everywhere.
    """
    if context.by_script and not (name == b"location" and context.redirects):
        found = parse(value.decode("latin-1"), context.url)
        if found is not None and found[0] != context.origin:
            return value
    try:
        return context.codec.collapse_url(value.decode("utf-8"), context.url).encode("utf-8")
    except UnicodeDecodeError:
        return context.codec.collapse_url(value.decode("latin-1"), context.url).encode("latin-1")


def _collapse_origin(text: str, codec: Codec) -> str:
    origin = parse_origin(text)
    return text if origin is None else codec.collapse_origin(origin)


def clears_cookies(values: Iterable[bytes]) -> bool:
    """Whether Clear-Site-Data names cookies (or everything); told to the jar."""
    kinds = {kind.strip() for value in values for kind in value.split(b",")}
    return bool(kinds & {b'"cookies"', b'"*"'})


def _clear_site_data(values: Iterable[bytes]) -> bytes:
    """``cookies`` never passes (it would delete the session); ``*`` becomes storage and cache."""
    kinds = {kind.strip() for value in values for kind in value.split(b",")}
    if b'"*"' in kinds:
        kinds |= {b'"storage"', b'"cache"'}
    return b", ".join(sorted(kinds & _CLEARED))
