"""The two kinds of ``<script>`` that are no script: import maps and speculation rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.rewrite.urls import Map

IMPORT_MAP = "importmap"
SPECULATION_RULES = "speculationrules"


def map_import_map(text: str, map_url: Map) -> str:
    """An import map's addresses, scopes and integrity keys (HTML standard, 8.1.5.2).

    A module is named both as scripts spell it, which stays, and by where it is loaded
    from, which is collapsed: so keys of ``imports`` that are URLs get a collapsed twin.
    Text that is no JSON object comes back as it was; the browser will say so.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(content, dict):
        return text
    before = json.dumps(content)
    for name in ("imports", "integrity"):
        if isinstance(content.get(name), dict):
            content[name] = _map_specifiers(content[name], map_url, values=name == "imports")
    if isinstance(content.get("scopes"), dict):
        content["scopes"] = {
            map_url(scope): _map_specifiers(inner, map_url) if isinstance(inner, dict) else inner
            for scope, inner in content["scopes"].items()
        }
    after = json.dumps(content)
    return text if before == after else after.replace("<", "\\u003c")


def _map_specifiers(
    mapping: dict[str, Any], map_url: Map, *, values: bool = True
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in mapping.items():
        mapped = map_url(value) if values and isinstance(value, str) else value
        out.setdefault(map_url(key), mapped)
        out[key] = mapped
    return out


def replacement_for(kind: str, text: str, map_url: Map) -> str:
    """What an inert script's text becomes; speculation would load past the gateway's rules."""
    return map_import_map(text, map_url) if kind == IMPORT_MAP else "{}"
