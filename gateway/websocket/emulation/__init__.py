"""The fallback's rules on values: WebSocket Emulation ``wseb-1.0`` (docs/websocket-emulation.md).

- ``frames``: octets to frames and back.
- ``request``: what a request's head asks: the leg, the id, sequence numbers, parameters.
- ``extensions``: which of ours both sides name.
- ``ids``: ids that name their process and are bound to session and origin.
- ``upstream``, ``downstream``: sequence numbers, responses and their bounds, replay.
"""
