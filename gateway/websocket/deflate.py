"""permessage-deflate agreed on (RFC 7692), for one leg by itself: nothing is passed on.

An offer that is not understood, or cannot be kept, is declined and not an error (section 5.1);
an answer that was not offered fails the handshake.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from gateway.rewrite.headers import get_all

if TYPE_CHECKING:
    from gateway.rewrite.headers import Fields

NAME = "permessage-deflate"
_TAKEOVERS = ("server_no_context_takeover", "client_no_context_takeover")
_BITS = ("server_max_window_bits", "client_max_window_bits")
WIDEST = 15
_NARROWEST = 9
"""zlib makes no raw stream with a window of 8 bits."""
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_EXTENSION = re.compile(
    rf"[ \t]*({_TOKEN})[ \t]*((?:;[ \t]*{_TOKEN}[ \t]*"
    rf"(?:=[ \t]*(?:{_TOKEN}|\"{_TOKEN}\")[ \t]*)?)*)(?:,|\Z)"
)
_PARAMETER = re.compile(rf";[ \t]*({_TOKEN})[ \t]*(?:=[ \t]*\"?({_TOKEN})\"?[ \t]*)?")
_EMPTY = re.compile(r"[ \t]*(?:,|\Z)")
_MOST = 32
"""So many extensions are looked at; browsers offer one or two."""


@attrs.frozen
class Settings:
    """What the gateway agrees to; ``window_bits`` 0: nothing.

    ``takeover``: a window lives on from one message to the next, which costs its memory as
    long as the connection is open.  ``from_bytes``: smaller messages are sent as they are.
    """

    window_bits: int = 0
    memory_level: int = 4
    takeover: bool = False
    from_bytes: int = 256
    decompressed_bytes: int = 16 * 1024 * 1024


@attrs.frozen
class Agreed:
    """What both ends of a leg keep to; windows and takeovers by who sends."""

    server_bits: int = WIDEST
    client_bits: int = WIDEST
    server_takeover: bool = True
    client_takeover: bool = True
    answer: str = ""


def extensions(fields: Fields) -> list[tuple[str, list[tuple[str, str | None]]]] | None:
    """All ``Sec-WebSocket-Extensions``, in order; None: they are not what the RFC writes."""
    text = ",".join(
        value.decode("latin-1") for value in get_all(fields, b"sec-websocket-extensions")
    )
    found: list[tuple[str, list[tuple[str, str | None]]]] = []
    at = 0
    while at < len(text) and len(found) < _MOST:
        empty = _EMPTY.match(text, at)
        if empty is not None and empty.end() > at:
            at = empty.end()
            continue
        one = _EXTENSION.match(text, at)
        if one is None:
            return None
        parameters = [(each[1], each[2]) for each in _PARAMETER.finditer(one[2])]
        found.append((one[1], parameters))
        at = one.end()
    return found


def accept_offer(fields: Fields, settings: Settings) -> Agreed | None:
    """What a server's side agrees to of a client's offers: the first that can be kept."""
    if not settings.window_bits:
        return None
    for name, parameters in extensions(fields) or ():
        known = _read(parameters, is_offer=True) if name == NAME else None
        if known is None:
            continue
        agreed = _accepted(known, settings)
        if agreed is not None:
            return agreed
    return None


def _accepted(offered: dict[str, int | None], settings: Settings) -> Agreed | None:
    asked = offered.get("server_max_window_bits") or WIDEST
    if asked < _NARROWEST:
        return None
    answer = [NAME]
    if not settings.takeover or "server_no_context_takeover" in offered:
        answer.append("server_no_context_takeover")
    if not settings.takeover or "client_no_context_takeover" in offered:
        answer.append("client_no_context_takeover")
    server_bits = min(asked, settings.window_bits)
    if "server_max_window_bits" in offered:
        answer.append(f"server_max_window_bits={server_bits}")
    client_bits = WIDEST
    if "client_max_window_bits" in offered:
        # A client that has 8 bits at most is asked for nothing: all of zlib's windows read that.
        hint = offered["client_max_window_bits"] or WIDEST
        if hint >= _NARROWEST:
            client_bits = min(hint, settings.window_bits)
            answer.append(f"client_max_window_bits={client_bits}")
    return Agreed(
        server_bits,
        client_bits,
        "server_no_context_takeover" not in answer,
        "client_no_context_takeover" not in answer,
        "; ".join(answer),
    )


def offer(settings: Settings) -> str:
    """What a client's side offers; nothing where it is off."""
    if not settings.window_bits:
        return ""
    parts = [NAME, f"server_max_window_bits={settings.window_bits}", "client_max_window_bits"]
    return "; ".join([*parts, *(() if settings.takeover else _TAKEOVERS)])


def judge_answer(fields: Fields, settings: Settings) -> Agreed | str | None:
    """What a server's answer agrees to, None: nothing; a text: why it is not acceptable."""
    found = extensions(fields)
    if found is None:
        return "the extensions are not sound"
    if not found:
        return None
    if len(found) > 1 or found[0][0] != NAME or not settings.window_bits:
        return "the upstream chose an extension that nobody offered"
    known = _read(found[0][1], is_offer=False)
    if known is None:
        return "the upstream's parameters for permessage-deflate are not sound"
    # A server that leaves the bound out is read with a whole window: it costs no more than that.
    server_bits = known.get("server_max_window_bits") or WIDEST
    client_bits = known.get("client_max_window_bits") or WIDEST
    if client_bits < _NARROWEST:
        return "the upstream asks for a window that zlib does not have"
    return Agreed(
        max(server_bits, _NARROWEST),
        min(client_bits, settings.window_bits),
        "server_no_context_takeover" not in known,
        "client_no_context_takeover" not in known and settings.takeover,
    )


def _read(
    parameters: list[tuple[str, str | None]], *, is_offer: bool
) -> dict[str, int | None] | None:
    """Parameters as RFC 7692 section 7.1 has them; None: one of them is not."""
    found: dict[str, int | None] = {}
    for name, value in parameters:
        if name in found:
            return None
        if name in _TAKEOVERS and value is None:
            found[name] = None
        elif name in _BITS and value is None:
            if not is_offer or name != "client_max_window_bits":
                return None
            found[name] = None
        elif name in _BITS and value is not None and re.fullmatch("[89]|1[0-5]", value):
            found[name] = int(value)
        else:
            return None
    return found
