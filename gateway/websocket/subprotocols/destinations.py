"""Destinations and their allow-lists: whether a pattern covers all that somebody asks for.

One language has dots and slashes (STOMP, WAMP): in a pattern ``*`` is one part, ``**`` at the
end is whatever follows.  MQTT has its own: topic filters.  What is asked for may hold
wildcards of its own; it is allowed when one pattern covers everything that it can match.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ONE, MANY = "*", "**"
_PIECES = 64
_STOMP = re.compile(r"([/.])")
_ODD = re.compile(r"[*#>%?]")


def covers(pattern: Sequence[str], asked: Sequence[str]) -> bool:
    """Whether the parts of a pattern cover the parts asked for, in which there may be both."""
    for at, part in enumerate(pattern):
        if part == MANY:
            return True
        if at >= len(asked) or asked[at] == MANY:
            return False
        if part not in (ONE, asked[at]) or (asked[at] == ONE and part != ONE):
            return False
    return len(pattern) == len(asked)


def stomp_allowed(asked: str, patterns: Iterable[str]) -> bool:
    """Whether a STOMP destination is open.

    Brokers have wildcards of their own (``*``, ``#``, ``>``), some decode ``%`` or read options
    behind ``?``, and some take several destinations with commas, of which each is asked about:
    a part with any of the others is only covered by ``**``.
    """
    pieces = asked.split(",")
    return len(pieces) <= _PIECES and all(
        any(
            piece == pattern or covers(_STOMP.split(pattern), _stomp_parts(piece))
            for pattern in patterns
        )
        for piece in pieces
    )


def _stomp_parts(text: str) -> list[str]:
    return [MANY if part != ONE and _ODD.search(part) else part for part in _STOMP.split(text)]


def uri_allowed(asked: str, patterns: Iterable[str], match: str = "exact") -> bool:
    """Whether a WAMP URI is open; ``match`` says how the router is to read it."""
    parts = asked.split(".")
    if match == "prefix":
        # A prefix ends anywhere, also within a part.
        parts[-1] = MANY
    elif match == "wildcard":
        parts = [part or ONE for part in parts]
    elif match != "exact":
        return False
    return any(covers(pattern.split("."), parts) for pattern in patterns)


def filter_fault(text: str) -> str:
    """What is wrong with an MQTT topic filter; empty: nothing."""
    if not text:
        return "an empty topic filter"
    levels = text.split("/")
    for at, level in enumerate(levels):
        if "#" in level and (level != "#" or at != len(levels) - 1):
            return "# is not the whole last level of a topic filter"
        if "+" in level and level != "+":
            return "+ is not a whole level of a topic filter"
    return ""


def unshared(text: str) -> str | None:
    """The filter within a shared subscription; the text itself if it is none; None: malformed."""
    if not text.startswith("$share/"):
        return text
    name, slash, inner = text[7:].partition("/")
    if not name or not slash or not inner or "+" in name or "#" in name:
        return None
    return inner


def topic_allowed(asked: str, patterns: Iterable[str]) -> bool:
    """Whether an MQTT topic, or all topics of a filter, are open."""
    return any(_filter_covers(pattern.split("/"), asked.split("/")) for pattern in patterns)


def _filter_covers(pattern: list[str], asked: list[str]) -> bool:
    if pattern[0] in {"+", "#"} and asked[0].startswith("$"):
        return False  # a wildcard at the front does not match them
    for at, level in enumerate(pattern):
        if level == "#":
            return True  # the level above it, too
        if at >= len(asked) or asked[at] == "#":
            return False
        if level != "+" and level != asked[at]:
            return False
    return len(pattern) == len(asked)


def pattern_fault(subprotocol: str, pattern: str) -> str:
    """What is wrong with a pattern in a configuration; empty: nothing."""
    if subprotocol.startswith("mqtt"):
        return filter_fault(pattern)
    parts = pattern.split(".") if subprotocol.startswith("wamp") else _STOMP.split(pattern)
    if any(part == MANY for part in parts[:-1]):
        return "** is not its last part"
    if any("*" in part and part not in {ONE, MANY} for part in parts):
        return "* is not a whole part"
    return ""
