"""XML that is read for its text: a scanner in chunks with a say about URLs in it.

DASH manifests and XSLT sheets are small languages in XML; each is a subclass that says
which attributes and which elements' texts hold URLs.  Tokens are found by XML's own
rules; what a subclass does not change stays to the octet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.errors import UpstreamTooLarge
from gateway.rewrite import tokens
from gateway.rewrite.css import LIMIT
from gateway.rewrite.references import escape_attribute, unescape_xml
from gateway.rewrite.urls import with_whole_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.rewrite.urls import Map

_PATIENCE = 4096
_SPACE = "\t\n\r "
_CDATA = b"<![CDATA["
_END_TAG = re.compile(rb"</[^>]*+>")
_ENDS = ((b"<!--", b"-->"), (b"<?", b"?>"))


class XmlText:
    """One document in chunks of octets of an ASCII-compatible encoding.

    A token longer than ``limit`` octets ends it with ``UpstreamTooLarge``.
    """

    def __init__(self, map_url: Map, encoding: str = "utf-8", limit: int = LIMIT) -> None:
        """``encoding`` is a Python codec."""
        self.map_url = with_whole_host(map_url)
        self._encoding = encoding
        self._limit = limit
        self._pending = b""
        self._wanted = 0
        self._last = False
        self._until = b""
        self._holds = False
        self._out: list[bytes] = []

    # --- what a subclass says ----------------------------------------------------------

    def attribute(self, element: bytes, name: bytes, value: str) -> str:
        """An attribute's value as it is to be; names come without their prefixes' meaning."""
        del element, name
        return value

    def holds_url(self, element: bytes, attributes: Mapping[bytes, str], *, inside: bool) -> bool:
        """Whether an element's text is a URL; ``inside``: that of the one around it is."""
        del element, attributes, inside
        return False

    def text(self, value: str) -> str:
        """The text of an element that holds a URL, as it is to be."""
        return self.map_url(value)

    # --- the way in and out ------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        self._pending = self._pending + data if self._pending else data
        return b"" if len(self._pending) < self._wanted else self._run(last=False)

    def close(self) -> bytes:
        """Give the rest; a token that is not whole goes out as it is, for no parser takes it."""
        return self._run(last=True)

    def _run(self, *, last: bool) -> bytes:
        self._last = last
        data, at = self._pending, 0
        while at < len(data):
            reached = self._step(data, at)
            if reached is None:
                break
            if reached - at > self._limit and self._until == b"" and data[at] == ord("<"):
                raise UpstreamTooLarge(f"a tag of more than {self._limit} octets")
            at = reached
        if last:
            self._out.append(data[at:])
            at = len(data)
        self._pending = data[at:]
        if len(self._pending) > self._limit:
            raise UpstreamTooLarge(f"a token of more than {self._limit} octets")
        # A long token is looked at again when it has doubled, so that time is linear.
        self._wanted = 2 * len(self._pending) if len(self._pending) > _PATIENCE else 0
        out, self._out = self._out, []
        return b"".join(out)

    def _step(self, data: bytes, at: int) -> int | None:
        """One token from ``at``: where it ends; None: more is needed."""
        if self._until:
            return self._pass(data, at)
        if data[at] != ord("<"):
            return self._characters(data, at)
        if data[at + 1 : at + 2] in {b"!", b"?"}:
            return self._declaration(data, at)
        if data.startswith(b"</", at):
            ended = _END_TAG.match(data, at)
            if ended is None:
                return None
            self._holds = False
            return self._emit(data, at, ended.end())
        tag = tokens.START_TAG_IN_XML.match(data, at)
        return None if tag is None else self._start_tag(data, tag)

    def _declaration(self, data: bytes, at: int) -> int | None:
        """A comment, an instruction, a section or the document's type."""
        for opening, end in _ENDS:
            if data.startswith(opening, at):
                self._until = end
                return self._emit(data, at, at + len(opening))
        if not data.startswith(_CDATA, at):
            if data.startswith(b"<!DOCTYPE", at):
                found = tokens.DOCTYPE_IN_XML.match(data, at)
                return None if found is None else self._emit(data, at, found.end())
            return None  # not yet told from the others, or nothing that a parser takes
        if not self._holds:
            self._until = b"]]>"
            return self._emit(data, at, at + len(_CDATA))
        stop = data.find(b"]]>", at)
        if stop < 0:
            return None
        self._url(data, at, at + len(_CDATA), stop, plain=True)
        return self._emit(data, stop, stop + 3)

    def _emit(self, data: bytes, start: int, end: int) -> int:
        self._out.append(data[start:end])
        return end

    def _pass(self, data: bytes, at: int) -> int | None:
        """A comment, instruction or section that nothing is edited in streams to its end."""
        end = data.find(self._until, at)
        if end >= 0:
            end += len(self._until)
            self._until = b""
            return self._emit(data, at, end)
        kept = len(data) if self._last else max(at, len(data) - len(self._until) + 1)
        return self._emit(data, at, kept) if kept > at else None

    def _characters(self, data: bytes, at: int) -> int | None:
        end = data.find(b"<", at)
        if not self._holds:
            return self._emit(data, at, len(data) if end < 0 else end)
        if end < 0:
            return None
        self._url(data, at, at, end, plain=False)
        return end

    def _url(self, data: bytes, at: int, start: int, end: int, *, plain: bool) -> None:
        """Put out from ``at``, the text from ``start`` to ``end`` mapped."""
        given = self._decode(data[start:end], plain=plain)
        value = given.strip(_SPACE)
        mapped = self.text(value) if value else value
        if mapped == value:
            self._out.append(data[at:end])
            return
        before, _, after = given.partition(value)
        text = before + mapped + after
        raw = text if plain else _escape(text)
        self._out += (data[at:start], raw.encode(self._encoding, "xmlcharrefreplace"))

    def _decode(self, raw: bytes, *, plain: bool = False) -> str:
        text = raw.decode("ascii" if raw.isascii() else self._encoding, "replace")
        return text if plain else unescape_xml(text)

    def _start_tag(self, data: bytes, tag: re.Match[bytes]) -> int:
        element = tag.group(1)
        values: dict[bytes, str] = {}
        done = tag.start()
        for found in tokens.ATTRIBUTE.finditer(data, *tag.span(2)):
            group = found.lastindex or 1
            if group == 1:
                continue
            name, raw = found.group(1), found.group(group)
            values[name] = value = self._decode(raw)
            mapped = self.attribute(element, name, value)
            if mapped != value:
                quote = "'" if group == 3 else '"'
                escaped = escape_attribute(mapped, quote).encode(
                    self._encoding, "xmlcharrefreplace"
                )
                self._out += (data[done : found.start(group)], escaped)
                done = found.end(group)
        self._out.append(data[done : tag.end()])
        whole = not tokens.is_self_closing(data, tag)
        self._holds = whole and self.holds_url(element, values, inside=self._holds)
        return tag.end()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def local(name: bytes) -> bytes:
    """A name without its prefix."""
    return name.rpartition(b":")[2]
