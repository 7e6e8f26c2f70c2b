"""The JavaScript that goes to browsers: sources, build, and the built files.

- ``src/inner``: what runs first in every proxied document.
- ``src/rare``: the part of it that comes on demand.
- ``src/identity``: what those have besides on sites that read their own address.
- ``src/worker``: what stands before every worker's own script.
- ``src/socket``: emulated WebSockets, on demand.  ``src/client``: the same as a module.
- ``src/outer``: the outer frame's script.  ``src/settle``: its frame on a domain apart.
- ``src/settings``: the settings page's script.
- ``src/shared``: the origin codec, hooks, and the network's sinks.
- ``built``: the built files and ``manifest.json`` with their digests; committed, so that
  neither installing nor running the gateway needs Node.  ``npm run build`` makes them,
  ``npm test`` compares them and runs ``tests``.
"""
