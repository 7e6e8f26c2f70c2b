"""``docs/websocket-conformance.md``: made, and read again."""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.autobahn import GROUPS

KINDS = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED")
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
have 90 and 126 cases, a thousand messages each; where the page counts fewer, they are those with
messages up to 1 KiB (`python -m tests.conformance --large`).
"""
_TABLE = """
## {title}

| group | | cases | strict | not strict | informational | not offered | failed |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |
"""

Found = dict[tuple[str, str], Mapping[str, int]]
"""How many cases were what, by side and group."""


def page(found: Found) -> str:
    """The page's text."""
    text = _HEAD
    for side, title in SIDES.items():
        rows = {group: kinds for (at, group), kinds in found.items() if at == side}
        if not rows:
            continue
        text += _TABLE.format(title=title[0].upper() + title[1:])
        for group in sorted(rows, key=int):
            kinds = [rows[group].get(kind, 0) for kind in KINDS]
            cells = (group, GROUPS[group], sum(kinds), *kinds)
            text += "| " + " | ".join(map(str, cells)) + " |\n"
    return text


def read(text: str) -> Found:
    """What a page says."""
    found: Found = {}
    names = {title[0].upper() + title[1:]: side for side, title in SIDES.items()}
    side = ""
    for line in text.splitlines():
        if line.startswith("## "):
            side = names.get(line[3:], "")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if side and cells[0].isdigit():
            found[side, cells[0]] = dict(zip(KINDS, map(int, cells[3:]), strict=True))
    return found
