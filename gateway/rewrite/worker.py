"""Workers' scripts: the runtime before them, so that it runs before anything of the site's.

In a module an import of ours comes first, for imports are run before everything else.  Whether a
script is a module nobody tells; one that begins with an import or export is.  In another one the
runtime stands in its text: what it imports from a host comes through here and has the runtime
before it, too.  What it imports from ``data:`` or ``blob:`` does not, and would run first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.errors import UpstreamFault

if TYPE_CHECKING:
    from gateway.rewrite.pipeline import BodyPlan

_SPACE = rb"(?>[\s\x0b]++|//[^\n\r]*+[\n\r]|/\*(?>[^*]++|\*(?!/))*+\*/)*+"
_BEFORE_SCRIPT = rb"(\xef\xbb\xbf)?" + _SPACE
# The directive prologue may hold others before it.  Not possessive: before 3.11.5, Python's
# possessive groups forget what their inside could still try.
_OTHER = rb"(?:(?!.use strict)(?>\"[^\"\n\r]*+\"|'[^'\n\r]*+')" + _SPACE + rb";?" + _SPACE + rb")*"
_STRICT = re.compile(_BEFORE_SCRIPT + _OTHER + rb"(?:\"use strict\"|'use strict')")
_IMPORT = re.compile(_BEFORE_SCRIPT + rb"(?:import(?![\w$]|\s*+[(.])|export(?![\w$]))")
# A string that may begin with "data:" or "blob:", whatever browsers drop from a URL before it.
_STRING = re.compile(rb"[\"'](?=[\0-\x20\\dDbB])")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{0*([0-9a-fA-F]{1,6})\}|([0nrtbfv\n\r])|(.))"
)
# A backslash before what may be a line break in some encoding.
_HIDDEN = re.compile(rb"\\[\x80-\xff]")
_DROPPED = re.compile(r"\A[\0-\x20]+|[\t\n\r]")
_RUNS = re.compile(r"blob:.|data:(?:[^,;]*script|[ ]*application/wasm)", re.IGNORECASE)
_UNTOLD = re.compile(r"(?:data:[^,;]*)?\Z", re.IGNORECASE)
_BLANK = bytes((*range(0x21), *range(0x7F, 0x100)))
"""White space in scripts, or an octet of it in some encoding."""
_NEWLINE = re.compile(rb"[\n\r\x80-\xff]")
_HEAD = 16 * 1024
_LOOKS = 1024
"""How much of such a string is looked at."""
_NEAR, _BACK = 64, 8192
"""How much before it is, at first and at most."""


class WorkerScript:
    """One worker's script in chunks, with the runtime on its first line.

    One that turns out too late to be a module whose imports run first breaks off.
    """

    def __init__(self, plan: BodyPlan) -> None:
        """Put in what the plan has for workers."""
        self._plan = plan
        self._head: bytes | None = b""
        self._is_module = False
        # What is looked at, where the next string may begin, and whether more was before it.
        self._text, self._from, self._cut = b"", 0, False

    def feed(self, data: bytes) -> bytes:
        """Take a chunk, give what can already go out."""
        if self._head is None:
            self._look(data, final=False)
            return data
        self._head += data
        return self._begin(final=False) if len(self._head) >= _HEAD else b""

    def close(self) -> bytes:
        """Give the rest."""
        if self._head is not None:
            return self._begin(final=True)
        self._look(b"", final=True)
        return b""

    def _begin(self, *, final: bool) -> bytes:
        head, self._head = self._head or b"", None
        mark = b"\xef\xbb\xbf" if head.startswith(b"\xef\xbb\xbf") else b""
        self._is_module = _IMPORT.match(head) is not None or self._imports(head, final=final)
        if self._is_module:
            ours = self._plan.module_preamble
        else:
            ours = (b'"use strict";' if _STRICT.match(head) else b"") + self._plan.preamble
        return mark + ours + head[len(mark) :]

    def _look(self, data: bytes, *, final: bool) -> None:
        if not self._is_module and self._imports(data, final=final):
            raise UpstreamFault("a worker's script imports what would run before the runtime")

    def _imports(self, data: bytes, *, final: bool) -> bool:
        """Whether it may import from ``data:`` or ``blob:``; what only looks so counts, too."""
        text = self._text + data
        end = len(text) if final else max(self._from, len(text) - _LOOKS)
        for found in _STRING.finditer(text, self._from, min(len(text), end + 1)):
            if found.start() >= end:
                break
            if _is_imported(text, found.start(), cut=self._cut) and _may_run(text, found):
                return True
        kept = max(0, end - _BACK)
        self._cut = self._cut or kept > 0
        self._text, self._from = text[kept:], end - kept
        return False


def _may_run(text: bytes, found: re.Match[bytes]) -> bool:
    """Whether a string is the URL of a script that no server sends."""
    raw = text[found.end() : found.end() + _LOOKS]
    value, quote, _ = raw.partition(found.group())
    if b":" in value and _HIDDEN.search(value.partition(b",")[0]):
        return True
    url = _DROPPED.sub("", _ESCAPE.sub(_decoded, value.decode("latin-1")))
    untold = not quote and len(raw) >= _LOOKS and _UNTOLD.match(url) is not None
    return untold or _RUNS.match(url) is not None


def _decoded(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is not None:
        number = int(digits, 16)
        return chr(number) if number <= 0x10FFFF else ""
    return "" if found[4] is not None else found[5]


def _is_imported(text: bytes, at: int, *, cut: bool) -> bool:
    """Whether ``import`` or ``from`` may stand before a string: at once, or before comments."""
    for back in (_NEAR, _BACK):
        start = max(0, at - back)
        before = text[start:at].rstrip(_BLANK)
        if before:
            break
    else:
        return cut or start > 0
    if before.endswith((b"import", b"from", b"*/")):
        return True
    end = start + len(before)
    if _NEWLINE.search(text, end, at) is None:
        return False
    first = max(0, at - _BACK)
    line = max(text.rfind(b"\n", first, end), text.rfind(b"\r", first, end))
    if line < 0 and (cut or first > 0):
        return True  # its beginning is out of sight
    return text.find(b"//", max(line, first), end) >= 0
