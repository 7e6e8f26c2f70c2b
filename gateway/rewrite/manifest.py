"""Web app manifests (W3C Web Application Manifest): the URLs that browsers load or open.

JSON with nothing executable in it, small, so it is read whole; strings that do not
change keep their spelling.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.rewrite.urls import Map

LIMIT = 1024 * 1024
_MEMBER = re.compile(r'("(?>[^"\\]++|\\.)*+")(\s*+:)?|[^"]++')
_URL_MEMBERS = frozenset(
    {
        "start_url", "scope", "id", "src", "url", "action", "serviceworker", "href",
        "background_image", "update_url",
    }
)  # fmt: skip


def map_manifest(text: str, map_url: Map) -> str:
    """Map the values of members that hold URLs; text that is no JSON stays as it is."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    out: list[str] = []
    member = ""
    for found in _MEMBER.finditer(text):
        token, colon = found.groups()
        whole = found.group()
        if token is not None and colon is not None:
            member = json.loads(token)
        elif token is not None and member in _URL_MEMBERS:
            value = json.loads(token, strict=False)
            mapped = map_url(value)
            whole = token if mapped == value else json.dumps(mapped)
        out.append(whole)
    return "".join(out)
