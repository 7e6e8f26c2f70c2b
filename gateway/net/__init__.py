"""The Twisted shells: parse, ask ``exchange``, do the I/O that it names, feed back.

- ``settings``: every limit and address of this room.  ``telemetry``: what operators are told.
- ``listener``: TLS and plain listening ports, certificates.
- ``proxied``: PROXY headers of balancers.  ``rates``: token buckets that processes share.
- ``site``, ``requests``: they own twisted.web's server side; ``http2``: its HTTP/2; ``client``:
  what they hand on; ``arriving``: bodies that are read while they come.
- ``http``: drives an exchange; ``uploads``, ``body``: pipe both ways; ``threads``: for heavy ones;
  ``edits``: edited bodies that are kept; ``early``: early hints.
- ``drive``: the loop between an exchange and what performs its needs; ``holds``: who waits
  for whom to change a bucket.
- ``websocket``, ``legs``, ``parting``: they own autobahn, both sides; ``sockets``: from dial to ending.
- ``emulation``, ``emulation_request``, ``emulation_response``: the leg of an emulated one;
  ``emulating``: all of them; ``nodes``, ``passing``: those of other processes.
- ``relay``: two legs coupled, whatever they are made of; ``standing``: what a reload ends.
- ``services``: what stands behind services of the operator's own.
- ``upstream``: the one module that owns twisted.web's client side; the pool; ``sloppy``: odd answers.
- ``reports``: counts browsers' reports, keeps some, sends on what sites asked for; ``leaks``: by site.
- ``resolver``: static hosts, and addresses judged after resolution.  ``peer``: TLS towards origins.
- ``login``: passwords compared; ``bearer``: tokens judged; ``provider``: OpenID; ``fetch``: for both.
"""
