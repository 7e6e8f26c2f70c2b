"""The operator's side.

- ``config``: TOML to frozen Settings, every fault at once.
- ``config_admission``: the part of it about clients, balancers and rates.
- ``config_content``: its part on what pages may do.
- ``config_services``: its part on services of one's own; ``backends``: the way to them.
- ``schema``: which keys there are, what they hold, their defaults.
- ``service``: the service tree that twistd runs; start, drain.  ``reload``: all or nothing.
- ``keyfile``: the root secrets' file: made, read, changed.
- ``config_login``, ``login``, ``passwordfile``: who may use the gateway.
- ``explaining``: decisions in words.  ``log``: JSON lines.  ``metrics``: Prometheus.  ``admin``: health and the operator's page.
"""
