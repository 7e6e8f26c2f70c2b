"""What stands behind services: the other legs of their relays, and what is known of them.

- ``backends``: each service's bounds, whether its backend is up, and who asks again.
- ``dialling``: opens one: a WebSocket, or a stream.
- ``stream``: a TCP, TLS or Unix stream as a leg: octets become messages, messages octets.
- ``prepared``: streams that are opened before anybody asks.
- ``builtin``, ``broadcast``: legs that need nobody at the other end.
"""
