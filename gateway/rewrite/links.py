"""The ``Link`` field (RFC 8288): its targets mapped, and which links are worth an early hint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import attrs

from gateway.rewrite.urls import map_srcset

if TYPE_CHECKING:
    from gateway.origins import Codec

LIMIT = 16 * 1024
"""A field that is longer is left out: as a hint it is of no use any more."""
_MOST = 32
"""So many hints of one 103 at most."""
_LINK = re.compile(
    r'[ \t,]*<([^<>]*)>((?>[ \t]*;[ \t]*(?>[^\s=;,"<>]*)[ \t]*(?>=[ \t]*(?>"(?>[^"\\]|\\.)*"|[^;,"\s]*))?)*)'
    r"[ \t]*(?=,|\Z)"
)
_PARAMETER = re.compile(
    r';[ \t]*([^\s=;,"<>]*)[ \t]*(?:=[ \t]*(?:"((?>[^"\\]|\\.)*)"|([^;,"\s]*)))?'
)
_SRCSET = re.compile(
    r'(;[ \t]*imagesrcset[ \t]*=[ \t]*(?:"|(?=[^"\s;,])))((?<=")(?>[^"\\]|\\.)*|[^"\s;,]+)',
    re.IGNORECASE,
)
# Browsers read a target up to the first ">", and begin it where ours would not.
_TARGET = re.compile(r"<([^<>]*)(?=[<>])")
_HINTS = frozenset({"preload", "modulepreload", "preconnect"})
"""What browsers do for a 103 (HTML, "early hints"); all else counts with the answer itself."""


@attrs.frozen
class Link:
    """One link: its target, its parameters by their names in lower case, and its text."""

    target: str
    parameters: dict[str, str]
    text: str

    @property
    def relations(self) -> frozenset[str]:
        """What it is to the page."""
        return frozenset(self.parameters.get("rel", "").lower().split())


def links(value: str) -> Iterator[Link]:
    """The links of a field, up to one that cannot be read."""
    at = 0
    while (found := _LINK.match(value, at)) is not None:
        at = found.end()
        parameters: dict[str, str] = {}
        for name, quoted, token in _PARAMETER.findall(found.group(2)):
            parameters.setdefault(name.lower(), token or re.sub(r"\\(.)", r"\1", quoted))
        yield Link(found.group(1), parameters, found.group().lstrip(" \t,").rstrip())


def map_links(value: str, map_url: Callable[[str], str]) -> str:
    """Every target and every image candidate mapped; all else stays as it is."""

    def target(found: re.Match[str]) -> str:
        given = found.group(1).strip()
        mapped = map_url(given)
        return found.group() if mapped == given else f"<{mapped}"

    value = _TARGET.sub(target, value)
    return _SRCSET.sub(lambda found: found.group(1) + map_srcset(found.group(2), map_url), value)


def hints(value: str) -> list[str]:
    """The links of a field that a browser acts on before the answer is there."""
    if len(value) > LIMIT:
        return []
    return [link.text for link in links(value) if link.relations & _HINTS]


@attrs.frozen
class EarlyHints:
    """What the 103 of a document at ``url`` becomes: its links, mapped, and nothing besides."""

    codec: Codec = attrs.field(repr=False)
    url: str = attrs.field(repr=False)

    def fields(self, given: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
        """The fields that go to the browser; none where there is nothing to hint at.

        The policy is the containment's: what is fetched early is fetched by it.
        """
        found = [
            hint
            for name, value in given
            if name.lower() == b"link"
            for hint in hints(value.decode("latin-1"))
        ][:_MOST]
        if not found:
            return ()
        mapped = [
            map_links(one, lambda url: self.codec.collapse_url(url, self.url)) for one in found
        ]
        policy = f"default-src https://{self.codec.wildcard}"
        return (
            *((b"Link", one.encode("latin-1")) for one in mapped),
            (b"Content-Security-Policy", policy.encode("ascii")),
        )
