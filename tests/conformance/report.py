"""``docs/websocket-conformance.md``: made, and read again."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping

from tests.conformance.autobahn import DEFLATE_KINDS, DEFLATE_SIZES, GROUPS, Verdict, summary

KINDS = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED")
MARKS = dict(zip(KINDS, ("✓", "n", "i", "–", "F"), strict=True))
SIDES = {
    "clients": "the gateway's leg to clients, a collapsed route",
    "upstreams": "the gateway's leg to origins, a collapsed route",
    "service": "the gateway's leg to clients, a service before an echo",
    "echo": "the gateway's leg to clients, the service that echoes by itself",
}
_HEAD = """\
# WebSocket conformance

Made by `python -m tests.conformance` (`make nightly`); do not edit. The cases are those of the
Autobahn test-suite (PyPI `kosoku`), run through a whole gateway over TLS: between the suite and
an echo, or between an echo and the suite. `make test` runs groups 1 to 7 and 10 and a sample of
the others.

*Strict* is what the suite calls OK, *not strict* what it accepts, *informational* what the
protocol leaves open. What came before a frame that breaks the protocol, or before a close frame,
is still answered: the gateway's own close frame waits for the other side's
(`websocket-farewell-seconds`).
*Not offered*: parameters of permessage-deflate that the gateway does without. Groups 12 and 13
have 90 and 126 cases of a thousand messages each, told one by one below each table: a column is
the octets of a message, and of its fragments; empty is what has not been run yet
(`python -m tests.conformance --sizes 14,15`, the columns counted from 1; the last ones take hours).
"""
_TABLE = """
## {title}

| group | | cases | strict | not strict | informational | not offered | failed |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""

_CASES = """
| ✓ strict, – not offered | {sizes} |
| --- |{lines}
"""

Found = dict[tuple[str, str], Mapping[str, int]]
"""How many cases were what, by side and group; of groups 12 and 13 by case."""


def told(side: str, verdicts: Iterable[Verdict]) -> Found:
    """What verdicts add to it."""
    found: Found = {}
    for one in verdicts:
        at = one.case if one.group in DEFLATE_KINDS else one.group
        found[side, at] = found.get((side, at), collections.Counter()) + summary([one])[one.group]
    return found


def _sizes() -> Iterable[str]:
    for octets, fragment in DEFLATE_SIZES:
        size = f"{octets >> 10} Ki" if octets >= 1 << 10 else str(octets)
        yield f"{size} / {fragment}" if fragment else size


def _cases(cases: Mapping[str, Mapping[str, int]]) -> str:
    """What became of each of the compression cases; a case is of one kind."""
    text = _CASES.format(sizes=" | ".join(_sizes()), lines=" :---: |" * len(DEFLATE_SIZES))
    for group, kinds in DEFLATE_KINDS.items():
        for way in range(1, kinds + 1):
            marks = []
            for size in range(1, len(DEFLATE_SIZES) + 1):
                seen = cases.get(f"{group}.{way}.{size}", {})
                marks.append(next((MARKS[kind] for kind in KINDS if seen.get(kind)), ""))
            text += f"| {group}.{way} | " + " | ".join(marks) + " |\n"
    return text


def page(found: Found) -> str:
    """The page's text."""
    text = _HEAD
    for side, title in SIDES.items():
        told = {at: kinds for (where, at), kinds in found.items() if where == side}
        rows: dict[str, collections.Counter[str]] = {}
        for at, kinds in told.items():
            rows.setdefault(at.partition(".")[0], collections.Counter()).update(kinds)
        if not rows:
            continue
        text += _TABLE.format(title=title[0].upper() + title[1:])
        for group in sorted(rows, key=int):
            counts = [rows[group][kind] for kind in KINDS]
            cells = (group, GROUPS[group], sum(counts), *counts)
            text += "| " + " | ".join(map(str, cells)) + " |\n"
        if any(group in DEFLATE_KINDS for group in rows):
            text += _cases(told)
    return text


def read(text: str) -> Found:
    """What a page says."""
    found: Found = {}
    names = {title[0].upper() + title[1:]: side for side, title in SIDES.items()}
    kinds = {mark: kind for kind, mark in MARKS.items()}
    side = ""
    for line in text.splitlines():
        if line.startswith("## "):
            side = names.get(line[3:], "")
        cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
        if not side or not cells[0][:1].isdigit():
            continue
        if "." in cells[0]:
            for size, mark in enumerate(cells[1:], 1):
                if mark:
                    found[side, f"{cells[0]}.{size}"] = {kinds[mark]: 1}
        elif cells[0] not in DEFLATE_KINDS:
            found[side, cells[0]] = dict(zip(KINDS, map(int, cells[3:]), strict=True))
    return found
