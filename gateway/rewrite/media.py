"""What a request asks for and what a response is: which bodies are read, and as what."""

from __future__ import annotations

from enum import Enum

DOCUMENT_DESTINATIONS = frozenset({"document", "iframe", "frame", "embed", "object"})
_WORKER_DESTINATIONS = frozenset({"worker", "sharedworker", "serviceworker"})
_XML_DOCUMENTS = frozenset({"application/xhtml+xml", "image/svg+xml"})
_XML = frozenset({"text/xml", "application/xml", "text/xsl", "text/rdf"})
"""What browsers read as XML (MIME Sniffing, 4.6), besides every ``+xml``; the last two once did."""
_FEEDS = frozenset({"application/rss+xml", "application/atom+xml"})
"""What Chromium shows as plain text."""
_UNKNOWN = frozenset({"", "text/plain", "application/octet-stream", "unknown/unknown", "*/*"})


class Asked(Enum):
    """What a request is made for, as far as its answer may have to be edited."""

    DOCUMENT = "document"
    STYLE = "style"
    MANIFEST = "manifest"
    WORKER = "worker"
    OTHER = "other"


class Kind(Enum):
    """What a body is read as."""

    UNTOUCHED = "untouched"
    HTML = "html"
    XML = "xml"
    CSS = "css"
    MANIFEST = "manifest"
    WORKER = "worker"

    @property
    def is_document(self) -> bool:
        """Whether the runtime goes into it."""
        return self in {Kind.HTML, Kind.XML}


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
    if destination == "style" or (
        destination is None and (accept or "").lstrip().startswith("text/css")
    ):
        return Asked.STYLE
    return Asked.OTHER


def kind_of(asked: Asked, content_type: str | None, *, nosniff: bool, basic: bool = False) -> Kind:
    """How a successful answer's body is to be read.

    ``basic``: whatever can hold script is, wherever the browser wants to put it.
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
        return Kind.XML if kind in _XML_DOCUMENTS else Kind.UNTOUCHED
    if asked is Asked.STYLE:
        # A document in quirks mode takes any type of its own origin for a sheet.
        is_css = kind == "text/css" or (kind in _UNKNOWN and not nosniff)
        return Kind.CSS if is_css else Kind.UNTOUCHED
    if asked is Asked.MANIFEST:
        return Kind.MANIFEST
    if (asked is Asked.WORKER and "javascript" in kind) or (
        asked is Asked.WORKER and "ecma" in kind
    ):
        return Kind.WORKER
    return Kind.UNTOUCHED


def is_read_by_use(content_type: str | None) -> bool:
    """Whether a body of this type is edited for one destination and not for another.

    A browser's cache must not give the one for the other.
    """
    kind = media_type(content_type)
    return (
        kind in _XML_DOCUMENTS
        or kind in {"text/html", "text/css", *_UNKNOWN}
        or kind.endswith(("javascript", "ecmascript", "json"))
    )
