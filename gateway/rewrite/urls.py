"""URLs in the texts that hold them: alone, in lists, in ``srcset``, in a refresh.

One ``UrlMap`` per document.  A URL that cannot leave its origin comes back as the same
object, so that callers can tell that nothing is to be edited.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.origins import parse

if TYPE_CHECKING:
    from gateway.origins import Codec

Map = Callable[[str], str]

_SPACE = "\t\n\f\r "
# HTML standard, "shared declarative refresh steps"; quotes end the URL.  Chromium takes a
# vertical tab for white space, too.
_REFRESH = re.compile(
    r"([\t-\r ]*(?:[0-9]+[0-9.]*|\.[0-9.]*)(?:[\t-\r ]*[;,]|[\t-\r ])[\t-\r ]*"
    r"(?:[uU][rR][lL][\t-\r ]*=[\t-\r ]*)?)(?:\"([^\"]*)|'([^']*)|([^\"'][\s\S]*))?"
)
_SRCSET_URL = re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]+)")
_TOKEN = re.compile(r"[^\t\n\f\r ]+")


class UrlMap:
    """The map of one document's URLs; ``url`` is where the document was, expanded."""

    def __init__(self, codec: Codec, url: str) -> None:
        """Map against ``url`` until a ``<base>`` says otherwise."""
        self.codec = codec
        self.document_url = url
        self.base = url

    def url(self, text: str) -> str:
        """Map one URL as it stands in an attribute or token."""
        return self.codec.collapse_url(text, self.base)

    def set_base(self, href: str) -> None:
        """A ``<base href>`` was seen: relative schemes are its scheme (HTML, 4.2.3)."""
        found = parse(href, self.document_url)
        if found is not None:
            self.base = found[1].href


_OPEN_AUTHORITY = re.compile(r"[^/\\]*[/\\]{2,}[^/\\?#]*[{$]")


def with_whole_host(map_url: Map) -> Map:
    """The same for URLs of templates: one whose host has a hole stays, for nobody knows it."""
    return lambda text: text if _OPEN_AUTHORITY.match(text) else map_url(text)


def map_list(text: str, map_url: Map) -> str:
    """URLs separated by white space (``ping``, ``archive``)."""
    return _TOKEN.sub(lambda found: map_url(found.group()), text)


def map_refresh(text: str, map_url: Map) -> str:
    """The URL in ``Refresh`` and ``<meta http-equiv=refresh>``."""
    found = _REFRESH.match(text)
    if found is None or found.lastindex is None or found.lastindex < 2:
        return text
    start, end = found.span(found.lastindex)
    mapped = map_url(text[start:end])
    return text[:start] + mapped + text[end:]


def map_srcset(text: str, map_url: Map) -> str:
    """Image candidates (HTML standard, "parsing a srcset attribute").

    A comma belongs to the URL unless it ends it; within descriptors, parentheses hide
    commas.
    """
    out: list[str] = []
    at = done = 0
    while (found := _SRCSET_URL.match(text, at)) is not None:
        start, end = found.span(1)
        url = text[start:end]
        at = end
        if url[-1] == ",":
            url = url.rstrip(",")
        else:
            at = _end_of_descriptors(text, end)
        mapped = map_url(url)
        if mapped is not url and mapped != url:
            out += (text[done:start], mapped)
            done = start + len(url)
    return "".join(out) + text[done:] if out else text


def _end_of_descriptors(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        character = text[at]
        if character == "(":
            depth = 1
        elif character == ")":
            depth = 0
        elif character == "," and not depth:
            return at
        at += 1
    return at
