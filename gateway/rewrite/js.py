"""A script edited so that it reads the site's own address (rewriting, "Script").

Names are changed, nothing is wrapped: ``location`` is ``__gw_location`` wherever it is a
variable or a property, declarations and uses alike.  Absolute URLs in static imports are
mapped.  Every other octet stays; a script that cannot be understood stays whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway import wire
from gateway.rewrite import jslexer, jstokens, native

if TYPE_CHECKING:
    from gateway.rewrite.urls import Map

_NAMES = {
    jstokens.LOCATION: (b"location", wire.OWN_LOCATION),
    jstokens.DOMAIN: (b"domain", wire.OWN_DOMAIN),
    jstokens.TOP: (b"top", wire.OWN_TOP),
    jstokens.PARENT: (b"parent", wire.OWN_PARENT),
}
REPLACEMENTS: Final[dict[int, bytes]] = {
    **{role: new for role, (_, new) in _NAMES.items()},
    **{role + jstokens.SHORTHAND: old + b":" + new for role, (old, new) in _NAMES.items()},
    **{role + jstokens.IMPORTED: old + b" as " + new for role, (old, new) in _NAMES.items()},
    **{role + jstokens.EXPORTED: new + b" as " + old for role, (old, new) in _NAMES.items()},
    **{
        role + jstokens.DECLARED: b"\nexport{" + new + b" as " + old + b"};"
        for role, (old, new) in _NAMES.items()
    },
    jstokens.IMPORT_OPEN: wire.OWN_IMPORT + b"(",
    jstokens.EVAL_OPEN: wire.OWN_EVAL + b"(",
    jstokens.CLOSE: b")",
    jstokens.META: wire.OWN_META + b"(import.meta)",
    jstokens.META_NEW: b"(" + wire.OWN_META + b"(import.meta))",
}
"""What stands for what was found, by role."""

find = jslexer.find if native.find_js is None else native.find_js
# Without any of these there is nothing to find; asked only where finding takes longer.
_ANY = re.compile(
    rb"location|(?<![\w$])(?:top|parent|import|export|eval|domain)(?![\w$])|\\u", re.ASCII
)
MAYBE = re.compile(r"location|top|parent|import|eval|domain|\\u|%")
"""What a short text has in which there may be something to edit."""
_LEAVES = re.compile(rb"[a-zA-Z][a-zA-Z0-9+.-]*:|[/\\][/\\]")
_UTF_8 = frozenset({"utf-8", "ascii"})


def edit(text: bytes, map_url: Map) -> bytes | None:
    """A script in UTF-8, edited; the same object if nothing changes, None where it is lost."""
    if native.find_js is None and _ANY.search(text) is None:
        return text
    found = find(text)
    if not found:
        return text if found is not None else None
    out: list[bytes] = []
    done = 0
    for start, end, role in found:
        if role == jstokens.SPECIFIER:
            new = _specifier(text[start:end], map_url)
        else:
            new = REPLACEMENTS[role]
        out += (text[done:start], new)
        done = end
    out.append(text[done:])
    return b"".join(out)


def _specifier(raw: bytes, map_url: Map) -> bytes:
    """Where a module comes from: only what names another place is mapped."""
    if _LEAVES.match(raw) is None or not raw.isascii() or b"\\" in raw:
        return raw
    given = raw.decode("ascii")
    mapped = map_url(given)
    return raw if mapped == given else mapped.encode("ascii", "ignore").replace(b"'", b"%27")


def edit_encoded(data: bytes, codec: str, map_url: Map) -> bytes | None:
    """A script in some encoding, a Python codec; edited or not as ``edit`` does."""
    if codec in _UTF_8 or data.isascii():
        return edit(data, map_url)
    try:
        text = data.decode(codec)
        plain = text.encode("utf-8")
        if text.encode(codec) != data:
            return None
        edited = edit(plain, map_url)
        if edited is None or edited is plain:
            return None if edited is None else data
        return edited.decode("utf-8").encode(codec)
    except (UnicodeError, LookupError):
        return None
