"""Scripts in markup that are read whole: import maps, speculation rules, and modules.

Import maps are mapped, rules dropped.  A module's text stays; but where it may import from
other hosts by their names, an import map of ours stands before it, which leads to theirs
here.  A string that only looks like a module's address then does no harm.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gateway.rewrite.references import escape_attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.rewrite.attributes import Attribute
    from gateway.rewrite.urls import Map

    Edit = Callable[[bytes], bytes]

IMPORT_MAP = "importmap"
SPECULATION_RULES = "speculationrules"
MODULE = "module"
CLASSIC = "classic"
MAYBE_HELD = re.compile(rb"importmap|speculationrules|module|&", re.IGNORECASE)
"""What the attributes of a script have that may be one of them."""
_ADDRESS = re.compile(r"""["'`]((?i:https?:)?//[^\s"'`\\/?#@$]+/)""")
_MOST_HOSTS = 64
_CLASSIC_TYPES = frozenset(
    (
        "", "application/ecmascript", "application/javascript", "application/x-ecmascript",
        "application/x-javascript", "text/ecmascript", "text/javascript", "text/javascript1.0",
        "text/javascript1.1", "text/javascript1.2", "text/javascript1.3", "text/javascript1.4",
        "text/javascript1.5", "text/jscript", "text/livescript", "text/x-ecmascript",
        "text/x-javascript",
    )
)  # fmt: skip
"""JavaScript MIME types (MIME Sniffing, 4.6)."""
_LEAVE = "document.currentScript.previousSibling.remove();document.currentScript.remove()"
"""Nothing of ours is left for the page's own scripts to see."""


def map_import_map(text: str, map_url: Map, *, verified: bool = True) -> str:
    """An import map's addresses, scopes and integrity keys (HTML standard, 8.1.5.2).

    A module is named both as scripts spell it, which stays, and by where it is loaded
    from, which is collapsed: so keys of ``imports`` that are URLs get a collapsed twin.
    Not ``verified``: digests go, for modules are edited.  Text that is no JSON object comes back as it was; the browser will say so.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(content, dict):
        return text
    before = json.dumps(content)
    if not verified:
        content.pop("integrity", None)
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


def replacement_for(kind: str, text: str, map_url: Map, *, verified: bool = True) -> str:
    """What an inert script's text becomes; speculation would load past the gateway's rules."""
    return map_import_map(text, map_url, verified=verified) if kind == IMPORT_MAP else "{}"


def map_for_module(text: str, map_url: Map) -> str:
    """An import map for the hosts that a module's text names; empty if it names none."""
    imports: dict[str, str] = {}
    for found in _ADDRESS.finditer(text):
        given = found[1] if found[1][0] != "/" else "https:" + found[1]
        mapped = map_url(given)
        if mapped != given and mapped.endswith("/") and len(imports) < _MOST_HOSTS:
            imports[given] = mapped
    return json.dumps({"imports": imports}).replace("<", "\\u003c") if imports else ""


class Held:
    """The text of one such script, up to its end or to ``limit`` octets."""

    def __init__(
        self, kind: str, limit: int, tag: bytes, nonce: str, edit: Edit | None = None
    ) -> None:
        """``tag`` is a module's start tag, which waits for what may stand before it.

        ``edit`` is what becomes of a script that runs, instead.
        """
        self._edit = edit
        self._kind = kind
        self._limit = limit
        self._tag = tag
        self._nonce = nonce
        self._size = 0
        self._chunks: list[bytes] = []

    @property
    def holds_tag(self) -> bool:
        """Whether the start tag goes out with the text."""
        return bool(self._tag)

    def add(self, data: bytes) -> bytes:
        """Take a piece of the text; what must go out at once."""
        self._size += len(data)
        if self._size <= self._limit:
            self._chunks.append(data)
            return b""
        # Too much to be read: a map stays empty, a module is let through as it is.
        held, self._chunks = self._tag + b"".join(self._chunks), []
        self._tag = b""
        return held + data if self._kind in {MODULE, CLASSIC} else b""

    def finish(self, rest: bytes, map_url: Map, encoding: str) -> bytes:
        """What stands in the script's place, without its end tag."""
        raw = b"".join(self._chunks) + rest
        if self._size > self._limit:
            if self._kind in {MODULE, CLASSIC}:
                return rest
            raw = b""
        if self._edit is not None and self._kind in {MODULE, CLASSIC}:
            return self._edit(raw)
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        if self._kind == MODULE:
            return self._before(map_for_module(text, map_url)) + self._tag + raw
        mapped = replacement_for(self._kind, text, map_url, verified=self._edit is None)
        return raw if mapped == text else mapped.encode("ascii", "backslashreplace")

    def _before(self, text: str) -> bytes:
        if not text:
            return b""
        nonce = f' nonce="{escape_attribute(self._nonce)}"' if self._nonce else ""
        markup = (
            f'<script type="{IMPORT_MAP}"{nonce}>{text}</script><script{nonce}>{_LEAVE}</script>'
        )
        return markup.encode("ascii", "xmlcharrefreplace")


def held(
    attributes: Iterable[Attribute],
    limit: int,
    tag: bytes,
    edit: Edit | None = None,
    *,
    needs_nonce: bool = False,
) -> Held | None:
    """What holds the text of a script with these attributes; None: it streams.

    ``edit``: scripts that run are edited, where ``needs_nonce`` those with a nonce alone.
    """
    values = {one.name: one.value for one in attributes}
    kind = values.get(b"type", "").strip("\t\n\f\r ").lower()
    if edit is not None and b"src" not in values and not (needs_nonce and b"nonce" not in values):
        language = values.get(b"language", "").lower() if b"type" not in values else ""
        if kind == MODULE:
            return Held(kind, limit, b"", "", edit)
        if kind in _CLASSIC_TYPES and (not language or f"text/{language}" in _CLASSIC_TYPES):
            return Held(CLASSIC, limit, b"", "", edit)
    if kind == MODULE and b"src" not in values:
        return Held(kind, limit, tag, values.get(b"nonce", ""))
    return Held(kind, limit, b"", "", edit) if kind in {IMPORT_MAP, SPECULATION_RULES} else None
