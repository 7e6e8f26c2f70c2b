"""Forms that are sent with POST carry the page's token in their action.

A request that changes state needs it (protocols, section 8).  Forms sent with GET stay as
they are: browsers put their fields in the place of the action's query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import wire
from gateway.origins import parse
from gateway.rewrite.parameters import with_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.rewrite.urls import UrlMap

ELEMENTS = frozenset((b"form", b"button", b"input"))
_SPACE = "".join(map(chr, range(0x21)))


class FormTokens:
    """Puts one document's ``token`` into where its forms are sent."""

    def __init__(self, urls: UrlMap, token: str) -> None:
        """``token`` is of characters that a query may hold; it is shown nowhere."""
        self._urls = urls
        self._token = token
        self._sent_with_get: str | None = None

    def targets(self, element: bytes, values: Mapping[bytes, str]) -> dict[bytes, str]:
        """The ``action`` or ``formaction`` that this element of ``ELEMENTS`` must have."""
        if element == b"form":
            action = values.get(b"action", "")
            is_post = values.get(b"method", "").lower() == "post"
            self._sent_with_get = None if is_post else action
            return {b"action": self._target(action)} if is_post else {}
        if b"formaction" in values:
            return {b"formaction": self._target(values[b"formaction"])}
        is_post = values.get(b"formmethod", "").lower() == "post" and b"form" not in values
        if is_post and self._sent_with_get is not None:
            # The one way to POST by a form whose own action has no token; another form's
            # button is refused rather than sent elsewhere.
            return {b"formaction": self._target(self._sent_with_get)}
        return {}

    def _target(self, action: str) -> str:
        text = action.strip(_SPACE)
        if not text:
            mapped = self._path_of(self._urls.document_url)
        elif text[0] == "#":
            mapped = self._path_of(self._urls.base) + text
        elif parse(text, self._urls.base) is None:
            return action  # mailto: and the like: a token would only leak
        else:
            mapped = self._urls.url(text)
        return with_parameter(mapped, wire.TOKEN_PARAMETER, self._token)

    def _path_of(self, url: str) -> str:
        """A URL without its fragment, as short as a ``<base>`` allows."""
        found, based = parse(url), parse(self._urls.base)
        if found is None:
            return ""
        path = found[1].pathname + found[1].search
        if based is None or based[0] != found[0] or path.startswith("//"):
            return self._urls.url(url.partition("#")[0])
        return path
