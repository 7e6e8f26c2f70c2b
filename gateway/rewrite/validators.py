"""Validators of edited bodies: an ETag of ours that carries the origin's (RFC 9110, 8.8, 13).

The origin's validator says whether its body changed; a digest says whether what was put
in did: the rewriter's version, the session, the cookies that the page sees.  Both stand
in one ETag, so nothing has to be remembered here, and a condition goes upstream only
while the digest still agrees.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

REVISION = b"1"
"""Changes whenever the same input is rewritten differently."""

_OURS = re.compile(rb'W/"gw-([A-Za-z0-9_-]{16})-([et])-([A-Za-z0-9_-]*)"')
_MAX = 2048


def digest(*parts: bytes) -> bytes:
    """A short digest over what was put into a body, and how."""
    state = hashlib.sha256(REVISION)
    for part in parts:
        state.update(len(part).to_bytes(8, "big") + part)
    return base64.urlsafe_b64encode(state.digest()[:12])


def outgoing(etag: bytes | None, last_modified: bytes | None, tag: bytes) -> bytes | None:
    """Our ETag from the origin's validators; None where it gave none.

    Weak, for the same page goes out in several codings.
    """
    kind, value = (b"e", etag) if etag is not None else (b"t", last_modified)
    if not value or len(value) > _MAX:
        return None
    text = base64.urlsafe_b64encode(value).rstrip(b"=")
    return b'W/"gw-' + tag + b"-" + kind + b"-" + text + b'"'


def incoming(if_none_match: bytes, tag: bytes) -> tuple[bytes, bytes] | None:
    """The condition to send upstream for a browser's ``If-None-Match``; None: none."""
    for found in _OURS.finditer(if_none_match[: 8 * _MAX]):
        given, kind, text = found.groups()
        if given != tag:
            continue
        try:
            value = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:
            continue
        if value and all(0x20 <= octet != 0x7F for octet in value):
            return (b"If-None-Match" if kind == b"e" else b"If-Modified-Since"), value
    return None
