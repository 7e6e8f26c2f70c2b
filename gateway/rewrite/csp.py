"""Content-Security-Policy: the site's own, mapped, and the gateway's containment.

The site's policy keeps its meaning: host sources become collapsed hosts, keywords,
nonces and hashes stay.  What a collapsed name cannot say (``*.example.com``) becomes
the rewrite wildcard; the policy engine enforces the rest (rewriting, "Headers").
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import attrs

from gateway import wire
from gateway.origins import parse
from gateway.rewrite.csp_grammar import DIRECTIVES
from gateway.rewrite.inject import GUARD, REVEAL
from gateway.rewrite.media import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.origins import Codec, Origin
    from gateway.rewrite.reporting import Reporting

_FETCH_DIRECTIVES = frozenset(
    [
        "child-src",
        "connect-src",
        "default-src",
        "fenced-frame-src",
        "font-src",
        "frame-src",
        "img-src",
        "manifest-src",
        "media-src",
        "object-src",
        "prefetch-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "worker-src",
        "base-uri",
        "form-action",
        "navigate-to",
    ]
)
_KNOWN = frozenset(DIRECTIVES)
_SCHEME_SOURCE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\Z")
_HOST_SOURCE = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?"
    r"(?P<host>\*|(?:\*\.)?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]+|\*))?"
    r"(?P<path>/[^?#;,]*)?\Z"
)
MAX_SOURCES = 300
MAX_UNKNOWN = 40
"""Directives of one policy that this gateway does not know; those that it knows all count."""
MAX_POLICIES = 16
_CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; sandbox"
"""For all policies above that number: none may be lost, for it may be the one that counts."""
_NONCE_OR_HASH = re.compile(r"'(?:nonce|sha256|sha384|sha512)-", re.IGNORECASE)
_GUARDS = tuple(
    f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
    for text in (GUARD, REVEAL)
)
"""The styles that hide a page until it is attested."""
_TRUSTED_TYPES = "gateway"
"""The runtime's policy, by which it keeps what is trusted so while it maps URLs."""
_TWINS = {"ws": "http", "wss": "https"}


@attrs.frozen
class RuntimeSource:
    """The runtime's script as a policy must know it: its URL and its digest.

    ``rare`` is the digest of the part that few pages need, which the runtime fetches from
    ``rare_url`` and runs inline, ``socket`` that of a part fetched below ``own``, where a page
    asks the gateway.
    """

    url: str
    digest: str
    rare_url: str
    rare: str
    own: str
    socket: str = ""

    @property
    def digests(self) -> tuple[str, ...]:
        """Those of all that runs inline."""
        return tuple(one for one in (self.digest, self.rare, self.socket) if one)


@attrs.frozen
class Mapped:
    """The site's policies as they go to the browser.

    ``frames`` says that one of them had ``frame-ancestors`` (which then overrides
    ``X-Frame-Options``, CSP 3 section 6.4.2.1).
    """

    policies: tuple[str, ...]
    frames: bool


def map_policies(
    values: Iterable[str],
    origin: Origin,
    codec: Codec,
    runtime: RuntimeSource | None,
    reporting: Reporting | None = None,
) -> Mapped:
    """Map all policies of one header name; ``runtime`` is admitted where it is injected.

    ``reporting`` None: nothing leads reports to the gateway (in markup nothing has to).
    """
    policies: list[str] = []
    frames = False
    given = (policy.strip() for value in values for policy in value.split(","))
    for policy in dict.fromkeys(given):
        directives = _directives(policy)
        if _KNOWN.isdisjoint(directives):
            continue  # it does nothing
        if len(policies) == MAX_POLICIES:
            return Mapped((*policies, _CLOSED), frames)
        mapped = _map_policy(policy, directives, origin, codec, runtime, reporting)
        frames = frames or "frame-ancestors" in directives
        if mapped:
            policies.append(mapped)
    return Mapped(tuple(policies), frames)


