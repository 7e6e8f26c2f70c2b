"""How the browser's own WebSocket behaves, and whether it does so through the gateway.

- ``base.js``: what cases begin with.  ``constructor``, ``shape``, ``send``, ``close``, ``events``:
  cases of pages and of workers.  ``places.js``: workers of every kind, documents that go away.
- ``server.py``: the origin, whose WebSockets do what their address says.
- ``between.py``: what takes upgrades away.  ``suite.py``: the three ways.
- ``cases.txt``: their names.  ``differences.json``: what differs, and why; ``differing.py`` reads both.
"""
