"""The operator's side.

- ``config``: TOML to frozen Settings, every fault at once.
- ``schema``: which keys there are, what they hold, their defaults.
- ``service``: the service tree that twistd runs; start, drain.  ``reload``: all or nothing.
- ``keyfile``: the root secrets' file: made, read, changed.
- ``log``: JSON lines.  ``metrics``: Prometheus.  ``admin``: health and the operator's page.
"""
