"""Origins, their labels, and the map between a URL and its collapsed form.

``https://example.com/p?q#a`` is shown at
``https://https-example-com.0.<domain>/p?q#a``: one label for each origin, one
origin for each label.  URLs are parsed by ada-url (the WHATWG URL standard) and by
nothing else; a regular expression may only say "this is plain, and already known".

Source: the codec of Free Basics and Discover, made bijective (hyphens doubled,
ports in the scheme part, a digest for hosts that DNS labels cannot hold).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from enum import Enum
from urllib.parse import quote, unquote_to_bytes

import ada_url
import attrs

from gateway import wire
from gateway.errors import LabelError

DEFAULT_PORTS = {"http": 80, "https": 443}
_SECURE_TWIN = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_MAX_LABEL = 63
_CACHE_SIZE = 8192
_MAX_ORIGIN = 272
"""No origin is longer when serialised, as no host name is: what is, is not remembered."""
_REMEMBERED = 2048

_PLAIN_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_LABEL = re.compile(r"(https?)(0|[1-9][0-9]{0,4})?-(.+)\Z")
_LONG_LABEL = re.compile(r"x-[a-z2-7]{32}\Z")
_HOST_LABEL = re.compile(r"[a-z0-9_-]{1,63}\Z")
_RUNS = re.compile(r"-+")
_FAST = re.compile(r"(?:(?:https?|wss?):)?//[a-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_CANNOT_LEAVE = re.compile(r"(?![\\/]{2})[^\x00-\x20:\\]*+(?:[?#]|\Z)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY = re.compile(r"(?:[A-Za-z]+:)?[\\/]{2,}(?:([^\\/?#]*)@)?[^\\/?#]*")
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_ORIGIN_PARAMETER = re.compile(r"([?&])" + wire.ORIGIN_PARAMETER + r"=([^&]*)")


@attrs.frozen(order=True)
class Origin:
    """A tuple origin (HTML standard, "origin"): ``http`` or ``https`` only.

    ``host`` is the WHATWG serialisation (lower-case ASCII, IPv6 in brackets);
    ``port`` is always given.  ``ws`` and ``wss`` URLs have the origin of their twin.
    """

    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        """Whether connections to it are encrypted."""
        return self.scheme == "https"

    @property
    def netloc(self) -> str:
        """Host and, unless it is the scheme's default, port: as in a Host header."""
        if self.port == DEFAULT_PORTS[self.scheme]:
            return self.host
        return f"{self.host}:{self.port}"

    @property
    def hostname(self) -> str:
        """The host without the brackets of an IPv6 literal: what is resolved."""
        return self.host.strip("[]")

    def __str__(self) -> str:
        """Serialise as the HTML standard does: ``https://example.com:8443``."""
        return f"{self.scheme}://{self.netloc}"


class HostKind(Enum):
    """What a Host header names (protocols, section 1)."""

    PORTAL = "portal"
    SECURE = "secure"
    REWRITE = "rewrite"
    SETTLE = "settle"
    UNKNOWN = "unknown"


def parse(url: str, base: str | None = None) -> tuple[Origin, ada_url.URL] | None:
    """Parse ``url`` as a browser would; None unless it is http, https, ws or wss."""
    try:
        parsed = ada_url.URL(url, base) if base is not None else ada_url.URL(url)
    except ValueError:
        return None
    scheme = _SECURE_TWIN.get(parsed.protocol[:-1])
    host = parsed.hostname
    if scheme is None or not host or ("xn--" in host and not _is_punycode(host)):
        return None
    # The default ports of ws and wss are those of their twins, so none is missed here.
    port = int(parsed.port) if parsed.port else DEFAULT_PORTS[scheme]
    return Origin(scheme, host, port), parsed


def parse_any(url: str) -> ada_url.URL | None:
    """Parse an absolute URL of whatever scheme; None for what is none."""
    try:
        return ada_url.URL(url)
    except ValueError:
        return None


def _is_punycode(host: str) -> bool:
    """Whether every A-label decodes: ada-url 4.0.0 takes ASCII hosts as they come."""
    return all(
        ada_url.idna_to_unicode(label) != label
        for label in host.split(".")
        if label.startswith("xn--")
    )


def parse_origin(text: str) -> Origin | None:
    """Parse a serialised origin, exactly: ``https://a.example``, no path, no ``null``."""
    return _origin(text) if len(text) <= _MAX_ORIGIN else _read_origin(text)


