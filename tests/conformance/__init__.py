"""Conformance suites of others, run through a whole gateway in processes of its own.

- ``stage``: a gateway, an echo behind it, a door for what speaks no TLS.
- ``autobahn``: the Autobahn test-suite's cases (PyPI ``kosoku``) at either side.
- ``python -m tests.conformance``: run all of it and write ``docs/websocket-conformance.md``.
"""
