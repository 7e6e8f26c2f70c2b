"""What is stored and what is sent: RFC 6265bis sections 5.1, 5.7 and 5.8.

Pure functions on ``Cookie`` values.  The scheme that decides about ``Secure`` is the
origin's own, never the gateway's.  Steps are the draft's (rfc6265bis, July 2026); the
prefixes ``__Http-`` and ``__Host-Http-`` and ``Partitioned`` are those of the layered
cookies and CHIPS drafts, as Chromium has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from gateway.cookies.same_site import SAME, Access
from gateway.cookies.suffixes import is_address
from gateway.cookies.syntax import Invalid, SameSite, SetCookie

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.cookies.suffixes import Suffixes
    from gateway.origins import Origin

T = TypeVar("T")
MAX_PER_DOMAIN = 180
"""Cookies of one registrable domain; of one partition of it."""
MAX_PARTITION_BYTES = 10 * 1024
"""Names and values of one partition of one registrable domain (CHIPS)."""
MAX_PER_JAR = 3300
JAR_AFTER_PURGE = 3000
"""What is left when a full jar is purged: not each cookie more must cost a purge."""
ACCESS_SECONDS = 60
"""How old the last access must be before it is written anew."""
_HTTP_PREFIX, _HOST_HTTP_PREFIX = b"__http-", b"__host-http-"
_SECURE_PREFIX, _HOST_PREFIX = b"__secure-", b"__host-"
_PREFIXES = (_SECURE_PREFIX, _HOST_PREFIX, _HTTP_PREFIX, _HOST_HTTP_PREFIX)


@attrs.define(on_setattr=attrs.setters.frozen, unsafe_hash=True)
class Cookie:
    """A stored cookie; times in epoch seconds, ``expires`` None for a session cookie.

    ``serial`` orders the cookies that were created within one second.  ``partition`` is
    the site of the topmost page that it is kept for; empty: for all.  (Not ``frozen``:
    that makes ten times of the cost of making one, and a jar makes many.)
    """

    name: bytes
    value: bytes
    domain: str
    host_only: bool
    path: bytes
    secure: bool
    http_only: bool
    same_site: SameSite
    expires: int | None
    created: int
    accessed: int
    partition: str = ""
    serial: int = 0

    @property
    def identity(self) -> tuple[bytes, str, bool, bytes, str]:
        """What makes two cookies the same cookie (5.7, step 23)."""
        return self.name, self.domain, self.host_only, self.path, self.partition

    def expired(self, now: int) -> bool:
        """Whether its time is over."""
        return self.expires is not None and self.expires <= now


def default_path(path: bytes) -> bytes:
    """Section 5.1.4: the directory of a request path (without query)."""
    if not path.startswith(b"/") or path.count(b"/") == 1:
        return b"/"
    return path[: path.rindex(b"/")]


def path_match(request_path: bytes, cookie_path: bytes) -> bool:
    """Section 5.1.4."""
    if not request_path.startswith(cookie_path):
        return False
    rest = request_path[len(cookie_path) :]
    return not rest or cookie_path.endswith(b"/") or rest.startswith(b"/")


def domain_match(host: str, domain: str) -> bool:
    """Section 5.1.3."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def admit(
    parsed: SetCookie,
    origin: Origin,
    path: bytes,
    now: int,
    suffixes: Suffixes,
    *,
    from_script: bool = False,
    access: Access = SAME,
) -> Cookie | Invalid:
    """The steps of section 5.7 that need no other cookie.

    ``path`` is the request's path without query.  ``from_script`` stands for the
    non-HTTP APIs; ``access`` says how the request stands to the page that made it.
    """
    where = _domain(parsed, origin, suffixes)
    if isinstance(where, Invalid):
        return where
    domain, host_only = where
    given = parsed.path
    cookie = Cookie(
        name=parsed.name,
        value=parsed.value,
        domain=domain,
        host_only=host_only,
        path=given if given and given.startswith(b"/") else default_path(path),
        secure=parsed.secure,
        http_only=parsed.http_only,
        same_site=parsed.same_site,
        expires=parsed.expires,
        created=now,
        accessed=now,
        partition=access.partition if parsed.partitioned else "",
    )
    if parsed.secure and not origin.secure:
        return Invalid("Secure from an origin that is not", "5.7.13")
    if from_script and parsed.http_only:
        return Invalid("HttpOnly from a script", "5.7.15")
    if not access.stores(parsed.same_site, from_script=from_script):
        return Invalid("SameSite, and the request is cross-site", "5.7.18")
    if parsed.same_site is SameSite.NONE and not parsed.secure:
        return Invalid("SameSite=None needs Secure", "5.7.19")
    if parsed.partitioned and not parsed.secure:
        return Invalid("Partitioned needs Secure", "CHIPS 2.1")
    return _check_prefixes(cookie, parsed, from_script=from_script) or cookie


def _domain(parsed: SetCookie, origin: Origin, suffixes: Suffixes) -> tuple[str, bool] | Invalid:
    if not parsed.domain:
        return origin.host, True
    if not parsed.domain.isascii():
        return Invalid("Domain is not ASCII", "5.7.8")
    domain = parsed.domain.decode("ascii")
    if suffixes.is_public(domain):
        if domain == origin.host:
            return origin.host, True
        return Invalid("Domain is a public suffix", "5.7.9")
    if not domain_match(origin.host, domain):
        return Invalid("Domain is not the host's", "5.7.10")
    return domain, False


