"""Where SVG and MathML begin and end in HTML, as far as the tokenizer depends on it.

In foreign content no element's text is raw, and CDATA sections count; within integration
points HTML goes on (HTML standard, 13.2.6 "tree construction dispatcher").
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gateway.rewrite import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOTS = frozenset((b"svg", b"math"))
_OF_HTML = frozenset({"text/html", "application/xhtml+xml"})


class ForeignContent:
    """The part of the stack of open elements that decides how text is read.

    Without the whole tree, a stray end tag that closes an HTML ancestor, and the foreign
    content with it, is known by its name alone.
    """

    def __init__(self) -> None:
        """A document begins in HTML."""
        self._stack: list[bytes] = []
        # How many of each name are on it: a hostile document has deep ones, and many end tags.
        self._open: Counter[bytes] = Counter()
        self.at_point = False
        """Directly in an integration point, which is foreign itself."""

    @property
    def is_empty(self) -> bool:
        """Whether all that is open is HTML."""
        return not self._stack

    @property
    def kind(self) -> str:
        """The vocabulary that a start tag belongs to: html, svg or math."""
        return self._stack[-1].decode("ascii") if self.is_foreign else "html"

    @property
    def is_foreign(self) -> bool:
        """Whether the current element is SVG's or MathML's, and no integration point."""
        return bool(self._stack) and self._stack[-1] in _ROOTS

    def break_out(self) -> None:
        """An element that can only be HTML's ends foreign content."""
        while self.is_foreign:
            self._pop()

    def begin(self, root: bytes) -> None:
        """``<svg>`` or ``<math>`` in HTML."""
        self._push(root)

    def enter(self, name: bytes, attributes: Mapping[bytes, str]) -> None:
        """A start tag in foreign content, not self-closing."""
        inside = self._stack[-1]
        if name == inside or (name == b"svg" and inside == b"math"):
            self._push(name)  # MathML's annotation-xml may hold SVG
            return
        points = tokens.SVG_POINTS if inside == b"svg" else tokens.MATH_POINTS
        is_annotation = inside == b"math" and name == b"annotation-xml"
        if name in points or (
            is_annotation and attributes.get(b"encoding", "").lower() in _OF_HTML
        ):
            self._push(name)
            self.at_point = True

    def leave(self, name: bytes) -> None:
        """An end tag in or around foreign content."""
        if self._open[name]:
            while self._pop() != name:
                pass
        elif self.is_foreign and name in tokens.CLOSING:
            self.break_out()

    def _push(self, name: bytes) -> None:
        self._stack.append(name)
        self._open[name] += 1

    def _pop(self) -> bytes:
        name = self._stack.pop()
        self._open[name] -= 1
        return name
