"""What the operator chose for single sites: how far their pages are changed.

A site is whole origins, for pages of one origin reach into each other.  The options are those
of the page that asks: a script from elsewhere is treated as its page's own are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from gateway.policy.patterns import Pattern, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.origins import Origin
    from gateway.policy.engine import Decision


@attrs.frozen
class SiteOptions:
    """``rewrite_location``: scripts read the site's own address, not the gateway's."""

    rewrite_location: bool = False


@attrs.frozen
class SiteRule:
    """What one rule says of the sites that its pattern matches; ``where`` is file and line."""

    pattern: Pattern
    options: SiteOptions
    where: str = ""


DEFAULT = SiteOptions()


def options_of(origin: Origin | None, rules: Iterable[SiteRule]) -> SiteOptions:
    """The options of an origin's pages: each is on where one rule says so."""
    if origin is None or not rules:
        return DEFAULT
    target = Target(origin.scheme, origin.host, origin.port)
    found = [rule.options for rule in rules if rule.pattern.matches_origin(target)]
    return SiteOptions(rewrite_location=any(one.rewrite_location for one in found))


def site_options(decision: Decision) -> SiteOptions:
    """The options under which an allowed request's answer is treated."""
    return decision.site
