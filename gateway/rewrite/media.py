"""What a request asks for and what a response is: which bodies are read, and as what.

Documents, what documents load as sheets, manifests and workers, and what media elements
play.  What script fetches is left alone, whatever it is: the runtime maps the URLs where
script uses them.  A player that is no browser says nothing (no ``Sec-Fetch-Dest``): a
playlist that it asks for is edited.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FRAME_DESTINATIONS = frozenset({"iframe", "frame", "embed", "object"})
DOCUMENT_DESTINATIONS = FRAME_DESTINATIONS | {"document"}
_WORKER_DESTINATIONS = frozenset({"worker", "sharedworker", "serviceworker"})
_XML_DOCUMENTS = frozenset({"application/xhtml+xml", "image/svg+xml"})
_XML = frozenset({"text/xml", "application/xml", "text/xsl", "text/rdf"})
"""What browsers read as XML (MIME Sniffing, 4.6), besides every ``+xml``; the last two once did."""
_FEEDS = frozenset({"application/rss+xml", "application/atom+xml"})
"""What Chromium shows as plain text."""
_MEDIA_DESTINATIONS = frozenset({"video", "audio"})
_UNKNOWN = frozenset({"", "text/plain", "application/octet-stream", "unknown/unknown", "*/*"})


class Asked(Enum):
    """What a request is made for, as far as its answer may have to be edited."""

    DOCUMENT = "document"
    STYLE = "style"
    MANIFEST = "manifest"
    WORKER = "worker"
    XSLT = "xslt"
    SCRIPT = "script"
    MEDIA = "media"
    OTHER = "other"

    @property
    def is_edited(self) -> bool:
        """Whether the answer is likely to be: then it must come whole, in a coding that is read.

        Media are not: players ask for them in ranges, and few of them are playlists.
        """
        return self not in {Asked.MEDIA, Asked.OTHER}


class Kind(Enum):
    """What a body is read as."""

    UNTOUCHED = "untouched"
    HTML = "html"
    XML = "xml"
    CSS = "css"
    MANIFEST = "manifest"
    WORKER = "worker"
    HLS = "hls"
    DASH = "dash"
    XSLT = "xslt"
    SCRIPT = "script"
    PLAIN_XML = "plain xml"
    """XML that is neither XHTML nor SVG: shown as a tree, or by a sheet that it names."""

    @property
    def is_document(self) -> bool:
        """Whether the runtime goes into it."""
        return self in {Kind.HTML, Kind.XML}


PLAYLISTS = {
    "application/vnd.apple.mpegurl": Kind.HLS,
    "application/x-mpegurl": Kind.HLS,
    "audio/mpegurl": Kind.HLS,
    "audio/x-mpegurl": Kind.HLS,
    "application/dash+xml": Kind.DASH,
}
_SUFFIXES = {".m3u8": Kind.HLS, ".m3u": Kind.HLS, ".mpd": Kind.DASH}
"""Where the type says nothing, and may be doubted: what players go by then."""


_BETWEEN_COMMAS = re.compile(r'(?>[^",]++|"(?>[^"\\]++|\\.)*+"?)*+')
_ESSENCE = re.compile(r"[ \t]*([!#$%&'*+.^_`|~\w-]+/[!#$%&'*+.^_`|~\w-]+)[ \t]*(?:;|\Z)", re.ASCII)
_CHARSET = re.compile(r";[ \t]*charset=", re.IGNORECASE)


def content_type_of(values: Iterable[bytes]) -> str | None:
    """The Content-Type of an answer with these fields of the name; None: there is none.

    The last one that can be read counts, as in browsers (Fetch, "extract a MIME type").
    """
    given = [value.decode("latin-1") for value in values]
    if len(given) == 1 and "," not in given[0]:
        return given[0]
    found: str | None = None
    charset = ""
    for one in given:
        at = 0
        while at <= len(one):
            part = _BETWEEN_COMMAS.match(one, at)
            end = part.end() if part is not None else len(one)
            text, at = one[at:end], end + 1
            essence = _ESSENCE.match(text)
            if essence is None or essence[1] == "*/*":
                continue
            same = found is not None and media_type(found) == essence[1].lower()
            named = _CHARSET.search(text)
            if named is not None:
                charset = text[named.start() :]
            elif same:
                text += charset
            else:
                charset = ""
            found = text
    return found


def media_type(content_type: str | None) -> str:
    """The essence of a Content-Type: ``text/html``; empty if there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def wants_document(destination: str | None, mode: str | None, accept: str | None) -> bool:
    """Whether a request is made for a document or frame.

    By Sec-Fetch-Dest where the browser sends it; else by an ``Accept`` that names HTML.
    """
    if destination is not None:
        return destination in DOCUMENT_DESTINATIONS
    if mode is not None:
        return mode == "navigate"
    return "text/html" in (accept or "")


