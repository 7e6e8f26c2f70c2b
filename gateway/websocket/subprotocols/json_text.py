"""JSON as everybody reads it: strict, of bounded depth, and no name twice in an object.

Where two readers could see different things, one that decides must not be one of them.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from gateway.websocket.subprotocols.base import BAD_DATA, POLICY, broken

DEEPEST, MOST = 64, 500_000


def load(text: str) -> Any:
    """What a text holds; raises ``Broken``."""
    brackets = text.count("[") + text.count("{")
    if brackets > MOST:
        raise broken("json-size", "more arrays and objects than are looked into", POLICY)
    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise broken("json", "not JSON", BAD_DATA) from None
    # No more than so many brackets: no deeper either.  Most messages end here.
    if brackets > DEEPEST:
        check_depth(value)
    return value


def check_depth(value: Any, most: int | None = None) -> None:
    """Refuse what is nested too deep for whoever walks it.

    ``most``: how many values there may be in all; other formats can say one thing many times.
    """
    level, depth, count = [value], 0, 0
    while True:
        level = [one for one in level if isinstance(one, dict | list | tuple)]
        if not level:
            return
        depth += 1
        count += sum(map(len, level))
        if depth > DEEPEST or (most is not None and count > most):
            raise broken("json-depth", "nested too deep", POLICY)
        level = [
            below for one in level for below in (one.values() if isinstance(one, dict) else one)
        ]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of pairs that have different names."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise broken("json-names", "a name twice in one object", BAD_DATA)
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
