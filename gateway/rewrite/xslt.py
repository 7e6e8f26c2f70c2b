"""XSLT sheets (XSLT 1.0): what of a result's URLs stands in the sheet in so many words.

The sheet's markup itself (``xsl:import``, ``xsl:include``, literal result elements) goes
through the XML rewriter.  Here is what that does not see: literals given to
``document()``, and the texts that become attributes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.rewrite import tokens
from gateway.rewrite.urls import map_list, map_srcset
from gateway.rewrite.xml_text import XmlText, local

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXPRESSIONS = frozenset((b"select", b"test", b"match", b"use"))
_DOCUMENT = re.compile(r"""(\bdocument\s*\(\s*)(?:"([^"]*)"|'([^']*)')""")


class XsltRewriter(XmlText):
    """One sheet; its literal result elements are another rewriter's."""

    _name = b""
    """What attribute the text that is looked at becomes."""

    def attribute(self, element: bytes, name: bytes, value: str) -> str:
        """Documents that an expression loads by their address."""
        del element
        if name not in _EXPRESSIONS or "document" not in value:
            return value
        return _DOCUMENT.sub(self._document, value)

    def _document(self, found: re.Match[str]) -> str:
        at = found.lastindex or 2
        quote = '"' if at == 2 else "'"
        return f"{found[1]}{quote}{self.map_url(found[at])}{quote}"

    def holds_url(self, element: bytes, attributes: Mapping[bytes, str], *, inside: bool) -> bool:
        """``<xsl:attribute name="href">``, and ``<xsl:text>`` in it."""
        if local(element) == b"text":
            return inside
        self._name = attributes.get(b"name", "").encode("ascii", "replace").lower()
        return local(element) == b"attribute" and (
            self._name in tokens.URL_ATTRIBUTES
            or self._name in tokens.SRCSET_ATTRIBUTES
            or self._name in tokens.LIST_ATTRIBUTES
        )

    def text(self, value: str) -> str:
        """A URL, or several, as the attribute has it."""
        if self._name in tokens.SRCSET_ATTRIBUTES:
            return map_srcset(value, self.map_url)
        if self._name in tokens.LIST_ATTRIBUTES:
            return map_list(value, self.map_url)
        return self.map_url(value)
