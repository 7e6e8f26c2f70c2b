"""Rules found by host, so that a decision does not ask each of a thousand.

Nothing is decided here: ``at`` leaves out only rules whose host cannot match, and keeps
the others in their order.  Rules for any host are always among them.
"""

from __future__ import annotations

from collections import defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.policy.patterns import Pattern


class _HasPattern(Protocol):
    @property
    def pattern(self) -> Pattern: ...


_R = TypeVar("_R", bound=_HasPattern)


class ByHost(Generic[_R]):
    """A list of rules that can be asked for those of one host."""

    def __init__(self, rules: Iterable[_R]) -> None:
        """Sort the rules by what they say of the host."""
        everywhere: list[tuple[int, _R]] = []
        exact: dict[str, list[tuple[int, _R]]] = defaultdict(list)
        wide: dict[str, list[tuple[int, _R]]] = defaultdict(list)
        for place, rule in enumerate(rules):
            host = rule.pattern.host
            if host is None:
                everywhere.append((place, rule))
            elif rule.pattern.with_subdomains:
                wide[host].append((place, rule))
            else:
                exact[host].append((place, rule))
        self._everywhere = everywhere
        self._plain = tuple(rule for _, rule in everywhere)
        self._exact = dict(exact)
        self._wide = dict(wide)

    def at(self, host: str) -> Sequence[_R]:
        """The rules whose host may match, in the order of the configuration."""
        lists = []
        found = self._exact.get(host)
        if found is not None:
            lists.append(found)
        if self._wide:
            rest, dot = host, "."
            while dot:
                found = self._wide.get(rest)
                if found is not None:
                    lists.append(found)
                _, dot, rest = rest.partition(".")
        if not lists:
            return self._plain
        if self._everywhere:
            lists.append(self._everywhere)
        if len(lists) == 1:
            return [rule for _, rule in lists[0]]
        together = sorted((pair for one in lists for pair in one), key=itemgetter(0))
        return [rule for _, rule in together]