def _directives(policy: str) -> dict[str, list[str]]:
    """The directives that count, by name; of those unknown here so many."""
    directives: dict[str, list[str]] = {}
    unknown = 0
    for text in policy.split(";"):
        words = text.split(None, 1)
        name = words[0].lower() if words else ""
        if not name or name in directives:  # a repeated directive is ignored
            continue
        if name not in _KNOWN:
            unknown += 1
            if unknown > MAX_UNKNOWN:
                continue
        directives[name] = words[1].split() if len(words) > 1 else []
    return directives


def _map_policy(
    policy: str,
    directives: dict[str, list[str]],
    origin: Origin,
    codec: Codec,
    runtime: RuntimeSource | None,
    reporting: Reporting | None,
) -> str:
    for name, sources in directives.items():
        if name in _FETCH_DIRECTIVES:
            directives[name] = _map_sources(sources, origin, codec)
        elif name == "frame-ancestors":
            mapped = _map_sources(sources, origin, codec)
            directives[name] = [*_without_none(mapped), codec.secure_origin]
        elif name == "trusted-types" and runtime is not None:
            directives[name] = [*_without_none(sources), _TRUSTED_TYPES]
        elif name == "report-uri" and reporting is None:
            directives[name] = [codec.collapse_url(one, str(origin)) for one in sources]
    if reporting is not None:
        _lead_reports(directives, reporting)
    if runtime is not None:
        _admit_runtime(directives, runtime)
    text = "; ".join(" ".join([name, *values]) for name, values in directives.items())
    if reporting is not None and ("report-uri" in directives or "report-to" in directives):
        reporting.originals.learn(text, policy)
    return text


def _lead_reports(directives: dict[str, list[str]], reporting: Reporting) -> None:
    """To the gateway's endpoint; what ``report-to`` names is mapped in its own header."""
    if reporting.always:
        directives.pop("report-to", None)  # its names would be the site's
    addresses = reporting.addresses(directives.pop("report-uri", [])[:MAX_SOURCES])
    if addresses:
        directives["report-uri"] = addresses


def _map_sources(sources: list[str], origin: Origin, codec: Codec) -> list[str]:
    """Each once, and in a bounded number: what is left out only makes the policy stricter."""
    mapped: dict[str, None] = {}
    kept = list(dict.fromkeys(sources))
    if len(kept) > MAX_SOURCES:
        # These take from what others allow, so they are not left out.
        kept = sorted(kept, key=_stays)[:MAX_SOURCES]
    for source in kept:
        mapped.update(dict.fromkeys(_map_source(source, origin, codec)))
    return list(mapped)


def _stays(source: str) -> int:
    if source.lower() == "'strict-dynamic'":
        return 0
    return 1 if _NONCE_OR_HASH.match(source) else 2


def _map_source(source: str, origin: Origin, codec: Codec) -> list[str]:
    if source.lower() in {"ws:", "wss:"}:
        return [source, "https:"]  # the twin that an emulated socket needs
    if source.startswith("'") or _SCHEME_SOURCE.match(source):
        return [source]
    matched = _HOST_SOURCE.match(source)
    if matched is None:
        return [source]
    scheme, host, port, path = matched.group("scheme", "host", "port", "path")
    if host == "*" and scheme is None and port is None:
        # A bare * also excludes data: and blob:, which it still does here.
        return [f"https://{codec.wildcard}", f"wss://{codec.wildcard}"]
    socket = scheme is not None and scheme.lower() in _TWINS
    web = _TWINS.get((scheme or origin.scheme).lower(), (scheme or origin.scheme).lower())
    if web not in {"http", "https"}:
        return [source]
    kinds = ["https", "wss"] if socket or scheme is None else ["https"]
    if host.startswith("*") or port == "*":
        return [f"{kind}://{codec.wildcard}" for kind in kinds]
    # An http source also admits the same host over https (CSP 3, 6.7.2.8).
    schemes = [web] if web == "https" else ["http", "https"]
    out = []
    for one in schemes:
        default = port if port is not None else ""
        found = parse(f"{one}://{host}:{default}/")
        if found is not None:
            out += [f"{kind}://{codec.host_of(found[0])}{path or ''}" for kind in kinds]
    return out or [source]


