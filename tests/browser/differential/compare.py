"""What counts as equal: requests as origins saw them, results, errors on the console."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs

from tests.browser.differential.server import Asked

HERE = Path(__file__).parent
DIFFERENCES = HERE / "differences.json"
# Between the gateway and an origin these are the two's own matter, or of HTTP/2 alone.
_HOPS = frozenset(
    (
        "connection",
        "keep-alive",
        "accept-encoding",
        "transfer-encoding",
        "content-length",
        "te",
        "priority",
    )
)
# What a person did just before is a matter of time; where a navigation leads to, and whether a
# person typed the address, browsers know of a direct load alone (docs/status: "Topmost pages").
_CHANCE = frozenset(("sec-fetch-user",))
# Browsers look for newer service workers when they please.
_UPDATE = "max-age=0"
_PLACE = frozenset(("sec-fetch-dest", "sec-fetch-storage-access"))
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


@attrs.frozen
class Seen:
    """What a case gave, what was asked of the origins, and what the console said of it."""

    result: Any = None
    requests: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def said(asked: Asked) -> str:
    """A request in one line of JSON, hop-by-hop fields left out, boundaries under one name."""
    ignored = _HOPS | _CHANCE
    if asked.fields.get("Sec-Fetch-Mode") == "navigate":
        ignored |= _PLACE
    if asked.fields.get("Sec-Fetch-Site") == "same-origin":
        # A frame of another site asks its own: here all sites are one, and nobody tells of it.
        ignored |= {"sec-fetch-storage-access"}
    fields = sorted(
        (name.lower(), value) for name, value in asked.fields.items() if name.lower() not in ignored
    )
    body = asked.body.decode("latin-1")
    if found := _BOUNDARY.search(asked.fields.get("Content-Type", "")):
        body = body.replace(found[1], "BOUNDARY")
        fields = [(name, value.replace(found[1], "BOUNDARY")) for name, value in fields]
    if len(body) > 2000:
        body = f"{len(body)} octets, {hash(body)}"
    return json.dumps([asked.method, asked.origin, asked.target, dict(fields), body])


def by_case(log: list[Asked], slugs: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Requests by the cases they are of: by what they say, or by when they came."""
    found: dict[str, list[str]] = {}
    now = ""
    for one in log:
        if one.path == "/mark":
            now = one.query.get("begins", "")
            continue
        name = slugs.get(one.case, now)
        update = one.fields.get("Service-Worker") and one.fields.get("Cache-Control") == _UPDATE
        if name and not update and one.path not in {"/open", "/favicon.ico"}:
            found.setdefault(name, []).append(said(one))
    return {name: tuple(sorted(requests)) for name, requests in found.items()}


def slug(name: str) -> str:
    """A case's name as addresses have it; ``runner.js`` does the same."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def differing(directly: Seen, through: Seen) -> list[str]:
    """What is not equal, in words; nothing if all is."""
    out = []
    if directly.result != through.result:
        out += _tree("result", directly.result, through.result)
    for kind in ("requests", "errors"):
        one, other = list(getattr(directly, kind)), list(getattr(through, kind))
        for text in list(one):
            if text in other:
                one.remove(text)
                other.remove(text)
        out += _pairs(kind, one, other)
    return out


def _pairs(kind: str, one: list[str], other: list[str]) -> list[str]:
    if kind == "requests" and len(one) == len(other):
        return [
            line
            for first, second in zip(one, other, strict=True)
            for line in _tree("request", json.loads(first), json.loads(second))
        ]
    out = [f"{kind}: only directly: {text}" for text in one]
    return out + [f"{kind}: only through the gateway: {text}" for text in other]


def _tree(where: str, one: Any, other: Any) -> list[str]:
    if one == other:
        return []
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return [
            line for key in keys for line in _tree(f"{where}.{key}", one.get(key), other.get(key))
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for at, (a, b) in pairs for line in _tree(f"{where}[{at}]", a, b)]
    return [f"{where}: {json.dumps(one)} directly, {json.dumps(other)} through the gateway"]


def names(area: str) -> list[str]:
    """The names of an area's cases, as they are listed."""
    listed = HERE / "cases" / f"{area}.txt"
    return listed.read_text("utf-8").splitlines() if listed.is_file() else []


def reasons(area: str) -> dict[str, str]:
    """Which cases of an area differ, and why."""
    return json.loads(DIFFERENCES.read_text("utf-8"))["areas"].get(area, {})
