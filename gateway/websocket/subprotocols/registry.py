"""Which validator is for which subprotocol; one that is not here is opaque."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from gateway.websocket.subprotocols.amqp import Amqp
from gateway.websocket.subprotocols.base import Both
from gateway.websocket.subprotocols.graphql import GraphQlLegacy, GraphQlTransport
from gateway.websocket.subprotocols.jsonrpc import JsonRpc
from gateway.websocket.subprotocols.mqtt import Mqtt
from gateway.websocket.subprotocols.schema import BySchema
from gateway.websocket.subprotocols.sip import Sip
from gateway.websocket.subprotocols.stomp import Stomp
from gateway.websocket.subprotocols.wamp import Wamp
from gateway.websocket.subprotocols.xmpp import Xmpp

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.websocket.rules import ValidationRules
    from gateway.websocket.subprotocols.base import Validator

_MAKERS: dict[str, Callable[[ValidationRules], Validator]] = {
    "v10.stomp": lambda rules: Stomp("1.0", rules),
    "v11.stomp": lambda rules: Stomp("1.1", rules),
    "v12.stomp": lambda rules: Stomp("1.2", rules),
    "mqtt": lambda rules: Mqtt(frozenset({3, 4, 5}), rules),
    "mqttv3.1": lambda rules: Mqtt(frozenset({3}), rules),
    "amqp": Amqp,
    "xmpp": lambda _: Xmpp(),
    "graphql-transport-ws": GraphQlTransport,
    "graphql-ws": GraphQlLegacy,
    "jsonrpc": lambda _: JsonRpc(),
    "sip": lambda _: Sip(),
}
for _serialisation in ("json", "msgpack", "cbor", "ubjson"):
    for _name in (_serialisation, f"{_serialisation}.batched"):
        _MAKERS[f"wamp.2.{_name}"] = functools.partial(Wamp, _name)
KNOWN = frozenset(_MAKERS)
"""The names that have a validator."""
WITH_DESTINATIONS = frozenset(
    name for name in _MAKERS if name.endswith(".stomp") or name.startswith(("mqtt", "wamp."))
)
"""Those for which ``publish`` and ``subscribe`` mean something."""


def validator_for(subprotocol: str | None, rules: ValidationRules) -> Validator | None:
    """A new validator for one connection; None: nothing is known of what it carries."""
    maker = _MAKERS.get(subprotocol or "")
    found = maker(rules) if maker is not None else None
    if not rules.has_schema:
        return found
    return BySchema(rules) if found is None else Both(found, BySchema(rules))