def _admit_runtime(directives: dict[str, list[str]], runtime: RuntimeSource) -> None:
    for name in ("script-src-elem", "script-src", "default-src"):
        if name not in directives:
            continue
        sources = _without_none(directives[name])
        ours = [runtime.url]
        strict = any(_NONCE_OR_HASH.match(one) for one in sources)
        if strict or "'unsafe-inline'" not in [one.lower() for one in sources]:
            # Under strict-dynamic only these count; elsewhere they would undo unsafe-inline.
            ours += [f"'{one}'" for one in runtime.digests]
        # A default-src must not be widened for images and the rest as well.
        target = "script-src" if name == "default-src" else name
        directives[target] = [*sources, *ours]
        break
    for name in ("style-src-elem", "style-src", "default-src"):
        if name not in directives:
            continue
        sources = _without_none(directives[name])
        strict = any(_NONCE_OR_HASH.match(one) for one in sources)
        if strict or "'unsafe-inline'" not in [one.lower() for one in sources]:
            directives["style-src" if name == "default-src" else name] = [*sources, *_GUARDS]
        break
    for name in ("connect-src", "default-src"):
        if name in directives:
            directives["connect-src"] = [
                *_without_none(directives[name]),
                runtime.own,
                runtime.rare_url,
                # Before a worker from a blob goes the preamble; it looks how the script begins.
                "blob:",
            ]
            break


def _without_none(sources: list[str]) -> list[str]:
    return [one for one in sources if one.lower() != "'none'"]


def containment(codec: Codec, frame_ancestors: Iterable[str]) -> str:
    """The gateway's own policy: nothing but rewrite hosts can be contacted.

    A header of its own on every response, so that it holds whatever the site says.
    """
    hosts = f"https://{codec.wildcard}"
    # A script's host can't be told by a wildcard alone: data:, blob:, inline and eval stay.
    default = f"{hosts} data: blob: 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'"
    directives = [
        f"default-src {default}",
        f"connect-src {hosts} wss://{codec.wildcard} data: blob:",
        f"frame-src {hosts} data: blob:",
        f"form-action {hosts}",
        f"base-uri {hosts}",
        f"frame-ancestors {' '.join(frame_ancestors)}",
        f"report-uri {wire.REPORT_PATH}",
    ]
    return "; ".join(directives)


def shown(codec: Codec, kind: Kind) -> bytes:
    """The policy of a document that has no runtime: it may be seen, but not act.

    Browsers ask ``script-src`` of XSLT sheets too; so where one may come the sandbox stops
    scripts, and the sources of elements all that is no sheet of a rewrite host.
    """
    if kind is not Kind.PLAIN_XML:
        return b"script-src 'none'"
    sandbox = "allow-same-origin allow-forms allow-modals allow-downloads allow-pointer-lock"
    sources = f"script-src 'none'; script-src-elem https://{codec.wildcard}"
    return f"sandbox {sandbox}; {sources}".encode("ascii")


def basic_policies(policies: Iterable[bytes], runtime: RuntimeSource) -> list[bytes]:
    """The policies of a response in mode ``basic``: our script runs, and no other.

    Ours hides and leads away what stands at the top where script runs; a ``sandbox`` of
    the site's would stop it, and show the page as if the browser ran none.
    """
    ours = f"script-src {runtime.url}; object-src 'none'; worker-src 'none'"
    return [*(_SANDBOX.sub(rb"\g<0> allow-scripts", one) for one in policies), ours.encode("ascii")]


_SANDBOX = re.compile(rb"(?:^|[;,])[\t\n\f\r ]*sandbox(?=[\t\n\f\r ;,]|\Z)", re.IGNORECASE)


def frame_ancestors_for(
    x_frame_options: Iterable[str], codec: Codec, *, has_csp: bool
) -> list[str]:
    """Who may frame a page, from ``X-Frame-Options`` (HTML standard, section 7.8)."""
    everyone = [f"https://{codec.wildcard}", codec.secure_origin]
    options = {one.strip().lower() for value in x_frame_options for one in value.split(",")}
    options.discard("")
    if has_csp or not options:
        return everyone
    if "deny" in options or (len(options) > 1 and options & {"sameorigin", "allowall"}):
        return [codec.secure_origin]
    if options == {"sameorigin"}:
        return ["'self'", codec.secure_origin]
    return everyone
