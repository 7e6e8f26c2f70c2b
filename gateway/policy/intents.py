"""Intents: links that leave the gateway for the device, and the patterns that open them.

``tel:``, ``sms:``, ``mailto:``, ``geo:``, ``market:``, an app's own scheme, or a plain web
page outside (seed 001, ``<allow-intent href>``).  The language is that of ``patterns``; of
a URL without ``//`` everything after the scheme is its path, query included.

Differences from cordova-plugin-whitelist: it drops ``sms:`` and never matches
``tel:+45*``; here the first opens the whole scheme and the second what it says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from gateway.origins import parse, parse_any
from gateway.policy.patterns import Pattern, Target, parse_pattern, path_pattern

if TYPE_CHECKING:
    from gateway.origins import Origin

NEVER = frozenset(
    {
        "about", "blob", "chrome", "content", "data", "file", "filesystem", "jar", "javascript",
        "resource", "vbscript", "view-source", "ws", "wss",
    }
)  # fmt: skip
"""Schemes that no rule opens: they run script, read what is local, or never leave."""

_OPAQUE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!//)(.*)\Z", re.DOTALL)
_NETLOC = re.compile(r"[0-9]{1,5}(?:/.*)?\Z", re.DOTALL)


@attrs.frozen
class Intent:
    """A URL as a link names it, read as browsers do.

    ``href`` is its one spelling, which is what may be performed; empty if it is no
    absolute URL.  ``origin`` only for web URLs, whose spelling names no user.
    """

    href: str = attrs.field(repr=False)
    target: Target
    origin: Origin | None = None


def read_intent(url: str) -> Intent:
    """Read any text; what is no URL gets an empty ``href`` and no scheme."""
    parsed = parse_any(url)
    if parsed is None:
        return Intent("", Target("", "", 0, ""))
    scheme = parsed.protocol[:-1]
    if scheme in {"http", "https"}:
        found = parse(parsed.href)
        if found is None:
            return Intent("", Target("", "", 0, ""))
        origin, plain = found
        # A name before an @ passes for the host; nobody who is asked is to be deceived by it.
        plain.username = plain.password = ""
        target = Target(scheme, origin.host, origin.port, plain.pathname)
        return Intent(plain.href, target, origin)
    rest = parsed.href.partition(":")[2].partition("#")[0]
    if not rest.startswith("//"):
        return Intent(parsed.href, Target(scheme, "", 0, rest))
    port = int(parsed.port) if parsed.port else 0
    target = Target(scheme, parsed.hostname.lower(), port, parsed.pathname or "/")
    return Intent(parsed.href, target)


def parse_intent(text: str) -> Pattern:
    """Parse the pattern of an ``allow-intent`` rule.

    Raises ``ValueError`` with the reason for what the language lacks, and for schemes
    that are never intents.
    """
    scheme, colon, _ = text.partition(":")
    if colon and scheme.lower() in NEVER:
        raise ValueError(f"{scheme.lower()}: is never an intent, whatever a rule says")
    opaque = _OPAQUE.match(text)
    # "tel:112" is a scheme; "shop.example:8443" is a host.
    if opaque is not None and ("." not in opaque[1] or not _NETLOC.match(opaque[2])):
        scheme, rest = opaque[1].lower(), opaque[2]
        if scheme in {"http", "https"}:
            raise ValueError(f"{text!r} has no // after its scheme")
        if any(char.isspace() for char in rest):
            raise ValueError(f"{text!r} has white space, which no URL has")
        path = None if rest in {"", "*"} else path_pattern(rest)
        return Pattern(text, frozenset({scheme}), None, False, None, path)  # noqa: FBT003
    return parse_pattern(text)


def opens(pattern: Pattern, target: Target) -> bool:
    """Whether a pattern opens an intent; ``*`` for a scheme is any, but those of ``NEVER``."""
    if target.scheme in NEVER or not target.scheme:
        return False
    if pattern.schemes is not None and target.scheme not in pattern.schemes:
        return False
    return pattern.matches_place(target)
