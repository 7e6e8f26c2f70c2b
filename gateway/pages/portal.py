"""The catalogue as the portal shows it: a list of links that is found, searched and read without script.

What is shown at once is bounded, so that the page stays small however long the catalogue is.
"""

from __future__ import annotations

import html
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import attrs

from gateway import wire
from gateway.policy.catalogue import Catalogue, CatalogueSite, find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.pages.texts import Texts

SHOWN = 20
"""Sites on one page."""


@attrs.frozen
class Asked:
    """What part of the catalogue is asked for."""

    query: str = attrs.field(default="", repr=False)
    category: str = ""
    start: int = 0


def section(
    catalogue: Catalogue, asked: Asked, languages: Sequence[str], texts: Texts, entry: str
) -> str:
    """The catalogue's part of the page; ``entry`` is the address that leads to a site by ``url``."""
    if not catalogue.sites:
        return ""
    # A category that is none of the file's is a mistyped address.
    category = asked.category if asked.category in catalogue.categories else ""
    found = find(catalogue, asked.query, category, languages)
    start = asked.start if asked.start < len(found) else 0
    shown = found[start : start + SHOWN]
    parts = [
        f'<section aria-labelledby="sites">\n<h2 id="sites">{_text(texts, "Reviewed sites")}</h2>\n',
        _search(asked.query, category, texts),
        _categories(catalogue, category, texts, is_all=not category and not asked.query),
    ]
    if asked.query:
        count = f" {len(found)}" if found else ""
        told = _text(texts, "Sites found:" if found else "No site was found. Try another word.")
        parts.append(f'<p id="found">{told}{count}</p>\n')
    for name, sites in groupby(_by_category(shown), key=lambda site: site.category):
        heading = html.escape(name)
        parts.append(f'<h3><bdi>{heading}</bdi></h3>\n<ul class="sites">\n')
        parts += [_site(site, entry) for site in sites]
        parts.append("</ul>\n")
    if start + SHOWN < len(found):
        more = {"q": asked.query, "c": category, "n": str(start + SHOWN)}
        link = _link({key: value for key, value in more.items() if value})
        parts.append(f'<p><a class="button" href="{link}">{_text(texts, "More sites")}</a></p>\n')
    parts.append("</section>\n")
    return "".join(parts)


def _text(texts: Texts, message: str) -> str:
    return html.escape(texts.text(message))


def _link(query: dict[str, str]) -> str:
    """The portal with a query, and where its list begins."""
    return html.escape(f"/?{urlencode(query, quote_via=quote)}#sites" if query else "/#sites")


def _search(query: str, category: str, texts: Texts) -> str:
    label, button = _text(texts, "Search the reviewed sites"), _text(texts, "Search")
    kept = f'<input type="hidden" name="c" value="{html.escape(category)}">\n' if category else ""
    return (
        f'<form action="/" method="get" role="search" aria-labelledby="sites">\n{kept}'
        f'<label for="q">{label}</label>\n<div class="row">\n'
        f'<input id="q" name="q" type="search" dir="auto" maxlength="100" autocomplete="off"'
        f' value="{html.escape(query)}">\n<button>{button}</button>\n</div>\n</form>\n'
    )


def _categories(catalogue: Catalogue, category: str, texts: Texts, *, is_all: bool) -> str:
    names = catalogue.categories
    if len(names) < 2:
        return ""
    here = ' aria-current="page"'
    parts = [
        f'<nav aria-label="{_text(texts, "Categories")}">\n<ul class="tags">\n',
        f'<li><a href="{_link({})}"{here if is_all else ""}>{_text(texts, "All sites")}</a></li>\n',
    ]
    for name in names:
        is_here = here if name == category else ""
        link = _link({"c": name})
        parts.append(f'<li><a href="{link}"{is_here}><bdi>{html.escape(name)}</bdi></a></li>\n')
    return "".join((*parts, "</ul>\n</nav>\n"))


def _by_category(sites: list[CatalogueSite]) -> list[CatalogueSite]:
    """The sites of a category together, categories in the order of their first."""
    order = {name: at for at, name in enumerate(dict.fromkeys(site.category for site in sites))}
    return sorted(sites, key=lambda site: order[site.category])


def _site(site: CatalogueSite, entry: str) -> str:
    language = f' lang="{html.escape(site.languages[0])}"' if len(site.languages) == 1 else ""
    link = html.escape(f"{entry}?url={quote(site.url, safe='')}")
    image = f'<span class="icon" aria-hidden="true">{html.escape(site.title[0])}</span>'
    if site.icon is not None:
        source = html.escape(wire.ASSET_PATH + site.icon.name)
        image = f'<img class="icon" src="{source}" alt="" width="32" height="32" loading="lazy">'
    about = ""
    if site.description:
        about = f'<span class="small"><bdi>{html.escape(site.description)}</bdi></span>'
    title = html.escape(site.title)
    return (
        f'<li{language}><a href="{link}">{image}<span><b><bdi>{title}</bdi></b>{about}</span>'
        "</a></li>\n"
    )
