"""What the containment stopped, by site: so many sites, and so many foreign hosts of each.

Reports come from browsers, and anybody can write one: all of it is bounded, and a new site
takes the place of the one that was not heard of for longest.  Nothing here goes to the log.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

import attrs

OTHERS = "(others)"
"""Stands for the sites, or hosts, that there was no room for."""


@attrs.define
class SiteLeaks:
    """One site's: by directive, and by the host that was not reached."""

    count: int = 0
    last: float = 0
    directives: Counter[str] = attrs.field(factory=Counter)
    hosts: Counter[str] = attrs.field(factory=Counter)


class Leaks:
    """The table; one for the process."""

    def __init__(self) -> None:
        """Empty."""
        self._sites: OrderedDict[str, SiteLeaks] = OrderedDict()
        self._gone = 0

    def take(
        self, site: str, directive: str, host: str, now: float, *, sites: int, hosts: int
    ) -> bool:
        """Count one; whether there was room for its site.

        ``directive`` is one of a fixed few, ``site`` an origin, ``host`` a host without a path.
        """
        if sites < 1:
            self._gone += 1
            return False
        one = self._sites.pop(site, None) or SiteLeaks()
        self._sites[site] = one
        one.count += 1
        one.last = now
        one.directives[directive] += 1
        if host not in one.hosts and len(one.hosts.keys() - {OTHERS}) >= hosts:
            host = OTHERS
        one.hosts[host] += 1
        fitted = True
        while len(self._sites) > sites:
            _, old = self._sites.popitem(last=False)
            self._gone += old.count
            fitted = False
        return fitted

    def counts(self) -> dict[str, int]:
        """How many by site; ``OTHERS`` for all that are kept no more.

        No count ever falls but that of a site that goes, whose count the others' takes in.
        """
        return {
            **{site: one.count for site, one in self._sites.items()},
            **({OTHERS: self._gone} if self._gone else {}),
        }

    def shown(self) -> list[dict[str, Any]]:
        """What an operator is shown, the site with the most leaks first."""
        rows = sorted(self._sites.items(), key=lambda item: -item[1].count)
        return [
            {
                "site": site,
                "count": one.count,
                "last": int(one.last),
                "directives": dict(one.directives.most_common()),
                "hosts": dict(one.hosts.most_common()),
            }
            for site, one in rows
        ]