def _check_prefixes(cookie: Cookie, parsed: SetCookie, *, from_script: bool) -> Invalid | None:
    """Sections 4.1.3 and 5.7 (prefixes), names compared without case."""
    name = cookie.name.lower()
    if not name:
        if cookie.value.lower().startswith(_PREFIXES):
            return Invalid("a nameless cookie that imitates a prefix", "5.7.22")
        return None
    at_host = cookie.secure and cookie.host_only and parsed.path == b"/"
    by_http = cookie.secure and cookie.http_only and not from_script
    if name.startswith(_HOST_HTTP_PREFIX) and not (at_host and by_http):
        return Invalid("__Host-Http- needs Secure, HttpOnly, Path=/ and no Domain", "5.7.21")
    if name.startswith(_HTTP_PREFIX) and not by_http:
        return Invalid("__Http- needs Secure and HttpOnly", "5.7.21")
    if name.startswith(_HOST_PREFIX) and not at_host:
        return Invalid("__Host- needs Secure, Path=/ and no Domain", "5.7.21")
    if name.startswith(_SECURE_PREFIX) and not cookie.secure:
        return Invalid("__Secure- needs Secure", "5.7.20")
    return None


def store(
    cookie: Cookie, jar: Sequence[Cookie], origin: Origin, *, from_script: bool = False
) -> Cookie | Invalid:
    """The steps of section 5.7 that compare with what is stored.

    Returns the cookie as it is to be stored: a replaced cookie's creation time stays.
    """
    for old in jar:
        if (
            not cookie.secure
            and not origin.secure
            and old.secure
            and old.name == cookie.name
            and (domain_match(old.domain, cookie.domain) or domain_match(cookie.domain, old.domain))
            and path_match(cookie.path, old.path)
        ):
            return Invalid("would overlay a Secure cookie", "5.7.16")
    for old in jar:
        if old.identity == cookie.identity:
            if from_script and old.http_only:
                return Invalid("a script cannot touch an HttpOnly cookie", "5.7.23")
            return attrs.evolve(cookie, created=old.created, serial=old.serial)
    return attrs.evolve(cookie, serial=max((old.serial for old in jar), default=0) + 1)


def visible(
    jar: Iterable[Cookie],
    origin: Origin,
    path: bytes | None,
    now: int,
    *,
    to_script: bool = False,
    access: Access = SAME,
    suffixes: Suffixes | None = None,
) -> list[Cookie]:
    """Section 5.8.3, steps 1 to 4: the cookies for one request, in the header's order.

    ``suffixes``: a domain that became a public suffix since then matches its host alone.
    ``path`` None: those of every path.
    """
    host, secure, partition, same_site = (
        origin.host,
        origin.secure,
        access.partition,
        access.same_site,
    )
    found = [
        cookie
        for cookie in jar
        if (cookie.expires is None or cookie.expires > now)
        and (
            cookie.domain == host
            if cookie.host_only
            else domain_match(host, cookie.domain)
            and not (suffixes is not None and suffixes.is_public(cookie.domain))
        )
        and (path is None or cookie.path == b"/" or path_match(path, cookie.path))
        and (secure or not cookie.secure)
        and not (to_script and cookie.http_only)
        and (not cookie.partition or cookie.partition == partition)
        and (same_site or access.sends(cookie.same_site, cookie.created, now, to_script=to_script))
    ]
    found.sort(key=lambda cookie: (-len(cookie.path), cookie.created, cookie.serial))
    return found


def cookie_string(cookies: Iterable[Cookie]) -> bytes:
    """Section 5.8.3, step 6: the value of a Cookie header; empty if there is none."""
    return b"; ".join(
        cookie.name + b"=" + cookie.value if cookie.name else cookie.value for cookie in cookies
    )


def touched(sent: Iterable[Cookie], now: int, seconds: int = ACCESS_SECONDS) -> list[Cookie]:
    """Section 5.8.3, step 5: the cookies whose last access is to be written anew."""
    return [
        attrs.evolve(cookie, accessed=now) for cookie in sent if now - cookie.accessed >= seconds
    ]


def evict(jar: Sequence[Cookie], now: int) -> list[Cookie]:
    """Section 5.7, eviction: which cookies of one registrable domain must go.

    Expired ones; then of each partition what is too much, non-Secure ones first, least
    recently used first.
    """
    gone = [cookie for cookie in jar if cookie.expired(now)]
    partitions: dict[str, list[Cookie]] = {}
    for cookie in jar:
        if not cookie.expired(now):
            partitions.setdefault(cookie.partition, []).append(cookie)
    for partition, live in partitions.items():
        count = len(live)
        size = sum(len(cookie.name) + len(cookie.value) for cookie in live)
        fits = MAX_PARTITION_BYTES if partition else size
        if count <= MAX_PER_DOMAIN and size <= fits:
            continue
        for cookie in sorted(live, key=_first_to_go):
            if count <= MAX_PER_DOMAIN and size <= fits:
                break
            gone.append(cookie)
            count -= 1
            size -= len(cookie.name) + len(cookie.value)
    return gone


def evict_from_jar(jar: Iterable[tuple[T, Cookie]], now: int, others: int = 0) -> list[T]:
    """Which cookies of a whole jar must go: the keys of those, of (key, cookie) pairs.

    Nothing while there are no more than ``MAX_PER_JAR``, ``others`` (rows that are no
    cookies) included; then down to ``JAR_AFTER_PURGE``: expired ones first, then the least
    recently used.
    """
    pairs = list(jar)
    if len(pairs) + others <= MAX_PER_JAR:
        return []
    pairs.sort(key=lambda pair: (not pair[1].expired(now), pair[1].accessed, pair[1].secure))
    return [key for key, _ in pairs[: max(0, len(pairs) + others - JAR_AFTER_PURGE)]]


def _first_to_go(cookie: Cookie) -> tuple[bool, int]:
    return cookie.secure, cookie.accessed
