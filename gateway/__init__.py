"""An event-driven web gateway on Twisted: any allowed site, served from one domain.

The rooms, from the outside in; imports run downwards only (``tests/test_architecture.py``):

- ``tap`` and ``__main__``: options and service for twistd; the console command.
- ``cli``: one file for each sub-command.  ``demo``: the demo's origins and its local CA.
- ``ops``: configuration, the service tree, logs, metrics, the admin listener.
- ``net``: Twisted shells; parse, ask ``exchange``, do the I/O that it names.
- ``pages``: portal, outer frame, Oops: resources and templates.
- ``store``: opaque rows only, SQLite.
- ``exchange``: one request's decisions in order, for HTTP and WebSocket alike.
- ``cookies``, ``session``, ``policy``, ``rewrite``, ``websocket``: the rules.
- ``origins``, ``errors``, ``events``, ``wire``: the words all of them use.
- ``runtime``: the JavaScript that goes to browsers.

From ``exchange`` down everything is pure: values in, values out.
"""

import os

__version__ = "0.1.0"
__pure__ = os.environ.get("GATEWAY_PURE", "") not in {"", "0"}
"""Whether compiled parts are to be left alone (``rewrite.native``)."""
