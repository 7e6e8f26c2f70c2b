"""The needs and endings of emulated WebSockets: one made, octets up, a response down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from gateway.exchange.messages import Accept, Refuse
    from gateway.rewrite.headers import Fields
    from gateway.websocket.emulation.extensions import Extensions
    from gateway.websocket.emulation.request import Asked, Opening, Wishes


@attrs.define(eq=False)
class Emulation:
    """What the configuration says; ``node``: the process's name in ids, which it alone knows."""

    node: str = "0"
    retry: bool = True


@attrs.frozen
class RecallVerdict:
    """Ask how a native attempt ended; the reply is ``Refuse``, or None: nobody knows."""

    key: str = attrs.field(repr=False)


@attrs.frozen
class KeepVerdict:
    """Keep for a moment how a native attempt was refused; the reply is None."""

    key: str = attrs.field(repr=False)
    refuse: Refuse


@attrs.frozen
class Created:
    """Answer a create with 201 and relay; ``accept`` is the handshake's ending."""

    accept: Accept
    id: str = attrs.field(repr=False)
    asked: Asked
    opening: Opening
    extensions: Extensions
    fields: Fields = attrs.field(default=(), repr=False)


@attrs.frozen
class Upward:
    """Give a request's body to an emulated WebSocket.

    ``number`` None: there is none, or not a sound one; ``sound``: the method is the leg's.
    """

    id: str = attrs.field(repr=False)
    number: int | None
    sound: bool = True
    fields: Fields = attrs.field(default=(), repr=False)


@attrs.frozen
class Downward:
    """Answer with what an emulated WebSocket sends."""

    id: str = attrs.field(repr=False)
    number: int | None
    wishes: Wishes
    sound: bool = True
    fields: Fields = attrs.field(default=(), repr=False)


VerdictNeed = RecallVerdict | KeepVerdict
VERDICTS = (RecallVerdict, KeepVerdict)

Emulated = Created | Upward | Downward
EMULATED = (Created, Upward, Downward)
