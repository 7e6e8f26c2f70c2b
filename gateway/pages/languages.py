"""The languages of pages, and which of them a reader is given."""

from __future__ import annotations

import re
from typing import Final

DEFAULT: Final = "en"
LANGUAGES: Final = ("en", "es", "da", "ar")
RIGHT_TO_LEFT: Final = frozenset({"ar"})

_MAX_OCTETS = 1000
_MAX_RANGES = 50
# Of a language range (RFC 4647, section 2.1) and its weight (RFC 9110, section 12.4.2).
_RANGE = re.compile(
    r"[ \t]*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)"
    r"(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*\Z"
)


def direction(language: str) -> str:
    """How a language is written, as HTML's ``dir`` says it."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def languages_of(accept_language: str | None) -> tuple[str, ...]:
    """The languages that a reader names, best first, as they are named."""
    ranges = [one for one in _ranges(accept_language) if one[1] and one[0] != "*"]
    return tuple(dict.fromkeys(name for name, _ in sorted(ranges, key=lambda one: -one[1])))


def language_of(accept_language: str | None) -> str:
    """The language for a reader: lookup of RFC 4647, section 3.4, by Accept-Language.

    Ranges are tried by falling weight, each with less and less of its subtags.  What is
    no range is passed over, ``*`` tells nothing, weight 0 means not this one; of a very
    long field the beginning counts.
    """
    ranges = _ranges(accept_language)
    refused = {name for name, weight in ranges if not weight}
    for name, weight in sorted(ranges, key=lambda one: -one[1]):
        language = _lookup(name) if weight else None
        if language is not None and language not in refused:
            return language
    return DEFAULT


def _ranges(accept_language: str | None) -> list[tuple[str, float]]:
    """The language ranges of the field with their weights."""
    ranges = []
    for part in (accept_language or "")[:_MAX_OCTETS].lower().split(",")[:_MAX_RANGES]:
        found = _RANGE.match(part)
        if found is not None:
            ranges.append((found.group(1), float(found.group(2) or "1")))
    return ranges


def _lookup(name: str) -> str | None:
    """The language that a range leads to; subtags go from its end.

    No language of ours ends in a single letter, so that these need no rule.
    """
    subtags = name.split("-")
    while subtags:
        tag = "-".join(subtags)
        if tag in LANGUAGES:
            return tag
        subtags.pop()
    return None
