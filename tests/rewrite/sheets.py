"""What a stylesheet says, told by tinycss2: its tokens as plain tuples, with its URLs mapped.

The oracle of the CSS tests.  It is written from css-syntax-3 and css-images-4 and shares
nothing with the scanner that it judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tinycss2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Map = Callable[[str], str]

IMAGE_SETS = frozenset({"image-set", "-webkit-image-set"})
_BLANK = frozenset({"whitespace", "comment"})


class Either(tuple):
    """Values of which any will do: no standard says whether it is a URL."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return any(one == other for one in self)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = tuple.__hash__


def unmapped(url: str) -> str:
    """The map of what was mapped already."""
    return url


def sheet(text: str, map_url: Map = unmapped) -> list[Any]:
    """The component values of a text, nested as they are."""
    return _values(tinycss2.parse_component_value_list(text), map_url)


def urls(text: str) -> list[str]:
    """Every URL of a text, in order."""
    found: list[str] = []

    def collect(url: str) -> str:
        found.append(url)
        return url

    sheet(text, collect)
    return found


def _values(
    tokens: Iterable[Any], map_url: Map, *, strings: bool = False, either: bool = False
) -> list[Any]:
    """``strings``: those at this level are URLs, as in ``image-set()``; ``either``: perhaps."""
    out = []
    importing = naming = False
    for token in tokens:
        kind = token.type
        if naming and (kind == "{} block" or token == ";"):
            naming = False
        mapper = unmapped if naming else map_url
        if kind == "string":
            is_url = strings or importing
            value: Any = mapper(token.value) if is_url else token.value
            out.append((kind, Either((value, mapper(token.value))) if either else value))
        else:
            out.append(_value(token, mapper, either=strings or either))
        importing = (importing and kind in _BLANK) or (
            kind == "at-keyword" and token.lower_value == "import"
        )
        naming = naming or (kind == "at-keyword" and token.lower_value == "namespace")
    return out


def _value(token: Any, map_url: Map, *, either: bool) -> Any:
    kind = token.type
    if kind == "url":
        return (kind, map_url(token.value))
    if kind == "function":
        arguments = _arguments(token.lower_name, token.arguments, map_url, either=either)
        return (kind, token.lower_name, arguments)
    if kind.endswith("block"):
        return (kind, _values(token.content, map_url, either=either))
    if kind in {"number", "percentage"}:
        return (kind, token.representation)
    if kind == "dimension":
        return (kind, token.representation, token.unit)
    if kind == "unicode-range":
        return (kind, token.start, token.end)
    if kind == "error":
        return (kind, token.kind)
    return (kind, token.value)


def _arguments(name: str, arguments: list[Any], map_url: Map, *, either: bool) -> list[Any]:
    if name in IMAGE_SETS:
        return _values(arguments, map_url, strings=True)
    if name in {"url", "src"}:
        for place, token in enumerate(arguments):
            if token.type == "string":
                rest = _values(arguments[place + 1 :], map_url, either=either)
                return [
                    *_values(arguments[:place], map_url),
                    ("string", map_url(token.value)),
                    *rest,
                ]
            if token.type not in _BLANK:
                break
    return _values(arguments, map_url, either=either)
