"""Which hot loops run: the compiled ones where they were built, else Python's.

The environment variable ``GATEWAY_PURE`` forces Python; output is the same to the octet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from gateway import __pure__

if TYPE_CHECKING:
    from types import ModuleType


class PassHtml(Protocol):
    """``_native.pass_html``: passes over HTML that needs no judgement."""

    def __call__(
        self,
        text: bytes,
        at: int,
        out: list[bytes],
        map_url: Callable[[str], str],
        *,
        forms: bool,
        handlers: bool,
    ) -> int:
        """Give to ``out`` what can go; where the next token begins."""
        ...


def _load() -> ModuleType | None:
    if __pure__:
        return None
    try:
        from gateway.rewrite import _native  # noqa: PLC0415 (it may not have been built)
    except ImportError:
        return None
    return _native


_MODULE: Final = _load()
KIND: Final = "python" if _MODULE is None else "compiled"
"""Which of the two it is, for metrics and ``--version``."""
pass_html: PassHtml | None = None if _MODULE is None else _MODULE.pass_html
find_js: Callable[[bytes], list[tuple[int, int, int]] | None] | None = (
    None if _MODULE is None else _MODULE.find_js
)
