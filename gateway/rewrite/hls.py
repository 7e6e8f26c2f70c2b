"""HLS playlists (RFC 8216 and its second edition): the URLs that a player loads.

Line by line, as the format has it: a line that is no tag is a URL, and some attributes of
tags are.  Absolute ones change; every other octet stays.  What does not begin as a
playlist is none, whatever its type says, and passes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.rewrite.css import LIMIT
from gateway.rewrite.urls import with_whole_host

if TYPE_CHECKING:
    from gateway.rewrite.urls import Map

_BEGINNING = b"#EXTM3U"
_LINE = re.compile(rb"[^\n]*+\n|[^\n]++\Z")
"""LF ends it, with or without a CR before it; a lone CR does not (RFC 8216, 4.1)."""
_MARK = b"\xef\xbb\xbf"
_ATTRIBUTE = re.compile(rb'([A-Z0-9-]++)=(?:"([^"\r\n]*+)"|[^",]*+)')
_TAG = re.compile(rb"#EXT-X-[A-Z0-9-]++:")
_DEFINE = b"#EXT-X-DEFINE:"
# URI, SERVER-URI, X-ASSET-URI, and what else calls itself so; and a list of interstitials.
_URL_NAMES = (b"URI", b"X-ASSET-LIST")
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*\{\$")
_VARIABLE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")
_PATIENCE = 4096
_MOST = 256
"""Variables of one playlist that are remembered."""


class HlsRewriter:
    """One playlist in chunks of octets; a line longer than ``limit`` is left out."""

    def __init__(self, map_url: Map, limit: int = LIMIT) -> None:
        """``map_url`` maps a URL as it stands in the playlist."""
        self._map_url = with_whole_host(map_url)
        self._limit = limit
        self._pending = b""
        self._wanted = 0
        self._begun = False
        self._is_playlist = True
        self._dropping = False
        self._variables: dict[str, str] = {}

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give the lines that are whole."""
        return self._take(data, last=False)

    def close(self) -> bytes:
        """Give the last line."""
        return self._take(b"", last=True)

    def _take(self, data: bytes, *, last: bool) -> bytes:
        if not self._is_playlist:
            return data
        data = self._pending + data
        if len(data) < self._wanted and not last:
            self._pending = data
            return b""
        if not self._begun:
            if len(data) < len(_MARK + _BEGINNING) and not last:
                self._pending = data
                return b""
            self._begun = True
            self._is_playlist = data.removeprefix(_MARK).startswith(_BEGINNING)
            if not self._is_playlist:
                self._pending = b""
                return data
        end = len(data) if last else data.rfind(b"\n") + 1
        self._pending = data[end:]
        lines = _LINE.findall(data[:end])
        if self._dropping and lines:
            self._dropping = not lines[0].endswith(b"\n")
            lines = lines[1:]
        if len(self._pending) > self._limit or self._dropping:
            self._pending, self._dropping = b"", True
        # A long line is looked at again when it has doubled, so that time is linear.
        self._wanted = 2 * len(self._pending) if len(self._pending) > _PATIENCE else 0
        return b"".join(self._line(line) for line in lines if len(line) <= self._limit)

    def _line(self, line: bytes) -> bytes:
        if line[:1] == b"#":
            tag = _TAG.match(line)
            return line if tag is None else self._tag(line, tag)
        url = line.strip(b" \t\r\n")
        if not url:
            return line
        mapped = self._mapped(url)
        return line if mapped == url else line.replace(url, mapped, 1)

    def _tag(self, line: bytes, tag: re.Match[bytes]) -> bytes:
        values = [one for one in _ATTRIBUTE.finditer(line, tag.end()) if one.lastindex == 2]
        defines = tag.group() == _DEFINE
        if defines:
            self._define({one.group(1): one.group(2) for one in values})
        out: list[bytes] = []
        done = tag.start()
        for one in values:
            name, value = one.groups()
            if name.endswith(_URL_NAMES) or (defines and name == b"VALUE"):
                mapped = self._mapped(value)
                if mapped != value:
                    out += (line[done : one.start(2)], mapped)
                    done = one.end(2)
        return b"".join((*out, line[done:])) if out else line

    def _define(self, values: dict[bytes, bytes]) -> None:
        name = values.get(b"NAME", b"").decode("latin-1")
        if name and b"VALUE" in values and len(self._variables) < _MOST:
            self._variables[name] = values[b"VALUE"].decode("utf-8", "replace")

    def _mapped(self, raw: bytes) -> bytes:
        try:
            text, encoding = raw.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            text, encoding = raw.decode("latin-1"), "latin-1"
        given = text
        if "{$" in text and _AUTHORITY.match(text):
            # A host that a variable names: known now, and not to be told from a collapsed one.
            given = _VARIABLE.sub(lambda found: self._variables.get(found[1], found[0]), text)
        mapped = self._map_url(given)
        return raw if mapped == given else mapped.encode(encoding)
