"""Sites that somebody reviewed: what the portal shows, how it is searched, and what it opens.

A curated gateway (``only``) shows these sites and no others, as Free Basics did: their
origins are then all the ``allow-navigation`` rules that there are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import attrs

from gateway.origins import Origin
from gateway.policy.destinations import NavigationRule
from gateway.policy.patterns import parse_pattern

MAX_QUERY = 100
"""Characters of a search that count."""
# Letters that are another one with a stroke, which no decomposition tells.
_PLAIN = str.maketrans(
    {"ø": "o", "ð": "d", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe",
     "þ": "th", "\u0640": ""}
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")


@attrs.frozen
class Icon:
    """A site's image: the name that it is served under, its kind and its octets."""

    name: str
    kind: str
    octets: bytes = attrs.field(repr=False)


@attrs.frozen
class CatalogueSite:
    """One reviewed site; ``also`` are further origins that belong to it.

    ``languages`` are tags of the languages that it is in, none: any.  ``where`` is file
    and line for explanations.  ``name`` and ``words`` are what a search looks into, folded.
    """

    title: str
    url: str
    origin: Origin
    category: str
    description: str = ""
    languages: tuple[str, ...] = ()
    icon: Icon | None = None
    also: tuple[Origin, ...] = ()
    where: str = ""
    name: str = attrs.field(init=False, repr=False, eq=False)
    words: str = attrs.field(init=False, repr=False, eq=False)
    tongues: tuple[str, ...] = attrs.field(init=False, repr=False, eq=False)

    @name.default
    def _folded_title(self) -> str:
        return fold(self.title)

    @tongues.default
    def _primary_languages(self) -> tuple[str, ...]:
        return tuple(_primary(tag) for tag in self.languages)

    @words.default
    def _folded_words(self) -> str:
        return fold(f"{self.title} {self.origin.host} {self.category} {self.description}")


@attrs.frozen
class Catalogue:
    """All reviewed sites in the order of their file; ``only``: no others are shown."""

    sites: tuple[CatalogueSite, ...] = ()
    only: bool = False

    @property
    def categories(self) -> tuple[str, ...]:
        """In the order in which they first appear."""
        return tuple(dict.fromkeys(site.category for site in self.sites))

    def rules(self) -> tuple[NavigationRule, ...]:
        """What opens these sites; a rule's place names the entry."""
        return tuple(
            NavigationRule(
                # A pattern without a port opens every one; an origin has exactly one.
                attrs.evolve(parse_pattern(str(origin)), port=origin.port),
                f"{site.where} (catalogue: {site.title})",
            )
            for site in self.sites
            for origin in dict.fromkeys((site.origin, *site.also))
        )


def fold(text: str) -> str:
    """A text without case and accents, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(one for one in decomposed if not unicodedata.category(one).startswith("M"))
    return bare.casefold().translate(_PLAIN)


def find(
    catalogue: Catalogue, query: str = "", category: str = "", languages: Sequence[str] = ()
) -> list[CatalogueSite]:
    """The sites that hold every word of a query, in a category (empty: in any).

    Those in a language of the person's come first, in the order of ``languages``; then
    those that are in any; a word in a title tells more than one elsewhere.
    """
    words = _WORD.findall(fold(query[:MAX_QUERY]))
    if query.strip() and not words:
        return []
    found = [
        site
        for site in catalogue.sites
        if (not category or site.category == category) and all(word in site.words for word in words)
    ]

    places: dict[str, int] = {}
    for tag in languages:
        places.setdefault(_primary(tag), len(places))
    other = len(places) + 1

    def rank(site: CatalogueSite) -> tuple[int, int]:
        near = other - 1
        if site.tongues and places:
            near = min(places.get(tongue, other) for tongue in site.tongues)
        return near, sum(word not in site.name for word in words)

    return sorted(found, key=rank)


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()
