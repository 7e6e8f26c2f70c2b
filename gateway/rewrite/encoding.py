"""Character encodings of documents: found as browsers find them, made ASCII-compatible.

The byte order mark counts first, then the header, then what the document says of itself
(Encoding standard; HTML standard, 13.2.3).  A document keeps its encoding: its script sees
that, and so do the queries and forms that it sends.  Where markup cannot be read as octets
in it (UTF-16, ISO-2022-JP), it is UTF-8 while it is edited, and is written as it came.
"""

from __future__ import annotations

import codecs
import functools
import re

import attrs
import html5prescan
import webencodings

_PRESCAN = 1024
_MARKED = 4
"""How many octets tell whether there is a byte order mark, or UTF-16 without one."""
_UTF8_MARK = b"\xef\xbb\xbf"
_MARKS = ((_UTF8_MARK, "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
_XML_STARTS = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
_XML_DECLARATION = re.compile(
    rb"<\?xml[^>]*?\bencoding[\t\n\r ]*=[\t\n\r ]*[\"']([A-Za-z][A-Za-z0-9._-]*)[\"']"
)
_CSS_CHARSET = re.compile(rb'@charset "([\x20-\x21\x23-\x7e]*)";')
_CHARSET = re.compile(r";\s*charset\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]+))", re.IGNORECASE)
_TRANSCODED = frozenset({"utf-16-be", "utf-16-le", "iso2022_jp_ext"})
_UNKNOWN = "latin-1"
"""Stands for whatever a browser guesses: octets go through it unharmed."""
# Labels of encodings that browsers refuse to read: the document is one U+FFFD to them.
_REPLACEMENT = frozenset(
    {"hz-gb-2312", "iso-2022-cn", "iso-2022-cn-ext", "iso-2022-kr", "csiso2022kr", "replacement"}
)


@attrs.frozen
class Found:
    """An encoding: its Python codec, and its label where the document itself says it.

    ``mark`` is how many octets of a byte order mark come first.
    """

    codec: str
    label: str = ""
    mark: int = 0

    @property
    def is_transcoded(self) -> bool:
        """Whether the document must become UTF-8 to be read as octets."""
        return self.codec in _TRANSCODED


def charset_of(content_type: str | None) -> str | None:
    """The ``charset`` parameter of a Content-Type."""
    found = _CHARSET.search(content_type or "")
    return None if found is None else (found.group(1) or found.group(2) or "").strip()


def codec_for(label: str | None) -> str | None:
    """The Python codec of an encoding label; None for one that browsers do not know."""
    if label is None or label.strip().lower() in _REPLACEMENT:
        return None
    known = webencodings.lookup(label)
    if known is None or known.name == "x-user-defined":
        return None
    name = {
        "utf-16be": "utf-16-be",
        "utf-16le": "utf-16-le",
        "shift_jis": "cp932",
        "iso-2022-jp": "iso2022_jp_ext",
    }.get(known.name)
    return name or codecs.lookup(known.codec_info.name).name


def hides_ascii(label: str | None) -> bool:
    """Whether what octets look like in ASCII is not what browsers read in an encoding."""
    return codec_for(label) in _TRANSCODED


def find(head: bytes, charset: str | None, *, xml: bool, whole: bool) -> Found | None:
    """Decide by the first octets of a document; None: more are needed.

    ``charset`` is the header's, ``whole`` says that no more will come.
    """
    if len(head) < _MARKED and not whole:
        return None
    if found := _told(head, charset):
        return found
    if xml:
        return _find_xml(head, whole=whole)
    if len(head) < _PRESCAN and not whole:
        return None  # what looks like a declaration may yet turn out to be in a comment
    scan, _ = html5prescan.get(head[:_PRESCAN])
    if scan.label and (codec := codec_for(scan.name)):
        return Found(codec, scan.label)
    return Found(_UNKNOWN)


def _told(head: bytes, charset: str | None) -> Found | None:
    """By a byte order mark or the header, which outweigh what the text says."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Found(name, mark=len(mark))
    codec = codec_for(charset)
    return None if codec is None else Found(codec)


def _find_xml(head: bytes, *, whole: bool) -> Found | None:
    for start, name in _XML_STARTS:
        if head.startswith(start):
            return Found(name)
    if b"<?xml".startswith(head) and not whole:
        return None
    if head.startswith(b"<?xml"):
        if b"?>" not in head[:_PRESCAN] and not whole and len(head) < _PRESCAN:
            return None
        declared = _XML_DECLARATION.match(head)
        codec = codec_for(declared.group(1).decode("ascii")) if declared else None
        if codec is not None and codec not in _TRANSCODED:
            return Found(codec)
    return Found("utf-8")


def find_css(head: bytes, charset: str | None, *, whole: bool) -> Found | None:
    """The same for a stylesheet (css-syntax-3, section 3.2)."""
    if len(head) < _MARKED and not whole:
        return None
    if found := _told(head, charset):
        return found
    if b'@charset "'.startswith(head[:10]) and len(head) < 10 and not whole:
        return None
    declared = _CSS_CHARSET.match(head)
    if declared is None and head.startswith(b'@charset "') and len(head) < _PRESCAN and not whole:
        return None
    codec = codec_for(declared.group(1).decode("ascii")) if declared else None
    # A sheet that says so in ASCII cannot be UTF-16.
    return Found(codec if codec is not None and not codec.startswith("utf-16") else "utf-8")


class Transcoder:
    """A document whose encoding hides markup: UTF-8 while it is edited, and back."""

    def __init__(self, found: Found) -> None:
        """Make a transcoder for one document."""
        self._read = codecs.getincrementaldecoder(found.codec)("replace")
        self._edited = codecs.getincrementaldecoder("utf-8")("replace")
        self._write = codecs.getincrementalencoder(found.codec)("replace")
        self._shifts = not found.codec.startswith("utf-16")
        self._left = found.mark
        self._mark = b""

    def read(self, data: bytes, *, final: bool = False) -> bytes:
        """A chunk of the document in UTF-8; its byte order mark is kept apart."""
        if self._left:
            self._mark += data[: self._left]
            data, self._left = data[self._left :], max(0, self._left - len(data))
        return self._read.decode(data, final).encode("utf-8", "replace")

    def write(self, data: bytes, *, final: bool = False) -> bytes:
        """A chunk of the edited document as it goes out."""
        text = self._edited.decode(data, final)
        mark, self._mark = self._mark, b""
        if self._shifts:
            text = _NOT_ASCII.sub(_shown, text)
        return mark + self._write.encode(text, final)


# What would begin an escape sequence is none in what goes out, whatever it came as.
_NOT_ASCII = re.compile(r"[^\0-\x0d\x10-\x1a\x1c-\x7f]")


def _shown(found: re.Match[str]) -> str:
    return _in_iso_2022_jp(found.group())


@functools.lru_cache(4096)
def _in_iso_2022_jp(character: str) -> str:
    """A character as browsers read it in ISO-2022-JP: Python knows a set more than they do."""
    if "\uff61" <= character <= "\uff9f":
        return character
    if character in "\x0e\x0f\x1b":
        return "?"
    return character.encode("iso2022_jp", "replace").decode("iso2022_jp")
