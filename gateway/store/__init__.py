"""Where rows are kept: opaque, versioned by bucket; and two small directories.

- ``interface``: what a store does, as a Protocol.
- ``sqlite``: the embedded default, with group commit off the reactor thread.
"""
