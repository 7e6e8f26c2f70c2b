"""WebSocket rules on values: handshake, subprotocols, close codes (RFC 6455).

- ``handshake``: a client's opening request judged; the upstream's answer judged.
- ``deflate``: permessage-deflate agreed on, for each leg by itself (RFC 7692).
- ``limits``: how many for whom, how fast, and which code says so.
- ``names``: subprotocols that may be shown.
- ``closing``: which close codes travel end to end, and what stands for the others.
- ``octets``: a stream as messages.  ``circuit``: when a backend that failed is dialled again.
- ``emulation``: the fallback over plain HTTP requests.
- ``rules``: what is asked of a connection's messages; ``inspection``: how they are judged.
- ``subprotocols``: validators of what travels inside.
"""
