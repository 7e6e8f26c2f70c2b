"""The demo: a local CA, a few real origins on loopback, and a gateway before them.

- ``ca``: a local certificate authority and what it signs.
- ``origins``: the demo's web sites.
- ``run``: puts them together and prints the URL to open.
"""
