"""What is asked of the messages of one connection; ``ops.config_subprotocols`` fills it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from gateway.websocket.subprotocols.schema import JsonSchema


class Mode(Enum):
    """What a violation leads to: nothing is looked at, it is told, or the connection ends."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


@attrs.frozen
class ValidationRules:
    """The rules for one connection.

    ``publish`` and ``subscribe``: patterns of destinations in the language of the
    subprotocol; None: all are open, empty: none is.  ``ids``: how much may be in use at
    once (subscriptions, packets, operations), which bounds what is remembered.  ``names``:
    subprotocols as the operator wrote them, which may be shown; others may be secrets.
    """

    mode: Mode = Mode.OFF
    publish: tuple[str, ...] | None = None
    subscribe: tuple[str, ...] | None = None
    init_seconds: int = 10
    ids: int = 4096
    message_bytes: int = 16 * 1024 * 1024
    names: tuple[str, ...] = ()
    from_client: JsonSchema | None = attrs.field(default=None, repr=False)
    to_client: JsonSchema | None = attrs.field(default=None, repr=False)

    @property
    def has_schema(self) -> bool:
        """Whether the operator described the messages."""
        return self.from_client is not None or self.to_client is not None
