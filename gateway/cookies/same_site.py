"""Same-site and cross-site requests, and what SameSite makes of them (RFC 6265bis 5.2, 5.6.7).

Sites are schemeful: the scheme and the registrable domain.  Who made a request, and
whether it navigates the topmost page, is for the caller to prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.cookies.syntax import SameSite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.cookies.suffixes import Suffixes
    from gateway.origins import Origin

LAX_ALLOWING_UNSAFE_SECONDS = 120
"""How long a cookie without SameSite also goes with an unsafe navigation (5.6.7.2)."""
SAFE_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
"""RFC 9110, section 9.2.1."""


@attrs.frozen
class Access:
    """How cookies are set or read: all that SameSite and Partitioned are judged by.

    ``same_site``: the same-site status of the request or document.  ``top_level``: it
    navigates the topmost page.  ``safe``: its method is.  ``partition``: the site of the
    topmost page, which keys partitioned cookies; empty where none can be had.
    """

    same_site: bool = True
    top_level: bool = False
    safe: bool = True
    partition: str = ""

    def sends(self, same_site: SameSite, created: int, now: int, *, to_script: bool) -> bool:
        """Section 5.8.3, the condition on the same-site-flag."""
        if self.same_site or same_site is SameSite.NONE:
            return True
        if to_script or not self.top_level or same_site is SameSite.STRICT:
            return False
        lenient = same_site is SameSite.DEFAULT and now - created <= LAX_ALLOWING_UNSAFE_SECONDS
        return self.safe or lenient

    def stores(self, same_site: SameSite, *, from_script: bool) -> bool:
        """Section 5.7, step 18."""
        if same_site is SameSite.NONE or self.same_site:
            return True
        return self.top_level and not from_script


SAME = Access()
"""A request of the person's own, or of the site itself."""


def site_of(origin: Origin, suffixes: Suffixes) -> str:
    """The site of an origin, serialised: scheme and registrable domain."""
    return f"{origin.scheme}://{suffixes.registrable(origin.host)}"


def is_same_site(
    target: Origin, initiator: Origin | None, redirects: Iterable[Origin], suffixes: Suffixes
) -> bool:
    """Section 5.2: whether initiator, every redirecting URL and target are of one site.

    ``initiator`` None: the person made the request (no page did).
    """
    site = site_of(target, suffixes)
    hops = [*redirects, *([] if initiator is None else [initiator])]
    return all(site_of(hop, suffixes) == site for hop in hops)
