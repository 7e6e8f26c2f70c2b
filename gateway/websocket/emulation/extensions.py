"""Extensions of an emulated WebSocket: on if both sides name them (docs/websocket-emulation.md)."""

from __future__ import annotations

import re
from typing import Final

import attrs

CLOSE: Final = "x-gw-close"
RETRY: Final = "x-gw-retry"
VERDICT: Final = "x-gw-verdict"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")
_MOST = 1024


@attrs.frozen
class Extensions:
    """What is on: ``close`` tells codes, ``retry`` repeats, ``verdict`` knows refusals."""

    close: bool = False
    retry: bool = False
    verdict: bool = False


def read_offer(values: list[bytes], *, strict: bool = False) -> Extensions | None:
    """What a client can and may have; None: the field is malformed.

    ``strict``: nothing that a native WebSocket could not do, so no retry.
    """
    text = b",".join(values).decode("latin-1")
    if len(text) > _MOST:
        return None
    names = set()
    for one in text.split(",") if text.strip() else ():
        name = one.partition(";")[0].strip()
        if not _NAME.match(name):
            return None
        names.add(name.lower())
    return Extensions(CLOSE in names, RETRY in names and not strict, VERDICT in names)


def answer(on: Extensions, retry_bytes: int, retry_seconds: int) -> str:
    """The 201's field; empty: none is on."""
    told = []
    if on.close:
        told.append(CLOSE)
    if on.retry:
        told.append(f"{RETRY}; bytes={retry_bytes}; seconds={retry_seconds}")
    if on.verdict:
        told.append(VERDICT)
    return ", ".join(told)
