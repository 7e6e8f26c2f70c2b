"""What stands behind services: the other legs of their relays, and what is known of them.

- ``backends``: dials a service's backend within its bounds; its circuit, counts and limits.
- ``stream``: a TCP, TLS or Unix stream as a leg; octets become messages and messages octets.
- ``builtin``: the leg that says everything again.
"""
