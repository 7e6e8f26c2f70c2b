"""The streaming scanner that puts runtime and payload first into a document's head.

It follows the HTML standard's tree construction only as far as it must: what comes
before ``<head>``, its start tag, or the first token that makes the parser imply it.
Then every byte passes as it was.  Bytes are scanned, never decoded: the characters that
matter are ASCII in every ASCII-compatible encoding, and only ASCII is inserted.
"""

from __future__ import annotations

import json
import re

_PROLOGUE = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*")
_COMMENT_END = re.compile(rb"--!?>")
_TAG_NAME = re.compile(rb"<([a-zA-Z][^\t\n\f\r />]*)")
_NAME = rb"[^\t\n\f\r />][^\t\n\f\r />=]*+"
_VALUE = rb"(?>\"[^\"]*+\"|'[^']*+'|(?=>)|[^\"'\t\n\f\r >][^\t\n\f\r >]*+)"
_EQUALS = rb"[\t\n\f\r ]*+=[\t\n\f\r ]*+"
# An equals sign whose value is not there yet must not be taken for a name.
_ATTRIBUTE = _NAME + rb"(?>" + _EQUALS + _VALUE + rb"|(?!" + _EQUALS + rb"))"
# A start tag to its end: quoted values may contain ">".
_TAG = re.compile(
    rb"<[a-zA-Z][^\t\n\f\r />]*+(?>[\t\n\f\r /]*+" + _ATTRIBUTE + rb"|[\t\n\f\r /]++)*+>"
)
_END = re.compile(b">")
_UTF16 = (b"\xfe\xff", b"\xff\xfe")
_LIMIT = 64 * 1024


class Injector:
    """Feeds a document through and inserts ``markup`` once.

    ``markup`` is ASCII.  Bounded: when 64 KiB passed without a place being found, the
    document is an odd one, and the markup goes where the scanner stands.
    """

    def __init__(self, markup: bytes) -> None:
        """Make a scanner for one document."""
        self._markup: bytes | None = markup
        self._pending = b""
        self._position = 0

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        if self._markup is None:
            return data
        self._pending += data
        place = self._find(ended=False)
        if place is None and len(self._pending) <= _LIMIT:
            return b""
        return self._insert(self._position if place is None else place)

    def close(self) -> bytes:
        """Give the rest at the end of the document."""
        if self._markup is None:
            return b""
        place = self._find(ended=True)
        return self._insert(len(self._pending) if place is None else place)

    def _insert(self, place: int) -> bytes:
        text, markup = self._pending, self._markup or b""
        self._pending, self._markup = b"", None
        if text.startswith(_UTF16):  # not ASCII-compatible: left alone until transcoding is here
            return text
        return text[:place] + markup + text[place:]

    def _find(self, *, ended: bool) -> int | None:
        """Where to insert, or None if more is needed; remembers how far it is."""
        text = self._pending
        if self._position == 0:
            self._position = _PROLOGUE.match(text).end()  # type: ignore[union-attr]
            if text[:3] in {b"\xef", b"\xef\xbb"} and not ended:
                self._position = 0
                return None
        while self._position < len(text):
            start = self._position
            step = self._step(text, start, ended=ended)
            if step is None:
                return None
            end, done = step
            if done:
                return end
            self._position = end
        return None

    def _step(self, text: bytes, at: int, *, ended: bool) -> tuple[int, bool] | None:
        """One token from ``at``: (end, whether that is the place); None: more is needed."""
        if text[at] in b"\t\n\f\r ":
            return at + 1, False
        if text[at] != ord("<"):
            return at, True
        if len(text) - at < 9 and not ended and text.find(b">", at) < 0:
            return None
        if text.startswith(b"<!--", at):
            if text.startswith((b"<!-->", b"<!--->"), at):
                return text.index(b">", at) + 1, False
            return self._after(_COMMENT_END.search(text, at + 4), ended=ended, at=at)
        if text[at + 1 : at + 2] in {b"!", b"?"} or text.startswith(b"</", at):
            # A doctype, a bogus comment, or an end tag that the parser drops here.
            return self._after(_END.search(text, at), ended=ended, at=at)
        named = _TAG_NAME.match(text, at)
        if named is None:
            return at, True
        name = named.group(1).lower()
        if named.end() == len(text) and not ended:
            return None
        if name not in {b"html", b"head"}:
            return at, True
        found = _TAG.match(text, at)
        if found is None:
            return (at, True) if ended else None
        return found.end(), name == b"head"

    @staticmethod
    def _after(found: re.Match[bytes] | None, *, ended: bool, at: int) -> tuple[int, bool] | None:
        if found is not None:
            return found.end(), False
        return (at, True) if ended else None


def payload_markup(payload: object, element_id: str, script_url: str, digest: str) -> bytes:
    """The inert JSON and the script element that reads it, as ASCII markup.

    ``<``, ``>`` and ``&`` are escaped in the JSON, so that no cookie's value can end the
    element.  Integrity lets a policy of hashes and ``strict-dynamic`` admit the script.
    """
    text = json.dumps(payload, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return (
        f'<script type="application/json" id="{element_id}">{text}</script>'
        f'<script src="{script_url}" integrity="{digest}"></script>'
    ).encode("ascii")