@functools.lru_cache(maxsize=_REMEMBERED)
def _origin(text: str) -> Origin | None:
    """``parse_origin`` remembered: each request names its page in several fields."""
    return _read_origin(text)


def _read_origin(text: str) -> Origin | None:
    found = parse(text)
    if found is None or text != f"{found[1].protocol}//{found[1].host}":
        return None
    return found[0] if found[1].protocol in {"http:", "https:"} else None


def long_label(origin: Origin) -> str:
    """The label for an origin that the short form cannot hold: a digest of it."""
    digest = hashlib.sha256(str(origin).encode("ascii")).digest()
    return "x-" + base64.b32encode(digest).decode("ascii").lower()[:32]


def collapse(origin: Origin) -> str:
    """The one label of ``origin``; a long label where the short form does not fit."""
    if all(map(_PLAIN_LABEL.match, origin.host.split("."))):
        port = "" if origin.port == DEFAULT_PORTS[origin.scheme] else str(origin.port)
        host = origin.host.replace("-", "--").replace(".", "-")
        label = f"{origin.scheme}{port}-{host}"
        if len(label) <= _MAX_LABEL:
            return label
    return long_label(origin)


def is_long(label: str) -> bool:
    """Whether the label is a digest, which only the origin parameter or the store expands."""
    return _LONG_LABEL.match(label) is not None


def expand(label: str) -> Origin:
    """The one origin of a short ``label``.

    Raises ``LabelError`` for every label that no origin collapses to, so that no
    origin has two hosts (which would split its cookies and dodge its rules).
    """
    matched = _LABEL.match(label)
    if matched is None:
        raise LabelError(f"label {label!r} is not of the form scheme[port]-host")
    scheme, digits, rest = matched.groups()
    host = _RUNS.sub(_expand_run, rest)
    found = parse(f"{scheme}://{host}:{digits or DEFAULT_PORTS[scheme]}/")
    if found is None or found[0].host != host or collapse(found[0]) != label:
        raise LabelError(f"label {label!r} does not belong to any origin")
    return found[0]


