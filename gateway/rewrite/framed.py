"""Documents in ``data:`` URLs of frames: no server sends them, so they are edited in place.

As with ``srcdoc`` the runtime goes in first.  Octets are handled as characters of Latin-1:
what is edited and put in is ASCII, and the encoding that the URL names stays.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

_DATA = re.compile(
    r"[\0- ]*+data:[ ]*+text/html(?P<type>(?:;[^,;]*+)*+),(?P<body>[^#]*+)", re.IGNORECASE
)
_VANISHING = str.maketrans("", "", "\t\n\r")
_BASE64 = re.compile(r";[ ]*+base64[ ]*+\Z", re.IGNORECASE)
_BLANKS = re.compile(rb"[\t\n\f\r ]")
_KEPT = "~!*'()/:;=,"


def map_frame(url: str, rewrite_document: Callable[[str], str]) -> str:
    """The URL of the edited document; other URLs come back as they are."""
    found = _DATA.match(url.translate(_VANISHING))
    if found is None:
        return url
    octets = unquote_to_bytes(found["body"])
    kind = _BASE64.sub("", found["type"])
    if kind != found["type"]:
        raw = _BLANKS.sub(b"", octets).rstrip(b"=")
        try:
            octets = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
        except binascii.Error:
            return url  # nor does the browser read it
    edited = rewrite_document(octets.decode("latin-1"))
    return f"data:text/html{kind},{quote(edited.encode('latin-1', 'replace'), safe=_KEPT)}"
