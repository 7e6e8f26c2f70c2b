"""Rules found by host and first path segment: a decision asks few of a thousand.

Nothing is decided here: ``at`` leaves out only rules that cannot match, and keeps the
others in their order.
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


class _Bucket(Generic[_R]):
    """The rules of one host, numbered by their place."""

    def __init__(self) -> None:
        self.loose: list[tuple[int, _R]] = []
        self.segments: dict[str, list[tuple[int, _R]]] = {}

    def add(self, place: int, rule: _R) -> None:
        segment = rule.pattern.segment
        if segment is None:
            self.loose.append((place, rule))
        else:
            self.segments.setdefault(segment, []).append((place, rule))

    def lists(self, segment: str | None) -> list[list[tuple[int, _R]]]:
        """Those for a path with this first segment; None: for any path."""
        if not self.segments:
            return [self.loose]
        if segment is None:
            return [self.loose, *self.segments.values()]
        found = self.segments.get(segment)
        return [self.loose] if found is None else [self.loose, found]


class ByHost(Generic[_R]):
    """A list of rules that can be asked for those of one place."""

    def __init__(self, rules: Iterable[_R]) -> None:
        """Sort the rules by what they say of host and path."""
        self._everywhere: _Bucket[_R] = _Bucket()
        exact: dict[str, _Bucket[_R]] = defaultdict(_Bucket)
        wide: dict[str, _Bucket[_R]] = defaultdict(_Bucket)
        for place, rule in enumerate(rules):
            host = rule.pattern.host
            if host is None:
                self._everywhere.add(place, rule)
            else:
                (wide if rule.pattern.with_subdomains else exact)[host].add(place, rule)
        self._exact = dict(exact)
        self._wide = dict(wide)

    def at(self, host: str, path: str | None = None) -> Sequence[_R]:
        """The rules that may match, in the order of the configuration; ``path`` None: any."""
        segment = None if path is None else path[1:].partition("/")[0]
        lists = self._everywhere.lists(segment)
        bucket = self._exact.get(host)
        if bucket is not None:
            lists += bucket.lists(segment)
        if self._wide:
            rest, dot = host, "."
            while dot:
                bucket = self._wide.get(rest)
                if bucket is not None:
                    lists += bucket.lists(segment)
                _, dot, rest = rest.partition(".")
        together = [pair for one in lists for pair in one]
        if len(together) > 1:
            together.sort(key=itemgetter(0))
        return [rule for _, rule in together]
