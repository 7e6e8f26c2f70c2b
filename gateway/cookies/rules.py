"""What is stored and what is sent: RFC 6265bis sections 5.1, 5.7 and 5.8.

Pure functions on ``Cookie`` values.  The scheme that decides about ``Secure`` is the
origin's own, never the gateway's.  SameSite is parsed and kept; its judgement needs
the proofs of the two frames and is not made here yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.cookies.suffixes import is_address
from gateway.cookies.syntax import Invalid, SameSite, SetCookie

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.cookies.suffixes import Suffixes
    from gateway.origins import Origin

MAX_PER_DOMAIN = 180
_HTTP_PREFIX, _HOST_HTTP_PREFIX = b"__http-", b"__host-http-"
_SECURE_PREFIX, _HOST_PREFIX = b"__secure-", b"__host-"
_PREFIXES = (_SECURE_PREFIX, _HOST_PREFIX, _HTTP_PREFIX, _HOST_HTTP_PREFIX)


@attrs.frozen
class Cookie:
    """A stored cookie; times in epoch seconds, ``expires`` None for a session cookie.

    ``serial`` orders the cookies that were created within one second.
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
) -> Cookie | Invalid:
    """The steps of section 5.7 that need no other cookie.

    ``path`` is the request's path without query.  ``from_script`` stands for the
    non-HTTP APIs.
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
    )
    if parsed.secure and not origin.secure:
        return Invalid("Secure from an origin that is not", "5.7.9")
    if from_script and parsed.http_only:
        return Invalid("HttpOnly from a script", "5.7.11")
    return _check_prefixes(cookie, parsed, from_script=from_script) or cookie


def _domain(parsed: SetCookie, origin: Origin, suffixes: Suffixes) -> tuple[str, bool] | Invalid:
    if not parsed.domain:
        return origin.host, True
    if not parsed.domain.isascii():
        return Invalid("Domain is not ASCII", "5.7.6")
    domain = parsed.domain.decode("ascii")
    if suffixes.is_public(domain):
        if domain == origin.host:
            return origin.host, True
        return Invalid("Domain is a public suffix", "5.7.7")
    if not domain_match(origin.host, domain):
        return Invalid("Domain is not the host's", "5.7.8")
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
            return Invalid("would overlay a Secure cookie", "5.7.12")
    for old in jar:
        if old.identity == cookie.identity:
            if from_script and old.http_only:
                return Invalid("a script cannot touch an HttpOnly cookie", "5.7.23")
            return attrs.evolve(cookie, created=old.created, serial=old.serial)
    return attrs.evolve(cookie, serial=max((old.serial for old in jar), default=0) + 1)


def visible(
    jar: Iterable[Cookie], origin: Origin, path: bytes, now: int, *, to_script: bool = False
) -> list[Cookie]:
    """Section 5.8.3: the cookies for one request, in the order of the Cookie header."""
    found = [
        cookie
        for cookie in jar
        if not cookie.expired(now)
        and (
            cookie.domain == origin.host
            if cookie.host_only
            else domain_match(origin.host, cookie.domain)
        )
        and path_match(path, cookie.path)
        and (origin.secure or not cookie.secure)
        and not (to_script and cookie.http_only)
    ]
    found.sort(key=lambda cookie: (-len(cookie.path), cookie.created, cookie.serial))
    return found


def cookie_string(cookies: Iterable[Cookie]) -> bytes:
    """Section 5.8.3, step 4: the value of a Cookie header; empty if there is none."""
    return b"; ".join(
        cookie.name + b"=" + cookie.value if cookie.name else cookie.value for cookie in cookies
    )


def evict(jar: Sequence[Cookie], now: int) -> list[Cookie]:
    """Section 5.7, eviction: which cookies of one registrable domain must go."""
    gone = [cookie for cookie in jar if cookie.expired(now)]
    live = [cookie for cookie in jar if not cookie.expired(now)]
    excess = len(live) - MAX_PER_DOMAIN
    if excess > 0:
        live.sort(key=lambda cookie: (cookie.secure, cookie.accessed))
        gone += live[:excess]
    return gone
