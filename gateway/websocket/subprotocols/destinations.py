"""Destinations and their allow-lists: whether a pattern covers all that somebody asks for.

One language has dots and slashes (STOMP, WAMP): in a pattern ``*`` is one part, ``**`` at the
end is whatever follows.  MQTT has its own: topic filters.  What is asked for may hold
wildcards of its own; it is allowed when one pattern covers everything that it can match.
"""

from __future__ import annotations

import functools
import re
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Wild(Enum):
    """What stands for others: one part, or whatever follows."""

    ONE = "*"
    MANY = "**"


ONE, MANY = Wild.ONE, Wild.MANY
_ONE, _MANY = ONE.value, MANY.value
_PIECES = 64
_STOMP = re.compile(r"([/.])")
_ODD = re.compile(r"[*#>%?]")
Part = str | Wild


class AllowList:
    """Patterns as a tree of their parts: what asking costs does not grow with their number."""

    def __init__(self, patterns: Iterable[Sequence[Part]]) -> None:
        """Each pattern in its parts."""
        self._below: dict[Part, AllowList] = {}
        self._ends = self._has_rest = False
        for pattern in patterns:
            self._add(pattern)

    def _add(self, pattern: Sequence[Part]) -> None:
        node = self
        for part in pattern:
            if part is MANY:
                node._has_rest = True
                return
            node = node._below.setdefault(part, AllowList(()))
        node._ends = True

    def covers(self, asked: Iterable[Part], *, special: bool = False) -> bool:
        """Whether one pattern covers the parts asked for, in which there may be both wildcards.

        ``special``: no wildcard at the front covers them.
        """
        nodes, wild = [self], not special
        for part in asked:
            following = []
            for node in nodes:
                if wild and node._has_rest:
                    return True
                if part is not ONE and part in node._below:
                    following.append(node._below[part])
                if wild and ONE in node._below:
                    following.append(node._below[ONE])
            if not following or part is MANY:
                return False
            nodes, wild = following, True
        return any(node._ends or node._has_rest for node in nodes)


def stomp_allowed(asked: str, patterns: Iterable[str]) -> bool:
    """Whether a STOMP destination is open.

    Brokers have wildcards of their own (``*``, ``#``, ``>``), some decode ``%`` or read options
    behind ``?``, and some take several destinations with commas, of which each is asked about:
    a part with any of the others is only covered by ``**``.
    """
    texts, allowed = _stomp_list(tuple(patterns))
    pieces = asked.split(",")
    return len(pieces) <= _PIECES and all(
        piece in texts or allowed.covers(map(_stomp_part, _STOMP.split(piece))) for piece in pieces
    )


@functools.lru_cache(maxsize=1024)
def _stomp_list(patterns: tuple[str, ...]) -> tuple[frozenset[str], AllowList]:
    return frozenset(patterns), AllowList(
        [_wild(part) for part in _STOMP.split(pattern)] for pattern in patterns
    )


def _stomp_part(part: str) -> Part:
    if part == _ONE:
        return ONE
    return MANY if _ODD.search(part) else part


def _wild(part: str) -> Part:
    return ONE if part == _ONE else MANY if part == _MANY else part


def uri_allowed(asked: str, patterns: Iterable[str], match: str = "exact") -> bool:
    """Whether a WAMP URI is open; ``match`` says how the router is to read it."""
    parts = [_wild(part) for part in asked.split(".")]
    if match == "prefix":
        # A prefix ends anywhere, also within a part.
        parts[-1] = MANY
    elif match == "wildcard":
        parts = [part or ONE for part in parts]
    elif match != "exact":
        return False
    return _uri_list(tuple(patterns)).covers(parts)


@functools.lru_cache(maxsize=1024)
def _uri_list(patterns: tuple[str, ...]) -> AllowList:
    return AllowList([_wild(part) for part in pattern.split(".")] for pattern in patterns)


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
    """Whether an MQTT topic, or all topics of a filter, are open.

    A wildcard at the front does not match topics that begin with ``$``; ``#`` matches the
    level above it, too.
    """
    return _topic_list(tuple(patterns)).covers(_levels(asked), special=asked.startswith("$"))


@functools.lru_cache(maxsize=1024)
def _topic_list(patterns: tuple[str, ...]) -> AllowList:
    return AllowList(_levels(pattern) for pattern in patterns)


def _levels(text: str) -> list[Part]:
    return [_TOPIC.get(level, level) for level in text.split("/")]


_TOPIC: dict[str, Part] = {"+": ONE, "#": MANY}


def pattern_fault(subprotocol: str, pattern: str) -> str:
    """What is wrong with a pattern in a configuration; empty: nothing."""
    if subprotocol.startswith("mqtt"):
        return filter_fault(pattern)
    parts = pattern.split(".") if subprotocol.startswith("wamp") else _STOMP.split(pattern)
    if any(part == _MANY for part in parts[:-1]):
        return "** is not its last part"
    if any("*" in part and part not in {_ONE, _MANY} for part in parts):
        return "* is not a whole part"
    return ""