def _expand_run(run: re.Match[str]) -> str:
    count = len(run.group())
    if count == 1:
        return "."
    # An odd run would be a dot beside a hyphen, which no host of the short form has.
    return "-" * (count // 2) if count % 2 == 0 else "\0"


@attrs.define
class Codec:
    """The map between URLs and collapsed URLs for one gateway domain.

    Parameters: ``domain`` (the portal's host), ``public_port`` (the port that
    browsers see), ``rewrite_domain`` (where rewrite hosts live; None: ``domain``),
    ``own`` (domains that are the gateway's besides).  Keeps a bounded cache from authority
    to collapsed authority; a plain URL costs one regular expression and one look-up.
    """

    domain: str
    public_port: int = 443
    rewrite_domain: str | None = None
    own: tuple[str, ...] = ()
    _labels: dict[str, Origin] = attrs.field(factory=dict, repr=False, kw_only=True)
    _prefixes: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)

    suffix: str = attrs.field(init=False)
    """What every rewrite host ends in, dot first, without a port."""
    secure_host: str = attrs.field(init=False)
    """The host of the outer frame, without a port."""
    portal_origin: str = attrs.field(init=False)
    """The serialised origin of the portal."""
    secure_origin: str = attrs.field(init=False)
    """The serialised origin of the outer frame."""
    wildcard: str = attrs.field(init=False)
    """All rewrite hosts as a CSP host source without a scheme."""
    settle_origin: str = attrs.field(init=False)
    """The serialised origin that sets the session on a domain apart; empty without one."""
    cookie_domain: str = attrs.field(init=False)
    """Under which domain the session's cookies live."""
    _port: str = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Derive the names that every request asks for."""
        self._port = "" if self.public_port == DEFAULT_PORTS["https"] else f":{self.public_port}"
        self.cookie_domain = self.rewrite_domain or self.domain
        self.suffix = f".{wire.SUFFIX_LABEL}.{self.rewrite_domain or self.domain}"
        self.secure_host = f"{wire.SECURE_LABEL}.{wire.SUFFIX_LABEL}.{self.domain}"
        self.portal_origin = f"https://{self.domain}{self._port}"
        self.secure_origin = f"https://{self.secure_host}{self._port}"
        self.wildcard = f"*{self.suffix}{self._port}"
        settle = f"https://{wire.SECURE_LABEL}{self.suffix}{self._port}"
        self.settle_origin = settle if self.is_apart else ""

    @property
    def is_apart(self) -> bool:
        """Whether rewrite hosts have a domain of their own: cookies are third parties' there."""
        return self.rewrite_domain is not None

    @property
    def asset_origin(self) -> str:
        """Where pages load the runtime from: one host for all of them, which their policies admit."""
        return self.settle_origin or self.secure_origin

    def apart(self, rewrite_domain: str) -> tuple[Codec, Codec]:
        """This codec and that of pages on a domain of their own.

        Each keeps its pages where they are; what is proved to one about long labels is known
        to both, and neither takes the other's names for the open web's.
        """
        near = attrs.evolve(self, own=(*self.own, rewrite_domain), labels=self._labels)
        far = Codec(self.domain, self.public_port, rewrite_domain, self.own, labels=self._labels)
        return near, far

    def host_of(self, origin: Origin) -> str:
        """The collapsed host of ``origin``, with the public port if it is not 443."""
        return f"{collapse(origin)}{self.suffix}{self._port}"

    def collapse_origin(self, origin: Origin) -> str:
        """The origin that browsers see for ``origin``, serialised."""
        return f"https://{self.host_of(origin)}"

    def classify(self, host_header: str) -> tuple[HostKind, str]:
        """Which of our hosts a Host header names, and the label of a rewrite host.

        The port is not compared: a listener may be reached through another one.
        """
        host = host_header.lower()
        name, colon, port = host.rpartition(":")
        if colon and port.isascii() and port.isdigit():
            host = name
        if host == self.domain:
            return HostKind.PORTAL, ""
        if host == self.secure_host:
            return HostKind.SECURE, ""
        if host.endswith(self.suffix):
            label = host[: -len(self.suffix)]
            if _HOST_LABEL.match(label) and label != wire.SECURE_LABEL:
                return HostKind.REWRITE, label
            if label == wire.SECURE_LABEL and self.is_apart:
                return HostKind.SETTLE, ""
        return HostKind.UNKNOWN, ""

    def is_own(self, host: str) -> bool:
        """Whether a host name is the gateway's own: never an upstream."""
        names = {self.domain, self.rewrite_domain or self.domain, *self.own}
        host = host.rstrip(".")
        return host in names or any(host.endswith("." + name) for name in names)

    def expand_label(self, label: str) -> Origin:
        """``expand`` with a bounded cache, which also holds digests that were proved.

        Raises ``LabelError``; for a long label also when nothing proved its digest here.
        """
        origin = self._labels.get(label)
        if origin is None:
            origin = expand(label)
            self.learn(origin)
        return origin

    def learn(self, origin: Origin) -> None:
        """Remember whose label ``collapse(origin)`` is: what a digest cannot tell."""
        if len(self._labels) >= _CACHE_SIZE:
            self._labels.clear()
        self._labels[collapse(origin)] = origin

    def knows(self, label: str) -> bool:
        """Whether ``expand_label`` can answer for a long label without the store."""
        return not is_long(label) or label in self._labels

    def collapse_url(self, url: str, base: str | None = None) -> str:
        """Map an absolute or scheme-relative URL; return anything else unchanged.

        ``base`` is the original URL of the document, needed for ``//host`` and for
        the rare ``http:path``.  Path, query and fragment stay as they are, byte for
        byte.  URLs of other schemes and unparsable ones come back as they were.
        """
        matched = _FAST.match(url)
        if matched is not None:
            prefix = matched.group()
            key = prefix if prefix[0] != "/" else (base or "").partition(":")[0] + prefix
            mapped = self._prefixes.get(key)
            if mapped is not None:
                tail = url[matched.end() :]
                return (mapped if prefix[0] != "/" else mapped.partition(":")[2]) + tail
        elif _CANNOT_LEAVE.match(url):
            return url
        return self._collapse_slowly(url, base, matched)

    def _collapse_slowly(self, url: str, base: str | None, fast: re.Match[str] | None) -> str:
        found = parse(url, base)
        if found is None:
            return url
        origin, parsed = found
        if self.is_own(origin.host):
            return url
        scheme = "wss" if parsed.protocol.startswith("ws") else "https"
        cleaned = url.strip(_C0_AND_SPACE).translate({9: None, 10: None, 13: None})
        authority = _AUTHORITY.match(cleaned)
        if authority is None:
            if not _ABSOLUTE.match(cleaned):
                return url
            # `https:path`: relative under a base of the same scheme, else an authority.
            tail = parsed.pathname + parsed.search + parsed.hash
            user = parsed.username + (f":{parsed.password}" if parsed.password else "")
            host = f"{user}@{self.host_of(origin)}" if user else self.host_of(origin)
            return f"{scheme}://{host}{self._mark(origin, tail)}"
        user = f"{authority.group(1)}@" if authority.group(1) else ""
        prefix = f"{scheme}://{user}{self.host_of(origin)}"
        tail = cleaned[authority.end() :]
        if fast is not None and not is_long(collapse(origin)):
            if len(self._prefixes) >= _CACHE_SIZE:
                self._prefixes.clear()
            text = fast.group()
            key = text if text[0] != "/" else (base or "").partition(":")[0] + text
            self._prefixes[key] = prefix
            tail = url[fast.end() :]
        marked = prefix + self._mark(origin, tail)
        return marked.partition(":")[2] if cleaned[0] in "\\/" else marked

    @staticmethod
    def _mark(origin: Origin, tail: str) -> str:
        """Add the origin parameter that proves a long label's digest."""
        if not is_long(collapse(origin)):
            return tail
        before, hash_mark, fragment = tail.partition("#")
        joint = "&" if "?" in before else "?"
        value = quote(str(origin), safe="")
        return f"{before}{joint}{wire.ORIGIN_PARAMETER}={value}{hash_mark}{fragment}"

    def split_origin_parameter(self, label: str, target: str) -> tuple[str, Origin | None]:
        """Take the origin parameter out of a request target or URL tail.

        Returns the target as the site knows it and the origin that the parameter
        proves for ``label`` (None: no parameter, or its digest is another's; then
        the target is returned as it came, for the name is not ours alone).
        """
        start = target.find("?")
        end = target.find("#")
        end = len(target) if end < 0 else end
        if not 0 <= start < end:
            return target, None
        for matched in reversed(list(_ORIGIN_PARAMETER.finditer(target, start, end))):
            value = unquote_to_bytes(matched.group(2).encode("utf-8", "replace"))
            origin = parse_origin(value.decode("utf-8", "replace"))
            if origin is not None and collapse(origin) == label:
                rest = target[matched.end() :]
                if matched.group(1) == "?" and rest[:1] == "&":
                    return target[: matched.start()] + "?" + rest[1:], origin
                return target[: matched.start()] + rest, origin
        return target, None

    def expand_url(self, url: str) -> str | None:
        """The original of a collapsed URL; None if it is not one (or a bare digest)."""
        found = parse(url)
        if found is None or found[0].port != self.public_port:
            return None
        kind, label = self.classify(found[0].host)
        authority = _AUTHORITY.match(url)
        if kind is not HostKind.REWRITE or authority is None or found[0].scheme != "https":
            return None
        tail = url[authority.end() :]
        origin: Origin | None = None
        if is_long(label):
            tail, origin = self.split_origin_parameter(label, tail)
        if origin is None:
            try:
                origin = self.expand_label(label)
            except LabelError:
                return None
        scheme = origin.scheme
        if found[1].protocol == "wss:":
            scheme = "wss" if origin.secure else "ws"
        user = f"{authority.group(1)}@" if authority.group(1) else ""
        return f"{scheme}://{user}{origin.netloc}{tail}"

    def origin_at(self, host_header: str) -> Origin | None:
        """The origin that a rewrite host stands for; None if it is none, or not known by its name."""
        kind, label = self.classify(host_header)
        try:
            return self.expand_label(label) if kind is HostKind.REWRITE else None
        except LabelError:
            return None

    def expand_origin(self, text: str) -> Origin | None:
        """The origin behind an ``Origin`` header of a rewrite host; None if it is not one."""
        found = parse_origin(text)
        if found is None or found.port != self.public_port or not found.secure:
            return None
        kind, label = self.classify(found.host)
        if kind is not HostKind.REWRITE:
            return None
        try:
            return self.expand_label(label)
        except LabelError:
            return None
