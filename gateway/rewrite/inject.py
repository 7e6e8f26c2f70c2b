"""The streaming scanner that puts runtime and payload first into a document's head.

It follows the HTML standard's tree construction only as far as it must: what comes
before ``<head>``, its start tag, or the first token that makes the parser imply it.
Then every byte passes as it was.  Bytes are scanned, never decoded: the characters that
matter are ASCII in every ASCII-compatible encoding, and only ASCII is inserted.
"""

from __future__ import annotations

import json
import re

from gateway import wire

_PROLOGUE = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*")
_COMMENT_END = re.compile(rb"--!?>")
_TAG_NAME = re.compile(rb"<([a-zA-Z][^\t\n\f\r />]*)")
_NAME = rb"[^\t\n\f\r />][^\t\n\f\r />=]*+"
_VALUE = rb"(?>\"[^\"]*+\"|'[^']*+'|(?=>)|[^\"'\t\n\f\r >][^\t\n\f\r >]*+)"
_EQUALS = rb"[\t\n\f\r ]*+=[\t\n\f\r ]*+"
# An equals sign whose value is not there yet must not be taken for a name.
_ATTRIBUTE = _NAME + rb"(?>" + _EQUALS + _VALUE + rb"|(?!" + _EQUALS + rb"))"
_END_TAG_OPEN = re.compile(rb"</[a-zA-Z]")
# A tag to its end: quoted values may contain ">".
_TAG = re.compile(
    rb"</?[a-zA-Z][^\t\n\f\r />]*+(?>[\t\n\f\r /]*+" + _ATTRIBUTE + rb"|[\t\n\f\r /]++)*+>"
)
_END = re.compile(b">")
_XML_DOCTYPE = re.compile(rb"<!doctype[^>\[]*+(?:\[[^\]]*+\][^>]*+)?>", re.IGNORECASE)
_LIMIT = 64 * 1024
_SHORT = 4096


class Injector:
    """Feeds a document through and inserts ``markup`` once.

    ``markup`` is ASCII.  Bounded: when 64 KiB passed without a place being found, the
    document is an odd one, and the markup goes where the scanner stands.  ``xml``: the
    document is XHTML or SVG: its doctype may hold declarations in brackets, and its root
    may be any element.
    """

    def __init__(self, markup: bytes, *, xml: bool = False) -> None:
        """Make a scanner for one document."""
        self._doctype = _XML_DOCTYPE if xml else _END
        self._xml = xml
        self._rooted = False
        self._markup: bytes | None = markup
        self._chunks: list[bytes] = []
        self._size = 0
        self._wanted = 0
        self._pending = b""
        self._position = 0

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        if self._markup is None:
            return data
        self._chunks.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return b""
        self._gather()
        place = self._find(ended=False)
        if place is None and self._size < _LIMIT:
            # A long prologue is looked at again when it has doubled, so that time is linear.
            self._wanted = min(_LIMIT, 2 * self._size) if self._size > _SHORT else 0
            return b""
        return self._insert(self._position if place is None else place)

    def close(self) -> bytes:
        """Give the rest at the end of the document."""
        if self._markup is None:
            return b""
        self._gather()
        place = self._find(ended=True)
        return self._insert(min(self._size, _LIMIT) if place is None else place)

    def _gather(self) -> None:
        self._pending = b"".join(self._chunks)
        self._chunks = [self._pending]

    def _insert(self, place: int) -> bytes:
        text, markup = self._pending, self._markup or b""
        self._pending, self._markup = b"", None
        self._chunks = []
        return text[:place] + markup + text[place:]

    def _find(self, *, ended: bool) -> int | None:
        """Where to insert, or None if more is needed; remembers how far it is."""
        # Nothing beyond the limit is looked at, so that every chunking finds the same place.
        text = self._pending[:_LIMIT]
        ended = ended and len(self._pending) <= _LIMIT
        if len(text) < 3 and not ended:
            return None  # a byte order mark may be on its way
        if self._position == 0:
            prologue = _PROLOGUE.match(text)
            self._position = prologue.end() if prologue else 0
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
        if _END_TAG_OPEN.match(text, at):  # the parser drops it here, attributes and all
            return self._after(_TAG.match(text, at), ended=ended, at=at)
        if text[at + 1 : at + 2] in {b"!", b"?"} or text.startswith(b"</", at):
            # A doctype, a processing instruction or a bogus comment.
            is_doctype = text[at : at + 9].lower() == b"<!doctype"
            end = self._doctype if is_doctype else _END
            return self._after(end.search(text, at), ended=ended, at=at)
        named = _TAG_NAME.match(text, at)
        if named is None:
            return at, True
        name = named.group(1).lower()
        if named.end() == len(text) and not ended:
            return None
        other_root = self._xml and not self._rooted and name != b"html"
        if name not in {b"html", b"head"} and not other_root:
            return at, True
        found = _TAG.match(text, at)
        if found is None:
            return (at, True) if ended else None
        self._rooted = True
        if other_root and text[found.end() - 2 : found.end()] == b"/>":
            self._markup = b""  # an empty root has no inside
            return found.end(), True
        return found.end(), name == b"head" or other_root

    @staticmethod
    def _after(found: re.Match[bytes] | None, *, ended: bool, at: int) -> tuple[int, bool] | None:
        if found is not None:
            return found.end(), False
        return (at, True) if ended else None


def payload_markup(
    payload: object,
    element_id: str,
    script_url: str,
    digest: str,
    *,
    xml: bool = False,
    within: object = None,
) -> bytes:
    """The inert JSON and the script element that reads it, as ASCII markup.

    ``<``, ``>`` and ``&`` are escaped in the JSON, so that no cookie's value can end the
    element.  Integrity lets a policy of hashes and ``strict-dynamic`` admit the script.
    ``xml``: in documents whose root may be of another vocabulary (SVG).
    """
    text = json.dumps(payload, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    space = _XHTML if xml else ""
    inert = f'<script{space} type="application/json" id="{element_id}">{text}</script>'
    return inert.encode("ascii") + script_markup(script_url, digest, xml=xml, within=within)


GUARD = ":root:root:root{display:none!important}"
"""Hides a page until its runtime takes over, which then hides it in its own way."""
REVEAL = ":root:root:root:root{display:revert!important}"
"""Shows it where no script runs, so that none could: nobody types there under a fixed session
what a token would not stop."""


def guard_markup(*, xml: bool = False) -> bytes:
    """What goes before the runtime into a document that is to be attested.

    In XML a ``noscript`` means nothing; there a query asks browsers that know it.
    """
    space = _XHTML if xml else ""
    reveal = f"<noscript><style>{REVEAL}</style></noscript>"
    if xml:
        reveal = f'<style{space} media="(scripting:none)">{REVEAL}</style>'
    return f"<style{space}>{GUARD}</style>{reveal}".encode("ascii")


_XHTML = ' xmlns="http://www.w3.org/1999/xhtml"'


def script_markup(
    script_url: str, digest: str, *, xml: bool = False, within: object = None
) -> bytes:
    """The script element that brings the runtime.

    ``within``: what it has to know in a document that no server sends, and whose parent it
    does not reach (a ``data:`` frame, a sandboxed ``srcdoc``); nothing that is a person's.
    """
    space = _XHTML if xml else ""
    text = json.dumps(within, ensure_ascii=True, separators=(",", ":"))
    for character in "&'<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    own = "" if within is None else f" {wire.FRAME_ATTRIBUTE}='{text}'"
    return (
        f'<script{space} src="{script_url}" integrity="{digest}" crossorigin=""{own}></script>'
    ).encode("ascii")
