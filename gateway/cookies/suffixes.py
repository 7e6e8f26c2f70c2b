"""Registrable domains, by the public suffix list.

The list itself is data that a caller loads; this only asks it, with a bounded memory,
and answers for IP addresses and single labels, which the list does not know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_ADDRESS = re.compile(r"[0-9.]+\Z|\[")
_MEMORY = 4096


def is_address(host: str) -> bool:
    """Whether a WHATWG host is an IP address (they are normalised, so a look is enough)."""
    return _ADDRESS.match(host) is not None


@attrs.define
class Suffixes:
    """Answers about public suffixes; hosts are lower-case ASCII."""

    _list: PublicSuffixList
    _memory: dict[str, str] = attrs.field(factory=dict, init=False, repr=False)
    _public: dict[str, bool] = attrs.field(factory=dict, init=False, repr=False)

    def registrable(self, host: str) -> str:
        """The registrable domain of ``host``; the host itself where there is none."""
        known = self._memory.get(host)
        if known is None:
            known = host if is_address(host) else self._list.privatesuffix(host) or host
            if len(self._memory) >= _MEMORY:
                self._memory.clear()
            self._memory[host] = known
        return known

    def is_public(self, domain: str) -> bool:
        """Whether ``domain`` is a public suffix, on which no other host may set cookies."""
        known = self._public.get(domain)
        if known is None:
            known = not is_address(domain) and self._list.privatesuffix(domain) is None
            if len(self._public) >= _MEMORY:
                self._public.clear()
            self._public[domain] = known
        return known
