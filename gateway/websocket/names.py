"""Names of subprotocols that may be shown: what is offered, or chosen, may be a secret.

Some applications send tokens as subprotocols.  What has a name in IANA's registry, or is known
to be one, is shown; of anything else that there is something.
"""

from __future__ import annotations

KNOWN = frozenset(
    (
        "amqp", "bokeh", "chat", "coap", "echo", "graphql-transport-ws", "graphql-ws", "jsonrpc",
        "mqtt", "mqttv3.1", "ocpp1.2", "ocpp1.5", "ocpp1.6", "ocpp2.0", "ocpp2.0.1", "sip", "soap",
        "stomp", "streamlit", "v1.kernel.websocket.jupyter.org", "v10.stomp", "v11.stomp",
        "v12.stomp", "v4.channel.k8s.io", "v5.channel.k8s.io", "vite-hmr", "vite-ping",
        "wamp", "wamp.2.cbor", "wamp.2.cbor.batched", "wamp.2.json", "wamp.2.json.batched",
        "wamp.2.msgpack", "wamp.2.msgpack.batched", "xmpp",
    )
)  # fmt: skip
UNKNOWN = "(another)"


def shown_name(subprotocol: str | None) -> str:
    """What a page or log calls it; empty: there is none."""
    if not subprotocol:
        return ""
    return subprotocol if subprotocol in KNOWN else UNKNOWN
