"""Which responses are documents to be edited, and which requests ask for one."""

from __future__ import annotations

DOCUMENT_TYPES = frozenset({"text/html", "application/xhtml+xml"})
DOCUMENT_DESTINATIONS = frozenset({"document", "iframe", "frame", "embed", "object"})


def media_type(content_type: str | None) -> str:
    """The essence of a Content-Type: ``text/html``; empty if there is none."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_ascii_compatible(content_type: str | None) -> bool:
    """Whether a Content-Type leaves ASCII markup readable as octets.

    What is not so in an octet stream is not edited: UTF-16 and the escaping encodings.
    """
    charset = (content_type or "").lower().partition("charset=")[2].strip("\"' ")
    return not charset.startswith(("utf-16", "utf-32", "utf-7", "iso-2022", "hz", "unicode"))


def wants_document(destination: str | None, mode: str | None, accept: str | None) -> bool:
    """Whether a request is made for a document or frame.

    By Sec-Fetch-Dest where the browser sends it; else by an ``Accept`` that names HTML.
    """
    if destination is not None:
        return destination in DOCUMENT_DESTINATIONS
    if mode is not None:
        return mode == "navigate"
    return "text/html" in (accept or "")
