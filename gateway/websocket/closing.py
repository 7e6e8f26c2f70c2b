"""Close codes end to end (RFC 6455, section 7.4).

Codes that a peer sent travel with their reason; those that only describe a local
observation (1005, 1006, 1015) are never written.
"""

from __future__ import annotations

import attrs

NORMAL = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
POLICY = 1008
TOO_BIG = 1009
INTERNAL = 1011
TRY_AGAIN = 1013

_SENT = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))
_MAX_REASON = 123


@attrs.frozen
class Ending:
    """How one leg is to end.

    ``code`` None with ``drop`` False: a close frame without a code.  ``drop``: the
    connection vanishes, as the other leg's did; ``flushed``: after what was sent before.
    """

    code: int | None = None
    reason: str = attrs.field(default="", repr=False)
    drop: bool = False
    flushed: bool = attrs.field(default=False, eq=False)


def is_sent(code: int) -> bool:
    """Whether a code may stand in a close frame."""
    return code in _SENT


def pass_on(code: int | None, reason: str | None, *, was_clean: bool) -> Ending:
    """What the other leg is told when this one ended so."""
    if not was_clean:
        # A leg that its own limits closed (1009 and the like) says so to both sides.
        if code in _SENT:
            return Ending(code, shorten(reason or ""))
        return Ending(drop=True, flushed=True)
    if code is None or code == 1005:
        return Ending()
    if code in _SENT:
        return Ending(code, shorten(reason or ""))
    return Ending(PROTOCOL_ERROR)


def shorten(reason: str) -> str:
    """Cut a reason to what fits into a close frame, at a character's boundary."""
    octets = reason.encode("utf-8", "replace")
    return reason if len(octets) <= _MAX_REASON else octets[:_MAX_REASON].decode("utf-8", "ignore")
