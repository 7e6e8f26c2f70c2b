"""Validators of subprotocols: messages in, verdicts out; pure, one small state machine each.

- ``base``: messages, verdicts, what validators share.  ``registry``: which is for which name.
- ``destinations``: allow-lists of destinations, topics and URIs, aware of wildcards.
- ``stomp``: v10.stomp, v11.stomp, v12.stomp.
- ``mqtt``: mqtt, mqttv3.1; ``mqtt_packets``: the octets of its packets.
- ``amqp``: amqp; ``amqp_091`` and ``amqp_10``: the two that go by this name.
- ``wamp``: wamp.2 over JSON, MessagePack, CBOR, UBJSON; ``wamp_codecs``: those, bounded.
- ``xmpp``, ``sip``, ``jsonrpc``: what their names say.
- ``graphql``: graphql-transport-ws and the older graphql-ws.
- ``schema``, ``schema_compiler``: operators' own JSON protocols.
- ``json_text``: JSON as everybody reads it.
"""
