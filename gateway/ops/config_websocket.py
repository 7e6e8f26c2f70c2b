"""``[limits] websocket-…``: which of them may be nothing, and what else they may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.ops.schema import Check, Fault, number

if TYPE_CHECKING:
    from gateway.net.settings import Limits

_MOST = 2**50


def window_bits(value: Any) -> int:
    """0, or what zlib makes raw streams with."""
    try:
        return number(9, 15)(value)  # type: ignore[no-any-return]
    except Fault:
        if value == 0 and not isinstance(value, bool):
            return 0
        raise Fault("0 (off) or a whole number from 9 to 15") from None


CHECKS: dict[str, Check] = {
    "websocket-compression-window-bits": window_bits,
    "websocket-compression-upstream-window-bits": window_bits,
    "websocket-compression-memory-level": number(1, 9),
    "websocket-compression-takeover": number(0, 1),
    **{
        f"websocket-{name}": number(0, _MOST)
        for name in (
            "compression-from-bytes",
            "connections-per-address",
            "connections-per-session",
            "connections-per-page",
            "connections-per-upstream",
            "handshakes-per-second",
            "messages-per-second",
            "bytes-per-second",
            "rate-grace-seconds",
            "idle-seconds",
            "places",
        )
    },
}
"""Checks of ``[limits]`` that are not "a whole number from 1"."""


def warnings(limits: Limits) -> list[str]:
    """What lets one client or site cost more than is good for the others."""
    found = []
    for name in ("messages", "bytes"):
        if not getattr(limits, f"websocket_{name}_per_second"):
            key = f"limits.websocket-{name}-per-second"
            found.append(f"{key}: 0: nothing bounds how fast a WebSocket sends")
    if limits.websocket_decompressed_bytes > 256 * 1024 * 1024:
        key = "limits.websocket-decompressed-bytes"
        found.append(f"{key}: a small compressed message may take so much memory")
    return found