def asked_for(destination: str | None, mode: str | None, accept: str | None) -> Asked:
    """What a request is made for (Fetch, "destination"); what script fetches is left alone."""
    if wants_document(destination, mode, accept):
        return Asked.DOCUMENT
    if destination in _WORKER_DESTINATIONS:
        return Asked.WORKER
    if destination == "manifest":
        return Asked.MANIFEST
    if destination == "xslt":
        return Asked.XSLT
    if destination == "script":
        return Asked.SCRIPT  # not of worklets, which have no location and no runtime
    if destination == "style" or (
        destination is None and (accept or "").lstrip().startswith("text/css")
    ):
        return Asked.STYLE
    if destination in _MEDIA_DESTINATIONS or (destination is None and mode is None):
        return Asked.MEDIA
    return Asked.OTHER


def kind_of(
    asked: Asked,
    content_type: str | None,
    *,
    nosniff: bool,
    basic: bool = False,
    path: str = "",
) -> Kind:
    """How a successful answer's body is to be read.

    ``basic``: whatever can hold script is, wherever the browser wants to put it.  ``path``
    is the URL's, by whose end players know a playlist of no type.
    """
    kind = media_type(content_type)
    if basic and ((kind.endswith("+xml") and kind not in _FEEDS) or kind in _XML):
        return Kind.XML
    if basic and kind == "text/html":
        # A browser that says little may ask for a document as for anything else.
        return Kind.HTML
    if asked is Asked.DOCUMENT:
        if kind == "text/html":
            return Kind.HTML
        if kind in _XML_DOCUMENTS:
            return Kind.XML
        return PLAYLISTS.get(kind) or (Kind.PLAIN_XML if _is_xml(kind) else Kind.UNTOUCHED)
    if asked is Asked.MEDIA:
        sniffed = not nosniff and kind in _UNKNOWN
        suffix = path[path.rfind(".") :].lower() if sniffed else ""
        return PLAYLISTS.get(kind) or _SUFFIXES.get(suffix, Kind.UNTOUCHED)
    if asked is Asked.XSLT:
        is_sheet = kind in _XML or kind.endswith("+xml") or (kind in _UNKNOWN and not nosniff)
        return Kind.XSLT if is_sheet else Kind.UNTOUCHED
    if asked is Asked.STYLE:
        # A document in quirks mode takes any type of its own origin for a sheet.
        is_css = kind == "text/css" or (kind in _UNKNOWN and not nosniff)
        return Kind.CSS if is_css else Kind.UNTOUCHED
    if asked is Asked.MANIFEST:
        return Kind.MANIFEST
    if asked is Asked.SCRIPT and _runs(kind, nosniff=nosniff):
        return Kind.SCRIPT
    # As a worker some browsers run what calls itself a page; what they refuse does no harm.
    return Kind.WORKER if asked is Asked.WORKER else Kind.UNTOUCHED


def _is_script(kind: str) -> bool:
    return "javascript" in kind or "ecma" in kind or kind in {"text/jscript", "text/livescript"}


def _runs(kind: str, *, nosniff: bool) -> bool:
    """Whether a browser runs what it asked for as a script (Fetch, 2.2.6 and 3.5)."""
    if _is_script(kind):
        return True
    return (
        not nosniff
        and not kind.startswith(("image/", "audio/", "video/", "text/css", "text/csv"))
        and (kind in _UNKNOWN or kind.startswith("text/"))
    )


def is_read_by_use(content_type: str | None) -> bool:
    """Whether a body of this type is edited for one destination and not for another.

    A browser's cache must not give the one for the other.
    """
    kind = media_type(content_type)
    if kind in PLAYLISTS or kind == "image/svg+xml":
        return True
    # All else may be a worker's script.
    return not kind.startswith(("image/", "audio/", "video/", "font/", "text/csv"))


def _is_xml(kind: str) -> bool:
    """Whether a browser shows a document of this type as XML."""
    return kind in _XML or (kind.endswith("+xml") and kind not in _FEEDS)
