"""Validators of subprotocols: messages in, verdicts out; pure, one small state machine each.

- ``base``: messages, verdicts, what validators share.  ``registry``: which is for which name.
- ``destinations``: allow-lists of destinations, topics and URIs, aware of wildcards.
- ``stomp``: v10.stomp, v11.stomp, v12.stomp.
"""
