"""DASH manifests (ISO/IEC 23009-1): the URLs that a player loads.

Absolute ones change; templates (``$Number$``) and every other octet stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.rewrite.urls import map_list
from gateway.rewrite.xml_text import XmlText, local

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = frozenset((b"BaseURL", b"Location", b"PatchLocation", b"ContentSteering", b"Laurl"))
"""Elements whose text is a URL; the last is of the DRM extensions, under several prefixes."""
_ATTRIBUTES = frozenset(
    (
        b"media", b"initialization", b"sourceURL", b"index", b"bitstreamSwitching", b"href",
        b"proxyServerURL", b"licenseUrl", b"reportingUrl",
    )
)  # fmt: skip


class DashRewriter(XmlText):
    """One manifest."""

    def attribute(self, element: bytes, name: bytes, value: str) -> str:
        """Segments' addresses, links to other parts, and where clocks are read."""
        if local(name) in _ATTRIBUTES:
            return self.map_url(value)
        if name == b"value" and local(element) == b"UTCTiming":
            return map_list(value, self.map_url)  # of servers; or a time, which is no URL
        return value

    def holds_url(self, element: bytes, attributes: Mapping[bytes, str], *, inside: bool) -> bool:
        """Whether it is one of those whose text is a URL."""
        del attributes, inside
        return local(element) in _TEXTS
