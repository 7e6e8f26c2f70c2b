"""Which attributes of a start tag hold URLs, and how each is edited.

The tokenizer finds tags; this decides on one tag at a time.  Only values change, and
only those that must: everything else of the tag stays to the octet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway import wire
from gateway.origins import parse_origin
from gateway.rewrite import forms, tokens
from gateway.rewrite.csp import RuntimeSource, map_policies
from gateway.rewrite.css import map_css
from gateway.rewrite.framed import map_frame
from gateway.rewrite.parameters import with_parameter
from gateway.rewrite.references import escape_attribute, unescape_attribute, unescape_xml
from gateway.rewrite.urls import UrlMap, map_list, map_refresh, map_srcset

if TYPE_CHECKING:
    from gateway.origins import Origin
    from gateway.rewrite.js_body import InPage

_WS = "\t\n\f\r "
_FETCHED_BY_LINK = frozenset({"stylesheet", "preload", "modulepreload"})
_DROPPED_HINTS = frozenset({"dns-prefetch"})
_ORIGIN_IN_ALLOW = re.compile(r"https?://[^\s;,'\"()]+")
# Without any of these no attribute holds more than a relative URL.  Tabs and newlines
# vanish from URLs, so they may hide what looks harmless.
_NOTHING_TO_DO = re.compile(
    rb"(?>[^:&\\\\/\t\n\r(iIhHsSaAcC]++|/(?!/)|\((?!/)|[iI](?![nN][tT][eE][gG])|[hH](?![tT][tT][pP]-)"
    rb"|[sS](?![rR][cC][dD])|[aA](?![lL][lL][oO])|[cC](?![sS][pP]))*+\Z"
)
_WORD = re.compile(r"[^\t\n\f\r ]+")


class Attribute:
    """One attribute: its name in lower case, its decoded value, and where that stands."""

    __slots__ = ("end", "name", "quote", "start", "value")

    def __init__(self, name: bytes, value: str, start: int, end: int, quote: str) -> None:
        """``start`` and ``end`` delimit the raw value, without quotes."""
        self.name = name
        self.value = value
        self.start = start
        self.end = end
        self.quote = quote


class TagEditor:
    """Edits the attributes of one document's tags.

    ``rewrite_document`` rewrites the text of a ``srcdoc``; ``encoding`` is a Python
    codec; ``form_token`` goes into where forms are sent.
    """

    def __init__(
        self,
        urls: UrlMap,
        origin: Origin,
        rewrite_document: Callable[[str], str],
        *,
        encoding: str,
        xml: bool,
        runtime: RuntimeSource | None = None,
        form_token: str = "",
        scripts: InPage | None = None,
    ) -> None:
        """Make an editor for one document."""
        self._forms = forms.FormTokens(urls, form_token) if form_token else None
        self._urls = urls
        self._origin = origin
        self._rewrite_document = rewrite_document
        self._encoding = encoding
        self._xml = xml
        self._runtime = runtime
        self._scripts = scripts
        self._based = False

    def attributes(self, markup: bytes, start: int, end: int) -> list[Attribute]:
        """Parse a tag's attributes; of equal names the first counts."""
        out: list[Attribute] = []
        seen = set()
        for found in tokens.ATTRIBUTE.finditer(markup, start, end):
            name = found.group(1).lower()
            group = found.lastindex or 1
            if name in seen:
                continue
            seen.add(name)
            if group == 1:
                out.append(Attribute(name, "", -1, -1, ""))
                continue
            raw = found.group(group)
            quote = ("", "", '"', "'", "")[group]
            out.append(Attribute(name, self._decode(raw), *found.span(group), quote))
        return out

    def _decode(self, raw: bytes) -> str:
        text = raw.decode("ascii" if raw.isascii() else self._encoding, "replace")
        if "\0" in text:
            text = text.replace("\0", "\ufffd")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return unescape_xml(text) if self._xml else unescape_attribute(text)

    def edit(self, markup: bytes, tag: re.Match[bytes], name: bytes, kind: str = "html") -> bytes:
        """The tag's octets with what must change changed.

        ``name`` in lower case; ``kind`` is its vocabulary: html, svg, math, or xml for any.
        """
        local = name.rpartition(b":")[2] if self._xml else name
        is_sent = self._forms is not None and local in forms.ELEMENTS and kind in {"html", "xml"}
        quiet = name != b"base" and not is_sent and self._scripts is None
        if quiet and _NOTHING_TO_DO.match(markup, *tag.span(2)):
            return tag.group()
        attributes = self.attributes(markup, *tag.span(2))
        targets = self._targets(local, attributes) if is_sent else {}
        edits = self._judge(name, attributes, kind, targets)
        there = {attribute.name for attribute in attributes if attribute.start >= 0}
        added = [one for one in targets.items() if one[0] not in there]
        if not edits and not added:
            return tag.group()
        out: list[bytes] = []
        done = tag.start()
        for missing, value in added:
            # Of equal names the first counts, also where the other one has no value.
            escaped = escape_attribute(value).encode("ascii", "xmlcharrefreplace")
            out += (markup[done : tag.end(1)], b" ", missing, b'="', escaped, b'"')
            done = tag.end(1)
        for attribute, value in sorted(edits, key=lambda edit: edit[0].start):
            out += (markup[done : attribute.start], self._encode(attribute, value))
            done = attribute.end
        out.append(markup[done : tag.end()])
        return b"".join(out)

    def _targets(self, element: bytes, attributes: Sequence[Attribute]) -> dict[bytes, str]:
        if self._forms is None:
            return {}
        return self._forms.targets(element, {one.name: one.value for one in attributes})

    def _encode(self, attribute: Attribute, value: str) -> bytes:
        escaped = escape_attribute(value, attribute.quote or '"')
        # What the encoding cannot say is written as a reference, in ASCII.
        raw = escaped.encode(self._encoding, "xmlcharrefreplace")
        return raw if attribute.quote else b'"' + raw + b'"'

    def _judge(
        self,
        element: bytes,
        attributes: Sequence[Attribute],
        kind: str,
        targets: dict[bytes, str] | None = None,
    ) -> list[tuple[Attribute, str]]:
        special = _SPECIAL.get(element.rpartition(b":")[2] if self._xml else element)
        if kind == "math" or (kind != "xml" and (element in _OF_SVG) != (kind == "svg")):
            special = None  # an element of another vocabulary with the same name
        edits: list[tuple[Attribute, str]] = []
        overrides = special(self, attributes) if special is not None else targets or {}
        for attribute in attributes:
            if attribute.start < 0:
                continue
            if attribute.name in overrides:
                value = overrides[attribute.name]
            else:
                value = self._map(element, attribute, kind)
            if value is not attribute.value and value != attribute.value:
                edits.append((attribute, value))
        return edits

    def _map(self, element: bytes, attribute: Attribute, kind: str) -> str:
        name, value, urls = attribute.name, attribute.value, self._urls
        if kind == "html" and b"-" in element and name != b"style":
            return value  # an element of the page's own: only its script knows what it means
        if name in tokens.URL_ATTRIBUTES:
            if name == b"data" and element != b"object":
                return value
            if self._scripts is not None:
                value = self._scripts.url(value, urls)
            return urls.url(value)
        if self._scripts is not None and name.startswith(b"on"):
            return self._scripts.handler(value, urls)
        if name in tokens.SRCSET_ATTRIBUTES:
            return map_srcset(value, urls.url)
        if name in tokens.LIST_ATTRIBUTES:
            return map_list(value, urls.url)
        if name == b"style" or (kind in {"svg", "xml"} and name in tokens.PAINT_ATTRIBUTES):
            return map_css(value, urls.url)
        if self._xml and name.endswith(b":href"):
            return urls.url(value)
        return value

    # --- elements whose attributes are judged together -----------------------------

    def _base(self, attributes: Sequence[Attribute]) -> dict[bytes, str]:
        for attribute in attributes:
            if attribute.name == b"href" and not self._based:
                self._based = True
                mapped = self._urls.codec.collapse_url(attribute.value, self._urls.document_url)
                self._urls.set_base(attribute.value)
                return {b"href": mapped}
        return {}

    def _meta(self, attributes: Sequence[Attribute]) -> dict[bytes, str]:
        values = {one.name: one.value for one in attributes}
        kind = values.get(b"http-equiv", "").strip(_WS).lower()
        content = values.get(b"content", "")
        if kind == "refresh":
            return {b"content": map_refresh(content, self._urls.url)}
        if kind in {"content-security-policy", "content-security-policy-report-only"}:
            mapped = map_policies([content], self._origin, self._urls.codec, self._runtime)
            if self._scripts is not None and "'sha" in content.lower():
                self._scripts.needs_nonce = True
            return {b"content": ", ".join(mapped.policies)}
        if kind == "x-dns-prefetch-control":
            return {b"content": "off"}
        return {}

    def _link(self, attributes: Sequence[Attribute]) -> dict[bytes, str]:
        values = {one.name: one.value for one in attributes}
        words = values.get(b"rel", "")
        kinds = {word.lower() for word in _WORD.findall(words)}
        overrides = {}
        if kinds & _DROPPED_HINTS:
            overrides[b"rel"] = _WORD.sub(
                lambda found: "" if found.group().lower() in _DROPPED_HINTS else found.group(),
                words,
            )
        as_style = "stylesheet" in kinds or values.get(b"as", "").strip(_WS).lower() == "style"
        digest = values.get(b"integrity", "").strip(_WS)
        if self._scripts is not None and kinds & _FETCHED_BY_LINK:
            loads = values.get(b"as", "").strip(_WS).lower()
            as_style = as_style or loads == "script" or "modulepreload" in kinds
        if digest and kinds & _FETCHED_BY_LINK and as_style:
            # The sheet may be edited: the gateway verifies what the origin sent instead.
            href = self._urls.url(values.get(b"href", ""))
            overrides[b"href"] = with_parameter(
                href, wire.INTEGRITY_PARAMETER, quote(digest, safe="-+/=")
            )
            overrides[b"integrity"] = ""
        return overrides

    def _script(self, attributes: Sequence[Attribute]) -> dict[bytes, str]:
        """What is edited has another digest: the gateway verifies what the origin sent."""
        values = {one.name: one.value for one in attributes}
        digest = values.get(b"integrity", "").strip(_WS)
        src = self._urls.url(values.get(b"src", ""))
        is_ours = src.startswith(self._urls.codec.asset_origin + "/")
        if self._scripts is None or not digest or not src or is_ours:
            return {}
        verified = with_parameter(src, wire.INTEGRITY_PARAMETER, quote(digest, safe="-+/="))
        return {b"src": verified, b"integrity": ""}

    def _iframe(self, attributes: Sequence[Attribute]) -> dict[bytes, str]:
        overrides = {}
        for attribute in attributes:
            if attribute.name == b"srcdoc":
                overrides[b"srcdoc"] = self._rewrite_document(attribute.value)
            elif attribute.name == b"src":
                framed = map_frame(attribute.value, self._rewrite_document)
                overrides[b"src"] = self._urls.url(framed)
            elif attribute.name == b"allow":
                overrides[b"allow"] = _ORIGIN_IN_ALLOW.sub(self._collapse_origin, attribute.value)
            elif attribute.name == b"csp":
                mapped = map_policies([attribute.value], self._origin, self._urls.codec, None)
                overrides[b"csp"] = ", ".join(mapped.policies)
        return overrides

    def _collapse_origin(self, found: re.Match[str]) -> str:
        origin = parse_origin(found.group())
        return found.group() if origin is None else self._urls.codec.collapse_origin(origin)

    def _animation(self, attributes: Sequence[Attribute]) -> dict[bytes, str]:
        """SVG can animate an ``href``: its values are URLs then."""
        values = {one.name: one.value for one in attributes}
        if values.get(b"attributename", "").strip(_WS).lower().rpartition(":")[2] != "href":
            return {}
        return {
            one.name: ";".join(self._urls.url(part) for part in one.value.split(";"))
            for one in attributes
            if one.name in tokens.ANIMATION_ATTRIBUTES
        }


_OF_SVG = frozenset((b"animate", b"set"))
_SPECIAL: dict[bytes, Callable[[TagEditor, Sequence[Attribute]], dict[bytes, str]]] = {
    b"base": TagEditor._base,
    b"meta": TagEditor._meta,
    b"link": TagEditor._link,
    b"iframe": TagEditor._iframe,
    b"script": TagEditor._script,
    b"animate": TagEditor._animation,
    b"set": TagEditor._animation,
}
