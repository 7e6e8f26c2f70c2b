"""Where rows are kept: opaque, versioned by bucket; nonces, rate counters, a small directory.

- ``interface``: what a store does, as a Protocol.
- ``moments``: what is kept for a moment.
- ``opening``: which of them settings ask for.
- ``sqlite``: the embedded default, with group commit.  ``sqlite_threads``: its threads;
  ``sqlite_upkeep``: what reads or mends all of it.
- ``valkey``: Valkey or Redis, for several machines.  ``valkey_client``: how it
  is reached; ``valkey_keys``: names and rows there; ``valkey_scripts``: what runs there;
  ``valkey_upkeep``: what reads or mends all of it.
"""
