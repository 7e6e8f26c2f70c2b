"""HTTP Strict Transport Security (RFC 6797), kept for each person in the jar.

The browser cannot keep it: to it every site is https, and the gateway's own.  So what a
site said is a sealed row of its bucket, and its plain addresses are upgraded before
anything goes upstream.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from gateway.cookies.suffixes import is_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.origins import Origin

MAX_AGE = 2 * 365 * 86400
"""What is longer is taken for this, in seconds: a site that is visited says it again."""
_DIRECTIVE = re.compile(
    r"[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*"
    r"(?:=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|([!#$%&'*+.^_`|~0-9A-Za-z-]+)))?)?[ \t]*(?:;|\Z)"
)


@attrs.frozen
class Hsts:
    """A known HSTS host; ``expires`` in epoch seconds."""

    host: str
    expires: int
    subdomains: bool = False

    created: int = attrs.field(default=0, init=False, eq=False, repr=False)


@attrs.frozen
class Policy:
    """What one field says: ``max_age`` in seconds (0: forget the host)."""

    max_age: int
    subdomains: bool


def parse_field(text: str) -> Policy | None:
    """Parse a Strict-Transport-Security field (section 6.1); None: to be ignored."""
    found: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        matched = _DIRECTIVE.match(text, at)
        if matched is None:
            return None
        at = matched.end()
        name, quoted, token = matched.groups()
        if name is None:
            continue
        if name.lower() in found:
            return None  # no directive may appear twice
        found[name.lower()] = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    age = found.get("max-age")
    if age is None or not (age.isascii() and age.isdigit()):
        return None
    # A number without end is bounded before it is read.
    seconds = MAX_AGE if len(age.lstrip("0")) > 12 else min(int(age), MAX_AGE)
    if "includesubdomains" in found and found["includesubdomains"] is not None:
        return None
    return Policy(seconds, "includesubdomains" in found)


def receive(field: str, origin: Origin, now: int) -> Hsts | None:
    """What a response's first field makes of its host (section 8.1); None: nothing.

    An expiry of ``now`` or earlier means that the host is to be forgotten.
    """
    if not origin.secure or is_address(origin.host):
        return None
    policy = parse_field(field)
    if policy is None:
        return None
    return Hsts(origin.host, now + policy.max_age if policy.max_age else 0, policy.subdomains)


def upgrades(known: Iterable[Hsts], origin: Origin, now: int) -> bool:
    """Whether a plain origin's host is a known HSTS host (sections 8.2 and 8.3)."""
    if origin.secure or is_address(origin.host):
        return False
    return any(
        hsts.expires > now
        and (
            hsts.host == origin.host or (hsts.subdomains and origin.host.endswith(f".{hsts.host}"))
        )
        for hsts in known
    )
